"""One frame of one conversation, as it goes into the model and comes out, and the rows of a batch that take it.

A frame is 80 ms: `SAMPLES` samples at `RATE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.records import FRAME, FRAME_SAMPLES, SAMPLE_RATE

__all__ = ["FRAME", "RATE", "SAMPLES", "FrameIn", "FrameOut", "Rows", "frames_of", "whole_frames"]

RATE, SAMPLES = SAMPLE_RATE, FRAME_SAMPLES


def frames_of(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound, f32 (n,), in frames, (ceil(n / SAMPLES), SAMPLES); silence fills the last one up."""
    return np.pad(sound, (0, -len(sound) % SAMPLES)).astype(np.float32, copy=False).reshape(-1, SAMPLES)


def whole_frames(waiting: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The frames that are whole, (count, SAMPLES), and the sound behind them, which waits for more."""
    whole, rest = np.split(waiting, [len(waiting) // SAMPLES * SAMPLES])
    return whole.reshape(-1, SAMPLES), rest


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
