"""Processes of this machine that make parts: the rules are plain Python, of which a process runs on one core alone."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, get_all_start_methods, get_context, parent_process, resource_tracker
from multiprocessing.connection import wait as wait_for
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from kame_data.engine.kinds import preloaded
from kame_data.engine.worker import STOP, perform_order
from kame_data.errors import Interrupted, KameError
from kame_data.interrupts import GO_ON
from kame_data.safe_path import safely

R = TypeVar("R")
TRIES = 3
"""Number of times that work is begun whose process was killed."""

GRACE_S = 5.0
"""Seconds that a process may take to leave off."""


def cores() -> int:
    """The processor cores of this machine."""
    return os.cpu_count() or 1


def context(preload: Sequence[str]) -> BaseContext:
    """The way in which processes begin: forked from one that has imported the modules `preload` and nothing else,
    where the system can do that."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    found = get_context("forkserver")
    found.set_forkserver_preload(list(preload))
    # Ctrl-C in a terminal reaches every process: the one that begins the others would die of it while it imports.
    resource_tracker.ensure_running()  # which unblocks them all when it begins
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with safely():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return found


def submit(executor: ProcessPoolExecutor, work: Callable[..., R], *args: Any) -> "Future[R]":
    """`executor.submit`, which may begin a process. Raises BrokenProcessPool also where what begins them was killed."""
    try:
        return executor.submit(work, *args)
    except (EOFError, ConnectionError) as error:
        raise BrokenProcessPool(str(error)) from error


def begin() -> None:
    """A process's beginning: it does not outlive the command, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_command, daemon=True).start()


def _end_with_command() -> None:
    command = parent_process()
    if command is not None:
        wait_for([command.sentinel])
        os._exit(1)


def _begin() -> None:
    begin()
    signal.signal(signal.SIGTERM, lambda number, frame: STOP.set())


def _nothing() -> None:
    """Work that only starts a process."""


class Pool:
    """`size` processes that do orders (`engine.worker`) of one kind; any number of threads may ask. A killed one is
    replaced."""

    def __init__(self, size: int, kind: str = "build") -> None:
        self.size, self.kind = size, kind
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._stopped = False

    def start(self) -> None:
        """Start the processes ahead of their work."""
        executor = self._open()
        try:
            for _ in range(self.size):
                submit(executor, _nothing)
        except BrokenProcessPool:
            self._drop(executor)  # `perform` begins them again

    def perform(self, order: str) -> list[float]:
        """Have an order done; the seconds that each of its parts took. Raises what went wrong."""
        for _ in range(TRIES):
            executor = self._open()
            try:
                future = submit(executor, perform_order, order)
                while not wait([future], timeout=0.2).done:
                    self._check()
                return future.result()
            except BrokenProcessPool:
                self._check()
                self._drop(executor)
        raise KameError(
            "a process that made parts was killed again and again (out of memory?); give fewer --workers, the same "
            "command goes on from what is done"
        )

    def close(self) -> None:
        """Stop the processes: at the next row that is done, or after a grace the hard way."""
        with self._lock:
            self._stopped = True
            executor, self._executor = self._executor, None
        if executor is not None:
            processes = list((executor._processes or {}).values())
            for process in processes:
                process.terminate()
            executor.shutdown(wait=False, cancel_futures=True)
            until = time.monotonic() + GRACE_S
            for process in processes:
                process.join(max(until - time.monotonic(), 0))
                process.kill()

    def process_ids(self) -> list[int]:
        """The ids of the processes that run now."""
        with self._lock:
            return sorted((self._executor._processes if self._executor else None) or {})

    def _check(self) -> None:
        if self._stopped:
            raise Interrupted(GO_ON)

    def _open(self) -> ProcessPoolExecutor:
        self._check()
        with self._lock:
            if self._executor is None:
                found = context(preloaded(self.kind))
                self._executor = ProcessPoolExecutor(self.size, mp_context=found, initializer=_begin)
            return self._executor

    def _drop(self, executor: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is executor:
                self._executor = None
        executor.shutdown(wait=False, cancel_futures=True)
