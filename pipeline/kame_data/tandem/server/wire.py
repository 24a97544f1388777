"""One websocket as a conversation sees it: its messages within limits, and an end with a code and a reason."""

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from kame_data.settings.server import ServerSettings

NORMAL, GOING_AWAY, NOT_TAKEN, NOT_READABLE, POLICY, FAILED, LATER = 1000, 1001, 1003, 1007, 1008, 1011, 1013
"""Close codes of RFC 6455."""
MOST_REASON = 123
"""Bytes of the reason in a close frame."""
CLOSING = 5.0
"""Seconds in which the end of a connection must have gone out."""


class Goodbye(Exception):
    """The server ends a connection, with a close code and a reason for the client."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Left(Exception):
    """The client has gone."""


class Allowance:
    """What a client may send: messages at a rate, and some at once."""

    def __init__(self, settings: ServerSettings) -> None:
        self._rate, self._most = settings.messages, settings.burst
        self._loop = asyncio.get_running_loop()
        self._left, self._counted_at = float(self._most), self._loop.time()

    def count(self) -> None:
        """Count a message. Raises Goodbye where it is one too many."""
        now = self._loop.time()
        self._left = min(float(self._most), self._left + (now - self._counted_at) * self._rate) - 1
        self._counted_at = now
        if self._left < 0:
            raise Goodbye(
                POLICY, f"more than {self._most} messages at once, or {self._rate:g} a second; send longer ones"
            )


class Wire:
    """A websocket that was accepted."""

    def __init__(self, socket: WebSocket, settings: ServerSettings) -> None:
        self.socket, self._settings = socket, settings
        self._allowance = Allowance(settings)

    async def receive(self, patient: bool = False) -> bytes | str:
        """The client's next message. Raises Left where it has gone, Goodbye where it sends nothing, unless that is
        `patient`, or too much."""
        try:
            async with asyncio.timeout(None if patient else self._settings.idle):
                message = await self.socket.receive()
        except TimeoutError:
            raise Goodbye(POLICY, f"nothing came for {self._settings.idle:g} s") from None
        except (WebSocketDisconnect, RuntimeError):
            raise Left from None
        if message["type"] != "websocket.receive":
            raise Left
        self._allowance.count()
        data: bytes | str | None = message.get("bytes")
        return data if data is not None else message["text"]

    async def send(self, message: bytes | str) -> None:
        """Send a message; waits while the client takes none. Raises Left where it has gone."""
        try:
            if isinstance(message, bytes):
                await self.socket.send_bytes(message)
            else:
                await self.socket.send_text(message)
        except (WebSocketDisconnect, RuntimeError, OSError):
            raise Left from None

    async def close(self, code: int, reason: str) -> None:
        """End the connection; where the client takes nothing any more, without a word."""
        if self.socket.application_state is not WebSocketState.CONNECTED:
            return
        with suppress(Left, WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self.socket.close(code, shortened(reason))


def shortened(reason: str) -> str:
    """The reason as a close frame holds it."""
    line = " ".join(reason.split()).encode("utf-8", "replace")
    return line.decode() if len(line) <= MOST_REASON else line[: MOST_REASON - 3].decode("utf-8", "ignore") + "..."
