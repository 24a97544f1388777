"""The child's side of `processes`: frames of a line of JSON and sound, and an end with the parent's."""

import json
import os
import signal
import threading
import time
from typing import Any, BinaryIO

PARENT_CHECK_S = 2.0


def channel() -> tuple[BinaryIO, BinaryIO]:
    """The streams of requests and of answers, instead of stdin and stdout, which libraries may read and print to.

    Whoever started this process decides when it ends: Ctrl-C does not, the parent's end does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    return requests, answers


def write_frame(out: BinaryIO, reply: dict[str, Any], sound: bytes = b"") -> None:
    """A line of JSON, then the sound."""
    out.write(json.dumps({**reply, "bytes": len(sound)}).encode() + b"\n" + sound)
    out.flush()


def error_line(error: BaseException) -> str:
    """The error's kind and text in a line of at most 300 characters."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300]


def _end_with_parent(parent: int) -> None:
    while True:
        time.sleep(PARENT_CHECK_S)
        if os.getppid() != parent:
            os._exit(0)
