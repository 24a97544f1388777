"""`kame-data verify` finds every damaged file of a build, and the build mends what it names."""

import json
import math
import re
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from building import Silent, build, settings_of, shard_bytes
from kame_data.engine.build import Build
from kame_data.engine.run import complete
from kame_data.errors import UsageError
from kame_data.speech.clips import ClipCache, Kept
from kame_data.speech.voices.base import Clip
from kame_data.storage.self_checksum import summed
from kame_data.verify.check_build import verify


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("verify") / "out"
    build(settings_of(out, limit=4))
    return out


@pytest.fixture
def out(done, tmp_path):
    shutil.copytree(done, tmp_path / "out")
    return tmp_path / "out"


def problems(out):
    """What verify finds, a line each."""
    return [problem for check in verify(out) for problem in check.problems]


def first(out, pattern):
    """The first file of a pattern, which must be there."""
    return sorted(out.glob(pattern))[0]


def flip(path):
    """Turn one bit of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def cut(path):
    """Cut the end of a file off."""
    path.write_bytes(path.read_bytes()[:-7])


def change(path, old, new):
    """Change a text file, which must hold `old`."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def another_seed(path):
    note = json.loads(path.read_text())
    note["identity"]["seed"] = 1
    path.write_text(json.dumps(summed(note, "note_sha256")))


def test_a_sound_build(done):
    found = {check.name: check.looked_at for check in verify(done)}
    assert list(found) == ["shards", "rejected", "parts", "notes"]
    assert "shards of 12 rows" in found["shards"] and int(found["parts"].split()[0]) >= 9
    assert not problems(done)


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("shards/train-*", flip, "its checksum is not the manifest's"),
        ("shards/train-*", cut, "its checksum is not the manifest's"),
        ("shards/train-*", lambda p: p.unlink(), "is missing"),
        ("parts/questions/*.parquet", flip, "its checksum is not its marker's"),
        ("parts/dialogues/*.parquet", flip, "its checksum is not its marker's"),
        ("parts/oracles/*.parquet", cut, "its checksum is not its marker's"),
        ("parts/oracles/*.parquet", lambda p: p.unlink(), "is missing, or"),
        ("parts/questions/*.rejected.jsonl", flip, "is not what the part's marker says"),
        ("parts/questions/*.rejected.jsonl", lambda p: p.unlink(), "is not what the part's marker says"),
        ("parts/questions/*.json", flip, ".json: is damaged"),
        ("parts/dialogues/*.json", lambda p: change(p, "gsm8k-", "gsm9k-"), ".json: is damaged"),
        ("parts/oracles/*.json", flip, ".json: is damaged"),
        ("parts/shards/*.sha256", flip, "is not the checksum of"),
        ("build.json", cut, "is damaged; delete it"),
        ("build.json", lambda p: p.unlink(), "is missing"),
        ("build.json", lambda p: change(p, '"seed": 0', '"seed": 1'), "is damaged; delete it"),
        ("build.json", lambda p: change(p, '"progress": ', '"progress": 1'), "is damaged; delete it"),
        ("build.json", another_seed, "is of a build with seed 1, and the manifest's"),
        ("rejected/questions.jsonl", lambda p: change(p, '"detail": "', '"detail": "?'), "its checksum is not the"),
        ("rejected/questions.jsonl", lambda p: p.unlink(), "is missing"),
        ("rejected/questions.jsonl", lambda p: p.write_bytes(b""), "and the manifest says"),
        ("rejected/dialogues.jsonl", lambda p: p.write_bytes(b"{"), "is damaged"),
        ("manifest.json", cut, "is damaged"),
        ("manifest.json", lambda p: change(p, "offline rules", "openai"), "is not as it was written"),
        ("manifest.json", lambda p: change(p, '"train": ', '"train": 1'), "for dialogues by split"),
        ("manifest.json", lambda p: change(p, '"accepted": 12', '"accepted": 13'), "says 13 for accepted dialogues"),
        ("manifest.json", lambda p: change(p, '"bytes": ', '"bytes": 1'), " bytes, not the 1"),
        ("manifest.json", lambda p: change(p, '"kept": ', '"kept": 1'), "are not those kept and those refused"),
        ("manifest.json", lambda p: change(p, '"kept": ', '"kapt": '), "is damaged (sources.mmlu_pro.kept is missing)"),
        ("manifest.json", lambda p: change(p, '"refused": {', '"refused": {"none": 1, '), "is not as it was written"),
        (
            "manifest.json",
            lambda p: change(p, '"split": "train",\n   "rows": ', '"split": "train",\n   "rows": 1'),
            "not the 1",
        ),
    ],
)
def test_damage_is_found_and_the_build_mends_it(done, out, file, damage, said):
    damage(first(out, file))
    found = problems(out)
    assert found and any(said in problem for problem in found), found
    if todo := re.search(r"delete (it|\S+), ", found[0]):
        (first(out, file) if todo[1] == "it" else Path(todo[1])).unlink()
    settings = settings_of(out, limit=4)
    complete(Build(settings), Silent(), lambda: build(settings)[0])
    assert problems(out) == []
    assert shard_bytes(out) == shard_bytes(done)


@pytest.mark.parametrize("name", ["shards/notes.txt", "rejected/speech.jsonl"])
def test_a_stranger_beside_a_builds_files_is_named(out, name):
    (out / name).write_text("")
    assert [p.partition(": ")[0] for p in problems(out)] == [str(out / name)]


def rewritten(out, change):
    """The first shard with other rows, or as other bytes, under right checksums everywhere."""
    path = first(out, "shards/train-*")
    table = pq.read_table(path)
    rows = table.to_pylist()
    if (data := change(rows)) is not None:
        path.write_bytes(data)
    else:
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    manifest = json.loads((out / "manifest.json").read_text())
    (listed,) = [s for s in manifest["shards"] if out / s["path"] == path]
    listed |= {"sha256": sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    (out / "parts" / "shards" / f"{listed['fingerprint']}.sha256").write_text(listed["sha256"])
    (out / "manifest.json").write_text(json.dumps(summed(manifest, "manifest_sha256")))
    return problems(out)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[0].update(turns=None), "turns is null"),
        (lambda rows: rows[0].update(oracles=None), "oracles is null"),
        (lambda rows: rows[0].update(provenance=None), "provenance is null"),
        (lambda rows: rows[0]["words"][0].update(turn=None), r"words\[0\].turn is null"),
        (lambda rows: rows[0]["oracles"][0].update(level=None), r"oracles\[0\].level is null"),
        (lambda rows: rows[0]["oracles"][0].update(ratio=math.nan), r"oracles\[0\].ratio is null or no number"),
        (lambda rows: rows[0].update(answer=None), "answer is null"),
        (lambda rows: b"PAR1 no more", "cannot be read"),
    ],
)
def test_a_shard_that_is_none_is_named_whatever_its_checksum(out, change, said):
    found = rewritten(out, change)
    assert len(found) == 1 and re.search(said, found[0]), found


def test_a_stranger_among_the_shards_is_named(out):
    shutil.copy(first(out, "shards/train-*"), out / "shards" / "train-00009-of-00010.parquet")
    assert any("train-00009-of-00010.parquet: is not in the manifest; delete it" in p for p in problems(out))


def test_a_part_that_is_not_wanted_any_more_is_named_with_what_to_delete(out):
    build(settings_of(out, limit=2))
    extra = next(p for p in sorted(out.glob("parts/oracles/*.parquet")) if "000004" in p.name)
    flip(extra)
    (problem,) = problems(out)
    assert problem.startswith(f"{extra}: ")
    (marker,) = re.findall(r"delete (\S+), which marks", problem)
    Path(marker).unlink()
    assert problems(out) == []


def test_a_folder_in_a_files_place_hides_nothing_else(out):
    path = first(out, "rejected/dialogues.jsonl")
    path.unlink()
    path.mkdir()
    flip(first(out, "parts/oracles/*.parquet"))
    found = problems(out)
    assert any(p.startswith(f"{path}: cannot be read") for p in found) and any("parts/oracles" in p for p in found)


def test_a_clip_that_is_damaged_is_named(out):
    clips = ClipCache(out / "parts" / "clips")
    clip = Clip(np.zeros(24, np.int16), 24000, ((0.0, 0.001),), "dummy")
    for key in ("aa1", "aa2", "bb1"):
        clips.put(key, Kept(clip))
    assert {check.name: check.looked_at for check in verify(out)}["clips"] == "3 clips"
    flip(clips.path("aa2"))
    (problem,) = problems(out)
    assert problem.startswith(f"{clips.path('aa2')}: is damaged; delete it")


def test_a_row_that_lies_is_named_by_shard_and_id(out):
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["settings"]["levels"] = [0, 1, 2, 3, 4]
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert any("row gsm8k-" in p and "has level 5; the build's are 0, 1, 2, 3, 4" in p for p in problems(out))


def test_a_build_that_is_not_finished_is_none(out):
    (out / "manifest.json").unlink()
    with pytest.raises(UsageError, match="holds no finished build"):
        verify(out)
