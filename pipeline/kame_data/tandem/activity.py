"""Activity of a voice: when a side begins and ceases to be heard, by the energy of its sound."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kame_data.tandem.frames import FRAME

LOUD_DBFS = -45.0
BEGINS_FRAMES, ENDS_FRAMES = 2, 6
"""Loud frames that begin a stretch of speech, and quiet frames that end it; a pause within a sentence is shorter."""


class Change(NamedTuple):
    """A stretch of speech begins or ends, at a moment of the sound in seconds."""

    kind: Literal["start", "end"]
    at: float


class Activity:
    """The activity of one side, told frame by frame."""

    def __init__(self) -> None:
        self.active = False
        self._run = 0  # frames on end that speak for a change

    def next(self, sound: NDArray[np.float32], frame: int) -> Change | None:
        """Take the sound of frame number `frame`; give the change that has become certain with it, if any."""
        power = float(np.mean(np.square(sound, dtype=np.float64))) if sound.size else 0.0
        loud = power > 10 ** (LOUD_DBFS / 10)
        self._run = self._run + 1 if loud != self.active else 0
        needed = ENDS_FRAMES if self.active else BEGINS_FRAMES
        if self._run < needed:
            return None
        self._run = 0
        self.active = not self.active
        return Change("start" if self.active else "end", round((frame - needed + 1) * FRAME, 3))
