"""Written numbers with what stands at them: dates, fractions, times, currencies, scales and units."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from fractions import Fraction

from kame_data.text.atoms import Label, unit_words
from kame_data.text.numerals import SCALES
from kame_data.text.units import UNITS
from kame_data.text.written import Alternative, Made, Ways, Written

_DATE_RE = re.compile(
    r"(?P<y>[12]\d{3})-(?P<m>\d\d)-(?P<d>\d\d)(?![\d-])|"
    r"(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<c>\d{4}|\d\d)(?![\d/.]\d)"
)
_SPLIT_RE = re.compile(
    r"(?P<whole>\d+)(?:\s|-|\sand\s|(?=\())\(?(?P<top>\d{1,4})\s?/\s?(?P<bottom>\d{1,5})\)?(?![\d/])"
)
_SHARE_RE = re.compile(r"(?P<top>\d{1,7})\s?/\s?\(?(?P<bottom>\d{1,7})(?![\d/]|\.\d)")
_DOTTED_RE = re.compile(r"\d{1,4}(?:\.\d{1,4})+(?![\d.]\d)")
_CLOCK_RE = re.compile(r"(?P<h>\d{1,3}):(?P<m>\d\d)(?!\d|,\d{3})")
_CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound"}
# Symbols that are also words, names or letters: what stands behind a number is a unit only perhaps.
_PERHAPS = frozenset(
    "in min bar bars line unit item person mo pt cd mi turn rev day cal Cal gal rad kt bit bits cc hp HP bp amp amps "
    "ms Da us mole moles ml cp ev Mb kb db um RPM rpm ph pm PM cl ha".split()
)
_EXPONENT = (
    r"\^\s?(?:\{(?P<a>[^{}]*)\}|\((?P<b>[^()]*)\)|(?P<d>\d?[-+](?![\w({°]))|"
    r"(?P<c>[-+]?\s?\d+(?:\.\d+)?(?:/\d+)?|[-+]?[^\W\d_](?![^\W\d_])|[-+]))"
)
EXPONENT_RE = re.compile(_EXPONENT)
"""A power, as it is written."""
_RAISED_RE = re.compile(rf"\.?\s{{0,2}}{_EXPONENT}")


def number(written: Written, index: int) -> Made:
    """Elements that a number begins: its values, with the currency, sign or units that stand at it."""
    token, text = written.tokens[index], written.text
    start = token.start()
    if (m := _DATE_RE.match(text, start)) and (ways := _date(m)):
        return [ways], written.after(m.end(), index)
    if (m := _SPLIT_RE.match(text, start)) and int(m["bottom"]) and int(m["top"]) < int(m["bottom"]):
        whole, part = Fraction(m["whole"]), Fraction(int(m["top"]), int(m["bottom"]))
        apart: Alternative = (Fraction(m["top"]), "over", Fraction(m["bottom"]))
        return _measured(
            written, index, written.after(m.end(), index), ((whole + part,), (whole, part), (whole, *apart))
        )
    if m := _SHARE_RE.match(text, start):
        ways = _share(m["top"], m["bottom"])
        if text[m.end() : m.end() + 1] == "-":
            ways += ((Fraction(m["top"]), "or", Fraction(m["bottom"])),)  # a 125/250-volt line
        return _measured(written, index, written.after(m.end(), index), ways)
    if m := _CLOCK_RE.match(text, start):
        hours, minutes = Fraction(m["h"]), Fraction(m["m"])
        ways = ((hours, minutes), (hours * 100 + minutes,)) + (((hours,),) if not minutes else ())
        return [ways], written.after(m.end(), index)
    figures = token[0].replace(",", "").replace(" ", "")
    value = Fraction(figures)
    ways = ((value,),)
    if (
        written.sign(index + 1) in (".", ")")
        and len(figures) < 3
        and written.sign(index - 1) in ("", *'.:;?!)("')
        and (index == 0 or (not written.number(index - 1) and not written.word(index - 1)))
        and not written.number(index + 2)
    ):
        return [((value,), ())], index + 1
    if m := _DOTTED_RE.match(text, start):
        parts = tuple(Fraction(part) for part in m[0].split("."))
        if len(parts) > 2:
            return [(parts, *ways)], written.after(m.end(), index)
        ways += (parts,) if written.touches(index) else ()
    if len(figures) == 2 and written.sign(index - 1) in ("-", "–", "'", "/") and written.touches(index):
        ways += tuple((value + century,) for century in (1800, 1900, 2000))
    scale = SCALES.get(written.word(index + 1).lower(), 100 if written.word(index + 1).lower() == "hundred" else 0)
    if scale:
        return _measured(written, index, index + 2, ((value * scale,), (value,)))
    return _measured(written, index, index + 1, ways)


def _date(m: re.Match[str]) -> Ways:
    if m["y"]:
        return ((f"month {int(m['m'])}", Fraction(m["d"]), Fraction(m["y"])),) if 1 <= int(m["m"]) <= 12 else ()
    years = [int(m["c"])] if len(m["c"]) == 4 else [int(m["c"]) + c for c in (0, 1900, 2000)]
    ways: list[Alternative] = []
    for year in years:
        ways.append((f"month {int(m['a'])}", Fraction(m["b"]), Fraction(year)))
        ways.append((Fraction(m["a"]), f"month {int(m['b'])}", Fraction(year)))
    return (*ways, tuple(Fraction(part) for part in (m["a"], m["b"], m["c"])))


def _share(top: str, bottom: str) -> Ways:
    above, below = Fraction(top), Fraction(bottom)
    ways: list[Alternative] = [(above, "over", below), (above, "per", below), (f"month {int(top)}", below)]
    if below:
        ways.insert(0, (above / below,))
    if (top, bottom) in (("24", "7"), ("9", "11"), ("7", "7"), ("10", "7"), ("26", "11"), ("50", "50")):
        ways.append((above, below))
    return tuple(ways)


def _measured(written: Written, first: int, following: int, ways: Ways) -> Made:
    """A number with what stands at it: the currency, percent, a unit, a letter for a scale."""
    value = ways[0][0]
    if (currency := _CURRENCIES.get(written.sign(following))) and not written.number(following + 1):
        return [(*((*way, currency) for way in ways), *_in_cents(value))], following + 1
    sign = written.sign(first - 2 if written.sign(first - 1) == "-" else first - 1)
    before = sign if sign in _CURRENCIES else ""
    if before:
        scaled = _scaled(written, following, value)
        paid: list[Alternative] = [(*way, _CURRENCIES[before]) for way in (*ways, *scaled)]
        return [(*paid, *_in_cents(value))], following + bool(scaled)
    if written.sign(following) == "%":
        optional = written.sign(following + 1) in ("-", "–") or written.word(following + 1) == "to"
        return [(*((*way, "percent") for way in ways), *(ways if optional else ()))], following + 1
    if scaled := _scaled(written, following, value):
        unit = names(written.word(following))
        return [(*ways, *scaled, *((*way, *unit) for way in ways))], following + 1
    made, end = units(written, following)
    return [ways, *made], end


def _scaled(written: Written, index: int, value: Label) -> Ways:
    scale = {"k": 10**3, "K": 10**3, "M": 10**6, "m": 10**6, "B": 10**9, "b": 10**9, "bn": 10**9, "T": 10**12}
    found = scale.get(written.word(index))
    if (
        not found
        or not written.touches(index)
        or not isinstance(value, Fraction)
        or written.sign(index + 1) in tuple("/^·*")
    ):
        return ()
    return ((value * found,),)


def _in_cents(value: Label) -> Ways:
    if not isinstance(value, Fraction) or value.denominator == 1:
        return ()
    whole = value.numerator // value.denominator
    return ((value,), (Fraction(whole), (value - whole) * 100, "cent"), (value * 100, "cent"))


def names(symbol: str) -> Alternative:
    """The labels of the words of a unit, by its symbol."""
    signs = {"per": "per", "square": "square", "cubic": "cube"}
    words = UNITS.get(symbol, ("", ""))[0].lower().replace("-", " ").split()
    return tuple(signs.get(word, word) for word in words if word in signs or word in unit_words())


def units(written: Written, index: int) -> Made:
    """The units behind a number, each with its power; those that are only perhaps some may be left out."""
    made: list[Ways] = []
    if written.sign(index) == "°":
        return [(("degree",), ("kelvin",))], index + 1
    first = True
    while True:
        at, divided = index, False
        if not first:
            joint = written.sign(at)
            if joint in ("/", "·", "*", "-") and len(joint) == 1:
                at, divided = at + 1, joint == "/"
            elif written.touches(at):
                break
        if written.sign(at) == "°" and written.touches(at + 1) and names("°" + written.word(at + 1)):
            at += 1
            symbol = "°" + written.word(at)
        else:
            symbol = written.word(at)
        labels = names(symbol)
        power = _RAISED_RE.match(written.text, written.tokens[at].end()) if symbol else None
        if not labels or (first and symbol.lower() in unit_words() and written.sign(at + 1) != "/"):
            break
        if not first and not divided and not power and symbol[0] != "°":
            break
        exponent = re.sub(r"\s", "", next((g for g in power.groups() if g is not None), "")) if power else ""
        if exponent and not re.fullmatch(r"-?\d", exponent):
            break
        inverse = divided != exponent.startswith("-")
        raised = exponent.lstrip("-")
        ways = _raised(labels, raised)
        ways = tuple(("per", *way) for way in ways) if inverse else ways
        sure = bool(power) or divided or not first or (len(symbol) > 1 and symbol not in _PERHAPS)
        compound = first and written.sign(at + 1) in ("/", "·") and names(written.word(at + 2))
        made.append(ways if sure or compound else (*ways, ()))
        index = written.after(power.end() if power else written.tokens[at].end(), at)
        first = False
    return made, index


def _raised(names: Alternative, power: str) -> Ways:
    label = {"2": "square", "3": "cube"}.get(power)
    if label:
        return ((label, *names), (*names, label), (*names, "power", Fraction(power)))
    if power in ("", "1"):
        return (names,)
    return ((*names, "power", Fraction(power)),)
