"""Small tools of wording that writer and simulator share: sentences, large letters, lists, numbers."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from kame_data.errors import Refusal
from kame_data.text.answers import key
from kame_data.text.function_words import articles, function_words
from kame_data.text.hesitations import within_unit
from kame_data.text.numerals import number_at
from kame_data.text.quantities import parted_at
from kame_data.text.spoken import say

_END_RE = re.compile(r"(?<=[.?!])\s+")
_LONGEST_NUMBER = 16
_THING = 5
_FINITE_RE = re.compile(r"\b(?:is|are|was|were|has|have|had|will|would|can|could|does|do|did|should|must|may)\b", re.I)
# Words that no piece of a sentence ends in.
_LOOSE = function_words("en") | {"when", "if", "because", "which", "who", "more", "not", "how", "what", "very", "both"}
_LOOSE |= set("through into upon against between without within towards toward under over during across".split())


def sentences(text: str) -> list[str]:
    """The sentences of spoken text, marks and all."""
    return [s for s in _END_RE.split(text.strip()) if s]


def upper(text: str) -> str:
    """`text` with its first letter large."""
    return text[:1].upper() + text[1:]


def closed(text: str) -> str:
    """`text` as a sentence: a large letter first, a full stop last."""
    text = upper(text.strip().rstrip(",;: "))
    return text if text.endswith((".", "?", "!")) else f"{text}."


def listed(items: Sequence[str], joint: str = "or") -> str:
    """'a, b, or c'; 'a or b'."""
    if len(items) < 3:
        return f" {joint} ".join(items)
    return f"{', '.join(items[:-1])}, {joint} {items[-1]}"


def is_thing(choice: str) -> bool:
    """True for a choice that reads as the name of a thing: short, and no clause."""
    words = choice.split()
    short = len(words) <= 3 or (len(words) <= _THING and key(words[0]) in articles("en"))
    return short and not _FINITE_RE.search(choice)


def trimmed(words: Sequence[str]) -> str:
    """A piece of a sentence without the small words and marks that its end leaves hanging."""
    kept = list(words)
    while kept and kept[-1].strip(",;:.?!").casefold() in _LOOSE:
        kept.pop()
    return " ".join(kept).rstrip(",;:.?!")


def cut(words: Sequence[str], count: int) -> str:
    """The first `count` words or fewer, so that no number and no name is cut."""
    while count and count < len(words) and (within_unit(words, count, "en") or _parts(words, count)):
        count -= 1
    return trimmed(words[:count])


def _parts(words: Sequence[str], at: int) -> bool:
    """True between the words of a number with parts: one | quarter."""
    start = max(0, at - 4)
    said = key(" ".join(words[start : at + 1])).split()
    left = len(key(" ".join(words[start:at])).split())
    return any((found := parted_at(said, n)) and found[1] > left for n in range(left))


def number_words(value: Fraction | int, like: str = "") -> str:
    """A number in spoken words, of dollars where `like` is an amount of them; "" for one that has no short form (a
    third has none)."""
    value = Fraction(value)
    if "dollar" in like:
        return say(f"${float(value):.2f}".removesuffix(".00")) if value > 0 and (value * 100).denominator == 1 else ""
    if (value * 1000).denominator != 1 or abs(value) >= 10**12:
        return ""
    plain = str(value.numerator) if value.denominator == 1 else f"{float(value):f}".rstrip("0")
    try:
        said = say(plain.removeprefix("-"))
    except Refusal:
        return ""
    return f"minus {said}" if value < 0 else said


def quantities(text: str) -> Iterator[tuple[int, int, Fraction]]:
    """The numbers of spoken text: the first word, the word after the last, the value."""
    words = text.split()
    at = 0
    while at < len(words):
        parts: list[tuple[str, int]] = []
        for n in range(at, min(len(words), at + _LONGEST_NUMBER)):
            parts += [(part, n + 1) for part in key(words[n]).split()]
            if words[n][-1] in ",.;:?!":
                break
        words_here = [part for part, _ in parts]
        value, after = parted_at(words_here, 0) or number_at(words_here, 0)
        end = parts[after - 1][1] if after else at + 1
        whole = after == len(parts) or (after > 0 and parts[after][1] != end)
        if value is not None and whole:
            yield at, end, value
        at = end
