"""Token shards of a real build of the bundled samples, made as a user makes them."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from building import build, settings_of
from kame_data.codec.text_stream import text_tokens
from kame_data.codec.token_manifest import TokenManifest
from kame_data.codec.token_schema import TOKENS, TokenFacts
from kame_data.codec.token_shards import write_token_shard
from kame_data.codec.tokenize import make_tokens
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError, UsageError
from kame_data.settings.tokenizing import TokenSettings
from kame_data.storage.files import checksum
from kame_data.storage.self_checksum import summed
from kame_data.verify.check_build import verify

# What they share takes long to make, so they stay on one worker.
pytestmark = pytest.mark.xdist_group("tokens")

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=2)


class Told:
    """Progress that remembers what it was told."""

    def __init__(self):
        self.parts, self.done, self.rows, self.refused = 0, 0, [], 0

    def total(self, stage, parts, done):
        self.parts, self.done = parts, done

    def advance(self, stage, rows, refused):
        self.rows.append(rows)
        self.refused += refused


def tokens(out, settings=SETTINGS):
    """Make tokens; (manifest, what was told)."""
    told = Told()
    return make_tokens(out, settings, told), told


def token_bytes(out):
    return {p.name: p.read_bytes() for p in sorted((out / "tokens").iterdir())}


def problems_of(out, *checks):
    """What the checks find, all of them unless told otherwise."""
    return [problem for check in verify(out) if not checks or check.name in checks for problem in check.problems]


def kame(*args):
    command = [sys.executable, "-m", "kame_data.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def descendants(pid):
    """The processes that descend from one."""
    children = [int(p) for task in Path(f"/proc/{pid}/task").glob("*/children") for p in task.read_text().split()]
    return children + [found for child in children for found in descendants(child)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A build of nine dialogues in shards of five rows, two rows a group; no tokens yet."""
    out = tmp_path_factory.mktemp("built") / "out"
    build(settings_of(out, speak=True, limit=3, shards={"rows": 5, "row_group": 2}))
    return out


@pytest.fixture(scope="module")
def done(built, tmp_path_factory):
    """The same build with its tokens."""
    out = tmp_path_factory.mktemp("done") / "out"
    shutil.copytree(built, out)
    tokens(out)
    return out


@pytest.fixture
def copy(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "out"))


@pytest.fixture
def done_copy(done, tmp_path):
    return Path(shutil.copytree(done, tmp_path / "out"))


def rows_of(folder):
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_every_column_is_described_with_its_type():
    section = (ROOT / "docs/SCHEMA.md").read_text().split("## A row of a token shard", 1)[1].split("\n## ", 1)[0]
    described = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE))
    assert list(described) == TOKENS.names
    for field in TOKENS:
        kind = f"list of {field.type.value_type}" if pa.types.is_list(field.type) else str(field.type)
        assert described[field.name].split(",")[0].strip() == kind, field.name
    for key in TokenFacts("a", "b", "c", "d", 1).metadata():
        assert f"`{key}`" in section


def test_a_token_shard_for_every_shard_and_a_row_for_every_row(done):
    for shard in sorted((done / "shards").iterdir()):
        path = done / "tokens" / shard.name
        with pq.ParquetFile(path) as file:
            assert file.schema_arrow.equals(TOKENS, check_metadata=False)
            facts = TokenFacts.of(file.schema_arrow.metadata, str(path))
        assert facts.untrained and facts.codec == "untrained small seed=0"
        assert (facts.tokenizer, facts.text_card) == ("sample", 2000)
        assert pq.read_table(path, columns=["id"]).equals(pq.read_table(shard, columns=["id"]))


def test_streams_are_of_the_length_of_the_sound_and_say_its_words(done):
    tokenizer = Tokenizer.of("sample")
    for said, row in zip(rows_of(done / "shards"), rows_of(done / "tokens"), strict=True):
        samples = soundfile.info(io.BytesIO(said["audio"]["bytes"])).frames
        assert row["frames"] == -(-samples // 1920) == len(row["text"]) == len(row["user_text"])
        assert len(row["assistant_codes"]) == len(row["user_codes"]) == 8 * row["frames"]
        for name, role in (("text", "assistant"), ("user_text", "user")):
            words = [w for w in said["words"] if w["role"] == role]
            stream = np.array(row[name])
            assert tokenizer.decode(text_tokens(stream)) == " ".join(w["word"] for w in words)
            assert abs(int(np.flatnonzero((stream != 3) & (stream != 0))[0]) - words[0]["start"] / 0.08) <= 1


def test_codes_follow_the_sound_of_their_own_channel(done):
    for said, row in zip(rows_of(done / "shards"), rows_of(done / "tokens"), strict=True):
        turn = said["turns"][0]
        first, last = int(turn["start"] / 0.08) + 2, int(turn["end"] / 0.08)
        user = np.array(row["user_codes"]).reshape(8, -1)[0, first:last]
        assistant = np.array(row["assistant_codes"]).reshape(8, -1)[0, first:last]
        assert len(set(user.tolist())) > len(user) / 3
        assert len(set(assistant.tolist())) == 1  # silent while the user speaks


def test_answers_and_oracles_are_those_of_the_shard(done):
    tokenizer = Tokenizer.of("sample")
    for said, row in zip(rows_of(done / "shards"), rows_of(done / "tokens"), strict=True):
        answers = [n for n, turn in enumerate(said["turns"]) if turn["role"] == "assistant"]
        assert len(row["answer_start"]) == len(answers)
        for n, start, end in zip(answers, row["answer_start"], row["answer_end"], strict=True):
            assert start <= said["turns"][n]["start"] / 0.08 < start + 1
            assert end - 1 >= int(said["turns"][n]["end"] / 0.08) - 1
        last = {o["turn"]: o["prefix_words"] for o in said["oracles"]}
        for e, oracle in enumerate(said["oracles"]):
            first, behind = row["oracle_offsets"][e : e + 2]
            assert tokenizer.decode(row["oracle_tokens"][first:behind]) == oracle["text"]
            assert (row["oracle_level"][e], row["oracle_prefix"][e]) == (oracle["level"], oracle["prefix_words"])
            assert row["oracle_ratio"][e] == np.float32(oracle["ratio"])
            assert answers[row["oracle_answer"][e]] == oracle["turn"] + 1
            assert row["oracle_keep"][e] == (oracle["prefix_words"] == last[oracle["turn"]])
            assert row["oracle_heard"][e] == round(oracle["heard"] * 1000) // 80
            assert row["oracle_frame"][e] == (-1 if oracle["time"] is None else round(oracle["time"] * 1000) // 80)


def test_the_manifest_says_what_made_them_and_the_builds_own_stays(done, built):
    manifest = json.loads((done / "tokens/manifest.json").read_text())
    assert manifest["stand_ins"] == ["codec: untrained"]
    assert manifest["codec"]["name"] == "untrained small seed=0"
    assert manifest["rows"] == sum(f["rows"] for f in manifest["files"]) == len(rows_of(done / "shards"))
    assert manifest["frames"] == sum(row["frames"] for row in rows_of(done / "tokens"))
    assert (done / "manifest.json").read_bytes() == (built / "manifest.json").read_bytes()
    assert (done / "tokens/rejected.jsonl").read_bytes() == b""


def test_what_is_there_is_not_made_again(done):
    before = {p: p.stat().st_mtime_ns for p in (done / "tokens").iterdir()}
    _, told = tokens(done)
    assert not told.rows and not told.parts
    assert before == {p: p.stat().st_mtime_ns for p in (done / "tokens").iterdir()}


def test_the_same_bytes_with_one_worker(copy, done):
    tokens(copy, TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1))
    assert token_bytes(copy) == token_bytes(done)


def test_killed_and_run_again_gives_the_same_bytes(copy, done):
    flags = ["--codec", "untrained-small", "--tokenizer", "sample", "--device", "cpu", "--workers", "1"]
    process = subprocess.Popen([sys.executable, "-m", "kame_data.cli", "tokens", str(copy), *flags])
    folder = copy / "parts" / "tokens"
    deadline = time.monotonic() + 120
    while not list(folder.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.005)
    workers = descendants(process.pid)
    assert len(workers) > 1
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    had = len(list(folder.glob("*.json")))
    assert had
    for worker in workers:
        while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(f"/proc/{worker}").exists()
    ended = kame("tokens", copy, *flags)
    assert ended.returncode == 0, ended.stderr
    assert "stand-in: codec: untrained" in ended.stdout
    assert token_bytes(copy) == token_bytes(done)
    assert not list(folder.glob(".*")) and not list((copy / "tokens").glob(".*"))


def test_stopped_in_good_order_it_says_so_and_leaves_no_process(copy):
    command = [sys.executable, "-m", "kame_data.cli", "tokens", str(copy), "--codec", "untrained-small"]
    process = subprocess.Popen(
        [*command, "--tokenizer", "sample", "--device", "cpu"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list((copy / "parts/tokens").glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.005)
    workers = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal, which reaches all of them
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said.strip().endswith("the same command goes on from what is done")
    assert "Traceback" not in said
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers and not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_in_batches_as_on_an_accelerator(copy, done):
    tokens(copy, TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu:0"))
    for row, other in zip(rows_of(copy / "tokens"), rows_of(done / "tokens"), strict=True):
        for name in TOKENS.names:
            if name.endswith("_codes"):
                assert np.mean(np.array(row[name]) == np.array(other[name])) > 0.98
            else:
                assert row[name] == other[name]


def test_a_damaged_part_or_file_is_made_again(done_copy, done):
    part = sorted((done_copy / "parts/tokens").glob("*.parquet"))[0]
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    shard = sorted((done_copy / "tokens").glob("*.parquet"))[0]
    shard.write_bytes(shard.read_bytes()[:-1])
    _, told = tokens(done_copy)
    assert len(told.rows) == 1 and told.done == told.parts - 1
    assert token_bytes(done_copy) == token_bytes(done)
    (done_copy / "tokens/tokenizer.model").unlink()
    assert not tokens(done_copy)[1].rows
    assert token_bytes(done_copy) == token_bytes(done)
    assert part.read_bytes() != bytes(data)


def test_a_truncated_part_is_made_again(done_copy, done):
    part = sorted((done_copy / "parts/tokens").glob("*.parquet"))[-1]
    part.write_bytes(part.read_bytes()[:-10])
    (done_copy / "tokens/manifest.json").unlink()
    _, told = tokens(done_copy)
    assert len(told.rows) == 1
    assert token_bytes(done_copy) == token_bytes(done)


def test_another_tokenizer_makes_other_parts_and_back_again_makes_none(done_copy, done, tmp_path):
    other = tmp_path / "other.model"
    from sentencepiece import SentencePieceTrainer

    lines = [o["text"] for row in rows_of(done / "shards") for o in row["oracles"]]
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(other)[:-6], vocab_size=600, byte_fallback=True,
        unk_id=0, bos_id=1, eos_id=2, pad_id=3, minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    _, told = tokens(done_copy, TokenSettings(codec="untrained-small", tokenizer=str(other), device="cpu", workers=2))
    assert len(told.rows) == told.parts and not told.done
    assert TokenManifest.read(done_copy).tokenizer.name == "other.model"
    assert (done_copy / "tokens/tokenizer.model").read_bytes() == other.read_bytes()
    other.unlink()
    assert not problems_of(done_copy)
    assert not set(token_bytes(done).values()) & set(token_bytes(done_copy).values()) - {b""}
    _, told = tokens(done_copy)
    assert not told.rows and told.done == told.parts
    assert token_bytes(done_copy) == token_bytes(done)


def test_a_grown_build_keeps_its_tokens_and_makes_the_missing_ones(done_copy):
    build(settings_of(done_copy, speak=True, limit=4, shards={"rows": 5, "row_group": 2}))
    stale = {check.name: check.problems for check in verify(done_copy)}["tokens"]
    assert any("of other shards than the build's" in problem for problem in stale)
    assert "of other shards than the build's; `kame-data tokens" in kame("status", done_copy).stdout
    manifest, told = tokens(done_copy)
    assert manifest.rows == 12 and 0 < sum(told.rows) < 12
    assert not problems_of(done_copy)


def test_a_back_channel_is_said_but_is_no_answer(copy):
    path = sorted((copy / "shards").glob("train-*"))[0]
    table = pq.read_table(path)
    rows = table.to_pylist()
    turns = rows[0]["turns"]
    turn = {**turns[1], "text": "Mm-hm.", "intended_text": "Mm-hm.", "start": 1.0, "end": 1.3}
    turns.append(turn)
    rows[0]["words"].append({"turn": len(turns) - 1, "role": "assistant", "word": "Mm-hm.", "start": 1.0, "end": 1.3})
    rows[0]["situations"] = [{"kind": "back_channel", "turn": len(turns) - 1, "start": 1.0, "end": 1.3}]
    changed = pa.Table.from_pylist(rows, schema=table.schema)
    pq.write_table(changed, path, row_group_size=2)
    manifest = json.loads((copy / "manifest.json").read_text())
    listed = next(s for s in manifest["shards"] if s["path"].endswith(path.name))
    listed |= {"sha256": checksum(path), "bytes": path.stat().st_size}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    tokens(copy)
    row = pq.read_table(copy / "tokens" / path.name).to_pylist()[0]
    assert len(row["answer_start"]) == len(turns) // 2 and min(row["answer_start"]) > 13
    stream = np.array(row["text"])
    assert Tokenizer.of("sample").decode(text_tokens(stream)).startswith("Mm-hm. ")
    assert stream[12] not in (0, 3)
    assert not problems_of(copy, "tokens")


def test_a_row_too_dense_is_refused_with_its_reason(copy):
    path = sorted((copy / "shards").glob("train-*"))[0]
    table = pq.read_table(path)
    rows = table.to_pylist()
    words = [w for w in rows[0]["words"] if w["role"] == "user"]
    words[0]["word"] = "é" * 2000
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path, row_group_size=2)
    manifest = json.loads((copy / "manifest.json").read_text())
    listed = next(s for s in manifest["shards"] if s["path"].endswith(path.name))
    listed |= {"sha256": checksum(path), "bytes": path.stat().st_size}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    made, told = tokens(copy)
    assert told.refused == 1 and made.refused == {"text_too_dense": 1}
    (refused,) = [json.loads(line) for line in (copy / "tokens/rejected.jsonl").read_text().splitlines()]
    assert refused["dialogue_id"] == rows[0]["id"] and refused["reason"] == "text_too_dense"
    assert rows[0]["id"] not in {row["id"] for row in rows_of(copy / "tokens")}


def test_a_tokenizer_that_cannot_write_the_rows_fails(copy, tmp_path):
    from sentencepiece import SentencePieceTrainer

    SentencePieceTrainer.train(
        sentence_iterator=iter(["abc abd acd"] * 5), model_prefix=str(tmp_path / "m"), vocab_size=12,
        hard_vocab_limit=False, unk_id=0, bos_id=1, eos_id=2, pad_id=3, minloglevel=2,
    )  # fmt: skip
    with pytest.raises(KameError, match=r"9 of 9 rows were refused \(unknown_characters 9\); see .*rejected"):
        tokens(
            copy, TokenSettings(codec="untrained-small", tokenizer=str(tmp_path / "m.model"), device="cpu", workers=1)
        )
    assert not (copy / "tokens").exists()
    assert (copy / "parts/tokens/rejected.jsonl").read_text().count("\n") == 9


def test_a_build_without_sound_is_said_in_one_line(tmp_path):
    build(settings_of(tmp_path / "out", limit=2))
    ended = kame("tokens", tmp_path / "out", "--codec", "untrained-small", "--tokenizer", "sample")
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1
    assert "its shards hold no audio (--no-speech); build with --speech" in ended.stderr
    assert not (tmp_path / "out/tokens").exists()


def test_no_build_a_missing_shard_and_a_damaged_one_are_said(copy, tmp_path):
    with pytest.raises(UsageError, match="holds no finished build"):
        tokens(tmp_path / "nothing")
    shard = sorted((copy / "shards").iterdir())[0]
    data = shard.read_bytes()
    shard.write_bytes(data[:1000] + b"x" + data[1001:])
    with pytest.raises(KameError, match="its checksum is not the manifest's; build again to mend it"):
        tokens(copy)
    shard.unlink()
    with pytest.raises(UsageError, match="is missing; the same build command"):
        tokens(copy)
    assert not (copy / "tokens").exists()


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, 0.3, 0.6, 1.0])
def test_interrupted_while_its_workers_begin_it_says_one_line(copy, wait):
    command = [sys.executable, "-m", "kame_data.cli", "tokens", copy, "--workers", "2", "--no-progress"]
    command += ["--codec", "untrained-small", "--tokenizer", "sample", "--device", "cpu"]
    process = subprocess.Popen(map(str, command), stderr=subprocess.PIPE, text=True, start_new_session=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text():  # those that begin processes
        time.sleep(0.02)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said.count("\n")) == (130, 1) or process.returncode == 0, said


def test_verify_says_what_is_wrong_and_fails(done_copy):
    ended = kame("verify", done_copy)
    assert ended.returncode == 0 and ended.stdout.count("sound") == 6
    told = kame("status", done_copy).stdout
    assert "codec: untrained small seed=0" in told and "stand-in: codec: untrained" in told and "of other" not in told
    model = done_copy / "tokens/tokenizer.model"
    model.write_bytes(model.read_bytes() + b" ")
    path = sorted((done_copy / "tokens").glob("train-*"))[0]
    path.write_bytes(path.read_bytes()[:-1])
    (done_copy / "tokens/train-00007-of-00008.parquet").write_bytes(b"")
    found = {check.name: check.problems for check in verify(done_copy)}
    assert not found["shards"] and not found["parts"]
    said = ["tokenizer.model: its checksum", f"{path.name}: its checksum", "train-00007-of-00008.parquet: is not in"]
    assert len(found["tokens"]) == 3 and all(any(s in problem for problem in found["tokens"]) for s in said)
    ended = kame("verify", done_copy)
    assert ended.returncode == 1 and "3 problem(s); the first: " in ended.stderr and ended.stderr.count("\n") == 1


def test_verify_names_a_shard_that_its_tokens_cannot_be_compared_with(done_copy):
    path = sorted((done_copy / "shards").glob("train-*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-100])
    told = problems_of(done_copy, "tokens")
    assert len(told) == 1 and told[0].startswith(f"{path}: is damaged")


def test_a_manifest_of_tokens_that_says_too_little_is_damaged(done_copy):
    path = done_copy / "tokens" / "manifest.json"
    path.write_text('{"files": []}')
    assert problems_of(done_copy, "tokens") == [
        f"{path}: is damaged (stand_ins is missing); `kame-data tokens {done_copy}` makes it anew"
    ]


@pytest.mark.parametrize("lost", ["sha256", "rows", "frames"])
def test_a_file_of_tokens_of_which_too_little_is_said_is_damage(done_copy, lost):
    path = done_copy / "tokens" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"][0][lost]
    path.write_text(json.dumps(manifest))
    [problem] = problems_of(done_copy, "tokens")
    assert problem.startswith(f"{path}: is damaged (files.0") and lost.replace("sha256", "sha256 is") in problem


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda held: held["files"][0].update(rows=99), "rows, bytes and pieces of text, not the (99, "),
        (lambda held: held["files"][0].update(bytes=1), "rows, bytes and pieces of text, not the ("),
        (lambda held: held["tokenizer"].update(text_card=3), ", 3) of the manifest"),
        (lambda held: held["files"][0].update(frames=0), " frames, not the 0 of the manifest"),
        (lambda held: held["files"][0].update(split="validation"), "is of the split train, not validation"),
        (lambda held: held.update(rows=0), "tokens/manifest.json: says (0, "),
    ],
)
def test_a_count_of_the_manifest_that_is_not_the_tokens_is_named(done_copy, changed, said):
    path = done_copy / "tokens" / "manifest.json"
    held = json.loads(path.read_text())
    changed(held)
    path.write_text(json.dumps(summed(held, "manifest_sha256")))
    assert any(said in problem for problem in problems_of(done_copy, "tokens"))


def test_a_manifest_of_tokens_that_is_not_as_it_was_written_is_named(done_copy):
    path = done_copy / "tokens/manifest.json"
    path.write_text(path.read_text().replace('"bytes": ', '"bytes": 1', 1))
    assert problems_of(done_copy)[0].startswith(f"{path}: is damaged (it is not as it was written)")


def test_what_else_is_wrong_beside_the_tokens_is_named(done_copy):
    folder = done_copy / "tokens"
    (folder / "train.bin").write_bytes(b"")
    (folder / "rejected.jsonl").write_text('{"reason": "text_too_dense"}\n')
    sorted((done_copy / "shards").glob("train-*"))[0].unlink()
    found = problems_of(done_copy)
    assert any("shards/train-" in p and "is missing" in p for p in found)
    assert any(p.startswith(f"{folder / 'train.bin'}: is not in the manifest") for p in found)
    assert any(p.startswith(f"{folder / 'rejected.jsonl'}: has {{'text_too_dense': 1}}") for p in found)


def test_refusals_of_tokens_that_are_nested_too_deeply_are_damaged(done_copy):
    path = done_copy / "tokens/rejected.jsonl"
    path.write_text("[" * 100_000)
    assert [p for p in problems_of(done_copy) if p.startswith(f"{path}: is damaged")]


def test_verify_reads_the_words_and_finds_another_one(done_copy):
    path = sorted((done_copy / "tokens").glob("train-*"))[0]
    table, facts = pq.read_table(path), TokenFacts.of(pq.read_schema(path).metadata, "")
    rows = table.to_pylist()
    place = next(i for i, token in enumerate(rows[0]["text"]) if token not in (0, 3))
    rows[0]["text"][place] += 1
    rows[1]["oracle_tokens"][0] += 1
    write_token_shard(path, [pa.Table.from_pylist(rows, schema=TOKENS)], facts)
    manifest = json.loads((done_copy / "tokens/manifest.json").read_text())
    listed = next(f for f in manifest["files"] if f["path"].endswith(path.name))
    listed |= {"sha256": checksum(path), "bytes": path.stat().st_size}
    (done_copy / "tokens/manifest.json").write_text(json.dumps(summed(manifest, "manifest_sha256")))
    problems = problems_of(done_copy)
    assert len(problems) == 2
    assert f"row {rows[0]['id']}: text reads '" in problems[0] and f"{rows[1]['id']}: an oracle reads '" in problems[1]


def test_nothing_heavy_is_imported_before_tokens_are_made():
    names = "kame_data.cli.main, kame_data.codec.tokenize, "
    names += "kame_data.verify.check_build, kame_data.train.batches"
    heavy = "{'torch', 'moshi', 'sentencepiece', 'huggingface_hub'}"
    code = f"import sys, {names}; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr


def test_without_the_extra_it_is_named(done_copy, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"missing for tokens: torch, moshi, sentencepiece; pip install"):
        tokens(done_copy)
