"""`/ws`: the protocol of this project: sound as plain samples, and the events of the log as JSON.

The client names the form of the samples in the address, `?format=s16` (int16) or `?format=f32`, both little-endian,
mono at 24 kHz, for both directions. Text messages are JSON objects with a `kind`. Of the server: `queue` with one's
`place`, `ready`, then every event as docs/TANDEM.md describes it. Of the client: `end`, behind which the last events
come and the connection is closed in good order.
"""

import json
from typing import Any

from kame_data.tandem.frames import RATE, SAMPLES
from kame_data.tandem.live import Output
from kame_data.tandem.server.conversation import Ear
from kame_data.tandem.server.wire import NOT_READABLE, NOT_TAKEN, Goodbye, Wire
from kame_data.tandem.sounds import FORMS, as_bytes, of_bytes


class OwnDialect:
    """One conversation over `/ws`. Its clients send sound all the time."""

    fills = False

    def __init__(self, wire: Wire, ear: Ear, form: str, notes: dict[str, Any]) -> None:
        self._wire, self._ear, self._form, self._notes = wire, ear, form, notes

    async def begin(self) -> None:
        """Say that the session is ready, and the form of the samples."""
        ready = {"kind": "ready", "format": self._form, "rate": RATE, "samples": SAMPLES, **self._notes}
        await self._wire.send(json.dumps(ready))

    async def take(self, message: bytes | str) -> bool:
        """Take the user's sound, or the end."""
        if isinstance(message, str):
            return self._order(message)
        if len(message) % FORMS[self._form].itemsize:
            raise Goodbye(NOT_READABLE, f"{len(message)} bytes are no whole number of {self._form} samples")
        await self._ear.hear(of_bytes(message, self._form))
        return True

    async def give(self, output: Output) -> None:
        """Send the sound, and each event as its line in the log."""
        if output.sound is not None:
            await self._wire.send(as_bytes(output.sound, self._form))
        if output.event is not None:
            await self._wire.send(output.event.model_dump_json(exclude_none=True))

    def _order(self, text: str) -> bool:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Goodbye(NOT_READABLE, "a text message that is no JSON") from None
        kind = message.get("kind") if isinstance(message, dict) else None
        if kind != "end":
            raise Goodbye(NOT_TAKEN, f"message kind {str(kind)[:40]!r}: is none of a client's on /ws, which are: end")
        return False
