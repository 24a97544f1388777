"""OpenAI's realtime transcription at work, by its own SDK; also at any server that speaks the same.

Sound goes out as PCM16 at 24 kHz. The service finds the pauses (`server_vad`) and transcribes each stretch of speech,
an *item*, by itself; items are lines here, in the order in which they were spoken. Transcripts are told as they come,
and nothing but a completed one is taken as certain. A model that finds no pauses (`gpt-realtime-whisper`) is told
where they are, by the sound's energy.
"""

import base64
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError, UsageError
from kame_data.llm.providers.base import is_local
from kame_data.llm.spec import Spec, api_key, parse_spec
from kame_data.tandem.activity import Activity
from kame_data.tandem.frames import RATE, whole_frames
from kame_data.tandem.sounds import Sound, checked
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.streaming_recognisers.bounded import bounded, one_line
from kame_data.tandem.streaming_recognisers.remote import Remote
from kame_data.tandem.streaming_recognisers.turns import SILENCE, Turns

NAME = "openai"
PAUSE_S = 0.4
"""Silence that ends an item."""
FINDS_NO_PAUSES = "gpt-realtime-whisper"
OPEN_LIMIT_S, CLOSE_LIMIT_S = 15.0, 3.0
LATE_S = 10.0
"""Seconds of sound behind an item's end after which its transcript stands as far as it came."""
MOST_BYTES, MOST_TEXT = 2**20, 20_000
"""Length of a message at most, and of an item's transcript in characters."""
_TRANSCRIPTION = "conversation.item.input_audio_transcription."


class OpenAIRecogniser:
    """Hears with one model at one address. `silence`: seconds that end a turn."""

    def __init__(self, spec: Spec, silence: float = SILENCE) -> None:
        self.name = f"{NAME}:{spec.model}"
        self._spec, self._silence = spec, silence
        self._key = api_key(NAME, spec.base_url)

    def open(self, language: str) -> "OpenAIStream":
        """A connection of its own. Raises KameError where there is none, or the service refuses what is wanted."""
        return OpenAIStream(self._connected(language), self._spec.model, Turns(language, self._silence))

    def _connected(self, language: str) -> tuple[Remote, Any]:
        from openai import OpenAI

        url = self._spec.base_url
        client = OpenAI(api_key=self._key or "none", base_url=url, max_retries=0)
        remote = Remote(self.name)
        try:
            options: Any = {"max_size": MOST_BYTES} | ({"proxy": None} if url and is_local(url) else {})
            intent = {"intent": "transcription"}
            manager = client.realtime.connect(extra_query=intent, websocket_connection_options=options)
            connection = bounded(f"--recogniser {self.name}", OPEN_LIMIT_S, manager.enter)
            connection.session.update(session=self._session(language))
        except KameError:
            raise
        except Exception as error:  # those of sockets, of TLS, of websockets and of the SDK
            where = urlsplit(str(client.base_url)).netloc
            raise KameError(f"--recogniser {self.name}: {where} does not answer ({one_line(error)})") from error
        return remote, connection

    def _session(self, language: str) -> Any:
        transcription = {"model": self._spec.model, "language": language.split("-")[0]}
        pauses = {"type": "server_vad", "silence_duration_ms": round(1000 * PAUSE_S)}
        heard = {
            "format": {"type": "audio/pcm", "rate": RATE},
            "transcription": transcription,
            "turn_detection": None if _finds_no_pauses(self._spec.model) else pauses,
        }
        return {"type": "transcription", "audio": {"input": heard}}


@dataclass(slots=True)
class _Item:
    """A stretch of speech: its transcript so far, where it began and ended, and whether its transcript is complete."""

    start: float
    text: str = ""
    end: float | None = None
    final: bool = False


class OpenAIStream:
    """The hearing of one conversation; see `HearingStream`. For one thread at a time."""

    def __init__(self, connected: tuple[Remote, Any], model: str, turns: Turns) -> None:
        self._remote, self._connection = connected
        self._turns = turns
        self._samples = 0
        self._items: dict[str, _Item] = {}
        self._done: deque[str] = deque(maxlen=64)
        self._pauses = Activity() if _finds_no_pauses(model) else None
        self._waiting: Sound = np.zeros(0, np.float32)  # less than a frame, for `_pauses`
        self._frames = 0
        self._spans: list[tuple[float, float]] = []  # of what was committed and has no item yet
        self._began = 0.0
        self._closed = False
        for work in (self._send, self._receive):
            threading.Thread(target=work, name=f"hearing {NAME}", daemon=True).start()

    def push(self, sound: NDArray[Any]) -> list[SpeechEvent]:
        """Take sound, and give what has come. Raises KameError where the connection or the service has failed."""
        if self._closed:
            raise KameError(f"recogniser {self._remote.name}: the stream is closed")
        taken = checked(sound)
        self._samples += len(taken)
        pcm = np.round(taken * 32_767).astype("<i2").tobytes()
        if pcm:
            audio = base64.b64encode(pcm).decode()
            self._remote.send({"type": "input_audio_buffer.append", "audio": audio}, len(taken) / RATE)
        if self._pauses is not None:
            self._commit_at_pauses(self._pauses, taken)
        return self._take(self._remote.take()) + self._turns.passes(self._now)

    def close(self) -> list[SpeechEvent]:
        """The sound is over: what was said last is waited for, some seconds at most, and the connection closed."""
        if self._closed:
            return []
        self._closed = True
        events: list[SpeechEvent] = []
        until = time.monotonic() + CLOSE_LIMIT_S
        try:
            if any(item.end is None for item in self._items.values()) or (self._pauses and self._pauses.active):
                self._spans.append((self._began, self._now))
                self._remote.send({"type": "input_audio_buffer.commit"})
            self._remote.end()
            while (self._items or self._spans) and not self._remote.over.is_set() and time.monotonic() < until:
                message = self._remote.wait(min(0.1, until - time.monotonic()))
                events += self._take([message] if message is not None else [])
        finally:
            self._remote.end()
            self._remote.over.set()
            # A service that does not say goodbye is not waited for.
            threading.Thread(target=self._connection.close, daemon=True).start()
        for item in self._items.values():
            item.final, item.end = True, self._now if item.end is None else item.end
        return events + self._tell() + self._turns.end()

    @property
    def _now(self) -> float:
        return self._samples / RATE

    def _moment(self, milliseconds: float) -> float:
        """A moment of the service's, in seconds, within the sound that there was."""
        return min(max(0.0, milliseconds / 1000), self._now)

    # The conversation's side.

    def _commit_at_pauses(self, pauses: Activity, sound: Sound) -> None:
        frames, self._waiting = whole_frames(np.concatenate([self._waiting, sound]))
        for frame in frames:
            change = pauses.next(frame, self._frames)
            self._frames += 1
            if change is not None and change.kind == "start":
                self._began = change.at
            elif change is not None:
                self._spans.append((self._began, change.at))
                self._remote.send({"type": "input_audio_buffer.commit"})

    def _take(self, messages: list[Any]) -> list[SpeechEvent]:
        events = self._tell()
        for message in messages:
            try:
                self._note(message)
                events += self._tell()
            except (AttributeError, TypeError, OverflowError) as error:
                reason = f"the service sent what is no event of it ({one_line(error)})"
                raise KameError(f"recogniser {self._remote.name}: {reason}; it hears no more") from None
        return events

    def _note(self, message: Any) -> None:
        kind, name = message.type, getattr(message, "item_id", None)
        if kind == "error":
            if not self._closed:  # a commit at the end may find nothing to commit
                raise KameError(f"recogniser {self._remote.name}: {one_line(Exception(message.error.message))}")
        elif name is None or name in self._done:
            return
        elif kind == "input_audio_buffer.speech_started":
            self._items.setdefault(name, _Item(self._moment(message.audio_start_ms)))
        elif kind == "input_audio_buffer.speech_stopped":
            item = self._items.setdefault(name, _Item(self._now))
            item.end = max(item.start, self._moment(message.audio_end_ms - 1000 * PAUSE_S))
        elif kind == "input_audio_buffer.committed" and self._pauses is not None:
            start, end = self._spans.pop(0) if self._spans else (self._now, self._now)
            item = self._items.setdefault(name, _Item(start))
            item.start, item.end = min(item.start, start), end
        elif kind.startswith(_TRANSCRIPTION):
            item = self._items.setdefault(name, _Item(self._now))
            if kind.endswith(".delta"):
                item.text = (item.text + (message.delta or ""))[:MOST_TEXT]
            elif kind.endswith(".completed"):
                item.text, item.final = message.transcript[:MOST_TEXT], True
            elif kind.endswith(".failed"):
                item.final = True  # what came of it stands

    def _tell(self) -> list[SpeechEvent]:
        """The events of the items as they are now: those that are final, in order, and then the others as one line."""
        events: list[SpeechEvent] = []
        for name, item in list(self._items.items()):
            late = item.end is not None and self._now - item.end > LATE_S
            if not item.final and not late:
                break
            events += self._turns.line_ends(item.end if item.end is not None else self._now, item.text, item.start)
            del self._items[name]
            self._done.append(name)
        if self._items:
            text = " ".join(item.text for item in self._items.values())
            events += self._turns.line_changes(self._now, text, start=next(iter(self._items.values())).start)
        elif self._pauses is not None and (self._pauses.active or self._spans):
            events += self._turns.line_starts(self._began)  # the service does not tell that somebody speaks
        return events

    # The connection's side.

    def _send(self) -> None:
        try:
            for message in self._remote.outgoing():
                self._connection.send(message)
        except Exception as error:
            self._remote.failed(f"the connection broke ({one_line(error)})")

    def _receive(self) -> None:
        try:
            for message in self._connection:
                self._remote.came(message)
            self._remote.failed("the service has closed the connection")
        except Exception as error:
            self._remote.failed(f"the connection broke ({one_line(error)})")


def _finds_no_pauses(model: str) -> bool:
    return model.startswith(FINDS_NO_PAUSES)


def open_openai(rest: str, silence: float) -> OpenAIRecogniser:
    """The recogniser of `MODEL` or `MODEL@URL`. Raises UsageError for another form, and where a key is wanted."""
    try:
        spec = parse_spec(f"{NAME}:{rest}")
    except UsageError:
        form = f"use {NAME}:MODEL or {NAME}:MODEL@URL, as in http://host:8000/v1"
        raise UsageError(f"--recogniser {NAME}:{rest}: {form}") from None
    return OpenAIRecogniser(spec, silence)
