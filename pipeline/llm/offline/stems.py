"""A source's stem made ready for the ear: print-only habits go, gaps become the word 'blank'."""

import re

from pipeline.errors import Refusal

BLANK = "blank"
_GAP = re.compile(r"_{2,}(?:\s*,?\s*_{2,})*|\(\s*\)|\[\s*\]|\.{4,}|…{2,}|\(\s*_+\s*\)")
_SHOUTED = re.compile(
    r"\b(NOT|EXCEPT|LEAST|MOST|BEST|TRUE|FALSE|ALL|INCORRECT|CORRECT|ONLY|ALWAYS|NEVER|FIRST|MUST|AND|OR|IS)\b"
)
# Instructions to somebody with a pen or a form; nobody says them.
_FOR_PAPER = re.compile(
    r"(?:(?<=[.?!:\n])|(?<=\s)|^)\s*(?:"
    r"(?:please\s+)?(?:choose|select|pick|mark|circle|tick)\s+(?:one|the|all|"
    r"an?)\b[^.?!:]*\b(?:following|below|answers?|options?|choices?)\b[^.?!:]*[.:]?"
    r"|(?:please\s+)?(?:explain|show)(?:\s+(?:your|and)\s+\w+|\s+why|\s+briefly)?[.:]?"
    r"|(?:please\s+)?(?:justify|discuss|support|defend)\s+your\s+(?:answer|reasoning|response)[^.?!]*[.:]?"
    r"|(?:express|return|give|provide|write|state|report|output|answer with)\s+(?:your|"
    r"the)\s+(?:final\s+)?(?:answer|result|numeric(?:al)? value)\b[^.?!]*(?:\.\d[^.?!]*)?[.:]?"
    r"|return\s+[^.?!]*\b(?:list|integer|number|value|decimal|float|string)\b[^.?!]*[.:]?"
    r"|answer\s+(?:the\s+)?(?:following|this)\s+questions?[.:]?"
    r")\s*$",
    re.IGNORECASE,
)
_ARTICLE_PAIR = re.compile(r"\b([Aa])\s?\(\s?n\s?\)|\b([Aa])\s?/\s?an\b|\b([Aa])\s\(an\)")
_IN_BRACKETS = re.compile(r"(\b(?:is|are|of|equals?|to|than|and)\s+)\((?!\w\))([^()+*=^]{1,40})\)")
_PAIR = re.compile(r"\(\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*\)")
_INTERVAL = re.compile(r"\binterval [\[(]\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*[\])]")
# What is left where brackets and signs once told something: ', one, two, and, seven, four, are'.
_SHREDS = re.compile(
    r"\b(?:equals|is|are|of|the|to|than|and|or|from),|, (?:and|or|are|is|to|of|than|from),|: ?[.,;]|,\s*,", re.I
)
_PARTS = re.compile(r"(?:^|[.?] )B, |(?:[,;:] |\band )b, |\b[Aa], (?:the|how|what|is|find|calculate|determine)\b")
_PASSAGE = re.compile(
    r"\b(?:the following (?:information|passage|excerpt|quotation|quote|table|data|code|program)|"
    r"the passage|(?:above|below)[.?:]? ?$|given the above|table below)\b",
    re.I,
)
_TRAILING = re.compile(r"[\s:;,\-–—…]+$")
MAX_BLANKS = 3


def prepare(stem: str) -> tuple[str, int]:
    """The stem as one line for `say`, and how many blanks it has. Raises Refusal ('too_many_blanks')."""
    text = re.sub(r"\s*\n\s*", " ", stem.strip())
    text = text.replace("“", '"').replace("”", '"').replace("‘", "'").replace("’", "'")
    text = re.sub(r"^\s*(?:\(?\d{1,3}[.)]|\(?[a-zA-Z]\))\s+(?=[A-Z])", "", text)
    text = _ARTICLE_PAIR.sub(lambda m: next(g for g in m.groups() if g), text)
    text = _drop_empty_brackets(text)
    text, blanks = _GAP.subn(f" {BLANK} ", text)
    if blanks > MAX_BLANKS:
        raise Refusal("too_many_blanks", f"{blanks} gaps to fill")
    text = _IN_BRACKETS.sub(r"\1\2", text)
    text = _PAIR.sub(r"\1, \2", _INTERVAL.sub(r"interval from \1 to \2", text))
    text = _SHOUTED.sub(lambda m: m.group(0).lower(), text)
    for _ in range(2):
        text = _FOR_PAPER.sub("", text).strip() or text
    text = re.sub(r"\s+([.,?!;:])", r"\1", re.sub(r"\s+", " ", text)).strip()
    return _TRAILING.sub("", text), blanks


def _drop_empty_brackets(text: str) -> str:
    """'Which is it? ( )' has no gap: the brackets wait for a letter."""
    return re.sub(r"(\?)\s*(?:\(\s*\)|_{2,})\s*\.?\s*$", r"\1", re.sub(r"\(\s*\)\s*\?\s*$", "?", text.strip()))


def check_said(said: str) -> None:
    """Passes a spoken stem that one can follow by ear. Raises Refusal ('formula', 'needs_passage')."""
    if _PARTS.search(said):
        raise Refusal("letters", "the question has lettered parts")
    shreds = _SHREDS.search(said)
    if shreds:
        raise Refusal("formula", f"'{said[max(0, shreds.start() - 20) : shreds.end() + 20]}' cannot be followed by ear")
    if _PASSAGE.search(said):
        raise Refusal("needs_passage", "the question rests on a text that is not heard")
