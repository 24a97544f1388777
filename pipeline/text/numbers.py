"""Numbers as they are said: cardinals, decimals, ordinals, years, money, percent, fractions, times, dates, ranges.

Every function takes text that still holds digits and gives text in which the numbers of its kind are words. Order
matters; `spoken.say` keeps it.
"""

import re
from functools import lru_cache

from num2words import num2words

from pipeline.errors import Refusal

_DIGITS = "zero one two three four five six seven eight nine".split()
_AND_RE = re.compile(r",| and(?= )")
# The biggest number that is still said in words (under a thousand trillion).
_BIGGEST = 10**15
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_SCALE = r"(?:hundred|thousand|million|billion|trillion|dozen)s?"
_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = rf"(?:{'|'.join(_MONTHS)})"


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
        return " ".join(_DIGITS[int(d)] for d in whole)
    if len(decimals) > 12:
        raise Refusal("symbols", f"the number {text} is too long to say")
    said = cardinal(int(whole)) if whole else "" if decimals else "zero"
    return f"{said} point {' '.join(_DIGITS[int(d)] for d in decimals)}".strip() if decimals else said


@lru_cache(maxsize=5_000)
def year(value: int) -> str:
    """A year in words: 1984, 1905, 2000, 2019, 987."""
    if not 1000 <= value <= 2999 or 2000 <= value <= 2009 or value % 1000 == 0:
        return cardinal(value)
    high, low = divmod(value, 100)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {'oh ' if low < 10 else ''}{cardinal(low)}"


def decade(value: int) -> str:
    """`nineteen nineties` for 1990, `nineteen hundreds` for 1900, `two thousands` for 2000."""
    said = year(value)
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def compound(said: str, noun: str) -> str:
    """A number before a hyphenated noun: `eight-hour`, but `two hundred twenty liter`."""
    return f"{said} {noun}" if " " in said or "-" in said else f"{said}-{noun}"


# --- money

_CURRENCY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
}
_SUFFIX = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "b": "billion", "B": "billion",
           "bn": "billion", "Bn": "billion", "mn": "million", "T": "trillion", "trn": "trillion"}  # fmt: skip
_PRICE_RE = re.compile(
    rf"(?P<minus>(?:(?<=\s)|(?<=^)|(?<=\())-\s?)?(?:US|U\.S\.|HK|AU|CA|NZ)?\s?(?P<sign>[$€£¥])\s?(?P<inner>-\s?)?"
    rf"(?P<amount>{NUMBER})(?:(?P<suffix>bn|Bn|mn|trn|[kKmMbBT])(?![\w/])|\s?-?(?P<scale>(?:hundred|thousand|million|billion|trillion))\b)?"
)
_AFTER_RE = re.compile(rf"(?<![\w.,$€£¥])(?P<amount>{NUMBER})\s?(?P<sign>[$€£])(?![\d.]*\d)")
_CENT_RE = re.compile(rf"(?:¢\s?(?P<a>{NUMBER})|(?<![\w.])(?P<b>{NUMBER})\s?¢)")
_PRICE_RANGE_RE = re.compile(rf"([$€£])\s?({NUMBER})\s?[-–]\s?(?=[$€£]?\s?\d)\1?\s?({NUMBER})(?![\d,]|\.\d)")
_ARTICLE_RE = re.compile(
    r"(?:^|\b)(?:an?|the|another|each|every|this|that|his|her|their|its|my|your|one|two|three|four|five|six|seven|"
    r"eight|nine|ten|more|extra|additional|same|new)\s*$",
    re.IGNORECASE,
)
_NOUN_RE = re.compile(r"\s?-?\s?([a-z]+)\b")
_ALWAYS_ADJECTIVE = re.compile(r"(?:bills?|coins?|notes?|coupons?|vouchers?|gift|banknotes?)\b")
_NOT_NOUN = frozenset(
    "a an and are as at be but by can each every extra for from if in is less more of off on or over per plus so than "
    "that the then to toward towards total under until was were when which while who with worth he she it they we i "
    "you did do does had has have will would could should after before because but not yet also only now today "
    "yesterday left back there this his her their all apiece altogether additional daily weekly monthly yearly annually "
    "hourly out into through during between within without respectively once twice instead however how what short "
    "cheaper higher lower larger greater being since due up down about against compared versus even still just he's "
    "where whereas million billion thousand hundred remaining including plus minus times equals tax-free payable owed "
    "later earlier ago cash in saved spent earned needed required given upon like and/or worth invested borrowed".split()
)


def _price(m: re.Match[str]) -> str:
    one, many, cent, cents = _CURRENCY[m["sign"]]
    minus = "minus " if m["minus"] or m["inner"] else ""
    scale = _SUFFIX[m["suffix"]] if m["suffix"] else m["scale"]
    whole, _, decimals = m["amount"].replace(",", "").partition(".")
    before, after = m.string[: m.start()], m.string[m.end() :]
    noun = _NOUN_RE.match(after)
    adjective = bool(noun) and (
        bool(_ALWAYS_ADJECTIVE.match(noun[1]))
        or (after[:1] == "-" and after[1:2].isalpha())
        or (bool(_ARTICLE_RE.search(before[-14:])) and noun[1] not in _NOT_NOUN and not noun[1].endswith("ly"))
    )
    unit = one if adjective else many
    if scale or len(decimals) > 2 or not cent:
        return f" {minus}{number(m['amount'])} {scale or ''} {unit} "
    units, hundredths = int(whole or 0), int(decimals.ljust(2, "0")) if decimals else 0
    if adjective and hundredths and units:
        return f" {minus}{cardinal(units)} dollar and {cardinal(hundredths)} {cent} ".replace("dollar", one)
    parts = []
    if units or not hundredths:
        parts.append(f"{cardinal(units)} {one if units == 1 else unit}")
    if hundredths:
        parts.append(f"{cardinal(hundredths)} {cent if hundredths == 1 or adjective else cents}")
    return f" {minus}{' and '.join(parts)} "


def _price_range(m: re.Match[str]) -> str:
    return f"{m[1]}{m[2]} to {m[1]}{m[3]}"


def say_money(text: str) -> str:
    """Amounts of dollars, euros, pounds, yen and cents in words."""
    if not any(sign in text for sign in "$€£¥¢"):
        return text
    text = _PRICE_RANGE_RE.sub(_price_range, text)
    text = _AFTER_RE.sub(lambda m: f"{m['sign']}{m['amount']}", text)
    text = _CENT_RE.sub(lambda m: f" {number(m['a'] or m['b'])} {'cent' if (m['a'] or m['b']) == '1' else 'cents'} ", text)
    return _PRICE_RE.sub(_price, text)


# --- dates, years, times

_SHORT_MONTH_RE = re.compile(r"\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?(?=\s?\d)")
_SHORT_MONTHS = {m[:3]: m for m in _MONTHS} | {"Sept": "September"}
_YEAR = r"(?:1[0-9]|20)\d\d"
_MONTH_DAY_RE = re.compile(rf"\b({_MONTH})\s?(\d{{1,2}})(?:st|nd|rd|th)?(?![\d%:]|[.,]\d)(?:,?\s({_YEAR})\b)?")
_DAY_MONTH_RE = re.compile(rf"(?<![\d.,$])\b(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?({_MONTH})\b(?:,?\s({_YEAR})\b)?")
_MONTH_YEAR_RE = re.compile(rf"\b({_MONTH},?|[Ss]pring|[Ss]ummer|[Ff]all|[Aa]utumn|[Ww]inter)\s(?:of\s)?({_YEAR})\b(?![,.]\d)")
_SLASH_DATE_RE = re.compile(rf"(?<![\d/])(\d{{1,2}})/(\d{{1,2}})/({_YEAR}|\d\d)(?![\d/])")
_DECADE_RE = re.compile(r"(?:\b(early|late|mid)-)?\b((?:1\d|20)\d0)'?s\b")
_SHORT_DECADE_RE = re.compile(r"'(\d0)'?s\b|(?<=the )(\d0)'?s\b")
_YEARS_RE = re.compile(rf"(?<![\d.,$-])\b({_YEAR})\s?[-–/]\s?({_YEAR}|\d\d)\b(?![,.]?\d)(?!-\w)")
_ERA_RE = re.compile(r"(?<![\d.,])(\d{1,4}|\d{1,2},\d{3})\s?(B\.?\s?C\.?\s?E\.?|A\.?\s?D\.?|B\.?\s?C\.?|C\.?\s?E\.?|B\.?\s?P\.?)(?![\w.])")
_AD_RE = re.compile(r"\b(AD|A\.D\.)\s(\d{1,4})\b")
_YEAR_RE = re.compile(
    rf"(?P<before>\b(?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Tt]ill|[Ff]rom|[Dd]uring|[Bb]efore|[Aa]fter|[Yy]ears?|[Cc]irca|[Tt]hrough|[Tt]hroughout|"
    rf"[Oo]f|[Tt]o|[Aa]nd|[Bb]etween|[Ee]arly|[Ll]ate|[Mm]id|[Tt]he|[Aa]round|[Aa]bout|[Ss]tarting|[Ee]nding|[Aa]s of|[Tt]his|[Ss]pring|[Ss]ummer|[Ff]all)[\s-]+|\(|,\s)"
    rf"(?P<year>{_YEAR})(?![\d%°]|[,.:]\d|-\w|\s?[/^×*=+])(?P<after>\s[\w$(]+|)"
)
_FIRM_BEFORE = frozenset("in since year years circa during until till throughout early late mid through spring summer fall".split())
_LOOSE_AFTER = frozenset(
    " and or but to was is were in had has by the when while as of for with that which who he she they it at a an "
    "on after before until through from there how what did do does will would election elections act census "
    "constitution treaty revolution war olympics season edition report study convention world people's crash".split()
)
_TIME_RE = re.compile(
    r"(?<![\d:.$])(?P<h>\d{1,2})(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?)?\s?(?P<half>[AaPp]\.?\s?[Mm]\b\.?)(?![\w'])"
)
_CLOCK_RE = re.compile(
    r"(?P<before>\b(?:at|until|till|from|to|by|before|after|between|and|around|about|past|is|was)\s)(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?![\d:])",
    re.IGNORECASE,
)
_OCLOCK_RE = re.compile(r"\b(\d{1,2})(?::00)?\s?o'?clock")


def _date(month: str, day: str, year_text: str | None, original: str) -> str:
    if not 1 <= int(day) <= 31:
        return original
    return f"{month} {ordinal(int(day))}" + (f", {year(int(year_text))}" if year_text else "")


def _slash_date(m: re.Match[str]) -> str:
    month, day = int(m[1]), int(m[2])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return m[0]
    value = int(m[3]) if len(m[3]) == 4 else 1900 + int(m[3]) if int(m[3]) > 40 else 2000 + int(m[3])
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {year(value)}"


def _years(m: re.Match[str]) -> str:
    first, last = int(m[1]), m[2]
    value = int(last) if len(last) == 4 else first // 100 * 100 + int(last)
    if value <= first:
        return m[0]
    return f"{year(first)} to {year(value) if len(last) == 4 or int(last) < 10 else cardinal(int(last))}"


def _year_in_context(m: re.Match[str]) -> str:
    before, value, after = m["before"], int(m["year"]), m["after"]
    word = after.strip()
    firm = before.strip(" -").lower() in _FIRM_BEFORE
    plausible = 1400 <= value <= 2035 and (value % 100 or value in (1500, 1600, 1700, 1800, 1900, 2000))
    if not firm and not (plausible and 1600 <= value):
        return m[0]
    if word and word not in _LOOSE_AFTER and not word[0].isupper() and word[0] != "(":
        # "in 1500 trials" counts; "in 1950 prices rose" is a year.
        if not firm or value % 50 == 0 or word.isdigit():
            return m[0]
    if not word and not firm and before.strip().lower() in {"to", "and", "the", "of", "about", "around"} and value % 100 == 0:
        return m[0]
    if before.startswith(",") and word and word[0].islower():
        return m[0]
    return f"{before}{year(value)}{after}"


def _era(m: re.Match[str]) -> str:
    digits = m[1].replace(",", "")
    said = year(int(digits)) if "," not in m[1] and len(digits) == 4 else number(digits)
    return f"{said} {re.sub(r'[^A-Z]', '', m[2])}"


def say_dates(text: str) -> str:
    """Dates, decades, spans of years and years (where the context says that they are years) in words."""
    text = _SHORT_MONTH_RE.sub(lambda m: _SHORT_MONTHS[m[1]], text)
    text = _SLASH_DATE_RE.sub(_slash_date, text)
    text = _DAY_MONTH_RE.sub(lambda m: "the " * (not m.string[: m.start()].endswith("the ")) + f"{ordinal(int(m[1]))} of {m[2]}"
                             + (f", {year(int(m[3]))}" if m[3] else "") if 1 <= int(m[1]) <= 31 else m[0], text)  # fmt: skip
    text = _MONTH_DAY_RE.sub(lambda m: _date(m[1], m[2], m[3], m[0]), text)
    text = _MONTH_YEAR_RE.sub(lambda m: f"{m[1]} {year(int(m[2]))}", text)
    text = _ERA_RE.sub(_era, text)
    text = _AD_RE.sub(lambda m: f"AD {year(int(m[2]))}", text)
    text = _DECADE_RE.sub(lambda m: (f"{m[1]} " if m[1] else "") + decade(int(m[2])), text)
    text = _SHORT_DECADE_RE.sub(lambda m: decade(int(m[1] or m[2])), text)
    text = _YEARS_RE.sub(_years, text)
    return _YEAR_RE.sub(_year_in_context, _YEAR_RE.sub(_year_in_context, text))


def _clock(hours: str, minutes: str | None) -> str:
    if not minutes or minutes == "00":
        return cardinal(int(hours))
    return f"{cardinal(int(hours))} {'oh ' if minutes[0] == '0' else ''}{cardinal(int(minutes))}"


def say_times(text: str) -> str:
    """Times of day in words: 3:30 pm, 10 a.m., at 8:05."""
    if "'clock" in text:
        text = _OCLOCK_RE.sub(lambda m: f"{cardinal(int(m[1]))} o'clock", text)

    def half(m: re.Match[str]) -> str:
        # The stop of "p.m." may end the sentence as well.
        stop = "." if m[0].endswith(".") and re.match(r"\s*$|\s+[A-Z]", m.string[m.end() :]) else ""
        return f"{_clock(m['h'], m['m'])} {m['half'][0].upper()}M{stop}"

    text = _TIME_RE.sub(half, text)
    return _CLOCK_RE.sub(
        lambda m: m["before"] + _clock(m["h"], m["m"]) + (" o'clock" if m["m"] == "00" and int(m["h"]) <= 12 else ""), text
    )


# --- percent, fractions, ratios, ranges, the rest

_PERCENT_RANGE_RE = re.compile(rf"(?<![\w.])({NUMBER})\s?%?\s?(?:-|–|to)\s?({NUMBER})\s?%")
_ORDINAL_RE = re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d+)\s?(?:st|nd|rd|th)\b")
_NAMED = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_FRACTION_RE = re.compile(r"(?<![\d./^_])(?:(\d+)(?:\s|-|\s?and\s|\s?&\s))?\(?(\d+)\s?/\s?(\d+)\)?(?:'?(?:rds?|ths?|nds?|st|s)\b)?(?!\s?/|[\d.]*\d|[A-Za-z^(])")
_SCORE_RE = re.compile(r"(?<![\d:.,])(\d+(?:\.\d+)?)(?:\s?:\s?(\d+(?:\.\d+)?))(?:\s?:\s?(\d+(?:\.\d+)?))?(?:\s?:\s?(\d+(?:\.\d+)?))?(?![\d:]|[.,]\d)")
_RANGE_RE = re.compile(rf"(?<![\w.,=+*/^-])({NUMBER})\s?(?:-|–)\s?({NUMBER})(?![\w^*/=+]|[.,]\d|-\d)")
_HYPHEN_RE = re.compile(rf"(?<![\w.,])({NUMBER})(?:-|\s-\s?(?=year|foot|inch|mile|hour|day|week|month))([a-z]{{2,}}|[A-Z][a-z]+)")
_PLURAL_RE = re.compile(r"(?<![\w.,])(\d+)'?s\b")
_MINUS_RE = re.compile(rf"(?:(?<=^)|(?<=[\s(\[=,:;]))-\s?(?={NUMBER})")
_NUMBER_RE = re.compile(rf"(?<![\d.,])(?:{NUMBER})(?![\d]|,\d{{3}})|\d+")
_MIXED_RE = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_PHONE_RE = re.compile(r"\b\d{3}-\d{3}-\d{4}\b|\b\d+\.\d+\.\d+(?:\.\d+)?\b")


def fraction(top: int, bottom: int, whole: str | None = None) -> str:
    """top/bottom in words: `three quarters`, `one and a half`-like with a whole number, `five over four hundred`."""
    if bottom == 0 or bottom == 1 or bottom > 100 and bottom % 100 or bottom > 1_000_000:
        said = f"{cardinal(top)} over {cardinal(bottom)}"
        if whole:
            raise Refusal("symbols", f"{whole} {top}/{bottom}")
        return said
    one, many = _NAMED.get(bottom) or (ordinal(bottom), ordinal(bottom) + "s")
    said = f"{cardinal(top)} {one if top == 1 else many}"
    return f"{cardinal(int(whole))} and {said}" if whole else said


def _ratio(m: re.Match[str]) -> str:
    return " to ".join(number(g) for g in m.groups() if g)


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
    return _FRACTION_RE.sub(lambda m: f" {fraction(int(m[2]), int(m[3]), m[1])} ", text)


def say_rest(text: str) -> str:
    """All numbers that are left: ordinals, ratios, ranges, `8-hour`, negative numbers, numbers within names."""
    if not any(c.isdigit() for c in text):
        return text
    if found := _PHONE_RE.search(text):
        raise Refusal("symbols", found[0])
    text = _ORDINAL_RE.sub(lambda m: ordinal(int(m[1].replace(",", ""))), text)
    text = _SCORE_RE.sub(_ratio, text)
    text = _RANGE_RE.sub(_range, text)
    text = _HYPHEN_RE.sub(lambda m: compound(number(m[1]), m[2]), text)
    text = _PLURAL_RE.sub(lambda m: decade(int(m[1])) if cardinal(int(m[1]))[-1] != "x" else cardinal(int(m[1])) + "es", text)
    text = _MINUS_RE.sub("minus ", text)
    text = re.sub(r"(?<=[A-Za-z])-(?=\d)|(?<=\d)-(?=[A-Za-z])", " ", text)
    text = _MIXED_RE.sub(" ", text)
    return _NUMBER_RE.sub(lambda m: f" {number(m[0])} ", text)
