"""The steps of a GSM8K working as sentences: the sums go, what they come to stays."""

import re
from dataclasses import dataclass

from pipeline.errors import Refusal
from pipeline.llm.offline import grammar
from pipeline.text.spoken import is_spoken, say

_MARK = re.compile(r"<<[^<>]*>>")
_NUMBER = r"(?:\$\s?)?(?:\d[\d,]*(?:\.\d+)?|\.\d+)%?"
_UNIT = r"(?:\s?(?!of\b|and\b|is\b|are\b|or\b)[a-zA-Z][\w'/-]*){0,3}"
_OPERAND = rf"(?:\(\s*)*(?:{_NUMBER}|\d+/\d+){_UNIT}\s*\)*"
_SUM = re.compile(rf"{_OPERAND}(?:\s*[-+*/x×÷]\s*{_OPERAND})+\s*=\s*(?={_NUMBER})")
_CHAIN = re.compile(rf"(?:{_NUMBER}\s*=\s*)+(?={_NUMBER})")
_LEFT_OVER = re.compile(
    r"[=+*×÷<>\[\]{}|^~_@#&]|\s-\s|\d\s*/\s*[a-z(]|\b[a-wyzA-HJ-Z]\b(?!')|\bx\b|\d\s?-\s?\$?\d|[()]|(?<!\d)\.\d"
)
_OPENING = re.compile(
    r"^(?:(?:so|therefore|thus|then|hence|now|and|finally|first|next|second|thirdly|lastly|"
    r"this means(?: that)?|that means(?: that)?|we know(?: that)?|we can see(?: that)?)\b[,:]?\s+)+",
    re.I,
)
_BARE_REASON = re.compile(r",?\s+(?:because|since|as)\s+\$?[\d,.]+%?$")
# A letter that stands for a number.
_UNKNOWN = re.compile(r"(?<![A-Za-z'])\d*[b-hj-z]\s*[=/+*(]|[=/+*-]\s*\d*[b-hj-z](?![A-Za-z])|\d+[b-hj-z](?![A-Za-z])")
_MARKED = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
_OPERATIONS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
_FINITE = re.compile(r"\b(?:[a-z]+ed)\b")
# 'will now costs': the source's own slip.
_AFTER_MODAL = re.compile(
    r"\b(?:will|would|can|could|should|must|may|might|did|does|do|to)"
    r"(?: now| then| also| only| not| still)? ([a-z]+s)\b"
)
STEP_WORDS = (4, 24)


@dataclass(frozen=True, slots=True)
class Working:
    """What the working says aloud: `final` is the step that gives the answer ("" where it does not read well),
    `steps` the others that do, in order, spoken; `unit` what the answer is counted in ("$", "minutes", ""); `sum`
    the last sum in words ("sixty minus twenty is forty").
    """

    final: str
    steps: tuple[str, ...]
    unit: str
    sum: str = ""


NO_WORKING = Working("", (), "")


def read_working(working: str, answer: str) -> Working:
    """The sayable steps of a working that ends in `answer` (digits)."""
    value = answer.replace(",", "").removeprefix("$").strip()
    last_sum = _said_sum(working, value)
    lines = [_MARK.sub("", line).strip() for line in working.split("\n")]
    lines = [line for line in lines if line and not line.startswith("####")]
    final, steps = "", []
    for number, line in enumerate(lines):
        text = _spoken_step(line)
        if number == len(lines) - 1:
            final = text if text and _ends_in(line, value) else ""
        elif text:
            steps.append(text)
    return Working(final, tuple(steps), _unit(lines[-1], value) if lines else "", last_sum)


def _spoken_step(line: str) -> str:
    """One line as a sentence, or "" where it would not read well."""
    collapsed = collapse(line)
    if (
        _UNKNOWN.search(line)
        or _LEFT_OVER.search(collapsed)
        or len(grammar.sentences(collapsed)) > 1
        or ":" in collapsed
    ):
        return ""
    if not re.match(r"[A-Z]", collapsed) or (
        re.match(r"(?:If|Let|Since|Because|When|Given|There are [^,]*,)\b.*[^,]$", collapsed) and "," not in collapsed
    ):
        return ""
    if re.match(r"(?:Let|Multiply|Add|Subtract|Divide|To find|Find|Calculate|Using|Substitut|Convert)", collapsed):
        return ""
    if collapsed.rstrip(".").split()[-1] in ("is", "are", "of", "the", "a", "for", "was", "and", "to", "="):
        return ""
    try:
        text = say(collapsed.rstrip(". ") + ".")
    except Refusal:
        return ""
    words = text.rstrip(".").split()
    if any(grammar.verb_kind(found) == "third" for found in _AFTER_MODAL.findall(text)):
        return ""
    finite = any(w in grammar.finite_forms() for w in words[1:]) or _FINITE.search(text)
    if not STEP_WORDS[0] <= len(words) <= STEP_WORDS[1] or not finite or is_spoken(text):
        return ""
    return grammar.tidy(text.rstrip(" .") + ".")


def _said_sum(working: str, value: str) -> str:
    """The last marked sum as one says it, where it is one: 'sixty minus twenty is forty'; else ""."""
    found = _MARKED.findall(working)
    if not found or not _same(found[-1][1].strip(), value):
        return ""
    terms = re.findall(r"[+*/-]|\d+(?:\.\d+)?", found[-1][0])
    signs = terms[1::2]
    plain = "".join(terms) == found[-1][0].replace(" ", "") and len(terms) in (3, 5, 7) and terms[0][0].isdigit()
    if not plain or not (set(signs) <= {"+", "-"} or set(signs) == {"*"} or signs == ["/"]):
        return ""
    try:
        said = [_OPERATIONS.get(t) or say(t) for t in (*terms, value)]
    except Refusal:
        return ""
    return f"{' '.join(said[:-1])} is {said[-1]}".replace(".", "")


def collapse(line: str) -> str:
    """'has 89 - 45 = 44 stickers' to 'has 44 stickers'; openings such as 'So,' are dropped."""
    text = re.sub("[\u2010-\u2015\u2212]", "-", line.strip().rstrip("."))
    text = re.sub(r"^(?=[Tt]otal [a-z])", "The ", _OPENING.sub("", text)).replace("The Total", "The total")
    text = grammar.capitalise(text.strip())
    for _ in range(3):
        text = _CHAIN.sub("", _SUM.sub("", text))
    text = _BARE_REASON.sub("", text)
    return re.sub(r"\s+", " ", text).strip()


def _ends_in(line: str, value: str) -> bool:
    numbers = re.findall(r"\d[\d,]*(?:\.\d+)?", collapse(line))
    return (bool(numbers) and any(_same(n, value) for n in numbers[-1:])) or (
        any(_same(n, value) for n in numbers[:1]) and len(numbers) == 1
    )


def _same(one: str, other: str) -> bool:
    try:
        return float(one.replace(",", "")) == float(other)
    except ValueError:
        return False


def _unit(line: str, value: str) -> str:
    """What follows (or, for money, precedes) the answer in its line."""
    number = re.escape(value) if len(value) < 4 else re.escape(value[:-3]) + ",?" + re.escape(value[-3:])
    if "." in value:
        number = re.escape(value)
    spots = list(
        re.finditer(
            rf"(?P<money>[$£€]\s?)?(?<![\d.,]){number}(?:\.0+)?(?![\d.]|,\d)\s?(?P<unit>%|[a-z]+(?: per [a-z]+)?)?",
            line,
        )
    )
    if not spots:
        return ""
    last = spots[-1]
    if last["money"]:
        return last["money"].strip()
    unit = last["unit"] or ""
    if unit in ("dollars", "dollar"):
        return "$"
    return (
        unit
        if re.fullmatch(r"%|[a-z]{2,}s(?: per [a-z]+)?|feet|mph|percent", unit)
        and unit not in ("is", "was", "less", "has", "as", "plus", "minus", "times")
        else ""
    )
