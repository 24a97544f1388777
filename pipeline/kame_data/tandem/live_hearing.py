"""The hearing of one conversation in real time: a thread pushes its sound, and the event loop gets the events."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

import numpy as np

from kame_data.errors import KameError
from kame_data.tandem.frames import RATE
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers.base import HearingStream, SpeechEvent, StreamingRecogniser

MOST_UNHEARD = 30 * RATE
"""Samples that may wait for a recogniser; the conversation goes on without one that is later."""
PATIENCE = 10.0
"""Seconds that the end of a conversation waits for its recogniser."""


class LiveHearing:
    """A hearing stream whose calls are made in `threads`, one at a time. `told` takes each event, on the event loop.

    `failed` is told in words why the recogniser hears no more; it is closed all the same.
    """

    def __init__(self, threads: Executor, told: Callable[[SpeechEvent], None], failed: Callable[[str], None]) -> None:
        self._threads, self._told, self._failed = threads, told, failed
        self._loop = asyncio.get_running_loop()
        self._stream: HearingStream | None = None
        self._unheard: list[Sound] = []
        self._came = asyncio.Event()
        self._deaf = False
        self._call: asyncio.Future[Any] | None = None

    async def open(self, recogniser: StreamingRecogniser, language: str) -> None:
        """Open the stream. Raises KameError where the recogniser cannot hear."""
        opening = self._loop.run_in_executor(self._threads, recogniser.open, language)
        try:
            self._stream = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The user has left while the recogniser opened; what it opens is closed again.
            opening.add_done_callback(lambda done: self._close_later(done, None))
            raise

    def push(self, sound: Sound) -> None:
        """Take the next sound, to be heard as soon as the thread is free."""
        if self._deaf:
            return
        self._unheard.append(sound)
        self._came.set()
        if sum(map(len, self._unheard)) > MOST_UNHEARD:
            self._deafen(f"it is {MOST_UNHEARD // RATE} s late; the conversation goes on without it")

    async def run(self) -> None:
        """Hear until the recogniser fails; all the sound that has come since the last call goes into the next."""
        stream = self._stream
        assert stream is not None
        while await self._came.wait() and not self._deaf:
            self._came.clear()
            sound = np.concatenate(self._unheard)
            self._unheard.clear()
            try:
                events = await self._threaded(stream.push, sound)
            except Exception as error:
                self._deafen(str(error) if isinstance(error, KameError) else f"{type(error).__name__}: {error}")
                return
            for event in events:
                self._told(event)

    async def close(self, tell: bool = True) -> None:
        """Take the recogniser's last events, and free what it holds; one that hangs is closed when it is back."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                if self._call is not None:
                    await asyncio.wait([self._call])
                last = await self._threaded(stream.close)
        except TimeoutError:
            assert self._call is not None
            self._call.add_done_callback(lambda done: self._close_later(done, stream))
            last, why = [], f"did not end within {PATIENCE:g} s"
        except Exception as error:
            last, why = [], f"failed at its end: {error}"
        else:
            why = ""
        if tell and why:
            self._failed(why)
        for event in last if tell else ():
            self._told(event)

    def _close_later(self, done: asyncio.Future[Any], stream: HearingStream | None) -> None:
        """Close a stream, or the one that a call gave, once a call that nobody waits for has ended."""
        failed = done.cancelled() or done.exception() is not None
        stream = stream or (None if failed else done.result())
        if stream is not None:
            with suppress(RuntimeError):  # the threads are gone, and the process will be soon
                self._threads.submit(stream.close)

    def _deafen(self, why: str) -> None:
        if self._deaf:  # it was late, and fails when it is back
            return
        self._deaf = True
        self._unheard.clear()
        self._failed(why)

    async def _threaded(self, call: Callable[..., Any], *values: Any) -> Any:
        self._call = self._loop.run_in_executor(self._threads, call, *values)
        return await asyncio.shield(self._call)
