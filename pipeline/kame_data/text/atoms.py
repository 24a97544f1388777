"""Parts of spoken words that must not be lost, read back: numbers by value, signs, powers, units; each with its place.

Words are read in every way that they can be: "nineteen eighty-nine" is 1989, and 19 and 89; "two ten" is 210, 2 and 10.
So there are edges from word to word, each with a label: a number is a Fraction, all else a short text.
"""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from kame_data.text.numerals import SCALES, TENS, UNITS, whole_number
from kame_data.text.units import UNITS as SYMBOLS

Label = Fraction | str
_LONGEST = 24
"""Words of one number at most."""
_DIGITS = 16
_ORDINAL_TEXT = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth
"""
ORDINALS = {word: value for value, word in enumerate(_ORDINAL_TEXT.split(), start=1)}
ORDINALS |= {word[:-1] + "ieth": value for word, value in TENS.items()}
_ORDINAL_SCALES = {"hundredth": 100} | {f"{word}th": value for word, value in SCALES.items()}
_PLURALS = {word[:-1] + "ies": value for word, value in TENS.items()}
_PLURALS |= {word + ("es" if word.endswith("x") else "s"): value for word, value in UNITS.items() if word != "oh"}
_SCALES = SCALES | {"hundred": 100, "dozen": 12}
_SCALE_PLURALS = {"hundreds": 100} | {f"{word}s": value for word, value in SCALES.items()}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}
# What an ordinal is as the lower part of a fraction, one or several of it.
LAST = ORDINALS | _ORDINAL_SCALES
LAST |= {f"{word}s": value for word, value in LAST.items()}
_MONEY = frozenset(("dollar", "dollars", "euro", "euros", "pound", "pounds"))
_CENTS = frozenset(("cent", "cents", "penny", "pence"))
# Words that stand for signs, and those of them that a text may also have for other reasons.
_SIGNS = {
    word: label
    for label, words in {
        "minus": "minus negative subtract subtracted subtracting difference below",
        "plus": "plus sum add added",
        "times": "times multiplied multiply product",
        "over": "over divided divide",
        "square": "square squared",
        "cube": "cube cubed cubic",
        "quantity": "quantity parentheses parenthesis brackets result",
        "equals": "equals",
        "greater": "greater more",
        "about": "about approximately",
        "to": "to through",
        "absolute": "absolute magnitude",
        "gives": "gives",
        "approaches": "approaches approach",
        "balance": "equilibrium",
    }.items()
    for word in words.split()
} | {word: word for word in "percent equal root factorial power per by or less infinity given standard".split()}
FIRM = frozenset(("minus", "plus", "times", "percent", "square", "cube", "root", "cube root", "factorial", "infinity"))
"""Labels that speech may not have beyond those of its source."""
_LOOSE = frozenset(
    "subtract subtracted subtracting difference below multiply multiplied divide product sum add added parentheses "
    "parenthesis brackets result negative".split()
)
_MONTHS = "january february march april may june july august september october november december"
MONTHS = {word: f"month {number}" for number, word in enumerate(_MONTHS.split(), start=1)}
_BREAK_RE = re.compile(r"[,;:.!?]")
_WORD_RE = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Edge:
    """A label that the words from some place to `end` may be read as; `firm` where they must mean something."""

    label: Label
    end: int
    firm: bool = True


@cache
def unit_words() -> frozenset[str]:
    """The words that units are made of, one of each."""
    found = {word for one, _ in SYMBOLS.values() for word in one.lower().replace("-", " ").split()}
    return frozenset(found - {"of", "per", "absolute", "million", "billion", "square", "cubic"})


@cache
def singulars() -> dict[str, str]:
    """The words of units, several and one, and the one."""
    found = {word: word for word in unit_words()}
    for one, many in SYMBOLS.values():
        pairs = zip(one.lower().replace("-", " ").split(), many.lower().replace("-", " ").split(), strict=True)
        found.update({plural: single for single, plural in pairs if single in unit_words()})
    return found | {
        "cent": "cent",
        "cents": "cent",
        "dollars": "dollar",
        "dollar": "dollar",
        "euros": "euro",
        "euro": "euro",
    }


def values(text: str) -> set[Fraction]:
    """Every number that a spoken text may be heard to hold as a whole: of `nineteen eighty-nine` 1989 alone."""
    # A comma may stand within a number, and between two.
    clauses = [words_of(clause) for clause in _BREAK_RE.split(text)]
    return set().union(_values(words_of(text)), *map(_values, clauses))


def years(text: str) -> set[Fraction]:
    """The years that are said in a text as years are: nineteen eighty-nine, nineteen oh five."""
    words = words_of(text)
    starts = (at for at in range(len(words)) if not at or not _goes_on(words[at - 1]))
    said = ((value, end) for at in starts for value, end in _years(words, at) if 1000 <= value < 3000)
    return {Fraction(value) for value, end in said if end == len(words) or not _numeric(words[end])}


def _values(words: Sequence[str]) -> set[Fraction]:
    found: set[Fraction] = set()
    open_at = 0  # where a number may begin: behind a word that is none, or where the number before is whole
    for at in range(len(words)):
        if at and at != open_at and _goes_on(words[at - 1]) and not _after_place(words, at):
            continue
        _, whole = whole_number(words[: at + _LONGEST], at)
        ends = {end for _, end in readings(words, at) if end in (whole, len(words)) or _ends(words, end)}
        found |= {value for value, end in readings(words, at) if end in ends}
        open_at = max(open_at, whole)
    return found | _of_versions(words)


def _of_versions(words: Sequence[str]) -> set[Fraction]:
    """The numbers of versions and addresses (two point four point one, two point ten), which are no decimals: they have
    more than one point, or a whole number of more than one figure behind it."""
    found: set[Fraction] = set()
    at = 0
    while at < len(words):
        parts: list[int] = []
        end = at
        while end < len(words):
            value, end = whole_number(words[: end + _LONGEST], end)
            if value is None:
                break
            parts.append(value)
            if words[end : end + 1] != ["point"]:
                break
            end += 1
        if len(parts) > 2 or (len(parts) == 2 and parts[1] > 9):
            found |= {Fraction(part) for part in parts}
        at = max(end, at + 1)
    return found


def _goes_on(word: str) -> bool:
    return word in UNITS or word in TENS or word in SCALES or word in ("hundred", "point")


def _after_place(words: Sequence[str], at: int) -> bool:
    """True behind the word `point` where that is no decimal mark: at the point twenty centimeters from it."""
    if words[at - 1] != "point" or (at > 1 and _goes_on(words[at - 2])):
        return False
    return not all(UNITS.get(word, 10) < 10 for word in (*words[at : at + 2], "")[:2])


def _ends(words: Sequence[str], end: int) -> bool:
    """True where a number may end before a word: of seconds, dozens and million electron volts it is the first part."""
    unit = words[end] in ("second", "seconds", "dozen") or words[end + 1 : end + 2] == ["electron"]
    return unit or not _numeric(words[end])


def _numeric(word: str) -> bool:
    return _goes_on(word) or word in _PARTS or word in LAST or word == "dozen"


def words_of(text: str) -> list[str]:
    """The words of a spoken text in small letters, hyphened ones apart."""
    return _WORD_RE.findall(text.casefold().replace("-", " "))


def edges(words: Sequence[str]) -> list[list[Edge]]:
    """For every word the edges that begin at it; none at words that carry nothing to be kept."""
    return [list(_edges_at(words, place)) for place in range(len(words))]


def _edges_at(words: Sequence[str], at: int) -> Iterator[Edge]:
    word = words[at]
    if word in ("square", "cube") and words[at + 1 : at + 2] == ["root"]:
        yield Edge("root" if word == "square" else "cube root", at + 2)
        return
    if sign := _SIGNS.get(word):
        yield Edge(sign, at + 1, sign in FIRM and word not in _LOOSE)
    if word == "to" and words[at + 1 : at + 2] == ["the"]:
        yield Edge("power", at + 2, firm=False)
        if words[at + 2 : at + 4] == ["power", "of"]:
            yield Edge("power", at + 4, firm=False)
    if unit := singulars().get(word):
        yield Edge(unit, at + 1, firm=False)
    if month := MONTHS.get(word):
        yield Edge(month, at + 1, firm=False)
    for value, end in readings(words, at):
        yield Edge(value, end, firm=word not in ("a", "an", "point") and not (word == "second" and end == at + 1))


def readings(words: Sequence[str], at: int) -> Iterator[tuple[Fraction, int]]:
    """Every number that may begin at a word of a text (small letters, hyphens apart), and the place after it."""
    word = words[at]
    if word == "oh" and words[at + 1 : at + 2] and words[at + 1] not in UNITS:
        return  # no nought, but letters of a formula
    if not (
        word in UNITS
        or word in TENS
        or word in _PARTS
        or word in _SCALE_PLURALS
        or word in ORDINALS
        or word in _PLURALS
        or word in _ALONE
    ):
        return
    seen: set[tuple[Fraction, int]] = set()
    for value, end in _all_readings(words, at):
        if (value, end) not in seen:
            seen.add((value, end))
            yield value, end


_ALONE = frozenset(("a", "an", "point", "hundred", "thousand", "million", "billion", "dozen", "twice", "hundredths"))


def _all_readings(words: Sequence[str], at: int) -> Iterator[tuple[Fraction, int]]:
    word = words[at]
    if word in ("half", "quarter"):
        yield Fraction(1, _PARTS[word]), at + 1
        scale = (
            _SCALES.get(words[at + 2])
            if word == "half" and words[at + 1 : at + 2] in (["a"], ["one"]) and at + 2 < len(words)
            else 0
        )
        if scale:
            yield Fraction(scale, 2), at + 3
    if word in _PLURALS:
        yield Fraction(_PLURALS[word]), at + 1
    if word in ORDINALS:
        yield Fraction(ORDINALS[word]), at + 1
    if word in ("a", "an"):
        after = words[at + 1] if at + 1 < len(words) else ""
        if after in SCALES or after == "hundred":
            for value, end in _wholes(("one", *words[at + 1 : at + _LONGEST]), 0):
                if end > 1:
                    yield Fraction(value), at + end
        if after == "dozen":
            yield Fraction(12), at + 2
        for value, end in _lower(words, at + 1):
            yield Fraction(1, value), end
        return
    if word == "dozen":
        yield Fraction(12), at + 1
    if word == "point":
        yield from _decimals(words, at, Fraction(0))
        return
    for value, end in _wholes(words, at):
        yield from _grown(words, value, end)


def _grown(words: Sequence[str], value: int, end: int) -> Iterator[tuple[Fraction, int]]:
    """A whole number, and what the words behind it make of it: decimals, parts, dozens, cents."""
    number = Fraction(value)
    yield number, end
    for lower, stop in _lower(words, end):
        yield number / lower, stop
    after = words[end] if end < len(words) else ""
    if after == "point":
        yield from _decimals(words, end, number)
    elif after == "dozen":
        yield number * 12, end + 1
    elif after in _CENTS:
        yield number / 100, end + 1
    elif after in _MONEY:
        start = end + 1 + (words[end + 1 : end + 2] == ["and"])
        for cents, stop in _wholes(words, start):
            if cents < 100 and words[stop : stop + 1] and words[stop] in _CENTS:
                yield number + Fraction(cents, 100), stop + 1
    elif after == "and":
        start = end + 1
        article = words[start : start + 1] == ["a"]
        for top, stop in [(1, start + 1)] if article else _wholes(words, start):
            for lower, last in _lower(words, stop):
                if top < lower:
                    more = number + Fraction(top, lower)
                    yield more, last
                    if last < len(words) and words[last] in _SCALES:
                        yield more * _SCALES[words[last]], last + 1


def _lower(words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    """Name of the parts of a fraction: half, third, sixty-fourths, one hundredth, seven thousandths."""
    if at >= len(words):
        return
    if words[at] in _PARTS:
        yield _PARTS[words[at]], at + 1
        return
    yield from ((value, end) for value, end in _ordinals(words, at) if value > 2 or words[at] not in LAST)


def _ordinals(words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    """Ordinal numbers of one or several words, in the singular or the plural."""
    if words[at] in LAST:
        yield LAST[words[at]], at + 1
        return
    for end in range(at + 1, min(len(words), at + _LONGEST)):
        before, stop = whole_number(words[:end], at)
        if before is None or stop != end:
            return
        if (last := LAST.get(words[end])) and (last >= 100 or _joins(before, last)):
            yield before * last if last >= 100 else before + last, end + 1


def _decimals(words: Sequence[str], point: int, whole: Fraction) -> Iterator[tuple[Fraction, int]]:
    digits, at = "", point + 1
    while at < len(words) and len(digits) < _DIGITS and UNITS.get(words[at], 10) < 10:
        digits, at = digits + str(UNITS[words[at]]), at + 1
        value = whole + Fraction(int(digits), 10 ** len(digits))
        yield value, at
        if scale := _SCALES.get(words[at]) if at < len(words) else None:
            yield value * scale, at + 1


def _wholes(words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    """Whole numbers that begin at a word: as cardinals and all their beginnings, as years, and figure by figure."""
    if at >= len(words):
        return
    last = min(len(words), at + _LONGEST)
    value, longest = whole_number(words[:last], at)
    if value is not None:
        yield value, longest
        for end in range(at + 1, longest):
            shorter, stop = whole_number(words[:end], at)
            if shorter is not None and stop == end:
                yield shorter, end
        for end in range(at + 1, min(longest + 1, len(words))):
            shorter, stop = whole_number(words[:end], at)
            if shorter is None or stop != end:
                continue
            if words[end] in _PLURALS and 10 <= shorter < 100:
                yield shorter * 100 + _PLURALS[words[end]], end + 1
            if words[end] in _SCALE_PLURALS:
                yield shorter * _SCALE_PLURALS[words[end]], end + 1
        yield from _ordinals(words, at)
    yield from _years(words, at)
    yield from _figures(words, at)


def _joins(before: int, last: int) -> bool:
    """True where an ordinal below continues the number before it: twenty-first, one hundred third."""
    size = 100 if last >= 10 else 10
    return before >= 20 and before % size == 0


def _years(words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    """Two numbers that are said for one of three or four figures: nineteen eighty-nine, nineteen oh five, three ten."""
    for high, middle in _below_hundred(words, at):
        if not high or middle >= len(words):
            continue
        if words[middle] in ("oh", "zero") and UNITS.get(" ".join(words[middle + 1 : middle + 2]), 10) < 10:
            yield high * 100 + UNITS[words[middle + 1]], middle + 2
        for low, end in _below_hundred(words, middle):
            if low >= 10:
                yield high * 100 + low, end


def _below_hundred(words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    word = words[at] if at < len(words) else ""
    if word in UNITS:
        yield UNITS[word], at + 1
    elif word in TENS:
        yield TENS[word], at + 1
        if at + 1 < len(words) and 0 < UNITS.get(words[at + 1], 10) < 10:
            yield TENS[word] + UNITS[words[at + 1]], at + 2


def _figures(words: Sequence[str], at: int) -> Iterator[tuple[int, int]]:
    value, end = 0, at
    while end < len(words) and end - at < _DIGITS and UNITS.get(words[end], 10) < 10:
        value, end = value * 10 + UNITS[words[end]], end + 1
        if end - at > 1:
            yield value, end
