"""`/v1/realtime`: OpenAI's Realtime API with PCM16 at 24 kHz, so that its clients work.

Such clients think in turns, and a model that listens while it speaks has none. So responses are cut out of its sound by
its own voice activity, and it answers when it wants to: `response.create` and `input_audio_buffer.commit` are confirmed
and change nothing. It hears and is steered by its back end: instructions, tools and typed items are confirmed and not
read. The user's words come from the recogniser; a `delta` holds words that will not change.
"""

import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.tandem import events as of
from kame_data.tandem.activity import BEGINS_FRAMES
from kame_data.tandem.live import Output
from kame_data.tandem.server.conversation import Ear
from kame_data.tandem.server.realtime_messages import (
    BadMessage,
    Message,
    ResponseState,
    as_pcm16,
    new_id,
    parsed,
    session_object,
    sound_of,
)
from kame_data.tandem.server.realtime_user import UserTurns
from kame_data.tandem.server.wire import Wire

MOST_HELD = 200
"""Pieces of text that wait for their sound."""
MOST_MS = 86_400_000
"""The longest conversation that the settings allow, in milliseconds."""


class Realtime:
    """One conversation over `/v1/realtime`. A client may send sound only while the user speaks."""

    fills = True

    def __init__(self, wire: Wire, ear: Ear, model: str) -> None:
        self._wire, self._ear, self._model = wire, ear, model
        self._conversation = new_id("conv")
        self._interrupts = False
        self._user = UserTurns(self._send)
        self._response: ResponseState | None = None
        self._last: ResponseState | None = None  # that may still be truncated
        self._withheld = False  # the rest of what the assistant is saying
        self._before: deque[NDArray[np.float32]] = deque(maxlen=BEGINS_FRAMES - 1)
        self._pieces: deque[str] = deque(maxlen=MOST_HELD)
        self._orders: dict[str, Callable[[Message], Awaitable[None]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "response.create": self._nothing,
            "response.cancel": self._cancel,
            "output_audio_buffer.clear": self._nothing,
            "conversation.item.create": self._create_item,
            "conversation.item.truncate": self._truncate,
            "conversation.item.delete": self._delete_item,
        }

    async def begin(self) -> None:
        """Say what the session is."""
        await self._send("session.created", session=self._session())

    # What the client sends.

    async def take(self, message: bytes | str) -> bool:
        """Do what a message says; one that cannot be done is answered with an error event."""
        event_id = None
        try:
            if isinstance(message, bytes):
                raise BadMessage("invalid_message", "binary messages are none of this API")
            read = parsed(message)
            event_id = read.get("event_id")
            order = self._orders.get(read["type"])
            if order is None:
                raise BadMessage("unknown_event", f"{read['type'][:60]}: is not known to this server", "type")
            try:
                await order(read)
            except RecursionError:  # as it can be read, but not written again
                raise BadMessage("invalid_message", "the message is nested too deeply") from None
        except BadMessage as error:
            shown = {"type": "invalid_request_error", "code": error.code, "message": str(error), "param": error.param}
            await self._send("error", error={**shown, "event_id": event_id if isinstance(event_id, str) else None})
        return True

    async def _update(self, message: Message) -> None:
        session = message.get("session")
        if not isinstance(session, dict):
            raise BadMessage("invalid_session", "session is no object", "session")
        if session.get("type", "realtime") != "realtime":
            raise BadMessage("invalid_session", "this server has sessions of type realtime alone", "session.type")
        for side in ("input", "output"):
            form = _inside(session, "audio", side, "format")
            if form is not None and (not isinstance(form, dict) or form.get("type", "audio/pcm") != "audio/pcm"):
                raise BadMessage("invalid_format", "sound is audio/pcm alone", f"session.audio.{side}.format")
        interrupts = _inside(session, "audio", "input", "turn_detection", "interrupt_response")
        if isinstance(interrupts, bool):
            self._interrupts = interrupts
        await self._send("session.updated", session=self._session())

    async def _append(self, message: Message) -> None:
        await self._ear.hear(sound_of(message))

    async def _commit(self, message: Message) -> None:
        await self._user.commit()

    async def _clear(self, message: Message) -> None:
        await self._send("input_audio_buffer.cleared")

    async def _nothing(self, message: Message) -> None:
        pass

    async def _cancel(self, message: Message) -> None:
        asked = message.get("response_id")
        if self._response is None or asked not in (None, self._response.id):
            raise BadMessage("response_cancel_not_active", "no such response is being spoken")
        await self._interrupt("client_cancelled")

    async def _create_item(self, message: Message) -> None:
        item = message.get("item")
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise BadMessage("invalid_item", "item is no object with a type", "item")
        named = item.get("id")
        named = named if isinstance(named, str) and named else new_id("item")
        shown = {**item, "id": named, "object": "realtime.item", "status": "completed"}
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self._send(kind, previous_item_id=self._user.previous, item=shown)

    async def _delete_item(self, message: Message) -> None:
        await self._send("conversation.item.deleted", item_id=str(message.get("item_id"))[:100])

    async def _truncate(self, message: Message) -> None:
        """The user has heard an item only so far; what came behind is no part of the conversation."""
        item, ends = message.get("item_id"), message.get("audio_end_ms")
        if isinstance(ends, bool) or not isinstance(ends, int) or not 0 <= ends <= MOST_MS:
            raise BadMessage("invalid_value", "audio_end_ms is no number of milliseconds", "audio_end_ms")
        last = self._last
        if last is None or item != last.item:
            raise BadMessage("item_truncate_invalid_item_id", "is not the last item of the assistant", "item_id")
        kept = [at for at in last.words if at < last.since + ends / 1000]
        if gone := len(last.words) - len(kept):
            last.words = kept
            self._ear.session.unheard(gone)
        if last is self._response:
            await self._interrupt("client_cancelled")
        await self._send("conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=ends)

    # What the session gives.

    async def give(self, output: Output) -> None:
        """Send an output as the messages that it means to such a client."""
        if output.event is not None:
            await self._give_event(output.event)
        if output.text:
            await self._give_text(output.text)
        if output.sound is not None:
            if self._response is not None:
                await self._give_sound(output.sound)
            else:
                self._before.append(output.sound)

    async def _give_event(self, event: of.AnyEvent) -> None:
        if isinstance(event, of.SpeechStart | of.SpeechEnd) and event.side == "assistant":
            await (self._begin_response(event.at) if isinstance(event, of.SpeechStart) else self._end_speech())
        elif isinstance(event, of.WordSaid):
            if self._withheld:
                self._ear.session.unheard(1)
            elif self._last is not None:
                self._last.words.append(event.at)
        elif isinstance(event, of.SessionEnds):
            await self._finish("completed")
        else:
            started = await self._user.take(event)
            if started and self._interrupts and self._response is not None:
                await self._interrupt("turn_detected")

    async def _begin_response(self, at: float) -> None:
        response = self._response = self._last = ResponseState(at, self._conversation, self._user.previous)
        await self._send("response.created", response=response.response_object("in_progress"))
        item = response.item_object("in_progress")
        await self._send("response.output_item.added", response_id=response.id, output_index=0, item=item)
        await self._send("conversation.item.added", previous_item_id=response.previous, item=item)
        self._user.previous = response.item
        part = {"type": "audio", "transcript": ""}
        await self._send("response.content_part.added", **response.address(), part=part)
        held, before = list(self._pieces), list(self._before)
        self._pieces.clear()
        self._before.clear()
        for piece in held:
            await self._give_text(piece)
        for sound in before:  # in which the voice began, before that was certain
            await self._give_sound(sound)

    async def _give_text(self, piece: str) -> None:
        response = self._response
        if response is None:
            if not self._withheld:
                self._pieces.append(piece)
            return
        piece = piece if response.text else piece.lstrip()
        if piece:
            response.text += piece
            await self._send("response.output_audio_transcript.delta", **response.address(), delta=piece)

    async def _give_sound(self, sound: NDArray[np.float32]) -> None:
        assert self._response is not None
        await self._send("response.output_audio.delta", **self._response.address(), delta=as_pcm16(sound))

    async def _end_speech(self) -> None:
        self._withheld = False
        await self._finish("completed")

    async def _interrupt(self, reason: str) -> None:
        """The client hears no more of what the assistant is saying, until it falls silent."""
        self._withheld = True
        await self._finish("cancelled", reason)

    async def _finish(self, status: str, reason: str | None = None) -> None:
        response, self._response = self._response, None
        if response is None:
            return
        address = response.address()
        await self._send("response.output_audio.done", **address)
        await self._send("response.output_audio_transcript.done", **address, transcript=response.text)
        part = {"type": "audio", "transcript": response.text}
        await self._send("response.content_part.done", **address, part=part)
        item = response.item_object("completed" if status == "completed" else "incomplete")
        await self._send("response.output_item.done", response_id=response.id, output_index=0, item=item)
        await self._send("conversation.item.done", previous_item_id=response.previous, item=item)
        await self._send("response.done", response=response.response_object(status, reason))

    def _session(self) -> Message:
        setup = self._ear.session.session.setup
        recogniser = setup.recogniser if setup.hears else ""
        return session_object(f"sess_{self._ear.session.id}", self._model, setup.voice, recogniser, self._interrupts)

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._wire.send(json.dumps({"type": kind, "event_id": new_id("event"), **fields}))


def _inside(values: Any, *names: str) -> Any:
    """The value behind the names, one in the other; None where one is missing."""
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    return values
