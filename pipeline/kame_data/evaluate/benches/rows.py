"""Rows of a bench's file, bounded: each with the words that name it for a person."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kame_data.errors import Refusal
from kame_data.evaluate.benches.base import Bench
from kame_data.sources import base as columns
from kame_data.text.spoken import MOST_CHARACTERS

Row = Mapping[str, Any]

MOST_BYTES = 64 * 2**20
"""Bytes of a file of questions."""
MOST_ROWS = 50_000
MOST_TURNS = 32
MOST_ANSWERS = 64
_SHOWN = 160


def located(bench: Bench, location: str, kinds: tuple[str, ...]) -> Path:
    """The file that a location names, of one of `kinds` (".jsonl"). Raises UsageError where it is not there, is no file
    or is too large."""
    path = Path(location).expanduser()
    wanted = ", ".join(kinds)
    try:
        if not path.exists():
            raise bench.wrong(f"file {location} does not exist; expected {bench.form}")
        if not path.is_file():
            raise bench.wrong(f"{location} is no file; expected a file of questions ({wanted})")
        if path.suffix.lower() not in kinds:
            raise bench.wrong(f"file {location} is none of {wanted}; rename or convert it")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise bench.wrong(f"file {location} has {size:,} bytes; at most {MOST_BYTES:,} are read")
    except (OSError, ValueError) as problem:
        raise bench.wrong(f"{location[:_SHOWN]} cannot be read ({_first(problem)})") from None
    return path


def rows(bench: Bench, path: Path) -> Iterator[tuple[str, Row]]:
    """The rows of a .jsonl, .csv or .txt file (a line is the column `text`), each with what names it ("FILE line 7").

    Raises UsageError for what is no row, and for more than MOST_ROWS.
    """
    readers = {".jsonl": _jsonl, ".csv": _csv, ".txt": _txt}
    number = 0
    for number, (line, row) in enumerate(readers[path.suffix.lower()](bench, path), 1):
        if number > MOST_ROWS:
            raise bench.wrong(f"{path} has more than {MOST_ROWS:,} rows; take a part of them")
        yield f"{path} line {line}", row
    if not number:
        raise bench.wrong(f"{path} holds no row; expected {bench.form}")


def _lines(bench: Bench, path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line.strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise bench.wrong(f"{path} cannot be read ({_first(problem)}); it must be text in UTF-8") from None


def _jsonl(bench: Bench, path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in _lines(bench, path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise bench.wrong(f"{path} line {number} is no JSON ({_first(problem)}); a line is one object") from None
        if not isinstance(row, dict):
            raise bench.wrong(f"{path} line {number} is no JSON object; a line is one object")
        yield number, row


def _txt(bench: Bench, path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in _lines(bench, path):
        yield number, {"text": line}


def _csv(bench: Bench, path: Path) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(MOST_BYTES)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            for row in reader:
                if None in row or None in row.values():
                    raise bench.wrong(f"{path} line {reader.line_num} has other fields than the header")
                yield reader.line_num, {name: value for name, value in row.items() if value.strip()}
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise bench.wrong(f"{path} cannot be read ({_first(problem)}); it must be CSV in UTF-8") from None


def text(row: Row, column: str) -> str:
    """The text of a column that must have one, of at most MOST_CHARACTERS. Raises Refusal(`bad_row`)."""
    if column not in row:
        raise Refusal("bad_row", f"has no '{column}'")
    found = columns.stem(row, column)
    if len(found) > MOST_CHARACTERS:
        raise Refusal("bad_row", f"'{column}' has {len(found):,} characters; at most {MOST_CHARACTERS:,} are read")
    return found


def texts(row: Row, column: str, most: int) -> tuple[str, ...]:
    """The texts of a column that holds a list of 1 to `most` of them. Raises Refusal(`bad_row`) for anything else."""
    value = columns.nested(row, column)
    if not isinstance(value, list | tuple) or not value:
        raise Refusal("bad_row", f"'{column}' is no list of texts")
    if len(value) > most:
        raise Refusal("bad_row", f"'{column}' has {len(value):,} entries; at most {most} are read")
    return tuple(text({column: item}, column) for item in value)


def _first(problem: BaseException) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return (str(problem).splitlines() or [type(problem).__name__])[0][:_SHOWN]
