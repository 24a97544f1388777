"""The questions of a bench as they are spoken to every system: in a voice that no training hears, or as they were
recorded."""

from pathlib import Path

import numpy as np

from kame_data.errors import KameError, Refusal
from kame_data.evaluate.hearing.voiced import stretches
from kame_data.evaluate.records import Asked, AskedTurn, Item
from kame_data.evaluate.sound import flac_of
from kame_data.seeds import rng
from kame_data.speech.sound import resample
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.tandem.sounds import read_sound

VERSION = 1
"""Rises when the same item would be spoken in another way."""
RECORDED = "recorded"
"""The voice of an item whose sound is the bench's own."""


def asked_of(item: Item, seed: int) -> Asked:
    """The item's turns as sound. Raises KameError, in one line, where a turn cannot be spoken or read."""
    if item.sounds:
        return Asked(item.id, RECORDED, tuple(_read(Path(path), item) for path in item.sounds))
    voice = EspeakSynthesizer(1)
    try:
        name = rng(seed, "voice", "evaluate", item.id).choice(voice.user_voices("validation", item.language))
        clips = [voice.begin(Utterance(turn.text, name, item.language)).result() for turn in item.turns]
    except Refusal as refusal:
        raise KameError(f"question '{item.id}': cannot be spoken ({refusal.detail}); leave it out") from None
    finally:
        voice.close()
    return Asked(item.id, name, tuple(_spoken(clip, item) for clip in clips))


def _spoken(clip: Clip | Refusal, item: Item) -> AskedTurn:
    if isinstance(clip, Refusal):
        raise KameError(f"question '{item.id}': cannot be spoken ({clip.detail}); leave it out")
    if not clip.words:
        raise KameError(f"question '{item.id}': its voice does not know when its words are said; leave it out")
    sound = resample(clip.samples, clip.sample_rate)
    return AskedTurn(flac_of(sound), round(float(clip.words[0][0]), 3), round(float(clip.words[-1][1]), 3))


def _read(path: Path, item: Item) -> AskedTurn:
    sound = read_sound(path, f"question '{item.id}':")
    found = stretches(np.ascontiguousarray(sound))
    if not found:
        raise KameError(f"{path}: holds no speech, and is the user's sound of question '{item.id}'; leave it out")
    return AskedTurn(flac_of(sound), round(found[0].start, 3), round(found[-1].end, 3))
