"""Ctrl-C and SIGTERM: what they end, and how.

`listen` has them raise Interrupted wherever this process is; while `stoppable` is open they ask its work to stop in
good order instead. A library may make an error of its own of the exception, or lose it; that a signal came is
remembered, so that `check` can say so at the next step.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

from kame_data.errors import Interrupted

GO_ON = "interrupted; the same command goes on from what is done"
_came: list[int] = []


class Stoppable(Protocol):
    """Work that looks at `stop` now and then: a build."""

    stop: threading.Event


def listen() -> None:
    """Have signals raise Interrupted from now on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _interrupted)
    atexit.register(_ignore)  # the last, for it is the first that is registered


@contextmanager
def heard() -> Iterator[None]:
    """While it is open, SIGTERM raises Interrupted although a library has set a handler of its own; where `listen` was
    called. Prefect's exception is lost, without a trace in `came`, while a task begins."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGALRM) != _interrupted:
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def over() -> None:
    """The command has said all: from now on a signal ends what Python does at its end, without a word."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(130)


def _ignore() -> None:
    # What Python sets back to the default at its very end, of which a process that is done would die.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def as_interrupt(error: Exception) -> Exception:
    """The error, or Interrupted where this process was asked to stop: a library made an error of its own of that, such
    as a server that did not start."""
    return Interrupted(GO_ON) if _came and not isinstance(error, Interrupted) else error


def check() -> None:
    """Raise Interrupted where this process was asked to stop."""
    if _came:
        signal.setitimer(signal.ITIMER_REAL, 0)  # one that waits has come by this
        raise Interrupted(GO_ON)


@contextmanager
def stoppable(work: Stoppable) -> Iterator[None]:
    """While it is open, a signal asks the work to stop in good order; a second one stops it at once.

    Does nothing outside the main thread, where Python takes no signals.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        if work.stop.is_set():
            os._exit(130)
        _came.append(number)
        work.stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    check()
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted(number: int, frame: FrameType | None) -> None:
    _came.append(number)
    if _would_be_lost(frame):
        signal.setitimer(signal.ITIMER_REAL, 0.001)  # SIGALRM comes here again
        return
    # No KeyboardInterrupt, which the command line's library would swallow.
    raise Interrupted(GO_ON)


def _would_be_lost(frame: FrameType | None) -> bool:
    while frame is not None and not (_is_callback(frame) or _is_import(frame)):
        frame = frame.f_back
    return frame is not None


def _is_callback(frame: FrameType) -> bool:
    # libsndfile reads and writes through functions of Python's; what they raise is printed and lost.
    return frame.f_code.co_name.startswith("vio_") and frame.f_globals["__name__"] == "soundfile"


def _is_import(frame: FrameType) -> bool:
    # While they are imported, libraries print what is raised, with a traceback, and go on without what they looked for.
    return frame.f_code.co_filename.startswith("<frozen importlib.")
