"""`/api/chat`: the protocol of Moshi's own server, so that its clients work.

The first byte of a binary message is its kind. Of the server: 0, all is ready; 1, the assistant's sound as Ogg-Opus;
2, a piece of its text in UTF-8. Of the client: 1, the user's sound as Ogg-Opus. Nothing else goes out, for Kyutai's web
client throws on what it does not know.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.tandem.frames import RATE
from kame_data.tandem.live import Output
from kame_data.tandem.server.conversation import Ear
from kame_data.tandem.server.wire import NOT_READABLE, NOT_TAKEN, Goodbye, Wire

HANDSHAKE, SOUND, TEXT = 0, 1, 2
_OTHER_KINDS = frozenset({HANDSHAKE, TEXT, 3, 4, 5, 6})
"""Kinds that a client of Moshi's may send and that say nothing to this server: control, metadata, error, ping."""
MOST_UNDECODED = 2**20
"""Bytes behind which there must have been sound."""
SLICE = 1024
"""Bytes of Opus that are read at once: of silence, a byte may hold 120 ms."""


class MoshiChat:
    """One conversation over `/api/chat`. A client that is muted sends no sound, and hangs up behind 10 s without a
    message; so silence is put in."""

    fills = True

    def __init__(self, wire: Wire, ear: Ear) -> None:
        import sphn

        self._wire, self._ear = wire, ear
        self._reader: Any = sphn.OpusStreamReader(RATE)
        self._writer: Any = sphn.OpusStreamWriter(RATE)
        self._undecoded = 0

    async def begin(self) -> None:
        """Send the handshake."""
        await self._wire.send(bytes([HANDSHAKE]))

    async def take(self, message: bytes | str) -> bool:
        """Take the user's sound; the other kinds of Moshi's protocol say nothing here."""
        if isinstance(message, str):
            raise Goodbye(NOT_TAKEN, "/api/chat takes binary messages alone")
        if not message or message[0] in _OTHER_KINDS:
            return True
        if message[0] != SOUND:
            raise Goodbye(NOT_TAKEN, f"message kind {message[0]}: is none of /api/chat's")
        for start in range(1, len(message), SLICE):
            await self._ear.hear(self._decoded(message[start : start + SLICE]))
        return True

    async def give(self, output: Output) -> None:
        """Send the sound, then the piece of text; events have no place here."""
        if output.sound is not None and (opus := bytes(self._writer.append_pcm(output.sound))):
            await self._wire.send(bytes([SOUND]) + opus)
        if output.text:
            await self._wire.send(bytes([TEXT]) + output.text.encode("utf-8", "replace"))

    def _decoded(self, opus: bytes) -> NDArray[np.float32]:
        try:
            sound: NDArray[np.float32] = self._reader.append_bytes(opus)
        except ValueError as error:
            raise Goodbye(NOT_READABLE, f"the sound is no Ogg-Opus: {error}") from None
        self._undecoded = 0 if len(sound) else self._undecoded + len(opus)
        if self._undecoded > MOST_UNDECODED:
            raise Goodbye(NOT_READABLE, f"{self._undecoded} bytes of Ogg-Opus hold no sound")
        return sound
