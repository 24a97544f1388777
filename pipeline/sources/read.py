"""Rows of a source: from a local file, a folder of files, or the Hub; and the fingerprint of what they came from.

Rows pass one by one and memory stays flat, but for a `.json` file that is one array (parsed whole).
"""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any

from pipeline import seeds
from pipeline.errors import UsageError
from pipeline.imported import layout
from pipeline.resources import bundled
from pipeline.sources import hub, language
from pipeline.sources.base import Source
from pipeline.sources.imported import Imported

BATCH = 64  # rows of Parquet at once: few, for some hold pictures


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands: any value where the file holds something else than a row.

    `where` names it for a person (`train.jsonl row 7`), `folder` is the local one of its file (None on the Hub).
    """

    values: Any
    split: str
    where: str
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a source's rows are: a data set on the Hub, or local files, all below `root`."""

    files: tuple[Path, ...] = ()
    hub_id: str = ""
    root: Path | None = None


def find(source: Source, location: str | None) -> Origin:
    """The origin that a location means; None is the source's own data set on the Hub, `sample` the bundled sample of
    the source, `sample:NAME` another one in its columns.

    A path is what exists, what ends like a file of rows, or what cannot be a Hub id. Raises UsageError.
    """
    if location is not None and re.fullmatch(r"sample(:.*)?", location):
        return _sample(source, location.partition(":")[2] or source.name)
    if location is None:
        if not source.hub_id:
            raise UsageError(f"source '{source.name}' is not on the Hub; give a file: --source {source.name}=FILE")
        return Origin(hub_id=source.hub_id)
    if not location:
        raise UsageError(f"source '{source.name}': nothing follows --source {source.name}=; give a file or a Hub id")
    path = Path(location).expanduser()
    if not (path.exists() or _suffix(path) or hub.not_an_id(location)):
        return Origin(hub_id=location)
    if path.is_dir():
        files = tuple(sorted(p for p in path.rglob("*") if p.is_file() and _suffix(p) and not _hidden(p, path)))
        if not files:
            raise UsageError(f"source '{source.name}': folder {path} holds no {_KNOWN} file")
        return Origin(files=files, root=path)
    if not path.exists():
        raise UsageError(f"source '{source.name}': file {location} does not exist; check --source {source.name}=FILE")
    if not _suffix(path):
        raise UsageError(f"source '{source.name}': file {path} is none of {_KNOWN}; rename or convert it")
    return Origin(files=(path,), root=path.parent)


def _sample(source: Source, name: str) -> Origin:
    folder = bundled("data/samples")
    file = folder / f"{name}.jsonl"
    if file.parent != folder or not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.jsonl")))
        raise UsageError(f"--source {source.name}=sample:{name}: no such bundled sample; there are {known}")
    return Origin(files=(file,), root=folder)


def fingerprint(source: Source, location: str | None) -> str:
    """What the rows depend on: SHA-256 over the local files' bytes, or the Hub's commit (or the cached one offline).

    Raises UsageError for what cannot be read.
    """
    if isinstance(source, Imported):
        return layout.fingerprint(source.folder(location))
    origin = find(source, location)
    if origin.hub_id:
        return f"hub:{origin.hub_id}:{source.config}@{hub.revision(source, origin.hub_id)}"
    digests = [(_name(origin, file), _file_digest(source, file)) for file in origin.files]
    # The name of a lone file says nothing; several are read in the order of their names.
    return f"sha256:{digests[0][1] if len(digests) == 1 else seeds.digest(*(d for pair in digests for d in pair))}"


def rows(source: Source, location: str | None) -> Iterator[RawRow]:
    """The rows at a location, in order. Raises UsageError for what cannot be read, lacks a column, or is empty."""
    if isinstance(source, Imported):
        for values in source.rows(location):
            yield RawRow(values, values["split"], "")  # its refusals name the file
        return
    origin = find(source, location)
    empty = True
    for row in _hub_rows(source, origin) if origin.hub_id else _local_rows(source, origin):
        empty = False
        yield row
    if empty:
        what = origin.hub_id or str(origin.root if len(origin.files) > 1 else origin.files[0])
        raise UsageError(f"source '{source.name}': {what} holds no rows; give a file or data set with questions")


def _hub_rows(source: Source, origin: Origin) -> Iterator[RawRow]:
    for config, split, number, values in hub.rows(source, origin.hub_id):
        _label(source, values, config)
        yield RawRow(values, split, f"{origin.hub_id} {split} row {number}")


def _local_rows(source: Source, origin: Origin) -> Iterator[RawRow]:
    for file in origin.files:
        split, name = _split(source, file), _name(origin, file)
        seen: set[str] = set()
        number = 0
        for number, values in enumerate(_READERS[_suffix(file)](source, file), 1):
            if isinstance(values, Mapping):
                seen.update(column for column in source.columns if column in values)
                _label(source, values, file.name)
            yield RawRow(values, split, f"{name} row {number}", file.parent)
        missing = [column for column in source.columns if column not in seen]
        if number and missing:
            raise _missing(source, file, missing)


def _label(source: Source, values: Any, name: str) -> None:
    """Writes the language that a file or configuration is named after into a row that states none."""
    if source.multilingual and isinstance(values, dict) and not (values.get("language") or values.get("lang")):
        values["language"] = language.in_file_name(name)


def _missing(source: Source, file: Path, columns: list[str]) -> UsageError:
    names = ", ".join(f"'{column}'" for column in columns)
    several = "columns" if len(columns) > 1 else "column"
    return UsageError(
        f"source '{source.name}': {file} has no {several} {names}; "
        f"a row needs {', '.join(source.columns)} (see data/samples/{source.name}.jsonl)"
    )


def _unreadable(source: Source, file: Path, where: str, problem: object) -> UsageError:
    first = str(problem).strip().splitlines()
    return UsageError(
        f"source '{source.name}': {file}{where} cannot be read ({first[0] if first else type(problem).__name__}); "
        "mend or replace the file"
    )


def _open(file: Path) -> IO[str]:
    if file.suffix.lower() == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


_BROKEN = (OSError, EOFError, zlib.error, UnicodeDecodeError)


def _jsonl(source: Source, file: Path) -> Iterator[Any]:
    done = 0
    try:
        with _open(file) as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)
                done += 1
    except (*_BROKEN, json.JSONDecodeError, RecursionError) as problem:
        raise _unreadable(source, file, f" line {done + 1}", problem) from None


def _json(source: Source, file: Path) -> Iterator[Any]:
    """One array of rows; or, as the Hub has it, JSON lines under the name of JSON."""
    try:
        with _open(file) as stream:
            start = stream.read(1)
            while start.isspace():
                start = stream.read(1)
            whole = json.loads(start + stream.read()) if start == "[" else None
    except (*_BROKEN, json.JSONDecodeError, RecursionError) as problem:
        raise _unreadable(source, file, "", problem) from None
    yield from _jsonl(source, file) if whole is None else whole


def _csv(source: Source, file: Path) -> Iterator[Any]:
    done = 0
    csv.field_size_limit(2**31 - 1)
    try:
        with _open(file) as lines:
            reader = csv.DictReader(lines, strict=True)
            missing = [column for column in source.columns if column not in (reader.fieldnames or ())]
            if reader.fieldnames and missing:
                raise _missing(source, file, missing)
            for values in reader:
                # More or fewer fields than the header has: not a row of this shape.
                ragged = None in values or None in values.values()
                yield list(values.values()) if ragged else values
                done += 1
    except (*_BROKEN, csv.Error) as problem:
        raise _unreadable(source, file, f" after row {done}", problem) from None


def _parquet(source: Source, file: Path) -> Iterator[Any]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as table:
            names = table.schema_arrow.names
            missing = [column for column in source.columns if column not in names]
            if missing:
                raise _missing(source, file, missing)
            wanted = [column for column in (*source.columns, *source.optional) if column in names]
            for batch in table.iter_batches(BATCH, columns=wanted):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as problem:
        raise _unreadable(source, file, "", problem) from None


_READERS: dict[str, Callable[[Source, Path], Iterator[Any]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl.gz": _jsonl,
    ".json.gz": _json,
    ".csv.gz": _csv,
}
_KNOWN = ".parquet, .jsonl, .json or .csv"


def _suffix(path: Path) -> str:
    """The ending that says how to read a file, "" for another."""
    name = path.name.lower()
    return next((suffix for suffix in sorted(_READERS, key=len, reverse=True) if name.endswith(suffix)), "")


def _hidden(path: Path, root: Path) -> bool:
    return any(piece.startswith(".") for piece in path.relative_to(root).parts)


def _name(origin: Origin, file: Path) -> str:
    return file.relative_to(origin.root).as_posix() if origin.root else file.name


def _split(source: Source, file: Path) -> str:
    """The split that a file is named after (`train.parquet`, `test-00000-of-00001.parquet`), "" if none."""
    pieces = file.name.lower().replace("_", "-").replace(".", "-").split("-")
    return next((split for split in (*source.splits, "train", "test", "validation") if split in pieces), "")


def _file_digest(source: Source, file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as problem:
        raise _unreadable(source, file, "", problem.strerror or problem) from None
