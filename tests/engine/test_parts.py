import json
import subprocess
import sys

import pytest

from kame_data.engine.parts import DamagedPart, PartStore, digest_of
from kame_data.records import Dialogue, Picture, Question, Rejected, Turn

DIALOGUE = Dialogue(
    "q-1-v0",
    "q-1",
    0,
    "en",
    (Turn("user", "Hi?", "Hi?"), Turn("assistant", "Mm.", "Mm.", "back_channel", 1), Turn("assistant", "Yes.", "Yes.")),
    "yes",
    ("a",),
    "me",
)
QUESTION = Question("q-1", "q", "stem", "answer", picture=Picture("p.png", b"\x00\xff"), choices=("x", "y"))
REFUSED = [Rejected("dialogues", "q", "q-2", "", "formula", "∑ \u2028 and\nnewline")]


@pytest.mark.parametrize("record", [DIALOGUE, QUESTION])
def test_records_come_back_as_they_went(tmp_path, record):
    store = PartStore(tmp_path)
    marker = store.write("a", {"q-1": record}, type(record), REFUSED)
    assert store.read("a", type(record)) == [record]
    assert store.marker("a") == marker
    assert marker.rows == {"q-1": digest_of(record)}
    assert store.rejected("a") == REFUSED
    assert store.names() == ["a"]


def test_an_empty_part_is_a_part(tmp_path):
    store = PartStore(tmp_path)
    store.write("a", {}, Dialogue, [])
    assert store.read("a", Dialogue) == []
    assert store.rejected("a") == []


def test_the_same_records_give_the_same_bytes(tmp_path):
    one, other = PartStore(tmp_path / "1"), PartStore(tmp_path / "2")
    for store in (one, other):
        store.write("a", {"q-1": DIALOGUE}, Dialogue, REFUSED)
    files = sorted(p.name for p in one.folder.iterdir())
    assert files == ["a.json", "a.parquet", "a.rejected.jsonl"]
    assert all((one.folder / f).read_bytes() == (other.folder / f).read_bytes() for f in files)


def test_a_part_without_its_marker_is_not_done(tmp_path):
    store = PartStore(tmp_path)
    store.write("a", {"q-1": DIALOGUE}, Dialogue, [])
    (tmp_path / "a.json").unlink()
    assert store.marker("a") is None


@pytest.mark.parametrize("marker", ["", "{", "[]", '{"rows": {}}', pytest.param("[" * 100_000, id="deep")])
def test_a_broken_marker_is_no_marker(tmp_path, marker):
    store = PartStore(tmp_path)
    store.write("a", {"q-1": DIALOGUE}, Dialogue, [])
    (tmp_path / "a.json").write_text(marker)
    assert store.marker("a") is None and store.finished() == {}
    assert store.problem("a").startswith(f"{tmp_path / 'a.json'}: is damaged")


def test_a_truncated_part_is_not_done(tmp_path):
    store = PartStore(tmp_path)
    store.write("a", {"q-1": DIALOGUE}, Dialogue, [])
    data = store.path("a").read_bytes()
    store.path("a").write_bytes(data[:-1])
    assert store.marker("a") is None


def test_a_flipped_bit_is_found(tmp_path):
    store = PartStore(tmp_path)
    store.write("a", {"q-1": DIALOGUE}, Dialogue, [])
    data = bytearray(store.path("a").read_bytes())
    data[len(data) // 2] ^= 1
    store.path("a").write_bytes(data)
    with pytest.raises(DamagedPart, match="checksum"):
        store.read("a", Dialogue)
    store.drop("a")
    assert store.marker("a") is None and not list(tmp_path.iterdir())


def test_the_digest_depends_on_every_field():
    changed = Question(**{**{f: getattr(QUESTION, f) for f in QUESTION.__dataclass_fields__}, "working": "w"})
    assert digest_of(changed) != digest_of(QUESTION)
    assert json.dumps(digest_of(QUESTION))


@pytest.mark.slow
def test_python_may_end_at_once_after_parts_were_read(tmp_path):
    PartStore(tmp_path).write("a", {f"q-{n}": DIALOGUE for n in range(20)}, Dialogue, [])
    read = f"from pathlib import Path; import kame_data.engine.parts as p; s = p.PartStore(Path({str(tmp_path)!r}))"
    command = [sys.executable, "-c", f"{read}; [s.read_table('a') for _ in range(20)]"]
    # With pq.read_table some 15 of 100 abort: a thread of Arrow gives the file back while Python ends.
    for _ in range(10):
        running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 4
