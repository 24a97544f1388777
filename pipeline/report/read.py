"""A finished build as its readers see it: manifest, rows and refusals, streamed a row group at a time."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from pipeline.errors import KameError, UsageError
from pipeline.seeds import digest
from pipeline.shards.schema import SHARD
from pipeline.storage.files import files, open_parquet
from pipeline.storage.paths import AnyPath

_NEEDED = ("kame_data", "settings", "shards", "sources", "stand_ins")
TEXT_COLUMNS = tuple(name for name in SHARD.names if name != "audio")


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished build: its folder and its manifest."""

    out: AnyPath
    manifest: dict[str, Any]

    @classmethod
    def open(cls, out: AnyPath) -> "Finished":
        """Raises UsageError where `out` holds no finished build."""
        path = out / "manifest.json"
        try:
            manifest = json.loads(path.read_text("utf-8"))
            manifest["dialogues"]["accepted"], [manifest[name] for name in _NEEDED]
        except FileNotFoundError:
            raise UsageError(
                f"{out}: holds no finished build (no manifest.json); `kame-data build --out {out}` makes one"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise KameError(
                f"{path}: is no manifest that this version reads ({type(error).__name__}: {error}); build again"
            ) from None
        return cls(out, manifest)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.out.resolve().name

    def shards(self) -> list[AnyPath]:
        """The files of the shards, in order."""
        return [self.out / shard["path"] for shard in self.manifest["shards"]]

    def rows(
        self, columns: Sequence[str] = TEXT_COLUMNS, ids: Collection[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of all shards, `columns` of each, or only those of `ids`; a row group in memory at a time."""
        for path in self.shards():
            yield from shard_rows(path, columns, ids)

    def row(self, wanted: str) -> dict[str, Any]:
        """The row of that id, without its audio. Raises UsageError, which names near ids, where there is none."""
        found = next(self.rows(ids=(wanted,)), None)
        if found is None:
            raise UsageError(f"ID {wanted}: no dialogue of that id in {self.out}; {self._near(wanted)}")
        return found

    def _near(self, wanted: str) -> str:
        ids = [row["id"] for row in self.rows(["id"])]
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
                    except ValueError:
                        raise KameError(f"{path} line {number}: is no JSON; `kame-data build` writes it anew") from None
                    if not isinstance(found, dict) or not {"stage", "reason"} <= found.keys():
                        raise KameError(f"{path} line {number}: is no refusal; `kame-data build` writes it anew")
                    yield found


def shard_rows(path: AnyPath, columns: Sequence[str], ids: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of one shard, `columns` of each, or only those of `ids`. Row groups without them are not read."""
    try:
        with open_parquet(path) as file:
            if missing := [name for name in columns if name not in file.schema_arrow.names]:
                raise KameError(f"{path}: has no column {missing[0]}; another version made it: build again")
            for group in range(file.num_row_groups):
                if ids is None:
                    yield from file.read_row_group(group, columns=list(columns)).to_pylist()
                    continue
                found = file.read_row_group(group, columns=["id"]).column("id").to_pylist()
                places = [place for place, name in enumerate(found) if name in ids]
                if places:
                    yield from file.read_row_group(group, columns=list(columns)).take(places).to_pylist()
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


def _damaged(path: AnyPath, error: Exception) -> KameError:
    return KameError(f"{path}: is damaged ({' '.join(str(error).split())[:200]}); `kame-data build` writes it anew")


def facets(row: Mapping[str, Any]) -> list[str]:
    """What a sample should show at least once: the row's source, split, category, and its kinds of situations."""
    kinds = sorted({s["kind"] for s in row["situations"]})
    named = [f"source {row['source']}", f"split {row['split']}", f"category {row['source']} {row['category']}"]
    return [*(f"situation {kind}" for kind in kinds), *named]


FACET_COLUMNS = ("id", "source", "split", "category", "situations")


def sample(rows: Iterable[Mapping[str, Any]], count: int, first: Sequence[str] = ()) -> list[str]:
    """Ids of `count` rows, drawn by a hash of the id: those of `first`, then one for each facet, then any others.

    The same rows give the same sample, in whatever order they come; `rows` have FACET_COLUMNS.
    """
    hashed = sorted((digest("report", row["id"]), row["id"], tuple(facets(row))) for row in rows)
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
