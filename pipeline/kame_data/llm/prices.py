"""Prices of calls: a small dated table (data/prices.yaml) that a setting can override."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from kame_data.errors import UsageError
from kame_data.llm.provider import PROVIDERS
from kame_data.llm.request import Request, Usage
from kame_data.resources import bundled

PICTURE_TOKENS = 4000  # more than any of the providers counts for one picture
BYTES_PER_TOKEN = 3  # fewer than English has (about 4), so that estimates are on the safe side
ASSUMED_OUTPUT = 4096  # tokens of an answer whose request names no max_tokens
MESSAGE_TOKENS = 8  # what wraps a message
_DATED = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{8}|-latest|-0)$")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens; `batch` is the share of it that a batch job costs."""

    input: float
    output: float
    cached: float
    batch: float = 1.0

    def of(self, usage: Usage, batch: bool = False) -> float:
        """The dollars that a call with this use of tokens costs."""
        fresh = max(0, usage.input - usage.cached)
        dollars = (fresh * self.input + usage.cached * self.cached + usage.output * self.output) / 1e6
        return dollars * self.batch if batch else dollars


class Prices:
    """The table, with `own` prices over it: {model or provider:model: {input, output[, cached][, batch]}}.

    Raises UsageError for a price that is none.
    """

    def __init__(self, own: Mapping[str, Mapping[str, float]] | None = None) -> None:
        table = _table()
        self.updated = str(table["updated"])
        self._prices = {
            f"{provider}:{model}": _price(f"{provider}:{model}", values)
            for provider in PROVIDERS
            for model, values in table.get(provider, {}).items()
        }
        self._own = {name: _price(name, values) for name, values in (own or {}).items()}

    def find(self, provider: str, model: str) -> Price | None:
        """The price of a model, dated names (`gpt-4.1-nano-2025-04-14`) included; None where it is unknown."""
        short = model.rpartition("/")[2]
        names = (model, _DATED.sub("", model), short, _DATED.sub("", short))
        for table in (self._own, self._prices):
            for key in (key for name in names for key in (f"{provider}:{name}", name)):
                if key in table:
                    return table[key]
        return None

    def known(self, request: Request) -> Price:
        """The price of a request's model; UsageError, with the way out, where it is unknown."""
        price = self.find(request.provider, request.model)
        if price is None:
            raise UsageError(
                f"{request.provider}:{request.model}: no price known (table of {self.updated}), so no budget can "
                f"be kept: set llm: {{prices: {{{request.model}: {{input: DOLLARS, output: DOLLARS}}}}}} per million "
                "tokens in the --config file (0 for a model of your own), or leave the budget out"
            )
        return price


def most(request: Request) -> Usage:
    """The tokens that a request may take at the most, estimated on the safe side before it is asked."""
    tokens = request.input_bytes() // BYTES_PER_TOKEN + MESSAGE_TOKENS * (len(request.messages) + 1)
    tokens += PICTURE_TOKENS * request.pictures()
    return Usage(input=tokens, output=request.max_tokens or ASSUMED_OUTPUT)


@cache
def _table() -> dict[str, Any]:
    return dict(yaml.safe_load(bundled("data/prices.yaml").read_text("utf-8")))


def _price(name: str, values: Mapping[str, float]) -> Price:
    try:
        unknown = set(values) - {"input", "output", "cached", "batch"}
        price = Price(
            input=float(values["input"]),
            output=float(values["output"]),
            cached=float(values.get("cached", values["input"])),
            batch=float(values.get("batch", 1.0)),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        unknown, price = {"?"}, Price(0, 0, 0)
    if unknown or min(price.input, price.output, price.cached, price.batch) < 0:
        raise UsageError(
            f"price of {name}, {values}: give input and output (also cached, batch), dollars a million tokens"
        )
    return price
