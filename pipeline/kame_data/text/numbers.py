"""Numbers as they are said: cardinals, decimals, ordinals, percent, fractions, ratios, ranges.

The `say_` functions take text that still holds digits and give text in which the numbers of their kind are words.
Their order matters; `spoken.say` keeps it. Money and dates have files of their own.
"""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache

from num2words import num2words

from kame_data.errors import Refusal
from kame_data.text.words import text_before

DIGITS = "zero one two three four five six seven eight nine".split()
_AND_RE = re.compile(r",| and(?= )")
# The biggest number that is still said in words (under a thousand trillion).
_BIGGEST = 10**15
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"


@lru_cache(maxsize=50_000)
def cardinal(number: int) -> str:
    """A whole number in words, American style, without commas."""
    if abs(number) >= _BIGGEST:
        raise Refusal("symbols", f"the number {number} is too long to say")
    words = _AND_RE.sub("", str(num2words(abs(number))))
    return f"minus {words}" if number < 0 else words


@lru_cache(maxsize=50_000)
def ordinal(number: int) -> str:
    """`twenty-first` for 21."""
    if number >= _BIGGEST:
        raise Refusal("symbols", f"the number {number} is too long to say")
    return _AND_RE.sub("", str(num2words(number, to="ordinal")))


@lru_cache(maxsize=50_000)
def number(text: str) -> str:
    """The number `text` (1,234.50, .5) in words; decimals digit by digit."""
    whole, point, decimals = text.replace(",", "").partition(".")
    if len(whole) > 1 and whole[0] == "0" and not point:
        return " ".join(DIGITS[int(d)] for d in whole)
    if len(decimals) > 12:
        raise Refusal("symbols", f"the number {text} is too long to say")
    said = cardinal(int(whole)) if whole else "" if decimals else "zero"
    return f"{said} point {' '.join(DIGITS[int(d)] for d in decimals)}".strip() if decimals else said


def plural(said: str) -> str:
    """`nineties` for ninety, `sixes` for six."""
    return said[:-1] + "ies" if said.endswith("y") else said + ("es" if said.endswith("x") else "s")


def compound(said: str, noun: str) -> str:
    """A number before a hyphenated noun: `eight-hour`, but `two hundred twenty liter`."""
    return f"{said} {noun}" if " " in said or "-" in said else f"{said}-{noun}"


_PERCENT_RANGE_RE = re.compile(rf"(?<![\w.])({NUMBER})\s?%?\s?(?:-|–|to)\s?({NUMBER})\s?%")
_ORDINAL_RE = re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d+)\s?(?:st|nd|rd|th)\b")
_NAMED = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_FRACTION_RE = re.compile(
    r"(?<![\d./^_,])(?:(\d+)(?:\s|-|\s?and\s|\s?&\s|(?=\()))?\(?(\d+)\s?/\s?(\d+)\)?(?:'?(?:rds"
    r"?|ths?|nds?|st|s)\b)?(?!\s?/|[\d.]*\d|[A-Za-z^(])"
)
_SIDE = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?"
_SCORE_RE = re.compile(
    rf"(?<![\d:.,])({_SIDE})(?:\s?:\s?({_SIDE}))(?:\s?:\s?({_SIDE}))?(?:\s?:\s?({_SIDE}))?(?![\d:]|[.,]\d)"
)
_RANGE_RE = re.compile(rf"(?<![\w.,^-])({NUMBER})\s?(?:-|–)\s?({NUMBER})(?![\w^*/=+]|[.,]\d|-\d)")
_HYPHEN_RE = re.compile(
    rf"(?<![\w.,])({NUMBER})(?:-|\s-\s?(?=year|foot|inch|mile|hour|day|week|month))([a-z]{{2,}}|"
    rf"[A-Z][a-z]+)"
)
_PLURAL_RE = re.compile(r"(?<![\w.,])(\d+)'?s\b")
_NUMBER_RE = re.compile(rf"(?<![\d.,])(?:{NUMBER})(?![\d]|,\d{{3}})|\d+")
_MIXED_RE = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_PHONE_RE = re.compile(r"\b\d{3}-\d{3}-\d{4}\b")
# Versions, sections, addresses: whole numbers with points between.
_DOTTED_RE = re.compile(
    r"(?:\b[vV](?:er)?\.?\s?(?P<version>\d{1,4}(?:\.\d{1,4})+)|(?<![\w.])(?P<plain>\d{1,4}(?:\.\d{1,4}){2,5}))(?![\w]|\.\d)"
)

_SMALL = r"one|two|three|four|five|six|seven|eight|nine"
_ROUND = {
    word: value for value, word in enumerate("ten twenty thirty forty fifty sixty seventy eighty ninety".split(), 1)
}
_BESIDE_RE = re.compile(
    rf"(?<![\w.,/^$€£-])(?P<first>\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?|{'|'.join(_ROUND)}|hundred|thousand|million)(?P<gap>\s+)"
    rf"(?=[$€£]?(?P<second>(?!0\d)\d{{1,3}}(?!\d|\s?/\s?\d|\s?\^)|(?:{_SMALL})\b))",
    re.IGNORECASE,
)
_AMOUNTS_RE = re.compile(r"(?<![\w$€£])([$€£]\d[\d,]*(?:\.\d+)?)\s+(?=[$€£]\d)")


def part(text: str) -> str:
    """`text` with a comma between two numbers that would be heard as one: 20 $5 bills, 100 8-foot boards; and between
    two amounts."""
    return _BESIDE_RE.sub(_parted, _AMOUNTS_RE.sub(r"\1, ", text))


def _parted(m: re.Match[str]) -> str:
    first, second = m["first"].replace(",", "").lower(), m["second"]
    if "." in first:
        return f"{first},{m['gap']}" if second.isdigit() else m[0]
    if not (first.isdigit() or second.isdigit()):
        return m[0]
    value = int(first) if first.isdigit() else _ROUND.get(first, 0) * 10
    leading = int(second) if second.isdigit() else 1
    # What the last words of the first leave room for: one figure, or hundreds, behind twenty; two behind two hundred.
    if value % 100 >= 20 and value % 10 == 0:
        fused = 0 < leading < 10 or leading >= 100
    elif value:
        fused = value % 100 == 0 and 0 < leading < (100 if value % 1000 else 1000)
    else:
        fused = m.string[m.end("second") :][:1] == "-"
    return f"{m['first']},{m['gap']}" if fused else m[0]


def fraction(top: int, bottom: int, whole: str | None = None) -> str:
    """top/bottom in words: `three quarters`, `one and a half`-like with a whole number, `five over four hundred`."""
    if bottom == 0 or bottom == 1 or (bottom > 100 and bottom % 100) or bottom > 1_000_000:
        said = f"{cardinal(top)} over {cardinal(bottom)}"
        if whole:
            raise Refusal("symbols", f"{whole} {top}/{bottom}")
        return said
    one, many = _NAMED.get(bottom) or (ordinal(bottom), ordinal(bottom) + "s")
    said = f"{cardinal(top)} {one if top == 1 else many}"
    return f"{cardinal(int(whole))} and {said}" if whole else said


def _ratio(m: re.Match[str]) -> str:
    return " to ".join(number(g) for g in m.groups() if g)


def _dotted(m: re.Match[str]) -> str:
    said = " point ".join(number(part) for part in (m["version"] or m["plain"]).split("."))
    return f"version {said}" if m["version"] and not re.search(r"\bversion\s$", text_before(m, most=9)) else said


def _range(m: re.Match[str]) -> str:
    return f"{m[1]} to {m[2]}"


def say_percent(text: str) -> str:
    """Percentages in words."""
    if "%" not in text and "°" not in text:
        return text
    text = _PERCENT_RANGE_RE.sub(lambda m: f"{number(m[1])} to {number(m[2])} percent", text)
    text = re.sub(r"(?<=\d)-(?=percent)", " ", text)
    return re.sub(r"\s?%\s?-?(?=[a-z])", " percent ", re.sub(r"\s?%", " percent", text))


def say_fractions(text: str) -> str:
    """Fractions of whole numbers in words."""
    if "/" not in text:
        return text
    text = re.sub(r"\b24\s?/\s?7\b", "twenty-four seven", text)
    text = re.sub(r"(?<=\d/\d)-(?=[a-z]{2})|(?<=\d/\d\d)-(?=[a-z]{2})", " ", text)
    return _FRACTION_RE.sub(lambda m: f" {fraction(int(m[2]), int(m[3]), m[1])} ", text)


def say_rest(text: str) -> str:
    """All numbers that are left: ordinals, ratios, ranges, `8-hour`, negative numbers, numbers within names."""
    if not any(c.isdigit() for c in text):
        return text
    text = _DOTTED_RE.sub(_dotted, text) if "." in text else text
    if found := _PHONE_RE.search(text):
        raise Refusal("symbols", found[0])
    text = re.sub(r"(?<=\d)-(and|to|or|by)-(?=\d)", r" \1 ", text)
    text = _ORDINAL_RE.sub(lambda m: ordinal(int(m[1].replace(",", ""))), text)
    text = _SCORE_RE.sub(_ratio, text)
    text = _RANGE_RE.sub(_range, text)
    text = _HYPHEN_RE.sub(lambda m: compound(number(m[1]), m[2]), text)
    text = _PLURAL_RE.sub(lambda m: plural(cardinal(int(m[1]))), text)
    text = re.sub(r"(?<=[A-Za-z])-(?=\d)|(?<=\d)-(?=[A-Za-z])", " ", text)
    text = _MIXED_RE.sub(" ", text)
    return _NUMBER_RE.sub(lambda m: f" {number(m[0])} ", text)
