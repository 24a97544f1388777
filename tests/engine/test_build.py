import json
import shutil
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from building import build, settings_of, shard_bytes
from kame_data.engine.build import Build
from kame_data.engine.note import noted_settings
from kame_data.engine.status import finished, restore
from kame_data.errors import Interrupted, KameError, UsageError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    manifest, _ = build(settings_of(out))
    return out, manifest


def rows(out):
    return [row for path in sorted((out / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_everything_that_others_rely_on_is_there(whole):
    out, manifest = whole
    assert json.loads((out / "manifest.json").read_text()) == manifest
    names = {p.name for p in (out / "shards").iterdir()}
    assert names == {s["path"].removeprefix("shards/") for s in manifest["shards"]}
    assert names == {"train-00000-of-00001.parquet", "validation-00000-of-00001.parquet"}
    assert {p.name for p in (out / "rejected").iterdir()} == {"questions.jsonl", "dialogues.jsonl", "oracles.jsonl"}
    refused = sum(manifest["refused"]["dialogues"].values())
    kept = sum(s["kept"] for s in manifest["sources"].values())
    assert len(rows(out)) == manifest["dialogues"]["accepted"] == kept - refused
    assert "offline" in manifest["stand_ins"][0]


def test_nothing_is_dropped_in_silence(whole):
    out, manifest = whole
    lines = [json.loads(line) for line in (out / "rejected" / "questions.jsonl").read_text("utf-8").split("\n") if line]
    for source, table in manifest["sources"].items():
        assert table["rows"] == table["kept"] + sum(table["refused"].values())
        assert Counter(r["reason"] for r in lines if r["source"] == source) == table["refused"]


def test_without_speech_times_are_null_and_words_are_there(whole):
    for row in rows(whole[0]):
        assert row["audio"] is None and row["duration"] is None
        assert {o["time"] for o in row["oracles"]} == {None}
        assert [w["word"] for w in row["words"] if w["turn"] == 0] == row["turns"][0]["text"].split()
        assert row["oracles"][-1]["level"] == 5


def test_a_second_run_makes_nothing_and_is_known_as_finished(whole, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    assert finished(Build(settings_of(out))) is not None
    manifest, made = build(settings_of(out))
    assert manifest == whole[1]
    assert set(made) == {"questions"}  # which is read, not made: its files are as they were
    assert shard_bytes(out) == shard_bytes(whole[0])


@pytest.mark.parametrize("size", [1, 3, 128])
def test_other_workers_same_bytes(whole, tmp_path, size):
    out = tmp_path / "out"
    build(settings_of(out), workers=size)
    assert shard_bytes(out) == shard_bytes(whole[0])


def test_a_build_that_grew_is_the_build_that_was_large_at_once(tmp_path):
    grown, large = tmp_path / "grown", tmp_path / "large"
    for limit in (3, 2, 7):
        build(settings_of(grown, limit=limit))
    before = {p: p.stat().st_mtime_ns for p in (grown / "parts" / "dialogues").iterdir()}
    build(settings_of(grown, limit=9))
    build(settings_of(large, limit=9))
    assert all(p.stat().st_mtime_ns == t for p, t in before.items())
    assert shard_bytes(grown) == shard_bytes(large)


def test_a_target_grows_too_and_is_exact(tmp_path):
    grown, large = tmp_path / "grown", tmp_path / "large"
    build(settings_of(grown, target=20))
    build(settings_of(grown, target=75))
    manifest, _ = build(settings_of(large, target=75))
    assert manifest["dialogues"]["accepted"] == 75
    assert shard_bytes(grown) == shard_bytes(large)
    found = rows(large)
    assert len({r["id"] for r in found}) == 75
    asked = {(r["id"].rpartition("-v")[0], *(t["text"] for t in r["turns"] if t["role"] == "user")) for r in found}
    assert len(asked) == 75
    assert {r["variant"] for r in found} in ({0, 1}, {0, 1, 2})
    sides = {}
    for row in found:
        assert sides.setdefault(row["question_id"], row["split"]) == row["split"]


def test_a_changed_setting_remakes_only_what_reads_it(whole, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    _, made = build(settings_of(out, levels="0,3,5"))
    assert set(made) == {"questions", "oracles", "shards"}
    assert {o["level"] for row in rows(out) for o in row["oracles"]} == {0, 3, 5}


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:99] + bytes([data[99] ^ 4]) + data[100:]]
)
def test_damaged_parts_are_found_and_made_again(whole, tmp_path, damage):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    for part in (out / "parts" / "dialogues").glob("*.parquet"):
        part.write_bytes(damage(part.read_bytes()))
    for shard in (out / "shards").iterdir():
        shard.unlink()
    build(settings_of(out))
    assert shard_bytes(out) == shard_bytes(whole[0])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_damaged_shard_is_found_and_made_again(whole, tmp_path):
    for lost in ((), ("manifest.json",)):
        out = tmp_path / f"out{len(lost)}"
        shutil.copytree(whole[0], out)
        for name in lost:
            (out / name).unlink()
        flip(next((out / "shards").glob("train-*")))
        assert finished(Build(settings_of(out))) is None
        build(settings_of(out))
        assert shard_bytes(out) == shard_bytes(whole[0])
        assert finished(Build(settings_of(out))) is not None


def test_damaged_questions_are_read_again(whole, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    for part in (out / "parts" / "questions").glob("*.parquet"):
        flip(part)
    build(settings_of(out))
    assert shard_bytes(out) == shard_bytes(whole[0])


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}"])
def test_a_lost_manifest_or_note_is_written_again(whole, tmp_path, content):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    (out / "build.json").unlink()
    (out / "manifest.json").unlink()
    if content is not None:
        (out / "manifest.json").write_text(content)
    assert finished(Build(settings_of(out))) is None
    assert build(settings_of(out))[0] == whole[1]


def test_back_to_a_finished_build_its_refusals_are_there_again(whole, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    before = (out / "rejected" / "questions.jsonl").read_bytes()
    shutil.rmtree(out / "rejected")
    restore(Build(settings_of(out)))
    assert (out / "rejected" / "questions.jsonl").read_bytes() == before


def test_a_smaller_limit_speaks_no_more_than_it_needs(tmp_path):
    build(settings_of(tmp_path / "out", limit=4))
    smaller = Build(settings_of(tmp_path / "out", limit=1, speak=True))
    assert {s.stop for s in smaller.parts.slices(smaller.selection().counts)} == {1}


def test_a_stop_keeps_what_is_done(whole, tmp_path):
    out = tmp_path / "out"
    settings = settings_of(out)
    found = Build(settings)
    found.stop.set()
    with pytest.raises(Interrupted, match="goes on from there"):
        found.parts.make("dialogues", found.parts.slices(found.selection().counts)[0])
    assert not list((out / "parts").glob("dialogues/*"))
    build(settings)
    assert shard_bytes(out) == shard_bytes(whole[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 5}, "seed 0, not 5"),
        ({"sources": ("gsm8k=sample",)}, "not of gsm8k"),
        ({"languages": "fr"}, "languages"),
    ],
)
def test_another_build_is_not_written_over(whole, changes, words):
    with pytest.raises(UsageError, match=words):
        build(settings_of(whole[0], **changes))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="something else than a build"):
        build(settings_of(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_build_is_known_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / "q.jsonl").write_text('{"question": "What is the capital of France?", "answer": "Paris"}\n')
    monkeypatch.chdir(tmp_path)
    build(settings_of("out", sources=("questions=q.jsonl",)))
    monkeypatch.chdir("/")
    assert finished(Build(noted_settings(tmp_path / "out"))) is not None


def test_a_changed_source_is_found(tmp_path):
    file, out = tmp_path / "q.jsonl", tmp_path / "out"
    line = '{"question": "What is the capital of France?", "answer": "Paris"}\n'
    file.write_text(line)
    build(settings_of(out, sources=(f"questions={file}",)))
    file.write_text(line + '{"question": "What is the capital of Spain?", "answer": "Madrid"}\n')
    with pytest.raises(UsageError, match="not those that the build"):
        build(settings_of(out, sources=(f"questions={file}",)))


def test_a_bad_source_leaves_no_claim_on_the_folder(tmp_path):
    file, out = tmp_path / "q.jsonl", tmp_path / "out"
    file.write_text('{"query": "What is the capital of France?"}\n')
    with pytest.raises(UsageError, match="question"):
        build(settings_of(out, sources=(f"questions={file}",)))
    build(settings_of(out))


def test_too_many_refusals_fail_the_build(tmp_path, monkeypatch):
    from kame_data.engine import stages
    from kame_data.records import Rejected

    real = stages.STAGES["dialogues"].run

    def half(settings, inputs):
        for number, item in enumerate(real(settings, inputs)):
            yield Rejected("dialogues", "x", item.question_id, item.id, "unlucky", "") if number % 2 else item

    monkeypatch.setitem(
        stages.STAGES,
        "dialogues",
        replace(stages.STAGES["dialogues"], version=1, run=half),
    )
    with pytest.raises(KameError, match="unlucky"):
        build(settings_of(tmp_path / "out"))
    assert "unlucky" in (tmp_path / "out" / "rejected" / "dialogues.jsonl").read_text()
    assert not (tmp_path / "out" / "manifest.json").exists()
