"""The streams that the model hears and says: those of examples side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.token_schema import CODEBOOKS

STREAMS = 1 + 2 * CODEBOOKS
"""Text, the codebooks of the assistant, those of the user; the oracle stream comes on top."""
NOTHING = -1
"""No input (its embedding is zero) and no target, as in Moshi; so also the padding of a batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples side by side; B of them, T frames the longest.

    `codes` int32 (B, 17, T): text, 8 codebooks of the assistant, 8 of the user, not delayed. `oracle` int32 (B, T): the
    oracle stream. Both are -1 behind an example's end. `answer` bool (B, T): frames of answers. `level` int8 (B, T):
    hint level of the last oracle so far, -1 before the first. `ids`: the rows; `frames` int64 (B,): their lengths.
    `repeated`: the batch is there only so that every rank has as many as the others; it was given out already.
    """

    codes: NDArray[np.int32]
    oracle: NDArray[np.int32]
    answer: NDArray[np.bool_]
    level: NDArray[np.int8]
    ids: tuple[str, ...]
    frames: NDArray[np.int64]
    repeated: bool = False

    @property
    def padding(self) -> float:
        """Share of the batch's frames that belong to no example."""
        return 1.0 - float(self.frames.sum()) / self.oracle.size
