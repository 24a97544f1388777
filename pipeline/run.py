"""The run of a build, whoever does the work: what to make next, in which order, until enough is accepted.

`run` hands jobs to `submit` and waits for their futures; `flows/build.py` submits Prefect tasks, tests plain calls.
Jobs carry names, not data: what a job makes lies on disk, and what lies on disk decides what is left to do.
"""

import os
import queue
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

from pipeline.build import Build
from pipeline.config import Settings
from pipeline.errors import KameError
from pipeline.llm.session import close_session, stop_session
from pipeline.manifest import finish, refused_questions, write_rejected
from pipeline.pilot import run_pilot
from pipeline.records import Rejected
from pipeline.shards.assemble import ShardFolder, plan_shards
from pipeline.speech.coqui_worker import close_workers
from pipeline.stages import STAGES, ask_models, check_models, check_voices, stages_of
from pipeline.wanted import Lane, Slice, Wanted


@dataclass(frozen=True, slots=True)
class Job:
    """One part to make: the stage, and the label of the source, slice or shard."""

    stage: str
    label: str


class Future(Protocol):
    """What `submit` returns; both concurrent.futures' and Prefect's are one."""

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call fn(future) when the job has ended."""

    def result(self) -> Any:
        """The job's result, or its error raised."""


class Progress(Protocol):
    """Is told how the work goes on."""

    def total(self, stage: str, parts: int, done: int) -> None:
        """The stage has this many parts, of which some were done before."""

    def advance(self, stage: str, rows: int, refused: int) -> None:
        """One more part of the stage is done."""


Submit = Callable[[Job], Future]


def perform(build: Build, job: Job) -> tuple[int, int]:
    """Do one job; returns (rows, refusals) of what it made. This is what a task runs."""
    # What waited for a thread while the build was stopped must not begin, nor ask a model.
    build.check_stop()
    if job.stage == "questions":
        source = next(s for s in build.settings.sources if s.name == job.label)
        rejected = build.gather(source).rejected
        return len(build.questions_of(source)), rejected
    if job.stage == "shards":
        shard = next(s for s in build.shard_plan if s.label == job.label)
        ShardFolder(build.out).make(build, shard)
        return shard.rows, 0
    marker = build.make(job.stage, Slice.parse(job.label))
    return len(marker.rows), marker.rejected


@contextmanager
def stoppable(build: Build) -> Iterator[None]:
    """While it is open, Ctrl-C and SIGTERM ask the build to stop in good order; a second one stops it at once.

    Does nothing outside the main thread, where Python takes no signals.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        if build.stop.is_set():
            os._exit(130)
        build.stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drain(
    jobs: Iterable[Job],
    submit: Submit,
    done: Callable[[Job, tuple[int, int]], Iterable[Job]],
    *,
    window: int,
    check_stop: Callable[[], None],
) -> None:
    """Submit the jobs, at most `window` at once; `done` may answer each finished one with jobs that follow from it.

    The first error ends it, after what runs has ended.
    """
    waiting = deque(jobs)
    finished: queue.SimpleQueue[tuple[Job, Future]] = queue.SimpleQueue()
    running = 0
    error: BaseException | None = None
    while running or (waiting and error is None):
        while waiting and running < window and error is None:
            job = waiting.popleft()
            running += 1
            submit(job).add_done_callback(lambda future, job=job: finished.put((job, future)))  # type: ignore[misc]
        job, future = _next(finished, check_stop)
        running -= 1
        try:
            waiting.extendleft(done(job, future.result()))
        except Exception as problem:
            error = error or problem
    if error is not None:
        raise error


def _next(finished: "queue.SimpleQueue[tuple[Job, Future]]", check_stop: Callable[[], None]) -> tuple[Job, Future]:
    while True:
        try:
            return finished.get(timeout=0.2)
        except queue.Empty:
            check_stop()


def run(build: Build, submit: Submit, progress: Progress, *, window: int) -> dict[str, Any]:
    """Make all that the build wants and finish it; returns the manifest."""
    build.check()
    check_models(build.settings)
    try:
        manifest = _run(build, submit, progress, window)
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


def workers_of(settings: Settings) -> int:
    """Parts in work at once: a core each; where parts wait for models, or for whole batch jobs, more."""
    if settings.workers is not None:
        return settings.workers
    cores = os.cpu_count() or 1
    if not ask_models(settings):
        return cores
    return max(cores, 128 if settings.llm.mode == "batch" else 8)


def pull(build: Build, submit: Submit, progress: Progress, *, window: int) -> Wanted:
    """Make the questions of every source, the parts that a build begins with, and note in OUT what build it is."""

    def gathered(job: Job, result: tuple[int, int]) -> Iterable[Job]:
        progress.advance("questions", *result)
        return ()

    sources = [Job("questions", s.name) for s in build.settings.sources]
    progress.total("questions", len(sources), 0)
    drain(sources, submit, gathered, window=window, check_stop=build.check_stop)
    wanted = build.wanted()
    build.claim()
    return wanted


def pull_alone(build: Build, progress: Progress) -> None:
    """`pull` without a flow: a thread a source, in this process."""
    workers = min(workers_of(build.settings), len(build.settings.sources))
    with stoppable(build), ThreadPoolExecutor(workers) as pool:
        pull(build, lambda job: pool.submit(perform, build, job), progress, window=workers)


def _run(build: Build, submit: Submit, progress: Progress, window: int) -> dict[str, Any]:
    wanted = pull(build, submit, progress, window=window)
    speech = STAGES["speech"]
    if build.settings.speak and any(build.marker(speech, s) is None for s in build.slices(wanted.counts)):
        check_voices(build.settings)  # before anything is paid for
    run_pilot(build, lambda slices: _make_parts(build, slices, submit, progress, window))
    slices = _make_slices(build, wanted, submit, progress, window)
    build.shard_plan = plan_shards(build, slices, wanted.counts)
    _make_shards(build, submit, progress, window)
    if not build.shard_plan:
        refused = build.rejected(slices, wanted.counts)
        write_rejected(build, refused)
        why = most_frequent(refused or refused_questions(build))
        raise KameError(f"{build.out}: no dialogue was accepted{why}; see {build.out / 'rejected'} for the reasons")
    return finish(build, slices, wanted.counts, wanted.asked_for)


def most_frequent(refused: Sequence[Rejected]) -> str:
    """The reason for which most were refused, with a word to explain it, to go into a sentence."""
    reasons = Counter(r.reason for r in refused)
    if not reasons:
        return ""
    reason, count = reasons.most_common(1)[0]
    detail = next(r.detail for r in refused if r.reason == reason)
    return f": {count} of {len(refused)} refused for '{reason}' ({' '.join(detail.split())[:160]})"


def _make_slices(build: Build, wanted: Wanted, submit: Submit, progress: Progress, window: int) -> list[Slice]:
    while True:
        slices = build.slices(wanted.counts)
        _make_parts(build, slices, submit, progress, window)
        by_lane: dict[Lane, list[Slice]] = {}
        for slice_ in slices:
            by_lane.setdefault(slice_.lane, []).append(slice_)
        counts = wanted.counts

        def accepted(lane: Lane, by_lane: dict[Lane, list[Slice]] = by_lane, counts: dict[Lane, int] = counts) -> int:
            return sum(len(build.accepted(s, counts[lane])) for s in by_lane.get(lane, ()))

        if not wanted.grow(accepted):
            return slices


def _make_parts(build: Build, slices: list[Slice], submit: Submit, progress: Progress, window: int) -> None:
    following = [s for s in stages_of(build.settings) if s.reads == "dialogues"]

    def missing(slice_: Slice) -> list[Job]:
        if build.marker(STAGES["dialogues"], slice_) is None:
            return [Job("dialogues", slice_.label)]
        return [Job(s.name, slice_.label) for s in following if build.marker(s, slice_) is None]

    def done(job: Job, result: tuple[int, int]) -> Iterable[Job]:
        progress.advance(job.stage, *result)
        return missing(Slice.parse(job.label)) if job.stage == "dialogues" else ()

    jobs = [job for slice_ in slices for job in missing(slice_)]
    for stage in stages_of(build.settings):
        progress.total(stage.name, len(slices), sum(build.marker(stage, s) is not None for s in slices))
    drain(jobs, submit, done, window=window, check_stop=build.check_stop)


def _make_shards(build: Build, submit: Submit, progress: Progress, window: int) -> None:
    found = ShardFolder(build.out).found()
    jobs = [Job("shards", s.label) for s in build.shard_plan if s.fingerprint not in found]

    def done(job: Job, result: tuple[int, int]) -> Iterable[Job]:
        progress.advance("shards", *result)
        return ()

    progress.total("shards", len(build.shard_plan), len(build.shard_plan) - len(jobs))
    drain(jobs, submit, done, window=window, check_stop=build.check_stop)
