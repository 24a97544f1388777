"""The text stream: a speaker's text tokens, each in the frame in which it is said, and back again.

A word's tokens stand from the frame in which the word starts, one in each frame. What does not fit before the next
word begins moves that word to the right, so nothing is ever lost. Where the row ends before the tokens do, the last
ones stand in its last frames and move those before them to the left.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.errors import Refusal

Ints = NDArray[np.int32]
Numbers = Sequence[int] | NDArray[np.integer[Any]]


def token_frames(starts: Numbers, lengths: Numbers, frames: int) -> Ints:
    """The frame of every token, rising strictly, (sum of lengths,).

    `starts`: the frame in which each word starts, rising; `lengths`: its number of tokens; `frames`: of the row. Raises
    Refusal where the row has fewer frames than there are tokens.
    """
    count = np.asarray(lengths, np.int64)
    total = int(count.sum())
    if total > frames:
        raise Refusal("text_too_dense", f"{total} text tokens in {frames} frames")
    token = np.arange(total)
    within = token - np.repeat(np.cumsum(count) - count, count)
    wanted = np.repeat(np.asarray(starts, np.int64), count) + within
    # Each token one frame behind the one before at least; then none later than leaves room for those that follow.
    at = np.maximum.accumulate(wanted - token) + token
    found: Ints = np.minimum(at, frames - total + token).astype(np.int32)
    return found


def lay_text(tokens: Sequence[int], at: Ints, frames: int) -> Ints:
    """The stream, (frames,): the tokens in their frames, `END_OF_PADDING` before each run, `TEXT_PADDING` elsewhere."""
    stream = np.full(frames, TEXT_PADDING, np.int32)
    before = at[at > 0] - 1
    stream[before] = END_OF_PADDING
    stream[at] = tokens
    return stream


def text_tokens(stream: Ints) -> Ints:
    """The text tokens of a stream, in order; the inverse of `lay_text`."""
    tokens: Ints = stream[(stream != TEXT_PADDING) & (stream != END_OF_PADDING)]
    return tokens
