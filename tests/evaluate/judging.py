"""Items, conversations and answers for the tests of judges and numbers."""

from collections.abc import Sequence

from kame_data.evaluate.judging.judge import Exchange, Judged
from kame_data.evaluate.records import Answered, Conversation, Heard, HeardTurn, Item, ItemTurn, Rating

LEFT = "My aunt had twenty eggs and gave nine of them to her neighbour. How many has she left?"
RIGHT = "She has eleven left, because twenty minus nine is eleven."


def judged(answer: str = RIGHT, question: str = LEFT, reference: str = "", **more) -> Judged:
    before = tuple(more.pop("before", ()))
    fields = {"conversation": "c", "turn": len(before), "channel": "sound", "language": "en", **more}
    return Judged(**fields, exchanges=(*before, Exchange(question, answer, reference)))


def item(id: str, category: str = "maths", turns: Sequence[ItemTurn] = (ItemTurn(LEFT),)) -> Item:
    return Item(id, "bench", category, "en", tuple(turns))


def held(id: str, item: str, system: str = "tandem", repeat: int = 0, texts: Sequence[str] = ("",), **more):
    answers = tuple(Answered(10.0 * n, 10.0 * n + 3, text) for n, text in enumerate(texts))
    return Conversation(id, item, system, repeat, more.pop("flac", b"fLaC"), answers, **more)


def heard(conversation: str, *transcripts: str, latency: Sequence[float | None] = ()) -> Heard:
    known = [*latency, *[None] * len(transcripts)]
    return Heard(conversation, tuple(HeardTurn(t, latency=known[n]) for n, t in enumerate(transcripts)))


def rating(conversation: str, value: float | None, turn: int = 0, sample: int = 0, judge: str = "a", words: int = 10):
    failure = "" if value is not None else "no_rating: prose"
    return Rating(conversation, turn, "sound", judge, sample, value, "", failure, words)
