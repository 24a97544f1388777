"""Draws without state: a number in [0, 1) for every (key, purpose, index), whole arrays at once.

A hash of the counter takes the place of a generator per example, so that a draw is the same in whatever order, batch or
process it is made. The mixer is the finalizer of SplitMix64 (Steele, Lea and Flood 2014), which passes BigCrush.
"""

from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from kame_data.seeds import digest

Keys = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: Keys) -> Keys:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@cache
def _word(*parts: object) -> np.uint64:
    return np.uint64(int(digest(*parts)[:16], 16))


def id_keys(ids: list[str]) -> Keys:
    """A key per id, uint64 (N,): the first eight bytes of its BLAKE2b."""
    return np.frombuffer(b"".join(blake2b(i.encode(), digest_size=8).digest() for i in ids), ">u8").astype(np.uint64)


def keys_of(keys: Keys, *parts: object) -> Keys:
    """The keys of the same things for other `parts`, such as a seed and an epoch; uint64 (N,)."""
    return _mix(keys ^ _word(*parts))


def uniform(keys: Keys, purpose: str, index: NDArray[np.int64] | int = 0) -> NDArray[np.float64]:
    """Numbers in [0, 1), the shape of `keys` and `index` together."""
    with np.errstate(over="ignore"):  # it is to wrap around, also where the index is one number
        x = _mix(keys ^ _word(purpose)) + _GOLDEN * (np.asarray(index, np.uint64) + np.uint64(1))
    return (_mix(x) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def integers(keys: Keys, purpose: str, low: int, high: int, index: NDArray[np.int64] | int = 0) -> NDArray[np.int64]:
    """Whole numbers from `low` to `high`, both included."""
    return low + np.floor(uniform(keys, purpose, index) * (high - low + 1)).astype(np.int64)
