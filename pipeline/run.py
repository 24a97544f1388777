"""The run of a build, whoever does the work: what to make next, in which order, until enough is accepted.

Jobs carry names, not data: what a job makes lies on disk, and what lies on disk decides what is left to do. Who does
them is the runner's business: `flows/runners.py` submits Prefect tasks, tests make plain calls.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from pipeline.build import Build
from pipeline.errors import KameError
from pipeline.interrupts import stoppable
from pipeline.llm.session import close_session, stop_session
from pipeline.manifest import finish, refused_questions, write_rejected
from pipeline.pilot import run_pilot
from pipeline.records import Rejected
from pipeline.shards.assemble import ShardFolder, plan_shards
from pipeline.speech.coqui_worker import close_workers
from pipeline.spread import Job, Made, Progress, Runner, drain
from pipeline.stages import STAGES, check_models, check_voices, stages_of
from pipeline.wanted import Lane, Slice, Wanted


def run(build: Build, runner: Runner, progress: Progress) -> dict[str, Any]:
    """Make all that the build wants and finish it; returns the manifest."""
    build.check()
    check_models(build.settings)
    try:
        manifest = _run(build, runner, progress)
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


def pull(build: Build, runner: Runner, progress: Progress) -> Wanted:
    """Make the questions of every source, the parts that a build begins with, and note in OUT what build it is."""
    _gather(build, runner, progress)
    wanted = build.wanted()
    build.claim()
    return wanted


def pull_alone(build: Build, progress: Progress) -> None:
    """`pull` without a flow: a thread a source, in this process."""
    sources = build.settings.sources
    progress.total("questions", len(sources), 0)
    with stoppable(build), ThreadPoolExecutor(len(sources)) as pool:
        for source, marker in zip(sources, pool.map(build.gather, sources), strict=True):
            progress.advance("questions", len(build.questions_of(source)), marker.rejected)
    build.wanted()
    build.claim()


def _run(build: Build, runner: Runner, progress: Progress) -> dict[str, Any]:
    wanted = pull(build, runner, progress)
    speech = STAGES["speech"]
    if build.settings.speak and any(build.marker(speech, s) is None for s in build.slices(wanted.counts)):
        check_voices(build.settings)  # before anything is paid for
    run_pilot(build, lambda slices: _make_parts(build, slices, runner, progress))
    slices = _make_slices(build, wanted, runner, progress)
    build.shard_plan = plan_shards(build, slices, wanted.counts)
    _make_shards(build, runner, progress)
    if not build.shard_plan:
        refused = build.rejected(slices, wanted.counts)
        write_rejected(build, refused)
        why = most_frequent(refused or refused_questions(build))
        raise KameError(f"{build.out}: no dialogue was accepted{why}; see {build.out / 'rejected'} for the reasons")
    return finish(build, slices, wanted.counts, wanted.asked_for)


def _gather(build: Build, runner: Runner, progress: Progress) -> None:
    def made(job: Job) -> Made | None:
        source = next(s for s in build.settings.sources if s.name == job.label)
        marker = build.store("questions").marker(build.questions_name(source))
        return (len(build.questions_of(source)), marker.rejected) if marker else None

    def done(job: Job, made: Made) -> Iterable[Job]:
        progress.advance("questions", *made)
        return ()

    sources = [Job("questions", s.name) for s in build.settings.sources]
    progress.total("questions", len(sources), 0)
    drain(sources, runner, made, done, check_stop=build.check_stop)


def most_frequent(refused: Sequence[Rejected]) -> str:
    """The reason for which most were refused, with a word to explain it, to go into a sentence."""
    reasons = Counter(r.reason for r in refused)
    if not reasons:
        return ""
    reason, count = reasons.most_common(1)[0]
    detail = next(r.detail for r in refused if r.reason == reason)
    return f": {count} of {len(refused)} refused for '{reason}' ({' '.join(detail.split())[:160]})"


def _make_slices(build: Build, wanted: Wanted, runner: Runner, progress: Progress) -> list[Slice]:
    while True:
        slices = build.slices(wanted.counts)
        _make_parts(build, slices, runner, progress)
        by_lane: dict[Lane, list[Slice]] = {}
        for slice_ in slices:
            by_lane.setdefault(slice_.lane, []).append(slice_)
        counts = wanted.counts

        def accepted(lane: Lane, by_lane: dict[Lane, list[Slice]] = by_lane, counts: dict[Lane, int] = counts) -> int:
            return sum(len(build.accepted(s, counts[lane])) for s in by_lane.get(lane, ()))

        if not wanted.grow(accepted):
            return slices


def _make_parts(build: Build, slices: list[Slice], runner: Runner, progress: Progress) -> None:
    following = [s for s in stages_of(build.settings) if s.reads == "dialogues"]

    def missing(slice_: Slice) -> list[Job]:
        if build.marker(STAGES["dialogues"], slice_) is None:
            return [Job("dialogues", slice_.label)]
        return [Job(s.name, slice_.label) for s in following if build.marker(s, slice_) is None]

    def made(job: Job) -> Made | None:
        marker = build.marker(STAGES[job.stage], Slice.parse(job.label))
        return (len(marker.rows), marker.rejected) if marker else None

    def done(job: Job, made: Made) -> Iterable[Job]:
        progress.advance(job.stage, *made)
        return missing(Slice.parse(job.label)) if job.stage == "dialogues" else ()

    with build.at_a_glance():
        jobs = [job for slice_ in slices for job in missing(slice_)]
        for stage in stages_of(build.settings):
            progress.total(stage.name, len(slices), sum(build.marker(stage, s) is not None for s in slices))
    drain(jobs, runner, made, done, check_stop=build.check_stop)


def _make_shards(build: Build, runner: Runner, progress: Progress) -> None:
    folder = ShardFolder(build.out)
    found = folder.found()
    missing = {s.label: s for s in build.shard_plan if s.fingerprint not in found}

    def made(job: Job) -> Made | None:
        shard = missing[job.label]
        return (shard.rows, 0) if folder.has(shard) else None

    def done(job: Job, made: Made) -> Iterable[Job]:
        progress.advance("shards", *made)
        return ()

    progress.total("shards", len(build.shard_plan), len(build.shard_plan) - len(missing))
    drain([Job("shards", label) for label in missing], runner, made, done, check_stop=build.check_stop)
