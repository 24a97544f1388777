"""Small first letters: a sentence as it stands within another one."""

import re

from kame_data.text import lexicon
from kame_data.text.function_words import function_words
from kame_data.text.numerals import number_at

_NAMING_RE = re.compile(
    r"\b(?:who|whom|whose|where|names?|named|author|countr(?:y|ies)|cit(?:y|ies)|states?|nations?|rivers?|president|king|"
    r"queen|philosopher|painter|artist|composer|dynasty|empire|civilization|site|war|novel|book|capital|company|religion|language|people)\b",
    re.I,
)
# Endings of words that English writes with a capital: Roman, Polish, Chinese.
_PROPER_RE = re.compile(r"(?:an|ish|ese)$")


def lower(text: str, about: str = "") -> str:
    """`text` with its first letter small, as it stands within a sentence; a name keeps its large one, as far as one can
    tell. `about` is the question: one that asks for a name is answered by one."""
    first, _, rest = text.partition(" ")
    word = first.rstrip(",;:.").casefold()
    small = word in function_words("en") or (word == "no" and first[-1] not in ",.")
    number = number_at([word.split("-")[0]], 0)[0] is not None
    plain = ((small and word != "i") or number) and not re.match(r"[A-Z][a-z]*-[A-Z]", first)
    if not plain and len(word) > 2 and first[1:].islower() and not rest[:1].isupper() and lexicon.is_word(word):
        plain = not _PROPER_RE.search(word) and not (_NAMING_RE.search(about) and len(text.split()) < 4)
    return text[:1].lower() + text[1:] if plain else text
