"""One frame of one conversation, as it goes into the model and comes out, and the rows of a batch that take it.

A frame is 80 ms: `SAMPLES` samples at `RATE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError

RATE = 24_000
SAMPLES = 1920
FRAME = SAMPLES / RATE
"""Seconds of a frame."""


@dataclass(frozen=True, slots=True)
class FrameIn:
    """The user's sound, f32 (SAMPLES,) in -1 to 1, and the id that the oracle stream holds in this frame.

    Raises KameError for sound of another shape, or that is not finite, which a model would never get rid of.
    """

    sound: NDArray[np.float32]
    oracle: int

    def __post_init__(self) -> None:
        if self.sound.shape != (SAMPLES,) or not np.isfinite(self.sound).all():
            raise KameError(
                f"a frame of sound of shape {self.sound.shape}: a frame is {SAMPLES} finite samples at {RATE} Hz"
            )


@dataclass(frozen=True, slots=True)
class FrameOut:
    """The model's text token in this frame, and its sound.

    `sound` is f32 (SAMPLES,), or None where the model's codec cannot speak and a voice speaks its words. In the first
    frames of a conversation, which the delays of the streams hold back, the text is padding.
    """

    text: int
    sound: NDArray[np.float32] | None


class Rows(Protocol):
    """A model that runs several conversations as rows of one batch, each as if it were alone. Not thread-safe."""

    count: int
    """Number of rows."""

    def open(self) -> int:
        """A free row, with nothing left of the conversation before. Raises KameError where all are taken."""
        ...

    def close(self, row: int) -> None:
        """The conversation of a row has ended."""
        ...

    def step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        """One step of the rows that have a frame; the others stand still."""
        ...
