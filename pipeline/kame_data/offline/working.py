"""A working in spoken steps: GSM8K's lines with their sums in words, or the sentences of another source's reasoning."""

import re
from dataclasses import dataclass
from fractions import Fraction

from kame_data.errors import Refusal
from kame_data.offline.wording import closed, number_words, quantities, sentences, upper
from kame_data.sources.gsm8k import evaluate
from kame_data.text.spoken import is_spoken, say

_MARK_RE = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
_NUMBER = r"\$?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)%?"
_TOKEN_RE = re.compile(rf"{_NUMBER}|[-+*/×÷]|\bx\b|[()=]|[A-Za-z'/-]+|\S")
_OPERATORS = frozenset("+-*/x×÷")
_UNIT_WORDS = 3
_OPENING_RE = re.compile(
    r"^(?:(?:so(?! far\b)|therefore|thus|then|hence|and|finally|firstly|secondly|lastly|also|"
    r"(?:this|that) means(?: that)?|we know(?: that)?|we can see(?: that)?|"
    r"(?:first|second|third|last|next|now)(?=,| (?:find|calculate|determine)))"
    r"\b[,:]?\s+)+",
    re.I,
)
_BARE_REASON_RE = re.compile(rf",?\s+(?:because|since|as|which is|or)\s+{_NUMBER}\.?$")
# 'Find the total weight: 75 pounds', 'Total: 75 pounds'.
_HEADED_RE = re.compile(rf"^(?:(?:find|calculate|determine) )?([^:.=\d]{{3,80}}): (?={_NUMBER})", re.I)
# What is left of a sum that was not understood, a letter for a number, a list, a task to be done.
_LEFT_RE = re.compile(
    r"[=+*×÷<>\[\]{}|^~_@#&:()]|\s[-−]\s|(?<![A-Za-z'])[b-hj-zB-HJ-Z](?![A-Za-z'])|\d[a-z]\b|\d\s?/\s?[a-z]|\bx\b|"
    r"\d\s?-\s?\$?\d|^(?:let|multiply|add|subtract|divide|to find|find|calculate|using|substitut|convert|take|if we)\b",
    re.I,
)
_HANGING_RE = re.compile(r"\b(?:is|are|of|the|a|an|for|was|and|to|by|in|with)\.?$")
_FINITE_RE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|does|did|needs?|costs?|gets?|makes?|takes?|spends?|"
    r"earns?|leaves?|pays?|buys?|sells?|eats?|uses?|gives?|reads?|runs?|comes?|[a-z]{3,}ed|bought|sold|made|got|gave|"
    r"spent|took|ate|paid|left|ran|drove|read|cost|lost|kept|won|found|grew)\b"
)
_GIVEN_RE = re.compile(r"\b(?:because|equals?|times|divided|since)\b")
_CLAUSE_RE = re.compile(r"[,;:]\s|\b(?:get|gives?|have|means?)\b")
_STRAY_PERCENT_RE = re.compile(r"(?<![\d\s])\s?%|(?<!\d)\s%")
_SIGN_RE = re.compile(r"(?<=[\d%)])\s*([-+*/=])\s*(?=[$(]?\d)")
_SIGNS = {"+": " plus ", "-": " minus ", "*": " times ", "/": " divided by ", "=": ", which is "}
_LETTERED_RE = re.compile(r"\b(?:option|choice|answer)s?\b|\([A-Za-z]\)|\b[A-Z]\)", re.I)
LEAST, MOST = 3, 30
"""Shortest and longest statement, in words."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a working: `statement` what it comes to, as a sentence ("" where that does not read well), `sum` how it
    is reckoned, without a large letter and a full stop ("" where it is not)."""

    statement: str
    sum: str = ""

    @property
    def given(self) -> bool:
        """Tell whether the statement says by itself how it is reckoned."""
        return bool(_GIVEN_RE.search(self.statement))

    def said(self) -> str:
        """The step as a sentence, with its sum behind it; "" for an empty step."""
        if not self.statement:
            return closed(self.sum) if self.sum else ""
        if not self.sum or self.given:
            return self.statement
        return f"{self.statement.rstrip('.')}, since {self.sum}."


def reckoned(working: str, answer: str) -> list[Step]:
    """The steps of a word problem's working, in order; the last comes to `answer` (digits). Raises Refusal(`working`)
    where a sum is wrong, or the steps cannot be said so that they lead there."""
    lines = [line.strip() for line in working.splitlines() if line.strip() and not line.strip().startswith("####")]
    steps = [step for line in lines if (step := _step(line)).statement or step.sum]
    wanted = Fraction(re.sub(r"[^\d.]", "", answer).strip(".") or "0")
    ends = [value for text in (steps[-1].statement, steps[-1].sum) for *_, value in quantities(text)] if steps else []
    if wanted not in ends:
        raise Refusal("working", f"no last step that can be said comes to {answer}")
    return steps


def _step(line: str) -> Step:
    found = [(expression.strip(), _value(result)) for expression, result in _MARK_RE.findall(line)]
    for expression, result in found:
        computed = evaluate(expression)
        if result is None or (computed is not None and computed != abs(result)):
            raise Refusal("working", f"{expression} is not {result}")
    said = [text for expression, result in found if (text := _sum_in_words(expression, result))]
    return Step(_statement(_MARK_RE.sub("", line), [r for _, r in found if r is not None]), " and ".join(said[-2:]))


def _sum_in_words(expression: str, result: Fraction | None) -> str:
    """'forty-eight plus twenty-four is seventy-two'; "" for brackets, and for signs that could be read in two ways."""
    plain = re.sub(r"[$,\s]", "", expression).replace("%", "/100")
    terms = re.findall(r"[+*/-]|\d*\.?\d+", plain)
    signs = set(terms[1::2])
    even = "".join(terms) == plain and len(terms) in (3, 5, 7, 9) and not re.match(r"[+*/-]", terms[0])
    if not even or result is None or not (signs <= {"+", "-"} or signs in ({"*"}, {"/"})) or terms.count("/") > 1:
        return ""
    said = [_SIGNS.get(t) or number_words(Fraction(t)) for t in terms] + [number_words(result)]
    return f"{''.join(said[:-1])} is {said[-1]}" if all(said) else ""


def _value(result: str) -> Fraction | None:
    plain = re.sub(r"[$,%\s]", "", result)
    return Fraction(plain) if re.fullmatch(r"-?(?:\d+(?:\.\d+)?|\.\d+)", plain) else None


def _statement(line: str, results: list[Fraction]) -> str:
    """A line without its sums, as a sentence: 'She has 8 - 3 = 5 eggs' to 'She has five eggs.'; "" where it would not
    read well, or would not say what its sums come to."""
    text = re.sub("[\u2010-\u2015\u2212]", "-", line).rstrip(". ")
    text = _BARE_REASON_RE.sub("", _without_sums(_OPENING_RE.sub("", text)))
    text = upper(_HEADED_RE.sub(r"\1 is ", text).strip())
    if _LEFT_RE.search(text) or _STRAY_PERCENT_RE.search(text) or _HANGING_RE.search(text) or len(sentences(text)) != 1:
        return ""
    try:
        said = closed(say(text))
    except Refusal:
        return ""
    values = {value for _, _, value in quantities(said)}
    words = said.split()
    told = not results or results[-1] in values
    if not (told and LEAST <= len(words) <= MOST and _FINITE_RE.search(" ".join(words[1:]))) or is_spoken(said):
        return ""
    return said


def _without_sums(text: str) -> str:
    """`text` with the results of its sums alone: 'has 8 eggs - 3 eggs = 5 eggs' to 'has 5 eggs'."""
    tokens = list(_TOKEN_RE.finditer(text))
    kept, end = "", 0
    for n, token in enumerate(tokens[:-1]):
        if token[0] == "=" and _is_number(tokens[n + 1][0]):
            first = _sum_before([t[0] for t in tokens[:n]])
            if _CLAUSE_RE.search(text, tokens[first].start(), token.start()):
                continue  # 'dividing by 2, we get X = 7' has no sum before its sign
            kept += text[end : max(end, tokens[first].start())]
            end = token.end()
    return " ".join((kept + text[end:]).split())


def _sum_before(tokens: list[str]) -> int:
    """The token with which the sum begins that these end in; their number where they end in none."""
    first = at = len(tokens)
    while at:
        words = 0
        while at and words < _UNIT_WORDS and tokens[at - 1][0].isalpha() and tokens[at - 1] not in _OPERATORS:
            at, words = at - 1, words + 1
        while at and tokens[at - 1] in "()":
            at -= 1
        if not at or not _is_number(tokens[at - 1]):
            break
        at -= 1
        while at and tokens[at - 1] in "()":
            at -= 1
        first = at
        if not at or tokens[at - 1] not in _OPERATORS:
            break
        at -= 1
    return first


def _is_number(token: str) -> bool:
    return any(map(str.isdigit, token))


def reasons(working: str, most: int) -> str:
    """The first sentences of another source's reasoning, as many as `most` words hold; "" where none can be said."""
    kept: list[str] = []
    for sentence in sentences(" ".join(working.split())):
        try:
            said = closed(say(_SIGN_RE.sub(lambda found: _SIGNS[found[1]], sentence)))
        except Refusal:
            break
        if _LETTERED_RE.search(sentence) or is_spoken(said) or len(" ".join([*kept, said]).split()) > most:
            break
        kept.append(said)
    return " ".join(kept)
