"""The part of an oracle that the model has read by a moment: one definition, for the figures, `replay` and the page.

In the frame in which an oracle arrives the model reads the start id, then one token a frame of 80 ms, until they end or
the next oracle arrives (KAME, arXiv 2510.02327). So n frames give n - 1 tokens. A frame counts once it is over.
"""

from collections.abc import Callable
from typing import NamedTuple

from kame_data.records import FRAME_MICROSECONDS
from kame_data.text.words import join_words, split_words

TOKENS_PER_WORD = 1.3
"""Tokens that a word takes where no tokenizer is at hand: roughly what an English one does in 32,000 pieces."""

Pieces = Callable[[str], list[str]]
"""A tokenizer: the text that each of a text's tokens stands for; joined, they are the text as the tokenizer has it."""


class Seen(NamedTuple):
    """An oracle in two pieces: the part that the model has read, and the rest."""

    text: str
    rest: str


def frame_of(seconds: float) -> int:
    """The frame in which a moment lies; to the microsecond, for 0.24 / 0.08 is less than 3 in binary."""
    return round(seconds * 1e6) // FRAME_MICROSECONDS


def tokens_read(arrived: float, moment: float) -> int:
    """The number of tokens that the model has read by `moment` (s) of an oracle that arrived at `arrived` (s)."""
    return max(0, frame_of(moment) - frame_of(arrived) - 1)


def seen(text: str, arrived: float, moment: float, language: str, pieces: Pieces | None = None) -> Seen:
    """The part of `text`, which arrived at `arrived`, that the model has read by `moment`; without `pieces` in whole
    words, at TOKENS_PER_WORD."""
    tokens = tokens_read(arrived, moment)
    if pieces is not None:
        found = pieces(text)
        return Seen("".join(found[:tokens]), "".join(found[tokens:]))
    words = split_words(text, language)
    count = int(tokens / TOKENS_PER_WORD + 1e-6)
    return Seen(join_words(words[:count], language), join_words(words[count:], language))
