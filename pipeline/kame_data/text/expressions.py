"""Minus signs and brackets of sums, before any other step: which hyphen subtracts, what a bracket holds together."""

import re
from fractions import Fraction
from functools import lru_cache

from kame_data.text.lexicon import rank
from kame_data.text.numbers import NUMBER

_WINDOW = 48
"""Characters on each side of a sign that decide what it is."""
_GREEK = "α-ωΑ-Ωϕϵ"
_VARIABLE = rf"(?<![\w'’.])\d*(?:\.\d+)?[A-Za-z{_GREEK}](?:_\{{?\w{{1,3}}\}}?|\d(?!\w)|'{{1,2}}(?!\w))?"
_RAISED = r"(?:\s?\^\s?(?:\{[^{}]{1,12}\}|\([^()]{1,12}\)|-?\w{1,3}))?"
_UNIT_POWER = r"(?:\^?\{?-?\d\}?)?"
_UNIT = (
    rf"(?:\s?(?:[a-zA-Zμ°Ω][a-zA-Z/]{{1,3}}{_UNIT_POWER}|[msghlkKMBTLNJWVAΩCF°](?:/[a-z]{{1,3}})?{_UNIT_POWER}"
    r"|dollars?|cents?|percent)(?![a-zA-Z]))?"
)
# An operand that ends before a sign, and one that begins behind it.
_LEFT_RE = re.compile(
    rf"(?:(?P<sign>[$€£])?\s?(?<![\w.,])(?P<value>(?:\d+\s)?\d+/\d+|{NUMBER})\s?%?{_RAISED}(?P<unit>{_UNIT})"
    rf"|(?P<letter>{_VARIABLE}{_RAISED})|(?P<closed>[)\]}}|!°∞²³π]|\bfactorial))$"
)
_RIGHT_RE = re.compile(
    rf"(?:(?P<sign>[$€£])?\s?-?(?P<value>(?:\d+\s)?\d+/\d+(?!\d)|{NUMBER})(?P<unit>\s?%?{_UNIT})(?![\dA-Za-z{_GREEK}'])"
    rf"|(?P<letter>\d*(?:\.\d+)?[A-Za-z{_GREEK}](?:_\{{?\w{{1,3}}\}}?|\d|'(?!\w))?)(?![\w'’]|-[A-Za-z]{{2}}|\.\w)"
    rf"|(?P<opened>[(\[√|∞]|(?:sin|cos|tan|log|ln|sqrt|exp)\b|\d*(?:\.\d+)?[A-Za-z{_GREEK}]?[(^]))"
)
_OPERATOR_BEFORE_RE = re.compile(r"(?:[+*×·^√]|[<>≤≥=±]|\bminus|\bplus|\btimes|(?<![\d\w])/)\s*$")
_OPERATOR_AFTER_RE = re.compile(r"\s*(?:[+*×·^=<>≤≥±]|/(?!\w*[a-zA-Z]{2}))")
_ONLY_EQUALS_RE = re.compile(r"[=<>≤≥]\s*$")
# Words before a sum that somebody is to work out.
_ASKED_RE = re.compile(
    r"(?:\b(?:what(?:'s| is| number is| does)|compute|evaluate|calculate|simplify|subtract\w*|difference|work out|"
    r"result of|value of|solve|find|equals?|expand|factor)\s*:?\s*)[($€£√\s]*$",
    re.IGNORECASE,
)
_QUANTITY_RE = re.compile(r"\b(?:is|of|power|charge|temperature|potential|slope|coordinate|velocity|voltage|energy)$")
# Where the numbers on both sides of a hyphen are those of two sides, or a span that falls.
_SCORES_RE = re.compile(
    r"\b(?:scor\w+|won|wins?|lost|beat\w*|defeat\w*|votes?|voted|decision|record|series|odds|ratio|tied|verdict|"
    r"ruling|match|game|B\.?C\.?(?:E\.?)?|pages?|pp?\.|from|between|years?|seasons?)(?!\w)",
    re.IGNORECASE,
)
_HALF_DAY_RE = re.compile(r"\s*(?:[ap]\.?\s?m\b|o'clock)", re.IGNORECASE)
_EXPONENT_RE = re.compile(r"(?:[\^_]\s?(?:[{(][^{}()]{0,12})?|\d[eE]|[×x*·]\s?10)$")
# Behind these words a letter with a hyphen before it is the ending of a word.
_ENDING_RE = re.compile(r"\b(?:suffix|prefix|ending|morpheme|affix|plural|verb|noun|stem|words?)\b", re.IGNORECASE)
# Letters that are no unit, so that a number and a hyphen before them are no compound like 25-m.
_UNKNOWNS = "xyznpqrijuwkbcαβθλμ"
# A product of a few letters, and what shows that such letters are one.
_PRODUCT_RE = re.compile(r"(?:\d+(?:\.\d+)?)?([A-Za-z]{2,3})(?![\w'’.-]*[A-Za-z])")
_PRODUCT_BEFORE_RE = re.compile(r"(?<![\w'’.-])(?:\d+(?:\.\d+)?)?([A-Za-z]{2,3})$")
_FORMULA_RE = re.compile(r"[=^+<>≤≥²³_]")
_RARE = 20_000
_LIST_BEFORE_RE = re.compile(r"(?:^|[.:;?!\n])\s*$")


def say_minus(text: str) -> str:
    """`text` in which every hyphen that is a minus sign is the word; ranges, scores, compounds and dashes stay."""
    if "-" not in text and "–" not in text:
        return text
    pieces, done = [], 0
    for m in re.finditer(r"(?<![-–])[-–](?![-–>])", text):
        if is_minus(text, m.start()):
            pieces += [text[done : m.start()].rstrip(" "), " minus "]
            done = m.end()
    return re.sub(r"(?<= minus )\s+", "", "".join([*pieces, text[done:]])) if pieces else text


def is_minus(text: str, at: int) -> bool:
    """True where the hyphen at a place of the text is a minus sign."""
    before, after = text[max(0, at - _WINDOW) : at], text[at + 1 : at + 1 + _WINDOW]
    left, right = before.rstrip(), after.lstrip()
    apart_left, apart_right = left != before or not left, right != after
    if not right or "\n" in after[:2] or _EXPONENT_RE.search(left):
        return False
    ours, theirs = _LEFT_RE.search(left), _RIGHT_RE.match(right)
    if apart_left and apart_right and _of_products(left, right, ours, theirs):
        return True
    if theirs is None:
        return False
    if ours is None or (apart_left and not apart_right and not theirs["letter"]):
        return _is_sign(left, right, theirs, apart_left, apart_right, text)
    return _subtracts(left, right, ours, theirs, apart_left, apart_right, text[at], text)


def _of_products(left: str, right: str, ours: re.Match[str] | None, theirs: re.Match[str] | None) -> bool:
    """True where a product of letters (cx, PV, nRT), which is no word, stands on one side of a sign or on both, and
    what is around is a formula."""
    first, second = _PRODUCT_BEFORE_RE.search(left), _PRODUCT_RE.match(right)
    first, second = (m if m and rank(m[1]) > _RARE else None for m in (first, second))
    if not (first or second) or not ((first or ours) and (second or theirs)):
        return False
    outside = left[: (first or ours).start()]  # type: ignore[union-attr]
    return bool(_FORMULA_RE.search(left) or _FORMULA_RE.search(right) or _ASKED_RE.search(outside))


def _is_sign(left: str, right: str, theirs: re.Match[str], apart_left: bool, apart_right: bool, text: str) -> bool:
    """True for the sign of what follows, where nothing that could be subtracted from stands before."""
    opens = not left or left[-1] in "([{=,:;<>≤≥×·*/+±√|?" or left.endswith(("minus", "plus", "times"))
    if right[0] == "∞":
        return True
    if apart_right:
        numeric = bool(theirs["value"])
        hot = re.match(rf"(?:{NUMBER})\s?°", right)
        return numeric and bool(hot or left[-1:] in tuple("([=,<>≤≥×") or _QUANTITY_RE.search(left) or not left)
    if not (apart_left or opens):
        return False
    if theirs["letter"]:
        letter = theirs["letter"]
        return letter not in ("I", "A") and not _tells_of_endings(text) and not _LIST_BEFORE_RE.search(left[:-1] + "x")
    return True


def _subtracts(
    left: str,
    right: str,
    ours: re.Match[str],
    theirs: re.Match[str],
    apart_left: bool,
    apart_right: bool,
    dash: str,
    text: str,
) -> bool:
    """True where the sign between two operands takes the second from the first."""
    outside, rest = left[: ours.start()], right[theirs.end() :]
    apart = apart_left and apart_right
    if _HALF_DAY_RE.match(rest) or _HALF_DAY_RE.match(right[theirs.end("value") :] if theirs["value"] else ""):
        return False
    operator = _OPERATOR_BEFORE_RE.search(outside)
    evidence = bool(_OPERATOR_AFTER_RE.match(rest)) or bool(operator and not _ONLY_EQUALS_RE.search(outside))
    asked = bool(_ASKED_RE.search(outside))
    if ours["value"] and theirs["value"]:
        bare = not _ONLY_EQUALS_RE.search(outside)
        return _numbers_subtract(ours, theirs, apart, evidence, asked or bool(operator), bare, text)
    if ours["closed"] or theirs["opened"]:
        return _beside_bracket(left, right, ours, theirs, evidence or apart)
    if theirs["letter"] == "a" and re.match(r"\s[a-z]{2}", rest):
        return False  # an article behind a dash
    if ours["letter"] and theirs["letter"]:
        both_small = ours["letter"][:1].islower() or ours["letter"][:1].isdigit()
        if not apart:
            return (
                evidence
                or bool(operator)
                or any(re.search(r"[\d^_]", letter) for letter in (ours["letter"], theirs["letter"]))
            )
        return evidence or bool(operator) or both_small or asked or (
            ours["letter"] not in ("a", "I") and theirs["letter"] != "I"
        )  # fmt: skip
    letter = ours["letter"] or theirs["letter"]
    if evidence or operator or asked or apart:
        return letter not in ("a", "I") or evidence or bool(operator)
    if ours["letter"]:
        return letter[-1:].islower() and dash == "-" and letter not in "ab" and not _tells_of_endings(text)
    return letter[-1:] in _UNKNOWNS and not ours["unit"]


def _numbers_subtract(
    ours: re.Match[str], theirs: re.Match[str], apart: bool, evidence: bool, asked: bool, bare: bool, text: str
) -> bool:
    """True where the second number is taken from the first; `bare`: no sign of equality stands before them."""
    first, second = _value(ours["value"]), _value(theirs["value"])
    if (
        first is None
        or second is None
        or (theirs["value"].startswith("0") and len(theirs["value"]) > 1 and ("." not in theirs["value"]))
    ):
        return False
    if len(ours["value"]) == 4 and len(theirs["value"]) in (2, 4) and 1000 <= first < 2100 and not evidence:
        return asked and apart and "/" not in theirs["value"]
    if evidence or (asked and (first >= second or bare)):
        return True
    return first >= second and apart and not _tells_of_scores(text)


@lru_cache(maxsize=16)
def _tells_of_scores(text: str) -> bool:
    return bool(_SCORES_RE.search(text))


@lru_cache(maxsize=16)
def _tells_of_endings(text: str) -> bool:
    return bool(_ENDING_RE.search(text))


def _value(text: str) -> Fraction | None:
    whole, _, rest = text.replace(",", "").rpartition(" ")
    try:
        return Fraction(rest) + (Fraction(whole) if whole else 0)
    except (ValueError, ZeroDivisionError):
        return None


_MATH_WORDS = r"(?:minus|plus|times|sin|cos|tan|log|ln|sqrt|exp|pi|max|min)"
_MATHY_RE = re.compile(
    rf"(?:{_MATH_WORDS}(?![A-Za-z])|[A-Za-z{_GREEK}](?![A-Za-z])'?|[\d.,\s+*/×·=^_√°%$|!{{}}()-])*+", re.IGNORECASE
)
_OPERATION_RE = re.compile(r"[+*/×·=<>≤≥^√]|\bminus\b|(?<=[\w)])\s?-\s?(?=[\w(])")
_LONE_RE = re.compile(rf"\s*(?:-\s?|minus\s)?[$€£]?(?:(?:\d+\s)?\d+/\d+|{NUMBER})%?\s*")
_INNER_RE = re.compile(r"\(([^()]{1,80})\)")
_NAMED_RE = re.compile(
    r"(?:\b(?:[Ss]ections?|[Aa]rticles?|[Rr]ules?|[Cc]lauses?|[Pp]aragraphs?|[Tt]itle|[Cc]ode|[Aa]rt|[Rr]eg\w*|Sec|"
    r"U\.?S\.?C|C\.?F\.?R)\.?|§+)\s*[\d.]*$"
)
_CALLS = frozenset("fghFGHPEVpu")
# What stands behind a number in brackets and is no factor: the fraction of a mixed number, a unit.
_SHARE_RE = re.compile(r"\s?\d{1,3}\s?/\s?\d{1,4}\s?")
_BARE_UNIT_RE = re.compile(r"[^\d+-]*[A-Z°][^\d+-]*")


def _beside_bracket(left: str, right: str, ours: re.Match[str], theirs: re.Match[str], likely: bool) -> bool:
    """True where the bracket beside a sign holds figures and letters alone, as one of a sum does."""
    if ours["closed"] in (")", "]"):
        inner = left[:-1].rpartition("(["[")]".index(ours["closed"])])[2]
        if not _is_mathy(inner):
            return False
    if theirs["opened"] in ("(", "["):
        inner = right[1:].partition(")]"["([".index(theirs["opened"])])[0]
        if not _is_mathy(inner):
            return False
    return likely or ours["closed"] is None or theirs["opened"] is not None


def _is_mathy(inner: str) -> bool:
    return bool(_MATHY_RE.fullmatch(inner)) and bool(re.search(r"[\d\w]", inner))


def say_brackets(text: str) -> str:
    """`text` in which the brackets of a sum are words: `4(3)` is 4 times 3, `10 minus (4 + 3)` has a quantity."""
    if "(" not in text:
        return text
    for _ in range(2):
        before, text = text, re.sub(" +", " ", _INNER_RE.sub(_bracket, text))
        if text == before:
            break
    return text


def _bracket(m: re.Match[str]) -> str:
    inner, string = m[1], m.string
    before, after = string[max(0, m.start() - _WINDOW) : m.start()], string[m.end() : m.end() + _WINDOW]
    if before[-1:].isdigit() and (_SHARE_RE.fullmatch(inner) or _BARE_UNIT_RE.fullmatch(inner)):
        return m[0]
    lone = bool(_LONE_RE.fullmatch(inner))
    lone = lone or (inner in "xyznkt" and before[-1:].isdigit() and not re.search(r"[A-Za-z_]\d*$", before))
    if (
        before.rstrip()[-1:] == "√"
        or not _is_mathy(inner)
        or not (lone or _OPERATION_RE.search(inner) or before[-1:] == ")")
    ):
        return m[0]
    factor = (before[-1:].isdigit() and not re.search(r"[A-Za-z_]\d*$", before)) or before[-1:] == ")"
    if before[-1:] == ")":
        factor = _is_mathy(before[:-1].rpartition("(")[2]) and not re.search(r"[A-Za-z]\([^()]*\)$", before)
    if factor and (_NAMED_RE.search(before) or re.search(r"(?<![\w.])\d+\([a-zA-Z]\)$", before)):
        return m[0]
    if re.search(r"[\^_]\s?$", before):
        return m[0]
    joined = re.search(r"(?:[+*/×·=<>≤≥-]|\b(?:minus|plus|times))\s*$", before)
    raised = re.match(r"\s?(?:[\^!]|[*/×·+=<>≤≥]|(?:minus|plus|times|factorial)\b)|\((?=[^()]*[\d\w][^()]*\))", after)
    if lone:
        if factor:
            return f" times {inner.strip()} "
        if re.match(r"\s?\^", after) and re.match(r"\s*(?:-|minus\b)", inner):
            return f" the quantity {inner.strip()}, "
        if re.match(r"\s?\^", after) or not (joined or (raised and after[:1] == "(")):
            return m[0]
        return f" {inner.strip()} "
    closing = "" if not after.strip() or after.lstrip()[0] in ".,;:?!)" else ", "
    if factor:
        return f" times the quantity {inner.strip()}{closing} "
    letter = re.search(rf"(?<![A-Za-z'])[A-Za-z{_GREEK}]$", before)
    if letter and _OPERATION_RE.search(inner):
        called = letter[0] in _CALLS or re.search(rf"(?<![A-Za-z]){letter[0]}(?:'|\([0-9a-z]\))", string)
        if not called:
            return f" times the quantity {inner.strip()}{closing} "
        whole = "" if re.search(r"[=<>≤≥]", inner) else "the quantity "
        return f" of {whole}{inner.strip()}{closing} "
    if (joined or raised) and _OPERATION_RE.search(inner) and not re.search(r"[A-Za-z]$", before):
        return f" the quantity {inner.strip()}{closing} "
    return m[0]


def is_sum(inner: str) -> bool:
    """True for what stands in brackets and is a sum or a product of figures and letters."""
    return _is_mathy(inner) and not _LONE_RE.fullmatch(inner) and bool(_OPERATION_RE.search(inner.strip().lstrip("-")))


def is_sum_or_number(inner: str) -> bool:
    """True for what stands in brackets and is figures and letters alone."""
    return is_sum(inner) or bool(_LONE_RE.fullmatch(inner))
