"""A conversation over a websocket: what the client sends goes into a live session, what comes out goes to the client.

Each protocol is a `Dialect`; the limits, the order of an end and its close code are the same for all of them.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.settings.server import ServerSettings
from kame_data.tandem.frames import RATE, SAMPLES
from kame_data.tandem.live import LiveSession, Output
from kame_data.tandem.server.wire import CLOSING, FAILED, NORMAL, NOT_READABLE, POLICY, Goodbye, Left, Wire

log = logging.getLogger(__name__)
PIECE = RATE
"""Samples that are handed to the session at once."""
STALLED = 30.0
"""Seconds that a model may take no sound."""
LACKING = 1.0
"""Seconds without sound behind which silence is put in, where the protocol lets a client be silent by sending none."""


class Over(Exception):
    """The session has ended by itself; it says why."""


class Dialect(Protocol):
    """A protocol at work in one conversation."""

    fills: bool
    """Tell whether silence is put in where the client sends no sound."""

    async def begin(self) -> None:
        """Greet: the session is ready."""
        ...

    async def take(self, message: bytes | str) -> bool:
        """Take a message of the client; False where it says that it is done. Raises Goodbye where it is none."""
        ...

    async def give(self, output: Output) -> None:
        """Send an output of the session in the form of the protocol."""
        ...


class Ear:
    """The user's sound on its way into a session."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + LACKING  # as long as this there is sound

    async def hear(self, sound: NDArray[np.float32] | NDArray[np.int16]) -> None:
        """Hand sound on, f32 or int16 (n,) of any length; waits while the session has enough.

        Raises Goodbye where it is no sound, or the model has stopped; Over where the session has ended by itself.
        """
        for start in range(0, len(sound), PIECE):
            piece = sound[start : start + PIECE]
            self._until = max(self._until, self._loop.time()) + len(piece) / RATE
            try:
                async with asyncio.timeout(STALLED):
                    await self.session.push(piece)
            except TimeoutError:
                raise Goodbye(FAILED, f"the model has taken no sound for {STALLED:g} s") from None
            except KameError as error:
                own = self.session.reason != str(error)
                raise (Over() if own else Goodbye(NOT_READABLE, str(error))) from None

    async def fill(self) -> None:
        """Put silence in where no sound has come for a while, for as long as none comes."""
        while True:
            now = self._loop.time()
            lacking = now - self._until
            if lacking > LACKING:
                await self.hear(np.zeros(SAMPLES, np.float32))
                self._until = now - LACKING + SAMPLES / RATE
                await asyncio.sleep(SAMPLES / RATE)
            else:
                await asyncio.sleep(max(LACKING - lacking, 0.01))


async def converse(
    wire: Wire, session: LiveSession, dialect: Dialect, ear: Ear, settings: ServerSettings, leaving: Callable[[], int]
) -> Goodbye | None:
    """Run a conversation to its end. Gives the words to close with, None where the client has gone.

    `leaving` gives the close code of a session that ends by itself. Nothing of the session is left afterwards.
    """
    work: list[asyncio.Task[None]] = []
    try:
        await dialect.begin()
        listening, speaking = asyncio.create_task(_listen(wire, dialect)), asyncio.create_task(_speak(session, dialect))
        work = [listening, speaking, *([asyncio.create_task(ear.fill())] if dialect.fills else [])]
        done, _ = await asyncio.wait(work, timeout=settings.longest, return_when=asyncio.FIRST_COMPLETED)
        end = next((failure for task in done if (failure := _failure(task)) is not None), None)
        if not done:
            end = Goodbye(POLICY, f"a conversation may last {settings.longest:g} s")
        elif isinstance(end, Over) or (end is None and speaking in done):
            await session.close()  # has its own reason already
            end = Goodbye(leaving(), session.reason or "the conversation is over")
        elif end is None:
            end = Goodbye(NORMAL, "the user left")
        listening.cancel()
        await session.close(str(end) or "the user left")
        if isinstance(end, Left):
            return None
        # What is said of the end still goes out.
        await asyncio.wait([speaking], timeout=CLOSING)
        return end if isinstance(end, Goodbye) else None
    except Left:
        return None
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await session.close()


async def _listen(wire: Wire, dialect: Dialect) -> None:
    while await dialect.take(await wire.receive()):
        pass


async def _speak(session: LiveSession, dialect: Dialect) -> None:
    async for output in session.outputs():
        await dialect.give(output)


def _failure(task: "asyncio.Future[None]") -> Exception | None:
    """The error that a task has ended with; one that nobody foresaw is logged."""
    if task.cancelled():
        return None
    error = task.exception()
    if error is None or isinstance(error, Left | Goodbye | Over):
        return error
    log.error("a conversation has failed: %s: %s", type(error).__name__, error, exc_info=error)
    return Goodbye(FAILED, "the server has failed here; its log says why")
