"""Keywords: what a simulator is told of the answer at levels 1 and 2."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from kame_data.levels import NEAR
from kame_data.oracles.acceptance import OracleTask
from kame_data.seeds import fraction, rng
from kame_data.text.answers import tells
from kame_data.text.function_words import function_words
from kame_data.text.normal import normalise
from kame_data.text.number_words import is_numeric
from kame_data.text.words import bare_words, is_unspaced

SHARES = {1: (1, 3), 2: (3, 4)}
"""Share of the answer's other content words that the keywords hold, by level; above them the hint is the answer."""
TOLD = 0.5
"""Share of turns whose result is told at level 2."""
# Said in every answer; to be told them is no hint.
_STOP_TEXT = """
a an the of to in on at by for from with and or but as that this these those it its is are was were be been so has have
had do does did will would can could should may might must than then there into about their his her they he she you
your we our i which who what when where each also just only very because if not no it's that's there's you'll i'd okay
right well sure
"""
_STOP = frozenset(_STOP_TEXT.split())
_WORD_RE = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MARKS_RE = re.compile(r"[^\w\s'’-]+")


def keywords(task: OracleTask, seed: int) -> str:
    """Some content words of the truth in their order, none of them the result's: a third at level 1, without numbers,
    and three quarters at level 2.

    Which ones is drawn from (seed, truth), so that a turn's prefixes agree, and level 2 holds those of level 1.
    """
    language, level = task.request.language, task.request.level
    result = _parts(task.result, language)
    words = content_words(task.coming_turn, language)
    found = [
        w for w in words if not result & _parts(w, language) and not (task.result and tells(w, task.result, language))
    ]
    order = rng(seed, "keywords", task.coming_turn).sample(found, len(found))
    order.sort(key=lambda word: _is_number(word, language))
    share, whole = SHARES[level]
    chosen = set(order[: -(-len(order) * share // whole)])
    return ", ".join(w for w in found if w in chosen and (level > NEAR or not _is_number(w, language)))


def told_result(task: OracleTask, seed: int) -> str:
    """The result where level 2 is told it: in a drawn share of the turns, TOLD; else ""."""
    return task.result if fraction(seed, "result told", task.coming_turn) < TOLD else ""


def content_words(text: str, language: str) -> list[str]:
    """The words of a text that are no function words, each once, in their order. For Chinese these are numbers and,
    between function signs and marks, pairs of signs, which most of its words are."""
    if not is_unspaced(language):
        stop = _STOP if language.split("-")[0] == "en" else function_words(language)
        found = [w for clause in _MARKS_RE.split(text) for w in _whole_numbers(_WORD_RE.findall(clause), language)]
        return [w for w in dict.fromkeys(found) if w.casefold() not in stop]
    found = []
    for clause in _MARKS_RE.split(text):
        found += _pairs(bare_words(clause, language), language)
    return list(dict.fromkeys(found))


def _whole_numbers(words: Sequence[str], language: str) -> Iterator[str]:
    """The words, those of one number as one: a part of a number is another number."""
    for numeric, run in groupby(words, lambda word: _is_number(word, language)):
        if numeric:
            yield " ".join(run)
        else:
            yield from run


def _pairs(signs: Sequence[str], language: str) -> Iterator[str]:
    small = function_words(language)

    def kind(sign: str) -> str:
        return "small" if sign in small else "number" if is_numeric(sign, language) else "word"

    for what, group in groupby(signs, kind):
        run = list(group)
        if what == "number":
            yield "".join(run)
        elif what == "word":
            # A sign that is left over goes to the last pair.
            cuts = [*range(0, max(1, len(run) - 1), 2), len(run)]
            yield from ("".join(run[a:b]) for a, b in pairwise(cuts))


def _parts(text: str, language: str) -> set[str]:
    """The parts by which a word is found in the answer: its parts between hyphens, or its signs."""
    if language.split("-")[0] == "en":
        return set(normalise(text).split())
    return set(bare_words(text, language)) - function_words(language)


def _is_number(word: str, language: str) -> bool:
    return all(is_numeric(part, language) for part in bare_words(word, language))
