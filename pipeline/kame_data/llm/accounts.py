"""Accounts of the LLM calls: how often each stage asked, tokens and cost, and the budget."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from kame_data.llm.request import Request, Usage


@dataclass
class Account:
    """Counts of one stage, model and level.

    `asked`: requests; `hits`: of those, answered by the ledger; `shared`: by a call that was under way for the same
    key; `calls`: attempts on the wire; `answers`: those that brought one; `retries`: attempts after a fault;
    `again`: further samples because an answer was not accepted; `refused`, `failed`: requests without an answer.
    Tokens of paid answers; `cost` and `lost` in dollars (`lost`: calls that were cut off, at their estimated most);
    `unpriced`: answers without a known price; `seconds`: time on the wire, summed.
    """

    asked: int = 0
    hits: int = 0
    shared: int = 0
    calls: int = 0
    answers: int = 0
    retries: int = 0
    again: int = 0
    refused: int = 0
    failed: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float = 0.0
    lost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0

    def paid(self, usage: Usage | None, cost: float | None, seconds: float) -> None:
        """Counts an answer that came over the wire."""
        self.answers += 1
        self.seconds += seconds
        if usage is not None:
            self.input += usage.input
            self.output += usage.output
            self.cached += usage.cached
        self.cost += cost or 0.0
        self.unpriced += cost is None

    def __iadd__(self, other: "Account") -> "Account":
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self


NAMES = ("stage", "model", "level")
"""The fields of a row that say whose account it is; all others are numbers that add up."""
_Whole = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


def _of_an_account(row: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: value for name, value in row.items() if name not in NAMES}
    if not (
        isinstance(row.get("stage"), str)
        and isinstance(row.get("model"), str)
        and isinstance(row.get("level", ""), int | None)
        and {"cost", "lost"} <= numbers.keys()
        and all(isinstance(value, int | float) for value in numbers.values())
    ):
        raise ValueError("does not say what a stage spent on a model")
    return row


SpendRow = Annotated[dict[str, _Whole | _Amount | str | None], AfterValidator(_of_an_account)]
"""Spending of a stage on a model for a level, as `Accounts.rows` says it."""


class Accounts:
    """An account for each (stage, provider:model, level) that asked."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str, int | None], Account] = {}

    def of(self, request: Request) -> Account:
        """The account of a request."""
        key = (request.stage, f"{request.provider}:{request.model}", request.level)
        found = self._of.get(key)
        if found is None:
            found = self._of[key] = Account()
        return found

    def total(self) -> Account:
        """The sum of all."""
        total = Account()
        for account in self._of.values():
            total += account
        return total

    def rows(self) -> Iterator[dict[str, Any]]:
        """Plain rows for a manifest or a table, in order of stage, model, level."""
        order = sorted(self._of, key=lambda key: (key[0], key[1], -1 if key[2] is None else key[2]))
        for stage, model, level in order:
            yield {"stage": stage, "model": model, "level": level, **asdict(self._of[stage, model, level])}


@dataclass
class Budget:
    """Dollars that may be spent; calls on the wire count with the most that they are estimated to cost. `limit` None:
    no bound. `short`: a conversation has gone without an answer for want of money."""

    limit: float | None = None
    spent: float = 0.0
    on_wire: float = 0.0
    short: bool = False

    def fits(self, cost: float) -> bool:
        """True where a call of this cost stays within the budget."""
        return self.limit is None or self.spent + self.on_wire + cost <= self.limit + 1e-12

    def settle(self, set_aside: float, cost: float) -> None:
        """Count a call that came back: `set_aside` was reserved for it, and it cost `cost`."""
        self.on_wire = max(0.0, self.on_wire - set_aside)
        self.spent += cost
