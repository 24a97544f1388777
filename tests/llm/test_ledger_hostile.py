"""What comes into a ledger from outside: odd answers, lines that no ledger wrote, files that are something else."""

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kame_data.cli.ledger_commands import print_ledger
from kame_data.errors import KameError, UsageError
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_file import NAME
from kame_data.llm.ledger_lines import take_over
from kame_data.llm.ledger_tools import check, export, import_, stats
from llm.ledgers import fill, key, line_of, old_line, old_segment

HOSTILE = {
    "a number of 5,000 digits": b'{"at":"x","input":' + b"9" * 5000 + b',"raw":"r"}',
    "deep": b'{"raw":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a list": b"[1]",
    "null": b"null",
    "cut": b"{",
    "nothing": b"",
    "not UTF-8": b'{"raw":"\xe9"}',
    "wrong types": b'{"at":1,"raw":5,"input":"x","cost":"free","stage":[1],"level":{}}',
    "a level of text": b'{"at":"x","raw":"r","level":"three"}',
    "infinite": b'{"at":"x","raw":"r","cost":1e400}',
}


@pytest.mark.parametrize("kind", ["A", "W", "B", "S", "Z"])
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_line_that_no_ledger_wrote_is_left_out(tmp_path: Path, kind: str, data: bytes) -> None:
    lines = line_of("hostile", data, kind) + old_line("good", "good")
    (tmp_path / "x.jsonl").write_bytes(lines)
    done = import_(tmp_path / "imported", str(tmp_path / "x.jsonl"))
    assert (done.added, done.damaged) == (1, 1)
    old_segment(tmp_path / "old", 1, lines)
    for folder in (tmp_path / "imported", tmp_path / "old"):
        with Ledger(folder) as ledger:
            assert ledger.get(key("good")) is not None and ledger.get(key("hostile")) is None and not ledger.jobs()
        print_ledger(stats(folder))
        assert (check(folder).answers, check(folder).damaged) == (1, [])


@pytest.mark.parametrize("kind", ["A", "B", "S"])
def test_a_row_that_no_ledger_wrote_is_named_and_the_others_are_read(tmp_path: Path, kind: str) -> None:
    fill(tmp_path, range(3))
    line = line_of("hostile", b"[1]", kind)
    with sqlite3.connect(tmp_path / NAME) as database:
        values = (kind, bytes.fromhex(key("hostile")), int(line[:8], 16), b"[1]")
        database.execute("INSERT INTO entry (kind, key, crc, text) VALUES (?, ?, ?, ?)", values)
    database.close()
    with Ledger(tmp_path) as ledger:
        assert ledger.get(key("hostile")) is None and not ledger.jobs() and ledger.get(key(2)) is not None
    assert stats(tmp_path).answers == 3
    assert check(tmp_path).damaged == ["row 4 is nothing of a ledger"]
    assert import_(tmp_path / "new", str(tmp_path)).damaged == 1


@pytest.mark.parametrize("raw", ["\0", "\ud800", "", "\r\n\x85\u2028", '{"a": 1}', "é" * 2**20], ids=ascii)
def test_an_odd_answer_comes_back_as_it_was_also_by_way_of_an_export(tmp_path: Path, raw: str) -> None:
    with Ledger(tmp_path / "one") as ledger:
        ledger.put_now(key(1), raw, {"cost": 0.5})
    export(tmp_path / "one", str(tmp_path / "all.jsonl.gz"))
    import_(tmp_path / "two", str(tmp_path / "all.jsonl.gz"))
    for name in ("one", "two"):
        with Ledger(tmp_path / name) as ledger:
            assert [entry.raw for entry in ledger.entries(key(1))] == [raw]


@pytest.mark.parametrize("name", ["with space", "q?mode=ro", "h#x", "p%20x", "a&b=c", "new\nline", "\udcff"], ids=ascii)
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    fill(tmp_path / name, range(3))
    assert check(tmp_path / name).answers == stats(tmp_path / name).answers == 3
    assert (tmp_path / name / NAME).exists()


def _zip(data: bytes) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w") as packed:
        packed.writestr("x.jsonl", data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [("x.gz", gzip.compress), ("x.xz", lzma.compress), ("x.bz2", bz2.compress), ("x.zip", _zip)],
    ids=["gz", "xz", "bz2", "zip"],
)
def test_a_packed_file_that_is_damaged_is_one_line(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(os.urandom(5000) + old_line(1, "x"))
    for data in (packed[:-30], b"plain", packed[:40] + bytes(byte ^ 255 for byte in packed[40:60]) + packed[60:], b"x"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(KameError) as caught:
            import_(tmp_path / "ledger", str(tmp_path / name))
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_that_no_file_may_have_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(KameError, match="File name too long"):
        import_(tmp_path / "ledger", "z" * 5000)


def test_an_export_writes_over_no_ledger_and_an_empty_one_over_no_copy(tmp_path: Path) -> None:
    fill(tmp_path / "one", range(3))
    with pytest.raises(UsageError, match=r"name a file that ends with \.jsonl"):
        export(tmp_path / "one", str(tmp_path / "one" / NAME))
    assert check(tmp_path / "one").answers == 3
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(b"all that was paid for")
    with pytest.raises(UsageError, match=r"holds nothing .* is left as it is"):
        export(tmp_path / "mistyped", str(copy))
    assert copy.read_bytes() == b"all that was paid for"


def test_a_segment_may_have_any_name_and_the_ends_of_lines_of_windows(tmp_path: Path) -> None:
    tmp_path.joinpath(os.fsdecode(b"\xff.jsonl")).write_bytes(old_line(1, "one").replace(b"\n", b"\r\n"))
    for _ in range(2):
        with Ledger(tmp_path) as ledger:
            assert [entry.raw for entry in ledger.entries(key(1))] == ["one"]
            take_over(ledger.file)


def test_a_segment_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    # The memory of this process at 0: a file that anyone may open, and no one may read.
    (tmp_path / "a.jsonl").symlink_to("/proc/self/mem")
    with pytest.raises(KameError, match=r"a\.jsonl: .*error; .* make it readable, or move it away"):
        Ledger(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("DROP INDEX entry_by_key", "ALTER TABLE entry DROP COLUMN text"), "damaged"),
        (("ALTER TABLE entry ADD x",), ""),
    ],
)
def test_a_table_of_other_columns_is_read_or_named(tmp_path: Path, change: tuple[str, ...], words: str) -> None:
    fill(tmp_path, range(3))
    with sqlite3.connect(tmp_path / NAME) as database:
        for statement in change:
            database.execute(statement)
    database.close()
    if words:
        with pytest.raises(KameError, match=words):
            Ledger(tmp_path).get(key(1))
    else:
        assert Ledger(tmp_path).get(key(1)) is not None and check(tmp_path).answers == 3
