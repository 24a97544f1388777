"""Source text into words that a person says; the stages are in the files beside this one, each for one kind."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache, partial

from kame_data.errors import Refusal
from kame_data.text import (
    abbreviations,
    characters,
    chemistry,
    dates,
    doses,
    expressions,
    formulas,
    latex,
    lexicon,
    meaning,
    measures,
    money,
    numbers,
    relations,
    spelled,
    symbols,
    units,
)
from kame_data.text.elsewhere import say_elsewhere
from kame_data.text.normal import normalise
from kame_data.text.words import join_words, split_words

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
    r"[A-Z][a-z]?[A-Z]|\b(?:sin|cos|tan|log|ln|exp) |\b[A-Za-z]\(|(?<!\w)[A-Za-z]\s?-\s?[A-Za-z]\b|"
    r"[A-Za-z][-+](?![\w-])|(?<![\w-])[-–][A-Za-z]\b|\b[IVX]{2}|"
    r"\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\."
)
_SENTENCE_RE = re.compile(r"\W*[A-Z\d]")
# Words and plain figures, each on its own: nothing in them is left for a second round.
_EVEN_RE = re.compile(
    r"(?>(?>[A-Za-z]++(?:['’-][A-Za-z]++)*+'?+|\$?+\d++(?:,\d{3})*+(?:\.\d++)?+%?+)[,;"
    r":.?!]?+(?:\s++|$))*+"
)
# Perhaps an abbreviation, of which it shows what it stands for only when its neighbours are words.
_SHORT_RE = re.compile(r"'(?!\w)|\b[A-Za-z]{1,5}\.\s|\d.*\b[A-Za-z]{1,5}\.")
_SUFFIXES = frozenset("rds nds ths".split())
_SPACED_RE = re.compile(r"(?<![\d.,])\d{1,3}(?: 000)+(?!\d)")
# Decimals in groups of three; a micro that lost its unit; pensions that have their number from a section of the law.
_GROUPED_RE = re.compile(r"(?<=\d\.\d{3}) (?=\d{2,3}(?!\d))")
_MICRO_RE = re.compile(r"(\d)\s?-?\s?μ\s+([FCHVAWNsgLm]|mol|Pa)(?![\w'^])")
_PLAN_RE = re.compile(r"\b40([13])\s?\(?([kb])\b\)?", re.IGNORECASE)
_ABOUT_RE = re.compile(r"~\s?(?=[$€£]?\.?\d)")
_MOST_ROUNDS = 4
# A text that is two letters and no word, or a word in capitals: the symbol of an element, the code of a state.
_SYMBOL_RE = re.compile(r"(?!(?:He|In|As|At|Be|No|Am|Ho|La)$)[A-Z][a-z]|IN|OR|OF|IF|ON|BY|AS|AT|IS|BUT|AND|FOR|THE")
MOST_CHARACTERS = 6_000
"""Characters of the longest text that is read; many times those of the longest question."""
# Signs without a space between them: more are no word and no formula that anybody says.
_UNBROKEN_RE = re.compile(r"\S{121}")
_SPACES_RE = re.compile(r"(\s{8})\s+")


def _unglue_digits(text: str) -> str:
    if " 000" in text:
        text = _SPACED_RE.sub(lambda m: m[0].replace(" ", ""), text)
    text = _MICRO_RE.sub(r"\1 μ\2", text) if "μ" in text else text
    text = _GROUPED_RE.sub("", _PLAN_RE.sub(lambda m: f"four oh {numbers.cardinal(int(m[1]))} {m[2].lower()}", text))
    text = _GLUED_AFTER_RE.sub(lambda m: m[0] if m[2] in _SUFFIXES else f"{m[1]} {m[2]}", text)
    text = _GLUED_UNIT_RE.sub(_unglue_unit, text)
    return _GLUED_BEFORE_RE.sub(r"\1 \2", text)


def _unglue_unit(m: re.Match[str]) -> str:
    return f"{m[1]} {m[2]}" if lexicon.is_word(m[2]) and not lexicon.is_word(m[1] + m[2]) else m[0]


def plain(text: str) -> str:
    """A text in plain notation and mended words, as its meaning is read."""
    text = relations.plain(latex.plain(symbols.without_tags(characters.clean(text))))
    text = doses.plain(money.once(symbols.without_emphasis(text)))
    return measures.raise_powers(formulas.plain(lexicon.mend(_unglue_digits(text))))


def _say_english(original: str, about: str) -> str:
    if found := _UNBROKEN_RE.search(original):
        raise Refusal("garbled", f"no space in '{found[0][:40]}...'")
    if _SYMBOL_RE.fullmatch(original) and (original.isupper() or original in chemistry.elements()):
        return chemistry.letters(original)
    text = relations.say_enclosed(symbols.without_tags(characters.clean(_SPACES_RE.sub(r"\1", original))))
    symbols.refuse_code_and_tables(text)
    text = doses.plain(symbols.unfold(relations.say_relations(latex.plain(text))))
    text = spelled.say_spelled(text)
    text = _GLUED_STOP_RE.sub(lambda m: f" {m[0]}" if m[0] == "(" else f"{m[0]} ", text)
    text = lexicon.mend(_unglue_digits(text))
    if word := lexicon.garbled(text):
        raise Refusal("garbled", word)
    text = _say_figures(text, about or text) if _WORKED_RE.search(text) else abbreviations.say_abbreviations(text)
    said = symbols.check(symbols.tidy(symbols.say_signs(text)))
    # A sentence that began with a figure begins with a capital now.
    return said[:1].upper() + said[1:] if _SENTENCE_RE.match(original) and said.endswith((".", "?", "!")) else said


def _say_figures(text: str, about: str) -> str:
    """All that has to do with digits and formulas, in an order in which no step eats what a later one needs.

    `about`: the text that tells what a sign stands for where there are several things.
    """
    text = _ABOUT_RE.sub("about ", text)
    formulas.refuse_beyond(text)
    text = chemistry.say_chemistry(formulas.plain(numbers.part(text)), about)
    text = expressions.say_brackets(expressions.say_minus(measures.plain(text, about)))
    text = money.say_money(formulas.say_functions_of_angles(text))
    text = dates.say_times(dates.say_dates(text), about)
    text = formulas.say_scientific(units.say_units(text, about))
    text = numbers.say_percent(text)
    text = abbreviations.say_abbreviations(text)
    text = numbers.say_fractions(text)
    text = formulas.say_operators(text)
    return numbers.say_rest(text)


@lru_cache(maxsize=65_536)
def _said(text: str, language: str, about: str) -> str | Refusal:
    if len(text) > MOST_CHARACTERS:
        return Refusal("too_long", f"{len(text)} characters; {MOST_CHARACTERS} are read at most")
    english = language.split("-")[0] == "en"
    speak = partial(_say_english, about=about) if english else partial(say_elsewhere, language=language)
    try:
        said = speak(text)
        # What is said is said the same again; pieces that meet when their neighbours are words ("ft0") take longer.
        rounds = 0 if _EVEN_RE.fullmatch(text) and not _SHORT_RE.search(text) else _MOST_ROUNDS
        for _ in range(rounds):
            before, said = said, speak(said)
            if said == before:
                break
        else:
            if rounds:
                return Refusal("symbols", f"no way to say {text[:40]!r} settles")
        if english and (gone := meaning.lost(plain(text), said)):
            return Refusal("lost_meaning", gone)
        return said
    except Refusal as refusal:
        return refusal


def say(text: str, language: str = "en", about: str = "") -> str:
    """`text` as a person says it: letters, apostrophes, inner hyphens and . , ? ! ; : with single spaces.

    `about` is the text that a short one belongs to, as a choice to its question: it tells kelvin from thousand. Outside
    English figures are said and no more (see `elsewhere`). What is said in English is read back. Raises Refusal
    (`formula`, `code`, `table`, `symbols`, `language`) for what cannot be said, `lost_meaning` where something is lost.
    """
    said = _said(text, language, about)
    if isinstance(said, Refusal):
        raise Refusal(said.reason, said.detail)
    return said


def is_spoken(text: str, language: str = "en") -> list[str]:
    """Find what in `text` is not spoken words of the language: digits, symbols, letters of another script, markup, list
    markers; empty where all of it is."""
    return symbols.leftovers(text, language)
