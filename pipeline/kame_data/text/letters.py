"""The letters and marks of spoken text, by language; digits and all other signs are in none."""

import re
from functools import cache

from kame_data.text.words import IDEOGRAPH

# Names and terms are written in Latin letters in every language.
_LATIN = r"A-Za-z\u00c0-\u024f\u1e00-\u1eff'\- .,?!;:"
_CJK_MARKS = "，。？！；：、·"
_CYRILLIC = "\u0400-\u0481\u048a-\u052f\u0301"
# What a language has beside Latin letters and the marks of English.
_OWN = {
    "ar": "\u0620-\u063f\u0641-\u0655\u0670-\u06d3\u06d5،؛؟",
    "bg": _CYRILLIC,
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "es": "¿¡",
    "hi": "\u0900-\u0963।",
    "ja": IDEOGRAPH + _CJK_MARKS,
    "ko": "\uac00-\ud7a3",
    "ru": _CYRILLIC,
    "uk": _CYRILLIC,
    "yue": IDEOGRAPH + _CJK_MARKS,
    "zh": "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff" + _CJK_MARKS,
}


def knows(text: str, language: str) -> bool:
    """True where most letters of a text are known here as letters of the language."""
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(bool(foreign(language).match(letter)) for letter in letters) <= len(letters)


@cache
def foreign(language: str = "en") -> re.Pattern[str]:
    """Matches a character that spoken text of the language does not have."""
    return re.compile(f"[^{_LATIN}{_OWN.get(language.split('-')[0], '')}]")
