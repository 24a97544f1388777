"""Claims of a spoken text: what it says of each quantity that it names, and of any words: that it is so, that it is
more or less than so, one of several, or not so.

Senses are read in English; in other languages a claim is what is so, or what stands behind a negation.
"""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kame_data.text.function_words import function_words, negated
from kame_data.text.number_words import without_percent
from kame_data.text.numerals import TENS, UNITS
from kame_data.text.quantities import Quantity, plural_noun, quantities
from kame_data.text.said_units import Unit
from kame_data.text.words import bare_words

BREAK_RE = re.compile(r"[,;:.!?，。；：！？、،؛؟]")
_WITHIN_RE = re.compile(rf"\b(thousand|million|billion|trillion), (?=(?:{'|'.join((*UNITS, *TENS))})\b)")
_A_HUNDRED_RE = re.compile(r"\ba (?=hundred|thousand|million|billion|trillion)")

IS, ABOVE, LEAST, BELOW, MOST, SPAN, PART, DENIED, ASKED = "is above least below most span part denied asked".split()
_FLIPPED = {ABOVE: MOST, BELOW: LEAST, LEAST: BELOW, MOST: ABOVE}
# Words directly before a quantity, and directly behind it, that make a bound of it.
_BOUND_WORDS = {
    ABOVE: "over above exceeding exceeds exceed beyond",
    BELOW: "under below",
    MOST: "within",
}
_BOUNDS = {word: sense for sense, words in _BOUND_WORDS.items() for word in words.split()}
_BOUND_PAIRS = {
    ("at", "least"): LEAST, ("minimum", "of"): LEAST, ("upwards", "of"): ABOVE, ("north", "of"): ABOVE,
    ("at", "most"): MOST, ("maximum", "of"): MOST, ("up", "to"): MOST, ("at", "minimum"): LEAST,
    ("at", "maximum"): MOST, ("root", "of"): PART, ("half", "of"): PART, ("percent", "of"): PART,
}  # fmt: skip
_BEHIND_RES = {
    LEAST: re.compile(r"(?:\w+ ){0,2}?(?:(?:or|and) (?:more|above|over|up|higher|greater|upwards|beyond)|at least)\b"),
    MOST: re.compile(r"(?:\w+ ){0,2}?(?:or (?:less|fewer|below|under|lower|smaller)|at most|at the most)\b"),
}
_SMALLER = frozenset("less fewer lower smaller shorter lighter cheaper slower younger earlier nearer".split())
# What may stand between a negation and what it denies.
_PASSED_TEXT = """
    yet quite exactly really just even simply necessarily only actually merely about approximately roughly around nearly
    almost equal equals say said think believe suppose guess mean come comes came adds add up get gets got make makes
    made give gives gave leave leaves left find answer result total value number correct true case possible possibly
    likely probably way chance all any always me us altogether be been sure called right it's that's there's he's she's
    they're we're you're what's
"""
_PASSED = (frozenset(_PASSED_TEXT.split()) | function_words()) - {"but", "because", "so", "although", "while"}
_PASSED_MOST = 9
_NOT_RE = re.compile(r"not|never|neither|nor|cannot|without|doubt|no|nobody|hardly|scarcely|[a-z]+n't")
_EXCEPT = frozenset((
    ("anything", "but"), ("everything", "but"), ("all", "but"), ("rather", "than"), ("other", "than"),
    ("instead", "of"), ("except", "for"), ("apart", "from"), ("far", "from"),
))  # fmt: skip
_ANSWER = "the (?:right |correct )?(?:answer|result|value|number|one|solution|case|total)"
_VERDICT = (
    r"(?:(?:quite|just|simply|clearly|obviously|plainly|way|far|also|certainly|definitely|the|a|an|be) )*"
    r"(?:wrong|incorrect|false|mistaken|mistake|error|impossible|untrue|invalid|not it|"
    r"too (?:high|low|many|few|much|big|small|large|little|long|short)|"
    r"not (?:quite |really )?(?:right|correct|true|possible|"
    rf"{_ANSWER}))\b"
)
_DENY = (
    rf"(?:(?:is|was|are|were|be|seems?|looks?|sounds?|would be|must be|has to be|can only be) {_VERDICT}|"
    r"(?:isn't|wasn't|aren't|weren't|can't be|cannot be|couldn't be|won't be|would not be|wouldn't be|must not be|"
    r"can not be|could not be|is never|was never) (?:quite |really )?"
    rf"(?:right|correct|true|possible|it|so|{_ANSWER})\b|"
    r"(?:doesn't|does not|cannot|can't|won't|don't|do not) (?:work|fit|hold|add up|make sense|be (?:right|true|it))\b)"
)
_DENIED_BEHIND_RE = re.compile(rf"(?:\w+ ){{0,3}}?{_DENY}")
_NEXT_DENIES_RE = re.compile(
    rf"(?:well |oh |but )?(?:(?:that|this|which|it) {_DENY}|(?:that's|it's|this is) {_VERDICT}|{_VERDICT}$|"
    r"(?:no|nope|nah|never)(?: (?:wait|sorry|actually|not|it|it's|that|that's|that isn't|make|rather|i)\b.*)?$|"
    r"not (?:quite|really|so|right|true|correct|that|it|at all)$)"
)
_CORRECTS_RE = re.compile(
    r"(?:no wait|wait|wait no|i mean|i meant|or rather|rather|make that|scratch that|sorry|correction|actually no|"
    r"no sorry|well no|no|oh no)\b"
)
_ASKS = frozenset("is are was were does do did could would should can might will has have isn't aren't".split())
_CHANGE_RE = re.compile(
    r"\b(?:rise|rose|grow|grew|gr?own|go|went|gone|fall|fell|drop\w*|increas\w*|decreas\w*|chang\w*|jump\w*|add\w*|"
    r"doubl\w*|shr[aiu]nk|reduc\w*|rais\w*|climb\w*|sink|sank|compar\w*|turn\w*)(?:s|es|ing)?\b"
)
_JOINS = frozenset(["or", "to", "through"])


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text says (`sense`) of quantities: of one, or of all between which a span lies."""

    quantities: tuple[Quantity, ...]
    sense: str

    def names(self, answer: "Claim") -> bool:
        """True where this says the quantities of an answer, in whatever sense."""
        if answer.sense == SPAN:
            return len(self.quantities) == len(answer.quantities) and all(
                ours.same(theirs) for ours, theirs in zip(self.quantities, answer.quantities, strict=True)
            )
        return any(ours.same(answer.quantities[0]) for ours in self.quantities)

    def asserts(self, answer: "Claim") -> bool:
        """True where this says that the answer is so."""
        return self.sense == answer.sense and self.names(answer)


class Said:
    """The words of a spoken text, clause by clause, and what is said of a row of them."""

    def __init__(self, text: str, language: str) -> None:
        self.language = language
        self.clauses: list[list[str]] = []
        self.stops: list[str] = []
        marks = [m[0] for m in BREAK_RE.finditer(text)]
        for clause, stop in zip(BREAK_RE.split(text), [*marks, ""], strict=True):
            if found := words_of(clause, language):
                self.clauses.append(found)
                self.stops.append(stop)
            elif self.stops and stop == "?":
                self.stops[-1] = stop

    def sense(self, clause: int, start: int, after: int) -> str:
        """What is said of words[start:after] of a clause."""
        words = self.clauses[clause]
        if self.language.split("-")[0] != "en":
            return DENIED if self._negated_elsewhere(words, start) else IS
        bound, first = _bound(words, start)
        behind = " ".join(words[after : after + 10])
        bound = bound or next((sense for sense, shape in _BEHIND_RES.items() if shape.match(behind)), "")
        bound = bound or (LEAST if behind == "plus" else "")
        if not bound and tuple(words[max(0, first - 2) : first]) in _EXCEPT:
            return DENIED
        if _is_negated(words, first):
            return _FLIPPED.get(bound, DENIED)
        if self._taken_back(clause, after, behind):
            return DENIED
        return ASKED if self._asked(clause) else bound or IS

    def _negated_elsewhere(self, words: Sequence[str], start: int) -> bool:
        small, at = function_words(self.language), start - 1
        while at >= 0 and start - at < _PASSED_MOST and words[at] in small and not negated(words[at], self.language):
            at -= 1
        return at >= 0 and negated(words[at], self.language)

    def _taken_back(self, clause: int, after: int, behind: str) -> bool:
        """True where what follows says that it was wrong."""
        if _DENIED_BEHIND_RE.match(behind) or _corrects(behind):
            return True
        if clause + 1 >= len(self.clauses) or len(self.clauses[clause]) - after > 3:
            return False
        following = self.clauses[clause + 1]
        text, tag = " ".join(following[:12]), self.stops[clause + 1] == "?"
        if not tag and _NEXT_DENIES_RE.match(text):
            return True
        more = " ".join((*following, *(self.clauses[clause + 2] if clause + 2 < len(self.clauses) else ()))[:12])
        return _corrects(more)

    def _asked(self, clause: int) -> bool:
        """True in a question that its verb begins, and that is not confirmed."""
        if self.stops[clause] != "?" or self.clauses[clause][0] not in _ASKS or len(self.clauses[clause]) < 3:
            return False
        following = self.clauses[clause + 1][:1] if clause + 1 < len(self.clauses) else []
        return not following or following[0] not in ("yes", "yeah", "yep", "right", "correct", "indeed", "exactly")


def words_of(text: str, language: str) -> list[str]:
    """The words in small letters, hyphens apart, 'a hundred' as the number that it is."""
    if language.split("-")[0] != "en":
        return bare_words(without_percent(text), language)
    return bare_words(_A_HUNDRED_RE.sub("one ", text.casefold().replace("’", "'").replace("-", " ")))


def _bound(words: Sequence[str], start: int) -> tuple[str, int]:
    """The bound that words before a place make of it, and where they begin; "" and the place without one."""
    at = start
    while at and words[at - 1] in ("about", "around", "roughly", "exactly", "the", "a", "an"):
        at -= 1
    pair = tuple(words[max(0, at - 2) : at])
    if pair in _BOUND_PAIRS:
        return _BOUND_PAIRS[pair], at - 2
    if pair[1:] == ("than",) and pair not in _EXCEPT:
        return (BELOW if pair[0] in _SMALLER else ABOVE), at - 2
    if at and words[at - 1] in _BOUNDS:
        return _BOUNDS[words[at - 1]], at - 1
    return "", at


def _is_negated(words: Sequence[str], start: int) -> bool:
    """True where a negation reaches as far as a place."""
    for at in range(start - 1, max(-1, start - 1 - _PASSED_MOST), -1):
        word = words[at]
        if _NOT_RE.fullmatch(word):
            # 'No doubt it is five' and 'no it is five' say that it is five.
            if word == "doubt":
                return not at or words[at - 1] not in ("no", "without", "not")
            return word != "no" or at + 1 == start or not _begins_answer(words[at + 1])
        if word not in _PASSED:
            return False
    return False


def _begins_answer(word: str) -> bool:
    """True for a word with which a sentence goes on behind 'no' as an answer."""
    return word in function_words() or "'" in word


def _corrects(text: str) -> bool:
    """True where words begin with a correction that has a number of its own."""
    found = _CORRECTS_RE.match(text)
    return bool(found and quantities(text[found.end() :].split()))


@lru_cache(maxsize=4096)
def readings(text: str, language: str = "en") -> tuple[tuple[Claim, ...], ...]:
    """The claims that a spoken text makes of quantities, in order: one reading, or two where a comma may stand within a
    number."""
    joined = _WITHIN_RE.sub(r"\1 ", text.casefold())
    return tuple(tuple(_claims(Said(each, language))) for each in dict.fromkeys((text.casefold(), joined)))


def claims(text: str, language: str = "en") -> list[Claim]:
    """The claims of all readings of a text."""
    return [claim for reading in readings(text, language) for claim in reading]


def _claims(said: Said) -> Iterator[Claim]:
    group: list[tuple[int, Quantity]] = []
    open_end = False  # a choice is meant among the quantities of the group
    for clause, words in enumerate(said.clauses):
        for quantity in quantities(words, said.language):
            link = _link(said, group[-1], clause, quantity) if group else ""
            if not link:
                yield from _grouped(said, group, open_end)
                group, open_end = [], False
            open_end = open_end or link == "or"
            group.append((clause, quantity))
    yield from _grouped(said, group, open_end)


def _grouped(said: Said, group: list[tuple[int, Quantity]], open_end: bool) -> Iterator[Claim]:
    senses = [said.sense(clause, found.start, found.after) for clause, found in group]
    # What is said twice in other words is no choice.
    if open_end and not all(found.same(group[0][1]) for _, found in group):
        denied = next((sense for sense in senses if sense in (DENIED, ASKED)), SPAN)
        shared: Unit | None = next((found.unit for _, found in reversed(group) if found.unit), None)
        yield Claim(tuple(replace(found, unit=found.unit or shared) for _, found in group), denied)
        return
    for (_, found), sense in zip(group, senses, strict=True):
        yield Claim((found,), sense)


def _link(said: Said, before: tuple[int, Quantity], clause: int, found: Quantity) -> str:
    """How a quantity goes on with the one before it: "or" as another choice or end, "," as the next of a list; or
    ""."""
    last, first = before
    if said.language.split("-")[0] != "en" or clause - last > 1:
        return ""
    words = said.clauses[last]
    if clause > last and said.stops[last] != ",":
        return ""
    gap = words[first.after : found.start if clause == last else len(words)]
    gap = gap[1:] if gap and plural_noun(gap[0]) else gap
    gap = [*gap, *(said.clauses[clause][: found.start] if clause > last else ())]
    gap = [word for word in gap if word not in ("even", "maybe", "perhaps", "possibly", "about", "either")]
    if not gap:
        return "," if clause > last else ""
    if gap == ["or"] or (gap == ["and"] and "between" in words[max(0, first.start - 2) : first.start]):
        return "or"
    if clause == last and gap in (["to"], ["through"]):
        return "" if _CHANGE_RE.search(" ".join(words[max(0, first.start - 8) : first.start])) else "or"
    return ""


@lru_cache(maxsize=4096)
def said_of(said: str, wanted: str, language: str = "en") -> tuple[str, ...]:
    """What a text says of each place at which it has the words `wanted` in a row (bare words with spaces)."""
    text, row = Said(said, language), wanted.split()
    return tuple(
        text.sense(clause, at, at + len(row))
        for clause, words in enumerate(text.clauses)
        for at in range(len(words) - len(row) + 1)
        if words[at : at + len(row)] == row
    )
