"""Levels 1 to 4: more of the truth with every level, the answer first, so that a cut oracle still carries it."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from kame_data.errors import Refusal
from kame_data.offline.guesses import heard_choices
from kame_data.offline.wording import closed, cut, is_thing, number_words, quantities, sentences, trimmed, upper
from kame_data.oracles.acceptance import MAX_WORDS, OracleTask
from kame_data.text.answers import asserts, key, tells
from kame_data.text.function_words import articles, function_words

_AROUND = ("around", "close to", "about", "something like")
_ABOUT = ("It has to do with {}.", "It's about {}.", "Something with {}.", "Think of {}.")
_NOT = ("Not {}.", "Not {}, I'd say.", "Anything but {}.")
_NUMBER = ("I'd say {}.", "It's {}.", "That makes {}.", "It should be {}.", "{}, I'd say.", "So {}.")
_WORDS = ("I'd say: {}.", "My answer is: {}.", "{}, I'd say.", "{}, I think.", "It's this: {}.")
_VERBAL_RE = re.compile(r"\w(?:ed|ly)\b|\w\wing$")
_NOUN_RE = re.compile(r"(?:tion|sion|ment|ity|ness|ism|ance|ence|ship|logy|ics|ure|age|[a-z]{3}er|[a-z]{3}or|ium)s?$")
_NO_TOPIC = frozenset(
    ["yes", "no", "true", "false", "not", "what", "which", "who", "whom", "whose", "how", "why", "where", "when"]
)
_EXACT, _STEP, _EXCLUDED = 0.25, 0.5, 0.35
_PIECE, _SHORT, _CLIPPED = 4, 5, 14
"""Words of a piece on level 1 at the most; of an answer or choice that is short; of one that has no half on level 2."""
_SHORTER, _EARLY = 28, 5
_ROOM = MAX_WORDS - 3
"""Words that leave room for a frame."""
_CUT_RE = re.compile(r"(?:of|in|on|at|by|for|from|with|to|than|because|if|when|while|which|that|who|and|but|or|as)")


@dataclass(frozen=True, slots=True)
class Truth:
    """The coming turn and its short `answer`; that is the first sentence where no other is known."""

    turn: str
    answer: str

    @classmethod
    def of(cls, task: OracleTask) -> "Truth":
        """The truth of a task."""
        return cls(task.coming_turn, task.result or sentences(task.coming_turn)[0].rstrip(".?!"))

    @property
    def number(self) -> Fraction | None:
        """The number that the answer is, or begins with; None where it is none."""
        found, words = list(quantities(self.answer)), self.answer.split()
        return found[0][2] if len(found) == 1 and not found[0][0] and len(words) < found[0][1] + 5 else None

    def with_number(self, said: str) -> str:
        """The first sentence, as far as an oracle goes, with another number in the answer's place; "" without one."""
        first = sentences(self.turn)[0].split(", since ")[0]
        found = list(quantities(first))
        places = [(at, end) for at, end, value in found if value == self.number]
        # A sentence with other numbers says something of both.
        if not said or not places or len(found) > 1:
            return ""
        words = first.rstrip(".").split()
        at, end = places[0]
        mark = "," if words[end - 1].endswith(",") else ""
        return closed(cut([*words[:at], *f"{said}{mark}".split(), *words[end:]], _ROOM))


def near(truth: Truth, heard: str, draws: random.Random) -> str:
    """Level 1: topic and direction, without the answer. Raises Refusal(`no_hint`)."""
    for text in _near(truth, heard, draws):
        if text and not tells(text, truth.answer):
            return text
    raise Refusal("no_hint", f"nothing can be said of '{truth.answer[:40]}' without saying it")


def _near(truth: Truth, heard: str, draws: random.Random) -> Iterator[str]:
    if truth.number is not None:
        for factor in draws.sample((70, 80, 90, 110, 125, 150), 6):
            value = _rounded(truth.number * factor / 100)
            value = Fraction(round(value)) if truth.number.denominator == 1 else value
            if value not in (truth.number, 1) and (said := number_words(value)):
                beyond = ("more than",) if value < truth.number else ("less than",)
                hedges = draws.choice((_AROUND, beyond)) if truth.number > 0 else _AROUND
                near_by = f"{draws.choice(hedges)} {said}"
                yield truth.with_number(near_by)
                yield closed(near_by)
    wrong = [draws.choice(_NOT).format(choice) for choice in _wrong(truth, heard)]
    wrong += [s for s in sentences(truth.turn)[1:] if s.startswith("Not ")]
    # Of a short answer there is no piece to give.
    if wrong and draws.random() < (_EXCLUDED if len(truth.answer.split()) > 2 else 1 - _EXCLUDED / 2):
        yield draws.choice(wrong)
    pieces = _topics(truth.answer)
    for piece in draws.sample(pieces, len(pieces)):
        yield _about(piece, draws)
        yield _about(piece[-1:], draws)
    last = sentences(heard)[-1]
    topics = _topics(last if len(last.split()) > _SHORT else heard)
    for piece in draws.sample(topics, len(topics)):
        yield _about(piece, draws)


def _wrong(truth: Truth, heard: str) -> list[str]:
    """The short wrong choices that were heard."""
    found = [c for c in heard_choices(heard) if is_thing(c)]
    return [c for c in found if not tells(c, truth.answer) and not tells(truth.answer, c)]


def _about(piece: list[str], draws: random.Random) -> str:
    said = trimmed(piece)
    return draws.choice(_ABOUT).format(said) if said and "'" not in said and key(said) not in _NO_TOPIC else ""


def _topics(text: str) -> list[list[str]]:
    """Pieces of up to four words that are no small ones, each with the article before it."""
    runs: list[list[str]] = [[]]
    for word in text.split():
        small = key(word) in function_words() or key(word) in _NO_TOPIC
        if small or len(runs[-1]) == _PIECE:
            runs.append([word.casefold()] if key(word) in articles() else [])
        if not small:
            runs[-1].append(word.strip(",;:.?!"))
            runs += [[]] * (word[-1] in ",;:.?!")
    telling = (run for run in runs if len(run) > 1 or (run and _NOUN_RE.search(run[0])))
    return [run for run in telling if not (any(quantities(" ".join(run))) or _VERBAL_RE.search(f"{run[0]} {run[-1]}"))]


def _rounded(value: Fraction) -> Fraction:
    """A number of one digit more than its size, as one says it: 66 to 65, 1,234 to 1,200, 0.33 to 0.3."""
    size = Fraction(10) ** max(len(str(int(abs(value)))) - 2, 0)
    step = size * 5 if abs(value) > 40 * size else size if abs(value) > 3 else Fraction(1, 10)
    return round(value / step) * step


def half(truth: Truth, heard: str, draws: random.Random) -> str:
    """Level 2: a part of the truth, now and then the answer itself; no number that is neither said nor true."""
    if draws.random() < _EXACT:
        return right(truth, draws)
    steps = [s for s in sentences(truth.turn)[1:] if len(s.split()) <= MAX_WORDS and not tells(s, truth.answer)]
    if steps and draws.random() < _STEP:
        return draws.choice(steps)
    if (number := truth.number) is not None:
        said = {value for _, _, value in quantities(heard) if value <= number * 10 and number <= value * 10}
        said = {value for value in said if value.denominator == 1 or number.denominator > 1}
        said -= {number, Fraction(1)}
        if said:
            bound = draws.choice(sorted(said, key=lambda v: abs(v - number))[:2])
            over = "more than" if bound < number else "less than"
            bounded = f"{over} {number_words(bound)}"
            return truth.with_number(bounded) or closed(bounded)
        return draws.choice(steps) if steps else right(truth, draws)
    if (wrong := _wrong(truth, heard)) and len(truth.answer.split()) <= _SHORT and draws.random() < _STEP:
        pair = draws.sample([truth.answer, draws.choice(wrong)], 2)
        return f"Either {pair[0]} or {pair[1]}."
    if part := _half_of(truth.answer.split()):
        return closed(part)
    return draws.choice(steps) if steps else right(truth, draws)


def _half_of(words: list[str]) -> str:
    """The first half of an answer, to where a phrase of it ends; of a short one the first of its words with content."""
    if len(words) <= _CLIPPED and "times ten to" in " ".join(words):
        return ""
    if len(words) <= _SHORT:
        content = [w for w in words if key(w) not in function_words()]
        part = cut(content, len(content) // 2)
        return f"{part}, I'd say" if part else ""
    half = min(len(words) // 2, _ROOM)
    ends = [n for n in range(2, half + 2) if _CUT_RE.fullmatch(words[n]) or words[n - 1][-1] in ",;."]
    return cut(words, max(ends, default=half))


def right(truth: Truth, draws: random.Random) -> str:
    """Level 3: the answer in other words than the truth's; as much of it as an oracle holds."""
    answer = truth.answer
    if len(words := answer.split()) > _ROOM:
        # Most of the content has to be heard, to the end of a clause if one ends there.
        ends = [n for n in range(len(words) // 2, _ROOM + 1) if words[n - 1][-1] in ",;"]
        answer = next((part for n in reversed(ends) if asserts(part := cut(words, n), answer)), cut(words, _ROOM))
    frames = _NUMBER if truth.number is not None else _WORDS
    texts = [upper(frame.format(answer)) for frame in draws.sample(frames, len(frames))]
    text = next((text for text in texts if key(text) not in key(truth.turn)), texts[0])
    more = [s for s in sentences(truth.turn)[1:] if len(f"{text} {s}".split()) <= _SHORTER]
    return f"{text} {more[-1]}" if more else text


def almost(truth: Truth, draws: random.Random) -> str:
    """Level 4: the truth nearly as it stands, from its first sentence on, as far as an oracle goes."""
    told = sentences(truth.turn)
    kept: list[str] = []
    for sentence in told:
        if len(" ".join([*kept, sentence]).split()) <= MAX_WORDS - 2:
            kept.append(sentence)
    if told[0] not in kept or not asserts(" ".join(kept), truth.answer):
        kept = [closed(cut(told[0].split(), _ROOM))]
    if not asserts(" ".join(kept), truth.answer):
        return right(truth, draws)
    if len(truth.answer.split()) <= _EARLY and not asserts(" ".join(kept[0].split()[:_EARLY]), truth.answer):
        # A cut oracle would lack it.
        return f"{closed(truth.answer)} {kept[0]}"
    if key(" ".join(kept)) in (key(truth.turn), key(truth.answer)):
        kept[0] = f"{kept[0].rstrip('.')}, {draws.choice(('I would say', 'I think'))}."
    return " ".join(kept)
