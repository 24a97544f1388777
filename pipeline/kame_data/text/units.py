"""Units after a number: 75°F, 62.4 lb/ft^3, 20 Btu/hr-ft-°F, 5 kmol/m^3, 50 m/s."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache, partial

from kame_data.resources import bundled
from kame_data.text.money import ARTICLE_RE, NOT_NOUN, NOUN_RE
from kame_data.text.numbers import NUMBER, compound, fraction, number, ordinal
from kame_data.text.words import text_before


def _table() -> dict[str, tuple[str, str]]:
    """One of a unit and several of it in words, by its symbol; the file writes spaces as ~."""
    table = {}
    for line in bundled("data/words/units.txt").read_text(encoding="utf-8").splitlines():
        symbol, one, *many = line.replace("=", line.split()[1]).split()
        plural = many[0] if many else one + "s"
        table[symbol.replace("~", " ")] = (one.replace("~", " "), plural.replace("~", " "))
    return table


UNITS = _table()
# Capital letters and short words that are also names, articles, prepositions: only units when nothing argues against.
_AMBIGUOUS = frozenset("A C F H T G K M N L S R V W J h m g s l v in h min bar line unit item person R mo pt cd mi "
    "gal cal rad kt S turn rev day bit".split()) - {
    "min", "cal", "gal", "mi", "rad", "day", "bit", "m", "g", "s", "rev"}  # fmt: skip
_LONG = frozenset(symbol for symbol, (one, many) in UNITS.items() if symbol.isalpha() and symbol in (one, many))
_BY_LENGTH = sorted(UNITS, key=lambda s: (-len(s), s))
_SYMBOL = "(?:" + "|".join(re.escape(s) for s in _BY_LENGTH) + ")"
_POWER = r"(?:\s?\^\s?(?:\{\s?(?:-\s?)?\d\s?\}|(?:-\s?)?\d))"
_END = r"(?![A-Za-z°μΩ_])"
_FACTOR = rf"{_SYMBOL}\.?{_END}(?:{_POWER}(?!\s?/\s?\d)|(?!\s?\^))"
# Factors apart by a mere space: only symbols that are no English words; without a power those of more letters.
_SPACED = (
    rf"(?:(?:mol|mole|kg|sec|hr|ft|cm|mm|km|kmol|°C|°F|°K|atm|kJ|gm|lb|mL)\.?{_END}{_POWER}?|"
    rf"(?!(?:in|line|item|unit|person|turn|bar|day)\b){_SYMBOL}\.?{_END}{_POWER})"
)
_JOINED = rf"{_FACTOR}(?:\s?[-·*]\s?{_FACTOR}|°[CFRK]{_END}{_POWER}?|(?<![a-z]{{4}})\s{_SPACED})*"
_OVER = rf"\s?/\s?\(?{_JOINED}\)?"
_EXPRESSION = rf"{_JOINED}(?:{_OVER}){{0,4}}"
_SCIENTIFIC = rf"(?:(?:{NUMBER})\s?[×x*·]\s?)?10\s?\^\s?(?:\{{\s?-?\s?\d+\s?\}}|-?\s?\d+)"
_SPLIT = r"(?:\d+[\s-])?\(?\d{1,2}\s?/\s?\d{1,2}\)?"
_VALUE = rf"{_SCIENTIFIC}|{_SPLIT}|{NUMBER}"
_SQUARE = r"(?:(?:sq|cu)\.?\s?(?:ft|in|m|mi|yd|cm|km)\b\.?)"
_MEASURE_RE = re.compile(
    rf"(?<![\w.,$^_])(?<!\^-)(?<!\^\{{-)(?P<value>{_VALUE})(?P<gap>\s?-?\s?)(?P<unit>{_SQUARE}|{_EXPRESSION})(?P<after>(?=(.?.?)))"
)
_UNIT_WORDS = "|".join(
    sorted({one.replace(" ", r"\s") for one, _ in UNITS.values() if " " not in one}, key=len, reverse=True)
)
_PER_RE = re.compile(
    r"(?P<left>\b[A-Za-z]+|\))\s{0,2}/\s?(?P<right>hour|hr|h|minute|min|second|sec|s|day|week|wk|month|mo|year|yr|gallon"
    r"|gal|mile|mi|pound|lb|"
    r"person|ounce|oz|item|kilogram|kg|liter|litre|gram|foot|ft|kilometer|km|meter|unit|share|piece|student|lesson|"
    r"bag|box|tile|watt|"
    r"kilowatt-hour|kwh|kWh|dozen|acre|night|ticket|hectare|bushel|barrel|mole|mol|degree|kelvin|game|page|head|"
    r"capita|atom|molecule|ion|equiv|equivalent|particle|revolution|cycle|byte|bit|cup|serving|round|visit|ton)\b\.?(?!\w)"
)
# A rate that is a bare number: pulse 80/min.
_RATE_RE = re.compile(
    rf"(?<![\w/.])({NUMBER})\s?/\s?(min|minute|hr|h|hour|sec|second|day|week|month|yr|year)\b(?!\s?[/^-])"
)
_PRESSURE_RE = re.compile(
    r"(?<![\d/.])(\d{2,3})\s?/\s?(\d{2,3})\s?mm\s?Hg\b|(?i:(?<=blood pressure is )|(?<=blood pressure of )|"
    r"(?<=blood pressure )|(?<=\bBP ))(\d{2,3})\s?/\s?(\d{2,3})\b"
)
_SPAN_RE = re.compile(rf"(?<![\w.,^-])(?<![+*/^×-]\s)({NUMBER})\s?[-–]\s?({NUMBER})(?=\s?(?:{_SYMBOL}){_END})")
# Factors of a unit that only a space parts: 6 J s, 2 N m s.
_APART_RE = re.compile(r"(?<=[\d}])(\s?)(N|J|W|V|A|C|kg|eV|kJ|Ω)\s([ms])(?:\s(s))?(?=\s?(?:$|[.,;?!)]))")
_TWICE_RE = re.compile(r"(pounds? per square inch),?\s+\(?(?:psi|PSI)\b\)?")
_ANGLE_RE = re.compile(rf"(\d+)\s?°\s?({NUMBER})\s?'(?!')(?:\s?({NUMBER})\s?(?:\"|''))?")
_SPELLED_RE = re.compile(r" (?!I )[A-Z](?= [A-Z]\b| (?:two|three|four|five|six)\b|[.,;:?!]|$)| [A-Z] [a-z]")
_BARE_PER_RE = re.compile(rf"\b(per )((?:{_SYMBOL}){_END}{_POWER}|(?:mm|cm|μL|mL|dL|L){_END})")
_IN_BRACKETS_RE = re.compile(rf"(?<![\w.])((?:{_SCIENTIFIC})|{NUMBER})\s?[(\[]\s?({_EXPRESSION})\s?[)\]]")
_INVERSE_RE = re.compile(rf"(?<=[a-z])\s+[·*]?\s?({_SYMBOL})\s?\^\s?\{{?\s?-\s?(\d)\s?\}}?")
# Units without a number before them, of which one at least is below: in kJ mol^-1, L^2 mol^-2 s^-1.
_RAISED = rf"(?!(?:in|line|item|unit|person|turn|bar|of|[a-z]{{5,}})\b){_SYMBOL}{_END}(?:\^\{{?-?\d\}}?)?"
_UNITS_ALONE_RE = re.compile(
    rf"(?<![\w^.°'-])(?<!\d\s)(?={_SYMBOL}{_END})((?:{_RAISED}[\s·*]){{0,3}}{_SYMBOL}\^\{{?-\d\}}?)(?![\w^])"
)
# The same with a product or a quotient, where words or brackets around them say that they are units: in N·m, (W/m^2).
_LOWER = rf"(?:m|cm|mm|km|ft|s|sec|min|h|hr|kg|g|lb|mol|mole|K|°C|°F|L|mL|dL|N|J|sr){_END}(?:\^\{{?\d\}}?)?"
_UNITS_OF_RE = re.compile(
    rf"(?P<before>(?:^|\b(?:in|[Uu]nits?|[Uu]nits? (?:of|is|are|for))\s)\(?)(?!\d)"
    rf"(?P<units>{_RAISED}(?:\s?·\s?{_RAISED}|\s?/\s?{_LOWER}){{1,4}})(?P<after>(?=\)?(?:$|[.,;:?!]|\s[a-z(]))|(?=\)))"
    rf"|(?<=[a-z] \()(?P<named>{_RAISED}\s?/\s?{_LOWER})(?=\))"
)
_FACTOR_RE = re.compile(rf"({_SYMBOL})\.?{_END}(?:\s?\^\s?\{{?\s?(-?)\s?(\d)\s?\}}?)?")
_POWER_NAME = {"2": "squared", "3": "cubed", "4": "to the fourth", "5": "to the fifth", "6": "to the sixth"}
_AREA_NAME = {"2": "square", "3": "cubic"}
_LENGTHS = ("meter", "foot", "feet", "inch", "mile", "yard", "angstrom")


@lru_cache(maxsize=20_000)
def _factor(symbol: str, power: str, plural: bool) -> str:
    said = UNITS[symbol][plural]
    if not power or power == "1":
        return said
    if power in _AREA_NAME and any(length in said for length in _LENGTHS) and "per" not in said:
        return f"{_AREA_NAME[power]} {said}"
    return f"{said} {_POWER_NAME.get(power, 'to the power of ' + power)}"


@lru_cache(maxsize=20_000)
def unit(expression: str, plural: bool) -> str:
    """A unit's symbol(s) in words: `ft/sec` -> `feet per second`."""
    square = re.match(r"(sq|cu)\.?\s?(ft|in|m|mi|yd|cm|km)\b", expression)
    if square:
        return f"{'square' if square[1] == 'sq' else 'cubic'} {UNITS[square[2]][plural]}"
    top, *bottoms = expression.split("/")
    above: list[tuple[str, str]] = []
    below: list[tuple[str, str]] = []
    for symbol, minus, power in _FACTOR_RE.findall(top):
        (below if minus else above).append((symbol, power))
    for bottom in bottoms:
        for symbol, minus, power in _FACTOR_RE.findall(bottom):
            (above if minus else below).append((symbol, power))
    said = [_factor(symbol, power, plural and i == len(above) - 1) for i, (symbol, power) in enumerate(above)]
    said += [f"per {_factor(symbol, power, False)}" for symbol, power in below]
    return " ".join(said)


def _value(text: str) -> str:
    """The value of a measure in words, whichever way it is written."""
    if "^" in text:
        top, power = re.split(r"10\s?\^", text)
        top = re.sub(r"[×x*·\s]", "", top)
        exponent = int(re.sub(r"[{}\s]", "", power))
        said = f"ten to the {ordinal(exponent) if exponent >= 0 else number(str(-exponent)).join(('minus ', ''))}"
        return f"{number(top)} times {said}" if top else said
    if "/" in text:
        split = re.fullmatch(r"(?:(\d+)[\s-])?\(?(\d+)\s?/\s?(\d+)\)?", text)
        return fraction(int(split[2]), int(split[3]), split[1]) + ("" if split[1] else " of a") if split else text
    return number(text)


def _stands_alone(symbol: str, gap: str, rest: str, value: str) -> bool:
    """True where an ambiguous symbol after a number (`5 A`, `3 in`, `2 h`) is a unit, judged by what follows it."""
    if symbol == "in":
        if rest.startswith("."):
            return True
        return bool(
            re.match(
                r"\s?(?:$|[,;:?!)×x]\s?|by\b|\.(?:\s|$)|long|wide|high|thick|deep|tall|diameter|in\b|"
                r"and\b)",
                rest.lstrip(),
            )
        )
    if symbol in {"person", "line", "unit", "item", "turn", "bar"}:
        return True
    if "-" in gap and symbol in "ACHT":
        return False
    if rest.lstrip().startswith("&"):
        return False
    if re.match(r"'|-\w|\s?=|\s?\(?\d", rest) or (
        re.match(r"\s(?!(?:is|as|was|has|flows|passes|acts)\b)[A-Z]?[a-z]+s\b", rest) and symbol in "ACFHTS"
    ):
        return False
    if symbol in "ACFHTGSRhv":
        return bool(
            re.match(
                r"\s?(?:$|[.,;:?!)\]])|\s(?:of|at|and|to|is|in|from|through|when|for|with|on|by|or|are|"
                r"if|acts?|flows?|the)\b",
                rest,
            )
        )
    return True


_ARGUMENT_RE = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]\(|\b(?:log|ln|sin|cos|exp)[ (])([A-Za-z])(?![A-Za-z])")

# What a measure before it only describes: a 75 gram block, 100 watt bulbs.
_THINGS = frozenset(
    "block blocks cube cubes ball balls bulb bulbs container containers resistor resistors bullet bullets sample "
    "samples object objects weight weights bag bags bottle bottles battery batteries source sources".split()
)


_NAMED_RE = re.compile(
    r"\b(?:volume|mass|radius|length|width|height|thickness|distance|speed|velocity|time|temperature|area|charge|force|"
    r"current|voltage|potential|energy|power|work|number|constant|value|population)s?\s+(?:of\s+)?\$?([A-Za-z])\b(?!['’-])|"
    r"(?<![\w.])(?<!\d\s)([A-Za-z])\s?=(?!=)"
)


@lru_cache(maxsize=64)
def _letters(text: str) -> frozenset[str]:
    """The letters that stand for something in a text, by its words or as arguments of functions: with a volume V, or
    with f(V), 2V is no voltage."""
    named = {letter for pair in _NAMED_RE.findall(text) for letter in pair if letter and letter not in "aAI"}
    return frozenset({*_ARGUMENT_RE.findall(text), *named})


def _measure(m: re.Match[str], about: str) -> str:
    value, gap, expression = m["value"], m["gap"], m["unit"].strip()
    rest = m.string[m.end("unit") :]
    bare = expression.rstrip(".")
    stop = ""
    if expression.endswith("."):
        stop = (
            "."
            if bare in _LONG
            or (re.match(r"\s*$|\s+[A-Z][a-z]*\b(?!\.)", rest) and not re.match(r"\s+(?:ID|OD|I|O)\b", rest))
            else ""
        )
        rest = "." + rest
    if len(bare) == 1 and gap == " " and _SPELLED_RE.match(rest):
        return m[0]  # 2 N A O H is a compound
    if bare in _AMBIGUOUS and not _stands_alone(bare, gap, rest, value):
        return m[0]
    if len(bare) == 1 and "^" not in value and (not gap or "/" in value) and bare in _letters(about):
        return m[0] if gap else m[0].replace(bare, f" {bare}")
    if gap.strip() == "-" and bare in _LONG:
        return m[0] if "/" in value else f" {compound(_value(value), bare)}{stop}"
    adjective = gap.strip() == "-"
    split = re.fullmatch(r"\(?\d+\s?/\s?\d+\)?", value)
    if adjective and split:
        return m[0]
    noun = NOUN_RE.match(m.string[m.end("unit") :])
    before_noun = bool(
        noun and ARTICLE_RE.search(text_before(m, most=14)) and noun[1] not in NOT_NOUN and not noun[1].endswith("ly")
    )
    before_noun = before_noun or bool(noun and noun[1] in _THINGS)
    plural = (
        not adjective
        and not before_noun
        and not split
        and value.replace(",", "") != "1"
        and not re.match(r"\s?(?:%|percent)", rest)
    )
    words = unit(bare, plural)
    return f" {_value(value)}{'n' if split and words[0] in 'aeiou' else ''} {words}{stop} "


def _pressure(m: re.Match[str]) -> str:
    if m[1]:
        return f" {number(m[1])} over {number(m[2])} millimeters of mercury "
    return f" {number(m[3])} over {number(m[4])} "


def _span(m: re.Match[str]) -> str:
    rising = float(m[1].replace(",", "")) < float(m[2].replace(",", ""))
    return f"{m[1]} to {m[2]}" if rising else m[0]


def _angle(m: re.Match[str]) -> str:
    seconds = f" {number(m[3])} seconds" if m[3] else ""
    return f" {number(m[1])} degrees {number(m[2])} minutes{seconds} "


def say_units(text: str, about: str) -> str:
    """Measures (a number and its unit) and `per` units in words; `about` tells which letters are none."""
    if any(c.isdigit() for c in text):
        text = _ANGLE_RE.sub(_angle, text)
        text = re.sub(r"(?<=\d)\s?r\s?/\s?min\b", " rpm", re.sub(r"(?<=[Ω\w])\s?/\s?ph\b", " per phase", text))
        text = _PRESSURE_RE.sub(_pressure, text)
        text = _RATE_RE.sub(lambda m: f" {number(m[1])} per {UNITS.get(m[2], (m[2],))[0]} ", text)
        text = re.sub(r"(?<=\d )k (?=cal\b|J\b)", "k", text)
        text = _APART_RE.sub(lambda m: f"{m[1]}{m[2]}·{m[3]}" + (f"·{m[4]}" if m[4] else ""), text)
        text = re.sub(r"(?<=\d)'(?=\s?[x×X]\s?\d|\s?\d+\")", " feet ", text)
        text = text.replace("m.p.h.", "mph")
        text = re.sub(rf"({NUMBER})\s?°\s?([CFRK])\b", r"\1 °\2", text)
        text = re.sub(rf"({NUMBER})\s?\^\s?\{{?\s?°\s?\}}?\s?([CFRK])\b", r"\1 °\2", text)
        text = re.sub(r"(\d)\s?degrees?\s([CF])\b", r"\1 °\2", text)
        text = re.sub(r"(?<=\d)(\"|'')(?=[\s,.x×)-]|$)", " inches", text)
        text = re.sub(r"(?<=\d)\.\s(?=°|[NJVWK]\s?(?:m|/|\^))", " ", text)
        text = _IN_BRACKETS_RE.sub(r"\1 \2", text)
        text = _MEASURE_RE.sub(partial(_measure, about=about), _SPAN_RE.sub(_span, text))
        if "^" in text:
            text = _INVERSE_RE.sub(lambda m: f" per {_factor(m[1], m[2], False)} ", text)
        if "per " in text:
            text = _BARE_PER_RE.sub(lambda m: m[1] + unit(m[2], False) + " ", text)
        text = _UNITS_ALONE_RE.sub(lambda m: f" {unit(m[1], True)} ", text) if "^-" in text or "^{-" in text else text
    if "·" in text or "/" in text:
        text = _UNITS_OF_RE.sub(lambda m: f"{m['before'] or ''}{unit(m['units'] or m['named'], True)}", text)
    text = _TWICE_RE.sub(r"\1", text)
    if "/" in text:
        text = _PER_RE.sub(_per, text)
    if "°" in text:
        text = re.sub(r"°\s?([CFRK])\b", lambda m: f" {UNITS['°' + m[1]][1]} ", text)
    return text


def _per(m: re.Match[str]) -> str:
    right = m["right"]
    said = UNITS[right][0] if right in UNITS else right
    left = m["left"]
    if left in UNITS and left not in _LONG and len(left) > 1:
        left = UNITS[left][1]
    ends = m[0].endswith(".") and (right in _LONG or re.match(r"\s*$|\s+[A-Z]", m.string[m.end() :]))
    return f"{left} per {said}" + ("." if ends else "")
