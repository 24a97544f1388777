"""The check that other words keep what their source means: its numbers, how often it has each sign, the order of what a
sign stands between, its units.

A writer may put a question into words of its own and in an order of its own, so what is compared is what no fair
rewording changes. Text read out as it stands is compared word for word, in `meaning`.
"""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeGuard

from kame_data.errors import Refusal
from kame_data.text.answers import key, number_values, strange_number
from kame_data.text.atoms import LAST, Edge, Label, edges, singulars, unit_words, values, words_of
from kame_data.text.elements import Element, elements
from kame_data.text.elsewhere import minuses, says_minus
from kame_data.text.number_words import PERCENT, UNREAD, figures_of, has_numbers, says_percent
from kame_data.text.spoken import MOST_CHARACTERS, plain

# Words by which a sign is put into a sentence.
_SAID_FOR = {
    sign: frozenset(words.split())
    for sign, words in {
        "minus": "minus negative less fewer away take takes taken off subtract subtracts subtracted subtracting below "
        "difference down loses lower",
        "plus": "plus and sum add adds added adding total together more increased with",
        "times": "times of by each every twice double triple product multiply multiplied multiplies multiplying",
        "over": "over per by of out divided divide dividing ratio fraction each",
        "percent": "percent percentage",
        "quantity": "quantity all whole sum difference total result together parentheses brackets then",
        "power": "power to squared cubed square cubic",
        "square": "squared square squares power",
        "cube": "cubed cubic cube cubes power",
        "root": "root roots",
        "factorial": "factorial factorials",
        "less": "less fewer under below most smaller lower",
        "greater": "greater more over above least larger bigger higher exceeds",
        "dollar": "dollar dollars buck bucks cent cents",
        "psi": "psi pound pounds",
        "kelvin": "kelvin kelvins degree degrees",
        "degree": "below degree degrees celsius fahrenheit kelvin",
    }.items()
}
# Signs that are heard as often as they are written; the others, and units, one says once for several numbers.
_COUNTED = {
    sign: frozenset(words.split())
    for sign, words in {
        "minus": "subtract subtracted subtracting take takes taken",
        "root": "roots",
        "factorial": "factorials",
        "square": "squares",
        "cube": "cubes",
    }.items()
}
"""With the words that stand for any number of one sign."""
_ORDINALS = {"square": "second", "cube": "third"}
# Numbers that come into a sentence with the words for time and for several, and what one makes of a number in passing.
_COMMON = frozenset(map(Fraction, (0, 1, 2, 7, 12, 24, 60, 100, 365)))
_FACTORS = (Fraction(100), Fraction(1, 100), Fraction(60), Fraction(1, 60), Fraction(12), Fraction(1, 12))
_PARTS = {"half": Fraction(1, 2), "quarter": Fraction(1, 4), "third": Fraction(1, 3)}
_TAKES = frozenset(("minus", "less"))
_UNIT = 3
"""Words between a number and a sign, at the most."""
# What a person says for a number in passing.
_NUMBERS: dict[str, int | Fraction] = {
    "twice": 2, "double": 2, "doubles": 2, "doubled": 2, "pair": 2, "couple": 2, "both": 2,
    "twins": 2, "halved": Fraction(1, 2), "halves": Fraction(1, 2), "quarters": Fraction(1, 4),
    "triple": 3, "triples": 3, "tripled": 3, "thrice": 3, "trio": 3, "quadruple": 4, "decade": 10, "decades": 10,
    "century": 100, "centuries": 100,
}  # fmt: skip
# Behind these a number word tells which ones are meant, and not how many there are.
_DEFINITE = frozenset("the these those all both other any of its their his her our my your".split())
_EXERCISE_RE = re.compile(r"^\s*\d+(?:\.\d+)*(?:-\d+)?[.)]\s")


def missing(written: str, said: str, language: str) -> str:
    """Name a number, sign or unit of a written text that is nowhere heard in `said`, a sign that is heard less often,
    or two numbers that changed places around one; "" where all is kept.

    Outside English, numbers in figures, minus and percent signs are looked for, and in languages whose numbers cannot
    be read in all their forms (`number_words.UNREAD`) no numbers.
    """
    if (longest := max(len(written), len(said))) > MOST_CHARACTERS:
        return f"{longest} characters are too many to compare"
    if language.split("-")[0] != "en":
        return _missing_elsewhere(written, said, language)
    try:
        return _missing(plain(written), said)
    except Refusal:
        return ""  # no plain notation to compare with


def _missing_elsewhere(written: str, said: str, language: str) -> str:
    own = language.split("-")[0]
    numbers, words = number_values(said, language) | {Fraction(0), Fraction(1)}, key(said, language)
    for value, text in figures_of(written, language) if own not in UNREAD and has_numbers(own) else ():
        scaled = {value, value / 100, value * 100, value * 10_000, value * 10**8}
        if not scaled & numbers and not (text and key(text, language) in words):
            return f"'{text or value}' is not heard"
    if ("%" in written or "％" in written) and not says_percent(said) and own in PERCENT:
        return "percent is not heard"
    return "a minus is not heard" if minuses(written) and not says_minus(said, language) else ""


def _missing(written: str, said: str) -> str:
    heard = words_of(said)
    words = set(heard)
    numbers = values(said) | {Fraction(v) for word, v in _NUMBERS.items() if word in words} | {Fraction(0), Fraction(1)}
    numbers |= set(_composed(heard))
    found = elements(_EXERCISE_RE.sub("", written))
    for element in found:
        if element.figures:
            told = any(_is_told(way, numbers, words) for way in element.ways)
        else:
            told = not _counts(element) or any(_is_near(way[0], numbers) for way in element.ways)
        if not told:
            return f"'{element.text}' is not heard"
    return _too_few(found, heard) or _turned(found, heard)


def added(said: str, known: Iterable[str]) -> str:
    """Name a number of a spoken English text that none of the texts `known` has, and nothing that they have can be
    meant by; "" without one."""
    texts = list(known)
    values_known = set().union(*(values(text) | set(_composed(words_of(text))) for text in texts))
    scaled = {value * factor for value in values_known for factor in _FACTORS}
    strange = strange_number(said, texts, also=scaled | _COMMON | {value % 1 * 60 for value in values_known})
    return "" if strange is None else f"the number {strange} is not the source's"


def _composed(heard: Sequence[str]) -> Iterator[Fraction]:
    """The numbers that a person puts together: a liter and a half, two hours and thirty minutes, two out of three."""
    paths, ending = _numbers_by_end(heard)
    for at, word in enumerate(heard):
        if word == "and" and 1 < at < len(heard) - 2:
            wholes = [*ending[at - 1], *([Fraction(1)] if heard[at - 2] in ("a", "an") else [])]
            if heard[at + 1] == "a" and heard[at + 2] in _PARTS:
                yield from (whole + _PARTS[heard[at + 2]] for whole in wholes)
            elif heard[at - 1] in ("hour", "hours"):
                yield from (whole + e.label / 60 for whole in wholes for e in paths[at + 1] if _is_number(e.label))
        elif word in ("in", "of"):
            start = at + 1 + (heard[at + 1 : at + 2] == ["every"])
            tops = ending[at - (word == "of" and heard[at - 1] == "out")]
            bottoms = [e.label for e in (paths[start] if start < len(heard) else ()) if _is_number(e.label) and e.label]
            yield from (top / bottom for top in tops for bottom in bottoms)


def _is_number(label: Label) -> TypeGuard[Fraction]:
    return isinstance(label, Fraction)


def _numbers_by_end(heard: Sequence[str]) -> tuple[list[list[Edge]], dict[int, list[Fraction]]]:
    """The edges of spoken words, and the numbers that end before each place."""
    paths = edges(heard)
    ending: dict[int, list[Fraction]] = defaultdict(list)
    for edge in (edge for starting in paths for edge in starting):
        if _is_number(edge.label):
            ending[edge.end].append(edge.label)
    return paths, ending


def _is_told(way: Sequence[Label], numbers: set[Fraction], words: set[str]) -> bool:
    for label in way:
        if isinstance(label, Fraction):
            share = "percent" in way and label / 100 in numbers
            hundredfold = label * 100 in numbers and "cent" not in way and (len(way) > 1 or "percent" in words)
            if not (label in numbers or share or hundredfold):
                return False
        elif label in _SAID_FOR:
            half = label == "percent" and way[0] / 100 in numbers if isinstance(way[0], Fraction) else False
            if not (half or words & _SAID_FOR[label]):
                return False
        elif label in unit_words() and not any(
            word.startswith(label[:4]) or singulars().get(word) == label for word in words
        ):
            return False
    return True


def _counts(element: Element) -> bool:
    """True for number words that say how many there are; ordinals, and numbers that only point back, do not."""
    said = words_of(element.words)
    values = [way[0] for way in element.ways if len(way) == 1 and isinstance(way[0], Fraction)]
    if len(values) < len(element.ways) or element.before.casefold() in _DEFINITE:
        return False
    whole = all(value.denominator == 1 for value in values)
    several = said[-1].endswith("s") and said[-1] != "six"
    return said not in (["quarter"], ["half"], ["dozen"]) and not (whole and (several or said[-1] in LAST))


def _is_near(value: Label, numbers: set[Fraction]) -> bool:
    """True where a number, or what it is in percent, is heard."""
    return isinstance(value, Fraction) and bool({value, value * 100, value / 100} & numbers)


def _too_few(found: Sequence[Element], heard: Sequence[str]) -> str:
    """Name a sign that is heard less often than it is written."""
    ordinals = [word for before, word in pairwise(heard) if before == "the"]
    for sign, gathering in _COUNTED.items():
        if not gathering.isdisjoint(heard):
            continue
        raised = sign in ("square", "cube")
        signs = (e for e in found if (e.ways[0] == (sign,) if raised else all(sign in way for way in e.ways)))
        wanted = sum(1 for element in signs if element.figures or sign == "minus")
        often = sum(word in _SAID_FOR[sign] for word in heard) + ordinals.count(_ORDINALS.get(sign, ""))
        if wanted > often:
            return f"'{sign}' is heard {often} times and not {wanted}"
    return ""


def _turned(found: Sequence[Element], heard: Sequence[str]) -> str:
    """Name two numbers that stand the other way round about a sign that takes away."""
    between = {
        (first.ways[0][0], second.ways[0][0]): f"{first.text} ... {second.text}"
        for first, sign, second in zip(found, found[1:], found[2:], strict=False)
        if sign.ways == (("minus",),) and first.ways[0] and second.ways[0]
    }
    if not between:
        return ""
    told = set(_taken(heard))
    for (first, second), text in between.items():
        if first != second and (second, first) in told and (first, second) not in told:
            return f"the numbers of '{text}' are heard the other way round"
    return ""


def _taken(heard: Sequence[str]) -> Iterator[tuple[Label, Label]]:
    """All pairs of numbers of which the second is taken from the first: `a minus b`, `b from a`."""
    paths, ending = _numbers_by_end(heard)
    for at, word in enumerate(heard):
        if word not in _TAKES and word != "from":
            continue
        before = [label for end in range(at, max(at - _UNIT, 0) - 1, -1) for label in ending.get(end, ())]
        behind = [e.label for place in paths[at + 1 : at + 1 + _UNIT] for e in place if _is_number(e.label)]
        yield from ((b, a) if word == "from" else (a, b) for a in before for b in behind)
