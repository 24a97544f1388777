"""Money as it is said: $82.50 is eighty-two dollars and fifty cents."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from decimal import Decimal

from kame_data.text.numbers import NUMBER, cardinal, number
from kame_data.text.words import text_before

_CURRENCY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "", ""),
}
_SUFFIX = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "b": "billion", "B": "billion",
           "bn": "billion", "Bn": "billion", "mn": "million", "T": "trillion", "trn": "trillion"}  # fmt: skip
_PRICE_RE = re.compile(
    rf"(?P<minus>(?:(?<=\s)|(?<=^)|(?<=\())-\s?)?(?:US|U\.S\.|HK|AU|CA|NZ)?\s?(?P<sign>[$€£¥₹])\s?(?P<inner>-\s?)?"
    rf"(?P<amount>{NUMBER})(?:(?P<suffix>bn|Bn|mn|trn|[kKmMbBT])(?![\w/])|\s?-?(?P<scale>(?:hundred|thousand|million"
    rf"|billion|trillion))\b)?"
)
_AFTER_RE = re.compile(rf"(?<![\w.,$€£¥])(?P<amount>{NUMBER})\s?(?P<sign>[$€£])(?![\d.]*\d)")
# Cents behind a point, with the currency in words: 12.50 dollars.
_IN_WORDS_RE = re.compile(r"(?<![\w.,$€£¥])(\d{1,3}(?:,\d{3})+\.\d\d|\d+\.\d\d)\s(dollars|euros)\b")
_SIGNS = {"dollars": "$", "euros": "€"}
_TWICE_RE = re.compile(r"\b(dollars|cents|pounds|euros) +(?:dollars|cents|pounds|euros)\b")
# "29 cents ($0.29)": the same amount once in words and once in signs.
_BOTH_RE = re.compile(
    rf"(?P<amount>{NUMBER})\s(?P<unit>dollars?|cents?|pounds?|euros?|pence)\s?\(\s?(?P<price>(?:[$€£]\s?{NUMBER}|{NUMBER}\s?¢))"
    r"\s?\)|\(?(?P<first>(?<![\w.,])\$\d[\d.,]*)\s?\(\s?(?P<second>[\d.,]+\s(?:dollars?|cents?))\s?\)"
)
_CENT_RE = re.compile(rf"(?:¢\s?(?P<a>{NUMBER})|(?<![\w.])(?P<b>{NUMBER})\s?¢)")
_PRICE_RANGE_RE = re.compile(rf"([$€£])\s?({NUMBER})\s?[-–]\s?(?=[$€£]?\s?\d)\1?\s?({NUMBER})(?![\d,]|\.\d)")
ARTICLE_RE = re.compile(
    r"(?:^|\b)(?:an?|the|another|each|every|this|that|his|her|their|its|my|your|one|two|three|four|five|six|seven|"
    r"eight|nine|ten|more|extra|additional|same|new)\s*$",
    re.IGNORECASE,
)
NOUN_RE = re.compile(r"\s?-?\s?([a-z]+)\b")
_ALWAYS_ADJECTIVE = re.compile(r"(?:bills?|coins?|notes?|coupons?|vouchers?|gift|banknotes?)\b")
NOT_NOUN = frozenset(
    "a an and are as at be but by can each every extra for from if in is less more of off on or over per plus so than "
    "that the then to toward towards total under until was were when which while who with worth he she it they we i "
    "you did do does had has have will would could should after before because but not yet also only now today "
    "yesterday left back there this his her their all apiece altogether additional daily weekly monthly yearly "
    "annually "
    "hourly out into through during between within without respectively once twice instead however how what short "
    "cheaper higher lower larger greater being since due up down about against compared versus even still just he's "
    "where whereas million billion thousand hundred remaining including plus minus times equals tax-free payable owed "
    "later earlier ago cash saved spent earned needed required given upon like and/or worth invested borrowed".split()
)


def _price(m: re.Match[str]) -> str:
    one, many, cent, cents = _CURRENCY[m["sign"]]
    minus = "minus " if m["minus"] or m["inner"] else ""
    scale = _SUFFIX[m["suffix"]] if m["suffix"] else m["scale"]
    whole, _, decimals = m["amount"].replace(",", "").partition(".")
    before, after = text_before(m), m.string[m.end() :]
    noun = NOUN_RE.match(after)
    adjective = noun is not None and (
        bool(_ALWAYS_ADJECTIVE.match(noun[1]))
        or (after[:1] == "-" and after[1:2].isalpha())
        or (bool(ARTICLE_RE.search(before[-14:])) and noun[1] not in NOT_NOUN and not noun[1].endswith("ly"))
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


def _once(m: re.Match[str]) -> str:
    said, signed = (m["first"], m["second"]) if m["first"] else (f"{m['amount']} {m['unit']}", m["price"])
    return said if _in_cents(said) == _in_cents(signed) else m[0]


def _in_cents(price: str) -> Decimal:
    value = Decimal(re.sub(r"[^\d.]", "", price).strip("."))
    return value if "cent" in price or "¢" in price or "pence" in price else value * 100


def once(text: str) -> str:
    """`text` in which an amount that stands there twice, in words and in signs, stands there once."""
    return _BOTH_RE.sub(_once, text) if "(" in text else text


def say_money(text: str) -> str:
    """Amounts of dollars, euros, pounds, yen and cents in words."""
    text = _IN_WORDS_RE.sub(lambda m: f"{_SIGNS[m[2]]}{m[1]}", text)
    if not any(sign in text for sign in "$€£¥₹¢"):
        return text
    text = once(text)
    text = _PRICE_RANGE_RE.sub(_price_range, text)
    text = _AFTER_RE.sub(lambda m: f"{m['sign']}{m['amount']}", text)
    text = _CENT_RE.sub(
        lambda m: f" {number(m['a'] or m['b'])} {'cent' if (m['a'] or m['b']) == '1' else 'cents'} ", text
    )
    return _TWICE_RE.sub(r"\1", _PRICE_RE.sub(_price, text))
