"""Numbers of other languages than English, in words and by value: num2words both ways, and cn2an for Chinese.

The values of whole numbers to 2999 and of round ones to a million are known, with decimals. Any other number is a text
like any other: two are the same where they are written the same. Chinese numbers are known as far as cn2an reads them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from kame_data.text.words import bare_words, is_unspaced

_KNOWN = (*range(3000), *range(3000, 101_000, 1000), *range(200_000, 1_000_001, 100_000))
# Forms that num2words does not give, and the one it gives.
_FORMS: dict[str, dict[str, str]] = {
    "de": {"ein": "eins", "eine": "eins", "einen": "eins", "einem": "eins", "einer": "eins"},
    "es": {"un": "uno", "una": "uno", "veintiún": "veintiuno", "veintiuna": "veintiuno"},
    "fr": {"une": "un", "cents": "cent", "vingts": "vingt", "septante": "soixante dix"},
    "it": {"un": "uno", "una": "uno"},
    "pt": {"uma": "um", "duas": "dois"},
    "ru": {"одна": "один", "одно": "один", "две": "два"},
}
_JOINS: dict[str, str] = {"es": "y", "fr": "et", "it": "e", "pt": "e"}
_POINTS: dict[str, tuple[str, ...]] = {
    "de": ("Komma",),
    "es": ("coma", "punto"),
    "fr": ("virgule",),
    "it": ("virgola",),
    "pt": ("vírgula",),
}
# The decimal mark; the other one parts thousands.
_COMMA_IS_POINT = frozenset({"de", "es", "fr", "it", "pt", "ru"})
# Numbers have cases or genders that depend on what is counted, so that none can be put into a sentence by rule.
INFLECTED = frozenset({"ar", "hi", "pl", "ru", "uk"})
UNREAD = INFLECTED - {"ru"}
"""Languages of whose numbers only one form is known, so that a number in words may be missed."""
PERCENT = {
    "zh": "百分之",
    "ar": "بالمئة",
    "de": "Prozent",
    "es": "por ciento",
    "fr": "pour cent",
    "it": "per cento",
    "pt": "por cento",
    "ru": "процентов",
}
_PERCENT_RE = re.compile(
    r"百分之|\b(?:pour ?cent|por ciento|por cento|per cento|prozent|процент\w*|بالمئة|بالمائة|في المئة|في المائة)\b",
    re.IGNORECASE,
)
_HAN = "零〇一二两三四五六七八九十百千万亿"
_HAN_SCALES = frozenset("百千万亿")
# Signs before a Chinese number that make a name or a place in a row of it.
_HAN_NO_COUNT = frozenset("第周")
# What may follow a Chinese number that counts: without one of these, 'four' is a sign of a word (Sichuan).
_HAN_UNITS_TEXT = """
    个 個 只 隻 条 條 元 块 米 公里 千米 厘米 毫米 平方 立方 克 千克 公斤 斤 吨 升 毫升 度 摄氏度 岁 年 月 天 日 号 时
    小时 点 分钟 分 秒 人 名 位 次 种 倍 本 张 座 颗 辆 艘 架 台 件 双 头 匹 根 支 把 周 星期 世纪 英里 英尺 里 亩 公顷
    瓦 伏 安 牛 焦 帕 赫 步 页 层 家 所 部 首 句 枚 杯 瓶 盒 袋 箱 对 组 队 场 篇 段 节 课 门 项 级 美元 欧元 日元 镑
"""
_HAN_UNITS = tuple(_HAN_UNITS_TEXT.split())
_DIGITS_RE = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+(?:\.\d{3})*)(?:[.,]\d+)*(?![\w%])")
_HAN_DIGITS_RE = re.compile(r"\d+(?:[.,]\d+)*")
_PERCENT_SIGN_RE = re.compile(r"(\d+(?:[.,]\d+)*)[ \u00a0\u202f]?[%％]")
_SHARE_RE = re.compile(r"(?<![\d/.])(\d+)/(\d+)(?![\d/.])")
_YEAR_RE = re.compile(r"(?<!\d)([12]\d{3})(?=年)")
_TWO_RE = re.compile(r"(?<![\d.])2(?=[个只条本天年岁块张位次种倍米小分千万亿百])")


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A language's numbers: values by their words, all words that they are made of, and what joins two of them."""

    values: dict[tuple[str, ...], int]
    words: frozenset[str]
    join: str
    points: frozenset[str]
    forms: dict[str, str]


@cache
def _numbers(language: str) -> _Numbers:
    """The numbers of a language; none where num2words does not have it."""
    from num2words import num2words

    forms, join = _FORMS.get(language, {}), _JOINS.get(language, "")
    values: dict[tuple[str, ...], int] = {}
    try:
        for number in _KNOWN:
            said = str(num2words(number, lang=language)).replace(" و ", " و")
            values[_plain(bare_words(said, language), forms)] = number
            if language == "ru":
                values.update((_plain(bare_words(form, language), forms), number) for form in _russian(number))
            if language == "de":
                values.update((form, number) for form in _german(said, number))
    except NotImplementedError:
        values = {}
    parts = frozenset(word for words in values for word in words if word != join)
    return _Numbers(values, parts, join, frozenset(map(str.casefold, _POINTS.get(language, ()))), forms)


def _german(said: str, number: int) -> Iterator[tuple[str, ...]]:
    """The further forms that are said in German: 'tausend' for 'eintausend', 'neunzehnhundert' in years."""
    from num2words import num2words

    if re.match("ein(?:tausend|hundert)", said):
        yield (said.removeprefix("ein"),)
    if 1100 <= number < 2000:
        yield (str(num2words(number, lang="de", to="year")),)


def _russian(number: int) -> Iterator[str]:
    """The further cases of a Russian number, of each gender that makes a difference."""
    from num2words import num2words

    genders = "mf" if number % 10 in (1, 2) and number % 100 not in (11, 12) else "m"
    yield from (str(num2words(number, lang="ru", case=case, gender=g)) for case in "gdi" for g in genders)
    if genders == "mf":
        yield str(num2words(number, lang="ru", case="a", gender="f"))


def _plain(words: Sequence[str], forms: dict[str, str]) -> tuple[str, ...]:
    return tuple(part for word in words for part in forms.get(word, word).split())


def without_percent(text: str) -> str:
    """The text without its words for percent, because the question says that it is a share."""
    return _PERCENT_RE.sub("", text)


def says_percent(text: str) -> bool:
    """True where a text has a word for percent."""
    return bool(_PERCENT_RE.search(text))


def is_numeric(word: str, language: str) -> bool:
    """True where a bare word is part of numbers."""
    if is_unspaced(language):
        return word in _HAN
    found = _numbers(language.split("-")[0])
    return all(part in found.words for part in found.forms.get(word, word).split())


def value_at(words: Sequence[str], start: int, language: str) -> tuple[Fraction | None, int]:
    """The number that begins at bare word `start`, and the index after it.

    None and `start` itself, where no number begins there, or where `start` is in the middle of one.
    """
    if is_unspaced(language):
        return _han_at(words, start)
    if start >= len(words) or (start and is_numeric(words[start - 1], language)):
        return None, start
    numbers = _numbers(language.split("-")[0])
    value, after = _whole(words, start, numbers, language)
    if value is None:
        return None, start
    if after < len(words) and words[after] in numbers.points:
        decimals, end = _decimals(words, after + 1, numbers, language)
        if decimals:
            return value + Fraction(int(decimals), 10 ** len(decimals)), end
    return Fraction(value), after


def _decimals(words: Sequence[str], start: int, numbers: _Numbers, language: str) -> tuple[str, int]:
    """The figures behind the decimal mark, said one by one or, after zeros, as a number; and the index after them."""
    figures, end = "", start
    while end < len(words) and is_numeric(words[end], language):
        digit = numbers.values.get(_plain(words[end : end + 1], numbers.forms), 10)
        if digit and not figures.strip("0"):
            whole, after = _whole(words, end, numbers, language)
            if whole is not None:
                return figures + str(whole), after
        if digit > 9:
            break
        figures, end = figures + str(digit), end + 1
    return figures, end


def _whole(words: Sequence[str], start: int, numbers: _Numbers, language: str) -> tuple[int | None, int]:
    """The longest run of number words, or the one before what joins two numbers ('deux et trois')."""
    end = first = start
    while end < len(words):
        if is_numeric(words[end], language):
            end += 1
        elif end > start and words[end] == numbers.join and end + 1 < len(words):
            if not is_numeric(words[end + 1], language):
                break
            first = first if first > start else end
            end += 1
        else:
            break
    for stop in (end, first):
        if stop > start and (value := numbers.values.get(_plain(words[start:stop], numbers.forms))) is not None:
            return value, stop
    return None, start


def _han_at(words: Sequence[str], start: int) -> tuple[Fraction | None, int]:
    if start >= len(words) or words[start] not in _HAN or words[start] in _HAN_SCALES:
        return None, start
    if start and (words[start - 1] in _HAN or words[start - 1] in _HAN_NO_COUNT):
        return None, start
    end = start
    while end < len(words) and words[end] in _HAN:
        end += 1
    after = end
    if end + 1 < len(words) and words[end] == "点" and words[end + 1] in _HAN:
        after = end + 1
        while after < len(words) and words[after] in _HAN:
            after += 1
    for stop in dict.fromkeys((after, end)):
        if (value := _han_value("".join(words[start:stop]))) is not None:
            return _han_share(words, value, stop)
    return None, start


def _han_share(words: Sequence[str], value: Fraction, after: int) -> tuple[Fraction, int]:
    """The number itself, or the fraction of which it is the lower part (三分之一)."""
    if value and list(words[after : after + 2]) == ["分", "之"]:
        upper, end = _han_at(words, after + 2)
        if upper is not None:
            return upper / value, end
    return value, after


@cache
def _han_value(text: str) -> Fraction | None:
    from cn2an import cn2an

    try:
        return Fraction(str(cn2an(text, "smart")))
    except ValueError:
        return None


def counts(rest: Sequence[str], language: str) -> bool:
    """True where a number with these words behind it counts something; Chinese number signs are also parts of words."""
    return not is_unspaced(language) or not rest or "".join(rest).startswith(_HAN_UNITS)


def has_numbers(language: str) -> bool:
    """True where numbers of the language can be said."""
    return language == "zh" or bool(_numbers(language).values)


def say_numbers(text: str, language: str) -> str:
    """`text` with its figures in words, percent signs too; years before the Chinese sign for them digit by digit."""
    own = language.split("-")[0]
    if own == "zh":
        text = _YEAR_RE.sub(lambda m: "".join("零一二三四五六七八九"[int(d)] for d in m[1]), text)
        text = _SHARE_RE.sub(r"\2分之\1", text)
        text = _TWO_RE.sub("两", text)
        text = _PERCENT_SIGN_RE.sub(lambda m: f"百分之{m[1]}", text)
        return _HAN_DIGITS_RE.sub(lambda m: _said(m[0], own), text)
    if own in PERCENT:
        text = _PERCENT_SIGN_RE.sub(lambda m: f"{m[1]} {PERCENT[own]}", text)
    return _DIGITS_RE.sub(lambda m: _said(m[0], own), text)


def value_of(figures: str, language: str) -> Fraction | None:
    """The value of a number in figures, as the language writes them; None for what is no such number."""
    plain = _plain_figures(figures, language)
    return Fraction(plain) if plain else None


def figures_of(text: str, language: str) -> Iterator[tuple[Fraction, str]]:
    """The numbers that a text has in figures: the value, and the words for it ("" where there are none)."""
    own = language.split("-")[0]
    for m in (_HAN_DIGITS_RE if is_unspaced(own) else _DIGITS_RE).finditer(text):
        if (value := value_of(m[0], own)) is not None:
            said = _said(m[0], own)
            yield value, said if said != m[0] else ""


def _plain_figures(figures: str, language: str) -> str:
    """A number with no mark but its decimal point; "" where the language does not write numbers that way."""
    group, point = (".", ",") if language in _COMMA_IS_POINT else (",", ".")
    plain = re.sub(rf"(?<=\d)[{group} \u00a0\u202f](?=\d{{3}}(?!\d))", "", figures).replace(point, ".")
    return plain if re.fullmatch(r"\d+(?:\.\d+)?", plain) else ""


def _said(figures: str, language: str) -> str:
    """A number in words; the figures unchanged where the language does not write numbers that way."""
    from cn2an import an2cn
    from num2words import num2words

    plain = _plain_figures(figures, language)
    if not plain:
        return figures
    if language == "zh":
        return str(an2cn(plain, "low"))
    whole, _, decimals = plain.partition(".")
    try:
        said = str(num2words(int(whole), lang=language)).replace(" و ", " و")
        if not decimals:
            return said
        if language not in _POINTS:
            return figures
        return " ".join((said, _POINTS[language][0], *(str(num2words(int(d), lang=language)) for d in decimals)))
    except (NotImplementedError, OverflowError):
        return figures
