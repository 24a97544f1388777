"""Text of other languages than English as it is said: figures in words, plain marks, no quotes; the rest is refused.

There is no more of it, for what an LLM writes needs no more; units, formulas and abbreviations are beyond it.
"""

import re
import unicodedata

from pipeline.errors import Refusal
from pipeline.text.number_words import has_numbers, say_numbers
from pipeline.text.symbols import leftovers
from pipeline.text.words import IDEOGRAPH, is_unspaced

_WIDE_RE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff05\uff0e\u3000]")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "\u2011": "-", "\u00a0": " ", "\u202f": " ", "\u0640": ""})
_QUOTES_RE = re.compile(r"[«»“”„\"「」『』《》〈〉【】‹›]|(?<!\w)'|'(?!\w)")
_PAUSE_RE = re.compile(r"\s*[—–]+\s*|\s*…+\s*|\.\.\.+\s*|……|\s*[()（）]\s*|\s+-\s+")
_DOTS_RE = re.compile(r"[.。]{2,}")
_CLOSED_RE = re.compile(r"[,，、]\s*(?=[,.;:?!，。；：？！、،؟])")
_BEFORE_MARK_RE = re.compile(r"\s+(?=[,.;:?!،؛؟])")
_BESIDE_IDEOGRAPH_RE = re.compile(rf"(?<=[{IDEOGRAPH}，。？！；：、])\s+|\s+(?=[{IDEOGRAPH}，。？！；：、])")


def neat(text: str, language: str) -> str:
    """`text` without the spaces that French sets before its marks, or a keyboard between Chinese signs."""
    text = _BEFORE_MARK_RE.sub("", " ".join(text.translate(_PLAIN).split()))
    return _BESIDE_IDEOGRAPH_RE.sub("", _DOTS_RE.sub("，", text)) if is_unspaced(language) else text


def say_elsewhere(text: str, language: str) -> str:
    """`text` in words, for a language whose figures can be said. Raises Refusal (`language`, `symbols`)."""
    if not has_numbers(language.split("-")[0]):
        raise Refusal("language", f"no rules to speak {language}")
    text = _WIDE_RE.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text)
    text = neat(_QUOTES_RE.sub("", say_numbers(text, language)), language)
    comma = "，" if is_unspaced(language) else ", "
    text = neat(_CLOSED_RE.sub("", _PAUSE_RE.sub(comma, text)), language).strip(" ,，、")
    if found := leftovers(text, language):
        raise Refusal("symbols", ", ".join(found[:3]))
    return text
