"""The event log of a conversation: typed events, one JSON object in each line, written as they happen and read back.

docs/TANDEM.md describes the file. The page, the replay, the figures of latency and the import read it and nothing else.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kame_data.codec.token_schema import TEXT_PADDING
from kame_data.errors import KameError
from kame_data.tandem.frames import FRAME

FORMAT: Literal[1] = 1
MOST_BYTES = 256 * 2**20
"""The longest log: a day of conversation has less."""
MOST_SECONDS = 7 * 86_400
"""The latest moment of a log that is read."""
MOST_LINE = 2**20
"""The longest line of a log, in bytes."""
MOST_TEXT = 20_000
"""The longest text that an event holds, in characters; a longer one is cut."""

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=MOST_TEXT)]
Side = Literal["user", "assistant"]
Part = Literal["model", "recogniser", "back_end", "budget", "voice", "sound", "log"]
Finish = Literal["stop", "length", "cancelled", "error", "closed"]


class Event(BaseModel):
    """An event. `time` is the beginning of the frame in which it became known, in seconds of the conversation's sound;
    `wall` is in seconds since 1970, or of the virtual clock."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    kind: str
    time: Seconds
    wall: float


class SessionBegins(Event):
    """The first line: what runs in this conversation. `clock`: whose seconds `wall` is in. `stand_ins` names each part
    that stands in for a real one. `versions`: of the programs, by their names. `start_id`: the oracle stream's."""

    kind: Literal["session"] = "session"
    format: Literal[1] = FORMAT
    id: Text
    clock: Literal["wall", "virtual"]
    language: Text
    model: Text
    tokenizer: Text
    start_id: Count
    recogniser: Text
    back_end: Text
    policy: Text
    oracle_mode: Literal["contract", "by-position"]
    voice: Text
    stand_ins: tuple[Text, ...] = ()
    versions: dict[str, str] = {}


class UserPartial(Event):
    """The transcript of the user's turn `turn` so far, of which `stable` words will not change; `at`: the moment in
    the sound that it reaches to."""

    kind: Literal["user_partial"] = "user_partial"
    turn: Count
    text: Text
    stable: Count
    at: Seconds


class UserFinal(Event):
    """The transcript of the user's turn so far, which will not change. `ended`: and the turn is over."""

    kind: Literal["user_final"] = "user_final"
    turn: Count
    text: Text
    ended: bool
    at: Seconds


class SpeechStart(Event):
    """A side begins to be heard, at the moment `at` in the sound."""

    kind: Literal["speech_start"] = "speech_start"
    side: Side
    at: Seconds


class SpeechEnd(Event):
    """A side is heard no more since the moment `at` in the sound."""

    kind: Literal["speech_end"] = "speech_end"
    side: Side
    at: Seconds


class Asked(Event):
    """Request `id` goes to the back end: answer the first `prefix_words` words of turn `turn`, heard as `heard`."""

    kind: Literal["ask"] = "ask"
    id: Count
    turn: Count
    prefix_words: Count
    heard: Text


class FirstToken(Event):
    """The answer to request `id` begins to come: it is the current oracle now."""

    kind: Literal["first_token"] = "first_token"
    id: Count


class OracleDelta(Event):
    """A piece of an answer, and the tokens that became certain with it."""

    kind: Literal["oracle_delta"] = "oracle_delta"
    id: Count
    text: Text
    tokens: tuple[Count, ...]


class OracleEnds(Event):
    """A whole answer, or what came of it until it was cut off; one for each `first_token`.

    `tokens` are those of the text (by position: of its pieces). `unsayable`: tokens for characters that the model's
    tokenizer lacks, left out.
    """

    kind: Literal["oracle"] = "oracle"
    id: Count
    text: Text
    tokens: tuple[Count, ...]
    finish: Finish
    unsayable: Count = 0


class NoAnswer(Event):
    """Request `id` is answered with nothing that the model can say: with no text, or, as `text`, with none for which
    its tokenizer has tokens."""

    kind: Literal["no_answer"] = "no_answer"
    id: Count
    text: Text = ""


class Cancelled(Event):
    """Request `id` is given up, before or behind its first token."""

    kind: Literal["cancelled"] = "cancelled"
    id: Count


class OracleRead(Event):
    """The model reads of oracle `id` in this frame; it has seen `read` of its tokens now, 0 at its start id. `token`:
    the id that the oracle stream holds in this frame."""

    kind: Literal["oracle_read"] = "oracle_read"
    id: Count
    read: Count
    token: Count | None = None


class WordSaid(Event):
    """A word of the model. `at`: the beginning of the frame of its first token. `glued`: it joins the word before it
    without a space."""

    kind: Literal["word"] = "word"
    text: Text
    at: Seconds
    glued: bool = False


class WordDropped(Event):
    """The last `count` words of the model, a `word` event each, were never heard, for the sound stopped before them."""

    kind: Literal["words_dropped"] = "words_dropped"
    count: Annotated[int, Field(ge=1)]


class LateFrame(Event):
    """`skipped` frames of the user's sound were not shown to the model, which was late; `total`: so far."""

    kind: Literal["late_frame"] = "late_frame"
    skipped: Count
    total: Count


class Failed(Event):
    """A part failed, and the conversation went on without it; `id`: the request, if it was about one."""

    kind: Literal["error"] = "error"
    part: Part
    message: Text
    id: Count | None = None


class SessionEnds(Event):
    """The last line of a log that was not cut off. `cost`: dollars for the back end."""

    kind: Literal["closed"] = "closed"
    reason: Text
    frames: Count
    cost: Annotated[float, Field(ge=0)] = 0.0


AnyEvent = (
    SessionBegins
    | UserPartial
    | UserFinal
    | SpeechStart
    | SpeechEnd
    | Asked
    | FirstToken
    | OracleDelta
    | OracleEnds
    | NoAnswer
    | Cancelled
    | OracleRead
    | WordSaid
    | WordDropped
    | LateFrame
    | Failed
    | SessionEnds
)
_EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="kind")])


def clipped(text: str) -> str:
    """The text, cut where an event would not hold it; half a surrogate pair, which no file can hold, is replaced."""
    return text[:MOST_TEXT].encode("utf-8", "replace").decode()


def event_of(line: str | bytes) -> AnyEvent:
    """The event that a line of a log, or a message of a server, holds. Raises ValueError where it is none."""
    return _EVENT.validate_json(line)


class EventLog:
    """The log of one conversation: each event goes to the listeners, and into a file where one is named.

    A line is handed to the system at once, so that the log of a process that was killed ends with its last whole line,
    or a part of the next one. A log that is full, or whose disk is, takes no more lines and says so to the listeners;
    the conversation goes on. Raises KameError where the file cannot be made.
    """

    most_bytes: ClassVar[int] = MOST_BYTES

    def __init__(self, path: Path | None = None, listeners: Iterable[Callable[[AnyEvent], None]] = ()) -> None:
        self.listeners = list(listeners)
        self.path, self._file, self._bytes = path, -1, 0
        if path is not None:
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            except OSError as error:
                raise KameError(f"--events {path}: cannot be written ({error.strerror}); name another file") from None

    def add(self, event: AnyEvent) -> None:
        """Take an event, the time of which is not below that of the one before."""
        for listener in self.listeners:
            listener(event)
        if self._file < 0:
            return
        line = event.model_dump_json(exclude_none=True).encode() + b"\n"
        if self._bytes + len(line) > self.most_bytes:
            self._give_up(event, f"{self.path}: is full at {self.most_bytes} bytes; the rest is not logged")
            return
        try:
            written = os.write(self._file, line)
        except OSError as error:
            self._give_up(event, f"{self.path}: {error.strerror}; the rest is not logged")
            return
        self._bytes += written
        if written < len(line):
            self._give_up(event, f"{self.path}: the disk is full; the rest is not logged")

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _give_up(self, event: AnyEvent, message: str) -> None:
        self.close()
        failed = Failed(time=event.time, wall=event.wall, part="log", message=clipped(message))
        for listener in self.listeners:
            listener(failed)


@dataclass(frozen=True)
class Logged:
    """A log that was read: its first line, the events behind it in order, and whether the last of them says that the
    conversation ended."""

    session: SessionBegins
    events: tuple[AnyEvent, ...]

    @property
    def whole(self) -> bool:
        """Tell whether the conversation ended in good order."""
        return bool(self.events) and isinstance(self.events[-1], SessionEnds)


def read_log(path: Path) -> Logged:
    """Read a log; a last line that was cut off is left out.

    Raises KameError, which names the line, where the file is none or contradicts itself.
    """
    events = list(_events(path))
    if not events or not isinstance(events[0], SessionBegins):
        raise KameError(f"{path}: is no event log, its first line is no session; name what --events wrote")
    _check_order(path, events)
    return Logged(events[0], tuple(events[1:]))


def _events(path: Path) -> Iterator[AnyEvent]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise KameError(f"{path}: has more than {MOST_BYTES} bytes; no event log is that long")
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE + 1), b""), 1):
                if len(line) > MOST_LINE:
                    raise KameError(f"{path}, line {number}: is longer than {MOST_LINE} bytes; the file is damaged")
                if not line.endswith(b"\n"):  # the process was killed while it wrote
                    return
                try:
                    yield event_of(line)
                except ValidationError as error:
                    first = error.errors()[0]
                    where = ".".join(str(part) for part in first["loc"][-2:])
                    raise KameError(f"{path}, line {number}: is no event ({where}: {first['msg']})") from None
    except OSError as error:
        raise KameError(f"{path}: cannot be read ({error.strerror}); name what --events wrote") from None


def _check_order(path: Path, events: list[AnyEvent]) -> None:
    """Raise KameError where time falls, a line stands behind the end, or an answer comes that was not asked for."""
    asked: set[int] = set()
    begun: set[int] = set()
    time = 0.0
    for number, event in enumerate(events, 1):
        wrong = ""
        if event.time < time:
            wrong = f"its time {event.time} is before {time}"
        elif max(event.time, event.frames * FRAME if isinstance(event, SessionEnds) else 0.0) > MOST_SECONDS:
            wrong = f"it is later than {MOST_SECONDS} s"
        elif number > 1 and isinstance(event, SessionBegins):
            wrong = "a second session begins"
        elif isinstance(events[number - 2], SessionEnds) and number > 1:
            wrong = "stands behind the end of the session"
        elif isinstance(event, Asked):
            asked.add(event.id)
        elif isinstance(event, FirstToken | NoAnswer | Cancelled) and event.id not in asked:
            wrong = f"nobody asked for answer {event.id}"
        elif isinstance(event, OracleDelta | OracleEnds | OracleRead) and event.id not in begun:
            wrong = f"answer {event.id} has not begun"
        if isinstance(event, FirstToken):
            begun.add(event.id)
        if wrong:
            raise KameError(f"{path}, line {number}: {wrong}; the file is damaged")
        time = event.time


def oracle_stream(log: Logged) -> list[int]:
    """The ids that the oracle stream held, one for each frame of the log, also for frames that the model was not shown:
    the model that is fed with them again reads what it read then."""
    read = {round(e.time / FRAME): e.token for e in log.events if isinstance(e, OracleRead) and e.token is not None}
    frames = [e.frames for e in log.events if isinstance(e, SessionEnds)] or [1 + round(log.events[-1].time / FRAME)]
    return [read.get(frame, TEXT_PADDING) for frame in range(frames[0])]
