"""A user's turns, put together from the lines that a recogniser writes: one place for what starts, changes and ends.

A line is what a recogniser hears between two of its own pauses. It is open while it may still be rewritten, and then
final. A turn is over when no line is open and nothing was heard for as long as the turn's silence.
"""

from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.text.words import join_words

SILENCE = 0.8
"""Seconds of silence that end a turn, unless told otherwise. A pause within a sentence is mostly shorter."""


class Turns:
    """The turns of one conversation, in seconds of its sound. `open_line`: a line may still be rewritten."""

    def __init__(self, language: str, silence: float = SILENCE) -> None:
        self.language, self.silence = language, silence
        self.speaking = self.open_line = False
        self.voice_end = 0.0
        """The end of the last line."""
        self._heard = 0.0
        self._final: list[str] = []
        self._shown = ""

    def line_starts(self, at: float) -> list[SpeechEvent]:
        """A line starts, or goes on."""
        self.open_line = True
        if self.speaking:
            return []
        self.speaking = True
        return [SpeechEvent("start", at)]

    def line_changes(self, at: float, text: str, stable: int = 0, start: float | None = None) -> list[SpeechEvent]:
        """The open line is `text` now, `at` being how far the sound was heard; its first `stable` characters will not
        change. `start`: when the line started, for the first event of a turn."""
        events = self.line_starts(at if start is None else start)
        self._heard = at
        text = _plain(text)
        before, whole = len(self._joined("")), self._joined(text)
        if whole != self._shown:
            self._shown = whole
            certain = len(whole) - len(text) + min(stable, len(text)) if stable else before
            events.append(SpeechEvent("interim", at, whole, certain))
        return events

    def line_ends(self, end: float, text: str, start: float | None = None) -> list[SpeechEvent]:
        """The open line is final, and was heard until `end`."""
        events = self.line_starts(end if start is None else start)
        self.open_line = False
        self.voice_end = max(self.voice_end, end)
        if text := _plain(text):
            self._final.append(text)
            self._shown = self._joined("")
            events.append(SpeechEvent("final", end, self._shown, len(self._shown)))
        return events

    def due(self, now: float) -> bool:
        """Tell whether the turn is over, the sound having been heard until `now`."""
        return self.speaking and not self.open_line and now - self.voice_end >= self.silence

    def passes(self, now: float) -> list[SpeechEvent]:
        """The sound was heard until `now`, and nothing else is known."""
        return self.end() if self.due(now) else []

    def end(self) -> list[SpeechEvent]:
        """The turn is over, whatever was open; nothing where there is none."""
        if not self.speaking:
            return []
        at = max(self._heard, self.voice_end) if self.open_line else self.voice_end
        self.speaking = self.open_line = False
        text, self._shown, self._final = self._shown, "", []
        return [SpeechEvent("end", at, text, len(text))]

    def _joined(self, line: str) -> str:
        return join_words([*self._final, line] if line else self._final, self.language)


def _plain(text: str) -> str:
    return " ".join(text.split())
