"""faster-whisper at work. It hears whole pieces of sound, so the piece that is being spoken is heard again and again.

Of two passes on end, the words that both begin with are committed and never rewritten; the rest is a guess. The sound
before the last committed word is left behind when the piece is long, so that no pass hears more than `LONGEST_S`. When
somebody speaks is decided by the sound's energy (`kame_data.tandem.activity`), for the model hears words in silence.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.speech.recognisers.base import SAMPLE_RATE
from kame_data.speech.recognisers.whisper import MANNER, NAME, load_model
from kame_data.tandem.activity import ENDS_FRAMES, Activity
from kame_data.tandem.frames import FRAME
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.streaming_recognisers.bounded import bounded, one_line
from kame_data.tandem.streaming_recognisers.resampling import To16k
from kame_data.tandem.streaming_recognisers.turns import SILENCE, Turns
from kame_data.text.words import bare_words, join_words

INTERVAL = 0.8
"""Seconds of new sound between two passes."""
LONGEST_S, LEAD_S = 20.0, 0.4
"""Seconds of sound that a pass hears at most, and that are heard from before somebody begins to speak."""
PASS_LIMIT_S = 30.0
AT_ONCE = 4
"""Passes of one model that run side by side."""
_FRAME = round(FRAME * SAMPLE_RATE)


class _Heard(NamedTuple):
    """A word, and its end in seconds of the conversation's sound."""

    text: str
    end: float


class WhisperRecogniser:
    """Hears with one model, which all conversations share. `silence`: seconds that end a turn."""

    def __init__(self, model: Any, name: str, silence: float = SILENCE) -> None:
        self.name = name
        self._model, self._silence = model, silence

    def open(self, language: str) -> "WhisperStream":
        """A stream of its own. Raises KameError for a language that the model does not hear."""
        own = language.split("-")[0]
        known = self._model.supported_languages
        if own not in known:
            raise KameError(f"--recogniser {self.name}: it hears {', '.join(known[:5])}, not '{language}'")
        return WhisperStream(self._model, self.name, language, Turns(language, self._silence))


class WhisperStream:
    """The hearing of one conversation; see `HearingStream`. For one thread at a time."""

    def __init__(self, model: Any, name: str, language: str, turns: Turns) -> None:
        self._model, self._name, self._language, self._turns = model, name, language, turns
        self._to_16k, self._activity = To16k(), Activity()
        self._waiting: Sound = np.zeros(0, np.float32)  # less than a frame
        self._frames = 0
        self._sound: Sound = np.zeros(0, np.float32)  # of the open line, or the lead to one; it ends at the last frame
        self._passed = 0  # frames when the last pass was made
        self._committed: list[_Heard] = []
        self._left = 0  # committed words whose sound was left behind
        self._guess: list[_Heard] = []
        self._closed = False

    def push(self, sound: NDArray[np.float32]) -> list[SpeechEvent]:
        """Take sound, and give what has become known. Raises KameError where the model fails."""
        if self._closed:
            raise KameError(f"recogniser {self._name}: the stream is closed")
        at_16k = self._to_16k.next(sound)
        try:
            return self._hear(at_16k)
        except KameError:
            self._closed = True
            raise

    def close(self) -> list[SpeechEvent]:
        """The sound is over; give the last events."""
        if self._closed:
            return []
        events = self._hear(self._to_16k.end())
        self._closed = True
        if self._turns.open_line:
            events += self._end_line(self._now)
        return events + self._turns.end()

    @property
    def _now(self) -> float:
        return self._frames * FRAME

    def _hear(self, sound: Sound) -> list[SpeechEvent]:
        events: list[SpeechEvent] = []
        self._waiting = np.concatenate([self._waiting, sound])
        whole = len(self._waiting) // _FRAME
        frames, self._waiting = np.split(self._waiting, [whole * _FRAME])
        for frame in frames.reshape(whole, _FRAME):
            self._sound = np.concatenate([self._sound, frame])
            change = self._activity.next(frame, self._frames)
            self._frames += 1
            if change is not None and change.kind == "end":
                events += self._end_line(change.at)
            elif change is not None:
                events += self._turns.line_starts(change.at)
                self._passed = self._frames
            if not self._turns.open_line:
                self._sound = self._sound[-round(LEAD_S * SAMPLE_RATE) :]
                events += self._turns.passes(self._now)
        # However much has come, it is heard in one pass: who is late does not grow later.
        if self._turns.open_line and (self._frames - self._passed) * FRAME >= INTERVAL:
            self._look()
            events += self._turns.line_changes(self._now, *self._line())
        return events

    def _look(self) -> None:
        """Hear what there is of the open line, and commit what two passes agree on."""
        self._passed = self._frames
        before, self._guess = self._guess, self._pass()
        agreed = 0
        while agreed < min(len(before), len(self._guess)) and before[agreed].text == self._guess[agreed].text:
            agreed += 1
        self._committed += self._guess[:agreed]
        self._guess = self._guess[agreed:]
        if len(self._sound) > LONGEST_S / 2 * SAMPLE_RATE:
            self._leave_behind()

    def _leave_behind(self) -> None:
        """The sound before the last committed word is heard no more; of sound without any, its end alone."""
        begin = self._now - len(self._sound) / SAMPLE_RATE
        end = max([word.end for word in self._committed[-1:]], default=begin)
        if self._now - end > LONGEST_S / 2:
            # Nothing was agreed on for long: what is guessed stands as it is.
            self._committed += self._guess
            self._guess, end = [], self._now - LEAD_S
        self._sound = self._sound[-max(1, round((self._now - end) * SAMPLE_RATE)) :]
        self._left = len(self._committed)

    def _pass(self) -> list[_Heard]:
        """The words behind the committed ones, as one pass over the sound hears them."""
        limit = round(LONGEST_S * SAMPLE_RATE)
        begin = self._now - len(self._sound) / SAMPLE_RATE
        heard = bounded(f"recogniser {self._name}", PASS_LIMIT_S, self._transcribe, self._sound[-limit:])
        begin = max(begin, self._now - LONGEST_S)
        words = [_Heard(text, min(begin + end, self._now)) for text, end in heard]
        held = self._committed[self._left :]
        if [bare_words(w.text) for w in words[: len(held)]] == [bare_words(w.text) for w in held]:
            return words[len(held) :]
        # The pass words the committed part otherwise; what lies behind its sound is new.
        return [word for word in words if word.end > (held[-1].end if held else begin)]

    def _transcribe(self, sound: Sound) -> list[tuple[str, float]]:
        try:
            segments, _ = self._model.transcribe(
                sound, language=self._language.split("-")[0], word_timestamps=True, **MANNER
            )
            return [(word.word.strip(), word.end) for s in segments for word in s.words or () if word.word.strip()]
        except Exception as error:
            raise KameError(f"recogniser {self._name}: it fails ({one_line(error)}); it hears no more") from error

    def _end_line(self, at: float) -> list[SpeechEvent]:
        self._look()
        text, _ = self._line()
        self._committed, self._guess, self._left = [], [], 0
        self._sound = self._sound[-round(ENDS_FRAMES * FRAME * SAMPLE_RATE) :]
        return self._turns.line_ends(at, text)

    def _line(self) -> tuple[str, int]:
        """The text of the open line, and how many characters of it are committed."""
        certain = self._joined(self._committed)
        return self._joined([*self._committed, *self._guess]), len(certain)

    def _joined(self, words: Sequence[_Heard]) -> str:
        return join_words([word.text for word in words], self._language)


def open_whisper(model: str, silence: float) -> WhisperRecogniser:
    """Load the model of that name or folder. Raises KameError where it cannot be had."""
    try:
        return WhisperRecogniser(load_model(model, num_workers=AT_ONCE), f"{NAME}:{model}", silence)
    except Exception as error:  # its downloader has errors of many kinds
        raise KameError(f"--recogniser {NAME}:{model}: the model cannot be had ({one_line(error)})") from error
