"""A finished build as its readers see it: manifest, rows and refusals, streamed a row group at a time."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Manifest
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.seeds import digest
from kame_data.shards.schema import SHARD, lacking
from kame_data.storage.files import files, open_parquet
from kame_data.storage.paths import AnyPath, path_of

TEXT_COLUMNS = tuple(name for name in SHARD.names if name != "audio")
NEW_COLUMNS: dict[str, Any] = {"transcripts": [], "situations": [], "claims": [], "form": "closed", "starts": []}
"""Columns that the shards of earlier versions lack, with what stands in every row of theirs."""
NEW_FIELDS = {"audio_checks": ("user_wer", "assistant_wer")}
"""Fields of columns that the shards of earlier versions lack; they are null there."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished build: its folder and its manifest."""

    out: AnyPath
    manifest: Manifest

    @classmethod
    def open(cls, out: Path | AnyPath) -> "Finished":
        """Raises UsageError where `out` holds no finished build, KameError for a manifest that cannot be read."""
        out = path_of(out)
        return cls(out, Manifest.read(out))

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.out.resolve().name

    def shards(self) -> list[AnyPath]:
        """The files of the shards, in order."""
        return [self.out / shard.path for shard in self.manifest.shards]

    @property
    def reckoner(self) -> Reckoner:
        """The reckoner that gives times to rows that were never spoken."""
        return Reckoner.of(self.manifest.settings)

    def rows(self, columns: Sequence[str] = TEXT_COLUMNS, ids: Collection[str] | None = None) -> Iterator[Row]:
        """The rows of all shards, `columns` of each, or only those of `ids`; a row group in memory at a time."""
        for path in self.shards():
            yield from shard_rows(path, columns, ids)

    def row(self, wanted: str) -> Row:
        """The row of that id, without its audio. Raises UsageError, which names near ids, where there is none."""
        found = next(self.rows(ids=(wanted,)), None)
        if found is None:
            raise UsageError(f"ID {wanted}: no dialogue of that id in {self.out}; {self._near(wanted)}")
        return found

    def _near(self, wanted: str) -> str:
        ids = [row.id for row in self.rows(["id"])]
        near = get_close_matches(wanted, ids, n=3, cutoff=0.5)
        starts = [name for name in ids if wanted and name.startswith(wanted.rsplit("-v", 1)[0])]
        found = list(dict.fromkeys([*starts[:3], *near]))[:4]
        return f"near it: {', '.join(found)}" if found else f"the first is {ids[0]}" if ids else "it holds no dialogues"

    def refusals(self) -> Iterator[dict[str, str]]:
        """The refusals of all stages. Raises KameError, which names file and line, for one that is damaged."""
        for path in files(self.out / "rejected", "*.jsonl"):
            with path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    try:
                        found = json.loads(line)
                    except (ValueError, RecursionError):
                        raise KameError(f"{path} line {number}: is no JSON; `kame-data build` writes it anew") from None
                    if not isinstance(found, dict) or not {"stage", "reason"} <= found.keys():
                        raise KameError(f"{path} line {number}: is no refusal; `kame-data build` writes it anew")
                    yield found


def shard_rows(path: AnyPath, columns: Sequence[str], ids: Collection[str] | None = None) -> Iterator[Row]:
    """The rows of one shard, `columns` of each, or only those of `ids`. Row groups without them are not read."""
    for table in shard_tables(path, columns, ids):
        yield from Row.of_table(table)


def shard_tables(path: AnyPath, columns: Sequence[str], ids: Collection[str] | None = None) -> Iterator[pa.Table]:
    """`shard_rows` as tables, a row group each. Raises KameError, one line, for a shard that cannot be read."""
    try:
        with open_parquet(path) as file:
            for group in range(file.num_row_groups):
                if ids is None:
                    yield read_group(file, path, group, columns)
                    continue
                found = read_group(file, path, group, ["id"]).column("id").to_pylist()
                places = [place for place, name in enumerate(found) if name in ids]
                if places:
                    yield read_group(file, path, group, columns).take(places)
    except FileNotFoundError:
        raise KameError(
            f"{path}: the manifest lists it, but it is not there; `kame-data build` writes it anew"
        ) from None
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None
    except OSError as error:
        if error.errno is not None:
            raise  # of the machine, and no word of Arrow's about what it read
        raise _damaged(path, error) from None


def read_group(file: pq.ParquetFile, path: AnyPath, group: int, columns: Sequence[str]) -> pa.Table:
    """`columns` of a row group of the shard at `path`. For one of NEW_COLUMNS that it lacks see there; raises KameError
    for any other."""
    if missing := missing_in(file.schema_arrow, columns):
        raise KameError(f"{path}: has no column {missing}; another version made it: build again")
    own = [name for name in columns if name in file.schema_arrow.names]
    return whole(file.read_row_group(group, columns=own), columns)


def missing_in(schema: pa.Schema, columns: Sequence[str] = SHARD.names) -> str | None:
    """The first of `columns`, or of their fields, that a shard of this schema lacks, NEW_COLUMNS and NEW_FIELDS
    apart; None where it lacks none."""
    for name in columns:
        wanted = SHARD.field(name).type
        if name in NEW_FIELDS:
            wanted = pa.struct([field for field in wanted if field.name not in NEW_FIELDS[name]])
        if name not in schema.names and name not in NEW_COLUMNS:
            return name
        if name in schema.names and (missing := lacking(schema.field(name).type, wanted, name)):
            return missing
    return None


def whole(table: pa.Table, columns: Sequence[str] = SHARD.names) -> pa.Table:
    """`columns` of a table of a shard, with those of NEW_COLUMNS that it lacks."""
    for name in NEW_COLUMNS.keys() & set(columns) - set(table.column_names):
        field = SHARD.field(name)
        table = table.append_column(field, pa.array([NEW_COLUMNS[name]] * table.num_rows, field.type))
    return table.select(list(columns))


def _damaged(path: AnyPath, error: Exception) -> KameError:
    return KameError(f"{path}: is damaged ({' '.join(str(error).split())[:200]}); `kame-data build` writes it anew")


def facets(row: Row) -> list[str]:
    """Facets that a sample should show at least once: the row's source, split, category and form, and its
    kinds of situations."""
    kinds = sorted({s.kind for s in row.situations})
    named = [f"source {row.source}", f"split {row.split}", f"category {row.source} {row.category}"]
    return [*(f"situation {kind}" for kind in kinds), f"form {row.form}", *named]


FACET_COLUMNS = ("id", "source", "split", "category", "form", "situations")


def sample(rows: Iterable[Row], count: int, first: Sequence[str] = ()) -> list[str]:
    """Ids of `count` rows, drawn by a hash of the id: those of `first`, then one for each facet, then any others.

    The same rows give the same sample, in whatever order they come; `rows` have FACET_COLUMNS.
    """
    hashed = sorted((digest("report", row.id), row.id, tuple(facets(row))) for row in rows)
    chosen = dict.fromkeys(name for name in first)
    seen: set[str] = set()
    ahead = []
    for _, name, shown in hashed:
        if not seen.issuperset(shown):
            ahead.append(name)
            seen.update(shown)
    for name in [*ahead, *(name for _, name, _ in hashed)]:
        if len(chosen) >= count:
            break
        chosen[name] = None
    return list(chosen)
