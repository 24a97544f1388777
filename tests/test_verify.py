"""`kame-data verify` finds every damaged file of a build, and the build mends what it names."""

import json
import shutil

import pytest
from building import build, settings_of, shard_bytes

from pipeline.errors import UsageError
from pipeline.verify import verify


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


def test_a_sound_build(done):
    found = {check.name: check.looked_at for check in verify(done)}
    assert list(found) == ["shards", "rejected", "parts"]
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
        ("parts/oracles/*.parquet", cut, "is not what its marker says"),
        ("parts/oracles/*.parquet", lambda p: p.unlink(), "is not what its marker says"),
        ("parts/questions/*.rejected.jsonl", flip, "or its refusals are not"),
        ("parts/questions/*.rejected.jsonl", lambda p: p.unlink(), "or its refusals are not"),
        ("rejected/questions.jsonl", lambda p: p.unlink(), "is missing"),
        ("rejected/questions.jsonl", lambda p: p.write_bytes(b""), "and the manifest says"),
        ("rejected/dialogues.jsonl", lambda p: p.write_bytes(b"{"), "is damaged"),
        ("manifest.json", cut, "is damaged"),
        ("manifest.json", lambda p: change(p, '"accepted": 12', '"accepted": 13'), "says 13 for accepted dialogues"),
        ("manifest.json", lambda p: change(p, '"kept": ', '"kept": 1'), "are not those kept and those refused"),
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
    if "delete it" in found[0]:
        first(out, file).unlink()
    build(settings_of(out, limit=4))
    assert problems(out) == []
    assert shard_bytes(out) == shard_bytes(done)


def test_a_stranger_among_the_shards_is_named(out):
    shutil.copy(first(out, "shards/train-*"), out / "shards" / "train-00009-of-00010.parquet")
    assert any("train-00009-of-00010.parquet: is not in the manifest; delete it" in p for p in problems(out))


def test_a_row_that_lies_is_named_by_shard_and_id(out):
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["settings"]["levels"] = [0, 1, 2, 3, 4]
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert any("row gsm8k-" in p and "has level 5; the build's are 0, 1, 2, 3, 4" in p for p in problems(out))


def test_a_build_that_is_not_finished_is_none(out):
    (out / "manifest.json").unlink()
    with pytest.raises(UsageError, match="holds no finished build"):
        verify(out)
