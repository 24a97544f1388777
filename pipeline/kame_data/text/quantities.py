"""Quantities of a spoken text: each number with its place, the values that it may have, and the unit behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from kame_data.text.atoms import LAST, readings
from kame_data.text.function_words import function_words
from kame_data.text.numerals import SCALES, TENS, UNITS, number_at, whole_number
from kame_data.text.said_units import MONEY, NEXT, Unit, is_one, unit_at

# Words for parts, which change the value of the number before them.
_PARTS_TEXT = """
    half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths eighth eighths
    ninth ninths tenth tenths hundredth hundredths thousandth thousandths millionth millionths dozen
"""
PARTS = frozenset(_PARTS_TEXT.split())
_MONEY = frozenset(["dollar", "dollars", "euro", "euros", "pound", "pounds"])
_CENTS = frozenset(["cent", "cents", "pence"])
_PARTS_SAID = PARTS | _CENTS
_FRACTIONS = {
    ("a", "half"): Fraction(1, 2),
    ("one", "half"): Fraction(1, 2),
    ("a", "quarter"): Fraction(1, 4),
    ("one", "quarter"): Fraction(1, 4),
    ("three", "quarters"): Fraction(3, 4),
    ("a", "third"): Fraction(1, 3),
    ("one", "third"): Fraction(1, 3),
    ("two", "thirds"): Fraction(2, 3),
}
_LONGEST, _LONGEST_NUMBER = 12, 40
_DIVIDED = (("over",), ("divided", "by"), ("out", "of"))
# 'No' before these counts nothing: no doubts, no problems.
_NO_TEXT = "ifs doubts problems worries questions plans ways reasons words answers means less"
_NO_THINGS = frozenset(_NO_TEXT.split())
_NOT_S = frozenset(["children", "people", "men", "women", "money", "feet", "fish", "sheep", "mice", "change"])
# None of these is a choice, and no number.
_CHOICES_TEXT = "above these those following other others options choices answers statements"
_CHOICES = frozenset(_CHOICES_TEXT.split())
_SIGNS = frozenset(["minus", "negative"])


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number said as words[start:end], its unit in words[end:after]. `values`: what it may be, in that unit; `lead`:
    the number at its beginning alone ('two' of 'two dozen'); `noun`: what is counted, where that is no unit."""

    start: int
    end: int
    after: int
    values: tuple[Fraction, ...]
    lead: Fraction
    unit: Unit | None = None
    noun: str = ""

    def same(self, answer: "Quantity") -> bool:
        """True where this is the quantity of an answer; either may leave out its unit, because the question names
        it."""
        ours, theirs = set(self.values), set(answer.values)
        if self.unit is None or answer.unit is None:
            if self.unit is None and answer.unit is None:
                return bool(ours & theirs)
            if self.unit is None:
                return bool(ours & {*theirs, *_bare(answer)})
            return not answer.noun and bool({*ours, *_bare(self, count=False)} & theirs)
        ratio = self.unit.over(answer.unit)
        return ratio is not None and any(value * ratio in theirs for value in ours)


def _bare(found: Quantity, *, count: bool = True) -> set[Fraction]:
    """The bare numbers that stand for a quantity: of a share the share itself, of cents their count too."""
    if found.unit is None or not (found.unit.is_share or found.unit.is_cents):
        return set()
    return {found.lead} if found.unit.is_cents and count else {value * found.unit.factor for value in found.values}


def plural_noun(word: str) -> bool:
    """True for a word that is several of something."""
    plain = word.isalpha() and word not in function_words()
    return word in _NOT_S or (plain and len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")))


def places(words: Sequence[str], language: str) -> Iterator[tuple[Fraction, int, int]]:
    """The numbers of a text in words, each with the index of its first word and the one after its last."""
    at = 0
    english = language.split("-")[0] == "en"
    while at < len(words):
        if english and (parted := parted_at(words, at)):
            value, end = parted
        else:
            found, end = number_at(words, at, language)
            if found is None:
                at += 1
                continue
            value, end = with_fraction(words, found, end)
        yield value, at, end
        at = end


def parted_at(words: Sequence[str], at: int) -> tuple[Fraction, int] | None:
    """The number with parts or dozens that begins at a word, and the place after it; None where none does: three
    quarters, half a million, two dozen, fifty cents."""
    window = words[at : at + _LONGEST]
    if not window:
        return None
    found = [(value, at + end) for value, end in readings(window, 0) if _is_parted(value, window[:end])]
    return max(found, key=lambda pair: pair[1], default=None)


def _is_parted(value: Fraction, words: Sequence[str]) -> bool:
    """True for a number that words for parts make, which the third one is not."""
    return any(w in _PARTS_SAID and (value.denominator > 1 or w not in LAST) for w in words)


def with_fraction(words: Sequence[str], value: Fraction, after: int) -> tuple[Fraction, int]:
    """The number that ends before a word, 'and a half' or its cents included, and the place after it."""
    if words[after : after + 1] and words[after] in _MONEY:
        start = after + 1 + (list(words[after + 1 : after + 2]) == ["and"])
        cents, end = number_at(words, start) if start < len(words) else (None, start)
        if cents is not None and cents < 100 and words[end : end + 1] and words[end] in _CENTS:
            return value + cents / 100, end + 1
    more = _and_part(words, after)
    return (value, after) if more is None else (value + more, after + 3)


def _and_part(words: Sequence[str], at: int) -> Fraction | None:
    if words[at : at + 1] != ["and"] or len(words) < at + 3:
        return None
    return _FRACTIONS.get((words[at + 1], words[at + 2]))


def quantities(words: list[str], language: str = "en") -> list[Quantity]:
    """The quantities of the words of a clause (small letters, hyphens apart), in order."""
    if language.split("-")[0] != "en":
        return [Quantity(at, end, end, (value,), value) for value, at, end in places(words, language)]
    found: list[Quantity] = []
    at = 0
    while at < len(words):
        quantity = _number(words, at) or _nothing(words, at) or _one(words, at)
        if quantity is None:
            at += 1
            continue
        joined = _joined(found[-1], quantity, words) if found else None
        found[-1:] = [joined] if joined else [*found[-1:], quantity]
        at = found[-1].after
    return found


def _number(words: list[str], at: int) -> Quantity | None:
    """The quantity that begins with the number at a word; None where none does."""
    if words[at] in _SIGNS:
        found = _number(words, at + 1) if at + 1 < len(words) and words[at + 1] not in _SIGNS else None
        return found and replace(found, start=at, lead=-found.lead, values=tuple(-value for value in found.values))
    value, length = number_at(words[at : at + _LONGEST_NUMBER], 0)
    end = at + length
    if value is not None:
        value, end = with_fraction(words, value, end)
    if parted := parted_at(words, at):
        lead, end = value or parted[0], parted[1]
        if words[end - 1] in _CENTS:
            money = next((unit_at([w], 0)[0] for w in words[at:end] if w in _MONEY), None)
            return Quantity(at, end, end, (parted[0],), lead, money or MONEY)
        return _with_unit(words, Quantity(at, end, end, (parted[0],), lead), of=True)
    if value is None or words[at:end] == ["oh"]:
        return None
    values, end = _in_pairs(words, at, end, value)
    return _with_unit(words, Quantity(at, end, end, values, value))


def _in_pairs(words: list[str], at: int, end: int, value: Fraction) -> tuple[tuple[Fraction, ...], int]:
    """The values of figures said in pairs: twelve fifty is 12.50, and 1250. Two ten dollar bills are two."""
    if end >= len(words) or not (words[end] in TENS or words[end] in UNITS) or words[end - 1] in SCALES:
        return (value,), end
    window = words[at : at + _LONGEST]
    long = max((stop for _, stop in readings(window, 0)), default=0)
    after = at + long
    if after <= end or (words[after : after + 1] and is_one(words[after])):
        return (value,), end
    values = [number for number, stop in readings(window, 0) if stop == long]
    rest = words[end:after]
    second, stop = whole_number(rest, 1 if rest[0] == "oh" else 0)
    if second is not None and stop == len(rest) and (second > 9) != (rest[0] == "oh") and value.denominator == 1:
        values.append(value + Fraction(second, 100))
    return tuple(dict.fromkeys(values)), after


def _with_unit(words: list[str], found: Quantity, *, of: bool = False) -> Quantity:
    """A quantity with the unit behind its number; parts may be some of one: half of a mile."""
    start = found.end
    if of:
        start += words[start : start + 1] == ["of"]
        start += bool(words[start : start + 1]) and words[start] in ("a", "an", "the")
    unit, after = unit_at(words, start)
    if unit is None:
        noun = words[found.end] if found.end < len(words) and plural_noun(words[found.end]) else ""
        return replace(found, noun=noun)
    found = replace(found, after=after, unit=unit)
    if (more := _and_part(words, after)) is not None:
        return replace(found, after=after + 3, values=tuple(value + more for value in found.values))
    return found


def _nothing(words: list[str], at: int) -> Quantity | None:
    """Nought, said as none, nothing, or no apples."""
    word, following = words[at], words[at + 1 : at + 4]
    after = at + 1
    unit, noun = None, ""
    if word in ("none", "nobody", "nothing", "naught", "nought", "nil"):
        if (word == "none" and _CHOICES & set(following)) or following[:1] in (["but"], ["else"], ["to"]):
            return None
    elif word == "no" and following and plural_noun(following[0]) and following[0] not in _NO_THINGS:
        unit, _ = unit_at(words, at + 1)
        after, noun = at + 2, "" if unit else following[0]
    else:
        return None
    return Quantity(at, after, after, (Fraction(0),), Fraction(0), unit, noun)


def _one(words: list[str], at: int) -> Quantity | None:
    """One of a unit, where more of it is said behind: an hour and a half, a dollar fifty."""
    if words[at] not in ("a", "an") or (at and words[at - 1] in ("per", "times")):
        return None
    unit, after = unit_at(words, at + 1)
    if unit is None:
        return None
    found = Quantity(at, at + 1, after, (Fraction(1),), Fraction(1), unit)
    if (more := _and_part(words, after)) is not None:
        return replace(found, after=after + 3, values=(1 + more,))
    next_at = after + (words[after : after + 1] == ["and"])
    behind = _number(words, next_at) if next_at < len(words) else None
    return _joined(found, behind, words) if behind else None


def _joined(first: Quantity, second: Quantity, words: list[str]) -> Quantity | None:
    """Two quantities that are one: an hour and ten minutes, twelve dollars fifty, two over three; else None."""
    between = tuple(words[first.after : second.start])
    value, more = first.values[0], second.values[0]
    if between in _DIVIDED and first.unit is None and second.unit is None and more and not first.noun:
        shares = tuple(one / two for one in first.values for two in second.values if two)
        values = (*shares, *first.values) if between == ("out", "of") else shares
        return replace(first, end=second.end, after=second.after, values=values, noun=second.noun)
    if between not in ((), ("and",)) or first.unit is None:
        return None
    if second.unit is None:
        part = NEXT.get(first.unit)
        if part is None or between or second.noun or not 1 <= more < 1 / part or second.end < len(words):
            return None
        return replace(first, end=second.end, after=second.after, values=(value + more * part,))
    ratio = second.unit.over(first.unit)
    if ratio is None or ratio >= 1 or not 0 <= more * ratio < 1 or first.unit.is_share:
        return None
    return replace(first, end=second.end, after=second.after, values=(value + more * ratio,))
