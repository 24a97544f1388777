"""Dates, years and times of day as they are said."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache

from kame_data.text.numbers import cardinal, number, ordinal, plural
from kame_data.text.words import text_before

_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = rf"(?:{'|'.join(_MONTHS)})"
_SHORT = r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
_SHORT_MONTH_RE = re.compile(
    rf"\b({_SHORT})\b(?:\.?(?=\s?\d|\s?[-–]\s?{_SHORT}\b)|\.)|(?<=[-–])({_SHORT})\b|(?<=[-–] )({_SHORT})\b"
)
_BEFORE_MONTH_RE = re.compile(
    r"\b(?:in|of|by|from|to|and|or|until|since|during|last|next|this|early|late|mid|on)[\s-]$"
)
_SHORT_MONTHS = {m[:3]: m for m in _MONTHS} | {"Sept": "September"}
_YEAR = r"(?:1[0-9]|20)\d\d"
_MONTH_DAY_RE = re.compile(rf"\b({_MONTH})\s?(\d{{1,2}})(?:st|nd|rd|th)?(?![\d%:]|[.,]\d)(?:,?\s({_YEAR})\b)?")
_DAY_MONTH_RE = re.compile(rf"(?<![\d.,$])\b(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?({_MONTH})\b(?:,?\s({_YEAR})\b)?")
_MONTH_YEAR_RE = re.compile(
    rf"\b({_MONTH},?|[Ss]pring|[Ss]ummer|[Ff]all|[Aa]utumn|"
    rf"[Ww]inter|Q[1-4])\s(?:of\s)?({_YEAR})\b(?![,.]\d)"
)
_DAYS_RE = re.compile(
    rf"\b({_MONTH})\s(\d{{1,2}})(?:st|nd|rd|th)?\s?[-–]\s?(?:({_MONTH})\s)?(\d{{1,2}})(?:st|nd|rd|th)?(?![\d%:]|[.,]\d)"
    rf"|(?<![\d.,$])\b(\d{{1,2}})(?:st|nd|rd|th)?\s?[-–]\s?(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?({_MONTH})\b"
)
_WHOLE_DATES_RE = re.compile(rf"(?<={_YEAR})\s?[-–]\s?(?={_MONTH}\s\d{{1,2}},?\s{_YEAR})")
_MONTHS_RE = re.compile(rf"\b({_MONTH})\s?[-–]\s?(?={_MONTH}\b)")
# A day and a month without a year, where nothing but a date is meant.
_SHORT_DATE_RE = re.compile(
    r"(?<![\d/.])(?:(?P<a>0\d)/(?P<b>[0-3]\d)|(?P<c>1[0-2])/(?P<d>0[1-9])|(?P<on>\b(?:[Oo]n|[Ss]ince|[Uu]ntil|[Dd]ated?|"
    r"[Dd]ue)\s)(?P<e>1[0-2]|[1-9])/(?P<f>[12]\d|3[01]|[1-9])(?=\s?(?:$|[.,;:?!)]|\s(?:at|and|to|in|is|was|the|for)\b)))(?![\d/])"
)
_DOTTED_DATE_RE = re.compile(rf"(?<![\d.])(\d{{1,2}})\.(\d{{1,2}})\.({_YEAR})(?![\d.]\d)")
_SLASH_DATE_RE = re.compile(rf"(?<![\d/])(\d{{1,2}})/(\d{{1,2}})/({_YEAR}|\d\d)(?![\d/])")
_DECADE_RE = re.compile(r"(?:\b(early|late|mid)-)?\b((?:1\d|20)\d0)'?s\b")
_SHORT_DECADE_RE = re.compile(
    r"'(\d0)'?s\b|(?<![\w.])(?P<whose>(?:the|his|her|their|my|our|your|its|one's|early|mid|late)[\s-]+)"
    r"(?P<age>\d0)'?s\b(?:(?P<and>\s(?:and|or|to)\s|\s?[-–]\s?)(?P<older>\d0)'?s\b)?",
    re.IGNORECASE,
)
_YEARS_RE = re.compile(rf"(?<![\d.,$-])\b({_YEAR})\s?[-–/]\s?({_YEAR}|\d\d)\b(?![,.]?\d)(?!-\w)")
_ERA_RE = re.compile(
    r"(?<![\d.,])(\d{1,4}|\d{1,2},\d{3})\s?(B\.?\s?C\.?\s?E\.?|A\.?\s?D\.?|B\.?\s?C\.?|C\.?\s?E\.?|"
    r"B\.?\s?P\.?)(?![\w.])"
)
_ERAS_RE = re.compile(
    r"(?<![\d.,-])(\d{1,4})\s?[-–]\s?(?=\d{1,4}\s?(?:B\.?C|C\.?E|A\.?D|B\.?P))"
    r"|(?<=\d )(B\.?C\.?E?\.?|C\.?E\.?|A\.?D\.?)\s?[-–]\s?(?=\d|AD)"
)
_AD_RE = re.compile(r"\b(AD|A\.D\.)\s(\d{1,4})\b")
_YEAR_RE = re.compile(
    rf"(?P<before>\b(?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Tt]ill|[Ff]rom|[Dd]uring|[Bb]efore|[Aa]fter|[Yy]ears?|[Cc]irca"
    rf"|[Tt]hrough|[Tt]hroughout|"
    rf"[Oo]f|[Tt]o|[Aa]nd|[Bb]etween|[Ee]arly|[Ll]ate|[Mm]id|[Tt]he|[Aa]round|[Aa]bout|[Ss]tarting|[Ee]nding|"
    rf"[Aa]s of|[Tt]his|[Ss]pring|[Ss]ummer|[Ff]all)[\s-]+|\(|,\s)"
    rf"(?P<year>{_YEAR})(?![\d%°]|[,.:]\d|-\w|\s?[/^×*=+])(?P<after>\s[\w$(]+|)"
)
_FIRM_BEFORE = frozenset(
    "in since year years circa during until till throughout early late mid through spring summer fall".split()
)
# What is named for its year: the Civil Rights Act of 1964.
_NAMED_FOR_RE = re.compile(
    r"\b(?:Acts?|Treaty|War|Revolution|Crash|Panic|Elections?|Amendments?|Constitution|Compromise|Battle|Code|Law|Laws|"
    r"Convention|Congress|Edict|Peace|Rebellion|Massacre|Crisis|Depression|Conference|Declaration|Charter|Agreement|"
    r"Olympics|Accords?|Pact|Statute|Bill|Uprising|Protocol|Famine|Census|Reforms?|Coup)(?: of|,) $"
)
_LOOSE_AFTER = frozenset(
    " and or but to was is were in had has by the when while as of for with that which who he she they it at a an "
    "on after before until through from there how what did do does will would election elections act census "
    "presidential federal general parliamentary olympic world supreme winter summer "
    "constitution treaty revolution war olympics season edition report study convention world people's crash".split()
)
# Where something is counted or worked out, a number of four figures is an amount.
_COUNTING_RE = re.compile(
    r"[$€£¥%=+*/×^<>°]|\d\s?-\s?\d|\b(?:how (?:many|much|far|long|tall|big|old)|total|"
    r"sums?|average|mean|calculat\w*|comput\w*|solve|equals?|plus|minus|times|divid\w*|multipl\w*|percent|numbers?|integers?|digits?|"
    r"remainder|factors?|rate|costs?|values?|binary|hexadecimal|ratio|probability|sample|scores?|altogether|each|"
    r"left|per|remain\w*|rounded?)\b",
    re.IGNORECASE,
)
_MEASURED_RE = re.compile(
    r"\b(?:increas\w+|decreas\w+|reduc\w+|rais\w+|grew|grown?|growth|fell|rose|rises?|exceed\w*|population|length|width|"
    r"height|weight|has|have|had|are|were|buys?|bought|sold|sells?|made|makes?|than|only|nearly|almost|over|exactly|"
    r"another|at least|at most|up to|all|room|flight|model|route|highway|page|by about)\s+(?:by |to |of |from )?$",
    re.IGNORECASE,
)
_WORKS_RE = re.compile(
    r"\b(?:novel|book|film|movie|album|song|play|entitled|titled|called|Orwell's|Runner|Odyssey|class of|circa|year)"
    r",?\s[\"']?$"
)
_TITLED_RE = re.compile(r"\sby [A-Z]")
_LETTER_RE = re.compile(r"[A-Za-z]{2}")
_BARE_YEAR_RE = re.compile(
    r"(?<![\d.,:$€£¥#/^*=+-])(?<![-+*/=×^<>] )\b(?P<year>(?:1[1-9]|20)\d\d|10[1-9]\d)"
    r"(?![\w%°]|[.,:]\d|-\w|\s?[-–/^×*=+<>])(?P<after>\s[\w$(]+|)"
)
_LIFE = {"c": "around", "ca": "around", "b": "born", "d": "died", "est": "established", "fl": "active", "r": "reigned"}
_LIFE_RE = re.compile(
    rf"(?<![\w.'])({'|'.join(_LIFE)})\.\s?(?=\d{{3,4}}(?!\d))(?:({_YEAR}|[3-9]\d\d)(?![\w%'–-]|\s[-–]|[.,:]\d))?"
)
_ISO_RE = re.compile(r"(?<![\d/-])((?:1[5-9]|20)\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\d/-])")
_DECADES_RE = re.compile(r"\b((?:1\d|20)\d0)'?s\s?[-–]\s?'?(?:(\d0)|((?:1\d|20)\d0))'?s\b")
_LIKE_YEAR_RE = re.compile(rf"(?<![\d.,])\b({_YEAR})-(ish|era|style|born|built)\b")
_TIME_RE = re.compile(
    r"(?<![\d:.$])(?P<h>\d{1,2})(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?)?\s?(?P<half>[AaPp]\.?\s?[Mm]\b\.?)(?![\w'])"
)
_CLOCK_RE = re.compile(
    r"(?P<before>\b(?:at|until|till|from|to|by|before|after|between|and|around|about|past|is|was)\s)(?P<h>[01]?\d|"
    r"2[0-3]):(?P<m>[0-5]\d)(?![\d:]|,\d{3})",
    re.IGNORECASE,
)
_HOURS_RE = re.compile(
    r"(?<![\d:.$])(\d{1,2}(?::[0-5]\d)?\s?(?:[AaPp]\.?\s?[Mm]\b\.?)?|\b[Nn]oon\b|\b[Mm]idnight\b)\s?[-–—]\s?"
    r"(?=\d{1,2}(?::[0-5]\d)?\s?[AaPp]\.?\s?[Mm]\b)"
    r"|(?<![\d:.$])(\d{1,2}(?::[0-5]\d)?\s?[AaPp]\.?\s?[Mm]\b\.?)\s?[-–—]\s?(?=(?:noon|midnight)\b)"
    r"|(?<![\d:.$])(\d{1,2}:[0-5]\d)\s?[-–]\s?(?=\d{1,2}:[0-5]\d)"
)
# A time that is no time of day: a mile in 7:30, a film of 1:45:20.
_LASTING_RE = re.compile(r"(?<![\d:.,$])(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?![\d:]|[.,]\d)")
_RATIO_RE = re.compile(
    r"\b(?:ratios?|proportions?|odds|scale|mix\w*|dilut\w+|per|parts?|split|concentrat\w+|verse|chapter)\b",
    re.IGNORECASE,
)
_LASTS_RE = re.compile(r"\b(?:in|under|took|takes?|lasts?|lasted|of|than|for|within|below)\s$")
_OCLOCK_RE = re.compile(r"\b(\d{1,2})(?::00)?\s?o'?clock")


@lru_cache(maxsize=5_000)
def year(value: int) -> str:
    """A year in words: 1984, 1905, 2000, 2019, 987."""
    if not 1000 <= value <= 2999 or 2000 <= value <= 2009 or value % 1000 == 0:
        return cardinal(value)
    high, low = divmod(value, 100)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {'oh ' if low < 10 else ''}{cardinal(low)}"


def early_year(value: int) -> str:
    """A year of three figures as it is said before BC or behind AD: three seventy-five."""
    if not 100 <= value < 1000 or value % 100 == 0:
        return year(value)
    return f"{cardinal(value // 100)} {'oh ' if value % 100 < 10 else ''}{cardinal(value % 100)}"


def decade(value: int) -> str:
    """`nineteen nineties` for 1990, `nineteen hundreds` for 1900, `two thousands` for 2000."""
    return plural(year(value))


def _date(month: str, day: str, year_text: str | None, original: str) -> str:
    if not 1 <= int(day) <= 31:
        return original
    return f"{month} {ordinal(int(day))}" + (f", {year(int(year_text))}" if year_text else "")


def _day_month(m: re.Match[str]) -> str:
    if not 1 <= int(m[1]) <= 31:
        return m[0]
    article = "" if re.search(r"\bthe\s$", m.string[max(0, m.start() - 5) : m.start()], re.I) else "the "
    return f"{article}{ordinal(int(m[1]))} of {m[2]}" + (f", {year(int(m[3]))}" if m[3] else "")


def _slash_date(m: re.Match[str]) -> str:
    first, second = int(m[1]), int(m[2])
    value = int(m[3]) if len(m[3]) == 4 else 1900 + int(m[3]) if int(m[3]) > 40 else 2000 + int(m[3])
    if 1 <= first <= 12 and 1 <= second <= 31:
        return f"{_MONTHS[first - 1]} {ordinal(second)}, {year(value)}"
    if 1 <= second <= 12 and 1 <= first <= 31:
        return f"the {ordinal(first)} of {_MONTHS[second - 1]}, {year(value)}"
    return m[0]


def _dotted_date(m: re.Match[str]) -> str:
    day, month = int(m[1]), int(m[2])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return m[0]
    return f"the {ordinal(day)} of {_MONTHS[month - 1]}, {year(int(m[3]))}"


def _short_date(m: re.Match[str]) -> str:
    first, second = int(m["a"] or m["c"] or m["e"]), int(m["b"] or m["d"] or m["f"])
    if 1 <= first <= 12 and 1 <= second <= 31:
        return f"{m['on'] or ''}{_MONTHS[first - 1]} {ordinal(second)}"
    return m[0]


def _days(m: re.Match[str]) -> str:
    if m[1]:
        until = f"{m[3]} " if m[3] else ""
        return f"{m[1]} {ordinal(int(m[2]))} to {until}{ordinal(int(m[4]))}" if int(m[2]) and int(m[4]) else m[0]
    article = "" if re.search(r"\bthe\s$", m.string[max(0, m.start() - 5) : m.start()], re.I) else "the "
    return f"{article}{ordinal(int(m[5]))} to the {ordinal(int(m[6]))} of {m[7]}"


def _short_month(m: re.Match[str]) -> str:
    name = m[1] or m[2] or m[3]
    before = m.string[max(0, m.start() - 12) : m.start()]
    ends = m[0].endswith(".") and re.match(r"\s*$|\s+[A-Z]", m.string[m.end() :])
    if ends and name in ("Jan", "Mar", "Jun") and not _BEFORE_MONTH_RE.search(before):
        return m[0]
    return _SHORT_MONTHS[name] + ("." if ends else "")


def _short_decade(m: re.Match[str]) -> str:
    if m[1]:
        return decade(int(m[1]))
    second = f"{m['and'] if m['and'].strip() not in '-–' else ' to '}{decade(int(m['older']))}" if m["older"] else ""
    return f"{m['whose']}{decade(int(m['age']))}{second}"


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
    firm = firm or bool(_NAMED_FOR_RE.search(text_before(m, "year")))
    plausible = 1400 <= value <= 2035 and (value % 100 or value in (1500, 1600, 1700, 1800, 1900, 2000))
    if not firm and not (plausible and value >= 1600):
        return m[0]
    if word and word not in _LOOSE_AFTER and not word[0].isupper() and word[0] != "(":
        # "in 1500 trials" counts; "in 1950 prices rose" is a year.
        named = before.strip().lower() == "the" and value % 50 and not word.endswith("s")
        if (not firm and not named) or (value % 50 == 0 and before.strip() != "of") or word.isdigit():
            return m[0]
    if (
        not word
        and not firm
        and before.strip().lower() in {"to", "and", "the", "of", "about", "around"}
        and value % 100 == 0
    ):
        return m[0]
    if before.startswith(",") and word and word[0].islower():
        return m[0]
    return f"{before}{year(value)}{after}"


def _bare_year(m: re.Match[str]) -> str:
    """A number of four figures that counts nothing: the novel 1984, 1066 and All That."""
    before, word = text_before(m), m["after"].strip()
    if _WORKS_RE.search(before) or (_TITLED_RE.match(m["after"]) and text_before(m).strip()):
        return year(int(m["year"])) + m["after"]
    if int(m["year"]) % 100 == 0:
        return m[0]
    loose = not word or word in _LOOSE_AFTER or word[0].isupper()
    if not loose or _COUNTING_RE.search(m.string) or _MEASURED_RE.search(before) or not _LETTER_RE.search(m.string):
        return m[0]
    return year(int(m["year"])) + m["after"]


def _era(m: re.Match[str]) -> str:
    digits = m[1].replace(",", "")
    said = early_year(int(digits)) if "," not in m[1] and len(digits) > 2 else number(digits)
    return f"{said} {re.sub(r'[^A-Z]', '', m[2])}"


_DATED_RE = re.compile(
    r"\d{3}|\d/\d|[a-z]{2}\.|\d0'?s|\d\s?[BACb]\.?\s?[CDEP]|AD \d|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|"
    r"Dec)|\d/\d+/\d"
)


def say_dates(text: str) -> str:
    """Dates, decades, spans of years and years (where the context says that they are years) in words."""
    if not _DATED_RE.search(text):
        return text
    text = _MONTHS_RE.sub(r"\1 to ", _SHORT_MONTH_RE.sub(_short_month, text))
    text = _DAYS_RE.sub(_days, _WHOLE_DATES_RE.sub(" to ", text))
    text = _ISO_RE.sub(lambda m: _date(_MONTHS[int(m[2]) - 1], m[3], m[1], m[0]), text)
    text = _DOTTED_DATE_RE.sub(_dotted_date, _SLASH_DATE_RE.sub(_slash_date, text))
    text = _SHORT_DATE_RE.sub(_short_date, text)
    text = _DAY_MONTH_RE.sub(_day_month, text)
    text = _MONTH_DAY_RE.sub(lambda m: _date(m[1], m[2], m[3], m[0]), text)
    text = _MONTH_YEAR_RE.sub(lambda m: f"{m[1]} {year(int(m[2]))}", text)
    text = _LIFE_RE.sub(lambda m: f"{_LIFE[m[1]]} {early_year(int(m[2])) if m[2] else ''}", text)
    text = _ERAS_RE.sub(lambda m: f"{early_year(int(m[1])) if m[1] else m[2]} to ", text)
    text = _ERA_RE.sub(_era, text)
    text = _AD_RE.sub(lambda m: f"AD {early_year(int(m[2]))}", text)
    text = _DECADES_RE.sub(lambda m: f"{decade(int(m[1]))} to {decade(int(m[2] or m[3]))}", text)
    text = _LIKE_YEAR_RE.sub(lambda m: f"{year(int(m[1]))} {m[2]}", text)
    text = _DECADE_RE.sub(lambda m: (f"{m[1]} " if m[1] else "") + decade(int(m[2])), text)
    text = _SHORT_DECADE_RE.sub(_short_decade, text)
    text = _YEARS_RE.sub(_years, text)
    text = _YEAR_RE.sub(_year_in_context, _YEAR_RE.sub(_year_in_context, text))
    return _BARE_YEAR_RE.sub(_bare_year, text)


def _clock(hours: str, minutes: str | None) -> str:
    if not minutes or minutes == "00":
        return cardinal(int(hours))
    return f"{cardinal(int(hours))} {'oh ' if minutes[0] == '0' else ''}{cardinal(int(minutes))}"


def say_times(text: str, about: str) -> str:
    """Times of day and durations in words: 3:30 pm, 10 a.m., at 8:05; no figures of a ratio, by the text `about` it."""
    if "'clock" in text:
        text = _OCLOCK_RE.sub(lambda m: f"{cardinal(int(m[1]))} o'clock", text)

    def half(m: re.Match[str]) -> str:
        # The stop of "p.m." may end the sentence as well.
        stop = "." if m[0].endswith(".") and re.match(r"\s*$|\s+[A-Z]", m.string[m.end() :]) else ""
        return f"{_clock(m['h'], m['m'])} {m['half'][0].upper()}M{stop}"

    text = _TIME_RE.sub(half, _HOURS_RE.sub(lambda m: f"{m[1] or m[2] or m[3]} to ", text))
    text = _CLOCK_RE.sub(
        lambda m: m["before"] + _clock(m["h"], m["m"]) + (" o'clock" if m["m"] == "00" and int(m["h"]) <= 12 else ""),
        text,
    )
    return text if _RATIO_RE.search(about) else _LASTING_RE.sub(_lasting, text)


def _lasting(m: re.Match[str]) -> str:
    if m[3]:
        return f"{_clock(m[1], m[2]) if int(m[2]) else m[1] + ' zero'} {_low(m[3])}"
    if m[2] == "00":
        lasts = _LASTS_RE.search(m.string[max(0, m.start() - 10) : m.start()])
        return f"{cardinal(int(m[1]))} {_even(int(m[1]), bool(lasts))}"
    return _clock(m[1], m[2])


def _even(hours: int, lasts: bool) -> str:
    return ("minute" if hours == 1 else "minutes") if lasts else "o'clock" if hours <= 12 else "hundred"


def _low(figures: str) -> str:
    return f"oh {cardinal(int(figures))}" if figures[0] == "0" and figures != "00" else cardinal(int(figures))
