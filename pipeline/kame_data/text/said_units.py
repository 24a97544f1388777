"""Units as they are said: the one behind a number, what it is a multiple of, and whether two are of one kind."""

# ruff: noqa: SIM905 - lists of words read better as text.

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from kame_data.text.units import UNITS

_PREFIXES = {
    word: Fraction(10) ** power
    for word, power in (
        *zip("tera giga mega meg kilo kil hecto".split(), (12, 9, 6, 6, 3, 3, 2), strict=True),
        *zip("deci centi milli micro nano pico femto".split(), (-1, -2, -3, -6, -9, -12, -15), strict=True),
    )
}
# What a unit is made of: so many of others, each with its power.
_MADE: dict[str, tuple[Fraction, dict[str, int]]] = {
    "minute": (Fraction(60), {"second": 1}),
    "hour": (Fraction(3600), {"second": 1}),
    "day": (Fraction(86400), {"second": 1}),
    "week": (Fraction(604800), {"second": 1}),
    "year": (Fraction(12), {"month": 1}),
    "inch": (Fraction(254, 10_000), {"meter": 1}),
    "foot": (Fraction(3048, 10_000), {"meter": 1}),
    "yard": (Fraction(9144, 10_000), {"meter": 1}),
    "mile": (Fraction(1_609_344, 1000), {"meter": 1}),
    "liter": (Fraction(1, 1000), {"meter": 3}),
    "hectare": (Fraction(10_000), {"meter": 2}),
    "gallon": (Fraction(16), {"cup": 1}),
    "quart": (Fraction(4), {"cup": 1}),
    "pint": (Fraction(2), {"cup": 1}),
    "tablespoon": (Fraction(1, 16), {"cup": 1}),
    "teaspoon": (Fraction(1, 48), {"cup": 1}),
    "ounce": (Fraction(1, 16), {"pound": 1}),
    "joule": (Fraction(1), {"watt": 1, "second": 1}),
    "hertz": (Fraction(1), {"second": -1}),
    "psi": (Fraction(10_000, 254) ** 2, {"pound": 1, "meter": -2}),
    "rpm": (Fraction(1, 60), {"revolution": 1, "second": -1}),
    "percent": (Fraction(1, 100), {}),
    "part per million": (Fraction(1, 10**6), {}),
    "part per billion": (Fraction(1, 10**9), {}),
    "cent": (Fraction(1, 100), {"money": 1}),
}
# Counted things, which any noun may stand for.
_THINGS = frozenset("dozen item unit line turn package person student".split())
_MONEY = frozenset("dollar euro pound yen rupee money".split())
# A base of several kinds, and the kinds of it.
_GENERAL = dict.fromkeys(_MONEY, "money") | {
    f"degree {scale}": "degree" for scale in ("celsius", "fahrenheit", "rankine")
}
_OTHERS = {
    "dollar": "dollar dollars buck bucks",
    "euro": "euro euros",
    "yen": "yen",
    "rupee": "rupee rupees",
    "cent": "cent cents penny pennies pence",
    "percent": "percent",
    "kilogram": "kilo kilos kilogramme kilogrammes",
    "gram": "gramme grammes",
    "degree celsius": "celsius centigrade",
    "degree fahrenheit": "fahrenheit",
    "ton": "ton tons",
    "tonne": "tonne tonnes",
}
# Words between a number and its unit that change nothing.
_BETWEEN = frozenset("more extra additional whole full us american remaining".split())
_LONGEST = 3


_Bases = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """So many (`factor`) of the `bases`, each with its power, in order of their names; `top`: the factor without what
    stands behind 'per'."""

    factor: Fraction
    bases: _Bases
    top: Fraction

    @property
    def is_share(self) -> bool:
        """True for percent and the like, which a bare number may stand for too."""
        return not self.bases

    @property
    def is_cents(self) -> bool:
        """True for a hundredth of some money."""
        return self.bases == _CENTS

    def over(self, other: "Unit") -> Fraction | None:
        """How many of the other unit one of this is; None where they are not of one kind.

        A degree may be one of any scale, cents those of any money; a price may leave out what it is the price of.
        """
        if _alike(self.bases, other.bases):
            return self.factor / other.factor
        if (_paid(self.bases) != self.bases) != (_paid(other.bases) != other.bases):
            return self.top / other.top if _alike(_paid(self.bases), _paid(other.bases)) else None
        return None


_CENTS = (("money", 1),)


def _alike(ours: _Bases, theirs: _Bases) -> bool:
    one, two = (sorted((_GENERAL.get(name, name), power, name) for name, power in bases) for bases in (ours, theirs))
    return len(one) == len(two) and all(
        a[:2] == b[:2] and (a[2] == b[2] or a[2] == a[0] or b[2] == b[0]) for a, b in zip(one, two, strict=True)
    )


def _paid(bases: _Bases) -> _Bases:
    """The money of a price per something; all of any other unit."""
    money = tuple((name, power) for name, power in bases if power == 1 and name in _MONEY)
    return money if money and all(power < 0 for name, power in bases if (name, power) not in money) else bases


@cache
def _phrases() -> dict[tuple[str, ...], str]:
    """The name of each unit by its words, one and several of it."""
    found: dict[tuple[str, ...], str] = {}
    for pair in UNITS.values():
        one, *_ = (name.lower().replace("-", " ") for name in pair)
        if one not in _THINGS and (" per " not in one or one.startswith("part ")) and not one.startswith("cubic "):
            found |= {tuple(name.lower().replace("-", " ").split()): one for name in pair}
    found |= {tuple(word.split()): name for name, words in _OTHERS.items() for word in words.split()}
    found |= {("per", "cent"): "percent", ("degrees", "centigrade"): "degree celsius"}
    # Two units behind one another are their product; so are 'watt hours' whether they have a name of their own or not.
    apart = [w for w in found if len(w) > 1 and "degree" not in w[0] and all((word,) in found for word in w)]
    return {words: name for words, name in found.items() if words not in apart}


@cache
def _made_of(name: str) -> tuple[Fraction, dict[str, int]]:
    if name in _MADE:
        return _MADE[name]
    names = set(_phrases().values())
    for prefix, factor in _PREFIXES.items():
        rest = name.removeprefix(prefix)
        if rest != name and rest in names:
            more, bases = _made_of(rest)
            return factor * more, bases
    return Fraction(1), {name: 1}


def _name_at(words: Sequence[str], at: int) -> tuple[str, int]:
    for end in range(min(at + _LONGEST, len(words)), at, -1):
        said = tuple(word.replace("metre", "meter").replace("litre", "liter") for word in words[at:end])
        if name := _phrases().get(said):
            return name, end
    return "", at


def _term(words: Sequence[str], at: int) -> tuple[Fraction, dict[str, int], int]:
    """One unit with its power: square meters, seconds squared."""
    power, start = 1, at
    if words[at : at + 1] and words[at] in ("square", "cubic"):
        power, start = (2 if words[at] == "square" else 3), at + 1
    name, end = _name_at(words, start)
    if not name:
        return Fraction(1), {}, at
    if words[end : end + 1] and words[end] in ("squared", "cubed"):
        power, end = power * (2 if words[end] == "squared" else 3), end + 1
    factor, bases = _made_of(name)
    return factor**power, {base: power * own for base, own in bases.items()}, end


def unit_at(words: Sequence[str], at: int) -> tuple[Unit | None, int]:
    """The unit that begins at a word (small letters, hyphens apart), and the place behind it; None and `at` itself
    where none begins there."""
    if words[at : at + 1] and words[at] in _BETWEEN:
        unit, end = unit_at(words, at + 1)
        return unit, (end if unit else at)
    factor, top, powers, end = Fraction(1), Fraction(1), Counter[str](), at
    while end < len(words):
        sign = -1 if end > at and words[end] in ("per", "a", "an", "each", "every") else 1
        more, bases, after = _term(words, end)
        if after == end and sign < 0:
            more, bases, after = _term(words, end + 1)
            after = after if after > end + 1 else end
        elif after > end:
            sign = 1
        if after == end:
            break
        factor, top = factor * more**sign, top * (more if sign > 0 else 1)
        for base, power in bases.items():
            powers[base] += sign * power
        end = after
    if end == at:
        return None, at
    return Unit(factor, tuple(sorted((base, power) for base, power in powers.items() if power)), top), end


def names_unit(words: Sequence[str]) -> bool:
    """True where some unit is among the words."""
    return any(_name_at(words, at)[0] for at in range(len(words)))


def is_one(word: str) -> bool:
    """True for the singular of a unit, as it stands before a noun: two ten dollar bills."""
    return _phrases().get((word,)) == word


MONEY = Unit(Fraction(1), _CENTS, Fraction(1))
# What a bare number behind a whole one of these counts: twelve dollars fifty, five feet six.
NEXT = {
    unit_at([word], 0)[0]: part
    for word, part in (
        *((money, Fraction(1, 100)) for money in ("dollar", "euro", "pound")),
        ("hour", Fraction(1, 60)),
        ("foot", Fraction(1, 12)),
    )
}
