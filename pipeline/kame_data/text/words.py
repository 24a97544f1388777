"""Words of a turn, by language: what a prefix counts, how words make text again, and how long a text is in words."""

import re
from collections.abc import Sequence
from itertools import takewhile
from math import ceil
from typing import Any

# Languages written without spaces: a word is one ideograph (or kana), or a run of anything else, and the punctuation
# that follows it.
UNSPACED = frozenset({"zh", "ja", "yue"})
IDEOGRAPH = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
IDEOGRAPHS_PER_WORD = 1.5
_UNSPACED_WORD = re.compile(rf"(?:[{IDEOGRAPH}]|[^\W{IDEOGRAPH}](?:[\w'’-](?<![{IDEOGRAPH}]))*|\S)(?:[^\w\s])*\s*")
_UNSPACED_BARE = re.compile(rf"[{IDEOGRAPH}]|[^\W_{IDEOGRAPH}]+(?:['’][^\W_{IDEOGRAPH}]+)*")
_BARE = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Languages in which an apostrophe joins two words: l'eau.
_ELIDING = frozenset({"fr", "it", "ca"})
_APOSTROPHE = re.compile(r"['’]")
# What one writes or leaves out: Arabic vowel marks, hamzas on alif, the dots of the Russian yo.
_HARAKAT = "".join(map(chr, [*range(0x064B, 0x0653), 0x0670, 0x0640]))
_FOLDS: dict[str, dict[int, Any]] = {"ar": str.maketrans("أإآٱ", "اااا", _HARAKAT), "ru": str.maketrans("ё", "е")}


def text_before(m: re.Match[str], group: int | str = 0, most: int = 80) -> str:
    """The text before a match, as far back as may decide what the match is; so work stays linear in the text."""
    return m.string[max(0, m.start(group) - most) : m.start(group)]


def is_unspaced(language: str) -> bool:
    """True for a language that is written without spaces between its words."""
    return language.split("-")[0] in UNSPACED


def split_words(text: str, language: str = "en") -> list[str]:
    """The words of spoken text, punctuation on the word before it; `join_words` of them is the text again.

    For a language with spaces the inverse holds for text with single spaces, as `say` gives it.
    """
    if not is_unspaced(language):
        return text.split()
    return _UNSPACED_WORD.findall(text.strip())


def join_words(words: list[str], language: str = "en") -> str:
    """Words as text: with spaces between, or for Chinese and Japanese with nothing between."""
    return "".join(words).strip() if is_unspaced(language) else " ".join(words)


def bare_words(text: str, language: str = "en") -> list[str]:
    """The words without punctuation, in small letters, hyphened ones and elided ones apart; of a language without
    spaces its ideographs."""
    small, own = text.casefold(), language.split("-")[0]
    if own in UNSPACED:
        return _UNSPACED_BARE.findall(small)
    if own in _FOLDS:
        small = small.translate(_FOLDS[own])
    return _BARE.findall(_APOSTROPHE.sub(" ", small) if own in _ELIDING else small)


def length_in_words(text: str, language: str = "en") -> int:
    """The length of a text in words, as a language with spaces has them; three ideographs count as two.

    So much is said in the same time: people say some 2.8 words of English and 4.3 ideographs of Mandarin a second.
    """
    count = len(split_words(text, language))
    return ceil(count / IDEOGRAPHS_PER_WORD) if is_unspaced(language) else count


def alike(before: Sequence[str], now: Sequence[str], language: str = "en") -> int:
    """The number of leading words that both have; case and punctuation do not count."""
    pairs = zip(before, now, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1] or _same(*pair, language), pairs))


def _same(one: str, other: str, language: str) -> bool:
    return (bare_words(one, language) or one) == (bare_words(other, language) or other)
