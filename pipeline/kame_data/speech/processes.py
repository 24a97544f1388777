"""A child process that answers in frames: a line of JSON, then as many bytes of sound as its `bytes` says.

Both synthesizers live in such processes. Each read has a time limit: a process that hangs, or that somebody has
stopped, is killed, so that its caller does not wait for ever.
"""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

BLOCK = 1 << 16
# Requests are short; only a process that reads none of them takes so long.
SEND_LIMIT_S = 60.0
END_LIMIT_S = 1.0


class ProcessGone(Exception):
    """The process ended before it answered. `hung`: it ran past its time limit and was killed; `killed`: by others."""

    def __init__(self, detail: str, hung: bool = False, killed: bool = False) -> None:
        super().__init__(detail)
        self.hung, self.killed = hung, killed


class FrameProcess:
    """One child process, greeted; for one thread at a time.

    Raises OSError where it does not start, ProcessGone where it says nothing within `limit_s` seconds.
    """

    def __init__(self, command: Sequence[str], limit_s: float, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, env=env
        )
        assert self.process.stdin is not None
        os.set_blocking(self.process.stdin.fileno(), False)
        self._pending = b""
        try:
            self.greeting, _ = self.read(limit_s)
        except ProcessGone:
            self.kill()
            raise

    def send(self, request: Mapping[str, Any], sound: bytes = b"") -> None:
        """A request, and the sound that goes with it. Raises ProcessGone, also where nobody takes it."""
        assert self.process.stdin is not None
        rest = memoryview(json.dumps({**request, "bytes": len(sound)}).encode() + b"\n" + sound)
        deadline = time.monotonic() + SEND_LIMIT_S
        try:
            pipe = self.process.stdin.fileno()
            while rest:
                if not select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))[1]:
                    self._end_hung()
                rest = rest[os.write(pipe, rest) :]
        except (OSError, ValueError) as error:
            raise ProcessGone("it died") from error

    def read(self, limit_s: float) -> tuple[dict[str, Any], bytes]:
        """The next answer and its sound. Raises ProcessGone, also where they are not there in `limit_s` seconds."""
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._pending:
            self._more(deadline)
        line, _, self._pending = self._pending.partition(b"\n")
        try:
            reply: dict[str, Any] = json.loads(line)
            size = int(reply["bytes"])
        except (ValueError, KeyError, TypeError) as error:
            raise ProcessGone("it answered nonsense") from error
        blocks, missing = [self._pending], size - len(self._pending)
        while missing > 0:
            self._pending = b""
            self._more(deadline)
            blocks.append(self._pending)
            missing -= len(self._pending)
        data = b"".join(blocks)
        self._pending = data[size:]
        return reply, data[:size]

    def _more(self, deadline: float) -> None:
        assert self.process.stdout is not None
        try:
            pipe = self.process.stdout.fileno()
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self._end_hung()
            data = os.read(pipe, BLOCK)
        except (OSError, ValueError) as error:  # somebody else has closed it
            raise ProcessGone("it died") from error
        if not data:
            with suppress(subprocess.TimeoutExpired):  # it may end a moment after its output does
                self.process.wait(END_LIMIT_S)
            status = self.process.poll()
            self.kill()
            raise ProcessGone(f"it died (status {self.process.returncode})", killed=status == -signal.SIGKILL)
        self._pending += data

    def _end_hung(self) -> NoReturn:
        self.kill()
        raise ProcessGone("it ran past its time limit", hung=True)

    def kill(self) -> None:
        """Ends the process and waits for it; what it was saying dies with it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what was still to be written has nowhere to go
                assert pipe is not None
                pipe.close()
