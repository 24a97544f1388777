"""Telling words: those of a text that say what it is about, so that another text holds them hardly by chance."""

from functools import lru_cache

from kame_data.text import lexicon
from kame_data.text.answers import content
from kame_data.text.words import is_unspaced

_FREQUENT = 1000
"""Rank of the English words that are said of anything."""
_SHORT = 4
# Said of any sum, however rare they are elsewhere.
_SUMS_TEXT = """
    add added adding altogether subtract subtracted multiply multiplied multiplying divide divided dividing minus plus
    times equal equals calculate calculated calculation sum sums fraction remaining percent percentage ratio
"""
_SUMS = frozenset(_SUMS_TEXT.split())


@lru_cache(maxsize=4096)
def telling_words(text: str, language: str) -> frozenset[str]:
    """The telling words of a text in small letters, without a plural's s; pairs of signs for Chinese."""
    found = content(text, language)
    if is_unspaced(language):
        return frozenset(pair for pair in found if len(pair) > 1)
    if language.split("-")[0] != "en":
        return frozenset(word for word in found if len(word) > _SHORT)
    telling = (w for w in found if len(w) >= _SHORT and w not in _SUMS and lexicon.rank(w) >= _FREQUENT)
    return frozenset(w[:-1] if w.endswith("s") and not w.endswith("ss") else w for w in telling)
