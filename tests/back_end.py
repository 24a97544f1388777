"""The replay's back end, with a record of its requests."""

from typing import Any

from kame_data.oracles.loop_policy import Ask
from kame_data.oracles.replay import _BackEnd


class RecordedBackEnd(_BackEnd):
    """A back end that keeps its requests, each with its moment."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asks: list[tuple[float, Ask]] = []

    def _ask(self, ask: Ask) -> None:
        super()._ask(ask)
        self.asks.append((self._now, ask))
