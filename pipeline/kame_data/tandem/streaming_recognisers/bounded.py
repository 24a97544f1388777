"""Calls into libraries that may hang: nobody waits for them for ever."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from kame_data.errors import KameError

T = TypeVar("T")


def bounded(what: str, limit_s: float, call: Callable[..., T], *values: Any) -> T:
    """The result of a call, or what it raises. Raises KameError, which names `what`, for one that is not back within
    `limit_s` seconds; its thread is left behind."""
    came: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            came.append(call(*values))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if failed:
        raise failed[0]
    if not came:
        raise KameError(f"{what}: it did not answer within {limit_s:g} s; it hears no more")
    return came[0]


def one_line(error: BaseException) -> str:
    """The error's text in a line, its kind where it has none."""
    return " ".join(str(error).split())[:200] or type(error).__name__
