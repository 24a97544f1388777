"""The language of a row: by the name that a column, configuration or file gives it, else by its text."""

import re

from kame_data.text.function_words import function_words
from kame_data.text.words import bare_words

# The six languages of the United Nations and some more, by ISO 639-1 code, with the names people give them.
_NAMES = {
    "ar": ("arabic", "ara", "العربية"),
    "de": ("german", "deu", "deutsch"),
    "en": ("english", "eng"),
    "es": ("spanish", "spa", "español", "espanol"),
    "fr": ("french", "fra", "fre", "français", "francais"),
    "hi": ("hindi", "hin"),
    "it": ("italian", "ita", "italiano"),
    "ja": ("japanese", "jpn", "日本語"),
    "ko": ("korean", "kor", "한국어"),
    "pt": ("portuguese", "por", "português"),
    "ru": ("russian", "rus", "русский"),
    "zh": ("chinese", "zho", "chi", "cmn", "mandarin", "cn", "中文", "汉语"),
}
_CODES = {name: code for code, names in _NAMES.items() for name in (code, *names)}

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
# An ideograph carries about what four letters do.
_WEIGHT = {"zh": 4, "ja": 3, "ko": 3}

# Frequent words; few are frequent in two of these languages.
_COMMON_TEXT = {
    "en": "the of and to is in that which what this following with are was were by for from how who it",
    "fr": "le les des du une et est dans qui quelle quel suivantes cette sur pour avec sont par au aux ce",
    "es": "el los las del una y es en cuál siguiente siguientes esta con son por al lo qué según como",
    "de": "der die das und ist welche welcher folgenden ein eine mit für von nicht auf den dem",
}
_COMMON = {code: frozenset(text.split()) for code, text in _COMMON_TEXT.items()}
_WORD = re.compile(r"[^\W\d_]+")
_FEW_WORDS = 5
_LATIN_LANGUAGES = ("en", "de", "es", "fr", "it", "pt")
_UNMISTAKABLE = frozenset({"the", "of", "and", "this", "that", "with", "which", "what", "they"})
# Languages that are written in the letters of another one here.
_SHARED_SCRIPTS = {"bg": "ru", "uk": "ru", "yue": "zh", "fa": "ar"}


def language_name(code: str) -> str:
    """A language's English name; the code itself where it is none of the known ones."""
    names = _NAMES.get(code.split("-")[0])
    return names[0].capitalize() if names else code


def of_name(name: str) -> str | None:
    """The ISO 639-1 code of a language's code or name (`en`, `en-US`, `English`, `zh_CN`); None for another word."""
    plain = name.strip().casefold()
    return _CODES.get(plain) or _CODES.get(re.split(r"[-_]", plain)[0])


def in_file_name(name: str) -> str | None:
    """The language that a file name, configuration or split names (`hssbench_fr`, `data-en`)."""
    pieces = re.split(r"[\W_]+", name.casefold())
    return next((code for code in map(_CODES.get, pieces) if code), None)


def contradicts(text: str, language: str) -> str | None:
    """The other language that a text surely is in, else None; a few words prove nothing unless their letters do.

    Languages that share a script are told apart by their function words, of which the other one must have far more.
    """
    own = _SHARED_SCRIPTS.get(language, language)
    counts = {code: len(script.findall(text)) * _WEIGHT.get(code, 1) for code, script in _SCRIPTS}
    if own == "ja":  # which has Chinese signs too
        counts["ja"] += counts.pop("zh")
    others = [code for code in counts if code != own]
    most = max(others, key=lambda code: counts[code])
    latin, words = len(_LATIN.findall(text)), bare_words(text)
    if counts[most] > max(counts.get(own, 0), latin):
        return most
    if len(words) < _FEW_WORDS or counts.get(own, 0) >= max(1, latin):
        return None
    hits = {code: sum(word in function_words(code) for word in bare_words(text, code)) for code in _LATIN_LANGUAGES}
    if own not in hits and own not in counts:
        # Its own function words are not known here, and those of its neighbours may be the same.
        return "en" if sum(word in _UNMISTAKABLE for word in words) > len(words) // 5 else None
    best = max((code for code in hits if code != own), key=lambda code: hits[code])
    return best if own in counts or hits[best] - hits[own] > max(1, len(words) // 10) else None


def of_text(text: str) -> str:
    """The likeliest language of a text by its script and, for Latin letters, its frequent words; `en` in doubt."""
    counts = {code: len(script.findall(text)) * _WEIGHT.get(code, 1) for code, script in _SCRIPTS}
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    code = max(counts, key=lambda c: counts[c])
    # Most letters decide: an English question may quote a line of Chinese.
    if counts[code] > len(_LATIN.findall(text)):
        return code
    words = [word.casefold() for word in _WORD.findall(text)]
    hits = {code: sum(word in common for word in words) for code, common in _COMMON.items()}
    best = max(hits.values())
    return "en" if hits["en"] == best else next(code for code, n in hits.items() if n == best)
