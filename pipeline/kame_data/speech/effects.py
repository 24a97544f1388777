"""Effects of a user's microphone and line: a room's echo, noise, a telephone's band. The assistant's channel has none.

All is drawn from (seed, dialogue id). Lengths stay, and no effect moves a word: an echo's direct sound is its first
sample, filters have no phase, resampling has no delay. Speech is as loud after an effect as before it.
"""

import math
import random
from collections.abc import Sequence

import numpy as np
import soxr

from kame_data.records import SAMPLE_RATE
from kame_data.seeds import rng
from kame_data.settings.speech import SoundSettings
from kame_data.speech.sound import Mono, amplitude

Span = tuple[int, int]
"""[first, last) sample of something said."""

# Early reflections of a room of a few metres come within 40 ms; direct sound over all echo, in dB, near a microphone.
REFLECTIONS, EARLY_S, DIRECT_DB = 8, 0.04, (3.0, 12.0)
# Power falls by f to the power of 0 (white) to 2 (brown); rooms and streets lie between.
NOISE_COLOUR, NOISE_LOWEST_HZ = (0.0, 2.0), 40.0
# A telephone line of ITU-T G.712 and G.711: 300 to 3,400 Hz at 8 kHz, 8 bit mu-law.
LINE_RATE, LINE_BAND = 8_000, (300.0, 3_400.0)


def user_level(settings: SoundSettings, seed: int, dialogue_id: str) -> float:
    """The level of a dialogue's user in dB above `settings.lufs`."""
    return settings.user_level.draw(rng(seed, "user level", dialogue_id))


def user_gain(settings: SoundSettings, seed: int, dialogue_id: str) -> float:
    """The same level as a factor."""
    return amplitude(user_level(settings, seed, dialogue_id))


def drawn(name: str, share: float, seed: int, dialogue_id: str) -> random.Random | None:
    """A stream of draws for the effect `name` where the dialogue has it, as a `share` of all dialogues do; else
    None."""
    draws = rng(seed, name, dialogue_id)
    return draws if draws.random() < share else None


def apply(user: Mono, spans: Sequence[Span], settings: SoundSettings, seed: int, dialogue_id: str) -> Mono:
    """The user's channel, float32 (n,) at 24 kHz, as a microphone and a line give it: float32 (n,).

    `spans` are the samples in which the user speaks; levels are measured there. The same array comes back where
    nothing was drawn. The result may have peaks above 1: `sound.limit` is for them.
    """
    if (draws := drawn("room", settings.room, seed, dialogue_id)) is not None:
        user = _level(_room(user, settings.rt60.draw(draws), draws), user, spans)
    if (draws := drawn("noise", settings.noise, seed, dialogue_id)) is not None:
        level = _rms(user, spans) * amplitude(-settings.snr.draw(draws))
        user = user + _noise(len(user), draws) * np.float32(level)
    if drawn("telephone", settings.telephone, seed, dialogue_id) is not None:
        user = _level(_telephone(user), user, spans)
    return user


def _rms(samples: Mono, spans: Sequence[Span]) -> float:
    power = sum(float(np.sum(np.square(samples[a:b], dtype=np.float64))) for a, b in spans)
    return math.sqrt(power / max(1, sum(b - a for a, b in spans)))


def _level(changed: Mono, before: Mono, spans: Sequence[Span]) -> Mono:
    now = _rms(changed, spans)
    return changed * np.float32(_rms(before, spans) / now) if now else changed


def _numbers(draws: random.Random) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(draws.getrandbits(128)))


def _room(samples: Mono, rt60: float, draws: random.Random) -> Mono:
    """A synthetic room: direct sound at 0, early reflections, and noise that falls by 60 dB in `rt60` seconds."""
    from scipy.signal import oaconvolve

    numbers = _numbers(draws)
    length = max(2, round(rt60 * SAMPLE_RATE))
    seconds = np.arange(length) / SAMPLE_RATE
    decay = 10.0 ** (-3.0 * seconds / rt60)
    echo = numbers.standard_normal(length) * decay * (seconds > EARLY_S / 4) * 0.1
    early = numbers.integers(1, max(2, min(length, round(EARLY_S * SAMPLE_RATE))), REFLECTIONS)
    echo[early] += numbers.uniform(0.2, 1.0, REFLECTIONS) * numbers.choice((-1.0, 1.0), REFLECTIONS) * decay[early]
    # High tones are lost on walls and in air.
    echo = np.asarray(np.convolve(echo, (0.25, 0.5, 0.25))[:length], np.float64)
    echo[0] = 0.0
    echo *= amplitude(-draws.uniform(*DIRECT_DB)) / math.sqrt(float(np.sum(np.square(echo))) or 1.0)
    echo[0] = 1.0
    return np.asarray(oaconvolve(samples, echo.astype(np.float32))[: len(samples)], np.float32)


def _noise(length: int, draws: random.Random) -> Mono:
    """Steady noise of a drawn colour, RMS 1."""
    from scipy import fft

    colour = draws.uniform(*NOISE_COLOUR)
    size = fft.next_fast_len(max(2, length), real=True)
    spectrum = fft.rfft(_numbers(draws).standard_normal(size, dtype=np.float32))
    hertz = np.maximum(np.arange(len(spectrum)) * (SAMPLE_RATE / size), NOISE_LOWEST_HZ)
    spectrum *= (hertz ** (-colour / 2.0)).astype(np.float32)
    noise = np.asarray(fft.irfft(spectrum, size)[:length], np.float32)
    return np.asarray(noise / math.sqrt(float(np.mean(np.square(noise, dtype=np.float64))) or 1.0), np.float32)


def _telephone(samples: Mono) -> Mono:
    """The sound of a telephone line, at 24 kHz again."""
    import audioop

    from scipy.signal import butter, sosfiltfilt

    narrow = soxr.resample(samples, SAMPLE_RATE, LINE_RATE)
    band = butter(3, LINE_BAND, "bandpass", fs=LINE_RATE, output="sos")
    within = np.asarray(sosfiltfilt(band, narrow), np.float64)
    peak = float(np.max(np.abs(within), initial=0.0))
    scale = min(1.0, 1.0 / peak if peak else 1.0) * 32_767.0
    line = audioop.ulaw2lin(audioop.lin2ulaw(np.round(within * scale).astype("<i2").tobytes(), 2), 2)
    heard = soxr.resample(np.frombuffer(line, "<i2").astype(np.float32) / np.float32(scale), LINE_RATE, SAMPLE_RATE)
    return np.asarray(np.pad(heard, (0, max(0, len(samples) - len(heard))))[: len(samples)], np.float32)
