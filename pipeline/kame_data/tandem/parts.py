"""The parts of a conversation besides its recogniser: rows that are stepped together, a voice, a back end."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.llm.accounts import Budget
from kame_data.tandem.frames import FrameIn, FrameOut


class Row(Protocol):
    """A row of the model that is one conversation's own, on the event loop."""

    async def step(self, frame: FrameIn) -> FrameOut:
        """One step; the steps of other rows that are ready go with it. Raises KameError where the model has failed."""
        ...


class Stepper(Protocol):
    """A model whose rows a thread of its own steps. `name` and `stand_ins` go into logs."""

    name: str
    stand_ins: tuple[str, ...]
    count: int
    """Number of rows."""

    def session(self) -> AbstractAsyncContextManager[Row]:
        """A free row for the length of a conversation. Raises KameError where all are taken."""
        ...


class Spoken(NamedTuple):
    """A frame of the assistant's sound, f32 (SAMPLES,); `dropped`: how many of the last words it will never say."""

    sound: NDArray[np.float32]
    dropped: int = 0


class VoiceStream(Protocol):
    """The voice of one conversation. Its calls are short; one that may block belongs into a thread of its own."""

    def next(self, out: FrameOut, words: Sequence[str]) -> Spoken:
        """The next frame of sound, from the model's; `words` are those that became whole in this frame."""
        ...

    def close(self) -> None:
        """The conversation is over; frees what the stream holds."""
        ...


class Voice(Protocol):
    """A voice that any number of conversations use at once. `name` and `stand_ins` go into logs."""

    name: str
    stand_ins: tuple[str, ...]

    def open(self, language: str) -> VoiceStream:
        """A stream of its own for a conversation. Raises KameError where it cannot speak."""
        ...

    def close(self) -> None:
        """Free what all streams share."""
        ...


@dataclass(frozen=True, slots=True)
class BackEndRequest:
    """A request to the back end, as a session makes it: answer what was `heard` of the user's turn `turn`, `context`
    being the turns before it. `number` is that of `kame_data.oracles.loop_policy.Ask`."""

    number: int
    turn: int
    prefix_words: int
    heard: str
    context: str
    language: str


class CutOff(KameError):
    """An answer was longer than it may be; what came before stands."""


class Answers(Protocol):
    """A back end at work, which any number of conversations use at once. `name` and `stand_ins` go into logs."""

    @property
    def name(self) -> str:
        """The name."""
        ...

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The stand-ins."""
        ...

    def answer(self, request: BackEndRequest, budget: Budget) -> AsyncGenerator[str, None]:
        """The text of an answer as it comes; a generator that is closed closes the connection.

        Raises CutOff behind the last piece of an answer that was too long, KameError where it fails, and StoppedError
        where `budget`, the conversation's own, or that of all conversations is spent.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
