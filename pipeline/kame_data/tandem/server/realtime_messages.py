"""The messages of OpenAI's Realtime API, under their GA names, as this server sends and reads them."""

import base64
import binascii
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.tandem.activity import ENDS_FRAMES
from kame_data.tandem.frames import FRAME, RATE
from kame_data.tandem.sounds import as_bytes, of_bytes

FORMAT = {"type": "audio/pcm", "rate": RATE}
Message = dict[str, Any]


class BadMessage(Exception):
    """A message of the client that cannot be done; the conversation goes on. `code` is short and stable."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.param = code, param


def new_id(kind: str) -> str:
    """A fresh id, as in `item_3f...`."""
    return f"{kind}_{uuid.uuid4().hex[:20]}"


def parsed(text: str) -> Message:
    """A client's message. Raises BadMessage where it is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("invalid_json", "the message is no JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("invalid_message", "the message is no object with a type")
    return message


def sound_of(message: Message) -> NDArray[np.int16]:
    """The sound of `input_audio_buffer.append`, int16 (n,). Raises BadMessage where there is none."""
    try:
        data = base64.b64decode(message["audio"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BadMessage("invalid_audio", "audio is no base64", "audio") from None
    if len(data) % 2:
        raise BadMessage("invalid_audio", f"{len(data)} bytes are no PCM16: it has two bytes a sample", "audio")
    return of_bytes(data, "s16")


def as_pcm16(sound: NDArray[np.float32]) -> str:
    """Samples in -1 to 1 as base64 of PCM16."""
    return base64.b64encode(as_bytes(sound, "s16")).decode()


def session_object(session_id: str, model: str, voice: str, recogniser: str, interrupt: bool) -> Message:
    """The session as it really is; what a client asks for and this server has not is left out."""
    detection = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 0,
        "silence_duration_ms": round(ENDS_FRAMES * FRAME * 1000),
        "create_response": True,
        "interrupt_response": interrupt,
    }
    transcription = {"model": recogniser} if recogniser else None
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "none",
        "max_output_tokens": "inf",
        "audio": {
            "input": {"format": FORMAT, "transcription": transcription, "turn_detection": detection},
            "output": {"format": FORMAT, "voice": voice, "speed": 1.0},
        },
    }


@dataclass
class ResponseState:
    """A response that is being spoken. `since`: where its sound begins, in seconds of the conversation's sound;
    `previous`: the item before its own; `words`: the moments of its words."""

    since: float
    conversation: str
    previous: str | None
    id: str = field(default_factory=lambda: new_id("resp"))
    item: str = field(default_factory=lambda: new_id("item"))
    text: str = ""
    words: list[float] = field(default_factory=list)

    def address(self) -> Message:
        """The fields that say which content of which response a message is about."""
        return {"response_id": self.id, "item_id": self.item, "output_index": 0, "content_index": 0}

    def item_object(self, status: str) -> Message:
        """The assistant's item."""
        content = [] if status == "in_progress" else [{"type": "output_audio", "transcript": self.text}]
        shown = {"id": self.item, "object": "realtime.item", "type": "message", "role": "assistant"}
        return {**shown, "status": status, "content": content}

    def response_object(self, status: str, reason: str | None = None) -> Message:
        """The response; `reason`: why it was cancelled."""
        item_status = "completed" if status == "completed" else "incomplete"
        return {
            "object": "realtime.response",
            "id": self.id,
            "conversation_id": self.conversation,
            "status": status,
            "status_details": {"type": status, "reason": reason} if reason else None,
            "output": [] if status == "in_progress" else [self.item_object(item_status)],
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": {"format": FORMAT}},
            "metadata": None,
            "usage": None,
        }


def user_item(item: str, transcript: str | None = None) -> Message:
    """The user's item; its sound is not kept."""
    shown = {"id": item, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
    return {**shown, "content": [{"type": "input_audio", "transcript": transcript}]}
