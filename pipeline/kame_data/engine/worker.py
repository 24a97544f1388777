"""A worker does an order, in whatever process or machine it is.

An order is a line of JSON: the kind of the work (`kame_data.engine.kinds`), the code that it comes from, and what that
kind has to say, such as settings and parts. It is small, and holds no data and no key: what is read and made lies in
OUT, which the worker must see.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from kame_data import __version__
from kame_data.engine.kinds import Kind, kind_of
from kame_data.errors import Interrupted, KameError, StoppedError, UsageError
from kame_data.safe_path import code_digest

STOP = threading.Event()
"""Set in a worker that is to stop."""

IDLE_S = 120.0
"""After so long without an order a worker gives back the memory of its models."""


def signed(kind: str, order: dict[str, Any]) -> str:
    """An order of a kind, with the version and the digest of the code that it comes from."""
    return json.dumps({"version": __version__, "code": code_digest(), "kind": kind} | order)


def check_code(order: dict[str, Any]) -> None:
    """Raise KameError where an order comes from other code than this worker's, of which no part would be the same."""
    theirs, ours = (order["version"], order["code"]), (__version__, code_digest())
    if theirs != ours:
        raise KameError(
            f"worker {socket.gethostname()} runs kame-data {ours[0]} (code {ours[1][:8]}), and the command "
            f"{theirs[0]} (code {theirs[1][:8]}); install the same on all machines, start the workers again, and give "
            "the same command"
        )


def perform_order(line: str) -> list[float]:
    """Do an order; the seconds that each of its parts took. Raises KameError, and whatever else went wrong."""
    order = json.loads(line)
    try:
        check_code(order)
        with _idle as used:
            used.add(kind := kind_of(order["kind"]))
            return kind.perform(order)
    except KameError as error:
        raise _plain(error) from None


def timed(work: Callable[..., object], *args: Any) -> float:
    """Call the work; the seconds that it took."""
    started = time.perf_counter()
    work(*args)
    return time.perf_counter() - started


def _plain(error: KameError) -> KameError:
    """The error as one that travels: with nothing but its message."""
    kinds: tuple[type[KameError], ...] = (UsageError, StoppedError, Interrupted)
    return next((kind for kind in kinds if isinstance(error, kind)), KameError)(str(error))


class _Idle:
    """Open while an order is worked on; closes the models of all kinds when none has been for a while."""

    def __init__(self) -> None:
        self._lock, self._orders = threading.Lock(), 0
        self._used: set[Kind] = set()
        self._timer: threading.Timer | None = None

    def __enter__(self) -> set[Kind]:
        with self._lock:
            self._orders += 1
            if self._timer is not None:
                self._timer.cancel()
            return self._used

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._orders -= 1
            if not self._orders:
                self._timer = threading.Timer(IDLE_S, self._close)
                self._timer.daemon = True
                self._timer.start()

    def _close(self) -> None:
        with self._lock:
            if not self._orders:
                for kind in self._used:
                    kind.close()


_idle = _Idle()
