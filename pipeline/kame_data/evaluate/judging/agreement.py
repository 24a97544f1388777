"""How far two judges agree on the same answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kame_data.evaluate.records import Rating
from kame_data.evaluate.statistics import correlations


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of two judges over `ratings` pairs, each of one answer and one sample.

    `left_out`: answers and samples that only one of the two has rated, or neither. `exact`, `within_one`: shares of
    the pairs. `kappa`: by quadratic weights, 1 for the same ratings and 0 for what chance gives. `one_mean` and
    `other_mean` tell which judge is the milder one. Figures that the pairs cannot give are None.
    """

    one: str
    other: str
    ratings: int
    left_out: int
    exact: float | None
    within_one: float | None
    kappa: float | None
    spearman: float | None
    one_mean: float | None
    other_mean: float | None


def agreement(ratings: Iterable[Rating], one: str, other: str) -> Agreement:
    """The agreement of the judges of these names, over all ratings that both gave of the same answer and sample."""
    found: dict[str, dict[tuple[str, int, str, int], float | None]] = {one: {}, other: {}}
    for rating in ratings:
        if rating.judge in found:
            place = (rating.conversation, rating.turn, rating.channel, rating.sample)
            found[rating.judge][place] = rating.rating
    places = sorted(found[one].keys() | found[other].keys())
    both = [(found[one].get(place), found[other].get(place)) for place in places]
    pairs = [(a, b) for a, b in both if a is not None and b is not None]
    if not pairs:
        return Agreement(one, other, 0, len(places), *[None] * 6)
    gaps = np.array([abs(a - b) for a, b in pairs])
    return Agreement(
        one,
        other,
        len(pairs),
        len(places) - len(pairs),
        float(np.mean(gaps < 1e-9)),
        float(np.mean(gaps < 1 + 1e-9)),
        weighted_kappa(pairs),
        correlations(pairs)[1],
        *(float(np.mean(side)) for side in zip(*pairs, strict=True)),
    )


def weighted_kappa(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Cohen's kappa with quadratic weights: 1 less the mean squared gap of the pairs over that of any rating of the one
    with any of the other. None where no ratings differ at all."""
    left, right = (np.asarray(side, dtype=float) for side in zip(*pairs, strict=True))
    chance = left.var() + right.var() + (left.mean() - right.mean()) ** 2
    return None if chance < 1e-12 else float(1 - np.mean((left - right) ** 2) / chance)
