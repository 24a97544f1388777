"""From finished parts to a finished build: shards under their final names, rejected/, and last the manifest.

A shard is cut by rows, not by parts, and its fingerprint comes from the rows alone; so its bytes are the same however
the build was grown, killed or spread. A shard that is there already is kept, under whatever number it had.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from pipeline import __version__, backend
from pipeline.build import Build
from pipeline.parts import Marker
from pipeline.records import Split
from pipeline.seeds import digest
from pipeline.shards.rows import example
from pipeline.shards.write import fingerprint_of, write_shard
from pipeline.stages import id_of, simulator_of, stages_of, stand_ins
from pipeline.storage.files import checksum, each, files, move, write_whole
from pipeline.storage.paths import AnyPath, RemotePath
from pipeline.wanted import Lane, Slice

SHARDS_VERSION = 3


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard: its split and number, and the ids of its rows by the slice that they come from."""

    split: Split
    number: int
    pieces: tuple[tuple[Slice, tuple[str, ...]], ...]
    fingerprint: str

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(len(ids) for _, ids in self.pieces)

    @property
    def label(self) -> str:
        """Its name while the build is not finished."""
        return f"{self.split}-{self.number:05d}"


def labels(build: Build) -> dict[str, str]:
    """The provenance fields that are one for the build."""
    simulator = simulator_of(build.settings)
    latency = build.settings.latency
    names = latency.model_dump(exclude={"preset"}, exclude_none=True)
    changed = {name: getattr(latency, name) for name in names}
    return {
        "simulator": simulator.name,
        "prompts": simulator.version,
        "latency": " ".join([latency.preset, *(f"{name}={value}" for name, value in changed.items())]),
    }


def plan_shards(build: Build, slices: list[Slice], counts: dict[Lane, int]) -> list[Shard]:
    """The shards that the accepted rows make, train before validation. Every slice's parts must be done."""
    size = build.settings.shards.rows
    runs: dict[Split, list[tuple[Slice, list[str]]]] = {"train": [], "validation": []}
    digests: dict[str, str] = {}
    for slice_ in slices:
        split_of = {f"{q.id}-v{slice_.variant}": build.splits[q.id] for q in _questions(build, slice_)}
        ids = build.accepted(slice_, counts[slice_.lane])
        markers = [build.marker(stage, slice_) for stage in stages_of(build.settings)]
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
    )
    shards = []
    for split, run in runs.items():
        for number, pieces in enumerate(_cut(run, size)):
            rows = [digests[i] for _, ids in pieces for i in ids]
            shards.append(Shard(split, number, pieces, digest(*key, split, *rows)[:32]))
    return shards


def _questions(build: Build, slice_: Slice) -> list[Any]:
    return build.questions[slice_.source][slice_.start : slice_.stop]


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
    latency = backend.resolve(build.settings.latency)
    common = labels(build)
    for slice_, ids in shard.pieces:
        questions = {f"{q.id}-v{slice_.variant}": q for q in _questions(build, slice_)}
        parts = {s.name: {id_of(r): r for r in build.read(s.name, slice_)} for s in stages_of(build.settings)}
        for i in ids:
            build.check_stop()
            yield example(
                questions[i],
                shard.split,
                parts["dialogues"][i],
                parts["oracles"][i],
                parts["speech"][i] if "speech" in parts else None,
                latency=latency,
                seed=build.settings.seed,
                labels=common,
            )


class ShardFolder:
    """Where the shards of a build lie: finished ones in OUT/shards, the others in OUT/parts/shards until then."""

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
        """Whether the shard has been written: its checksum, which comes last, is there."""
        return self._sum(shard.fingerprint).exists() and (self.waiting / f"{shard.fingerprint}.parquet").exists()

    @staticmethod
    def _sound(path: AnyPath, sha256: str) -> bool:
        # An object store keeps checksums of its own, and never holds half a file.
        return bool(sha256) if isinstance(path, RemotePath) else sha256 == checksum(path)

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
        sha256 = write_shard(path, rows, row_group=group, fingerprint=shard.fingerprint)
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
                move(path, self.waiting / f"{mark}.parquet")
        for path in files(self.waiting, "*.parquet"):
            if path.stem in names:
                move(path, self.final / names[path.stem])
        for path in files(self.waiting, "*"):
            if path.suffix != ".sha256" or path.stem not in names:
                path.unlink()
        return [self.final / names[s.fingerprint] for s in shards]


def version_facts(build: Build) -> dict[str, Any]:
    """What made the rows, and which of it only stands in for the real thing."""
    return {"kame_data": __version__, "stand_ins": stand_ins(build.settings)}
