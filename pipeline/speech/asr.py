"""Word error rate by a recogniser, where one is asked for: `--asr faster-whisper:MODEL`.

The model comes from faster-whisper's own downloader, or from a folder that holds one. It hears each clip once, when
the clip is made.
"""

import re
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any, Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.errors import KameError, Refusal, UsageError
from pipeline.speech.voices import Clip, Utterance
from pipeline.text.spoken import say
from pipeline.text.words import split_words

# Rises when the same sound and words would be given another rate.
VERSION = 1
SAMPLE_RATE = 16_000
ENGINE = "faster-whisper"
MISSING = f"the package {ENGINE} is missing; pip install 'kame-data[asr]'"
_UNSAID = re.compile(r"[^\w\s']|_")


def parse_asr(spec: str) -> str:
    """The model that `--asr SPEC` names. Raises UsageError."""
    engine, _, model = spec.partition(":")
    if engine != ENGINE or not model:
        raise UsageError(f"--asr {spec}: no such recogniser; use {ENGINE}:MODEL, as in {ENGINE}:base.en")
    return model


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
        self.spec, self.model = spec, parse_asr(spec)

    def version(self, language: str) -> str | None:
        """What the rate depends on. Raises KameError where the recogniser's package is missing."""
        try:
            return f"{self.spec} {version_of(ENGINE)}, rates {VERSION}"
        except PackageNotFoundError:
            raise KameError(
                f"--asr {self.spec}: the package {ENGINE} is missing; pip install 'kame-data[asr]'"
            ) from None

    def measure(self, clip: Clip, utterance: Utterance) -> float | None:
        """The rate of a clip with its text."""
        heard = recognise(self.model, clip.samples, clip.sample_rate, utterance.language)
        return round(word_error_rate(utterance.text, heard, utterance.language), 4)


def recognise(model: str, samples: NDArray[np.int16], sample_rate: int, language: str) -> str:
    """What the recogniser hears in int16 (n,). Raises KameError where the model cannot be had."""
    sound = np.asarray(soxr.resample(samples.astype(np.float32) / np.float32(32_768), sample_rate, SAMPLE_RATE))
    engine, lock = _engine(model)
    with lock:
        # One guess at temperature 0: the same sound is heard the same each time.
        segments, _ = engine.transcribe(
            sound, language=language.split("-")[0], beam_size=1, temperature=0.0, condition_on_previous_text=False
        )
        return _joined([segment.text for segment in segments])


def _joined(texts: Sequence[str]) -> str:
    return " ".join(text.strip() for text in texts).strip()


@cache
def _engine(model: str) -> tuple[Any, threading.Lock]:
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        raise KameError(f"--asr {ENGINE}:{model}: {MISSING}") from None
    try:
        return WhisperModel(model, cpu_threads=1), threading.Lock()
    except Exception as error:  # its downloader has errors of many kinds
        reason = " ".join(str(error).split())[:200]
        raise KameError(f"--asr {ENGINE}:{model}: the model cannot be had ({reason})") from error
