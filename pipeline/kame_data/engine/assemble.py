"""A finished build from finished parts: shards under their final names, rejected/, and last the manifest.

A shard is cut by rows, not by parts, and its fingerprint comes from the rows alone; so its bytes are the same however
the build was grown, killed or spread. A shard that is there already is kept, under whatever number it had.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from kame_data import text
from kame_data.engine.build import Build
from kame_data.engine.makers import simulator_of
from kame_data.engine.outcome import accepted
from kame_data.engine.parts import Marker
from kame_data.engine.selection import Slice, SourceVariant
from kame_data.engine.stages import stages_of
from kame_data.records import Split
from kame_data.seeds import digest
from kame_data.shards.row import example
from kame_data.shards.write_shard import fingerprint_of, write_shard
from kame_data.stage import id_of
from kame_data.storage.files import each, files, write_whole
from kame_data.storage.paths import AnyPath

SHARDS_VERSION = 4


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard: its split and number, and the ids of its rows by the slice that they come from."""

    split: Split
    number: int
    pieces: tuple[tuple[Slice, tuple[str, ...]], ...]
    fingerprint: str

    @property
    def rows(self) -> int:
        """The number of its rows."""
        return sum(len(ids) for _, ids in self.pieces)

    @property
    def label(self) -> str:
        """Its name while the build is not finished."""
        return f"{self.split}-{self.number:05d}"


def labels(build: Build) -> dict[str, str]:
    """The provenance fields that are one for the build."""
    simulator = simulator_of(build.settings)
    return {
        "simulator": simulator.name,
        "prompts": simulator.version,
        "latency": str(build.settings.latency),
    }


def plan_shards(build: Build, slices: list[Slice], counts: dict[SourceVariant, int]) -> list[Shard]:
    """The shards that the accepted rows make, train before validation. Every slice's parts must be done."""
    size = build.settings.shards.rows
    runs: dict[Split, list[tuple[Slice, list[str]]]] = {"train": [], "validation": []}
    digests: dict[str, str] = {}
    for slice_ in slices:
        split_of = {f"{q.id}-v{slice_.variant}": build.questions.splits[q.id] for q in build.questions.of(slice_)}
        ids = accepted(build, slice_, counts[slice_.source_variant])
        markers = [build.parts.marker(stage, slice_) for stage in stages_of(build.settings)]
        digests |= {i: digest(*(m.rows[i] for m in markers if isinstance(m, Marker))) for i in ids}
        for split, run in runs.items():
            run.append((slice_, [i for i in ids if split_of[i] == split]))
    key = (
        SHARDS_VERSION,
        build.settings.seed,
        build.settings.shards.row_group,
        sorted(build.settings.latency.model_dump().items()),
        sorted(labels(build).items()),
        build.settings.speak,
        *text.reading().items(),
    )
    if build.settings.duplex.early.wanted:
        key += ("early",)
    shards = []
    for split, run in runs.items():
        for number, pieces in enumerate(_cut(run, size)):
            rows = [digests[i] for _, ids in pieces for i in ids]
            shards.append(Shard(split, number, pieces, digest(*key, split, *rows)[:32]))
    return shards


def _cut(run: list[tuple[Slice, list[str]]], size: int) -> Iterator[tuple[tuple[Slice, tuple[str, ...]], ...]]:
    ends = list(accumulate(len(ids) for _, ids in run))
    total = ends[-1] if ends else 0
    for start in range(0, total, size):
        pieces = []
        for (slice_, ids), end in zip(run, ends, strict=True):
            first = end - len(ids)
            piece = tuple(ids[max(start - first, 0) : max(start + size - first, 0)])
            if piece:
                pieces.append((slice_, piece))
        yield tuple(pieces)


def shard_rows(build: Build, shard: Shard) -> Iterator[dict[str, Any]]:
    """The rows of a shard, one part in memory at a time."""
    common, schedule = labels(build), build.settings.level_schedule()
    for slice_, ids in shard.pieces:
        questions = {f"{q.id}-v{slice_.variant}": q for q in build.questions.of(slice_)}
        parts = {s.name: {id_of(r): r for r in build.parts.read(s.name, slice_)} for s in stages_of(build.settings)}
        for i in ids:
            build.check_stop()
            yield example(
                questions[i],
                shard.split,
                parts["dialogues"][i],
                parts["oracles"][i],
                parts["speech"][i] if "speech" in parts else None,
                latency=build.settings.latency,
                seed=build.settings.seed,
                labels=common,
                schedule=schedule,
            )


class ShardFolder:
    """The shards of a build on disk: finished ones in OUT/shards, the others in OUT/parts/shards until then."""

    def __init__(self, out: AnyPath) -> None:
        self.final, self.waiting = out / "shards", out / "parts" / "shards"

    def found(self) -> dict[str, AnyPath]:
        """The whole shards that are there, by fingerprint; what is not as it was written goes."""
        found = {}
        paths = files(self.waiting, "*.parquet") + files(self.final, "*.parquet")
        for path, mark in zip(paths, each(fingerprint_of, paths), strict=True):
            if mark and self._sound(path, self.sum(mark)):
                found[mark] = path
            else:
                path.unlink()
        return found

    def has(self, shard: Shard) -> bool:
        """Tell whether the shard has been written: its checksum, which comes last, is there."""
        return self._sum(shard.fingerprint).exists() and (self.waiting / f"{shard.fingerprint}.parquet").exists()

    @staticmethod
    def _sound(path: AnyPath, sha256: str) -> bool:
        return bool(sha256) and path.unchanged(sha256)

    def _sum(self, mark: str) -> AnyPath:
        return self.waiting / f"{mark}.sha256"

    def sum(self, mark: str) -> str:
        """The checksum that the shard of a fingerprint was written with; "" where it was not written to its end."""
        try:
            return self._sum(mark).read_text("utf-8")
        except FileNotFoundError:
            return ""

    def make(self, build: Build, shard: Shard) -> AnyPath:
        """Write the shard, its checksum last."""
        path = self.waiting / f"{shard.fingerprint}.parquet"
        rows, group = shard_rows(build, shard), build.settings.shards.row_group
        early = build.settings.duplex.early.wanted
        sha256 = write_shard(path, rows, row_group=group, fingerprint=shard.fingerprint, early=early)
        write_whole(self._sum(shard.fingerprint), sha256.encode())
        return path

    def names(self, shards: list[Shard]) -> dict[str, str]:
        """The final name of each shard, by fingerprint."""
        of = {split: sum(s.split == split for s in shards) for split in ("train", "validation")}
        return {s.fingerprint: f"{s.split}-{s.number:05d}-of-{of[s.split]:05d}.parquet" for s in shards}

    def place(self, shards: list[Shard]) -> list[AnyPath]:
        """Give the shards their final names; what is not of the build any more goes. Can be cut off and repeated."""
        names = self.names(shards)
        self.final.mkdir(parents=True, exist_ok=True)
        self.waiting.mkdir(parents=True, exist_ok=True)
        final = files(self.final, "*.parquet")
        for path, mark in zip(final, each(fingerprint_of, final), strict=True):
            if mark not in names:
                path.unlink()
            elif names[mark] != path.name:
                path.move(self.waiting / f"{mark}.parquet")
        for path in files(self.waiting, "*.parquet"):
            if path.stem in names:
                path.move(self.final / names[path.stem])
        for path in files(self.waiting, "*"):
            if path.suffix != ".sha256" or path.stem not in names:
                path.unlink()
        return [self.final / names[s.fingerprint] for s in shards]
