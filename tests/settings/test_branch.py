"""How settings say that a number is drawn."""

import random
from statistics import NormalDist, median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kame_data.settings.branch import Distribution, lognormal, normal, uniform

DRAWS = 4000


def drawn(distribution: Distribution) -> list[float]:
    draws = random.Random(1)
    return [distribution.draw(draws) for _ in range(DRAWS)]


@pytest.mark.parametrize("value", [(0.2, 0.7), [0.2, 0.7], "0.2,0.7", {"low": 0.2, "high": 0.7}])
def test_two_numbers_are_a_uniform_draw(value: object) -> None:
    distribution = Distribution.model_validate(value)
    assert distribution == uniform(0.2, 0.7)
    assert random.Random(3).uniform(0.2, 0.7) == distribution.draw(random.Random(3))
    assert Distribution.model_validate(0.5) == uniform(0.5, 0.5)


def test_shapes_have_their_middle_and_spread() -> None:
    found = drawn(lognormal(0.4, 0.5, 0.01, 10))
    assert median(found) == pytest.approx(0.4, rel=0.05)
    assert sum(x > 0.4 * 2.718281828**0.5 for x in found) / DRAWS == pytest.approx(1 - NormalDist().cdf(1), abs=0.02)
    found = drawn(normal(0.2, 0.3, -5, 5))
    assert sum(found) / DRAWS == pytest.approx(0.2, abs=0.02) and min(found) < -0.4


@given(st.floats(-3, 3), st.floats(0, 4), st.floats(-5, 5), st.floats(0.01, 3), st.integers(0, 1000))
def test_draws_lie_within_their_bounds(low: float, span: float, mean: float, sd: float, seed: int) -> None:
    high = low + span
    draws = random.Random(seed)
    assert low <= uniform(low, high).draw(draws) <= high
    assert low <= normal(mean, sd, low, high).draw(draws) <= high
    assert low <= lognormal(abs(mean) + 0.01, sd, low, high).draw(draws) <= high


@pytest.mark.parametrize(
    "value",
    [
        (2, 1),
        (1,),
        "a,b",
        {"low": 0, "high": 1, "mean": 0.5},
        {"low": 0, "high": 1, "mean": 0.5, "sd": 0},
        {"low": 0, "high": 1, "median": 0.5, "sigma": 1, "mean": 1, "sd": 1},
        {"low": 0, "high": 1, "shape": "odd"},
        (0, float("inf")),
    ],
)
def test_impossible_distributions_are_errors(value: object) -> None:
    with pytest.raises(ValidationError):
        Distribution.model_validate(value)
