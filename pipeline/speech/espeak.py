"""espeak-ng as a synthesizer: a pool of helper processes, spoken to in JSON lines.

The engine never enters this process (see `espeak_helper`). A helper that is killed is replaced and its utterance said
again; an utterance at which the engine crashes or hangs twice is refused.
"""

import os
import queue
import signal
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from pipeline.errors import KameError, Refusal, UsageError
from pipeline.records import Split
from pipeline.speech import espeak_voices
from pipeline.speech.processes import FrameProcess, ProcessGone
from pipeline.speech.references import Reference
from pipeline.speech.speakable import check_speakable
from pipeline.speech.voices import Clip, Utterance
from pipeline.speech.word_times import find_words, place_words
from pipeline.text.words import split_words

# Rises when the same engine would give other sound or other times.
VERSION = 2
WORD_TIMES = "espeak-events"
TIME_LIMIT_S = 30.0
GRACE_S, START_LIMIT_S = 5.0, 60.0
TRIES = 2
# Helpers may be killed from outside (memory, a careless person), which is no fault of the utterance.
HELPER_TRIES = 5
AHEAD = 4
SILENT_RMS = 50.0
HELPER = Path(__file__).with_name("espeak_helper.py")


def _kill_all(helpers: set[FrameProcess]) -> None:
    for helper in list(helpers):
        helper.kill()


class EspeakSynthesizer:
    """A `Synthesizer` that speaks in `workers` helper processes; its clips are 22,050 Hz and the same for any number.

    Raises KameError where the engine is missing or does not start.
    """

    name = "espeak"

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
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="espeak")

    @cached_property
    def version(self) -> str:
        """The engine's version and ours. Starts a helper for a moment. Raises KameError."""
        return f"espeak-ng {_engine_version(tuple(self._command))}, times {VERSION}"

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        """The user's voices of a split, in a fixed order. Raises Refusal (`language`)."""
        return espeak_voices.user_voices(split, language)

    def assistant_voice(self, language: str = "en") -> str:
        """The assistant's voice. Raises Refusal (`language`)."""
        return espeak_voices.assistant_voice(language)

    def speaker_of(self, voice: str) -> str:
        """The timbre, whatever the accent."""
        return espeak_voices.speaker_of(voice)

    def speaks(self, voice: str, language: str) -> bool:
        """Whether the voice's accent is one of the language."""
        return espeak_voices.speaks(voice, language)

    def voice(self, name: str) -> str:
        """The name itself, where it is a voice. Raises UsageError that says which there are."""
        try:
            espeak_voices.engine_voice(name)
        except Refusal as refusal:
            raise UsageError(f"speech voice {name}: {refusal.detail}") from None
        return name

    def clone(self, reference: Reference) -> str:
        """Raises UsageError: espeak clones nobody."""
        raise UsageError(f"speech voice {reference.path}: espeak clones no voices; use --tts coqui:xtts_v2 or your_tts")

    def terms(self) -> list[str]:
        """None: what the engine says is free of its licence."""
        return []

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        """Clips in the order of `jobs`; at most `AHEAD` jobs a worker are under way."""
        if self._closed:
            raise KameError("--tts espeak: closed; open a new synthesizer")
        pending: deque[Future[Clip | Refusal]] = deque()
        try:
            for job in jobs:
                pending.append(self._threads.submit(self._clip, job))
                if len(pending) >= AHEAD * self._workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def phonemes(self, words: Sequence[str], voice: str = "en-us") -> list[list[str]]:
        """The engine's names of the phonemes of words, each said alone. Raises Refusal, KameError."""
        reply, _ = self._speak({"spell": list(words), "voice": espeak_voices.engine_voice(voice)})
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
        self._threads.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _clip(self, job: Utterance) -> Clip | Refusal:
        try:
            words = split_words(job.text, job.language)
            check_speakable(job.text, words, job.language)
            spans = find_words(job.text, words)
            request = {
                "text": job.text,
                "voice": espeak_voices.engine_voice(job.voice),
                "rate": espeak_voices.engine_rate(job.words_per_minute, job.language),
                "pitch": espeak_voices.engine_pitch(job.pitch),
                "words": spans,
            }
            reply, sound = self._speak(request)
            samples = np.frombuffer(sound, dtype="<i2").astype(np.int16)
            if not len(samples) or float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) < SILENT_RMS:
                raise Refusal("silence", f"the voice {job.voice} says nothing for '{job.text[:80]}'")
            counts = {int(word): count for word, count in reply["counts"].items()}
            placed = place_words(spans, reply["events"], reply["phonemes"], counts, samples)
        except Refusal as refusal:
            return refusal
        rate = int(reply["sample_rate"])
        return Clip(samples, rate, tuple((start / rate, end / rate) for start, end in placed), WORD_TIMES)

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
