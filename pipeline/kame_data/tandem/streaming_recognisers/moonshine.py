"""Moonshine at work: the recogniser whose small English model is in its package.

Each conversation has a process (`moonshine_helper`). What it needs again after a crash, or when its stream has grown
old, is kept here: the sound behind the last final line. So no word is lost, and a process that hangs is ended.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.safe_path import environment
from kame_data.speech.processes import FrameProcess, ProcessGone
from kame_data.speech.recognisers.base import SAMPLE_RATE
from kame_data.speech.recognisers.moonshine import MOONSHINE
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.streaming_recognisers.resampling import To16k
from kame_data.tandem.streaming_recognisers.turns import SILENCE, Turns

NAME = MOONSHINE.name
HELPER = "kame_data.tandem.streaming_recognisers.moonshine_helper"
INTERVAL = 0.48
"""Seconds of sound between two looks at what is said. Each look hears the whole open line again."""
START_LIMIT_S, ANSWER_LIMIT_S = 60.0, 25.0
MOST_ENDS = 3
"""Processes of one conversation that may end before their time."""
OLD_S, OLDER_S = 10.0, 60.0
"""Age of a stream, in seconds of its sound, at which a new one begins: between two turns, and between two lines. A
stream keeps all its sound and looks at all of it."""
MOST_MB = 600
"""Memory with which a process ends between two turns, and another takes over."""
KEPT_S, LEAD_S = 30.0, 1.0
"""Seconds of sound that are kept for a new stream: of an open line, and of silence."""


class MoonshineRecogniser:
    """Hears English. `silence`: seconds that end a turn."""

    name = NAME

    def __init__(self, silence: float = SILENCE, helper: str = HELPER) -> None:
        self._silence, self._helper = silence, helper

    def open(self, language: str) -> "MoonshineStream":
        """A stream with a process of its own, which takes a second to begin. Raises KameError."""
        if not MOONSHINE.hears(language):
            raise KameError(f"--recogniser {NAME}: it hears en, not '{language}'; name another, or none")
        return MoonshineStream(Turns(language, self._silence), self._helper)


class MoonshineStream:
    """The hearing of one conversation; see `HearingStream`. For one thread at a time."""

    def __init__(self, turns: Turns, helper: str) -> None:
        self._turns, self._command = turns, [sys.executable, "-m", helper, str(INTERVAL)]
        self._to_16k = To16k()
        self._heard = 0  # samples at 16 kHz; the stream of the process began at `_origin`
        self._origin = 0
        self._kept: Sound = np.zeros(0, np.float32)  # the last sound that was heard
        self._line_end = 0.0
        self._ends = 0
        self._resident = 0
        self._closed = False
        self._process = self._started()

    def push(self, sound: NDArray[np.float32]) -> list[SpeechEvent]:
        """Take sound, and give what has become known. Raises KameError where no process stays alive."""
        if self._closed:
            raise KameError(f"recogniser {NAME}: the stream is closed")
        at_16k = self._to_16k.next(sound)
        try:
            return self._hear(at_16k)
        except KameError:
            self._end()
            raise

    def close(self) -> list[SpeechEvent]:
        """The sound is over; give the last events and end the process."""
        if self._closed:
            return []
        try:
            events = self._hear(self._to_16k.end())
            events += self._take(self._ask({"op": "stop"}))
            return events + self._turns.end()
        finally:
            self._end()

    def _end(self) -> None:
        self._closed = True
        self._process.kill()

    def _hear(self, sound: Sound) -> list[SpeechEvent]:
        self._heard += len(sound)
        self._kept = np.concatenate([self._kept, sound])[-round(KEPT_S * SAMPLE_RATE) :]
        look = self._turns.due(self._now)  # somebody may have begun to speak again
        lines = self._ask({"op": "hear", "look": look}, sound)
        events = self._take(lines) + self._turns.passes(self._now)
        age = (self._heard - self._origin) / SAMPLE_RATE
        between_turns, between_lines = not self._turns.speaking, any(line["final"] for line in lines)
        if (between_turns and age > OLD_S) or (between_lines and age > OLDER_S):
            if between_turns and self._resident > MOST_MB:
                self._replace()
            events += self._take(self._again())
        return events

    @property
    def _now(self) -> float:
        return self._heard / SAMPLE_RATE

    def _take(self, lines: list[dict[str, Any]]) -> list[SpeechEvent]:
        events: list[SpeechEvent] = []
        for line in lines:
            start, end = line["start"], line["end"]
            if line["final"]:
                events += self._turns.line_ends(end, line["text"], start)
                self._line_end = max(self._line_end, end)
            else:
                events += self._turns.line_changes(self._now, line["text"], start=start)
        return events

    # The process.

    def _again(self) -> list[dict[str, Any]]:
        """The lines that a new stream hears in the sound behind the last final line."""
        begin = max(self._line_end, self._now - (KEPT_S if self._turns.open_line else LEAD_S))
        count = min(len(self._kept), self._heard - round(begin * SAMPLE_RATE))
        self._origin = self._heard - count
        return self._ask({"op": "renew"}, self._kept[len(self._kept) - count :])

    def _ask(self, request: dict[str, Any], sound: Sound | None = None) -> list[dict[str, Any]]:
        """The lines of an answer, in seconds of the conversation's sound. A process that is gone is replaced."""
        try:
            self._process.send(request, b"" if sound is None else sound.astype("<f4", copy=False).tobytes())
            reply, _ = self._process.read(ANSWER_LIMIT_S)
            if "error" in reply:
                raise ProcessGone(reply["error"])
        except ProcessGone as gone:
            self._ends += 1
            if self._ends > MOST_ENDS:
                raise KameError(f"recogniser {NAME}: {gone}, for the {self._ends}th time; it hears no more") from None
            self._replace()
            lines = self._again()
            return lines + self._ask(request) if request["op"] == "stop" else lines
        self._resident = reply["resident"]
        offset = self._origin / SAMPLE_RATE
        return [{**line, "start": line["start"] + offset, "end": line["end"] + offset} for line in reply["lines"]]

    def _replace(self) -> None:
        self._process.kill()
        self._process = self._started()

    def _started(self) -> FrameProcess:
        try:
            process = FrameProcess(self._command, START_LIMIT_S, environment())
        except (OSError, ProcessGone) as error:
            raise KameError(f"recogniser {NAME}: it does not start ({error}); reinstall moonshine-voice") from None
        if "error" in process.greeting:
            process.kill()
            reason = process.greeting["error"]
            raise KameError(f"recogniser {NAME}: the model cannot be loaded ({reason}); reinstall moonshine-voice")
        return process
