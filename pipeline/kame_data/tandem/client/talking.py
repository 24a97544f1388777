"""A talk with a server over `/ws`, at real time: the user's frames go out, sound and events come in.

The sound of both sides is kept frame by frame: the server gives a frame for each that it takes, in order, and an event
says where a late model was not shown some.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

import aiohttp
import numpy as np

from kame_data.errors import KameError
from kame_data.settings.talk import TalkSettings
from kame_data.tandem import events as of
from kame_data.tandem.client.connecting import message_of
from kame_data.tandem.events import AnyEvent, event_of
from kame_data.tandem.frames import FRAME, SAMPLES, frames_of
from kame_data.tandem.sounds import FORMS, Sound, as_bytes, checked, of_bytes

MOST_KEPT = 3600
"""Seconds of both sides that are kept for `--out`."""
_MOST_FRAMES = round(MOST_KEPT / FRAME)
LAST_WORDS = 10.0
"""Seconds in which the server's last events must come."""
SILENCE = np.zeros(SAMPLES, np.float32)


class User(Protocol):
    """A user: gives frames, f32 (SAMPLES,), each when it is time for it, and hears the assistant's."""

    def frames(self, talk: "Talk") -> AsyncIterator[Sound]:
        """The user's frames, until the user is done."""
        ...

    def hear(self, sound: Sound) -> None:
        """A frame of the assistant."""
        ...


class Talk:
    """One talk. `listeners` are called with each event; `tell` with a line for the user."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        settings: TalkSettings,
        listeners: Iterable[Callable[[AnyEvent], None]] = (),
        tell: Callable[[str], object] = print,
        keep: bool = True,
    ) -> None:
        self._socket, self._settings, self._listeners, self._tell = socket, settings, list(listeners), tell
        self._keep = keep
        self._user: list[Sound] = []
        self._assistant: list[Sound] = []
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._speaking = False
        self.last_sign = self._loop.time()
        """When something happened last, on the event loop's clock."""

    @property
    def busy(self) -> bool:
        """True while the assistant speaks."""
        return self._speaking

    async def run(self, user: User) -> None:
        """Talk until the user is done. Raises KameError where the server ends the talk, with its reason."""
        receiving = asyncio.create_task(self._receive(user))
        sending = asyncio.create_task(self._send(user))
        try:
            await asyncio.wait([receiving, sending], return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not receiving.done():
                sending.result()
                await asyncio.wait([receiving], timeout=LAST_WORDS)
            if receiving.done():
                receiving.result()
            elif not self._socket.closed:
                raise KameError(f"the server did not end the talk within {LAST_WORDS:g} s; what came is kept")
        finally:
            for task in (receiving, sending):
                task.cancel()
            await asyncio.gather(receiving, sending, return_exceptions=True)

    def sound(self) -> Sound:
        """Both sides, f32 (n, 2) at 24 kHz, the assistant left and the user right, as far as both are there."""
        count = min(len(self._user), len(self._assistant))
        if not count:
            return np.zeros((0, 2), np.float32)
        sides = (np.concatenate(self._assistant[:count]), np.concatenate(self._user[:count]))
        return np.stack(sides, axis=1)

    async def _send(self, user: User) -> None:
        await self._ready.wait()
        try:
            async for frame in user.frames(self):
                await self._socket.send_bytes(as_bytes(frame, self._settings.form))
                self._hold(self._user, frame)
            await self._socket.send_str('{"kind": "end"}')
        except (ConnectionError, aiohttp.ClientError):
            await asyncio.sleep(LAST_WORDS)  # the close that came says why

    async def _receive(self, user: User) -> None:
        while True:
            message = await self._socket.receive()
            if message.type == aiohttp.WSMsgType.BINARY:
                self._take_sound(message.data, user)
            elif message.type == aiohttp.WSMsgType.TEXT:
                self._take_text(message.data)
            else:
                break
        code = self._socket.close_code
        if code != aiohttp.WSCloseCode.OK:
            reason = message.extra if isinstance(message.extra, str) and message.extra else "without a reason"
            raise KameError(f"the server ended the talk: {reason} (code {code}); what came is kept")

    def _take_sound(self, data: bytes, user: User) -> None:
        if len(data) != SAMPLES * FORMS[self._settings.form].itemsize:
            raise KameError(f"the server sends {len(data)} bytes where a frame of sound is due; is it of this version?")
        try:
            heard = checked(of_bytes(data, self._settings.form))
        except KameError as error:
            raise KameError(f"the server sends what is no sound ({error}); is it of this version?") from None
        self._hold(self._assistant, heard)
        user.hear(heard)

    def _take_text(self, text: str) -> None:
        message = message_of(text)
        if message["kind"] == "queue":
            place = message.get("place")
            self._tell(f"all conversations are taken; place {place if isinstance(place, int) else '?'} in the queue")
            return
        if message["kind"] == "ready":
            self._ready.set()
            if message.get("recorded"):
                self._tell("this conversation is recorded by the server")
            return
        try:
            event = event_of(text)
        except ValueError:
            raise KameError(f"the server sends a {message['kind'][:40]!r} that is no event of this version") from None
        if not isinstance(event, of.OracleRead):
            self.last_sign = self._loop.time()
        if isinstance(event, of.SpeechStart | of.SpeechEnd) and event.side == "assistant":
            self._speaking = isinstance(event, of.SpeechStart)
        if isinstance(event, of.LateFrame):
            for _ in range(min(event.skipped, _MOST_FRAMES)):
                self._hold(self._assistant, SILENCE)
        for listener in self._listeners:
            listener(event)

    def _hold(self, side: list[Sound], frame: Sound) -> None:
        if self._keep and len(side) < _MOST_FRAMES:
            side.append(frame)


class Recording:
    """A user who is a recording, f32 (n,) at 24 kHz: it is spoken at real time, and behind it there is silence until
    nothing has happened for a while, or `stopped` is set."""

    def __init__(self, sound: Sound, settings: TalkSettings, stopped: asyncio.Event) -> None:
        self._sound, self._settings, self._stopped = sound, settings, stopped

    async def frames(self, talk: Talk) -> AsyncIterator[Sound]:
        """The frames of the recording, then silence."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        frames = frames_of(self._sound)
        count = len(frames)
        most = count + round(self._settings.tail / FRAME)
        ended = begun + count * FRAME
        for number in range(most):
            await asyncio.sleep(begun + number * FRAME - loop.time())
            quiet = loop.time() - max(talk.last_sign, ended) >= self._settings.quiet
            if self._stopped.is_set() or (number >= count and quiet and not talk.busy):
                return
            yield frames[number] if number < count else SILENCE

    def hear(self, sound: Sound) -> None:
        """Nobody listens."""
