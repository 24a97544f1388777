"""Signs that are said one by one, or have a name of their own: telephone numbers, ISBNs, web addresses, 9/11."""

import re

from kame_data.text.numbers import DIGITS, cardinal
from kame_data.text.words import text_before

_ISBN_RE = re.compile(r"\b(ISBN(?:-1[03])?:?\s)(\d[\d -]{7,15}[\dX])(?![\w-])")
_CALLED = r"(?:[Cc]all|[Dd]ial|[Pp]hone|[Tt]elephone|[Tt]el\.|[Ff]ax|[Nn]umber|[Ee]xtension|[Tt]ext)\b[^.?!\d]{0,25}"
_CALLED_RE = re.compile(rf"{_CALLED}$")
# North American numbers, those of another country with its code, those of one place.
_PHONE_RE = re.compile(
    r"(?<![\w.,/$+-])(?:"
    r"(?P<far>(?:\+?1[-. ])?(?:\(\d{3}\)\s?|\d{3}[-.])\d{3}[-. ]\d{4}|\d{3}-\d{2}-\d{4})"
    r"|(?P<abroad>\+\d{1,3}(?:[ -]\(?\d{1,5}\)?){2,5})"
    r"|(?P<near>\d{3}-\d{4}))(?![\w/$-]|[.,]\d)"
)
_MAIL_RE = re.compile(r"(?<![\w.@])[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z]{2,})+")
_SITE_RE = re.compile(r"(?<![\w.@/])[A-Za-z][A-Za-z0-9-]+(?:\.[a-z]{2,3})*\.(?:com|org|net|edu|gov)\b(?![\w/]|\.\w)")
_ADDRESS_SIGNS = {"@": "at", ".": "dot", "-": "dash", "_": "underscore", "+": "plus"}
# Days that are named by their figures: the 9/11 attacks, after 9/11, the 7/7 bombings.
_DAY_NAME_RE = re.compile(
    r"(?<![\d/.,$])(?P<day>9/11|7/7|10/7|26/11)(?=(?: [A-Za-z-]+)? (?:attacks?|attackers?|terror\w*|bombings?|"
    r"bombers?|hijack\w*|massacres?|Commission|Memorial)\b)"
    r"|(?:\b(?<=after )|\b(?<=since )|\b(?<=before )|\b(?<=until )|\b(?<=post-)|\b(?<=pre-)|\b(?<=the ))(?P<nine>9/11)"
    r"(?! of\b|\s?[-+*/=×x]|st|th)(?=(?: [A-Za-z]|[.,?!;]|$))"
)
_TERROR_RE = re.compile(
    r"\b(?:terror\w*|attacks?|hijack\w*|World Trade|Twin Towers|Pentagon|al[- ]Qaeda|bin Laden|Patriot Act|New York|"
    r"September|surviv\w+|tragedy|victims?|anniversary|remember\w*)\b",
    re.IGNORECASE,
)
_NINE_ELEVEN_RE = re.compile(r"(?<![\d/.,$])9/11(?! of\b|\s?[-+*/=×x\d]|st|th)")
_EVEN_SPLIT_RE = re.compile(r"(?<![\d/.])50\s?/\s?50(?![\d/.])")
_VERSE_RE = re.compile(
    r"\b((?:Genesis|Exodus|Leviticus|Deuteronomy|Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Daniel|Matthew|Mark|Luke|"
    r"John|Acts|Romans|Corinthians|Galatians|Ephesians|Philippians|Hebrews|James|Peter|Revelation) \d{1,3}):(\d{1,3})\b"
)
# Companies whose name is capitals and a sign: AT would be taken for a word in capitals.
_FIRM_RE = re.compile(r"\b(A)(T)&(T)\b")


def _one_by_one(figures: str) -> str:
    return " ".join("X" if sign == "X" else DIGITS[int(sign)] for sign in figures)


def _groups(figures: str) -> str:
    return ", ".join(map(_one_by_one, re.findall(r"[\dX]+", figures)))


def _phone(m: re.Match[str]) -> str:
    if m["near"] and not (m["near"].startswith("555") or _CALLED_RE.search(text_before(m))):
        return m[0]
    if m["abroad"] and not re.search(r"(?:^|[a-z:])\s*$", text_before(m)):
        return m[0]
    return ("plus " if m[0].startswith("+") else "") + _groups(m[0])


def _address(m: re.Match[str]) -> str:
    pieces = re.findall(r"[A-Za-z]+|\d+|[@.+_-]", m[0])
    return " ".join(_ADDRESS_SIGNS.get(p) or (_one_by_one(p) if p.isdigit() else p) for p in pieces)


def _day_name(m: re.Match[str]) -> str:
    return " ".join(cardinal(int(figures)) for figures in (m["day"] or m["nine"]).split("/"))


def say_spelled(text: str) -> str:
    """Telephone numbers and ISBNs figure by figure, addresses with dot and at, and what people call by its figures."""
    if "." in text:
        text = _SITE_RE.sub(_address, _MAIL_RE.sub(_address, text))
    text = _FIRM_RE.sub(r"\1 \2 and \3", text) if "&" in text else text
    if not any(c.isdigit() for c in text):
        return text
    text = _ISBN_RE.sub(lambda m: f"{m[1].replace('-1', ' 1')}{_groups(m[2])}", text)
    text = _PHONE_RE.sub(_phone, text) if "-" in text or "." in text or "+" in text else text
    text = _VERSE_RE.sub(r"\1 \2", text) if ":" in text else text
    if "/" in text:
        text = _DAY_NAME_RE.sub(_day_name, _EVEN_SPLIT_RE.sub("fifty-fifty", text))
        if "9/11" in text and _TERROR_RE.search(text):
            text = _NINE_ELEVEN_RE.sub("nine eleven", text)
    return text
