"""Measures as people type them, in the one way that `units` reads: mol-1 as mol^{-1}, 350F as 350 °F."""

import re

from kame_data.text.numbers import NUMBER

_WINDOW = 40
_LENGTH = r"(?:ft|feet|foot|in|inch(?:es)?|yd|yards?|mi|miles?|cm|mm|km|m|meters?|metres?|'|\"|'')\.?"
_BETWEEN_RE = re.compile(rf"(?<=\d)(\s?{_LENGTH})\s?[xX×]\s?(?=\.?\d)")
_AS_MANY_RE = re.compile(
    rf"(?<![\w.])({NUMBER})\s?[xX]\s(?=(?:as|more|less|fewer|the|their|his|her|its|[a-z]{{2,}}er)\b)"
)
_AMOUNT = (
    r"(?:L|l|mL|ml|dL|g|mg|kg|μg|mcg|lb|oz|gal|km|mi|m|cm|m\^?2|ft|J|kJ|kWh|cal|kcal|gallons?|liters?|miles?|calories)"
)
_AMOUNT_RE = re.compile(rf"(?<=\d)(\s?{_AMOUNT})\s?/\s?(?={NUMBER}\s?(?:{_AMOUNT}|people|cups?|servings?)\b)")
_COUNT_RE = re.compile(r"(?<=\d)\s?/\s?(?=(?:mm|cm|μL|uL|mL|dL|L|m)(?:\^?[23])?(?![\w/·]))")
_DEGREE_RE = re.compile(r"(?<=/[gG])°(?=[CFK]\b)|(?<=/kg)°(?=[CFK]\b)|(?<=/lb)°(?=[CFKR]\b)|(?<=/lbm)°(?=[CFR]\b)")
# A denominator of units in brackets: J/(g·K).
_UNIT = r"(?:m|cm|mm|km|s|h|g|kg|mg|K|°[CF]|mol|J|kJ|L|mL|N|W|A|V|C|lb|ft|hr|min|Pa|Hz|sr|day|d)(?:\^?\{?[23]\}?)?"
_BELOW_RE = re.compile(
    rf"(?<=[A-Za-z°])\s?/\s?\(\s?({_UNIT})\s?[·*⋅×\s-]\s?({_UNIT})(?:\s?[·*⋅×\s-]\s?({_UNIT}))?\s?\)"
)
_HOURS_RE = re.compile(r"(?<![\w.,])(\d{1,3})\s?h(?:(?:\s|\sand\s)(?=\d{1,2}\s?m(?:in)?\b)|(?=[0-5]\d(?!\w)))")
# Minutes by the hours before or the seconds behind them: 1h 30m, 3m20s.
_MINUTES_RE = re.compile(r"(?<![\w.,])(\d{1,3})\s?h\s?([0-5]?\d)\s?m(?![\w/^²³])(?:\s?([0-5]?\d)\s?s(?![\w/^]))?")
_SECONDS_RE = re.compile(r"(?<![\w.,])(\d{1,3})m\s?([0-5]?\d)s(?![\w/^])")
_AGED_RE = re.compile(r"(?<=\d)-(yr|mo|wk)s?\.?(?=-old\b)")
_MIXED_RE = re.compile(r"(?<=\d)\((\d{1,3})\s?/\s?(\d{1,4})\)")
# Symbols whose power stands behind them without a sign for it.
_INVERSE_RE = re.compile(
    r"(?<![A-Za-z^_])(m|cm|mm|km|nm|dm|ft|s|sec|min|h|hr|yr|kg|g|mg|mol|mole|K|J|kJ|W|N|L|l|dm|mL|Pa|A|V|C|T|Hz|cal|"
    r"kcal|bar|atm|rad|M)(?:(-\s?[1-4])|\(\s?(-\s?[1-4])\s?\))(?![\w.]|-\w)"
)
_SQUARED_RE = re.compile(r"(?<![A-Za-z^_])(m|cm|mm|km|nm|dm|ft|in|yd|mi|(?<=/)s|(?<=/ )s)([23])(?![\w^]|\.\d)")
# From a number, or a word before a unit, to the symbol: only other symbols between.
_RUN_RE = re.compile(
    r"(?:^|\d\s?\}?\s?|\b(?:in|of|units?|is|are)\s|\()(?:(?:[A-Za-zμΩ°]{1,5}(?:\^?\{?-?\d\}?)?\s?[\s·*/.]\s?){0,4}|/)$"
)
_LETTER_RE = re.compile(rf"(?<![\w.,$€£/^-])({NUMBER})(\s?)([KkMBCF])(?![\w°'’^-]|\s?[/·*=({{]|\.\w)")
_PLACE_RE = re.compile(
    r"\b(?:room|apartment|apt\.?|section|flat|gate|seat|unit|block|bus|line|figure|fig\.?|exhibit|part|question|problem|"
    r"class|grade|schedule|title|form|vitamin|type|row|suite|level|plan|case|step|and|or)\s$",
    re.IGNORECASE,
)
_STANDS_RE = re.compile(
    r"\s?(?:$|[.,;:?!)\]])|\s(?:of|at|and|to|is|in|from|through|when|for|with|on|by|or|are|if|the|was|than|under|over|"
    r"before|after|outside|inside|while|until|as|until|each|every)\b"
)
_HEAT_RE = re.compile(
    r"temperature|\bheat|°|thermo|degrees?|celsius|fahrenheit|kelvin|\bboil|freez|\bmelt|\bcool|\bwarm|\bhot\b|\bcold|oven|"
    r"\bbak(?:e|ing)|fever|weather|\bgas(?:es)?\b|entrop|enthalp|adiabat|isotherm|\bsteam|radiat|blackbody|vacuum|atm\b",
    re.IGNORECASE,
)
_CHARGE_RE = re.compile(r"charge|coulomb|current|electric|field|particle|electron|proton|capacit", re.IGNORECASE)
_CAPACITY_RE = re.compile(r"capacit|farad|circuit|charge", re.IGNORECASE)
_MOLAR_RE = re.compile(
    r"molar|solution|\bacid|\bbase\b|\bsalt\b|buffer|titrat|concentrat|\bmol(?:es?)?\b|aqueous|\bions?\b|\bpH\b|"
    r"equilibri|\b[A-Z][a-z]?[A-Z]|\b[A-Z] [A-Z]\b|_|solub|reagent|solute"
)
_RUNS_RE = re.compile(
    r"[\s-](?:runs?|runners?|figur\w+|race|walk|resolution|tv|screen|video|display|monitor)\b", re.IGNORECASE
)
_WORD_RE = re.compile(r"[A-Za-z]{3}")
_AGES = {"yr": "year", "mo": "month", "wk": "week"}
_SCALES = {"K": "thousand", "k": "thousand", "M": "million", "B": "billion"}


def plain(text: str, about: str) -> str:
    """`text` with its measures written one way, and with words for the letters that count thousands or multiply.

    `about`: the text that tells what a letter behind a number stands for.
    """
    if not any(c.isdigit() for c in text):
        return raise_powers(text) if "/" in text else text
    if "x" in text or "X" in text or "×" in text:
        text = _AS_MANY_RE.sub(r"\1 times ", _BETWEEN_RE.sub(r"\1 by ", text))
    text = _SECONDS_RE.sub(r"\1 min \2 s", text)
    if "h" in text:
        text = _MINUTES_RE.sub(lambda m: f"{m[1]} h {m[2]} min" + (f" {m[3]} s" if m[3] else ""), text)
        text = _HOURS_RE.sub(_hours, text)
    text = _AGED_RE.sub(lambda m: f"-{_AGES[m[1]]}", text)
    if "/" in text:
        text = _COUNT_RE.sub(" per ", _AMOUNT_RE.sub(r"\1 per ", text))
    if "°" in text:
        text = _DEGREE_RE.sub("·°", text)
    text = _MIXED_RE.sub(r" \1/\2", raise_powers(text))
    return _LETTER_RE.sub(lambda m: _letter(m, about), text)


def _hours(m: re.Match[str]) -> str:
    """Hours before minutes, which may have no sign of their own: 2 h 15 min, 1h30."""
    said = f"{m[1]} {'hour' if m[1] == '1' else 'hours'} "
    return said if m[0][-1:].isspace() or m[0].endswith("and ") else f"{said}and "


def raise_powers(text: str) -> str:
    """`text` with `mol-1` and `m2` as mol^{-1} and m^2, and `J/(g·K)` as J/g/K, where they are units."""
    if "/" in text:
        text = _BELOW_RE.sub(lambda m: "".join(f"/{unit}" for unit in m.groups() if unit), text)
    return _SQUARED_RE.sub(_squared, _INVERSE_RE.sub(_inverse, text))


def _inverse(m: re.Match[str]) -> str:
    power = (m[2] or m[3]).replace(" ", "")
    return f"{m[1]}^{{{power}}}" if _RUN_RE.search(_before(m)) else m[0]


def _squared(m: re.Match[str]) -> str:
    return f"{m[1]}^{m[2]}" if _RUN_RE.search(_before(m)) else m[0]


def _before(m: re.Match[str]) -> str:
    return m.string[max(0, m.start() - _WINDOW) : m.start()]


def _letter(m: re.Match[str], about: str) -> str:
    """The letter behind a number as what it stands for here: a scale, degrees, or itself."""
    value, gap, letter = m[1], m[2], m[3]
    after = m.string[m.end() : m.end() + _WINDOW]
    if _PLACE_RE.search(_before(m)) and not gap and letter in "BCMF" and not re.match(r"\s[a-z]", after):
        return m[0]
    if letter in _SCALES:
        if _RUNS_RE.match(after):
            return f"{value} k" if letter in "kK" else m[0]
        alone = not _WORD_RE.search(about)
        unit = (
            gap
            or (letter in "kK" and len(value) > 3 and value.isdigit())
            or (letter == "K" and (alone or _HEAT_RE.search(about)))
            or (letter == "M" and (alone or _MOLAR_RE.search(about)))
            or (letter == "k" and (alone or not re.match(r"\s?[a-z,.]*\s?[a-z]{2}|[,.]?$", after)))
        )
        return m[0] if unit else f"{value} {_SCALES[letter]}"
    if not _STANDS_RE.match(after):
        return m[0]
    other = (_CHARGE_RE if letter == "C" else _CAPACITY_RE).search(about)
    return m[0] if other and not _HEAT_RE.search(about) else f"{value} °{letter}"
