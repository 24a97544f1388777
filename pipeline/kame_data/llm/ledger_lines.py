r"""A ledger as lines of text: what is exported and imported, and the segments in which earlier versions kept it.

A line is `<CRC-32, 8 hex> <kind> <key, 64 hex> <JSON>\n`.
"""

import logging
import os
from pathlib import Path

from kame_data.errors import KameError
from kame_data.llm.ledger_file import Reader, Row, add, content, row_of, writable

log = logging.getLogger(__name__)
SUFFIX = ".jsonl"
PIECE = 16 * 2**20  # bytes that are taken over together
_HEAD = len("01234567 A ") + 64 + 1


def encode(row: Row) -> bytes:
    """The line of a row."""
    kind, key, crc, data = row
    return f"{crc:08x} {kind} {key.hex()} ".encode() + data + b"\n"


def decode(line: bytes) -> Row | None:
    """The row of a line; None where the line is damaged or nothing of a ledger. A line may end as on Windows."""
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    try:
        row = row_of(line[9:10].decode(), bytes.fromhex(line[11 : _HEAD - 1].decode()), line[_HEAD:])
    except ValueError:
        return None
    return row if encode(row) == line + b"\n" and content(row[0], row[3]) is not None else None


def segments(folder: Path) -> list[Path]:
    """The segments of an earlier version in order of name, that is of the time at which they were begun."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file())


def whole_lines(path: Path, start: int) -> list[bytes]:
    """Some of the lines of a segment from a byte on, without a last one that has no end yet."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return [line for line in file.readlines(PIECE) if line.endswith(b"\n")]
    except OSError as error:
        raise KameError(
            f"ledger {path}: {error.strerror}; an earlier version kept answers there: make it readable, or move it "
            "away to go on without them"
        ) from None


def _name(path: Path) -> str:
    """The name of a segment as SQLite takes it, whichever bytes it is of."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def take_over(reader: Reader) -> None:
    """Takes over what earlier versions kept in the ledger's folder, in pieces, each with a note of how far that was.

    So a killed process goes on where it was, and what an earlier version still appends comes with the next opening. The
    segments stay as they are: a copy of what was paid for. Raises KameError where the folder can't be written.
    """
    folder, added, files = reader.folder, 0, segments(reader.folder)
    way = f"kame-data ledger --ledger NEW import {folder} takes the answers of an earlier version, which wait there"
    done = dict(reader.rows("SELECT segment, bytes FROM taken_over")) if files else {}
    more = sum(path.stat().st_size - done.get(_name(path), 0) for path in files)
    if more > PIECE:
        log.warning("ledger %s: takes over %d MB of an earlier version", folder, more / 1e6)
    for path in files:
        at = done.get(_name(path), 0)
        while lines := whole_lines(path, at):
            with writable(folder, way) as database:
                found = database.execute("SELECT bytes FROM taken_over WHERE segment = ?", [_name(path)]).fetchone()
                if at != (at := found[0] if found else 0):
                    continue  # another process was faster
                rows = [row for row in map(decode, lines) if row is not None]
                at += sum(map(len, lines))
                added += add(database, rows, new=True, until=(_name(path), at))
            if len(rows) < len(lines):
                log.warning("ledger %s: %d damaged line(s) left out", path, len(lines) - len(rows))
    if added:
        text = "ledger %s: %d answers and notes of an earlier version taken over; its files *%s stay as a copy"
        log.warning(text, folder, added, SUFFIX)
