"""A conversation told to a person, a line for what happens, as it happens."""

from collections.abc import Callable

from kame_data.tandem import events as of
from kame_data.tandem.events import AnyEvent

WIDE = 100
"""Characters of a text that a line shows."""
AT_ONCE = 1.5
"""Seconds of the assistant's words that make a line."""


class Teller:
    """A listener of an event log that hands lines to `show`: the user's words, what was asked and came of it, how much
    of it the model has read, and the assistant's words, in the seconds in which they were said."""

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._words: list[str] = []
        self._since = 0.0
        self._read: dict[int, int] = {}
        self._tokens: dict[int, int] = {}

    def __call__(self, event: AnyEvent) -> None:
        """Take an event."""
        if isinstance(event, of.OracleRead):
            self._read[event.id] = event.read
        said = event if isinstance(event, of.WordSaid) else None
        ends = isinstance(event, of.SpeechEnd | of.SessionEnds) or event.time - self._since > AT_ONCE
        if self._words and ends and not (said and said.glued):
            self._line(self._since, "assistant", " ".join(self._words))
            self._words.clear()
        if said is not None:
            self._add(said)
        if (line := self._of(event)) is not None:
            self._line(event.time, *line)

    def _add(self, word: of.WordSaid) -> None:
        if not self._words:
            self._since = word.at
        if self._words and word.glued:
            self._words[-1] += word.text
        else:
            self._words.append(word.text)

    def _of(self, event: AnyEvent) -> tuple[str, str] | None:
        match event:
            case of.SessionBegins():
                parts = (event.model, event.recogniser, event.back_end, event.voice, event.policy)
                stand_ins = f"; stand-ins: {', '.join(event.stand_ins)}" if event.stand_ins else ""
                return "session", ", ".join(parts) + stand_ins
            case of.UserPartial():
                return "user ...", event.text
            case of.UserFinal() if event.ended:
                return "user", event.text
            case of.Asked():
                return f"ask {event.id}", event.heard
            case of.OracleEnds():
                self._tokens[event.id] = len(event.tokens)
                ended = "" if event.finish == "stop" else f" ({event.finish})"
                return f"oracle {event.id}", event.text.strip() + ended
            case of.NoAnswer():
                return f"answer {event.id}", f"'{event.text}': the model cannot say it" if event.text else "nothing"
            case of.WordDropped():
                return "dropped", f"{event.count} words that were never heard"
            case of.LateFrame() if event.skipped:
                return "late", f"{event.skipped} frames are skipped, {event.total} so far"
            case of.Failed():
                return f"{event.part}!", event.message
            case of.SessionEnds():
                read = [f"{number}: {self._read.get(number, 0)} of {count}" for number, count in self._tokens.items()]
                return "closed", f"{event.reason}; tokens read of oracle " + (", ".join(read) or "none")
        return None

    def _line(self, time: float, what: str, text: str) -> None:
        # Of a transcript that grows the end is what is new.
        shown = text if len(text) <= WIDE or what == "session" else f"...{text[3 - WIDE :]}"
        self._show(f"{time:7.2f}  {what:10}  {shown}")
