"""Spoken numbers: where they stand in a text, what they are worth, and how to hint at one without saying it."""

import random
from dataclasses import dataclass

from num2words import num2words

from pipeline.llm.offline.simulation.phrases import DETERMINERS, NUMBERS, bare, is_number_word

_SMALL = {num2words(n): n for n in range(20)} | {num2words(n): n for n in range(20, 100, 10)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FRACTION_ENDS = (
    "halves",
    "thirds",
    "quarters",
    "fourths",
    "fifths",
    "sixths",
    "sevenths",
    "eighths",
    "ninths",
    "tenths",
)
_STARTS = NUMBERS - {
    "hundred",
    "thousand",
    "million",
    "billion",
    "trillion",
    "dozen",
    "half",
    "third",
    "quarter",
    "point",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a list of words: words[start:end] say it, `value` is its worth (None for a fraction or a power)."""

    start: int
    end: int
    value: float | None


def value_of(words: list[str]) -> float | None:
    """What lower-case number words are worth; None where they are no plain number."""
    total = group = 0.0
    sign = 1.0
    decimals = ""
    after_point = False
    for word in (piece for w in words for piece in w.split("-")):
        if word in ("minus", "negative") and not (total or group):
            sign = -1.0
        elif word == "point" and not after_point:
            after_point = True
        elif word in _SCALES:
            scaled = group + (float(f"0.{decimals}") if decimals else 0.0)
            total, group, decimals, after_point = total + (scaled or 1.0) * _SCALES[word], 0.0, "", False
        elif word == "hundred" and not after_point:
            group = (group or 1.0) * 100
        elif word in _SMALL:
            if after_point:
                decimals += str(_SMALL[word])
            else:
                group += _SMALL[word]
        elif word not in ("and", "a"):
            return None
    return sign * (total + group + (float(f"0.{decimals}") if decimals else 0.0))


def quantities(words: list[str]) -> list[Quantity]:
    """The numbers in the words of a text, in order; 'one' counts only where it cannot be a pronoun."""
    lows = [bare(word).lower() for word in words]
    found = []
    index = 0
    while index < len(words):
        if not _begins(lows, index):
            index += 1
            continue
        end = _end(words, lows, index)
        pronoun = lows[index:end] == ["one"]
        if not pronoun or (len(words) == end and index < 2):
            plain = end >= len(lows) or (lows[end] not in _FRACTION_ENDS and lows[end] not in ("over", "times"))
            found.append(Quantity(index, end, value_of(lows[index:end]) if plain else None))
        index = end
    return found


def _begins(lows: list[str], index: int) -> bool:
    low = lows[index]
    if low == "a":
        return index + 1 < len(lows) and lows[index + 1] in ("hundred", "thousand", "million", "billion", "dozen")
    return (low in _STARTS and low != "percent") or ("-" in low and is_number_word(low))


def _end(words: list[str], lows: list[str], start: int) -> int:
    """The place after the number that begins at `start`: 'and' goes on only after hundred and the like."""
    end = start + 1
    while end < len(words) and words[end - 1][-1] not in ".,?!;:":
        low = lows[end]
        joined = (
            low == "and" and lows[end - 1] in ("hundred", *_SCALES) and end + 1 < len(words) and _begins(lows, end + 1)
        )
        if not joined and (not is_number_word(low) or low in ("percent", "half", "third", "quarter", "minus")):
            break
        end += 1
    return end


# What is said for a value up to the bound: before a noun, after "it is", and as a noun phrase of its own.
_BANDS: tuple[tuple[float, tuple[str, ...], tuple[str, ...], str], ...] = (
    (1, ("next to no", "hardly any"), ("close to nothing", "next to nothing"), "next to nothing"),
    (9, ("only a few", "just a handful of"), ("quite small", "below ten", "small"), "a small number"),
    (19, ("a dozen or so", "a modest number of"), ("somewhere below twenty", "fairly small"), "a small number"),
    (99, ("a few dozen", "dozens of"), ("a two digit number", "somewhere under a hundred"), "a two digit number"),
    (999, ("a few hundred", "hundreds of"), ("in the hundreds", "a three digit number"), "a three digit number"),
    (9_999, ("a few thousand", "thousands of"), ("in the thousands", "a four digit number"), "a four digit number"),
    (99_999, ("tens of thousands of",), ("in the tens of thousands", "a five digit number"), "a five digit number"),
    (999_999, ("hundreds of thousands of",), ("quite large", "a six digit number"), "a six digit number"),
    (float("inf"), ("millions of",), ("in the millions", "a very large number"), "a very large number"),
)  # fmt: skip


def before_noun(value: float, draw: random.Random) -> str:
    """The size of a value, said before the noun that is counted: 'a few dozen'."""
    return "a negative number of" if value < 0 else draw.choice(_band(value)[1])


def after_is(value: float, draw: random.Random) -> str:
    """The size of a value, said after 'it is': 'somewhere under a hundred'."""
    return "below zero" if value < 0 else draw.choice(_band(value)[2])


def alone(value: float) -> str:
    """The size of a value, as a noun phrase: 'a two digit number'."""
    return "a negative number" if value < 0 else _band(value)[3]


def _band(value: float) -> tuple[float, tuple[str, ...], tuple[str, ...], str]:
    return next(band for band in _BANDS if value <= band[0])


def rounded(value: float | None) -> str:
    """The value to one figure, in words; "" where that says the value itself, or nothing."""
    if value is None or value < 20:
        return ""
    whole = int(value)
    step = 10 ** (len(str(whole)) - 1)
    near = whole // step * step
    return num2words(near) if near != value else ""


def noun_after(words: list[str], quantity: Quantity) -> str:
    """The unit or the thing counted, one or two words right after the number ("" where none follows at once)."""
    if quantity.end >= len(words) or words[quantity.end - 1][-1] in ".,?!;:":
        return ""
    first = bare(words[quantity.end]).lower()
    if not first.isalpha() or first in DETERMINERS or (is_number_word(first) and first != "percent"):
        return ""
    return first if first.endswith("s") or first in ("percent", "feet", "people", "children", "men", "women") else ""
