"""Sound made by hand for the tests of what is heard: espeak's sentences at known places in silence."""

from functools import cache

import numpy as np

from kame_data.records import SAMPLE_RATE
from kame_data.seeds import rng
from kame_data.speech.sound import resample
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer

QUIET = 10 ** (-60 / 20)


@cache
def sentence(text, seed=0):
    """A sentence, f32 (n,) at 24 kHz, without the silence around it."""
    voice = EspeakSynthesizer(1)
    try:
        name = rng(seed, "voice", "test").choice(voice.user_voices("validation", "en"))
        clip = voice.begin(Utterance(text, name, "en")).result()
    finally:
        voice.close()
    sound = resample(clip.samples, clip.sample_rate)
    heard = np.flatnonzero(np.abs(sound) > QUIET)
    return sound[heard[0] : heard[-1] + 1]


def laid(seconds, *placed):
    """Silence of so many seconds with each (sound, start) laid into it; f32 (n,), and the (start, end) of each."""
    out, spans = np.zeros(round(seconds * SAMPLE_RATE), np.float32), []
    for sound, start in placed:
        first = round(start * SAMPLE_RATE)
        out[first : first + len(sound)] += sound
        spans.append((start, start + len(sound) / SAMPLE_RATE))
    return out, spans
