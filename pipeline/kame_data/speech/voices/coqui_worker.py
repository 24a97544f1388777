"""The processes that a Coqui model lives in: one for each device, shared by all that speak, replaced when one
crashes."""

import json
import queue
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kame_data.errors import KameError, UsageError
from kame_data.safe_path import environment
from kame_data.speech.processes import FrameProcess, ProcessGone

# Loading may download some gigabytes; saying a word takes a slow model on a processor about a second.
LOAD_LIMIT_S = 3600.0
CLIP_LIMIT_S, WORD_LIMIT_S = 60.0, 3.0
TRIES = 2
HELPER = "kame_data.speech.voices.coqui_helper"


@dataclass(frozen=True, slots=True)
class Load:
    """The model that a worker loads, and the limits of its work: seconds for each clip, and for each word of it."""

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


def _start(load: Load, device: str) -> FrameProcess:
    # cuBLAS gives the same sums only with a work space of a fixed size.
    env = {**environment(), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    return FrameProcess([sys.executable, "-m", load.helper, load.facts(device)], LOAD_LIMIT_S, env)


class Workers:
    """The processes of one model, one for each device; any number of threads may call them."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._lock = threading.Lock()
        self._processes: set[FrameProcess] = set()
        self._idle: queue.SimpleQueue[tuple[str, FrameProcess | None]] = queue.SimpleQueue()
        self._facts: dict[str, Any] | None = None
        self.closed = False
        self._finalizer = weakref.finalize(self, _kill_all, self._processes)

    def facts(self) -> dict[str, Any]:
        """The model's own facts; the first call loads it. Raises KameError where it does not load."""
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
        process ends for the second time is given up. Raises KameError where no process loads the model any more.
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
                        raise ProcessGone(reply["error"])
                    answered += 1
                    yield {**reply, "asked": True}, sound
        except ProcessGone as gone:
            for number, item in enumerate(items[answered:]):
                yield {"id": item["id"], "error": str(gone), "asked": number == 0}, b""

    def align(self, words: Sequence[str], sample_rate: int, sound: bytes) -> list[tuple[int, int]]:
        """Spans in samples by the multilingual aligner. Raises ProcessGone with what went wrong."""
        with self._process() as process:
            process.send({"op": "align", "words": list(words), "sample_rate": sample_rate}, sound)
            reply, _ = process.read(LOAD_LIMIT_S)
        if "error" in reply:
            raise ProcessGone(reply["error"])
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
    def _process(self) -> Iterator[FrameProcess]:
        """A process that no other thread uses meanwhile; a new one where the last one of its device has ended."""
        self.facts()
        device, process = self._idle.get()
        try:
            process = process or self._open(device)
            yield process
        except ProcessGone:
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

    def _open(self, device: str) -> FrameProcess:
        if self.closed:
            raise KameError(f"{self.load.model}: the voice is closed")
        try:
            process = _start(self.load, device)
        except (OSError, ProcessGone) as error:
            raise KameError(f"--tts coqui:{self.load.model}: the model does not load: {error}") from None
        self._processes.add(process)
        if problem := process.greeting.get("error"):
            self._drop(process)
            raise UsageError(f"--tts coqui:{self.load.model}: the model does not load: {problem}")
        return process

    def _drop(self, process: FrameProcess | None) -> None:
        if process is not None:
            self._processes.discard(process)
            process.kill()


def _kill_all(processes: set[FrameProcess]) -> None:
    for process in list(processes):
        process.kill()


_SHARED: dict[Load, Workers] = {}
_SHARED_LOCK = threading.Lock()


def shared_workers(load: Load) -> Workers:
    """The workers of a model, the same for all callers: a model is loaded once on each device."""
    with _SHARED_LOCK:
        found = _SHARED.get(load)
        if found is None or found.closed:
            found = _SHARED[load] = Workers(load)
        return found


def close_workers() -> None:
    """End all processes that models live in; the next call loads the model again."""
    with _SHARED_LOCK:
        for workers in _SHARED.values():
            workers.close()
        _SHARED.clear()
