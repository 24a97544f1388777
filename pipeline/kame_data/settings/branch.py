"""The parts that settings are declared with: trees and their branches, flags, and numbers that are drawn."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    WrapSerializer,
    model_validator,
)

from kame_data.settings.machine_paths import absolute, location_from_root, spec_from_root
from kame_data.storage.paths import AnyPath, path_of

_LEAST = 1e-9

ROOTED = {"paths": "from the root"}
"""The context of a `model_dump` in which no path depends on the working directory."""


def _place(value: Any) -> AnyPath:
    if not isinstance(value, str | Path | AnyPath):
        raise ValueError("give a folder, or its URL, as in s3://bucket/folder")
    return path_of(value)


def _rooted(from_root: Callable[[Any], str]) -> WrapSerializer:
    def dumped(value: Any, plain: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        return from_root(value) if info.context == ROOTED else plain(value)

    return WrapSerializer(dumped)


Place = Annotated[
    AnyPath,
    PlainValidator(_place, json_schema_input_type=str),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""A folder by its path, or by its URL in an object store."""
MachinePath = Annotated[Path, _rooted(absolute)]
"""A path of this machine."""
Location = Annotated[str, _rooted(location_from_root)]
"""A path of this machine where there is one, else another name."""
Spec = Annotated[str, _rooted(spec_from_root)]
"""A name whose part behind the last colon, or the whole of it, may be a path of this machine."""


class Branch(BaseModel):
    """A branch of the tree: unknown names are errors, values do not change, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: Any) -> Any:
        """A list may come as the shell and the environment give it: `a,b`."""
        if not isinstance(values, dict):
            return values
        kinds = {name: (f.annotation, *get_args(f.annotation)) for name, f in cls.model_fields.items()}
        lists = {name for name, of in kinds.items() if any(get_origin(kind) is tuple for kind in of)}
        return {k: tuple(v.split(",")) if k in lists and isinstance(v, str) else v for k, v in values.items()}


class Tree(Branch):
    """All settings of a command. Its values come from flags, from the environment and from a YAML file."""

    environment: ClassVar[str]
    """The prefix of its environment variables; a branch and a name are joined by two underscores."""
    of_builds: ClassVar[tuple[str, ...]] = ()
    """Its settings that a build has too, and that the variables of a build set for this command as well."""
    example: ClassVar[str]
    """A setting of it, as `--set` takes it."""
    recipes: ClassVar[str | None] = None
    """The folder of the YAML files that are shipped for it."""


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag that sets a setting; it stands in the setting's `Annotated`, and the setting's description is its help.

    `name`: the option, as in `--limit` or `--speech/--no-speech`; without dashes it is a positional argument. `many`:
    may be given several times. `only`, `never`: the one command that has it, and the commands that do not.
    """

    name: str
    metavar: str | None = None
    many: bool = False
    only: str = ""
    never: tuple[str, ...] = ()


class Distribution(Branch):
    """The way in which a number is drawn, always within [low, high].

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
        if not self.low <= self.high:
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
            return _quantile(_cut(self.mean, self.sd, self.low, self.high), u)
        if self.median is not None and self.sigma is not None:
            log = _quantile(_cut_of_logarithm(self.median, self.sigma, self.low, self.high), u)
            return min(max(math.exp(log), self.low), self.high)
        return self.low + (self.high - self.low) * u

    def __str__(self) -> str:
        bounds = f"{self.low:g}..{self.high:g}"
        if self.mean is not None:
            return f"normal({self.mean:g}, {self.sd:g}) in {bounds}"
        if self.median is not None:
            return f"lognormal({self.median:g}, {self.sigma:g}) in {bounds}"
        return bounds


class _Cut(NamedTuple):
    """A normal distribution cut off at bounds, and the shares of it that lie below them."""

    shape: NormalDist
    low: float
    high: float
    below_low: float
    below_high: float


@lru_cache(maxsize=64)
def _cut(mean: float, sd: float, low: float, high: float) -> _Cut:
    shape = NormalDist(mean, sd)
    return _Cut(shape, low, high, shape.cdf(low), shape.cdf(high))


@lru_cache(maxsize=64)
def _cut_of_logarithm(median: float, sigma: float, low: float, high: float) -> _Cut:
    return _cut(math.log(median), sigma, math.log(max(low, _LEAST)), math.log(max(high, _LEAST)))


def _quantile(cut: _Cut, u: float) -> float:
    """The quantile u of what lies between the bounds."""
    shape, low, high, below_low, below_high = cut
    at = min(max(below_low + (below_high - below_low) * u, _LEAST), 1 - _LEAST)
    return min(max(shape.inv_cdf(at), low), high)


def uniform(low: float, high: float) -> Distribution:
    """A uniform draw between two bounds."""
    return Distribution(low=low, high=high)


def lognormal(median: float, sigma: float, low: float, high: float) -> Distribution:
    """A log-normal draw, cut off at the bounds; `sigma` is of the natural logarithm."""
    return Distribution(low=low, high=high, median=median, sigma=sigma)


def normal(mean: float, sd: float, low: float, high: float) -> Distribution:
    """A normal draw, cut off at the bounds."""
    return Distribution(low=low, high=high, mean=mean, sd=sd)
