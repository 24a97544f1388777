"""Hesitation words: 'um', and what each language has for it."""

HESITATIONS: dict[str, tuple[str, ...]] = {
    "ar": ("امم", "آه"),
    "de": ("äh", "ähm", "hm"),
    "en": ("um", "uh", "er", "hmm"),
    "es": ("eh", "em"),
    "fr": ("euh", "hum"),
    "ru": ("э", "эм"),
    "zh": ("嗯", "呃"),
}
"""Hesitation words by language, the most frequent first; a language that is not here has none."""

_STOPS, _COMMAS = ".?!。？！؟", ",;:，；：、،؛"


def speaks(language: str) -> str:
    """The language's own code, as the tables have it."""
    return language.split("-")[0]


def is_hesitation(word: str, language: str = "en") -> bool:
    """Whether a word of a turn (with its punctuation) is a hesitation word."""
    return bare(word) in HESITATIONS.get(speaks(language), ())


def bare(word: str) -> str:
    """The word in small letters, without the marks around it."""
    return word.strip(_STOPS + _COMMAS + "¿¡").casefold().replace("’", "'")


def clause_end(word: str) -> bool:
    """Whether a clause ends behind this word."""
    return word.rstrip()[-1:] in _STOPS + _COMMAS
