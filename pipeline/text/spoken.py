"""Source text into words that a person says; the stages are in the files beside this one, each for one kind."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache, partial

from pipeline.errors import Refusal
from pipeline.text import (
    abbreviations,
    characters,
    dates,
    formulas,
    latex,
    lexicon,
    money,
    numbers,
    spelled,
    symbols,
    units,
)
from pipeline.text.elsewhere import say_elsewhere
from pipeline.text.normal import normalise
from pipeline.text.words import join_words, split_words

__all__ = ["is_spoken", "join_words", "normalise", "say", "split_words"]

# A number and a word without a space between: 300torr, at25, 5.00moles.
_GLUED_AFTER_RE = re.compile(r"(?<![\w^_{.,])(\d+(?:[.,]\d+)*)([a-z]{3,})(?![\w^_])")
_GLUED_BEFORE_RE = re.compile(r"(?<![\w^_{])([a-z]{4,}|of|is|at|to|in|by)(\d+(?:[.,]\d+)*)(?![\w^_])")
# The same with a unit between: a 100 Wlight bulb.
_GLUED_UNIT_RE = re.compile(r"(?<=\d )([WVANJK])([a-z]{4,})\b")
_GLUED_STOP_RE = re.compile(
    r"(?<=[a-z]{2})([.?!;:,])(?=[A-Z][a-z]|[A-Z]\b|\d)|(?<=\d)([?;])(?=[A-Z])|"
    r"(?<=[a-z])(\))(?=[A-Za-z]{2})|(?<=[a-z]{3})(\()(?=[a-z]{2,}[ )])|(?<=\d)([.,])(?=[A-Z][a-z])"
)
# What the steps for figures and formulas act on; text without any of it needs none of them.
_WORKED_RE = re.compile(
    r"[\d$€£¥₹¢%^_=<>+*/\\|{}~√≤≥≠≈±×·∞°\u0370-\u03ff\u2190-\u2aff\u0300-\u036f¬]|"
    r"[A-Z][a-z]?[A-Z]|\b(?:sin|cos|tan|log|ln|exp) |\b[A-Za-z]\(|(?<!\w)[a-z]\s?-\s?[A-Za-z]\b"
)
_SENTENCE_RE = re.compile(r"\W*[A-Z\d]")
# Words and plain figures, each on its own: nothing in them is left for a second round.
_EVEN_RE = re.compile(
    r"(?>(?>[A-Za-z]++(?:['’-][A-Za-z]++)*+'?+|\$?+\d++(?:,\d{3})*+(?:\.\d++)?+%?+)[,;"
    r":.?!]?+(?:\s++|$))*+"
)
_SUFFIXES = frozenset("rds nds ths".split())
_SPACED_RE = re.compile(r"(?<![\d.,])\d{1,3}(?: 000)+(?!\d)")
_MOST_ROUNDS = 4


def _unglue_digits(text: str) -> str:
    if " 000" in text:
        text = _SPACED_RE.sub(lambda m: m[0].replace(" ", ""), text)
    text = _GLUED_AFTER_RE.sub(lambda m: m[0] if m[2] in _SUFFIXES else f"{m[1]} {m[2]}", text)
    text = _GLUED_UNIT_RE.sub(_unglue_unit, text)
    return _GLUED_BEFORE_RE.sub(r"\1 \2", text)


def _unglue_unit(m: re.Match[str]) -> str:
    return f"{m[1]} {m[2]}" if lexicon.is_word(m[2]) and not lexicon.is_word(m[1] + m[2]) else m[0]


def _say_english(original: str) -> str:
    text = characters.clean(original)
    symbols.refuse_code_and_tables(text)
    text = spelled.say_spelled(symbols.unfold(latex.plain(text)))
    text = _GLUED_STOP_RE.sub(lambda m: f" {m[0]}" if m[0] == "(" else f"{m[0]} ", text)
    text = lexicon.mend(_unglue_digits(text))
    if word := lexicon.garbled(text):
        raise Refusal("garbled", word)
    text = _say_figures(text) if _WORKED_RE.search(text) else abbreviations.say_abbreviations(text)
    said = symbols.check(symbols.tidy(symbols.say_signs(text)))
    # A sentence that began with a figure begins with a capital now.
    return said[:1].upper() + said[1:] if _SENTENCE_RE.match(original) and said.endswith((".", "?", "!")) else said


def _say_figures(text: str) -> str:
    """All that has to do with digits and formulas, in an order in which no step eats what a later one needs."""
    text = money.say_money(text)
    formulas.refuse_beyond(text)
    text = dates.say_times(dates.say_dates(text))
    text = numbers.say_minus(text)
    text = formulas.say_chemistry(text)
    text = formulas.say_scientific(units.say_units(text))
    text = numbers.say_percent(text)
    text = abbreviations.say_abbreviations(text)
    text = numbers.say_fractions(text)
    text = formulas.say_operators(text)
    return numbers.say_rest(text)


@lru_cache(maxsize=65_536)
def _said(text: str, language: str) -> str | Refusal:
    speak = _say_english if language.split("-")[0] == "en" else partial(say_elsewhere, language=language)
    try:
        said = speak(text)
        if _EVEN_RE.fullmatch(text):
            return said
        # What is said is said the same again; pieces that meet when their neighbours are words ("ft0") take longer.
        for _ in range(_MOST_ROUNDS):
            before, said = said, speak(said)
            if said == before:
                return said
        return Refusal("symbols", f"no way to say {text[:40]!r} settles")
    except Refusal as refusal:
        return refusal


def say(text: str, language: str = "en") -> str:
    """`text` as a person says it: letters, apostrophes, inner hyphens and . , ? ! ; : with single spaces.

    Outside English figures are said and no more (see `elsewhere`).
    Raises Refusal (`formula`, `code`, `table`, `symbols`, `language`) for what cannot be said.
    """
    said = _said(text, language)
    if isinstance(said, Refusal):
        raise Refusal(said.reason, said.detail)
    return said


def is_spoken(text: str, language: str = "en") -> list[str]:
    """What in `text` is not spoken words of the language: digits, symbols, letters of another script, markup, list
    markers; empty where all of it is."""
    return symbols.leftovers(text, language)
