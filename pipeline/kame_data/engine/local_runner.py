"""Work on this machine: threads of this process, and behind them a pool of processes."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

from kame_data.engine.kinds import Work
from kame_data.engine.pool import Pool
from kame_data.engine.scheduler import HERE, Future, Job


class LocalRunner:
    """A `scheduler.Runner`: `threads` for what waits or uses a model of this process, `processes` for the rest."""

    def __init__(self, work: Work, task_seconds: float, threads: int, processes: int) -> None:
        self.work, self.task_seconds = work, task_seconds
        self.seconds: dict[str, float] = {}
        self._threads = threads
        self._pool = Pool(processes, work.kind) if processes else None
        # Twice the processes: one task at work and one that waits for each.
        self._most_calls = threads + 2 * processes
        self._executor = ThreadPoolExecutor(self._most_calls)

    def start(self) -> None:
        """Start the processes ahead of their work."""
        if self._pool is not None:
            threading.Thread(target=self._pool.start, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
        self._executor.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Stop what is still at work."""
        if self._pool is not None:
            self._pool.close()

    def place(self, job: Job) -> str:
        """See `kame_data.engine.scheduler.Runner`."""
        return self.work.place(job)

    def slots(self, place: str) -> int:
        """See `kame_data.engine.scheduler.Runner`."""
        return self._threads if place == HERE or self._pool is None else self._pool.size

    def submit(self, place: str, jobs: Sequence[Job]) -> Future:
        """See `kame_data.engine.scheduler.Runner`."""
        if place == HERE or self._pool is None:
            return self.begin(jobs, partial(self.work.here, jobs))
        return self.begin(jobs, partial(self._pool.perform, self.work.order(jobs)))

    def begin(self, jobs: Sequence[Job], call: Callable[[], list[float]]) -> Future:
        """Begin the call, which does the jobs, in a thread."""
        return self._executor.submit(call)

    def check(self) -> None:
        """See `kame_data.engine.scheduler.Runner`."""

    def explained(self, error: BaseException) -> BaseException:
        """See `kame_data.engine.scheduler.Runner`."""
        return error
