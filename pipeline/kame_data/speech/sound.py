"""Samples: resampling, loudness, limiting, mixing into two channels, FLAC."""

import io
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE

SAMPLES_PER_MS = SAMPLE_RATE // 1000
ASSISTANT, USER = 0, 1
FULL_SCALE = 32_768.0
# No sample, and no crest between two samples, comes above it.
PEAK_DBFS = -1.0
# In speech, crests between samples are less than 1.5 dB above them.
CREST = 0.84
# A limiter's gain moves this slowly, so that it colours nothing that is heard.
LIMIT_MS = 5
# ITU-R BS.1770 measures blocks of 400 ms, of which it leaves out those below -70 LUFS.
BLOCK_S, GATE_LUFS = 0.4, -70.0

Mono = NDArray[np.float32]


def resample(samples: NDArray[np.int16], sample_rate: int) -> Mono:
    """int16 (n,) at `sample_rate` as float32 in [-1, 1] at 24 kHz; its length is true to a sample."""
    scaled = samples.astype(np.float32) * np.float32(1.0 / FULL_SCALE)
    return np.asarray(soxr.resample(scaled, sample_rate, SAMPLE_RATE), np.float32)


def loudness(samples: Mono, sample_rate: int = SAMPLE_RATE) -> float | None:
    """Integrated loudness of float32 (n,) in LUFS (ITU-R BS.1770-4); None for silence.

    Sound shorter than one block of the standard is measured as if it went on repeating itself.
    """
    block = round(BLOCK_S * sample_rate)
    if not len(samples) or not np.any(samples):
        return None
    heard = samples if len(samples) >= block else np.resize(samples, block)
    found = float(_meter(sample_rate).integrated_loudness(heard.astype(np.float64)))
    return found if found > GATE_LUFS else None


def loudness_gain(clips: Sequence[Mono], lufs: float) -> float:
    """The factor that brings one speaker's clips at 24 kHz, together, to `lufs`; peaks are `limit`'s affair.

    Raises Refusal (`silence`).
    """
    if not sum(map(len, clips)):
        raise Refusal("silence", "a speaker's clips are empty")
    found = loudness(np.concatenate(clips))
    if found is None:
        raise Refusal("silence", "a speaker's clips are silent")
    return amplitude(lufs - found)


def limit(samples: Mono) -> Mono:
    """The same sound with no peak above `PEAK_DBFS`, crests between samples included; nothing moves in time.

    Where a peak is too high, the gain goes down around it and comes back, a few milliseconds each; it is 1 elsewhere.
    """
    ceiling = amplitude(PEAK_DBFS)
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak <= CREST * ceiling:
        return samples
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    # The crests of each sample's neighbourhood, seen at four times the rate (BS.1770-4, annex 2).
    fine = np.abs(soxr.resample(samples, SAMPLE_RATE, 4 * SAMPLE_RATE, "MQ"))
    fine = np.pad(fine, (0, max(0, 4 * len(samples) - len(fine))))[: 4 * len(samples)]
    crests = np.maximum(fine.reshape(-1, 4).max(axis=1), np.abs(samples))
    wanted = np.minimum(1.0, ceiling / np.maximum(crests, ceiling)).astype(np.float32)
    if not np.any(wanted < 1.0):
        return samples
    reach = LIMIT_MS * SAMPLES_PER_MS
    lowest = minimum_filter1d(wanted, 2 * reach + 1, mode="nearest")
    return np.asarray(samples * uniform_filter1d(lowest, 2 * reach - 1, mode="nearest"), np.float32)


def to_int16(samples: Mono) -> NDArray[np.int16]:
    """float32 in [-1, 1] as int16, limited first, so that nothing is ever cut off."""
    return np.round(limit(samples) * (FULL_SCALE - 1)).astype(np.int16)


def amplitude(dbfs: float) -> float:
    """Decibels below full scale as a factor."""
    return float(10.0 ** (dbfs / 20.0))


def mix(placed: Sequence[tuple[int, int, Mono]], duration_ms: int) -> NDArray[np.int16]:
    """Clips, each with its channel and start in ms, as int16 (duration_ms * 24, 2)."""
    segment = _audio_segment()

    def mono(data: bytes) -> Any:
        return segment(data=data, sample_width=2, frame_rate=SAMPLE_RATE, channels=1)

    length = 2 * SAMPLES_PER_MS * duration_ms
    channels: list[Any] = [None, None]
    for channel, start_ms, clip in placed:
        data = to_int16(clip).astype("<i2", copy=False).tobytes()
        if channels[channel] is None:  # the first needs no adding
            before = bytes(2 * SAMPLES_PER_MS * start_ms)
            channels[channel] = mono((before + data)[:length].ljust(length, b"\0"))
        else:
            channels[channel] = channels[channel].overlay(mono(data), position=start_ms)
    # Not AudioSegment.silent: it rounds milliseconds down in binary and may come out a sample short.
    channels = [mono(bytes(length)) if channel is None else channel for channel in channels]
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
def _meter(sample_rate: int) -> Any:
    from pyloudnorm import Meter

    return Meter(sample_rate, block_size=BLOCK_S)


@cache
def _audio_segment() -> Any:
    # pydub looks for ffmpeg, which only other file formats need, and its source warns on newer Pythons.
    for category in (RuntimeWarning, DeprecationWarning, SyntaxWarning):
        warnings.filterwarnings("ignore", category=category, module=r".*pydub\Wutils")
    from pydub import AudioSegment

    return AudioSegment
