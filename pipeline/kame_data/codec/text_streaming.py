"""Text as tokens while it is still being written: each token as soon as no later piece of the text can change it.

An answer of an LLM comes in pieces that end anywhere, also within a word. `StreamedText` gives the tokens that the
whole text has, in order, and holds back what may still become another token. A place in the text is safe where no piece
of the vocabulary can reach over it, whatever follows: between words in English, behind most characters in Chinese. The
tokens up to the last safe place are final.
"""

import unicodedata

from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.codec.tokenizer import SPACE, Tokenizer

_JAMO = ("\u1160", "\u11ff")
"""Hangul vowels and final consonants, which melt into the syllable before them."""


class StreamedText:
    """The tokens of one text that comes in pieces. A character for which the tokenizer has no token is left out."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._text = ""
        self._given = 0

    def add(self, piece: str) -> list[int]:
        """The tokens that are certain now and were not before."""
        self._text += piece
        # Normalisation may melt the last character and what follows it into one.
        settled = len(self._text) - 1
        while settled > 0 and not _begins(self._text[settled]):
            settled -= 1
        text = self._text[: max(settled, 0)].lstrip()
        normal: str = self._tokenizer.model.normalize(text.rstrip())
        if text != text.rstrip():
            normal += SPACE
        return self._new(normal[: self._safe(normal)].removeprefix(SPACE))

    def end(self) -> list[int]:
        """The tokens that were held back: the text is over."""
        return self._new(self._text)

    def _new(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.model.encode(text.strip())
        found = tokens[self._given :]
        self._given += len(found)
        return [token for token in found if token not in (TEXT_PADDING, END_OF_PADDING)]

    def _safe(self, text: str) -> int:
        """The last place in the normalised text over which no piece of the vocabulary can reach."""
        pieces, begun = self._tokenizer.pieces, self._tokenizer.beginnings
        safe = reach = 0
        for place in range(len(text)):
            if reach <= place:
                safe = place
            reach, end = max(reach, place + 1), place + 1
            while text[place:end] in begun:
                if end == len(text):  # a longer piece may begin here
                    return safe
                end += 1
                if text[place:end] in pieces:
                    reach = max(reach, end)
        return len(text)


class TornText:
    """The tokens of a text as KAME's own server makes them, to compare: each piece by itself, stripped, at once. A word
    that comes in two pieces gets the mark of a space in its middle."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def add(self, piece: str) -> list[int]:
        """The tokens of the piece."""
        tokens: list[int] = self._tokenizer.model.encode(piece.strip())
        return [token for token in tokens if token not in (TEXT_PADDING, END_OF_PADDING)]

    def end(self) -> list[int]:
        """Nothing was held back."""
        return []


def _begins(character: str) -> bool:
    """Tell whether normalisation never melts the character into the one before it."""
    first = unicodedata.normalize("NFKD", character)[:1]
    return not (unicodedata.category(first).startswith("M") or _JAMO[0] <= first <= _JAMO[1])
