"""The first word of an answer that carries content: what comes before is politeness, a filler, or grammar."""

from collections.abc import Sequence

from kame_data.text.function_words import function_words
from kame_data.text.hesitations import is_hesitation
from kame_data.text.repairs import FILLERS
from kame_data.text.words import bare_words

_OPENERS_TEXT = """
    sure okay ok alright right great good well so thanks thank absolutely certainly course happy glad question
    interesting i'd i'll i'm let me help think see that's it's there's here's
"""
_OPENERS = frozenset(_OPENERS_TEXT.split())
"""English words with which an answer opens before it says anything."""


def first_content(words: Sequence[str], language: str = "en") -> int | None:
    """The place of the first word that carries content; None where all are fillers, politeness or grammar."""
    small = function_words(language)
    bare = [" ".join(bare_words(word, language)) for word in words]
    at = 0
    while at < len(words):
        if length := _filler(bare, at, language):
            at += length
        elif not bare[at] or bare[at] in small or is_hesitation(words[at], language):
            at += 1
        elif language.split("-")[0] != "en" or bare[at].replace("’", "'") not in _OPENERS:
            return at
        else:
            at += 1
    return None


def _filler(bare: Sequence[str], at: int, language: str) -> int:
    """The number of words of the longest filler that begins at a word; 0 for none."""
    found = (tuple(bare_words(text, language)) for text in FILLERS.get(language.split("-")[0], ()))
    return max((len(f) for f in found if tuple(bare[at : at + len(f)]) == f), default=0)
