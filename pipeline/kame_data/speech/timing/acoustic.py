"""Likelihoods of each English phone in each frame of sound, by the acoustic model that comes with pocketsphinx.

The model is read from pocketsphinx's own files and worked out in matrix products, for all phones at once: a decoder's
scores are relative to the few phones that it follows, and say nothing of what else the sound might be. Features are
those of its front end (`feat.params`): 13 mel cepstra of 25.6 ms every 10 ms, with their first and second differences.
"""

import struct
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from kame_data.errors import KameError

SAMPLE_RATE, HOP, WINDOW, FFT = 16_000, 160, 410, 512
# Every second frame is looked at; phones last for three to ten.
STEP, FRAME_S = 2, 0.02
CEPSTRA, FILTERS, LOWEST_HZ, HIGHEST_HZ, LIFTER, EMPHASIS = 13, 25, 130.0, 6800.0, 22, 0.97
STREAMS, STATES = 3, 3
# Sizes of the files' own units: base of the logarithm in which mixture weights are kept, and their step.
LOG_STEP = 1024.0 * float(np.log(1.0001))
# Densities are kept within single precision: a frame's logarithm lies some 25 to 60 below zero in each stream.
OFFSET, FLOOR = 20.0, 1e-37
LEAST_VARIANCE = 1e-4
# All sound is brought to one level (root mean square) and given noise 32 dB below it: the model was made from
# recordings, has never heard digital silence, and knows the phones of a synthetic voice better with some noise.
LEVEL, DITHER, DITHER_SAMPLES = 1000.0, 25.0, 1 << 18
# So many frames at a time stay in a core's cache, and each product is too small for OpenBLAS to spread over threads,
# which would wait for each other.
CHUNK, ROWS = 64, 32

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class AcousticModel:
    """`phones` in the model's order; per stream each phone's Gaussians over (x^2, x, 1), (phones, densities, 27), and
    its states' mixture weights, (phones, states, densities)."""

    phones: tuple[str, ...]
    gaussians: tuple[Floats, ...]
    weights: tuple[Floats, ...]

    def column(self, phone: str, state: int) -> int:
        """The column of a phone's state (0 to 2) in `log_likelihoods`."""
        return STATES * self.phones.index(phone) + state

    def log_likelihoods(self, samples: NDArray[np.int16], sample_rate: int) -> Floats:
        """(frames of 20 ms, phones x states) of int16 (n,): log-likelihoods, up to a constant of the frame."""
        streams = [stream[::STEP] for stream in features(samples, sample_rate)]
        found = [
            self._chunk([stream[at : at + CHUNK] for stream in streams]) for at in range(0, len(streams[0]), CHUNK)
        ]
        return np.concatenate(found)

    def _chunk(self, streams: list[Floats]) -> Floats:
        total: Floats | None = None
        for stream, gaussians, weights in zip(streams, self.gaussians, self.weights, strict=True):
            inputs = np.concatenate([np.square(stream), stream, np.ones((len(stream), 1), np.float32)], axis=1).T
            densities = gaussians @ np.ascontiguousarray(inputs)
            np.exp(densities, out=densities)
            mixed = weights @ densities
            found = np.log(np.maximum(mixed, FLOOR, out=mixed), out=mixed)
            total = found if total is None else total + found
        assert total is not None
        return total.reshape(-1, total.shape[-1]).T


@cache
def english() -> AcousticModel:
    """The model of US English. Raises KameError where pocketsphinx is missing or its model is another one."""
    folder = model_folder() / "en-us"
    try:
        phones = _phones((folder / "mdef").read_bytes())
        means, variances = (_gaussians((folder / name).read_bytes()) for name in ("means", "variances"))
        weights = _weights((folder / "sendump").read_bytes(), means.shape[2])
    except (OSError, ValueError, struct.error) as error:
        raise KameError(f"{folder}: not a model that this version reads ({error}); reinstall pocketsphinx") from error
    variances = np.maximum(variances, LEAST_VARIANCE)
    constant = -0.5 * np.log(2.0 * np.pi * variances).sum(axis=-1) + OFFSET
    gaussians = []
    for stream in range(STREAMS):
        inverse, mean = 1.0 / variances[:, stream], means[:, stream]
        last = constant[:, stream] - 0.5 * (mean * mean * inverse).sum(axis=-1)
        rows = np.concatenate([-0.5 * inverse, mean * inverse, last[..., None]], axis=-1)
        gaussians.append(np.ascontiguousarray(rows, np.float32))
    # The first senones are the phones' own, three each; context is left out (it helps little with synthetic voices).
    own = weights[:, :, : STATES * len(phones)].reshape(STREAMS, -1, len(phones), STATES).transpose(0, 2, 3, 1)
    return AcousticModel(tuple(phones), tuple(gaussians), tuple(np.ascontiguousarray(own)))


def model_folder() -> Path:
    """The folder in which pocketsphinx keeps its English model and dictionary. Raises KameError."""
    found = find_spec("pocketsphinx")
    if found is None or not found.submodule_search_locations:
        raise KameError("the package pocketsphinx is missing; pip install pocketsphinx")
    return Path(found.submodule_search_locations[0]) / "model" / "en-us"


def features(samples: NDArray[np.int16], sample_rate: int) -> list[Floats]:
    """Cepstra with their mean taken off, and their first and second differences: three of (frames of 10 ms, 13)."""
    cepstra = _cepstra(samples, sample_rate)
    cepstra -= cepstra.mean(axis=0)
    padded = np.pad(cepstra, ((3, 3), (0, 0)), mode="edge")
    count = len(cepstra)

    def at(shift: int) -> Floats:
        return padded[3 + shift : 3 + shift + count]

    return [cepstra, at(2) - at(-2), (at(3) - at(-1)) - (at(1) - at(-3))]


def _cepstra(samples: NDArray[np.int16], sample_rate: int) -> Floats:
    sound = samples.astype(np.float32)
    if sample_rate != SAMPLE_RATE:
        sound = np.asarray(soxr.resample(sound, sample_rate, SAMPLE_RATE), np.float32)
    heard = len(sound)
    count = 1 + max(0, -(-(heard - WINDOW) // HOP))
    whole = -(-count // ROWS) * ROWS
    sound = np.pad(sound, (1, (whole - 1) * HOP + WINDOW))[: 1 + (whole - 1) * HOP + WINDOW]
    level = float(np.sqrt(np.mean(np.square(sound)))) * np.sqrt(len(sound) / max(1, heard))
    sound *= np.float32(LEVEL / max(level, 1.0))
    sound += np.resize(_dither(), len(sound))
    sound = sound[1:] - np.float32(EMPHASIS) * sound[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    window, filters, cosines = _front_end()
    spectrum = np.fft.rfft(frames * window, FFT, axis=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32).reshape(-1, ROWS, FFT // 2 + 1)
    cepstra = np.log(power @ filters + np.float32(1e-4)) @ cosines
    return np.asarray(cepstra.reshape(-1, CEPSTRA)[:count], np.float32)


@cache
def _dither() -> Floats:
    """The same noise each time."""
    return np.random.Generator(np.random.PCG64(0)).standard_normal(DITHER_SAMPLES, np.float32) * np.float32(DITHER)


@cache
def _front_end() -> tuple[Floats, Floats, Floats]:
    """The window, the mel filters (each of area 1, its edges on bins of the spectrum), and the liftered cosines."""
    bin_hz = SAMPLE_RATE / FFT
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, FILTERS + 2) / 2595.0) - 1.0)
    edges = np.floor(edges / bin_hz + 0.5) * bin_hz
    hertz = np.arange(FFT // 2 + 1)[:, None] * bin_hz
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    slopes = np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle))
    filters = np.maximum(0.0, slopes) * 2.0 / (right - left)
    order, place = np.arange(CEPSTRA), np.arange(FILTERS)[:, None] + 0.5
    cosines = np.sqrt(np.where(order == 0, 1.0, 2.0) / FILTERS) * np.cos(np.pi * order * place / FILTERS)
    cosines *= 1.0 + LIFTER / 2.0 * np.sin(np.pi * order / LIFTER)
    return np.hamming(WINDOW).astype(np.float32), filters.astype(np.float32), cosines.astype(np.float32)


def _phones(data: bytes) -> list[str]:
    """The names at the start of a binary model definition."""
    if data[:4] != b"BMDF":
        raise ValueError("mdef")
    (described,) = struct.unpack_from("<i", data, 8)
    count, _, states = struct.unpack_from("<3i", data, 12 + described)
    names = data[12 + described + 40 :].split(b"\0", count)[:count]
    if states != STATES or len(names) != count:
        raise ValueError("mdef")
    return [name.decode() for name in names]


def _gaussians(data: bytes) -> NDArray[np.float64]:
    """(codebooks, streams, densities, 13) of a file of means or variances; each phone has a codebook."""
    at = data.index(b"endhdr\n") + 7
    magic, codebooks, streams, densities, *lengths, count = struct.unpack_from(f"<{5 + STREAMS}i", data, at)
    shape = (codebooks, streams, densities, CEPSTRA)
    if magic != 0x11223344 or lengths != [CEPSTRA] * STREAMS or count != int(np.prod(shape)):
        raise ValueError("means or variances")
    return np.frombuffer(data, "<f4", count, at + 4 * (5 + STREAMS)).reshape(shape).astype(np.float64)


def _weights(data: bytes, densities: int) -> NDArray[np.float64]:
    """(streams, densities, senones) of a dump of senones."""
    at = 0
    while True:  # titles, each with its length before it, up to an empty one
        (length,) = struct.unpack_from("<i", data, at)
        at += 4
        if not length:
            break
        at += length
    rows, senones = struct.unpack_from("<2i", data, at)
    if rows != densities or len(data) != at + 8 + STREAMS * rows * senones:
        raise ValueError("sendump")
    steps = np.frombuffer(data, np.uint8, STREAMS * rows * senones, at + 8).reshape(STREAMS, rows, senones)
    return np.exp(-LOG_STEP * steps.astype(np.float64))
