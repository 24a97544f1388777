"""espeak-ng in a pool of helper processes, spoken to in JSON lines.

The engine never enters this process (see `espeak_helper`). A helper that is killed is replaced and asked again; a
request at which the engine crashes or hangs twice is refused.
"""

import os
import queue
import signal
import sys
import threading
import weakref
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from kame_data.errors import KameError, Refusal
from kame_data.speech.espeak_accents import engine_voice
from kame_data.speech.processes import FrameProcess, ProcessGone

TIME_LIMIT_S = 30.0
GRACE_S, START_LIMIT_S = 5.0, 60.0
TRIES = 2
# Helpers may be killed from outside (memory, a careless person), which is no fault of the utterance.
HELPER_TRIES = 5
HELPER = Path(__file__).with_name("espeak_helper.py")


def _kill_all(helpers: set[FrameProcess]) -> None:
    for helper in list(helpers):
        helper.kill()


class EspeakEngine:
    """The engine in `workers` helper processes. Raises KameError where it is missing or does not start."""

    def __init__(self, workers: int = 1, time_limit_s: float = TIME_LIMIT_S, helper: Path = HELPER) -> None:
        if not hasattr(os, "fork"):
            raise KameError(f"--tts espeak: {sys.platform} cannot fork processes; use Linux, macOS or WSL")
        # The helper ends what takes it too long; only one that is stopped itself runs past this.
        self._limit_s = time_limit_s + GRACE_S
        self._command = [sys.executable, "-I", "-S", str(helper), *_engine_paths(), str(time_limit_s)]
        self._helpers: set[FrameProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._idle: queue.SimpleQueue[FrameProcess | None] = queue.SimpleQueue()
        self._workers = max(1, workers)
        for _ in range(self._workers):
            self._idle.put(None)  # a helper starts when it is first needed
        self._finalizer = weakref.finalize(self, _kill_all, self._helpers)

    @cached_property
    def engine_version(self) -> str:
        """The engine's version. Starts a helper for a moment. Raises KameError."""
        return f"espeak-ng {_engine_version(tuple(self._command))}"

    def phonemes(self, words: Sequence[str], voice: str = "en-us") -> list[list[str]]:
        """The engine's names of the phonemes of words, each said alone. Raises Refusal, KameError."""
        reply, _ = self._speak({"spell": list(words), "voice": engine_voice(voice)})
        return [list(names) for names in reply["phonemes"]]

    def helper_ids(self) -> list[int]:
        """The process ids of the helpers that run now."""
        with self._lock:
            return sorted(helper.process.pid for helper in self._helpers)

    def close(self) -> None:
        """Ends the helpers at once, with what they are saying."""
        with self._lock:
            self._closed = True
            _kill_all(self._helpers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _speak(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Asks until there is sound. Raises Refusal (`speech_failed`), or KameError where no helper stays alive."""
        failures = gone = 0
        while True:
            helper = self._idle.get()
            try:
                helper = helper or self._start()
                helper.send(request)
                reply, sound = helper.read(self._limit_s)
            except ProcessGone as end:
                gone, failures = gone + (not end.hung), failures + end.hung
                self._drop(helper)
                helper = None
                if failures >= TRIES:
                    raise Refusal("speech_failed", _describe({"status": -signal.SIGALRM})) from None
                if self._closed or gone >= HELPER_TRIES:
                    raise KameError("espeak helpers keep dying: see whether memory is short, then run again") from None
                continue
            finally:
                self._idle.put(helper)
            if "error" not in reply:
                return reply, sound
            # SIGKILL is never the engine's own doing.
            killed = reply.get("status") == -signal.SIGKILL
            gone, failures = gone + killed, failures + (not killed)
            if failures >= TRIES or gone >= HELPER_TRIES:
                raise Refusal("speech_failed", _describe(reply))

    def _start(self) -> FrameProcess:
        with self._lock:
            if self._closed:
                raise ProcessGone("closed")
            helper = _open_helper(self._command)
            self._helpers.add(helper)
            return helper

    def _drop(self, helper: FrameProcess | None) -> None:
        if helper is not None:
            with self._lock:
                self._helpers.discard(helper)
            helper.kill()


def _engine_paths() -> tuple[str, str]:
    try:
        import espeakng_loader  # finds the files; loads nothing of the engine

        return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())
    except (ImportError, RuntimeError) as error:
        raise KameError("--tts espeak: the package espeakng-loader is missing; pip install espeakng-loader") from error


@cache
def _engine_version(command: tuple[str, ...]) -> str:
    helper = _open_helper(command)
    helper.kill()
    return str(helper.greeting.get("version", ""))


def _open_helper(command: Sequence[str]) -> FrameProcess:
    """A helper that has said its version; one that is killed while it starts is started again. Raises KameError."""
    for left in reversed(range(HELPER_TRIES)):
        try:
            return FrameProcess(command, START_LIMIT_S)
        except ProcessGone as end:
            if not end.killed or not left:
                break
        except OSError:
            break
    raise KameError("--tts espeak: the engine does not start; reinstall espeakng-loader")


def _describe(reply: dict[str, Any]) -> str:
    status = reply.get("status")
    if status == -signal.SIGALRM:
        return "the engine ran past its time limit, twice"
    if status is not None:
        return f"the engine died, twice (status {status})"
    return f"the engine says {reply['error']}"
