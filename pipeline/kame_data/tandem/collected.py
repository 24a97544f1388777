"""Whole answers of a back end, each piece with the time that it took: what a virtual clock lets come later."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from kame_data.errors import KameError
from kame_data.llm.accounts import Budget
from kame_data.tandem.parts import Answers, BackEndRequest, CutOff


@dataclass(frozen=True, slots=True)
class Came:
    """A whole answer: its pieces, each with the seconds since the request, and how it ended."""

    pieces: tuple[tuple[float, str], ...]
    end: float
    finish: Literal["stop", "length"] = "stop"
    error: KameError | None = None

    @property
    def text(self) -> str:
        """The words that came."""
        return "".join(text for _, text in self.pieces)

    def at_pace(self, pieces: Iterable[str], pace: float) -> "Came":
        """The answer in these pieces, `pace` of them a second, the first at once."""
        timed = tuple((number / pace, text) for number, text in enumerate(piece for piece in pieces if piece))
        return Came(timed, len(timed) / pace, self.finish, self.error)


async def collected(answers: Answers, request: BackEndRequest, budget: Budget) -> Came:
    """The whole answer, with the time that it took."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    pieces: list[tuple[float, str]] = []
    finish: Literal["stop", "length"] = "stop"
    error: KameError | None = None
    try:
        async with aclosing(answers.answer(request, budget)) as texts:
            async for text in texts:
                pieces.append((loop.time() - begun, text))
    except CutOff:
        finish = "length"
    except KameError as failed:
        error = failed
    return Came(tuple(pieces), loop.time() - begun, finish, error)
