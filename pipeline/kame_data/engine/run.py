"""The run of a build: what is found out before any work, then what to make next, until enough is accepted.

Jobs carry names, not data: what a job makes lies on disk, and what lies on disk decides what is left to do. Who does
them is the runner's business: `kame_flows.runners` submits Prefect tasks, tests make plain calls.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import Protocol

from kame_data.engine.assemble import Shard, ShardFolder, plan_shards
from kame_data.engine.build import Build
from kame_data.engine.clusters import check_runner
from kame_data.engine.makers import check_models, check_voices
from kame_data.engine.manifest import finish
from kame_data.engine.outcome import grow, most_frequent, refused, refused_questions, write_rejected
from kame_data.engine.pilot import Pilot, run_pilot
from kame_data.engine.scheduler import Job, Made, Progress, Runner, drain
from kame_data.engine.selection import Selection, Slice
from kame_data.engine.stages import STAGES, stages_of
from kame_data.engine.status import finished, restore
from kame_data.errors import KameError
from kame_data.finished.manifest import Manifest
from kame_data.interrupts import stoppable
from kame_data.llm.session import close_session, stop_session
from kame_data.records import Rejected
from kame_data.speech.voices.coqui_worker import close_workers
from kame_data.storage.lock import hold


class BuildProgress(Progress, Protocol):
    """Is told how a build goes on."""

    def pilot(self, found: Pilot) -> None:
        """A pilot is done, and some of its dialogues were accepted."""


def complete(build: Build, progress: BuildProgress, work: Callable[[], Manifest]) -> Manifest:
    """The manifest of the build, which `work` makes by `run` unless the build is finished.

    All that can be wrong with the settings and the sources is found out before `work` is called. Raises Busy where
    another command is at work in OUT.
    """
    with hold(build.out):
        manifest = finished(build)
        if manifest is not None:
            restore(build)
            return manifest
        check_runner(build.settings.runner)
        build.out.sweep()
        try:
            prepare(build, progress)
            return work()
        finally:
            close_workers()  # of a voice model that `prepare` has loaded, too


def prepare(build: Build, progress: Progress) -> None:
    """Read and judge the sources, and raise KameError for what no build could come of. Hold OUT meanwhile."""
    settings = build.settings
    check_models(settings)
    pull(build, progress)
    if not any(build.questions.accepted.values()):
        raise _nothing(build, refused_questions(build))
    speech, parts = STAGES["speech"], build.parts
    if settings.speak and any(parts.marker(speech, s) is None for s in parts.slices(build.selection().counts)):
        check_voices(settings)  # before anything is paid for


def pull(build: Build, progress: Progress) -> None:
    """Read and judge every source, in a thread each, and note in OUT what build it is."""
    sources = build.settings.sources
    progress.total("questions", len(sources), 0)
    with stoppable(build), ThreadPoolExecutor(len(sources)) as pool:
        made = {pool.submit(build.questions.make, source): source for source in sources}
        try:
            for done in as_completed(made):
                done.result()
                progress.advance("questions", *build.questions.counts(made[done]))
                build.check_stop()
        except BaseException:
            build.stop.set()  # the others need not read on to their end
            raise
    build.selection()  # a target out of reach is no build that is to be noted
    build.claim()


def _nothing(build: Build, rejected: list[Rejected]) -> KameError:
    """The error that nothing was accepted, with the most frequent reason. Writes the refusals."""
    write_rejected(build, [r for r in rejected if r.stage != "questions"])
    why = most_frequent(rejected)
    return KameError(f"{build.out}: no dialogue was accepted{why}; see {build.out / 'rejected'} for the reasons")


def run(build: Build, runner: Runner, progress: BuildProgress, *, accept_fewer: bool = False) -> Manifest:
    """Make all that the build wants and finish it; returns the manifest. See `prepare`, which comes before it, and
    `manifest.finish` for `accept_fewer`."""
    try:
        manifest = _run(build, runner, progress, accept_fewer)
    except BaseException as error:
        stop_session(build.settings, error if isinstance(error, KameError) else KameError("the build has failed"))
        # What ended the build is what is to be said, whatever else fails now.
        with suppress(KameError):
            close_session(build.settings)
        raise
    finally:
        close_workers()
    close_session(build.settings)
    return manifest


def _run(build: Build, runner: Runner, progress: BuildProgress, accept_fewer: bool) -> Manifest:
    selection = build.selection()
    run_pilot(build, lambda slices: _make_parts(build, slices, runner, progress), progress.pilot)
    slices = _make_slices(build, selection, runner, progress)
    shards = plan_shards(build, slices, selection.counts)
    if not shards:
        raise _nothing(build, refused(build, slices, selection.counts) or refused_questions(build))
    _make_shards(build, shards, runner, progress)
    return finish(build, slices, selection.counts, selection.asked_for, accept_fewer=accept_fewer)


def _make_slices(build: Build, selection: Selection, runner: Runner, progress: Progress) -> list[Slice]:
    while True:
        slices = build.parts.slices(selection.counts)
        _make_parts(build, slices, runner, progress)
        if not grow(build, selection, slices):
            return slices


def _make_parts(build: Build, slices: list[Slice], runner: Runner, progress: Progress) -> None:
    following, parts = [s for s in stages_of(build.settings) if s.reads == "dialogues"], build.parts

    def missing(slice_: Slice) -> list[Job]:
        if parts.marker(STAGES["dialogues"], slice_) is None:
            return [Job("dialogues", slice_.label)]
        return [Job(s.name, slice_.label) for s in following if parts.marker(s, slice_) is None]

    def made(job: Job) -> Made | None:
        marker = parts.marker(STAGES[job.stage], Slice.parse(job.label))
        return (len(marker.rows), marker.rejected) if marker else None

    def done(job: Job, made: Made) -> Iterable[Job]:
        progress.advance(job.stage, *made)
        return missing(Slice.parse(job.label)) if job.stage == "dialogues" else ()

    with parts.at_a_glance():
        jobs = [job for slice_ in slices for job in missing(slice_)]
        for stage in stages_of(build.settings):
            progress.total(stage.name, len(slices), sum(parts.marker(stage, s) is not None for s in slices))
    drain(jobs, runner, made, done, check_stop=build.check_stop)


def _make_shards(build: Build, shards: list[Shard], runner: Runner, progress: Progress) -> None:
    folder = ShardFolder(build.out)
    found = folder.found()
    missing = {s.label: s for s in shards if s.fingerprint not in found}

    def made(job: Job) -> Made | None:
        shard = missing[job.label]
        return (shard.rows, 0) if folder.has(shard) else None

    def done(job: Job, made: Made) -> Iterable[Job]:
        progress.advance("shards", *made)
        return ()

    progress.total("shards", len(shards), len(shards) - len(missing))
    jobs = [Job("shards", label, shard) for label, shard in missing.items()]
    drain(jobs, runner, made, done, check_stop=build.check_stop)
