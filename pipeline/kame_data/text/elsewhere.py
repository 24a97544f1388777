"""Text of other languages than English as it is said: figures and minus signs in words, plain marks, no quotes; the
rest is refused.

It does no more than that, because text by an LLM needs no more; it does not know units, formulas and abbreviations.
"""

import re
import unicodedata

from kame_data.errors import Refusal
from kame_data.text.number_words import has_numbers, say_numbers, value_of
from kame_data.text.symbols import leftovers
from kame_data.text.words import IDEOGRAPH, is_unspaced

_WIDE_RE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff05\uff0e\u3000]")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "\u2011": "-", "\u00a0": " ", "\u202f": " ", "\u0640": ""})
_QUOTES_RE = re.compile(r"[«»“”„\"「」『』《》〈〉【】‹›]|(?<!\w)'|'(?!\w)")
_PAUSE_RE = re.compile(r"\s*[—–]+\s*|\s*…+\s*|\.\.\.+\s*|……|\s*[()（）]\s*|\s+-\s+")
_DOTS_RE = re.compile(r"[.。]{2,}")
_CLOSED_RE = re.compile(r"[,，、]\s*(?=[,.;:?!，。；：？！、،؟])")
_BEFORE_MARK_RE = re.compile(r"\s+(?=[,.;:?!،؛؟])")
_BESIDE_IDEOGRAPH_RE = re.compile(rf"(?<=[{IDEOGRAPH}，。？！；：、])\s+|\s+(?=[{IDEOGRAPH}，。？！；：、])")

# Words for a minus sign (one of which is heard where it is written) and for a span, where there are rules for them.
_MINUS = {
    "ar": ("ناقص", "سالب", "تحت الصفر"), "de": ("minus", "weniger", "unter"), "es": ("menos", "bajo"),
    "fr": ("moins", "ôte", "retire"), "it": ("meno", "sotto"), "pt": ("menos", "abaixo"),
    "ru": ("минус", "вычесть", "отнять", "ниже"), "zh": ("减", "负", "零下", "低于"),
}  # fmt: skip
_TO = {"ar": "إلى", "de": "bis", "es": "a", "fr": "à", "it": "a", "pt": "a", "ru": "до", "zh": "至"}
_SIGNED_RE = re.compile(rf"(?:(?<=[{IDEOGRAPH}])|(?<![\w.,)%％]))[-\u2212\u2013](?=\d)")
_BETWEEN_RE = re.compile(
    r"(\d+(?:[.,]\d+){0,4})([%％]?\s?)[-\u2212\u2013\u2014~\uff5e](\s?)(?=(\d+(?:[.,]\d+){0,4})(?![-\d]))"
)


def say_hyphens(text: str, language: str) -> str:
    """`text` with words for hyphens that are a minus sign, or that stand between the ends of a span."""
    own = language.split("-")[0]
    if own not in _MINUS:
        return text
    gap = "" if is_unspaced(language) else " "
    minus = _MINUS[own][0]
    text = _SIGNED_RE.sub(f"{_MINUS[own][1] if own == 'zh' else minus}{gap}", text)

    def between(m: re.Match[str]) -> str:
        first, second = value_of(m[1], own), value_of(m[4], own)
        takes = (
            (is_unspaced(own) or (m[2].endswith(" ") and m[3]))
            and first is not None
            and second is not None
            and first > second
        )
        return f"{m[1]}{m[2].strip()}{gap}{minus if takes else _TO[own]}{gap}"

    return _BETWEEN_RE.sub(between, text)


def minuses(text: str) -> int:
    """Count the numbers of a written text that have a minus sign."""
    return len(_SIGNED_RE.findall(text))


def says_minus(said: str, language: str) -> bool:
    """True where a spoken text has a word for a minus sign; for a language without rules too."""
    words = _MINUS.get(language.split("-")[0])
    return words is None or any(word in said.casefold() for word in words)


def neat(text: str, language: str) -> str:
    """`text` without the spaces that French sets before its marks, or a keyboard between Chinese signs."""
    text = _BEFORE_MARK_RE.sub("", " ".join(text.translate(_PLAIN).split()))
    return _BESIDE_IDEOGRAPH_RE.sub("", _DOTS_RE.sub("，", text)) if is_unspaced(language) else text


def say_elsewhere(text: str, language: str) -> str:
    """`text` in words, for a language whose figures can be said. Raises Refusal (`language`, `symbols`)."""
    if not has_numbers(language.split("-")[0]):
        raise Refusal("language", f"no rules to speak {language}")
    text = _WIDE_RE.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text)
    text = neat(_QUOTES_RE.sub("", say_numbers(say_hyphens(text, language), language)), language)
    comma = "，" if is_unspaced(language) else ", "
    text = neat(_CLOSED_RE.sub("", _PAUSE_RE.sub(comma, text)), language).strip(" ,，、")
    if found := leftovers(text, language):
        raise Refusal("symbols", ", ".join(found[:3]))
    return text
