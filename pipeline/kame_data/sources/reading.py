"""Rows of a source: from a local file, a folder of files, or the Hub; and the fingerprint of what they came from.

Rows pass one by one and memory stays flat, except for a `.json` file that is one array (it is parsed whole).
"""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any

from kame_data import seeds
from kame_data.errors import Refusal, UsageError
from kame_data.resources import bundled
from kame_data.sources import hub_rows as hub
from kame_data.sources import pictures
from kame_data.sources.base import Source
from kame_data.text import language

BATCH = 64  # rows of Parquet at once: few, for some hold pictures


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands: any value where the file holds something else than a row.

    `where` names it for a person (`train.jsonl row 7`).
    """

    values: Any
    split: str
    where: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The place of a source's rows: a data set on the Hub, or local files, all below `root`; `whole`: a folder that is
    the source's own, with all that is in it."""

    files: tuple[Path, ...] = ()
    hub_id: str = ""
    root: Path | None = None
    whole: bool = False


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
        return Origin(files=files, root=path, whole=True)
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
    """The fingerprint of the rows: SHA-256 over the local files' bytes, with a digest of the pictures that they name,
    or the Hub's commit (offline, the cached one).

    Raises UsageError for what cannot be read.
    """
    if (own := source.own_fingerprint(location)) is not None:
        return own
    origin = find(source, location)
    if origin.hub_id:
        return f"hub:{origin.hub_id}:{source.config}@{hub.revision(source, origin.hub_id)}"
    digests = [(_name(origin, file), _file_digest(source, file)) for file in origin.files]
    # The name of a lone file says nothing; several are read in the order of their names.
    told = digests[0][1] if len(digests) == 1 else seeds.digest(*(d for pair in digests for d in pair))
    shown = pictures.digest(picture_files(source, location), _pictured(source, origin)) if source.pictures else ""
    return f"sha256:{seeds.digest(told, shown) if shown else told}"


def _pictured(source: Source, origin: Origin) -> set[str]:
    """The names of the pictures that local rows name."""
    names: set[str] = set()
    for row in _local_rows(source, origin):
        with suppress(Refusal):
            picture = source.picture(row.values) if isinstance(row.values, Mapping) else None
            if picture is not None and picture.data is None:
                names.add(pictures.name_of(picture.path))
    return names


def picture_files(source: Source, location: str | None) -> pictures.Files:
    """The pictures and archives of a source that has pictures: all in its folder, or in its repository on the Hub; for
    a file of rows, those beside it and in the folders beside it.

    Raises UsageError for a data set that cannot be listed; what it gives raises UsageError for a file that cannot be
    had, and Refusal(`bad_picture`) for one beyond the bounds.
    """
    origin = find(source, location)
    if origin.hub_id:
        return hub.files(source, origin.hub_id, pictures.is_wanted)
    assert origin.root is not None
    return pictures.in_folder(origin.root, ("**/*",) if origin.whole else ("*", "*/*"))


def rows(source: Source, location: str | None) -> Iterator[RawRow]:
    """The rows at a location, in order. Raises UsageError for what cannot be read, lacks a column, or is empty."""
    if (own := source.own_rows(location)) is not None:
        for values in own:
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
    if source.pictures and hub.has_no_card(source, origin.hub_id):
        # Left to itself, `datasets` would take the pictures beside the rows for the data.
        fetched = {name: fetch() for name, fetch in hub.files(source, origin.hub_id, _of_rows).items()}
        if not fetched:
            raise UsageError(f"source '{source.name}': the Hub's {origin.hub_id} holds no {_KNOWN} file")
        for name, file in fetched.items():
            yield from _file_rows(source, file, _split(source, file), f"{origin.hub_id} {name}")
        return
    for config, split, number, values in hub.rows(source, origin.hub_id):
        _label(source, values, config)
        yield RawRow(values, split, f"{origin.hub_id} {split} row {number}")


def _local_rows(source: Source, origin: Origin) -> Iterator[RawRow]:
    for file in origin.files:
        yield from _file_rows(source, file, _split(source, file), _name(origin, file))


def _file_rows(source: Source, file: Path, split: str, name: str) -> Iterator[RawRow]:
    seen: set[str] = set()
    number = 0
    for number, values in enumerate(_READERS[_suffix(file)](source, file), 1):
        if isinstance(values, Mapping):
            seen.update(column for column in source.columns if column in values)
            _label(source, values, file.name)
        yield RawRow(values, split, f"{name} row {number}")
    missing = [column for column in source.columns if column not in seen]
    if number and missing:
        raise _missing(source, file, missing)


def _of_rows(path: str) -> bool:
    """True for the path of a file of rows in a repository."""
    return bool(_suffix(Path(path))) and not _hidden(Path(path), Path())


def _label(source: Source, values: Any, name: str) -> None:
    """Writes the language that a file or configuration is named after into a row that states none, unless the row's own
    text is surely in another one."""
    if source.multilingual and isinstance(values, dict) and not (values.get("language") or values.get("lang")):
        named, stem = language.in_file_name(name), values.get("question")
        if named and not (isinstance(stem, str) and language.contradicts(stem, named)):
            values["language"] = named


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
