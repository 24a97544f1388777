"""The behaviour that the small model is taught, as a rule: what it says in each frame, and what it notes.

The assistant of the model has two streams of its own. They hold no sound, but notes: the serial number of the oracle
token that it will say next, and the number of oracle tokens that it has heard, both modulo `SERIALS`. A new oracle
moves the first to the second as soon as the word that is being said is complete, so the rest of the older one is never
said; the new one is said from its beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING

SERIALS = 512
"""More than the frames that the model sees, so that no two tokens in its sight have the same number."""
QUIET = 4
"""Frames for which the user must be silent before the assistant takes the turn: 0.32 s."""
FLOW = 12
"""Frames behind its last token in which the assistant goes on without waiting for silence: 0.96 s."""
OVER, LONG = 8, 6
"""The user has the turn who is heard in `LONG` of the last `OVER` frames: it is no mere `mhm`."""
GAP, WEAK_GAP, STRONG_GAP = 2, 3, 4
"""Frames of padding between a word's last token and the frame that announces the next word; more at punctuation."""


@dataclass(frozen=True)
class Kinds:
    """Facts of a tokenizer's pieces: those that begin a word, and those that end in punctuation."""

    begins: Sequence[bool]
    weak: Sequence[bool]
    strong: Sequence[bool]

    @classmethod
    def of(cls, pieces: Sequence[str]) -> "Kinds":
        """The kinds of pieces as SentencePiece writes them."""
        return cls(
            [piece.startswith("▁") for piece in pieces],
            [piece.endswith((",", ";", ":")) for piece in pieces],
            [piece.endswith((".", "?", "!")) for piece in pieces],
        )

    def gap(self, token: int) -> int:
        """Frames of padding behind a word that ends in this token."""
        return STRONG_GAP if self.strong[token] else WEAK_GAP if self.weak[token] else GAP


@dataclass
class Reader:
    """One conversation: told what came in each frame, it gives what is said in the next."""

    kinds: Kinds
    start_id: int
    said: int = 0
    heard: int = 0
    _tokens: dict[int, int] = field(default_factory=dict)
    _last: int | None = None  # the token said last
    _since: int = 1000  # frames since then
    _announced: bool = False
    _newer: int | None = None  # the number at which a newer oracle begins that is not gone over to yet
    _loud: list[bool] = field(default_factory=lambda: [False] * OVER)

    def next(self, oracle: int, user: int) -> int:
        """The text id of the next frame; `oracle` and `user` are those of this frame. `said` and `heard` follow."""
        self._loud = [*self._loud[1:], user > 0]
        self._since += 1
        if oracle == self.start_id:
            self._newer = self.heard
        elif oracle != TEXT_PADDING:
            self._tokens[self.heard] = oracle
            self.heard = (self.heard + 1) % SERIALS
        text = self._choose()
        self._announced = text == END_OF_PADDING
        if text not in (TEXT_PADDING, END_OF_PADDING):
            self.said = (self.said + 1) % SERIALS
            self._last, self._since = text, 0
        return text

    def _choose(self) -> int:
        token = self._token()
        if self._newer is not None and not (token is not None and self._goes_on(token)):
            self.said, self._newer = self._newer, None
            token = self._token()
        if token is None:
            return TEXT_PADDING
        if self._announced or self._goes_on(token):
            return token
        if self._last is not None and self._since <= self.kinds.gap(self._last) and self.kinds.begins[token]:
            return TEXT_PADDING
        flows = self._since <= FLOW
        may = sum(self._loud) < LONG if flows else not any(self._loud[-QUIET:])
        return END_OF_PADDING if may else TEXT_PADDING

    def _token(self) -> int | None:
        """The token that is to be said next, if it is there."""
        return self._tokens[self.said] if self.said != self.heard else None

    def _goes_on(self, token: int) -> bool:
        """Tell whether the token goes on with a word whose last piece was said just now."""
        return self._since == 1 and not self.kinds.begins[token]
