"""The state of a build, from what lies in its folder alone."""

from dataclasses import dataclass

from kame_data.engine.assemble import ShardFolder, plan_shards
from kame_data.engine.build import Build
from kame_data.engine.outcome import grow, refused, write_rejected
from kame_data.engine.selection import Slice, SourceVariant
from kame_data.engine.stages import stages_of
from kame_data.errors import KameError
from kame_data.finished.manifest import Manifest
from kame_data.storage.paths import AnyPath


@dataclass(frozen=True, slots=True)
class StageStatus:
    """Parts of a stage that are done, of those the build wants, with their rows and refusals."""

    stage: str
    done: int
    parts: int
    rows: int
    refused: int


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """State of a build: its stages; its manifest where it is finished; what there is left to do, in a line."""

    stages: list[StageStatus]
    manifest: Manifest | None
    left: str = ""


def settle(build: Build) -> tuple[list[Slice], dict[SourceVariant, int], int] | None:
    """The slices and counts of a build whose parts are all done, and what it asked for; None while some are missing."""
    selection = build.selection()
    with build.parts.at_a_glance():
        while True:
            counts = selection.counts
            slices = build.parts.slices(counts)
            if not all(build.parts.done(s) for s in slices):
                return None
            if not grow(build, selection, slices):
                return slices, counts, selection.asked_for


def finished(build: Build) -> Manifest | None:
    """The manifest, where the build of these settings is finished and its files are there; else None."""
    try:
        manifest = Manifest.find(build.out)
    except KameError:
        return None
    if manifest is None or not manifest.as_written or manifest.begun_since(build.settings):
        return None
    if not build.questions.all_made() or (settled := settle(build)) is None:
        return None
    slices, counts, _ = settled
    folder, listed = ShardFolder(build.out), {s.fingerprint: s for s in manifest.shards}
    if set(listed) != set(folder.names(plan_shards(build, slices, counts))):
        return None
    if any(folder.sum(mark) not in ("", s.sha256) for mark, s in listed.items()):
        return None
    return manifest if intact(build.out, manifest) else None


def intact(out: AnyPath, manifest: Manifest) -> bool:
    """Tell whether the shards are there as they were written."""
    return all((out / s.path).intact(s.sha256, s.bytes) for s in manifest.shards)


def status_of(build: Build) -> BuildStatus:
    """State of a build. One that an earlier version finished is finished. Raises KameError for a manifest that cannot
    be read."""
    stages, manifest = stage_table(build), Manifest.find(build.out)
    if finished(build) is not None:
        return BuildStatus(stages, manifest)
    again = "`kame-data build` with the same settings"
    if manifest is None or not intact(build.out, manifest):
        return BuildStatus(stages, None, f"not finished; {again} goes on in {build.out}")
    if begun := manifest.begun_since(build.settings):
        return BuildStatus(stages, None, f"not finished: {begun}")
    return BuildStatus(stages, manifest, f"an earlier version made it, or its parts are gone: {again} makes it anew")


def restore(build: Build) -> None:
    """For a finished build: its note and its refusals, where another command has left its own there since."""
    settled = settle(build)
    if settled is not None:
        slices, counts, _ = settled
        build.claim()
        write_rejected(build, refused(build, slices, counts))


def stage_table(build: Build) -> list[StageStatus]:
    """A line a stage for a build in any state; before its sources are read there is only the first."""
    sources, parts = build.settings.sources, build.parts
    counts = [build.questions.counts(s) for s in sources if build.questions.marker(s)]
    table = [StageStatus("questions", len(counts), len(sources), sum(n for n, _ in counts), sum(n for _, n in counts))]
    if len(counts) < len(sources):
        return table
    with parts.at_a_glance():
        slices = parts.slices(build.selection().counts)
        for stage in stages_of(build.settings):
            done = [m for s in slices if (m := parts.marker(stage, s))]
            rows, lost = sum(len(m.rows) for m in done), sum(m.rejected for m in done)
            table.append(StageStatus(stage.name, len(done), len(slices), rows, lost))
    return table
