"""Hands jobs to a runner, some to a task, and looks at what lies on disk to see what is done.

A runner has places: threads of this process, processes of this machine, workers of a cluster. How many jobs go into a
task follows from how long they took so far, so that what a task costs by itself does not count.
"""

import math
import queue
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from kame_data.errors import KameError

HERE, CPU, GPU = "here", "cpu", "gpu"
"""The places of work: threads of this process (what asks models, and waits), and the runner's workers."""

MOST_JOBS = 256
"""Jobs of one task at the most."""

SETTLE_S = 60.0
"""Seconds that a file written by another machine may take to show; NFS keeps what it knows of a folder so long."""

T = TypeVar("T")
Made = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Job:
    """One part to make: the stage, the label of the source, slice or shard, and, where the label does not say all, what
    is to be made (a shard)."""

    stage: str
    label: str
    what: Any = None


class Future(Protocol):
    """The result of `submit`; concurrent.futures', Prefect's, Dask's and Ray's are such."""

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> Any:
        """Call fn(future) when the jobs have ended."""

    def result(self) -> Any:
        """The seconds that each of the jobs took, or the error of the one that failed, raised."""


class Runner(Protocol):
    """The workers that do jobs.

    `task_seconds`: how long a task should take; `seconds`: what a job of each stage took of late.
    """

    task_seconds: float
    seconds: dict[str, float]

    def place(self, job: Job) -> str:
        """The place where the job is to be done."""

    def slots(self, place: str) -> int:
        """The number of tasks that can be at work there at once, by now."""

    def submit(self, place: str, jobs: Sequence[Job]) -> Future:
        """Have the jobs, all of one stage, done one after the other as one task."""

    def check(self) -> None:
        """Raise KameError where nothing can be done any more."""

    def explained(self, error: BaseException) -> BaseException:
        """The error in words for a person, where it is one of the runner's own."""


class Progress(Protocol):
    """Is told how the work goes on."""

    def total(self, stage: str, parts: int, done: int) -> None:
        """The stage has this many parts, of which some were done before."""

    def advance(self, stage: str, rows: int, refused: int) -> None:
        """One more part of the stage is done."""


def patiently(look: Callable[[], T | None], check_stop: Callable[[], None], seconds: float = SETTLE_S) -> T | None:
    """Looks until `look` finds something, for `seconds` at most; what it found, or None."""
    until = time.monotonic() + seconds
    while (found := look()) is None and time.monotonic() < until:
        check_stop()
        time.sleep(0.5)
    return found


def drain(
    jobs: Iterable[Job],
    runner: Runner,
    made: Callable[[Job], Made | None],
    done: Callable[[Job, Made], Iterable[Job]],
    *,
    check_stop: Callable[[], None],
) -> None:
    """Have all jobs done, a window of them submitted at a time.

    `made` says what a job has made, once that is there; `done` is told of each, and may answer with jobs that follow
    from it. The first error ends it, after what asks models now has ended.
    """
    _Drain(runner, made, done, check_stop).drain(jobs)


class _Drain:
    def __init__(
        self,
        runner: Runner,
        made: Callable[[Job], Made | None],
        done: Callable[[Job, Made], Iterable[Job]],
        check_stop: Callable[[], None],
    ) -> None:
        self._runner, self._made, self._done, self._check_stop = runner, made, done, check_stop
        self._waiting: dict[str, deque[Job]] = {HERE: deque(), CPU: deque(), GPU: deque()}
        self._tasks: dict[int, tuple[str, str, deque[Job]]] = {}
        self._finished: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
        self._submitted = 0
        self._looked = time.monotonic()
        self._error: BaseException | None = None

    def drain(self, jobs: Iterable[Job]) -> None:
        """See `drain`."""
        for job in jobs:
            self._waiting[self._runner.place(job)].append(job)
        while self._left():
            if self._error is None:
                self._guarded(self._fill)
            if (finished := self._next()) is not None:
                self._guarded(self._finish, *finished)
            self._check_stop()
            self._guarded(self._look)
        if self._error is not None:
            raise self._error

    def _guarded(self, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except (Exception, CancelledError) as problem:
            self._error = self._error or self._runner.explained(problem)

    def _next(self) -> tuple[int, Future] | None:
        try:
            return self._finished.get(timeout=0.2)
        except queue.Empty:
            return None

    def _left(self) -> bool:
        if self._error is not None:
            return any(place == HERE for place, _, _ in self._tasks.values())
        return bool(self._tasks) or any(self._waiting.values())

    def _fill(self) -> None:
        for place, waiting in self._waiting.items():
            if not waiting:
                continue
            slots = self._runner.slots(place)
            # One more than is at work lies ready for each, where a task has some way to go.
            window = slots if place == HERE else 2 * slots
            while waiting and sum(at == place for at, _, _ in self._tasks.values()) < window:
                self._submit(place, self._bundle(place, waiting, slots))

    def _bundle(self, place: str, waiting: deque[Job], slots: int) -> list[Job]:
        """The jobs of the next task: as many of one stage as fill its time, and no more than a fair share."""
        stage = waiting[0].stage
        took = self._runner.seconds.get(stage)
        most = 1
        if place != HERE and took is not None:
            fair = math.ceil(len(waiting) / (2 * slots))
            most = max(1, min(int(self._runner.task_seconds / max(took, 1e-6)), fair, MOST_JOBS))
        jobs = [waiting.popleft()]
        while waiting and waiting[0].stage == stage and len(jobs) < most:
            jobs.append(waiting.popleft())
        return jobs

    def _submit(self, place: str, jobs: list[Job]) -> None:
        number = self._submitted
        self._submitted += 1
        future = self._runner.submit(place, jobs)
        self._tasks[number] = (place, jobs[0].stage, deque(jobs))
        future.add_done_callback(lambda future: self._finished.put((number, future)))

    def _finish(self, number: int, future: Future) -> None:
        _, stage, jobs = self._tasks.pop(number)
        for seconds in future.result():
            before = self._runner.seconds.get(stage, seconds)
            self._runner.seconds[stage] = (before + seconds) / 2
        while jobs:
            self._tell(jobs.popleft())

    def _tell(self, job: Job, made: Made | None = None) -> None:
        made = made or patiently(lambda: self._made(job), self._check_stop)
        if made is None:
            raise KameError(
                f"{job.stage} {job.label}: a worker has made it, but it does not show here; --out must be one folder "
                "for all workers and this machine (docs/CLUSTERS.md)"
            )
        following = list(self._done(job, made))
        for next_ in reversed(following):
            self._waiting[self._runner.place(next_)].appendleft(next_)

    def _look(self) -> None:
        """Once a second: whether the workers are there, and which jobs of the tasks at work are done already."""
        if time.monotonic() < self._looked + 1:
            return
        self._looked = time.monotonic()
        self._runner.check()
        for _, _, jobs in [*self._tasks.values()]:
            while jobs and (made := self._made(jobs[0])) is not None:
                self._tell(jobs.popleft(), made)
