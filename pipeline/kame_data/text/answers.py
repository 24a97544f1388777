"""Comparison of spoken answers: whether two are the same, and whether a text holds one. Numbers are compared by value,
the rest by content."""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.text.claims import ASKED, BREAK_RE, DENIED, IS, Claim, claims, readings, said_of, words_of
from kame_data.text.function_words import articles, function_words, negated
from kame_data.text.number_words import counts
from kame_data.text.numerals import number_at, number_of
from kame_data.text.polarity import polarities, polarity_of
from kame_data.text.quantities import places
from kame_data.text.spoken import say
from kame_data.text.words import bare_words, is_unspaced, join_words, split_words

# A long answer may be put into other words, but this share of its content words must be heard.
CONTENT_SHARE = 0.6
# Numbers up to this one are said of anything; as an answer with a unit they count with their unit alone.
SMALL = 12
_WITHIN_RE = re.compile(r"\b(thousand|million|billion|trillion),")
# Between two numbers these make one value, a span, or a doubt of them.
_JOINS = frozenset(["and", "or", "to", "plus", "minus", "times", "point", "over", "by", "through"])
# Words behind a number that change its value, so that both sides must have them.
_CHANGES = frozenset(["square", "squared", "cubic", "cubed", "plus", "minus", "times", "or", "root", "pi", "power"])
# Words of a unit behind the number of an answer, at the most.
_UNIT_WORDS = 4
_LONGEST_FIGURE, _LONGEST_SAID = 24, 120
_HEDGES = frozenset((
    "about", "approximately", "roughly", "around", "nearly", "almost", "exactly", "environ", "aproximadamente", "etwa",
    "ungefähr", "rund", "около", "примерно",
))  # fmt: skip
# What may stand before the number of an answer.
_BEFORE_NUMBER_TEXT = """
    is greater more less fewer than at least most over above under below up to between from no not minimum maximum of
    either it's the
"""
_BEFORE_NUMBER = frozenset(_BEFORE_NUMBER_TEXT.split())

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
    """Tell whether two spoken answers are the same: numbers by value, unit and sense (at least five is not five), yes
    and no by what they mean, anything else by its words.

    Either side may leave out a unit, because the question names it too.
    """
    if key(said, language) == key(truth, language):
        return True
    if (wanted := _polarity(truth, language)) is not None:
        return wanted == _polarity(said, language)
    if (claim := _figure(truth, language)) is not None:
        return _same_figure(said, truth, claim, language)
    if negated(said, language) != negated(truth, language):
        return False
    if not (_names_numbers(said, truth, language) and _names_numbers(truth, said, language)):
        return False
    return min(_shares(said, truth, language)) >= CONTENT_SHARE


def closest(said: str, truth: str, others: Iterable[str], language: str = "en") -> bool:
    """True where `said` means `truth` rather than one of the other choices."""
    if key(said, language) == key(truth, language):
        return True
    ours = _likeness(said, truth, language)
    return all(_likeness(said, other, language) <= ours or not agree(said, other, language) for other in others)


def tells(said: str, answer: str, language: str = "en") -> bool:
    """True where `said` names the answer, even to deny it: its number by value and unit, yes or no by its meaning, all
    of its words, or most of the content of a long answer."""
    if (wanted := _polarity(answer, language)) is not None:
        return wanted in polarities(said)
    if (claim := _figure(answer, language)) is not None:
        return any(found.names(claim) for found in claims(said, language))
    return _count(key(said, language), _bare(answer, language)) > 0 or _holds_content(said, answer, language)


def mentions(said: str, answer: str, language: str = "en") -> int:
    """Count how often `said` says the answer; a number counts by its value."""
    if (claim := _figure(answer, language)) is not None:
        bare = claim.quantities[0].after == len(words_of(answer, language))
        if bare or abs(claim.quantities[0].values[0]) > SMALL:
            return max(sum(found.names(claim) for found in reading) for reading in readings(said, language))
    return _count(key(said, language), _bare(answer, language))


def asserts(said: str, answer: str, language: str = "en") -> bool:
    """True where `said` says that the answer is so: 'it isn't eleven', 'more than eleven' and 'ten or eleven' name
    eleven, but do not say it."""
    if (wanted := _polarity(answer, language)) is not None:
        return polarities(said)[:1] == (wanted,)
    if (claim := _figure(answer, language)) is not None:
        return any(found.asserts(claim) for found in claims(said, language))
    if negated(answer, language):
        return tells(said, answer, language)
    senses = said_of(said, _bare(answer, language), language)
    if senses:
        return any(sense not in (DENIED, ASKED) for sense in senses)
    return _holds_content(_without_denied(said, answer, language), answer, language) or (
        _count(key(said, language), _bare(answer, language)) > 0
    )


def is_value(answer: str, language: str = "en") -> bool:
    """True for an answer that is compared by what it means and not by its words: a number, yes or no."""
    return _polarity(answer, language) is not None or _figure(answer, language) is not None


def _without_denied(said: str, answer: str, language: str) -> str:
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
    claim = _figure(answer, language)
    if claim is None or not (marked := _MARKED_RES.get(language.split("-")[0])):
        return ""
    called = [found for match in marked.finditer(truth.casefold()) for found in _called(match["rest"], language)]
    for match in marked.finditer(said.casefold()):
        for found in _called(match["rest"], language):
            if not found.asserts(claim) and not any(found.asserts(other) for other in called):
                return match[0].strip()
    return ""


def _called(text: str, language: str) -> list[Claim]:
    """The first claim of a text that denies nothing, if it has one."""
    return [found for found in claims(text, language) if found.sense not in (DENIED, ASKED)][:1]


def says_nothing(answer: str, language: str = "en") -> bool:
    """True for an answer that occurs in sentences about anything, like the 'one' in 'I have one for you'."""
    words = key(answer, language)
    if language.split("-")[0] == "en":
        return words in ("", "one")
    return set(words.split()) <= function_words(language) or (
        len(words.split()) <= 1 + is_unspaced(language) and number_of(answer, language) == 1
    )


def holds_answer(said: str, answer: str, language: str = "en") -> bool:
    """True where spoken text names the source's answer, which is given as the source writes it."""
    return tells(said, said_or_raw(answer, language), language)


def gives_answer(said: str, answer: str, language: str = "en") -> bool:
    """True where spoken text says that the source's answer, which is given as the source writes it, is so."""
    return asserts(said, said_or_raw(answer, language), language)


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


def _polarity(answer: str, language: str) -> bool | None:
    return polarity_of(answer) if language.split("-")[0] == "en" else None


def _holds_content(said: str, answer: str, language: str) -> bool:
    wanted = content(answer, language)
    held = len(wanted) > 3 and _share(wanted, said, language) >= CONTENT_SHARE
    return held and _names_numbers(said, answer, language)


def _names_numbers(said: str, answer: str, language: str) -> bool:
    """True where a text names all numbers of a longer answer; one and none are also other words."""
    found = claims(said, language)
    wanted = [claim for claim in readings(answer, language)[-1] if claim.quantities[0].lead not in (0, 1)]
    return all(any(ours.names(claim) for ours in found) for claim in wanted)


@lru_cache(maxsize=4096)
def _figure(text: str, language: str) -> Claim | None:
    """What a text claims that is one number (a bound, a span), alone or with a unit after it; None for any other."""
    words = words_of(text, language)
    found = readings(text, language)[-1] if len(words) <= _LONGEST_FIGURE else ()
    if not found:
        return None
    claim, first, last = found[0], found[0].quantities[0], found[0].quantities[-1]
    before = _HEDGES | articles(language) | (_BEFORE_NUMBER if _is_english(language) else function_words(language))
    rest = words[last.after :]
    if len(found) > 1 or claim.sense in (DENIED, ASKED) or not before.issuperset(words[: first.start]):
        return None
    if len(rest) > _UNIT_WORDS or not counts(rest, language) or any(_is_numeric(word, language) for word in rest):
        return None
    # None and nothing are numbers only where they are the whole answer.
    return None if first.lead == 0 and words[first.start] in ("no", "none", "nothing") and rest else claim


def _is_english(language: str) -> bool:
    return language.split("-")[0] == "en"


def _is_numeric(word: str, language: str) -> bool:
    return number_at([word], 0, language)[0] is not None


def _same_figure(said: str, truth: str, claim: Claim, language: str) -> bool:
    """Tell whether an answer says the number that the truth is, and no other one beside it."""
    words, wanted = ([w for w in words_of(text, language) if w not in _HEDGES] for text in (said, truth))
    found = readings(" ".join(words), language)[-1] if len(words) <= _LONGEST_SAID else ()
    if not found:
        return False
    ours, theirs = found[0], _figure(" ".join(wanted), language) or claim
    if not articles(language).issuperset(words[: ours.quantities[0].start]) and ours.sense == theirs.sense == IS:
        return False
    rest, behind = words[ours.quantities[-1].after :], wanted[theirs.quantities[-1].after :]
    lead = ours.sense == theirs.sense == IS and not behind and theirs.quantities[0].unit is None
    if not ours.asserts(theirs) and not (lead and ours.quantities[0].lead in theirs.quantities[0].values):
        return False
    if set(rest) & _CHANGES != set(behind) & _CHANGES and behind != rest and (behind or rest):
        return False
    for i, word in enumerate(rest):
        if word in _JOINS and any(number_at(rest, j, language)[0] is not None for j in range(i + 1, len(rest))):
            return False
    if not counts(rest, language):
        return False
    one, two = _unit(rest, language), _unit(behind, language)
    return not one or not two or one <= two or two <= one


def _unit(words: Iterable[str], language: str) -> set[str]:
    """Content words of a unit, one spelling and one number of each."""
    found = " ".join(words).replace("per cent", "percent").split()
    plain = (w.replace("metre", "meter").replace("litre", "liter") for w in found)
    small = function_words(language)
    return {w[:-1] if len(w) > 3 and w.endswith("s") else w for w in plain if w not in small and w != "per"}


@lru_cache(maxsize=4096)
def _readings(text: str, language: str) -> tuple[list[Fraction], list[Fraction]]:
    """The numbers of a text: a comma within one ('one thousand, two hundred'), and each comma between two of them."""
    clauses = BREAK_RE.split(text)
    return list(_values(words_of(text, language), language)), [
        v for clause in clauses for v in _values(words_of(clause, language), language)
    ]


def _counted(text: str, language: str) -> tuple[list[Fraction], list[Fraction]]:
    """The readings of a text, a comma behind 'thousand' within a number or after one, without the number words that
    are no numbers there."""
    joined, apart = (
        [words_of(clause, language) for clause in BREAK_RE.split(found)]
        for found in (_WITHIN_RE.sub(r"\1", text.casefold()), text)
    )
    first, second = (
        [v for words in clauses for v, at, end in places(words, language) if _is_number(words, at, end, language)]
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
    return (value for value, at, end in places(words, language) if words[at:end] != ["oh"])


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
