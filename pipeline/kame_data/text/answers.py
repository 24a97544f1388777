"""Comparison of spoken answers: whether two are the same, and whether a text holds one. Numbers are compared by value,
the rest by content."""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.text.atoms import LAST, readings, years
from kame_data.text.function_words import articles, function_words, negated
from kame_data.text.number_words import counts, without_percent
from kame_data.text.numerals import number_at, number_of
from kame_data.text.spoken import say
from kame_data.text.words import bare_words, is_unspaced, join_words, split_words

# A long answer may be put into other words, but this share of its content words must be heard.
CONTENT_SHARE = 0.6
# Numbers up to this one are said of anything; as an answer with a unit they count with their unit alone.
SMALL = 12
_BREAK_RE = re.compile(r"[,;:.!?，。；：！？、،؛؟]")
_WITHIN_RE = re.compile(r"\b(thousand|million|billion|trillion),")
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
_MONEY = frozenset(["dollar", "dollars", "euro", "euros", "pound", "pounds"])
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
# Words that make a number behind them another one, and those of a number with such a word at the most.
_PARTS_SAID = _PARTS - {"seconds", "second"} | {"cent", "cents", "pence"}
_PARTED_RE = re.compile(rf"\b(?:{'|'.join(sorted(_PARTS_SAID))})\b")
_LONGEST, _UNIT_WORDS = 12, 4
_A_HUNDRED_RE = re.compile(r"\ba (?=hundred|thousand|million|billion|trillion)")
_HEDGES = (
    "about", "approximately", "roughly", "environ", "aproximadamente", "etwa", "ungefähr", "rund", "около", "примерно",
)  # fmt: skip

# What stands before a 'one' that is a number.
_BEFORE_ONE_TEXT = """
    is are be was were to equals equal makes make making get gets gives give leaves leave exactly just about answer
"""
_BEFORE_ONE = frozenset(_BEFORE_ONE_TEXT.split())
# 'The answer is', with what follows it in its clause; in some languages numbers stand within words of three letters.
_MARKS = {
    "ar": r"(?:الجواب|الإجابة|النتيجة)",
    "de": r"\b(?:antwort|ergebnis|lösung)\b",
    "en": r"\b(?:answer|result|solution)\b",
    "es": r"\b(?:respuesta|resultado|solución)\b",
    "fr": r"\b(?:réponse|résultat|solution)\b",
    "it": r"\b(?:risposta|risultato|soluzione)\b",
    "pt": r"\b(?:resposta|resultado|solução)\b",
    "ru": r"\b(?:ответ|результат)\b",
    "zh": r"(?:答案|结果|得数)",
}
_MARKED_RES = {code: re.compile(rf"{mark}\W*(?P<rest>[^.?!;。？！；؟]+)") for code, mark in _MARKS.items()}


def agree(said: str, truth: str, language: str = "en") -> bool:
    """Tell whether two spoken answers are the same: numbers by value and unit, anything else by its words.

    Either side may leave out a unit, because the question names it too.
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
    """True where `said` means `truth` rather than one of the other choices."""
    if key(said, language) == key(truth, language):
        return True
    ours = _likeness(said, truth, language)
    return all(_likeness(said, other, language) <= ours or not agree(said, other, language) for other in others)


def tells(said: str, answer: str, language: str = "en") -> bool:
    """True where `said` holds the answer: its number by value, all of its words, or most of the content of a long
    answer."""
    value = _number(answer, language)
    if value is not None:
        heard = any(value in found for found in _readings(said, language))
        return heard or (language.split("-")[0] == "en" and value in years(said))
    if _count(key(said, language), _bare(answer, language)):
        return True
    wanted = content(answer, language)
    return len(wanted) > 3 and _share(wanted, said, language) >= CONTENT_SHARE


def mentions(said: str, answer: str, language: str = "en") -> int:
    """Count how often `said` says the answer; a number counts by its value."""
    value = _number(answer, language)
    if value is not None and (abs(value) > SMALL or _value_and_rest(_words(answer, language), language)[1] == []):
        return max(found.count(value) for found in _readings(said, language))
    return _count(key(said, language), _bare(answer, language))


def asserts(said: str, answer: str, language: str = "en") -> bool:
    """True where `said` holds the answer and does not deny it: 'it isn't eleven' tells eleven, but does not say it."""
    return tells(said, answer, language) and (
        negated(answer, language) or tells(without_denied(said, answer, language), answer, language)
    )


def without_denied(said: str, answer: str, language: str) -> str:
    """`said` without what is denied: after a negation its small words, and as many more words as the answer has."""
    words, small = split_words(said, language), function_words(language)
    length = len(bare_words(_bare(answer, language), language))
    kept: list[str] = []
    at = 0
    while at < len(words):
        if not negated(words[at], language):
            kept.append(words[at])
            at += 1
            continue
        at += 1
        while at < len(words) and small.issuperset(bare_words(words[at], language)):
            at += 1
        at += length
    return join_words(kept, language)


def number_values(text: str, language: str = "en") -> frozenset[Fraction]:
    """The values of all numbers in a text, however a comma between two of them is read."""
    return frozenset(value for found in _readings(text, language) for value in found)


def strange_number(
    said: str, known: Iterable[str], language: str = "en", also: Iterable[Fraction] = ()
) -> Fraction | None:
    """The first number that `said` names, none of the texts `known` does, and that is not one of `also`; None without
    one.

    Not counted are the number words that are other words too: 'that one', 'oh', an article, a sign within a word.
    """
    allowed = {*also, *([Fraction(1)] if is_unspaced(language) else [])}
    allowed = allowed.union(*(number_values(text, language) for text in known))
    # 'Twenty minus nine' names nine.
    readings = [[v for v in found if not {v, -v} & allowed] for found in _counted(said, language)]
    return min(readings, key=len)[0] if all(readings) else None


def named_as_result(said: str, answer: str, language: str, truth: str) -> str:
    """The number that `said` calls the answer ("the answer is: twelve") where the answer is another number; "" without
    one. What `truth`, the true turn, calls so too is no other result."""
    value = _number(answer, language)
    if value is None or not (marked := _MARKED_RES.get(language.split("-")[0])):
        return ""
    called = {v for match in marked.finditer(truth.casefold()) for v in _first_value(match["rest"], language)}
    for match in marked.finditer(said.casefold()):
        if any(v != value and v not in called for v in _first_value(match["rest"], language)):
            return match[0].strip()
    return ""


def _first_value(text: str, language: str) -> list[Fraction]:
    return next((found[:1] for found in _readings(text, language) if found), [])


def says_nothing(answer: str, language: str = "en") -> bool:
    """True for an answer that occurs in sentences about anything, like the 'one' in 'I have one for you'."""
    words = key(answer, language)
    if language.split("-")[0] == "en":
        return words in ("", "one")
    return set(words.split()) <= function_words(language) or (
        len(words.split()) <= 1 + is_unspaced(language) and number_of(answer, language) == 1
    )


def holds_answer(said: str, answer: str, language: str = "en") -> bool:
    """True where spoken text holds the source's answer, which is given as the source writes it."""
    return tells(said, said_or_raw(answer, language), language)


def true_answers(question: Question) -> tuple[str, ...]:
    """The source's answer in spoken words; a year also as a year."""
    said: tuple[str, ...] = (choice_said(question.answer, question),)
    if re.fullmatch(r"[12]\d{3}\.?", question.answer.strip()):
        said += (said_or_raw(f"In {question.answer.strip(' .')}", question.language).removeprefix("In "),)
    return said


def choice_said(choice: str, question: Question) -> str:
    """An answer or choice of the question as it is said; as it stands where it has no spoken form."""
    return said_or_raw(choice, question.language, question.stem)


@lru_cache(maxsize=4096)
def said_or_raw(text: str, language: str, about: str = "") -> str:
    """The text as it is said, by the text that it is `about`; as it stands where it has no spoken form."""
    try:
        return say(text, language, about)
    except Refusal:
        return text


@lru_cache(maxsize=4096)
def key(text: str, language: str = "en") -> str:
    """The words alone, in lower case, with spaces for hyphens; each ideograph stands alone."""
    return " ".join(bare_words(text, language))


def _number(text: str, language: str) -> Fraction | None:
    value = number_of(_A_HUNDRED_RE.sub("one ", text.casefold()), language)
    if language.split("-")[0] != "en" or not _PARTED_RE.search(text.casefold()):
        return value
    words = [w for w in _words(text, language) if w not in _HEDGES]
    parted = parted_at(words, 0)
    return value if parted is None else parted[0] if len(words) - parted[1] <= _UNIT_WORDS else None


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
    """True where no word behind a number changes its value; a truth without a unit may count dozens."""
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


def parted_at(words: Sequence[str], at: int) -> tuple[Fraction, int] | None:
    """The number with parts or dozens that begins at a word, and the place after it; None where none does: three
    quarters, half a million, two dozen, fifty cents."""
    window = words[at : at + _LONGEST]
    if not window:
        return None
    found = [(value, at + end) for value, end in readings(window, 0) if _is_parted(value, window[:end])]
    return max(found, key=lambda pair: pair[1], default=None)


def _is_parted(value: Fraction, words: Sequence[str]) -> bool:
    """True for a number that words for parts make, which the third one is not."""
    return any(w in _PARTS_SAID and (value.denominator > 1 or w not in LAST) for w in words)


def _with_fraction(words: Sequence[str], value: Fraction, after: int) -> tuple[Fraction, int]:
    if words[after : after + 1] and words[after] in _MONEY:
        start = after + 1 + (list(words[after + 1 : after + 2]) == ["and"])
        cents, end = number_at(words, start) if start < len(words) else (None, start)
        if cents is not None and cents < 100 and list(words[end : end + 1]) in (["cent"], ["cents"], ["pence"]):
            return value + cents / 100, end + 1
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


def _counted(text: str, language: str) -> tuple[list[Fraction], list[Fraction]]:
    """The readings of a text, a comma behind 'thousand' within a number or after one, without the number words that
    are no numbers there."""
    joined, apart = (
        [_words(clause, language) for clause in _BREAK_RE.split(found)]
        for found in (_WITHIN_RE.sub(r"\1", text.casefold()), text)
    )
    first, second = (
        [v for words in clauses for v, at, end in _places(words, language) if _is_number(words, at, end, language)]
        for clauses in (joined, apart)
    )
    return first, second


def _is_number(words: Sequence[str], start: int, end: int, language: str) -> bool:
    """Tell whether the number word that words[start:end] are is one there, and not another word of the same form."""
    if words[start:end] == ["oh"] or not counts(words[end:], language):
        return False
    if end - start > 1 or number_at(words, start, language)[0] != 1:
        return True
    # 'One' is a number where a clause ends with it and nothing makes a pronoun of it.
    before = words[start - 1] if start else ""
    return end == len(words) and (language.split("-")[0] != "en" or not before or before in _BEFORE_ONE)


def _values(words: list[str], language: str) -> Iterator[Fraction]:
    # 'Oh, I see' names no nought.
    return (value for value, at, end in _places(words, language) if words[at:end] != ["oh"])


def _places(words: Sequence[str], language: str) -> Iterator[tuple[Fraction, int, int]]:
    """The numbers of a text in words, each with the index of its first word and the one after its last."""
    at = 0
    while at < len(words):
        start = at
        value: Fraction | None
        parted = parted_at(words, at) if language.split("-")[0] == "en" else None
        if parted is not None:
            value, at = parted
            yield value, start, at
            continue
        value, after = number_at(words, at, language)
        if value is None:
            at += 1
            continue
        value, at = _with_fraction(words, value, after)
        yield value, start, at


def _likeness(said: str, truth: str, language: str) -> float:
    return 2.0 if key(said, language) == key(truth, language) else sum(_shares(said, truth, language)) / 2


def _shares(said: str, truth: str, language: str) -> tuple[float, float]:
    """Two shares: of the truth's content, what is said; and of what is said, what belongs to the truth."""
    return _share(content(truth, language), said, language), _share(content(said, language), truth, language)


def content(text: str, language: str) -> list[str]:
    """The content words. Ideographs count in neighbouring pairs, because a single one occurs in too many words."""
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
