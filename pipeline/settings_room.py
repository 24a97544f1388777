"""What every branch of the settings tree is, and the one way in which a setting says how a number is drawn."""

import math
import random
from statistics import NormalDist
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, model_validator

from pipeline.storage.paths import AnyPath, path_of

_LEAST = 1e-9


Place = Annotated[
    AnyPath,
    PlainValidator(path_of, json_schema_input_type=str),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""A folder by its path, or by its URL in an object store."""


class Room(BaseModel):
    """A branch of the tree: unknown names are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: Any) -> Any:
        """A list may come as the shell and the environment give it: `a,b`."""
        if not isinstance(values, dict):
            return values
        kinds = {name: (f.annotation, *get_args(f.annotation)) for name, f in cls.model_fields.items()}
        lists = {name for name, of in kinds.items() if any(get_origin(kind) is tuple for kind in of)}
        return {k: tuple(v.split(",")) if k in lists and isinstance(v, str) else v for k, v in values.items()}


class Distribution(Room):
    """How a number is drawn, always within [low, high].

    Two numbers `[low, high]` alone are a uniform draw; with `mean` and `sd` it is normal, with `median` and `sigma`
    (of the natural logarithm) log-normal, both cut off at the bounds. A setting may say it as `[0.2, 0.7]`, as
    `0.2,0.7`, as one number, or as a mapping: `{median: 0.4, sigma: 0.5, low: 0.1, high: 3}`.
    """

    low: float
    high: float
    mean: float | None = None
    sd: float | None = None
    median: float | None = None
    sigma: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = value.split(",")
        if isinstance(value, int | float):
            value = (value, value)
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise ValueError("give two rising numbers, or a mapping with low and high")
            return {"low": value[0], "high": value[1]}
        return value

    @model_validator(mode="after")
    def _possible(self) -> "Distribution":
        if not -math.inf < self.low <= self.high < math.inf:
            raise ValueError("give two rising numbers")
        if (self.mean is None) != (self.sd is None) or (self.median is None) != (self.sigma is None):
            raise ValueError("mean goes with sd, median with sigma")
        if self.mean is not None and self.median is not None:
            raise ValueError("give mean and sd, or median and sigma")
        if self.sd is not None and not self.sd > 0:
            raise ValueError("sd is above 0")
        if self.sigma is not None and not (self.sigma > 0 and self.median is not None and self.median > 0):
            raise ValueError("median and sigma are above 0")
        return self

    def draw(self, draws: random.Random) -> float:
        """One draw; takes exactly one number from `draws`."""
        u = draws.random()
        if self.mean is not None and self.sd is not None:
            return self._cut(NormalDist(self.mean, self.sd), self.low, self.high, u)
        if self.median is not None and self.sigma is not None:
            shape = NormalDist(math.log(self.median), self.sigma)
            low, high = (math.log(max(bound, _LEAST)) for bound in (self.low, self.high))
            return min(max(math.exp(self._cut(shape, low, high, u)), self.low), self.high)
        return self.low + (self.high - self.low) * u

    @staticmethod
    def _cut(shape: NormalDist, low: float, high: float, u: float) -> float:
        """The quantile u of the normal shape between the bounds."""
        first, last = shape.cdf(low), shape.cdf(high)
        at = min(max(first + (last - first) * u, _LEAST), 1 - _LEAST)
        return min(max(shape.inv_cdf(at), low), high)

    def __str__(self) -> str:
        bounds = f"{self.low:g}..{self.high:g}"
        if self.mean is not None:
            return f"normal({self.mean:g}, {self.sd:g}) in {bounds}"
        if self.median is not None:
            return f"lognormal({self.median:g}, {self.sigma:g}) in {bounds}"
        return bounds


def uniform(low: float, high: float) -> Distribution:
    """A uniform draw between two bounds."""
    return Distribution(low=low, high=high)


def lognormal(median: float, sigma: float, low: float, high: float) -> Distribution:
    """A log-normal draw, cut off at the bounds; `sigma` is of the natural logarithm."""
    return Distribution(low=low, high=high, median=median, sigma=sigma)


def normal(mean: float, sd: float, low: float, high: float) -> Distribution:
    """A normal draw, cut off at the bounds."""
    return Distribution(low=low, high=high, mean=mean, sd=sd)
