"""The processes that a Coqui model lives in: one a device, shared by all that speak, replaced when one crashes."""

import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import KameError, UsageError

# Loading may download some gigabytes; saying a word takes a slow model on a processor about a second.
LOAD_LIMIT_S = 3600.0
CLIP_LIMIT_S, WORD_LIMIT_S = 60.0, 3.0
TRIES = 2
HELPER = "pipeline.speech.coqui_helper"
ROOT = Path(__file__).resolve().parents[2]
BLOCK = 1 << 16


class WorkerGone(Exception):
    """The process ended, or ran past its time limit and was killed, before it answered."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker loads, and the limits of its work: seconds a clip, and a word of it."""

    model: str
    path: str = ""
    config: str = ""
    device: str = "auto"
    batch: int = 0
    clip_limit_s: float = CLIP_LIMIT_S
    word_limit_s: float = WORD_LIMIT_S
    helper: str = HELPER

    def facts(self, device: str) -> str:
        """The helper's argument."""
        return json.dumps(
            {"model": self.model, "path": self.path, "config": self.config, "device": device, "batch": self.batch}
        )


class _Process:
    """One helper process; for one thread at a time."""

    def __init__(self, load: Load, device: str) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", load.helper, load.facts(device)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # cuBLAS gives the same sums only with a work space of a fixed size.
            env={**os.environ, "PYTHONPATH": path, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
        )
        self._pending = b""
        try:
            self.greeting, _ = self.read(LOAD_LIMIT_S)
        except WorkerGone:
            self.kill()
            raise

    def send(self, request: Mapping[str, Any], sound: bytes = b"") -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({**request, "bytes": len(sound)}).encode() + b"\n" + sound)
            self.process.stdin.flush()
        except (OSError, ValueError) as error:
            raise WorkerGone("it died") from error

    def read(self, limit_s: float) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._pending:
            self._more(deadline)
        line, _, self._pending = self._pending.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        blocks, missing = [self._pending], reply["bytes"] - len(self._pending)
        while missing > 0:
            self._pending = b""
            self._more(deadline)
            blocks.append(self._pending)
            missing -= len(self._pending)
        data = b"".join(blocks)
        self._pending = data[reply["bytes"] :]
        return reply, data[: reply["bytes"]]

    def _more(self, deadline: float) -> None:
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            self.kill()
            raise WorkerGone("it ran past its time limit")
        data = os.read(pipe, BLOCK)
        if not data:
            self.kill()
            raise WorkerGone(f"it died (status {self.process.returncode})")
        self._pending += data

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()


class Workers:
    """The processes of one model, one a device; any number of threads may ask them."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._lock = threading.Lock()
        self._processes: set[_Process] = set()
        self._idle: queue.SimpleQueue[tuple[str, _Process | None]] = queue.SimpleQueue()
        self._facts: dict[str, Any] | None = None
        self.closed = False
        self._finalizer = weakref.finalize(self, _kill_all, self._processes)

    def facts(self) -> dict[str, Any]:
        """What the model is; loads it when it is first asked for. Raises KameError where it does not load."""
        with self._lock:
            if self._facts is None:
                process = self._open(self.load.device)
                self._facts = process.greeting
                self._idle.put((process.greeting["device"], process))
                for number in range(1, process.greeting["devices"] if self.load.device == "auto" else 1):
                    self._idle.put((f"cuda:{number}", None))
            return self._facts

    def speak(self, items: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, dict[str, Any], bytes]]:
        """(id, answer, sound) of every item, in any order; the answer holds `refused` or `error` where there is none.

        What a process has not answered when it dies or hangs is asked of a fresh one, each item alone; one at which a
        process ends for the second time is given up.
        Raises KameError where no process loads the model any more.
        """
        failed: list[tuple[Mapping[str, Any], int]] = []
        for item, (reply, sound) in zip(items, self._ask(items), strict=True):
            if "error" not in reply:
                yield reply["id"], reply, sound
            else:
                failed.append((item, int(reply["asked"])))
        for item, failures in failed:
            while True:
                ((reply, sound),) = list(self._ask([item]))
                failures += "error" in reply
                if "error" not in reply or failures >= TRIES:
                    break
            yield reply["id"], reply, sound

    def _ask(self, items: Sequence[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The answers of one process, in the order of `items`; from the one at which it ends on, errors.

        `asked` says of an error whether it was that item's own: those behind the one at which a process ends are not.
        """
        words = sum(len(sentence) for item in items for sentence in item["sentences"])
        limit_s = self.load.clip_limit_s + self.load.word_limit_s * words
        answered = 0
        try:
            with self._process() as process:
                process.send({"op": "speak", "items": list(items)})
                for _ in items:
                    reply, sound = process.read(limit_s)
                    if "CUDA" in reply.get("error", ""):  # after one such fault every further call fails
                        process.kill()
                        raise WorkerGone(reply["error"])
                    answered += 1
                    yield {**reply, "asked": True}, sound
        except WorkerGone as gone:
            for number, item in enumerate(items[answered:]):
                yield {"id": item["id"], "error": str(gone), "asked": number == 0}, b""

    def align(self, words: Sequence[str], sample_rate: int, sound: bytes) -> list[tuple[int, int]]:
        """Spans in samples by the multilingual aligner. Raises WorkerGone with what went wrong."""
        with self._process() as process:
            process.send({"op": "align", "words": list(words), "sample_rate": sample_rate}, sound)
            reply, _ = process.read(LOAD_LIMIT_S)
        if "error" in reply:
            raise WorkerGone(reply["error"])
        return [(int(a), int(b)) for a, b in reply["words"]]

    def process_ids(self) -> list[int]:
        """The ids of the processes that run now."""
        with self._lock:
            return sorted(p.process.pid for p in self._processes)

    def close(self) -> None:
        """Ends the processes at once."""
        self.closed = True
        _kill_all(self._processes)

    @contextmanager
    def _process(self) -> Iterator[_Process]:
        """A process that nobody else asks meanwhile; a new one where the last of its device is gone."""
        self.facts()
        device, process = self._idle.get()
        try:
            process = process or self._open(device)
            yield process
        except WorkerGone:
            self._drop(process)
            process = None
            raise
        except GeneratorExit:
            # Nobody waits for the answers that are still to come; they must not be taken for others.
            self._drop(process)
            process = None
            raise
        finally:
            self._idle.put((device, process))

    def _open(self, device: str) -> _Process:
        if self.closed:
            raise KameError(f"{self.load.model}: the voice is closed")
        try:
            process = _Process(self.load, device)
        except (OSError, WorkerGone) as error:
            raise KameError(f"--tts coqui:{self.load.model}: the model does not load: {error}") from None
        self._processes.add(process)
        if problem := process.greeting.get("error"):
            self._drop(process)
            raise UsageError(f"--tts coqui:{self.load.model}: the model does not load: {problem}")
        return process

    def _drop(self, process: _Process | None) -> None:
        if process is not None:
            self._processes.discard(process)
            process.kill()


def _kill_all(processes: set[_Process]) -> None:
    for process in list(processes):
        process.kill()


_SHARED: dict[Load, Workers] = {}
_SHARED_LOCK = threading.Lock()


def shared_workers(load: Load) -> Workers:
    """The workers of a model, the same for all that ask: a model is loaded once a device, whatever speaks with it."""
    with _SHARED_LOCK:
        found = _SHARED.get(load)
        if found is None or found.closed:
            found = _SHARED[load] = Workers(load)
        return found


def close_workers() -> None:
    """Ends all processes that models live in; who speaks again afterwards loads again."""
    with _SHARED_LOCK:
        for workers in _SHARED.values():
            workers.close()
        _SHARED.clear()
