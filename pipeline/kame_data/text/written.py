"""A written text as tokens, and what is read from them: the ways in which a part of it may be heard."""

import re
from dataclasses import dataclass

from kame_data.text.atoms import Label

_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d{1,3}(?: 000)+(?!\d)|\d+(?:\.\d+)?|(?<![\w.)])\.\d+"
_TOKEN_RE = re.compile(rf"(?P<number>{_NUMBER})|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)|(?P<sign><=|>=|<<|>>|!=|\+/-|\S)")

Alternative = tuple[Label, ...]
Ways = tuple[Alternative, ...]
"""What may be heard for one element: any of some rows of labels."""
Made = tuple[list[Ways], int]
"""The elements that a token begins, and the token behind them."""


@dataclass(slots=True)
class Written:
    """A written text and its tokens: kind, text, and where each stands."""

    text: str
    tokens: list[re.Match[str]]

    @classmethod
    def of(cls, text: str) -> "Written":
        """A text cut into tokens."""
        return cls(text, list(_TOKEN_RE.finditer(text)))

    def sign(self, index: int) -> str:
        """The token where it is a sign, else ""."""
        return self.tokens[index][0] if 0 <= index < len(self.tokens) and self.tokens[index]["sign"] else ""

    def word(self, index: int) -> str:
        """The token where it is a word, else ""."""
        return self.tokens[index][0] if 0 <= index < len(self.tokens) and self.tokens[index]["word"] else ""

    def number(self, index: int) -> str:
        """The token where it is a number, else ""."""
        return self.tokens[index][0] if 0 <= index < len(self.tokens) and self.tokens[index]["number"] else ""

    def touches(self, index: int) -> bool:
        """True where no space parts a token from the one before it."""
        return 0 < index < len(self.tokens) and self.tokens[index - 1].end() == self.tokens[index].start()

    def is_operand(self, index: int, *, left: bool) -> bool:
        """True for a number, a single letter, or a bracket that closes (or opens, on the right)."""
        return (
            bool(self.number(index))
            or len(self.word(index)) == 1
            or bool(self.sign(index) and self.sign(index) in (")]}" if left else "([{√\\"))
        )

    def after(self, end: int, index: int) -> int:
        """The first token from `index` on that begins at `end` or later."""
        while index < len(self.tokens) and self.tokens[index].start() < end:
            index += 1
        return index
