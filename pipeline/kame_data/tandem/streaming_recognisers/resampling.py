"""A conversation's sound at the rate that recognisers take, piece by piece."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from kame_data.speech.recognisers.base import SAMPLE_RATE
from kame_data.tandem.frames import RATE
from kame_data.tandem.sounds import Sound, checked


class To16k:
    """Sound at 24 kHz as sound at 16 kHz. Together the pieces are the resampled whole, to the sample: none of them
    begins anew, and nothing drifts."""

    def __init__(self) -> None:
        self._stream = soxr.ResampleStream(RATE, SAMPLE_RATE, 1, dtype="float32")

    def next(self, sound: NDArray[Any]) -> Sound:
        """The sound known with the next piece, f32 (n,); the last few milliseconds wait for the piece behind them.

        Raises KameError for sound that is none (NaN, another shape or kind), before it reaches native code.
        """
        return np.asarray(self._stream.resample_chunk(checked(sound)), np.float32)

    def end(self) -> Sound:
        """The sound that was still waiting; nothing comes behind it."""
        return np.asarray(self._stream.resample_chunk(np.zeros(0, np.float32), last=True), np.float32)
