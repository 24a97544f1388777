"""Another voice in the background of the user's channel: what it says, and its sound there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import yaml

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE, Split
from kame_data.resources import bundled
from kame_data.seeds import rng
from kame_data.settings.speech import SpeechSettings
from kame_data.speech.lines import CUT_FADE_S, Line, fade
from kame_data.speech.sound import SAMPLES_PER_MS, Mono, amplitude
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.cast import VoicePool

# How many of the lines are said, with how long a silence between them.
LINES = (1, 4)
GAP_MS = (200, 900)
# Languages without lines of their own hear another one.
ELSE = "en"


@dataclass(frozen=True, slots=True)
class Placed:
    """Sound of the background: float32 (n,) at 24 kHz from sample `start` of the dialogue on."""

    samples: Mono
    start: int

    @property
    def end(self) -> int:
        """The sample behind its last."""
        return self.start + len(self.samples)


def background_of(
    dialogue_id: str, language: str, split: Split, user_voice: str, pool: VoicePool, settings: SpeechSettings, seed: int
) -> list[Utterance]:
    """The lines said in the background of a dialogue, by a speaker of the split who is not the user; empty where there
    are none.

    Raises Refusal (`background`) where there is no other speaker.
    """
    draw = rng(seed, "background", dialogue_id)
    if draw.random() >= settings.sound.background:
        return []
    spoken = language if language.split("-")[0] in _texts() else ELSE
    speaker_of = pool.synthesizer.speaker_of
    others = [each for each in pool.user_voices(split, spoken) if speaker_of(each[0]) != speaker_of(user_voice)]
    if not others:
        raise Refusal(
            "background",
            f"speech in the background needs a second user voice in {split}; '{user_voice}' is the only one",
        )
    (voice,) = draw.choices([voice for voice, _ in others], [weight for _, weight in others])
    lines = draw.sample(_texts()[spoken.split("-")[0]], draw.randint(*LINES))
    # One pace and pitch, so that a line in a voice is the same clip in every dialogue.
    pace = sum(settings.words_per_minute) // 2
    return [Utterance(line, voice, spoken, pace) for line in lines]


def place_background(lines: Sequence[Line], duration: int, draw: random.Random) -> Placed:
    """The lines one after the other, somewhere in a dialogue of `duration` samples, cut off where that ends."""
    pieces: list[Mono] = []
    for line in lines:
        pieces += [line.samples, np.zeros(draw.randint(*GAP_MS) * SAMPLES_PER_MS, np.float32)]
    talk = np.concatenate(pieces[:-1])
    if len(talk) > duration:
        talk = talk[:duration].copy()
        fade(talk, 0, round(CUT_FADE_S * SAMPLE_RATE))
    return Placed(talk, draw.randint(0, (duration - len(talk)) // SAMPLES_PER_MS) * SAMPLES_PER_MS)


def level_background(lines: Sequence[Line], user: Sequence[Line], db: float) -> None:
    """Brings the lines, together, to `db` decibels of the user's speech, in place."""
    ratio = _power(user) / max(_power(lines), 1e-12)
    for line in lines:
        line.samples = line.samples * np.float32(amplitude(db) * ratio**0.5)


def _power(lines: Sequence[Line]) -> float:
    spoken = [line.spoken for line in lines]
    return sum(float(np.sum(np.square(s, dtype=np.float64))) for s in spoken) / max(1, sum(map(len, spoken)))


@cache
def _texts() -> dict[str, list[str]]:
    texts: dict[str, list[str]] = yaml.safe_load(bundled("data/background.yaml").read_text("utf-8"))
    return texts
