"""Parts: the unit of work. A stage turns a part of its inputs into a part of its output, whole or not at all.

A part is three files in `parts/<stage>/`: `<name>.parquet` (the rows), `<name>.rejected.jsonl` (the refusals, where
there are any) and `<name>.json`, the marker, written last. A part whose marker is there is done. The name ends in the
part's fingerprint: a digest of all that the rows depend on, so that a part is never taken for another's.
"""

import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from kame_data.errors import KameError
from kame_data.records import Rejected
from kame_data.seeds import digest
from kame_data.storage.files import read_many, write_whole
from kame_data.storage.paths import AnyPath, path_of
from kame_data.storage.self_checksum import as_written, summed


class DamagedPart(KameError):
    """A part file that does not hold what its marker says."""

    def __init__(self, path: AnyPath) -> None:
        super().__init__(
            f"{path}: damaged (its checksum is not the marker's); run the same command again to rebuild it"
        )
        self.path = path


@dataclass(frozen=True, slots=True)
class Marker:
    """The content of a finished part: its rows' ids in order, each with a digest of the row's content, the number of
    refusals, the SHA-256 and size of the rows' file, and the SHA-256 of the refusals' file ("" where there is none).
    In its file stands a SHA-256 of all that, too."""

    rows: dict[str, str]
    rejected: int
    sha256: str
    bytes: int
    rejected_sha256: str


def marker_of(data: bytes) -> Marker:
    """The marker that a file holds. Raises ValueError, KeyError, TypeError or AttributeError where it is none, or is
    not as it was written (one of an earlier version has no checksum of its own)."""
    try:
        marker = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not as_written(marker, "marker_sha256"):
        raise ValueError("its checksum is another one")
    marker.pop("marker_sha256", None)
    return Marker(**marker | {"rows": dict(marker["rows"].items())})


def jsonl(records: Iterable[Rejected]) -> bytes:
    """One JSON object a line, in the given order."""
    return b"".join(json.dumps(asdict(r), ensure_ascii=False).encode("utf-8", "replace") + b"\n" for r in records)


class PartStore:
    """The finished parts of one stage in one folder."""

    def __init__(self, folder: Path | AnyPath) -> None:
        self.folder = path_of(folder)

    def path(self, name: str) -> AnyPath:
        """The file of the part's rows."""
        return self.folder / f"{name}.parquet"

    def _refusals(self, name: str) -> AnyPath:
        return self.folder / f"{name}.rejected.jsonl"

    def _refused_as_told(self, name: str, marker: Marker) -> bool:
        (data,) = read_many([self._refusals(name)]) if marker.rejected else (b"",)
        return not marker.rejected or (data is not None and sha256(data).hexdigest() == marker.rejected_sha256)

    def marker(self, name: str) -> Marker | None:
        """The part's marker, or None where the part is not done (or its file has another size than it should, or its
        refusals are not what they were)."""
        try:
            marker = marker_of((self.folder / f"{name}.json").read_bytes())
            if self.folder.KEEPS_WHOLE:
                return marker  # written last
            if not self._refused_as_told(name, marker):
                return None
            return marker if self.path(name).stat().st_size == marker.bytes else None
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def finished(self, known: Collection[str] = ()) -> dict[str, Marker | None]:
        """The markers of the finished parts by name, None for those that are `known` already.

        One listing, and in an object store many markers at once.
        """
        sizes = self.folder.listing()
        names = [name.removesuffix(".json") for name in sizes if name.endswith(".json")]
        found: dict[str, Marker | None] = {name: None for name in names if name in known}
        new = [name for name in names if name not in found]
        for name, data in zip(new, read_many([self.folder / f"{name}.json" for name in new]), strict=True):
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                marker = marker_of(data or b"")
                if sizes.get(f"{name}.parquet") == marker.bytes and self._refusals_there(name, marker, sizes):
                    found[name] = marker
        return found

    def _refusals_there(self, name: str, marker: Marker, listed: Collection[str]) -> bool:
        if self.folder.KEEPS_WHOLE:
            return not marker.rejected or self._refusals(name).name in listed
        return self._refused_as_told(name, marker)

    def names(self) -> list[str]:
        """The names of all parts with a marker, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def write(self, name: str, rows: dict[str, Any], record: type, rejected: list[Rejected]) -> Marker:
        """Write records of one class, by id, and refusals; the marker comes last. The same records, the same bytes."""
        plain = _adapter(record).dump_python(list(rows.values()))
        table = pa.Table.from_pylist(plain, schema=schema_of(record))
        return self.write_table(name, table, dict(zip(rows, map(row_digest, plain), strict=True)), rejected)

    def write_table(self, name: str, table: pa.Table, digests: dict[str, str], rejected: list[Rejected]) -> Marker:
        """`write` for rows that are a table already; `digests` are those of its rows, by id."""
        buffer = BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        data = buffer.getvalue()
        write_whole(self.path(name), data)
        refused = jsonl(rejected)
        if rejected:
            write_whole(self._refusals(name), refused)
        refused_sum = sha256(refused).hexdigest() if rejected else ""
        marker = Marker(digests, len(rejected), sha256(data).hexdigest(), len(data), refused_sum)
        written = summed(asdict(marker), "marker_sha256")
        write_whole(self.folder / f"{name}.json", json.dumps(written, ensure_ascii=False).encode())
        return marker

    def read(self, name: str, record: type) -> list[Any]:
        """The records of a finished part. Raises DamagedPart where its checksum is wrong."""
        return from_table(self.read_table(name), record)

    def read_table(self, name: str) -> pa.Table:
        """The rows of a finished part as a table. Raises as `read` does."""
        marker = self.marker(name)
        (data,) = read_many([self.path(name)]) if marker else (None,)
        if marker is None or data is None or sha256(data).hexdigest() != marker.sha256:
            raise DamagedPart(self.path(name))
        # Not pq.read_table, nor with threads: those of Arrow that still hold the file when Python ends abort it.
        with pq.ParquetFile(BytesIO(data)) as parquet:
            return parquet.read(use_threads=False)

    def problem(self, name: str) -> str:
        """Say what is wrong with the files of a part that has a marker; "" where nothing is."""
        path, out_of_it = self.path(name), f"delete {self.folder / name}.json, which marks it as done, and "
        try:
            marker = marker_of((self.folder / f"{name}.json").read_bytes())
            if not self._refused_as_told(name, marker):
                return f"{self._refusals(name)}: is missing, or is not what the part's marker says; {out_of_it}"
            rows = self.read_table(name).num_rows
        except DamagedPart:
            return f"{path}: is missing, or its checksum is not its marker's; {out_of_it}"
        except (ValueError, KeyError, TypeError, AttributeError):
            return f"{self.folder / name}.json: is damaged; delete it, and "
        return f"{path}: has {rows} rows, not {len(marker.rows)}; {out_of_it}" if rows != len(marker.rows) else ""

    def rejected(self, name: str) -> list[Rejected]:
        """The refusals of a finished part."""
        marker = self.marker(name)
        (data,) = read_many([self._refusals(name)]) if marker and marker.rejected else (None,)
        # Not splitlines(): it also cuts at U+2028 and the like, which JSON leaves as they are.
        return [Rejected(**json.loads(line)) for line in (data or b"").split(b"\n") if line]

    def drop(self, name: str) -> None:
        """Make the part undone; the marker goes first."""
        for suffix in (".json", ".rejected.jsonl", ".parquet"):
            (self.folder / f"{name}{suffix}").unlink(missing_ok=True)


def column_type(annotation: Any) -> pa.DataType:
    """The Arrow type of a record's field. Records hold plain values, tuples of one kind, and other records."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return column_type(next(a for a in args if a is not type(None)))
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(column_type(args[0]))
    if is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return pa.struct([(f.name, column_type(hints[f.name])) for f in fields(annotation)])
    return {str: pa.string(), int: pa.int32(), float: pa.float64(), bytes: pa.binary(), bool: pa.bool_()}[annotation]


@cache
def schema_of(record: type) -> pa.Schema:
    """The Arrow schema whose columns are the record's fields."""
    return pa.schema(list(column_type(record)))


@cache
def _adapter(record: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(list[record])  # type: ignore[valid-type]


NOT_DIGESTED_WHERE_EMPTY = {"starts"}
"""Fields that the records of earlier versions lack: an empty one is in no digest of a row, so that what was made of the
row stays."""


def row_digest(row: dict[str, Any]) -> str:
    """A digest of a row's content; the same whatever part or file the row stands in."""
    values = (value for name, value in row.items() if value or name not in NOT_DIGESTED_WHERE_EMPTY)
    return digest(*(sha256(v).hexdigest() if isinstance(v, bytes) else repr(v) for v in values))[:32]


def digest_of(record: Any) -> str:
    """The `row_digest` of a record."""
    return row_digest(_adapter(record.__class__).dump_python([record])[0])


def from_table(table: pa.Table, record: type) -> list[Any]:
    """The records of a table whose schema is `schema_of(record)`."""
    records: list[Any] = _adapter(record).validate_python(table.to_pylist())
    return records
