"""Formulas that a person can read out: powers, indices, operators, functions; the rest is refused."""

import re

from kame_data.errors import Refusal
from kame_data.text.latex import GREEK
from kame_data.text.numbers import NUMBER, cardinal, fraction, number, ordinal

_SCIENCE_RE = re.compile(
    rf"(?<![\w.,])(?P<value>{NUMBER})\s?(?:×|x|\*|·)\s?10\s?(?P<caret>\^)?\s?\{{?\(?(?P<exp>\s?[-+]?\s?\d+)\)?\}}?(?"
    rf"![\d.])"
)
_E_RE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[eE]([-+]?)(\d{1,3})\b")
_POWER_RE = re.compile(
    r"(?P<base>[A-Za-zα-ωΑ-Ω0-9),\]])\s?\^\s?(?:\{(?P<a>[^{}]*)\}|\((?P<b>[^()]*)\)|"
    r"(?P<c>-?\s?(?:\d+(?:\.\d+)?(?:/\d+)?|[A-Za-zα-ω]))(?![A-Za-z0-9α-ω(]))"
)
_INDEX_RE = re.compile(r"(?<=[A-Za-zα-ωΑ-Ω])_\s?(?:\{([\w,+\-\s]{1,8})\}|([A-Za-zα-ω0-9]{1,6}))")
_EXPONENT_RE = re.compile(r"-?\s?(?:\d+(?:\.\d+)?)?\s?[A-Za-zα-ω]?(?:\s?[-+/]\s?(?:\d+|[A-Za-z]))?")
_OPERATOR = r"(?:[=+*/^<>≤≥≠≈±·×√_]|(?<=[\w)])\s?-\s?(?=[\w(]))"
_RUN_RE = re.compile(
    rf"(?:[({{\[|\s]*(?:\d[\d.,]*|[A-Za-zα-ωΑ-Ω]{{1,2}}\d?|sin|cos|tan|log|ln|exp|sqrt)?[)}}\]|"
    rf"\s]*{_OPERATOR}\s?){{8,}}"
)
_OPERATOR_RE = re.compile(r"[=^<>≤≥≠≈±·√+*_]")
_NESTED_RE = re.compile(r"\([^()]*\([^()]*\)[^()]*\)\s?[\^/*=+-]|[=/*+^-]\s?\([^()]*\([^()]*\)|\^\s?[({][^)}]*[\^({]")
_LOGIC_RE = re.compile(
    r"·\s?·|[⊃∨∧∀∃¬⊕∑∫∏∂∇⊢⊨⇒⇔→←↔⇌⟶⟨⟩⟹∅◊□∼≡∘†̂̄̅˄‾]|->|=>|<->|<=>|(?<![\w~])~\s?[A-Z(]|"
    r"\w\s?\|\s?\w\)|\|\||&&|(?<=\w)\|(?=\w)"
)
_ARGUMENT = r"(?:\s?minus\s)?(?:[a-zα-ωA-Z]|\d+(?:\.\d+)?)"
_CALL_RE = re.compile(rf"\b([a-zA-Zα-ωΑ-Ω](?:_\{{?\w\}}?)?)\(({_ARGUMENT})(?:,\s?({_ARGUMENT}))?\)(?!\w)")
_FUNCTIONS = {
    "sin": "sine of", "cos": "cosine of", "tan": "tangent of", "log": "log of", "ln": "natural log of",
    "exp": "the exponential of",
    "sqrt": "the square root of", "sinh": "hyperbolic sine of", "cosh": "hyperbolic cosine of",
    "arctan": "arc tangent of", "arcsin": "arc sine of", "arccos": "arc cosine of",
}  # fmt: skip
_FUNCTION_RE = re.compile(
    r"(?<![A-Za-z])(arctan|arcsin|arccos|sinh|cosh|sqrt|sin|cos|tan|log|ln|"
    r"exp)(?:\s?\(\s?([\w\s.+*/^-]{1,20})\)|\s((?:minus\s)?(?:[b-zA-HJ-Zα-ωΑ-Ω]|\d+(?:\.\d+)?[xyzθ]?))(?![\w']))"
)
_OF_ANGLE_RE = re.compile(rf"(?<![A-Za-z])(sin|cos|tan)\s(?=(?:minus\s|-)?(?:{NUMBER})\s?°)")
# log_2 8, log_{10}(x), log2(8)
_BASE_RE = re.compile(
    r"(?<![A-Za-z])log(?:\s?_\s?\{?\s?(\w{1,4})\s?\}?|(2|10)(?=\s?\(|\s\d))\s?(?:\(\s?([^()]{1,20})\)|(?=[\w]))"
)
_FACTORIAL_RE = re.compile(
    r"(?<![\w.,])(\d{1,3}|n)!(?=\s*(?:[-+*/=×·?,)^]|$)|\s+[a-z])|(?<=[-+*/=×·(])(\s?)(\d{1,3}|[a-z])!(?![\w!])"
)
_FACTORIAL_OF_SUM_RE = re.compile(r"(\(\s?\w{1,3}\s?[-+*−]\s?\w{1,3}\s?\))!(?![!\w])")
_ROOT_RE = re.compile(rf"√\s?(?:\(([^()]*)\)|({NUMBER}|[A-Za-zα-ω])(?![A-Za-z]))")
_BY_RE = re.compile(
    r"(?<=\d)\s?[xX]\s?(?=\d)|(?<=\d)\s?×\s?(?=\d+\s(?:matri|grid|board|table|array|square|rectang|"
    r"pixel|game|factorial|design|inch|f[eo]+t|contingency|chess|unit))|(inch|inches|foot|feet|meters?|centimeters?|"
    r"millimeters?|in\.|ft\.|long|wide|high)\s?(?:×|x|X)\s?(?=\d|\.\d)|\b([a-zA-Z])\s?×\s?([a-zA-Z])\b(?=\s(?:matri|"
    r"real|square|grid|identity))"
)
_SIGNS = {
    "=": "equals", "≠": "is not equal to", "≤": "is less than or equal to", "≥": "is greater than or equal to",
    "<=": "is less than or equal to",
    ">=": "is greater than or equal to", "<": "is less than", ">": "is greater than", "≈": "is approximately",
    "±": "plus or minus", "+": "plus",
    "×": "times", "·": "times", "*": "times", "∞": "infinity",
}  # fmt: skip
_SIGN_RE = re.compile(r"\+/-|\+-|<=|>=|!=|[=≠≤≥<>≈±+×·*∞]")
_OVER_RE = re.compile(
    r"(?<=[\dα-ωΑ-Ω])\s?/\s?(?=\d|[A-Za-zα-ωΑ-Ω]\b)|(?<=\b[A-Za-z])\s?/\s?(?=[A-Za-zα-ωΑ-Ω]\b|\d|\(|the square)|"
    r"(?<=\)|,)\s?/\s?|(?<=\bfactorial)\s?/\s?|(?<=\w)\s?/\s{0,3}(?=the (?:quantity|\w{4,6} root)\b)|"
    # behind a power, an index or a product with a number
    r"(?:(?<=squared)|(?<=cubed)|(?<=\bsub \w))\s+/\s+|(?<=[a-z])\s+/\s+(?=\d)|(?<=\d[A-Za-z])\s?/\s?(?=\d)|"
    r"(?<=\b[a-z]{2})\s?/\s?(?=\([A-Za-z]{1,2}\))"
)
_POWERS = {"2": "squared", "3": "cubed"}
_MOST_OPERATORS, _MOST_LETTERS = 12, 7


def _ten_to(exponent: str) -> str:
    value = int(re.sub(r"[\s+]", "", exponent))
    if abs(value) > 400:
        raise Refusal("formula", f"10^{value}")
    return f"ten to the minus {cardinal(-value)}" if value < 0 else f"ten to the {ordinal(value)}"


def _science(m: re.Match[str]) -> str:
    if not m["caret"] and not m["exp"].strip().startswith(("-", "+")) and "10" + m["exp"].strip() == "10":
        return m[0]
    if not m["caret"] and not m["exp"].strip().startswith("-"):
        return m[0]
    return f" {number(m['value'])} times {_ten_to(m['exp'])} "


def _raised(exponent: str) -> str:
    """An exponent in words; one that is a sum is told apart from a sum behind the power."""
    said = _POWERS.get(exponent)
    if said is not None:
        return said
    if half := re.fullmatch(r"(-?)\s?(\d+)/(\d+)", exponent):
        return f"to the {'minus ' * bool(half[1])}{fraction(int(half[2]), int(half[3]))}"
    if re.fullmatch(r"\d+", exponent):
        return f"to the {ordinal(int(exponent))}"
    inner = exponent.replace("-", " minus ").replace("+", " plus ").replace("/", " over ").strip()
    if re.search(r"[\w)]\s?[-+/]", exponent):
        return f"to the power of the quantity {inner},"
    return f"to the {inner}"


def _power(m: re.Match[str]) -> str:
    exponent = (m["a"] if m["a"] is not None else m["b"] if m["b"] is not None else m["c"]).strip()
    base = m["base"]
    if exponent in ("'", "′", "*"):
        return f"{base} {'prime' if exponent != '*' else 'star'} "
    if (
        base.isdigit()
        and m.string[max(0, m.start() - 3) : m.start() + 1].endswith("10")
        and re.fullmatch(r"-?\s?\d+", exponent)
    ):
        before = m.string[max(0, m.start() - 4) : m.start() - 1]
        if not before[-1:].isdigit() and before[-1:] != ".":
            return f"0 to the {_ten_to(exponent)[11:]} "
    if not _EXPONENT_RE.fullmatch(exponent) or not exponent:
        raise Refusal("formula", f"the exponent {exponent}")
    # "2^3x": the exponent ends before the next factor.
    return f"{base}{',' if base in ')]' else ''} {_raised(exponent)} "


def refuse_beyond(text: str) -> None:
    """Raises Refusal `formula` for logic, arrows, nesting and more operators than an ear can follow."""
    if found := _LOGIC_RE.search(text):
        raise Refusal("formula", f"the sign {found[0]}")
    operators = _OPERATOR_RE.findall(text)
    if len(operators) > _MOST_OPERATORS and len(operators) * 12 > len(text.split()):
        raise Refusal("formula", f"{len(operators)} operators")
    if len(operators) + text.count("-") + text.count("/") > 7 and (found := _RUN_RE.search(text)):
        raise Refusal("formula", f"a long expression: {found[0].strip()[:60]}")
    if found := _NESTED_RE.search(text):
        raise Refusal("formula", f"nested brackets: {found[0][:60]}")


def say_scientific(text: str) -> str:
    """Scientific notation: 8.50 × 10^-9 is eight point five zero times ten to the minus nine."""
    return _SCIENCE_RE.sub(_science, text)


# A number and a power of ten without a sign between them: 1.2 10^{-5}.
_LOST_SIGN_RE = re.compile(r"(?<=\d)\s+(?=10\s?\^)")
# Powers of ten that lost their superscript: × 10-19, x 10–9, 10- 7sec.
_LOST_POWER_RE = re.compile(
    r"(?<=[×x·*])(\s?)10\s?[-–]\s?(\d{1,2})(?!\d)|(?<![\d.,])()10-\s(\d{1,2})(?=\s?[A-Za-zμΩ°])"
)


def plain(text: str) -> str:
    """`text` with one way to write each thing: 1.6e-19 as 1.6 × 10^{-19}, 7! as 7 factorial."""
    text = re.sub(r"\bH_?\{?2\}?0\b(?!\w)", "H_2O", text)  # water, with a nought for its oxygen
    if "!" in text:
        text = _FACTORIAL_OF_SUM_RE.sub(r"\1 factorial", text)
        text = _FACTORIAL_RE.sub(lambda m: f"{m[2] or ''}{m[1] or m[3]} factorial", text)
    if "log" in text:
        text = _BASE_RE.sub(_log, text)
    if "10" in text:
        text = _LOST_SIGN_RE.sub(" × ", text)
        text = _LOST_POWER_RE.sub(lambda m: f"{m[1] or ''}10^{{-{m[2] or m[4]}}}", text)
    return _E_RE.sub(lambda m: f"{m[1]} × 10^{{{'-' if m[2] == '-' else ''}{m[3]}}}", text)


def say_functions_of_angles(text: str) -> str:
    """`text` in which sin 45° is the sine of it; its minus signs are words by now."""
    return _OF_ANGLE_RE.sub(lambda m: f"{_FUNCTIONS[m[1]]} ", text) if "°" in text else text


def _log(m: re.Match[str]) -> str:
    return f"log base {m[1] or m[2]} of {grouped(m[3]) if m[3] else ''}"


def grouped(inner: str) -> str:
    """Argument of a function or a root, marked as one where it is a sum."""
    sum_ = re.search(r"[+*/=]|\b(?:minus|plus)\b(?!^)|[\w)]\s?-", inner.strip()) and not inner.strip().startswith(
        "minus"
    )
    return f"the quantity {inner.strip()}, " if sum_ else inner.strip()


def _index(m: re.Match[str]) -> str:
    index = (m[1] or m[2]).strip()
    return f" sub {index} " if index.isalpha() and len(index) == 1 else f" {index} "


def _prime(m: re.Match[str]) -> str:
    return f"{m[1]} {'double ' * m[0].endswith(chr(39) * 2)}prime"


def _sign(m: re.Match[str]) -> str:
    sign = {"+/-": "±", "+-": "±", "!=": "≠"}.get(m[0], m[0])
    return f" {_SIGNS[sign]} "


def say_operators(text: str) -> str:
    """Powers, indices, function calls, roots, operators and Greek letters in words.

    Raises Refusal `formula` for what is left over.
    """
    text = re.sub(r"(?<=\^\d)(?=[a-z]{2,})", " ", text)
    text = re.sub(r"\bsqrt\s?(?=[\w({])|\\surd", "√", text)
    text = re.sub(r"\b([a-zA-Z])''?(?=\s?[-+=)(/]|\([a-z0-9]\))", _prime, text)
    text = re.sub(r"(?<=prime)\(([a-z0-9]+)\)", r" of \1", text)
    text = _CALL_RE.sub(lambda m: f"{m[1]} of {m[2]}" + (f" and {m[3]}" if m[3] else ""), text)
    text = _INDEX_RE.sub(_index, text)
    text = _FUNCTION_RE.sub(lambda m: f" {_FUNCTIONS[m[1]]} {grouped(m[2] or m[3])} ", text)
    text = re.sub(r"(?<=\d)√", " times √", text)
    text = _ROOT_RE.sub(lambda m: f" the square root of {grouped(m[1] or m[2])} ", text)
    text = _POWER_RE.sub(_power, text)
    text = _BY_RE.sub(lambda m: f"{m[1]} by " if m[1] else f"{m[2]} by {m[3]}" if m[2] else " by ", text)
    text = re.sub(r">>|≫", " is much greater than ", re.sub(r"<<|≪", " is much less than ", text))
    text = _SIGN_RE.sub(_sign, text)
    text = _OVER_RE.sub(" over ", text)
    for letter, name in GREEK.items():
        if letter in text:
            text = text.replace(f"{letter}-", f" {name}-").replace(letter, f" {name} ")
    if found := re.search(r"\bsqrt\b|[\^_√|{}∞]|<|>|~(?!\d)", text):
        raise Refusal("formula", f"the sign {found[0]}")
    return text
