"""Answers that begin too early: the first words of a guess, the words that take them back, and the true answer from
where a person would take it up; and the fillers of those who wait instead.

English alone; in other languages nobody starts early yet.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kame_data.text.answers import asserts, content, number_values, tells
from kame_data.text.casing import lower
from kame_data.text.function_words import articles, function_words, negated
from kame_data.text.hesitations import bare, clause_end, is_numeral, sentence_end, speaks, within_unit
from kame_data.text.numerals import number_of
from kame_data.text.words import bare_words, join_words, split_words

MOST_WORDS = 12
"""Most words of a guess that are said before they are taken back."""
LONG = 7
"""Words from which on a guess that is a whole sentence may stand as one, and the repair begin a new one."""
LEAD_IN_WORDS = 3
"""Longest sentence before the one with the claim that a repair leaves out."""
STATED = 0.3
"""Share of repairs that say the whole of the true sentence where its claim alone would do."""

FILLERS: dict[str, tuple[str, ...]] = {
    "en": (
        "Let me think.", "Hmm, let me think.", "Let me see.", "Hmm, let me see.", "One moment.", "Hmm, one moment.",
        "Just a second.", "Okay, give me a second.", "Good question, let me think.", "Well, let me think about that.",
        "Okay, let me see.", "Hmm, give me a moment.",
    ),
}  # fmt: skip
"""Words of those who wait, by language."""


@dataclass(frozen=True, slots=True)
class _Repairs:
    """The words of those who begin early, in small letters.

    `doubts` stand before a guess. `sure` take back a guess without doubt, `unsure` one in doubt, `amounts` one before a
    number alone, and `plain` any before a yes or no. `hedged`: a guess that begins so is in doubt already, or goes on
    with what was said before. `light`: words before a claim that say nothing of their own. `leans`: a clause that
    begins so is not the claim yet.
    """

    doubts: tuple[str, ...]
    sure: tuple[str, ...]
    unsure: tuple[str, ...]
    amounts: tuple[str, ...]
    plain: tuple[str, ...]
    hedged: frozenset[str]
    light: frozenset[str]
    leans: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_REPAIRS: dict[str, _Repairs] = {
    "en": _Repairs(
        doubts=("I think", "I guess", "I'd say", "maybe", "hmm, I think", "well, I think"),
        sure=("no, sorry,", "no, wait,", "wait, no,", "wait, actually,", "sorry, no,", "hold on, no,", "oh, sorry,"),
        unsure=("no, wait,", "no, actually,", "or rather,", "wait, no,", "no, sorry,"),
        amounts=("no, make that", "sorry, make that", "or rather,", "no, sorry,", "wait, no,"),
        plain=("wait,", "sorry,", "hold on,", "oh, sorry,", "oh, wait,"),
        hedged=_words("i i'd i'm my maybe perhaps probably so yes no sure well hmm not still and or but then"),
        light=_words(
            "it's that's i'd i'm sure okay well right so yes answer result get gets got makes comes say think still "
            "then there here total altogether my correct exactly just would amounts equals works out all"
        ),
        leans=_words(
            "in on at by for from with because since if when while as after before during under unlike like given to"
        ),
    ),
}


def repairs_in(language: str) -> bool:
    """Tell whether there are words for early starts in a language."""
    return speaks(language) in _REPAIRS


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that begins early: its text; `words`, the first ones, which were said early, of them `lead` of doubt; and
    `mend`, the next ones, which take them back (0: they were right). Of the true turn the words from `taken_up` on
    follow, `shift` words later than there."""

    text: str
    words: int
    lead: int
    mend: int
    taken_up: int
    shift: int


def begun(
    guess: str, truth: str, claim: str, asked: str, language: str, draws: random.Random, *, unsure: bool
) -> Begun | None:
    """The turn that begins with the first words of `guess` and goes on as the true turn `truth` does, which answers
    `claim` to `asked`; None where no person would begin with such words."""
    heard, wanted = split_words(guess, language), split_words(truth, language)
    if not repairs_in(language) or not heard or any(mark in guess for mark in "?:") or not claim:
        return None
    said_all = join_words(heard[:MOST_WORDS], language)
    lead = _lead(heard, language, draws) if unsure else []
    if asserts(said_all, claim, language):
        joint = _joint(heard, wanted, claim, asked, language)
        if joint is None:
            return None
        words, after = joint
        opening = _opening(heard[: words - 1], [_like(heard[words - 1], wanted[after - 1])], lead)
        text = join_words([*opening, *wanted[after:]], language)
        return Begun(text, len(opening), len(lead), 0, after, len(opening) - after)
    cuts = _cuts(heard, claim, language)
    if not cuts:
        return None
    count = draws.choice(cuts)
    part, at = heard[:count], _take_up(wanted, claim, asked, language, draws)
    phrase = draws.choice(_phrases(wanted[at:], language, alone=at > 0, doubt=bool(lead)))
    rest = _small(join_words(wanted[at:], language), asked, language)
    if count >= LONG and sentence_end(part[-1]) and draws.random() < 0.5:
        mend = split_words(phrase[:1].upper() + phrase[1:], language)
        opening = _opening(part[:-1], [part[-1]], lead)
    else:
        mend = split_words(phrase, language)
        opening = _opening(part[:-1], [part[-1].rstrip(",;.!") + ","], lead)
    text = join_words([*opening, *mend, *split_words(rest, language)], language)
    return Begun(text, len(opening), len(lead), len(mend), at, len(opening) + len(mend) - at)


def _phrases(rest: Sequence[str], language: str, *, alone: bool, doubt: bool) -> tuple[str, ...]:
    """The words that may take a guess back before `rest`, which begins with the claim where it is `alone`."""
    known = _REPAIRS[speaks(language)]
    if bare(rest[0]) in ("yes", "no"):
        return known.plain
    usual = known.unsure if doubt else known.sure
    return usual + known.amounts if alone and is_numeral(rest[0], language) else usual


def _small(text: str, asked: str, language: str) -> str:
    """`text` as it stands within a sentence; a name, which has a large letter in `asked` or the text too, keeps it."""
    first = bare(text.partition(" ")[0])
    if first.partition("'")[0] == "i":
        return text
    if first in _REPAIRS[speaks(language)].light or first == "no":
        return text[:1].lower() + text[1:]
    words = split_words(f"{asked} {text}", language)
    named = any(
        bare(word) == first and word[:1].isupper() and not sentence_end(before) for before, word in pairwise(words)
    )
    return text if named else lower(text, asked)


def _lead(guess: Sequence[str], language: str, draws: random.Random) -> list[str]:
    """Words of doubt before a guess; none where it is in doubt already."""
    doubt = draws.choice(_REPAIRS[speaks(language)].doubts)
    if bare(guess[0]) in _REPAIRS[speaks(language)].hedged:
        return []
    return split_words(doubt[:1].upper() + doubt[1:], language)


def _opening(first: Sequence[str], last: Sequence[str], lead: Sequence[str]) -> list[str]:
    words = [*first, *last]
    return [*lead, *lower(join_words(words)).split()] if lead else words


def _like(word: str, other: str) -> str:
    """`word` with the marks behind `other`."""
    return word.rstrip(".,;!") + other[len(other.rstrip(".,;!")) :]


def _find(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where the words stand in a row, marks and large letters aside."""
    for at in range(len(words) - len(wanted) + 1):
        if [bare(word) for word in words[at : at + len(wanted)]] == list(wanted):
            return at
    return None


def _said_claim(claim: str, language: str) -> list[str]:
    words = [bare(word) for word in split_words(claim, language)]
    return words[1:] if len(words) > 1 and words[0] in articles(language) else words


def _joint(guess: Sequence[str], truth: Sequence[str], claim: str, asked: str, language: str) -> tuple[int, int] | None:
    """The words of a right guess that are said, and those of the true turn in whose place they stand; None where the
    two do not meet behind the claim."""
    wanted = _said_claim(claim, language)
    here, there = _find(guess[:MOST_WORDS], wanted), _find(truth, wanted)
    if here is None or there is None or negated(join_words(list(guess[:here]), language), language):
        return None
    same = [*map(bare, guess[:here])] == [*map(bare, truth[:there])]
    if not same and not _says_little(truth[:there], asked, language):
        return None
    here, there = here + len(wanted), there + len(wanted)
    while here < len(guess) and there < len(truth) and bare(guess[here]) == bare(truth[there]):
        if clause_end(guess[here - 1]) and clause_end(truth[there - 1]):
            break
        here, there = here + 1, there + 1
    # A unit may follow ('thirteen pieces.'), but no sentence of another frame.
    small = function_words(language)
    unit = next((n for n in (0, 1, 2) if clause_end(truth[min(there + n, len(truth)) - 1])), None)
    met = same or (unit is not None and not small & {bare(word) for word in truth[there : there + unit]})
    return (here, there) if met and not (there < len(truth) and within_unit(truth, there, language)) else None


def _says_little(words: Sequence[str], asked: str, language: str) -> bool:
    """True where words before a claim say nothing that was not asked, and deny nothing."""
    known = _REPAIRS[speaks(language)].light | function_words(language) | set(bare_words(asked, language))
    return all(bare(word) in known for word in words) and not _denies(words, language)


def _denies(words: Sequence[str], language: str) -> bool:
    return negated(join_words(list(words), language), language) or any(bare(word) in ("yes", "no") for word in words)


def _cuts(guess: Sequence[str], claim: str, language: str) -> list[int]:
    """The numbers of words after which a wrong guess may break off: at the ends of its clauses, from the one on that
    makes a claim."""
    words, known = list(guess), _REPAIRS[speaks(language)]
    found: list[int] = []
    number = number_of(claim, language) is not None
    for count in range(1, min(len(words), MOST_WORDS) + 1):
        ends = count == len(words) or (clause_end(words[count - 1]) and not within_unit(words, count, language))
        if not ends or (bare(words[0]) in known.leans and not found and not _later(words, count)):
            continue
        said = join_words(words[:count], language)
        if number and not number_values(said, language):
            continue
        # What is only a part of the truth is nothing to take back.
        if not number and not set(content(said, language)) - {*content(claim, language), *known.light - {"yes"}}:
            continue
        found.append(count)
    return found


def _later(words: Sequence[str], count: int) -> bool:
    """True where a clause has ended before the one that ends with word `count`."""
    return any(map(clause_end, words[: count - 1]))


def _take_up(truth: Sequence[str], claim: str, asked: str, language: str, draws: random.Random) -> int:
    """The word with which a repair takes up the true turn: that of its claim, where what stands before it says nothing
    new; else its beginning, without a short sentence before the claim's."""
    wanted, whole = _said_claim(claim, language), draws.random() < STATED
    at = _find(truth, wanted)
    if at is not None and not whole and _says_little(truth[:at], asked, language):
        return at - (at > 0 and bare(truth[at - 1]) in articles(language))
    ends = [n for n in range(1, LEAD_IN_WORDS + 1) if n < len(truth) and sentence_end(truth[n - 1])]
    short = ends[-1] if ends else 0
    return short if tells(join_words(list(truth[short:]), language), claim, language) else 0
