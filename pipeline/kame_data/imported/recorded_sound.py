"""The sound of a recorded dialogue: read, checked against its words, brought to the form of a row."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.imported.layout import AUDIO
from kame_data.imported.turns_of_words import TimedWord
from kame_data.records import SAMPLE_RATE, Role
from kame_data.speech.checks import CLIPPED_SAMPLES
from kame_data.speech.sound import ASSISTANT, FULL_SCALE, USER, amplitude

Samples = NDArray[np.int16]
# Levels are compared in windows of so many seconds; sound that near to a side's words belongs to them.
WINDOW_S, NEAR_S = 0.02, 0.25
# A recording has noise and crosstalk, which are no fault. Below this a side's words are not there; sound as loud as
# half the side's words is speech; a side whose words are this much louder in the other channel is in the wrong one.
SILENT_DBFS, SPEECH_DB, SWAPPED_DB = -60.0, -6.0, 6.0
CHANNELS: dict[Role, int] = {"assistant": ASSISTANT, "user": USER}


def duration_of(path: Path, resample: bool) -> float:
    """Seconds of sound in a stereo file, by its head. Raises Refusal: `no_audio`, `unreadable_audio`, `channels`,
    `sample_rate`."""
    name = f"{AUDIO}/{path.name}"
    if not path.is_file():
        raise Refusal("no_audio", f"{name} is missing")
    try:
        info: Any = soundfile.info(str(path))
    except soundfile.LibsndfileError as problem:
        raise Refusal("unreadable_audio", f"{name}: {problem.error_string}") from None
    if info.channels != 2:
        count = "one channel" if info.channels == 1 else f"{info.channels} channels"
        raise Refusal("channels", f"{name} has {count}; stereo is wanted, speaker A left and B right")
    if info.samplerate != SAMPLE_RATE and not resample:
        raise Refusal(
            "sample_rate", f"{name} is at {info.samplerate} Hz; {SAMPLE_RATE} is wanted (--resample brings it there)"
        )
    if not info.frames:
        raise Refusal("unreadable_audio", f"{name} holds no sound")
    return _length(info.frames, info.samplerate) / SAMPLE_RATE


def _length(frames: int, rate: int) -> int:
    return frames * SAMPLE_RATE // rate


def read_sound(path: Path) -> Samples:
    """The sound at 24 kHz, int16 (n, 2), A and B; 16-bit sound of that rate comes as it is, bit by bit.

    Raises Refusal: `unreadable_audio`, `clipping`.
    """
    name = f"{AUDIO}/{path.name}"
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, frames = file.samplerate, file.frames
            plain = file.subtype == "PCM_16" and rate == SAMPLE_RATE
            samples = file.read(dtype="int16" if plain else "float64", always_2d=True)
    except soundfile.LibsndfileError as problem:
        raise Refusal("unreadable_audio", f"{name}: {problem.error_string}") from None
    if len(samples) < frames:
        raise Refusal("unreadable_audio", f"{name} ends after {len(samples)} of {frames} samples")
    if plain:
        return np.asarray(samples, np.int16)
    if not np.isfinite(samples).all():
        raise Refusal("unreadable_audio", f"{name} holds values that are no numbers (NaN or infinite)")
    if np.count_nonzero(np.abs(samples) > 1.0) >= CLIPPED_SAMPLES:
        raise Refusal("clipping", f"{name} goes beyond full scale ({np.abs(samples).max():.1f})")
    if rate != SAMPLE_RATE:
        length = _length(frames, rate)
        samples = soxr.resample(samples, rate, SAMPLE_RATE)
        samples = np.pad(samples, ((0, max(0, length - len(samples))), (0, 0)))[:length]
    return np.asarray(np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1), np.int16)


def check_sound(samples: Samples, words: dict[Role, list[TimedWord]], name: str) -> None:
    """Checks int16 (n, 2) at 24 kHz, the assistant and the user, against each side's words, as far as is sure.

    Raises Refusal: `channels` (both hold the same), `silent_channel`, `channel_swap`, `missing_words`.
    """
    levels = _levels(samples)
    spoken = {role: _windows(words[role], len(levels), 0.0) for role in CHANNELS}
    own = {role: _mean(levels[spoken[role], channel]) for role, channel in CHANNELS.items()}
    for role, level in own.items():
        if level < amplitude(SILENT_DBFS):
            raise Refusal("silent_channel", f"{name}: the {role}'s channel is silent while the {role} speaks")
    if np.array_equal(samples[:, ASSISTANT], samples[:, USER]):
        raise Refusal("channels", f"{name} holds the same sound in both channels; each speaker needs one alone")
    alone = {"assistant": spoken["assistant"] & ~spoken["user"], "user": spoken["user"] & ~spoken["assistant"]}
    swapped = [
        _mean(levels[alone[role], 1 - channel]) > amplitude(SWAPPED_DB) * _mean(levels[alone[role], channel])
        for role, channel in CHANNELS.items()
    ]
    if all(swapped):
        raise Refusal("channel_swap", f"{name}: each side speaks in the other's channel; A is left, B is right")
    for role, channel in CHANNELS.items():
        loud = (levels[:, channel] > amplitude(SPEECH_DB) * own[role]) & (levels[:, channel] > levels[:, 1 - channel])
        near = _windows(words[role], len(levels), NEAR_S)
        outside, inside = np.count_nonzero(loud & ~near) * WINDOW_S, np.count_nonzero(loud & near) * WINDOW_S
        if outside > inside:
            raise Refusal(
                "missing_words",
                f"{name}: {outside:.1f} s of the {role}'s speech have no words, and {inside:.1f} s have",
            )


def _levels(samples: Samples) -> NDArray[np.float64]:
    """The level of each window and channel, (windows, 2), 1 being full scale."""
    size = round(WINDOW_S * SAMPLE_RATE)
    whole = -(-len(samples) // size) * size
    padded = np.pad(samples.astype(np.float32) / np.float32(FULL_SCALE), ((0, whole - len(samples)), (0, 0)))
    return np.asarray(np.sqrt(np.square(padded, dtype=np.float64).reshape(-1, size, 2).mean(axis=1)), np.float64)


def _windows(words: list[TimedWord], count: int, reach: float) -> NDArray[np.bool_]:
    """Mark the windows that lie within words, or within `reach` seconds of one."""
    found = np.zeros(count, bool)
    for word in words:
        first = max(0, int((word.start - reach) / WINDOW_S))
        found[first : int((word.end + reach) / WINDOW_S) + 1] = True
    return found


def _mean(levels: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(levels).mean())) if len(levels) else 0.0
