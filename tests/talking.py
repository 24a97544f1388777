"""Dialogues with duplex situations, written by hand, and a quick voice that hums them."""

from collections.abc import Iterable, Iterator

import numpy as np

from kame_data.errors import Refusal
from kame_data.records import Dialogue, Rejected, Speech, Split, Turn
from kame_data.settings.speech import SpeechSettings
from kame_data.speech.speak import speak_dialogues
from kame_data.speech.voices.base import Clip, Synthesizer, Utterance
from kame_data.text.hesitations import clause_end
from kame_data.text.words import split_words

RATE = 22_050


def speak_dialogue(
    dialogue: Dialogue, split: Split, synthesizer: Synthesizer, settings: SpeechSettings, seed: int
) -> Speech:
    """The speech of one dialogue. Raises Refusal."""
    (speech,) = speak_dialogues([(dialogue, split)], synthesizer, settings, seed)
    if isinstance(speech, Rejected):
        raise Refusal(speech.reason, speech.detail)
    return speech


class Hum:
    """A synthesizer whose words are tones, as long as their letters ask, with a short silence behind a clause."""

    name = version = "hum"

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        return [f"{split}-{number}" for number in range(4)]

    def assistant_voice(self, language: str = "en") -> str:
        return "assistant"

    def speaker_of(self, voice: str) -> str:
        return voice

    def speaks(self, voice: str, language: str) -> bool:
        return True

    def voice(self, name: str) -> str:
        return name

    def clone(self, reference: object) -> str:
        raise AssertionError("nobody is cloned here")

    def terms(self) -> list[str]:
        return []

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        return (self.say(job) for job in jobs)

    def say(self, job: Utterance) -> Clip:
        pieces, spans, at = [np.zeros(441, np.int16)], [], 441
        pitch = 110 + 10 * (sum(map(ord, job.voice)) % 12)
        for word in split_words(job.text, job.language):
            count = round((0.1 + 0.04 * len(word)) * RATE * 170 / job.words_per_minute)
            swell = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / 200 + 0.1)
            pieces.append((6000 * swell * np.sin(2 * np.pi * pitch / RATE * np.arange(count))).astype(np.int16))
            spans.append((at / RATE, (at + count) / RATE))
            quiet = 2205 if clause_end(word) else 0
            pieces.append(np.zeros(quiet, np.int16))
            at += count + quiet
        pieces.append(np.zeros(1323, np.int16))
        return Clip(np.concatenate(pieces), RATE, tuple(spans), "hum")

    def close(self) -> None: ...

    def __enter__(self) -> "Hum":
        return self

    def __exit__(self, *_: object) -> None: ...


def said(role: str, text: str, intended: str = "") -> Turn:
    """A turn; `intended` where it is interrupted."""
    return Turn(role, text, intended or text)  # type: ignore[arg-type]


def back_channel(role: str, text: str, after: int) -> Turn:
    return Turn(role, text, text, "back_channel", after)  # type: ignore[arg-type]


def dialogue_of(*turns: Turn, name: str = "gsm8k-7", language: str = "en") -> Dialogue:
    return Dialogue(f"{name}-v0", name, 0, language, turns, "fourteen")


QUESTION = said(
    "user", "Hi there, um, I have three boxes, and each of them, uh, holds five pens. How many pens is that?"
)
EXPLAINED = "You multiply three by five, because every box holds as many pens as the others, and that makes fifteen."

DUPLEX = dialogue_of(
    QUESTION,
    back_channel("assistant", "Uh-huh.", 8),
    said("assistant", "You multiply three by five, because every box holds as many", EXPLAINED),
    back_channel("user", "Okay.", 5),
    said("user", "Wait, I only need the answer."),
    said("assistant", "Sure, it is fifteen."),
)
"""All that the contract of a dialogue has: hesitations, a back-channel of either side, and a barge-in."""

CHINESE = dialogue_of(
    said("user", "嗯，一个长方形的长是十二厘米，宽是，呃，五厘米，面积是多少？"),
    said("assistant", "面积是长乘以宽，也就是", "面积是长乘以宽，也就是六十平方厘米。"),
    said("user", "等一下，答案是什么？"),
    said("assistant", "好的，六十平方厘米。"),
    language="zh",
)
