import json

import numpy
import pytest
import yaml
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from kame_data.cli.main import app
from kame_data.errors import KameError, UsageError
from kame_data.publish.publish import publish
from kame_data.settings.publication import Publication
from publish.conftest import KYUTAI, Told, make


def put(run, **more):
    return publish(Publication(repo="ORG/MODEL", run=run, **more), Told())


def card_of(folder):
    _, head, body = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), body


def test_the_card_of_a_model(run, tmp_path):
    put(run, dry_run=tmp_path / "dry", dataset="ORG/DATA")
    head, body = card_of(tmp_path / "dry")
    assert head["base_model"] == KYUTAI and head["license"] == "cc-by-4.0" and head["library_name"] == "moshi"
    assert head["datasets"] == ["ORG/DATA"] and head["language"] == ["en"]
    for told in (
        "| its own oracle | 1.125 |", "| an oracle of another question | 2.500 |", "| no oracle | 2.750 |",
        "step 40, the", "https://huggingface.co/datasets/ORG/DATA", "`gsm8k` (1,234)", "2.0 hours",
        "CC BY 4.0: name Kyutai",
        "of rank 128", "--hf-repo ORG/MODEL", "@article{cobbe2021gsm8k", "@techreport{defossez2024moshi", "(GSM8K)",
        "`` `x` <b>: never sell ``",
    ):  # fmt: skip
        assert told in body, told
    assert "[!WARNING]" not in body
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    assert not [t for t in tokens if t.type == "html_block"]


def test_it_is_published_once(run, site):
    assert put(run).uploaded == 6 and put(run).uploaded == 0
    assert set(site.read("ORG/MODEL", "model")) == {
        ".gitattributes", "README.md", "config.json", "kame-data.json", "model.safetensors", "tokenizer.model",
        "training.json",
    }  # fmt: skip
    (run / "export" / "training.json").unlink()
    done = put(run)
    assert done.deleted == 1 and "training.json" not in site.read("ORG/MODEL", "model")
    assert "dialogues it was trained on is not recorded" in site.read("ORG/MODEL", "model")["README.md"].decode()


def change(run, name, **changed):
    path = run / "export" / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"from": "untrained-tiny"}, "weights: untrained-tiny"),
        ({"trained_on": {"codec": "untrained small seed=0"}}, "codec: untrained"),
        ({"stand_ins": ["voice: espeak"]}, "voice: espeak"),
        ({"data": {"stand_ins": ["writer: offline rules"]}}, "writer: offline rules"),
    ],
)
def test_stand_ins_stop_it(run, tmp_path, changed, told):
    change(run, "training.json", **changed)
    with pytest.raises(KameError, match=told) as caught:
        put(run, dry_run=tmp_path / "dry")
    assert caught.value.exit_code == 1 and not (tmp_path / "dry").exists()
    put(run, dry_run=tmp_path / "dry", allow_stand_ins=True)
    head, body = card_of(tmp_path / "dry")
    assert f"`{told}`" in body and "[!WARNING]" in body
    assert (head["license"] == "other") == told.startswith("weights")


def test_the_build_that_is_named_tells_of_the_data(run, tmp_path, rows):
    (run / "export" / "training.json").unlink()
    out = make(tmp_path / "out", rows, stand_ins=["voice: espeak"])
    with pytest.raises(KameError, match="voice: espeak"):
        put(run, out=out, dry_run=tmp_path / "dry")
    put(run, out=out, dry_run=tmp_path / "dry", allow_stand_ins=True)
    assert "`openai:a-model`" in card_of(tmp_path / "dry")[1]
    with pytest.raises(UsageError, match="holds no finished build"):
        put(run, out=tmp_path, dry_run=tmp_path / "dry")


def test_a_model_of_recordings_is_not_said_to_know_benchmarks(run, tmp_path):
    path = run / "export" / "training.json"
    told = json.loads(path.read_text())
    told["data"]["dialogues"] = {"imported": 7}
    path.write_text(json.dumps(told))
    body = (put(run, dry_run=tmp_path / "dry").folder / "README.md").read_text()
    assert "benchmark" not in body and "dialogues recorded, oracles simulated by `openai:m`" in body


def test_without_figures_it_says_so(run, tmp_path):
    (run / "metrics.jsonl").unlink()
    put(run, dry_run=tmp_path / "dry")
    body = card_of(tmp_path / "dry")[1]
    assert "Not measured" in body and "Whether it uses its oracles was not measured" in body


def test_figures_that_are_no_numbers_are_left_out(run, tmp_path):
    training = json.loads((run / "export" / "training.json").read_text())
    strange = {"step": training["step"], "val/loss": None, "val/text": "low", "val/text_true_oracle": None}
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(strange) + "\n")
    put(run, dry_run=tmp_path / "dry")
    assert "None" not in card_of(tmp_path / "dry")[1]


def torn(run):
    path = run / "export" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])


def no_oracles(run):
    import safetensors.numpy

    safetensors.numpy.save_file({"a": numpy.zeros(1)}, run / "export" / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (torn, "model.safetensors: is damaged"),
        (no_oracles, "has no oracle_emb.weight"),
        (lambda run: (run / "export" / "tokenizer.model").unlink(), "tokenizer.model: is missing"),
        (lambda run: (run / "export" / "config.json").write_text("[1]"), "config.json: is damaged"),
        (lambda run: (run / "export" / "training.json").write_text("{"), "training.json: is damaged"),
    ],
)
def test_damage_stops_it_whatever_is_allowed(run, tmp_path, spoil, told):
    spoil(run)
    with pytest.raises(KameError, match=told):
        put(run, dry_run=tmp_path / "dry", allow_stand_ins=True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "nowhere"], "holds no export/config.json"),
        (["--dataset", "a/b"], "goes with --model"),
        (["--model", "x", "--no-audio"], "a model has none"),
        (["--model", "x", "--dataset", "b"], "write ORG/NAME"),
    ],
)
def test_bad_usage(arguments, told, tmp_path):
    done = CliRunner().invoke(app, ["publish", "--repo", "ORG/NAME", "--dry-run", str(tmp_path / "dry"), *arguments])
    assert isinstance(done.exception, UsageError) and told in str(done.exception)
