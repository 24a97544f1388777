"""How far a build is, from what lies in its folder alone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.build import Build
from pipeline.clusters import check_runner
from pipeline.manifest import rows_settings, write_rejected
from pipeline.shards.assemble import ShardFolder, plan_shards
from pipeline.stages import check_models, stages_of
from pipeline.storage.files import intact, sweep
from pipeline.storage.lock import hold
from pipeline.sums import as_written
from pipeline.wanted import Lane, Slice


@dataclass(frozen=True, slots=True)
class StageStatus:
    """Parts of a stage that are done, of those the build wants, with their rows and refusals."""

    stage: str
    done: int
    parts: int
    rows: int
    refused: int


def gathered(build: Build) -> bool:
    """Whether every source's questions are there."""
    store = build.store("questions")
    return all(store.marker(build.questions_name(s)) for s in build.settings.sources)


def settle(build: Build) -> tuple[list[Slice], dict[Lane, int], int] | None:
    """The slices and counts of a build whose parts are all done, and what it asked for; None while some are missing."""
    wanted = build.wanted()
    with build.at_a_glance():
        while True:
            counts = wanted.counts
            slices = build.slices(counts)
            if any(build.marker(stage, s) is None for s in slices for stage in stages_of(build.settings)):
                return None
            if not wanted.grow(
                lambda lane: sum(len(build.accepted(s, counts[lane])) for s in slices if s.lane == lane)  # noqa: B023
            ):
                return slices, counts, wanted.asked_for


def finished(build: Build) -> dict[str, Any] | None:
    """The manifest, where the build of these settings is finished and its files are there; else None."""
    path = build.out / "manifest.json"
    if not path.exists() or not gathered(build):
        return None
    settled = settle(build)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        listed = {s["fingerprint"]: s for s in manifest["shards"]}
        files = [(build.out / s["path"], s["sha256"], s["bytes"]) for s in manifest["shards"]]
        # Where the sources lay is no matter: that they are the same ones, their fingerprints say.
        ours, theirs = rows_settings(build.settings), dict(manifest["settings"])
        same = ours | {"sources": None} == theirs | {"sources": None}
        same &= as_written(manifest, "manifest_sha256")
        sums = {mark: ShardFolder(build.out).sum(mark) for mark in listed}
        same &= all(sums[mark] in ("", s["sha256"]) for mark, s in listed.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if settled is None or not same:
        return None
    slices, counts, _ = settled
    names = ShardFolder(build.out).names(plan_shards(build, slices, counts))
    if set(listed) != set(names):
        return None
    return manifest if all(intact(*file) for file in files) else None


def finish(build: Build, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The manifest of a build, which `make` makes unless it is finished. Raises Busy where another command is at it."""
    with hold(build.out):
        manifest = finished(build)
        if manifest is not None:
            restore(build)
            return manifest
        check_models(build.settings)
        check_runner(build.settings.runner)
        sweep(build.out)
        return make()


def restore(build: Build) -> None:
    """For a finished build: its note and its refusals, where another command has left its own there since."""
    settled = settle(build)
    if settled is not None:
        slices, counts, _ = settled
        build.claim()
        write_rejected(build, build.rejected(slices, counts))


def stage_table(build: Build) -> list[StageStatus]:
    """A line a stage for a build in any state; before its sources are read there is only the first."""
    sources = build.settings.sources
    store = build.store("questions")
    markers = [m for s in sources if (m := store.marker(build.questions_name(s)))]
    refused = sum(m.rejected for m in markers)
    table = [StageStatus("questions", len(markers), len(sources), sum(len(m.rows) for m in markers) - refused, refused)]
    if len(markers) < len(sources):
        return table
    with build.at_a_glance():
        slices = build.slices(build.wanted().counts)
        for stage in stages_of(build.settings):
            done = [m for s in slices if (m := build.marker(stage, s))]
            rows, lost = sum(len(m.rows) for m in done), sum(m.rejected for m in done)
            table.append(StageStatus(stage.name, len(done), len(slices), rows, lost))
    return table
