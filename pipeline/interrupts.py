"""Ctrl-C and SIGTERM: what they end, and how.

`listen` has them raise Interrupted wherever this process is; while `stoppable` is open they ask its work to stop in
good order instead. A library may make an error of its own of the exception, or lose it; that a signal came is
remembered, so that `check` can say so at the next step.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from pipeline.errors import Interrupted

GO_ON = "interrupted; the same command goes on from what is done"
_came: list[int] = []


class Stoppable(Protocol):
    """Work that looks at `stop` now and then: a build."""

    stop: threading.Event


def listen() -> None:
    """Have signals raise Interrupted from now on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _interrupted)


def came() -> bool:
    """Whether this process was asked to stop."""
    return bool(_came)


def check() -> None:
    """Raise Interrupted where this process was asked to stop."""
    if _came:
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
    if _in_a_callback(frame):
        signal.setitimer(signal.ITIMER_REAL, 0.001)  # SIGALRM comes here again
        return
    # No KeyboardInterrupt, which the command line's library would swallow.
    raise Interrupted(GO_ON)


def _in_a_callback(frame: FrameType | None) -> bool:
    # libsndfile reads and writes through functions of Python's; what they raise is printed and lost.
    while frame is not None and not (
        frame.f_code.co_name.startswith("vio_") and frame.f_globals["__name__"] == "soundfile"
    ):
        frame = frame.f_back
    return frame is not None
