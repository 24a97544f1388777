"""Samples: resampling, level, mixing into two channels, FLAC."""

import io
import math
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pipeline.errors import Refusal

SAMPLE_RATE = 24_000
SAMPLES_PER_MS = SAMPLE_RATE // 1000
ASSISTANT, USER = 0, 1
FULL_SCALE = 32_768.0
# Speech at -23 dBFS leaves its peaks (some 12 to 18 dB higher) below full scale.
LEVEL_DBFS = -23.0
PEAK_DBFS = -1.0

Mono = NDArray[np.float32]
Stereo = NDArray[np.int16]


def resample(samples: NDArray[np.int16], sample_rate: int) -> Mono:
    """int16 (n,) at `sample_rate` as float32 in [-1, 1] at 24 kHz; its length is true to a sample."""
    return np.asarray(soxr.resample((samples / FULL_SCALE).astype(np.float32), sample_rate, SAMPLE_RATE), np.float32)


def gain(clips: Sequence[Mono]) -> float:
    """The factor that brings one speaker's clips, together, to `LEVEL_DBFS` RMS, or as near as `PEAK_DBFS` allows.

    Raises Refusal (`silence`).
    """
    if not sum(map(len, clips)):
        raise Refusal("silence", "a speaker's clips are empty")
    power = sum(float(np.sum(np.square(clip, dtype=np.float64))) for clip in clips) / sum(len(clip) for clip in clips)
    peak = max(float(np.max(np.abs(clip))) for clip in clips)
    if peak == 0.0:
        raise Refusal("silence", "a speaker's clips are silent")
    return min(amplitude(LEVEL_DBFS) / math.sqrt(power), amplitude(PEAK_DBFS) / peak)


def amplitude(dbfs: float) -> float:
    """Decibels below full scale as a factor."""
    return float(10.0 ** (dbfs / 20.0))


def mix(placed: Sequence[tuple[int, int, Mono]], duration_ms: int) -> NDArray[np.int16]:
    """Clips, each with its channel and start in ms, as int16 (duration_ms * 24, 2)."""
    segment = _audio_segment()

    def mono(data: bytes) -> Any:
        return segment(data=data, sample_width=2, frame_rate=SAMPLE_RATE, channels=1)

    # Not AudioSegment.silent: it rounds milliseconds down in binary and may come out a sample short.
    channels = [mono(bytes(2 * SAMPLES_PER_MS * duration_ms)) for _ in (ASSISTANT, USER)]
    for channel, start_ms, clip in placed:
        data = np.clip(np.round(clip * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()
        channels[channel] = channels[channel].overlay(mono(data), position=start_ms)
    stereo = segment.from_mono_audiosegments(channels[ASSISTANT], channels[USER])
    return np.frombuffer(stereo.raw_data, dtype="<i2").reshape(-1, 2)


def encode_flac(samples: NDArray[np.int16]) -> bytes:
    """int16 (n, 2) at 24 kHz as a FLAC file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_flac(flac: bytes) -> NDArray[np.int16]:
    """The samples of `encode_flac`."""
    samples, _ = soundfile.read(io.BytesIO(flac), dtype="int16", always_2d=True)
    return np.asarray(samples, np.int16)


@cache
def _audio_segment() -> Any:
    # pydub looks for ffmpeg, which only other file formats need, and its source warns on newer Pythons.
    for category in (RuntimeWarning, DeprecationWarning, SyntaxWarning):
        warnings.filterwarnings("ignore", category=category, module=r".*pydub\Wutils")
    from pydub import AudioSegment

    return AudioSegment
