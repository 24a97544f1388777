"""The nouns of an evaluation: Item -> Asked -> Conversation -> Heard -> Rating.

An item is a question of a bench, of one turn or more. Its turns are spoken once (`Asked`), held with each system
(`Conversation`), heard and measured (`Heard`), and each answer is rated by each judge (`Rating`). All are frozen
dataclasses of plain values, so that a record is a row of a part (see `engine.parts`). Times are seconds from the
beginning of the conversation's sound unless a field says otherwise; sound is FLAC of 16 bits at 24 kHz.
"""

from dataclasses import dataclass
from typing import Literal

Channel = Literal["sound", "text"]
"""The two forms of an answer that are judged: its sound, transcribed, and the system's own text stream."""
FULL_DUPLEX = ("pause", "backchannel", "turn_taking", "interruption", "behaviour")
"""Kinds of items that ask how a system takes turns, and not what it answers."""


@dataclass(frozen=True, slots=True)
class ItemTurn:
    """A turn of the user's. `text`: as it is spoken; `written`: as the bench has it. `reference`: a right answer, as
    the bench writes it ("" where it has none). `answers`: spoken forms of the right answer, one of which must be said
    (empty where none is known)."""

    text: str
    written: str = ""
    reference: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the user's sound that a full-duplex item marks, with its text."""

    start: float
    end: float
    text: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A question of a bench. `id` is unique within the bench. `kind`: "questions", or one of `FULL_DUPLEX`. `sounds`:
    files with the user's own sound, one a turn (empty: the turns' texts are spoken). `spans` are in the seconds of that
    sound."""

    id: str
    bench: str
    category: str
    language: str
    turns: tuple[ItemTurn, ...]
    kind: str = "questions"
    sounds: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedTurn:
    """The sound of one turn of the user's: mono FLAC, and where in it the first word begins and the last word ends."""

    flac: bytes
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Asked:
    """An item as it is spoken to every system."""

    item: str
    voice: str
    turns: tuple[AskedTurn, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A moment of a system's own account of an answer, such as a cascade's "final", "first_token", "first_sound"."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn of a conversation: the user's first word begins at `start`, the last one ends at `end`; the system's
    answer is what it says from there until the next turn's `start`. `text`: the words of its own text stream there
    ("" where it has none). `parts`: where the system knows when its parts were done. `ended`: False where the answer
    was cut off by the cap."""

    start: float
    end: float
    text: str = ""
    parts: tuple[Part, ...] = ()
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """An item held with a system. `flac`: stereo, the system left, the user right; empty for a system of text alone.
    `log`: the lines of its event log ("" where it keeps none). `failure`: why it broke off, in one line ("" if it did
    not). `stand_ins`: what stands in for a real part. `cost`: dollars for the back end."""

    id: str
    item: str
    system: str
    repeat: int
    flac: bytes
    turns: tuple[Answered, ...]
    log: str = ""
    failure: str = ""
    stand_ins: tuple[str, ...] = ()
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word that the recogniser heard of the system, with its times."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """An answer as it is heard. `transcript`: by the recogniser. `onset`: where the system's speech begins, `end` where
    it is silent for good; `content`: where the first word begins that carries content. `latency`: `onset` minus the
    end of the user's last word, negative where the system began before. `overlap`: seconds in which both spoke.
    `errors`: word error rate of the transcript against the text stream (None where either is empty)."""

    transcript: str
    words: tuple[SpokenWord, ...] = ()
    onset: float | None = None
    content: float | None = None
    end: float | None = None
    latency: float | None = None
    overlap: float = 0.0
    errors: float | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A conversation as it is heard."""

    conversation: str
    turns: tuple[HeardTurn, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """A judge's rating of one answer. `rating` is 1 to 10, None where the judge gave none, `failure` then says why.
    `words`: of the answer that was rated."""

    conversation: str
    turn: int
    channel: Channel
    judge: str
    sample: int
    rating: float | None
    reason: str = ""
    failure: str = ""
    words: int = 0
