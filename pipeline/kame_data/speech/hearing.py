"""Word error rates by a recogniser, for builds that ask for one (`--asr SPEC`). It hears each clip once, when the clip
is made."""

import re
import threading
from collections.abc import Iterable
from functools import cache
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from kame_data.errors import Refusal, UsageError
from kame_data.speech.recognisers.base import SAMPLE_RATE, Recogniser
from kame_data.speech.recognisers.engines import engine_of
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.text.spoken import say
from kame_data.text.words import split_words

# Rises when the same sound and words would be given another rate.
VERSION = 1
_UNSAID = re.compile(r"[^\w\s']|_")


def normalise(text: str, language: str = "en") -> list[str]:
    """Words as they are compared: lower case, numbers as they are said, no punctuation, hyphens as spaces."""
    spoken = text
    if language.split("-")[0] == "en":
        try:
            spoken = say(text)
        except (Refusal, ValueError):
            spoken = text
    plain = _UNSAID.sub(" ", spoken.lower().replace("’", "'").replace("-", " "))
    return [word for word in (word.strip().strip("'") for word in split_words(plain, language)) if word]


def word_error_rate(said: str, heard: str, language: str = "en") -> float:
    """Words put in, left out and changed, over the words that were said; may be above 1."""
    from jiwer import wer

    expected, found = normalise(said, language), normalise(heard, language)
    if not expected:
        return float(bool(found))
    return float(wer(" ".join(expected), " ".join(found))) if found else 1.0


class WerMeasure:
    """The word error rate as a measure of clips, by the recogniser that `--asr` names. Raises UsageError."""

    field: Literal["alignment", "wer"] = "wer"

    def __init__(self, spec: str) -> None:
        self.spec, self.engine = spec, engine_of(spec)

    def check(self, languages: Iterable[str]) -> None:
        """Raise UsageError for a language that the recogniser does not hear, KameError where its package is missing."""
        self.engine.version()
        for language in languages:
            if not self.engine.hears(language):
                known = ", ".join(sorted(self.engine.languages))
                raise UsageError(f"--asr {self.spec}: it hears {known}, not '{language}'; name another, or none")

    def version(self, language: str) -> str | None:
        """The facts that the rate depends on; None for a language that the recogniser does not hear. Raises KameError
        where its package is missing."""
        return f"{self.spec} {self.engine.version()}, rates {VERSION}" if self.engine.hears(language) else None

    def measure(self, clip: Clip, utterance: Utterance) -> float | None:
        """The rate of a clip with its text."""
        heard = recognise(self.spec, clip.samples, clip.sample_rate, utterance.language)
        return round(word_error_rate(utterance.text, heard, utterance.language), 4)


def recognise(spec: str, samples: NDArray[np.int16], sample_rate: int, language: str) -> str:
    """The words that the recogniser of a spec hears in int16 (n,). Raises KameError where its model cannot be had."""
    sound = np.asarray(soxr.resample(samples.astype(np.float32) / np.float32(32_768), sample_rate, SAMPLE_RATE))
    recogniser, lock = _opened(spec)
    with lock:
        return " ".join(recogniser.hear(sound, language).split())


@cache
def _opened(spec: str) -> tuple[Recogniser, threading.Lock]:
    return engine_of(spec).open(spec.partition(":")[2]), threading.Lock()
