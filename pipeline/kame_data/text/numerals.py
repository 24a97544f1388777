"""The value of a number in words, the inverse of saying it: English here, other languages in `number_words`."""

import re
from collections.abc import Sequence
from fractions import Fraction

from kame_data.text import number_words
from kame_data.text.function_words import function_words
from kame_data.text.words import bare_words

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
UNITS = {word: value for value, word in enumerate(_SMALL.split())} | {"oh": 0}
_ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = {word: 10 * value for value, word in enumerate(_ROUND.split(), start=2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SIGNS = frozenset(("minus", "negative"))
_BEFORE = frozenset(("about", "approximately", "roughly", "around", "nearly", "exactly", "a", "an", "the"))
# Words of a unit behind a number, at the most.
_MOST_BEHIND = 4
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def number_at(words: Sequence[str], start: int, language: str = "en") -> tuple[Fraction | None, int]:
    """The number that begins at word `start` (lower case, hyphens split), and the index after it.

    None and `start` itself, where no number begins there, or where `start` is in the middle of one.
    """
    if language.split("-")[0] != "en":
        return number_words.value_at(words, start, language)
    position = start
    if position < len(words) and words[position] in _SIGNS:
        position += 1
    elif start and (words[start - 1] in _SIGNS or _numeric(words[start - 1])):
        return None, start
    whole, after = whole_number(words, position)
    if after < len(words) and words[after] == "point":
        digits, end = _digits(words, after + 1)
        if digits:
            value = Fraction(whole or 0) + Fraction(int(digits), 10 ** len(digits))
            for_scale = SCALES.get(words[end]) if end < len(words) else None
            whole_value = value * for_scale if for_scale else value
            return (-whole_value if position > start else whole_value), end + bool(for_scale)
    if whole is None:
        return None, start
    return Fraction(-whole if position > start else whole), after


def number_of(text: str, language: str = "en") -> Fraction | None:
    """The value of a text that is one number, alone or with a unit after it ('about six point five metres').

    None for any other text, and for text with a second number in it.
    """
    if language.split("-")[0] != "en":
        return _number_elsewhere(text, language)
    words = _WORD.findall(text.casefold().replace("-", " "))
    while words and words[0] in _BEFORE:
        words = words[1:]
    value, after = number_at(words, 0)
    rest = words[after:]
    if value is None or len(rest) > _MOST_BEHIND or any(_numeric(w) for w in rest):
        return None
    return value


def _number_elsewhere(text: str, language: str) -> Fraction | None:
    words = bare_words(number_words.without_percent(text), language)
    before = function_words(language)
    while words and words[0] in before and not number_words.is_numeric(words[0], language):
        words = words[1:]
    value, after = number_words.value_at(words, 0, language)
    rest = words[after:]
    if value is None or len(rest) > _MOST_BEHIND or any(number_words.is_numeric(word, language) for word in rest):
        return None
    return value if number_words.counts(rest, language) else None


def _numeric(word: str) -> bool:
    return word in UNITS or word in TENS or word in SCALES or word in ("hundred", "point")


def _digits(words: Sequence[str], position: int) -> tuple[str, int]:
    digits = ""
    while position < len(words) and words[position] in UNITS:
        digits += str(UNITS[words[position]])
        position += 1
    return digits, position


def whole_number(words: Sequence[str], position: int) -> tuple[int | None, int]:
    """The whole number that begins at a word, as English builds it, and the place after it ('two ten' is two)."""
    total, group, seen, room = 0, 0, False, 100
    while position < len(words):
        word = words[position]
        if word in UNITS and (UNITS[word] < room if room < 100 else room == 100) and (UNITS[word] or not seen):
            group, room = group + UNITS[word], 0
        elif word in TENS and room == 100:
            group, room = group + TENS[word], 10
        elif word == "hundred" and seen and 0 < group < 100:
            group, room = group * 100, 100
        elif word in SCALES and seen:
            if 0 < total < SCALES[word]:  # one thousand six hundred billion
                group, total = total + group, 0
            total, group, room = total + (group or 1) * SCALES[word], 0, 100
        elif (
            word == "and" and seen and words[position - 1] in ("hundred", *SCALES) and _numeric_at(words, position + 1)
        ):
            position += 1
            continue
        else:
            break
        seen, position = True, position + 1
    return (total + group if seen else None), position


def _numeric_at(words: Sequence[str], position: int) -> bool:
    return position < len(words) and (words[position] in UNITS or words[position] in TENS)
