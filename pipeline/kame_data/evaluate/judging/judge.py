"""What a judge is, and what it is shown of a conversation: one answer with all that was said before it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kame_data.evaluate.records import Channel, Conversation, Heard, Item, Rating
from kame_data.text.words import length_in_words

LOWEST, HIGHEST = 1, 10
"""The ends of the scale."""
MOST_CHARACTERS = 8_000
"""Characters of one text that a judge is shown, at the most; five minutes of speech have half as many."""
SILENT = "nothing was said; no judge was asked"
CUT = "... (the rest is left out)"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn as a judge sees it: the user's question as it was spoken, the answer in the judged channel, and the
    bench's reference ("" where it has none)."""

    question: str
    answer: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer that is to be rated: the last of `exchanges`, of turn number `turn` (from 0) of a conversation.

    `answers`: spoken forms of the right answer (empty where none is known). `broken`: why there is no answer to be
    rated, in one line, where the conversation broke off before it ("" otherwise).
    """

    conversation: str
    turn: int
    channel: Channel
    language: str
    exchanges: tuple[Exchange, ...]
    answers: tuple[str, ...] = ()
    broken: str = ""

    @property
    def last(self) -> Exchange:
        """The turn that is rated."""
        return self.exchanges[-1]

    def rating(self, judge: str, sample: int, rating: float | None, reason: str = "", failure: str = "") -> Rating:
        """The record of a rating of this answer; with `rating` None, `failure` says why there is none."""
        words = length_in_words(self.last.answer, self.language)
        given = None if rating is None else float(rating)
        return Rating(self.conversation, self.turn, self.channel, judge, sample, given, reason, failure, words)


class Judge(Protocol):
    """A judge. `name` stands in each rating, `version` is of all that can change a rating of the same answer.
    `stand_in`: what it stands in for, in a few words; "" for a model that judges."""

    name: str
    version: str
    stand_in: str

    def rate_many(self, answers: Sequence[Judged], repeats: int = 1) -> Iterator[Rating]:
        """`repeats` ratings (samples 0, 1, ...) of each answer, in the order of the answers and none left out.

        Raises the KameError that ends the work, such as StoppedError at the budget.
        """


def channels_of(conversations: Iterable[Conversation]) -> tuple[Channel, ...]:
    """The channels that the conversations of one system have. All of them count, so that a system that said nothing
    in one conversation is rated for its silence there."""
    known = tuple(conversations)
    found: list[Channel] = ["sound"] if any(c.flac for c in known) else []
    if any(turn.text.strip() for c in known for turn in c.turns):
        found.append("text")
    return tuple(found)


def judged_of(
    item: Item, conversation: Conversation, heard: Heard | None, channels: Sequence[Channel]
) -> tuple[Judged, ...]:
    """All answers of a conversation as they are judged: each turn of the item, in each of these channels.

    A turn that was not held, or not heard (`heard` None or too short for it), is there too, as a broken one.
    """
    return tuple(
        _judged(item, conversation, heard, channel, turn) for channel in channels for turn in range(len(item.turns))
    )


def _judged(item: Item, conversation: Conversation, heard: Heard | None, channel: Channel, last: int) -> Judged:
    said = _answers(conversation, heard, channel)
    exchanges = tuple(
        Exchange(shown(turn.text), shown(said[n]) if n < len(said) else "", shown(turn.reference))
        for n, turn in enumerate(item.turns[: last + 1])
    )
    broken = ""
    if conversation.failure and not exchanges[-1].answer:
        broken = f"the conversation broke off: {_one_line(conversation.failure)}"
    elif last >= len(said):
        held = last < len(conversation.turns)
        broken = f"turn {last + 1} was not {'heard' if held else 'held'}"
    return Judged(conversation.id, last, channel, item.language, exchanges, item.turns[last].answers, broken)


def _answers(conversation: Conversation, heard: Heard | None, channel: Channel) -> tuple[str, ...]:
    if channel == "text":
        return tuple(turn.text for turn in conversation.turns)
    return tuple(turn.transcript for turn in heard.turns) if heard is not None else ()


def shown(text: str) -> str:
    """The text on one line, valid and bounded, as a judge is shown it."""
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]} {CUT}"


def without_a_judge(judged: Judged, judge: str, sample: int) -> Rating | None:
    """The rating that needs no judge: of what broke off, none; of silence, the lowest; else None, for a judge to do."""
    if judged.broken:
        return judged.rating(judge, sample, None, failure=judged.broken)
    if not judged.last.answer:
        return judged.rating(judge, sample, LOWEST, SILENT)
    return None


def _one_line(text: str, most: int = 200) -> str:
    return " ".join(text.split())[:most]
