"""The aligner for a voice that does not time its words: pocketsphinx for English, MMS for every other language."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import version as version_of
from typing import Literal

from kame_data.errors import Refusal
from kame_data.speech.processes import ProcessGone
from kame_data.speech.timing.sphinx import SphinxAligner
from kame_data.speech.voices.base import Clip, Span, Utterance
from kame_data.speech.voices.coqui_worker import Workers
from kame_data.text.words import split_words

# Rises when the same sound would be given other times.
VERSION = 1


class SettingsAligner:
    """The `Aligner` that the settings call for. `workers` gives the processes that have torch, in which MMS runs."""

    def __init__(self, choice: Literal["auto", "pocketsphinx", "mms"], workers: Callable[[], Workers]) -> None:
        self.choice, self.workers = choice, workers

    def name(self, language: str) -> str:
        """`pocketsphinx` or `mms`. Raises Refusal (`language`)."""
        english = language.split("-")[0] == "en"
        if self.choice == "pocketsphinx" and not english:
            raise Refusal("language", f"pocketsphinx aligns English, not '{language}'; set speech.aligner to mms")
        return "pocketsphinx" if english and self.choice != "mms" else "mms"

    def version(self, language: str) -> str:
        """The version of all that the times depend on."""
        if self.name(language) == "pocketsphinx":
            return SphinxAligner.version()
        return f"mms, torchaudio {version_of('torchaudio')}, times {VERSION}"

    def align(self, clip: Clip, utterance: Utterance) -> list[Span]:
        """A span for every word, in seconds. Raises Refusal (`alignment`)."""
        words = split_words(utterance.text, utterance.language)
        if self.name(utterance.language) == "pocketsphinx":
            return _sphinx().align(words, clip.samples, clip.sample_rate)
        romanised = [romanise(word, utterance.language) for word in words]
        try:
            spans = self.workers().align(romanised, clip.sample_rate, clip.samples.astype("<i2").tobytes())
        except ProcessGone as gone:
            raise Refusal("alignment", f"mms: {gone}") from None
        return [(start / clip.sample_rate, end / clip.sample_rate) for start, end in spans]


def romanise(word: str, language: str) -> str:
    """A word in the letters a to z and ', as MMS reads it; numbers as the language says them."""
    from anyascii import anyascii  # comes with coqui-tts
    from num2words import num2words

    said = word
    digits = "".join(c for c in word if c.isdigit())
    if digits:
        try:
            said = num2words(int(digits), lang=language.split("-")[0])
        except (NotImplementedError, OverflowError, ValueError):
            said = ""
    return "".join(c for c in anyascii(said).lower() if c.isascii() and (c.isalpha() or c == "'"))


@cache
def _sphinx() -> SphinxAligner:
    return SphinxAligner()
