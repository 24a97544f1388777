"""Formulas that a person can read out: powers, indices, operators, functions, chemistry; the rest is refused."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import lru_cache

from pipeline.errors import Refusal
from pipeline.text.latex import GREEK
from pipeline.text.numbers import NUMBER, cardinal, fraction, number, ordinal

_ELEMENTS = frozenset(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr "
    "Nb Mo "
    "Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pt Au Hg Tl Pb Bi Rn Ra Th U Pu W Os Ir".split()
)
_SUBSTANCES = {
    "NaCl": "sodium chloride", "HCl": "hydrochloric acid", "NaOH": "sodium hydroxide", "H2SO4": "sulfuric acid",
    "HNO3": "nitric acid", "NH3": "ammonia", "CO2": "carbon dioxide", "KCl": "potassium chloride",
    "KOH": "potassium hydroxide",
    "CaCO3": "calcium carbonate", "CaO": "calcium oxide", "CaCl2": "calcium chloride", "H2O2": "hydrogen peroxide",
    "SO2": "sulfur dioxide", "SO3": "sulfur trioxide",
    "NO2": "nitrogen dioxide", "CH4": "methane", "HF": "hydrogen fluoride", "HBr": "hydrogen bromide",
    "HI": "hydrogen iodide", "NaBr": "sodium bromide",
    "AgCl": "silver chloride", "AgNO3": "silver nitrate", "AgBr": "silver bromide", "H3PO4": "phosphoric acid",
    "NaHCO3": "sodium bicarbonate", "Na2CO3": "sodium carbonate",
    "KBr": "potassium bromide", "KI": "potassium iodide", "NaF": "sodium fluoride", "LiF": "lithium fluoride",
    "MgO": "magnesium oxide", "FeO": "iron oxide", "NaI": "sodium iodide",
    "MgCl2": "magnesium chloride", "NH4Cl": "ammonium chloride", "CCl4": "carbon tetrachloride",
    "SiO2": "silicon dioxide", "CO": "carbon monoxide",
    "KNO3": "potassium nitrate", "NaNO3": "sodium nitrate", "KClO3": "potassium chlorate",
    "NH4OH": "ammonium hydroxide", "ZnO": "zinc oxide", "CuO": "copper oxide",
    "LiCl": "lithium chloride", "CsCl": "cesium chloride", "UF6": "uranium hexafluoride",
    "SF6": "sulfur hexafluoride", "HCN": "hydrogen cyanide", "BaCl2": "barium chloride",
    "FeS": "iron sulfide", "ZnS": "zinc sulfide", "GaAs": "gallium arsenide", "PCl3": "phosphorus trichloride",
    "PCl5": "phosphorus pentachloride", "BF3": "boron trifluoride", "PbO": "lead oxide",
}  # fmt: skip
# More atoms of an element than this are a charge or another figure run into the index: CO_32.
_MOST_ATOMS = {"C": 100, "H": 200, "O": 30, "N": 30, "B": 99, "F": 99, "S": 60, "U": 300, "P": 30}
_ATOM_RE = re.compile(r"([A-Z][a-z]?)(\d*)")
_CHEM_RE = re.compile(r"(?<![\w^_.'/-])((?:[A-Z][a-z]?(?:_\{?\d+\}?|\d)*){2,6})(?![\w'({_]|-[A-Z])")
# A mass number before its element, 35 of Cl, is said after it.
_ISOTOPE_RE = re.compile(r"(?<![\w)}\]])(?:\{\s?\}|_)?\s?\^\s?\{?\s?(\d{1,3})\s?\}?\s?([A-Z][a-z]?)(?![a-z])")
_CHARGE_RE = re.compile(r"(?<![\w^])((?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?){1,4})\s?\^\s?\{?(\d?)([+-])\}?(?![\w(]|\s?\d)")
_SCIENCE_RE = re.compile(
    rf"(?<![\w.,])(?P<value>{NUMBER})\s?(?:×|x|\*|·)\s?10\s?(?P<caret>\^)?\s?\{{?\(?(?P<exp>\s?[-+]?\s?\d+)\)?\}}?(?"
    rf"![\d.])"
)
_E_RE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})\b")
_POWER_RE = re.compile(
    r"(?P<base>[A-Za-zα-ωΑ-Ω0-9)])\s?\^\s?(?:\{(?P<a>[^{}]*)\}|\((?P<b>[^()]*)\)|"
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
    r"·\s?·|[⊃∨∧∀∃¬⊕∈∉⊂⊆∪∩∑∫∏∂∇⊢⊨⇒⇔→←↔⇌⟶⟨⟩⟹∅◊□∼≡≅∝∥⊥∘†∠△̂̄̅˄‾]|->|=>|<->|<=>|(?<![\w~])~\s?[A-Z(]|"
    r"\w\s?\|\s?\w\)|\|\||&&|(?<=\w)\|(?=\w)"
)
_CALL_RE = re.compile(r"\b([a-zA-Zα-ωΑ-Ω])\(([a-zα-ωA-Z]|-?\d+(?:\.\d+)?)(?:,\s?([a-zA-Z]|\d+))?\)(?!\w)")
_FUNCTIONS = {
    "sin": "sine of", "cos": "cosine of", "tan": "tangent of", "log": "log of", "ln": "natural log of",
    "exp": "the exponential of",
    "sqrt": "the square root of", "sinh": "hyperbolic sine of", "cosh": "hyperbolic cosine of",
    "arctan": "arc tangent of", "arcsin": "arc sine of", "arccos": "arc cosine of",
}  # fmt: skip
_FUNCTION_RE = re.compile(
    r"(?<![A-Za-z])(arctan|arcsin|arccos|sinh|cosh|sqrt|sin|cos|tan|log|ln|"
    r"exp)(?:\s?\(\s?([\w\s.+-]{1,12})\)|\s([b-zA-HJ-Zα-ωΑ-Ω]|\d+(?:\.\d+)?°?)(?![\w']))"
)
_ROOT_RE = re.compile(rf"√\s?(?:\(([^()]*)\)|({NUMBER}|[A-Za-zα-ω])(?![A-Za-z]))")
_QUANTITY_RE = re.compile(
    r"\(([^()]*[+\-=*/×][^()]*|[^()]*√[^()]*)\)(?=\s?[/^*×]|\s?\()|"
    r"(?<=[*/×=+])\s?\(([^()]*[+\-*/×][^()]*)\)|(?<=\d)\(([^()]*[+\-*/×][^()]*)\)|"
    r"(?<=\b[a-zA-Z])\(([^()]*[a-zA-Z\d]\s?[+\-*/×][^()]*)\)"
)
_MINUS_RE = re.compile(
    r"(?<![\w'.-])((?:\d+(?:\.\d+)?)?[A-Za-zα-ω]|\d+(?:,\d{3})*(?:\.\d+)?)\s?-\s?((?:\d+(?:\.\d+)"
    r"?)?[a-zA-Zα-ω]|\d+(?:,\d{3})*(?:\.\d+)?)(?![\w'-]|\.\w)"
)
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
_POWERS = {"2": "squared", "3": "cubed"}
_MOST_OPERATORS, _MOST_LETTERS = 12, 7


@lru_cache(maxsize=5_000)
def _chemical(formula: str) -> str | None:
    bare = re.sub(r"[_{}]", "", formula)
    if bare in _SUBSTANCES and bare != "CO":
        return _SUBSTANCES[bare]
    atoms = _ATOM_RE.findall(bare)
    if any(n and (n[0] == "0" or int(n) > _MOST_ATOMS.get(a, 14)) for a, n in atoms) and all(
        a in _ELEMENTS for a, _ in atoms
    ):
        raise Refusal("garbled", f"the formula {formula}")
    if "".join(a + n for a, n in atoms) != bare or any(a not in _ELEMENTS for a, _ in atoms):
        return None
    if not any(n for _, n in atoms) and not (
        any(len(a) == 2 for a, _ in atoms) and len(atoms) > 1 and bare[0].isupper() and not bare[1:].islower()
    ):
        return None
    return " ".join(f"{' '.join(a.upper())}{' ' + cardinal(int(n)) if n else ''}" for a, n in atoms)


def _charge(m: re.Match[str]) -> str:
    return f"{m[1]} {cardinal(int(m[2])) + ' ' if m[2] else ''}{'plus' if m[3] == '+' else 'minus'}"


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


def _power(m: re.Match[str]) -> str:
    exponent = (m["a"] if m["a"] is not None else m["b"] if m["b"] is not None else m["c"]).strip()
    base = m["base"]
    if exponent in ("'", "′", "*"):
        return f"{base} {'prime' if exponent != '*' else 'star'} "
    if base.isdigit() and m.string[: m.start() + 1].endswith("10") and re.fullmatch(r"-?\s?\d+", exponent):
        before = m.string[: m.start() - 1]
        if not before[-1:].isdigit() and before[-1:] != ".":
            return f"0 to the {_ten_to(exponent)[11:]} "
    if not _EXPONENT_RE.fullmatch(exponent) or not exponent:
        raise Refusal("formula", f"the exponent {exponent}")
    said = _POWERS.get(exponent)
    if said is None:
        half = re.fullmatch(r"(-?)\s?(\d+)/(\d+)", exponent)
        inner = (
            f"{'minus ' * bool(half[1])}{fraction(int(half[2]), int(half[3]))}"
            if half
            else exponent.replace("-", " minus ").replace("+", " plus ").replace("/", " over ")
        )
        said = f"to the {inner.strip()}" if not re.fullmatch(r"\d+", exponent) else f"to the {ordinal(int(exponent))}"
    # "2^3x": the exponent ends before the next factor.
    return f"{base}{',' if base == ')' else ''} {said} "


def _quantity(m: re.Match[str]) -> str:
    inner = next(g for g in m.groups() if g is not None)
    return f" the quantity {inner}, "


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


def say_chemistry(text: str) -> str:
    """Chemical formulas letter by letter, well-known ones by name."""
    text = re.sub(r"\bH_?\{?2\}?0\b(?!\w)", "H_2O", text)  # water, with a nought for its oxygen
    text = _ISOTOPE_RE.sub(r" \2 \1 ", text)
    text = _CHARGE_RE.sub(_charge, text)
    text = _CHEM_RE.sub(lambda m: _chemical(m[1]) or m[0], text)
    # "carbon dioxide (CO_2)" has been said by then.
    return re.sub(r"\b([A-Za-z]+ [a-z]+),? ?\(\s*\1\s*\)", r"\1", text, flags=re.IGNORECASE)


def say_scientific(text: str) -> str:
    """Scientific notation: 8.50 × 10^-9 is eight point five zero times ten to the minus nine."""
    text = _SCIENCE_RE.sub(_science, text)
    return _E_RE.sub(lambda m: f" {number(m[1])} times {_ten_to(m[2])} ", text)


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
    text = _INDEX_RE.sub(_index, text)
    text = _FUNCTION_RE.sub(lambda m: f" {_FUNCTIONS[m[1]]} {(m[2] or m[3]).strip()} ", text)
    text = _CALL_RE.sub(lambda m: f"{m[1]} of {m[2]}" + (f" and {m[3]}" if m[3] else ""), text)
    text = _ROOT_RE.sub(lambda m: f" the square root of {m[1] or m[2]} ", text)
    text = _QUANTITY_RE.sub(_quantity, text)
    text = _POWER_RE.sub(_power, text)
    text = _BY_RE.sub(lambda m: f"{m[1]} by " if m[1] else f"{m[2]} by {m[3]}" if m[2] else " by ", text)
    text = _minus(text)
    text = re.sub(r">>|≫", " is much greater than ", re.sub(r"<<|≪", " is much less than ", text))
    text = _SIGN_RE.sub(_sign, text)
    text = re.sub(
        r"(?<=[\dα-ωΑ-Ω])\s?/\s?(?=\d|[A-Za-zα-ωΑ-Ω]\b)|(?<=\b[A-Za-z])\s?/\s?(?=[A-Za-zα-ωΑ-Ω]\b|\d)|"
        r"(?<=\)|,)\s?/\s?|(?<=\w)\s?/\s?(?=the quantity|\s+the quantity)",
        " over ",
        text,
    )
    for letter, name in GREEK.items():
        if letter in text:
            text = text.replace(f"{letter}-", f" {name}-").replace(letter, f" {name} ")
    if found := re.search(r"\bsqrt\b|[\^_√|{}∞]|<|>|~(?!\d)", text):
        raise Refusal("formula", f"the sign {found[0]}")
    return text


def _minus(text: str) -> str:
    if "-" not in text:
        return text

    def minus(m: re.Match[str]) -> str:
        left, right = m[1], m[2]
        if left.isalpha() and right.isalpha() and " " not in m[0]:
            return m[0]
        letters = left[-1:].isalpha() or right[-1:].isalpha()
        near = re.search(r"[=+*×^]\s*$", m.string[: m.start()]) or re.match(r"\s*[=+*×^]", m.string[m.end() :])
        apart = " " in m[0] or left[:1].isdigit() or (right[:1].isdigit() and left.islower())
        if near or (letters and apart and right not in {"a", "A", "I"} and left not in {"a", "I"}):
            return f"{left} minus {right}"
        return m[0]

    text = minus_pass = _MINUS_RE.sub(minus, text)
    text = re.sub(r"(?<=[=(*+×])\s?-\s?(?=[A-Za-zα-ω]\b)", " minus ", minus_pass)
    return re.sub(r"(?<=,)\s?-\s?(?=\d)|(?<=[a-z\d)])\s-\s(?=the quantity|the square root|ten to)", " minus ", text)
