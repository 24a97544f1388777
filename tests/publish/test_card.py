import json
import re

import datasets
import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt

import dummies
from kame_data.errors import KameError, UsageError
from kame_data.finished.reader import TEXT_COLUMNS
from kame_data.publish.configs import Config
from kame_data.publish.loads import check_loads
from kame_data.shards.schema import EARLY
from publish.conftest import change, make, put, refuse, rising


@pytest.fixture(scope="module")
def dry(tmp_path_factory, with_tokens):
    """What a build with tokens would upload, in a folder called ORG/NAME."""
    folder = tmp_path_factory.mktemp("dry") / "ORG" / "NAME"
    return put(with_tokens, dry_run=folder, allow_stand_ins=True)


def halves(folder):
    """The head of a card, read, and its body."""
    _, head, body = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), body


def blocks(body, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", body, re.DOTALL | re.MULTILINE)


def test_everything_is_there_and_loads(dry, with_tokens):
    assert dry.rows == {name: {"train": 18, "validation": 2} for name in ("speech", "text", "tokens")}
    listing = json.loads((dry.folder / "kame-data.json").read_text())
    there = {p.relative_to(dry.folder).as_posix() for p in dry.folder.rglob("*") if p.is_file()}
    assert there == set(listing["files"]) | {"kame-data.json"} and len(there) == dry.files
    for name in ("train-00000-of-00003", "validation-00000-of-00001"):
        assert (dry.folder / f"speech/{name}.parquet").read_bytes() == (
            with_tokens / f"shards/{name}.parquet"
        ).read_bytes()


def test_load_dataset_gives_the_rows_with_their_features(dry, with_tokens, tmp_path):
    for name in ("text", "speech", "tokens"):
        loaded = datasets.load_dataset(str(dry.folder), name, cache_dir=str(tmp_path))
        assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 18, "validation": 2}
    text = datasets.load_dataset(str(dry.folder), "text", split="validation", cache_dir=str(tmp_path))
    wanted = pq.read_table(
        with_tokens / "shards/validation-00000-of-00001.parquet",
        columns=[name for name in TEXT_COLUMNS if name != EARLY],
    )
    assert text.to_list() == wanted.to_pylist() and "audio" not in text.column_names
    default = datasets.load_dataset(str(dry.folder), split="train", cache_dir=str(tmp_path))
    assert isinstance(default.features["audio"], datasets.Audio) and default.features["audio"].sampling_rate == 24000


def test_the_head_says_what_the_hub_wants_to_know(dry):
    head, _ = halves(dry.folder)
    assert [c["config_name"] for c in head["configs"]] == ["speech", "text", "tokens"]
    assert head["configs"][0]["default"] is True
    infos = {info["config_name"]: info for info in head["dataset_info"]}
    assert [s["num_examples"] for s in infos["tokens"]["splits"]] == [18, 2]
    audio = next(f for f in infos["speech"]["features"] if f["name"] == "audio")
    assert audio["dtype"] == {"audio": {"sampling_rate": 24000}}
    assert head["language"] == ["en"] and head["size_categories"] == ["n<1K"] and head["license"] == "other"
    assert head["license_name"] == "gsm8k-mit.hssbench-unstated.mmlu-pro-mit"
    assert (dry.folder / head["license_link"]).is_file()
    assert "audio-to-audio" in head["task_categories"]


def test_the_loading_code_of_the_card_runs(dry, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(dry.folder.parents[1])
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    _, body = halves(dry.folder)
    found = blocks(body, "python")
    assert len(found) == 3
    for block in found:
        exec(compile(block, "the card", "exec"), {})
    said = capsys.readouterr().out
    assert "assistant It is two hundred" in said and "24000 " in said and "(8, " in said


def test_the_body_says_how_it_was_made(dry):
    _, body = halves(dry.folder)
    for told in (
        "20 dialogues", "| `speech` | 18 | 2 |", "`user-1` (20)", "mean nothing any more",
        "Stand-ins made part of this: `codec: untrained`", "| level | count | words | chrF |", "`too_long`",
        "not stated by its authors", "@article{wang2024mmlupro", "@techreport{defossez2024moshi",
        "no recogniser's word", "level 5", "random weights, under no licence", "`dummy` (20)",
    ):  # fmt: skip
        assert told in body, told


def test_every_column_is_explained(dry):
    _, body = halves(dry.folder)
    told = {name for line in body.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    for config in ("text", "speech", "tokens"):
        (first, *_) = sorted((dry.folder / config).glob("*.parquet"))
        assert set(pq.read_schema(first).names) - told - {"audio"} == set()


def test_figures_of_models(tmp_path, rows):
    out = make(tmp_path / "out", rows)
    change(
        out,
        prompts={"writer": "abc123"},
        terms=["xtts_v2 (CPML): for non-commercial use"],
        asked_again={"oracles, level 2": {"too_short": 30}},
        spend={"dollars": 12.5, "by": [{"stage": "oracles", "model": "a|b`c", "level": 2, "cost": 12.5, "lost": 0}]},
    )
    put(out, dry_run=tmp_path / "dry")
    body = (tmp_path / "dry" / "README.md").read_text()
    assert "| `writer` | `abc123` |" in body and "$12.50 in all" in body and "| `oracles` | ``a\\|b`c`` | 2 |" in body
    assert "`xtts_v2 (CPML): for non-commercial use`" in body
    level = next(line for line in body.splitlines() if line.startswith("| 2 |"))
    assert level.split("|")[-2].strip() not in ("0.0%", "-")


def test_a_build_without_speech_has_text_alone(tmp_path):
    rows = [rising(dummies.row(n, spoken=False)) for n in range(12)]
    out = make(tmp_path / "out", rows, speak=False)
    written = put(out, dry_run=tmp_path / "dry")
    assert written.rows == {"text": {"train": 11, "validation": 1}}
    head, body = halves(tmp_path / "dry")
    assert head["dataset_info"]["config_name"] == "text" and head["task_categories"] == [
        "question-answering",
        "text-generation",
    ]
    assert "never spoken" in body and "hours of speech" not in body and len(blocks(body, "python")) == 1


def test_other_languages_and_no_validation(tmp_path):
    rows = [rising(dummies.row(n, language="fr")) for n in range(4)]
    out = make(tmp_path / "out", rows, languages=("fr",))
    assert put(out, dry_run=tmp_path / "dry").rows["text"] == {"train": 4}
    assert halves(tmp_path / "dry")[0]["language"] == ["fr"]


def recorded(row):
    """The row as an import has it."""
    none = {"source": "imported", "answer": "", "category": ""}
    said = {"writer": "imported", "user_voice": "recorded", "assistant_voice": "recorded", "word_times": "given"}
    return row | none | {"provenance": row["provenance"] | said}


def test_recordings_are_not_called_questions_or_synthetic(tmp_path, rows):
    own = [{"name": "imported", "location": "recordings"}]
    out = make(tmp_path / "recorded", [recorded(row) for row in rows], sources=own, writer="offline")
    head, body = halves(put(out, dry_run=tmp_path / "dry").folder)
    assert head["language_creators"] == ["found"] and "synthetic" not in head["tags"]
    for false in (
        "benchmark",
        "synthetic",
        "espeak",
        "no user's voice",
        "publisher's own questions",
        "the answer being",
    ):
        assert false not in body, false
    assert "20 of the dialogues are recordings. Whose voices these are is not recorded" in body
    assert "whether these people agreed to this, and under what licence they are is not stated here" in body
    assert "What `dummy` wrote is under the terms" in body and "the publisher's own recordings" in body
    assert re.search(r"^\| 5 \| \d+ \|.*\| - \| - \|$", body, re.MULTILINE)


def test_recordings_beside_written_dialogues(tmp_path, rows):
    both = [recorded(row) if n % 2 else row for n, row in enumerate(rows)]
    own = [
        {"name": "imported", "location": "recordings"},
        {"name": "gsm8k"},
        {"name": "mmlu_pro"},
        {"name": "hssbench"},
    ]
    out = make(tmp_path / "both", both, sources=own)
    head, body = halves(put(out, dry_run=tmp_path / "dry").folder)
    assert head["language_creators"] == ["machine-generated", "found"] and "synthetic" in head["tags"]
    assert "These are benchmark questions (GSM8K, HSSBench, MMLU-Pro)" in body
    assert "10 of the dialogues are recordings" in body
    assert "All other speech is synthetic, of 1 user voice and 1 for the assistant" in body


def test_bundled_samples_and_own_questions_are_no_benchmark(tmp_path, rows):
    own = [row | {"source": "gsm8k" if n % 2 else "questions"} for n, row in enumerate(rows)]
    sources = [{"name": "gsm8k", "location": "sample"}, {"name": "questions", "location": "mine.jsonl"}]
    out = make(tmp_path / "own", own, sources=sources)
    _, body = halves(put(out, dry_run=tmp_path / "dry").folder)
    assert "benchmark" not in body


def test_text_of_strangers_breaks_nothing(tmp_path):
    evil = (*dummies.HOSTILE, "```\n---\nlicense: mit\n---", "| a | b |", "`", "# head", "[x](javascript:y)", "![p](q)")
    lines = [line for text in evil if (line := " ".join(text.split()))]
    rows = [rising(dummies.row(n, hostile=lines)) for n in range(10)]
    rows = [row | {"id": f"{row['question_id']}-v0"} for row in rows]
    out = make(tmp_path / "out", rows)
    change(
        out,
        stand_ins=["simulator: " + " ".join(evil)],
        terms=["\n".join(evil)],
        **refuse(out, "speech", {" ".join(evil): 3}),
        prompts={evil[0]: evil[1]},
        spend={"dollars": 1, "by": [{"stage": evil[3], "model": " ".join(evil), "level": None, "cost": 1, "lost": 0}]},
    )
    put(out, dry_run=tmp_path / "dry", allow_stand_ins=True)
    head, body = halves(tmp_path / "dry")
    assert head["license"] == "other" and "language" in head
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").parse(body)
    html = [t.content for t in tokens if t.type == "html_block"]
    inline = [child for token in tokens for child in token.children or ()]
    html += [child.content for child in inline if child.type == "html_inline"]
    assert {h.strip() for h in html} <= {"<details>\n<summary>Categories</summary>", "</details>"}
    links = {child.attrs["href"] for child in inline if child.type == "link_open"}
    assert all(link.startswith(("https://arxiv.org/abs/", "https://huggingface.co/")) for link in links)
    assert not [child for child in inline if child.type == "image"]
    plain = " ".join(child.content for child in inline if child.type == "text")
    assert "pwned" not in plain and "javascript" not in plain
    shown = [child.content for child in inline if child.type == "code_inline"]
    assert any("</script><script>window.pwned=1</script>" in text for text in shown)
    # Every table row has the cells of its head.
    rows_of = [t for t in tokens if t.type in ("tr_open", "th_open", "td_open")]
    assert {t.tag for t in rows_of} == {"tr", "th", "td"}
    wanted = [
        "What is in it",
        "Load it",
        "A dialogue",
        "How it was made",
        "Known limits",
        "Licences and terms",
        "Citations",
    ]
    heads = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open" and t.tag == "h2"]
    assert heads == wanted
    assert "\u202e" not in body and "\x7f" not in body and "\u2028" not in body


def test_a_dry_run_is_written_over_by_the_next_and_nothing_else_is(tmp_path, spoken, rows):
    folder = tmp_path / "dry"
    put(spoken, dry_run=folder)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    (folder / "speech" / ".x.parquet.tmp").write_bytes(b"cut off")
    put(spoken, dry_run=folder)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    put(spoken, dry_run=folder, audio=False)
    assert not list(folder.glob("speech/*")) and (folder / "text").is_dir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds notes.txt, which is not ours"):
        put(spoken, dry_run=folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").write_text("mine")
    with pytest.raises(UsageError, match="holds something else; give a new or an empty folder"):
        put(spoken, dry_run=other)
    with pytest.raises(UsageError, match="is a file"):
        put(spoken, dry_run=other / "a")
    assert (other / "a").read_text() == "mine"


def test_what_does_not_load_is_said(dry, tmp_path):
    import shutil

    folder = shutil.copytree(dry.folder, tmp_path / "copy")
    with pytest.raises(KameError, match="reads 18 rows of 'text', split train, and the manifest says 19"):
        check_loads(folder, [Config(name, {}, {"train": 19}) for name in ("text", "speech", "tokens")])
    path = folder / "text" / "train-00001-of-00003.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(KameError, match="cannot read 'text', split train"):
        check_loads(folder, [Config(name, {}, {"train": 18}) for name in ("text", "speech", "tokens")])


def test_places_of_this_machine_are_not_told(tmp_path, rows):
    out = make(
        tmp_path / "out",
        rows,
        sources=("gsm8k=/home/somebody/secret/rows.jsonl", "mmlu_pro=TIGER-Lab/MMLU-Pro", "hssbench"),
        speech={"tts": "coqui:/home/somebody/models/mine", "user_voices": ["../somebody/anna.wav"]},
    )
    put(out, dry_run=tmp_path / "dry")
    for path in tmp_path.glob("dry/*.*"):
        assert "somebody" not in path.read_text(), path
    body = (tmp_path / "dry" / "README.md").read_text()
    assert "read from `rows.jsonl`" in body and "`coqui:mine`" in body
