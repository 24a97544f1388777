"""Whether two spoken answers are the same, and whether a text holds one: numbers by value, the rest by content."""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from pipeline.errors import Refusal
from pipeline.records import Question
from pipeline.text.function_words import articles, function_words, negated
from pipeline.text.number_words import counts, without_percent
from pipeline.text.numerals import number_at, number_of
from pipeline.text.spoken import say
from pipeline.text.words import bare_words, is_unspaced

# A long answer may be put into other words, but this share of its content words must be heard.
CONTENT_SHARE = 0.6
# Numbers up to this one are said of anything; as an answer with a unit they count with their unit alone.
SMALL = 12
_BREAK_RE = re.compile(r"[,;:.!?，。；：！？、،؛؟]")
# Between two numbers these make one value, a span, or a doubt of them.
_JOINS = frozenset(["and", "or", "to", "plus", "minus", "times", "point", "over", "by", "through"])
# Words behind a number that change its value, so that both sides must have them.
_PARTS_TEXT = """
    half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths eighth eighths
    ninth ninths tenth tenths hundredth hundredths thousandth thousandths millionth millionths dozen
"""
_PARTS = frozenset(_PARTS_TEXT.split())
_CHANGES = _PARTS | frozenset(
    ["square", "squared", "cubic", "cubed", "plus", "minus", "times", "or", "root", "pi", "power"]
)
_FRACTIONS = {
    ("a", "half"): Fraction(1, 2),
    ("one", "half"): Fraction(1, 2),
    ("a", "quarter"): Fraction(1, 4),
    ("one", "quarter"): Fraction(1, 4),
    ("three", "quarters"): Fraction(3, 4),
    ("a", "third"): Fraction(1, 3),
    ("one", "third"): Fraction(1, 3),
    ("two", "thirds"): Fraction(2, 3),
}
_A_HUNDRED_RE = re.compile(r"\ba (?=hundred|thousand|million|billion|trillion)")
_HEDGES = (
    "about", "approximately", "roughly", "environ", "aproximadamente", "etwa", "ungefähr", "rund", "около", "примерно",
)  # fmt: skip


def agree(said: str, truth: str, language: str = "en") -> bool:
    """Whether two spoken answers are the same: numbers by value and unit, anything else by its words.

    A unit may be left out on either side, for the question has it too.
    """
    if key(said, language) == key(truth, language):
        return True
    value = _number(truth, language)
    if value is not None:
        return _same_number(_words(said, language), _words(truth, language), value, language)
    if negated(said, language) != negated(truth, language):
        return False
    return min(_shares(said, truth, language)) >= CONTENT_SHARE


def closest(said: str, truth: str, others: Iterable[str], language: str = "en") -> bool:
    """Whether `said` means `truth` rather than one of the other choices."""
    if key(said, language) == key(truth, language):
        return True
    ours = _likeness(said, truth, language)
    return all(_likeness(said, other, language) <= ours or not agree(said, other, language) for other in others)


def tells(said: str, answer: str, language: str = "en") -> bool:
    """Whether `said` holds the answer: its number by value; or word for word, or most of a long one's content."""
    value = _number(answer, language)
    if value is not None:
        return any(value in found for found in _readings(said, language))
    if _count(key(said, language), _bare(answer, language)):
        return True
    wanted = _content(answer, language)
    return len(wanted) > 3 and _share(wanted, said, language) >= CONTENT_SHARE


def mentions(said: str, answer: str, language: str = "en") -> int:
    """How often `said` says the answer, a number by its value."""
    value = _number(answer, language)
    if value is not None and (abs(value) > SMALL or _value_and_rest(_words(answer, language), language)[1] == []):
        return max(found.count(value) for found in _readings(said, language))
    return _count(key(said, language), _bare(answer, language))


def says_nothing(answer: str, language: str = "en") -> bool:
    """True for an answer that is said of anything: 'I have one for you'."""
    words = key(answer, language)
    if language.split("-")[0] == "en":
        return words in ("", "one")
    return set(words.split()) <= function_words(language) or (
        len(words.split()) <= 1 + is_unspaced(language) and number_of(answer, language) == 1
    )


def holds_answer(said: str, answer: str, language: str = "en") -> bool:
    """Whether spoken text holds the source's answer, which is in the source's own writing."""
    return tells(said, said_or_raw(answer, language), language)


def true_answers(question: Question) -> tuple[str, ...]:
    """The source's answer in spoken words; a year also as a year."""
    said: tuple[str, ...] = (said_or_raw(question.answer, question.language),)
    if re.fullmatch(r"[12]\d{3}\.?", question.answer.strip()):
        said += (said_or_raw(f"In {question.answer.strip(' .')}", question.language).removeprefix("In "),)
    return said


@lru_cache(maxsize=4096)
def said_or_raw(text: str, language: str) -> str:
    """The text as it is said; as it stands where it has no spoken form."""
    try:
        return say(text, language)
    except Refusal:
        return text


@lru_cache(maxsize=4096)
def key(text: str, language: str = "en") -> str:
    """The words alone, in lower case, hyphens as spaces; ideographs each for itself."""
    return " ".join(bare_words(text, language))


def _number(text: str, language: str) -> Fraction | None:
    return number_of(_A_HUNDRED_RE.sub("one ", text.casefold()), language)


def _words(text: str, language: str) -> list[str]:
    """The words of the key, 'a hundred' as the number that it is."""
    if language.split("-")[0] != "en":
        return key(without_percent(text), language).split()
    return _A_HUNDRED_RE.sub("one ", key(text)).split()


def _same_number(said: Sequence[str], truth: Sequence[str], value: Fraction, language: str) -> bool:
    found, rest = _value_and_rest([w for w in said if w not in _HEDGES], language)
    _, wanted = _value_and_rest([w for w in truth if w not in _HEDGES], language)
    if found != value or not _same_changes(rest, wanted):
        return False
    for i, word in enumerate(rest):
        if word in _JOINS and any(number_at(rest, j, language)[0] is not None for j in range(i + 1, len(rest))):
            return False
    if not counts(rest, language):
        return False
    ours, theirs = _unit(rest, language), _unit(wanted, language)
    return not ours or not theirs or ours <= theirs or theirs <= ours


def _same_changes(rest: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether no word behind one of the numbers makes it another value; a bare truth may count dozens."""
    ours, theirs = set(rest) & _CHANGES, set(wanted) & _CHANGES
    return ours == theirs or not wanted or (not rest and not theirs & _PARTS)


def _value_and_rest(words: Sequence[str], language: str) -> tuple[Fraction | None, list[str]]:
    """The number that the words begin with, 'and a half' included, and the words after it."""
    skipped = articles(language)
    start = 0
    while start < len(words) and words[start] in skipped and number_at(words, start, language)[0] is None:
        start += 1
    value, after = number_at(words, start % max(1, len(words)), language)
    if value is None:
        return None, list(words)
    value, after = _with_fraction(words, value, after)
    return value, list(words[after:])


def _with_fraction(words: Sequence[str], value: Fraction, after: int) -> tuple[Fraction, int]:
    more = _FRACTIONS.get(tuple(words[after + 1 : after + 3])) if words[after : after + 1] == ["and"] else None  # type: ignore[arg-type]
    return (value, after) if more is None else (value + more, after + 3)


def _unit(words: Iterable[str], language: str) -> set[str]:
    """Content words of a unit, one spelling and one number of each."""
    found = " ".join(words).replace("per cent", "percent").split()
    plain = (w.replace("metre", "meter").replace("litre", "liter") for w in found)
    small = function_words(language)
    return {w[:-1] if len(w) > 3 and w.endswith("s") else w for w in plain if w not in small and w != "per"}


@lru_cache(maxsize=4096)
def _readings(text: str, language: str) -> tuple[list[Fraction], list[Fraction]]:
    """The numbers of a text: a comma within one ('one thousand, two hundred'), and each comma between two of them."""
    clauses = _BREAK_RE.split(text)
    return list(_values(_words(text, language), language)), [
        v for clause in clauses for v in _values(_words(clause, language), language)
    ]


def _values(words: list[str], language: str) -> Iterator[Fraction]:
    at = 0
    while at < len(words):
        value, after = number_at(words, at, language)
        if value is None:
            at += 1
            continue
        value, at = _with_fraction(words, value, after)
        yield value


def _likeness(said: str, truth: str, language: str) -> float:
    return 2.0 if key(said, language) == key(truth, language) else sum(_shares(said, truth, language)) / 2


def _shares(said: str, truth: str, language: str) -> tuple[float, float]:
    """The share of the truth's content that is said, and of what is said that is the truth's."""
    return _share(_content(truth, language), said, language), _share(_content(said, language), truth, language)


def _content(text: str, language: str) -> list[str]:
    """The content words; pairs of neighbouring ideographs, for one of them alone is in too many words."""
    small = function_words(language)
    if not is_unspaced(language):
        return [w for w in bare_words(text, language) if w not in small]
    signs = bare_words(text, language)
    pairs = [a + b for a, b in pairwise(signs) if a not in small and b not in small]
    return pairs or [sign for sign in signs if sign not in small]


def _share(wanted: list[str], said: str, language: str) -> float:
    signs = bare_words(said, language)
    heard = {*signs, *(a + b for a, b in pairwise(signs))} if is_unspaced(language) else set(signs)
    return sum(w in heard for w in wanted) / len(wanted) if wanted else 0.0


def _bare(answer: str, language: str) -> str:
    """The words of an answer without the article before them."""
    first, _, rest = key(answer, language).partition(" ")
    return rest if rest and first in articles(language) else key(answer, language)


def _count(text: str, words: str) -> int:
    return f" {text} ".replace(" ", "  ").count(f" {words} ".replace(" ", "  ")) if words else 0
