"""A recogniser at work: sound goes in frame by frame, and speech events come out."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

SpeechKind = Literal["start", "interim", "final", "end"]


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """An event of what the user says; `time` is in seconds of the conversation's sound, when it happened in the sound.

    `start`: the user begins to speak. `interim`: `text` is the whole transcript of the turn so far, of which the first
    `stable` characters will not change. `final`: `text` is the whole transcript of the turn so far and will not change;
    more may follow in the same turn. `end`: the user's turn is over; `text` is its whole transcript.
    """

    kind: SpeechKind
    time: float
    text: str = ""
    stable: int = 0


class HearingStream(Protocol):
    """The hearing of one conversation. Its calls may block; a thread that is not the event loop's makes them."""

    def push(self, sound: NDArray[np.float32]) -> list[SpeechEvent]:
        """Take the next sound, f32 mono at 24 kHz of any length; give what has become known since the last call.

        Raises KameError where the recogniser has failed for good.
        """
        ...

    def close(self) -> list[SpeechEvent]:
        """The sound is over; give the last events. Frees what the stream holds; a second call gives nothing."""
        ...


class StreamingRecogniser(Protocol):
    """A recogniser that any number of conversations use at once; `name` goes into logs and rows."""

    name: str

    def open(self, language: str) -> HearingStream:
        """A stream of its own for a conversation. Raises KameError where it cannot hear, as without a key."""
        ...
