"""Bootstrap intervals over items: how far a mean would move with other questions of the same kind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as students

from kame_data.seeds import digest

LEVEL = 0.95
"""The share of intervals that hold the true mean."""
DRAWS = 10_000
_CELLS = 2_000_000
"""Values that are held at once while means are drawn."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of a mean, at the level `LEVEL`."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within, the ends included."""
        return self.low <= value <= self.high


def bootstrap(values: Sequence[float], seed: int, *purpose: object) -> Interval | None:
    """The interval of the mean of values, one an item, which are drawn with replacement; None for fewer than two.

    The percentiles are those that make a mean of normal values as wide as Student's t has it: plain ones are too narrow
    for ten questions. The draws depend on the seed, the purpose and the number of items alone, so that figures come out
    the same however often and in whatever order they are asked for; give the values in an order of their own (by id).
    """
    count = len(values)
    if count < 2:
        return None
    draws = np.random.default_rng(int(digest(seed, "bootstrap", *purpose)[:16], 16))
    known = np.asarray(values, dtype=float)
    at_once = max(1, _CELLS // count)
    means = np.concatenate(
        [
            known[draws.integers(0, count, (min(at_once, DRAWS - done), count))].mean(axis=1)
            for done in range(0, DRAWS, at_once)
        ]
    )
    tail = norm.cdf(students.ppf((1 - LEVEL) / 2, count - 1) * (count / (count - 1)) ** 0.5)
    low, high = np.quantile(means, (tail, 1 - tail))
    return Interval(float(low), float(high))
