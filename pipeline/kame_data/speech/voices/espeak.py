"""espeak-ng as a synthesizer (`kame_data.speech.espeak_engine`)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from kame_data.errors import KameError, Refusal, UsageError
from kame_data.records import Split
from kame_data.speech import espeak_accents as espeak_voices
from kame_data.speech.espeak_engine import HELPER, TIME_LIMIT_S, EspeakEngine
from kame_data.speech.timing.word_times import find_words, place_words
from kame_data.speech.voices.base import Clip, Utterance, VoiceEngine
from kame_data.speech.voices.references import Reference
from kame_data.speech.voices.speakable import check_speakable
from kame_data.text.words import split_words

# Rises when the same engine would give other sound or other times.
VERSION = 3
WORD_TIMES = "espeak-events"
AHEAD = 4
SILENT_RMS = 50.0


class EspeakSynthesizer(EspeakEngine):
    """A `Synthesizer` that speaks in `workers` helper processes; its clips are 22,050 Hz and the same for any number.

    Raises KameError where the engine is missing or does not start.
    """

    name = "espeak"

    def __init__(self, workers: int = 1, time_limit_s: float = TIME_LIMIT_S, helper: Path = HELPER) -> None:
        super().__init__(workers, time_limit_s, helper)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="espeak")

    @cached_property
    def version(self) -> str:
        """The engine's version and ours. Starts a helper for a moment. Raises KameError."""
        return f"{self.engine_version}, times {VERSION}"

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
        """True where the voice's accent belongs to the language."""
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
        """Clips in the order of `jobs`; at most `AHEAD` jobs for each worker are under way."""
        pending: deque[Future[Clip | Refusal]] = deque()
        try:
            for job in jobs:
                pending.append(self.begin(job))
                if len(pending) >= AHEAD * self._workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def begin(self, job: Utterance) -> "Future[Clip | Refusal]":
        """Begin to speak an utterance in a thread; at once where a helper is free. Raises KameError once closed."""
        if self._closed:
            raise KameError("--tts espeak: closed; open a new synthesizer")
        return self._threads.submit(self._clip, job)

    def close(self) -> None:
        """Ends the helpers at once, with what they are saying."""
        super().close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _clip(self, job: Utterance) -> Clip | Refusal:
        try:
            words = split_words(job.text, job.language)
            check_speakable(job.text, words, job.language)
            spans = find_words(job.text, words)
            rate = espeak_voices.engine_rate(job.words_per_minute, job.language)
            tried = self._spoken(job, spans, rate)
            seconds = tried.words[-1][1] - tried.words[0][0]
            paced = espeak_voices.paced_rate(rate, len(words), seconds, job.words_per_minute, job.language)
            return tried if paced == rate else self._spoken(job, spans, paced)
        except Refusal as refusal:
            return refusal

    def _spoken(self, job: Utterance, spans: Sequence[tuple[int, int]], rate: int) -> Clip:
        """The clip of words at `spans` of the job's text, at the engine's own `rate`. Raises Refusal."""
        request = {
            "text": job.text,
            "voice": espeak_voices.engine_voice(job.voice),
            "rate": rate,
            "pitch": espeak_voices.engine_pitch(job.pitch),
            "words": spans,
        }
        reply, sound = self._speak(request)
        samples = np.frombuffer(sound, dtype="<i2").astype(np.int16)
        if not len(samples) or float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) < SILENT_RMS:
            raise Refusal("silence", f"the voice {job.voice} says nothing for '{job.text[:80]}'")
        counts = {int(word): count for word, count in reply["counts"].items()}
        placed = place_words(spans, reply["events"], reply["phonemes"], counts, samples)
        per_second = int(reply["sample_rate"])
        words = tuple((start / per_second, end / per_second) for start, end in placed)
        return Clip(samples, per_second, words, WORD_TIMES)


def _open(rest: str, workers: int, batch: int) -> EspeakSynthesizer:
    if rest:
        raise UsageError(
            f"--tts espeak:{rest}: espeak takes no argument, its voices are drawn per dialogue; use --tts espeak"
        )
    return EspeakSynthesizer(workers)


def _examine() -> tuple[bool, str]:
    try:
        with EspeakSynthesizer() as synthesizer:
            voice = synthesizer.assistant_voice("en")
            (clip,) = synthesizer.synthesize([Utterance("One two three.", voice, "en", 170)])
    except Exception as error:  # whatever is wrong with the engine is a finding, not a crash
        return False, f"{type(error).__name__}: {error}"
    spoke = isinstance(clip, Clip)
    return spoke, synthesizer.version if spoke else str(clip)


ESPEAK = VoiceEngine(
    "espeak",
    "espeak",
    _open,
    _examine,
    "pip install espeakng-loader (it holds the engine; no system package is needed)",
    stand_in=True,
    terms="The voice is espeak-ng's. The engine is GPL-3; sound that it makes is not a copy of it, and no terms are "
    "stated for the sound.",
)
