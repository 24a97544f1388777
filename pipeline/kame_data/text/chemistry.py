"""Chemistry as it is said: formulas letter by letter, ions with their charge, isotopes and oxidation states by name.

A formula is never replaced by the compound's name, for a question may ask for the one or for the other.
"""

import re
from functools import cache, lru_cache

from kame_data.errors import Refusal
from kame_data.resources import bundled
from kame_data.text.numbers import cardinal
from kame_data.text.units import UNITS

# More atoms of an element than this are a charge or another figure run into the index: CO_32.
_MOST_ATOMS = {"C": 100, "H": 200, "O": 30, "N": 30, "B": 99, "F": 99, "S": 60, "U": 300, "P": 30}
_ATOM_RE = re.compile(r"([A-Z][a-z]?)(\d*)")
_FORMULA_RE = re.compile(r"(?<![\w^_.'/-])((?:[A-Z][a-z]?(?:_\{?\d{1,3}\}?|\d){0,3}){2,9})(?![\w'({_]|-[A-Z])")
# An index and a charge that stand together: SO_4^{2-}, Ca^{2+}, NO3-, Na+.
_ION_RE = re.compile(
    r"(?<![\w^'-])((?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?){1,5})"
    r"(?:\s?\^\s?\{?\(?(\d?)\s?([+-])\)?\}?(?:(?<=\+)(\d)\}?(?![\d.]))?|(?:(?<=\d)\s(?=\d[+-]\s(?:ions?|anions?)\b))?(\d?)([+-]))(?![\w(^]|\s?\d|\s+[A-Z]\b(?!\w)|[+-])"
)
# A mass number before its element is said after it: ^{35}Cl, 14C.
_ISOTOPE_RE = re.compile(r"(?<![\w)}\]])(?<!\d )(?:\{\s?\}|_)?\s?\^\s?\{?\s?(\d{1,3})\s?\}?\s?([A-Z][a-z]?)(?![a-z])")
_GLUED_ISOTOPE_RE = re.compile(r"(?<![\w.,$])(\d{1,3})([A-Z][a-z]?)(?![\w'])")
_NUCLEAR_RE = re.compile(
    r"isotop|radioactiv|radiocarbon|nucle(?:us|i|ar|on)|half-li[fv]e|decay|neutron|proton|\bdat(?:e|ing)\b|NMR|fission",
    re.IGNORECASE,
)
# The number of molecules before a formula: 2NO_2.
_COUNTED_RE = re.compile(r"(?<![\w.,^{$])(\d{1,2})(?=(?:[A-Z][a-z]?){1,4}_\{?\d)")
# A group that a formula has several times: Ca(OH)_2, Al2(SO4)3. A pause keeps its number apart.
_GROUP_RE = re.compile(
    r"(?<![A-Za-z\d^_.'/-])(?P<before>(?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?){0,5})\((?P<group>(?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?){2,6})\)"
    r"_?\{?(?P<times>\d{1,2})\}?(?P<after>(?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?){0,5})(?![\w(])"
)
_STATE_RE = re.compile(r"\b([A-Za-z]{1,12})\s?\(\s?(IX|IV|V?I{1,3}|V|0)\s?\)")
_NAMES = frozenset({"HeLa", "CoSi"})
# Compounds of capitals alone; what else is written so is an acronym.
_CAPITALS_RE = re.compile(
    r"(?<![\w-])(KOH|KI|HF|HCN|KF|KCN|(?<=\dmol )HI|(?<=of )HI|(?<=\d)HI|^HI$|(?<=[\d)(] )OH|(?<=[\d)(])OH|"
    r"OH(?= (?:group|ion|radical|bond|concentration))|(?<=per )OH)(?![\w-])"
)
_ROMAN = {"0": 0, "I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9}


@cache
def elements() -> dict[str, str]:
    """The elements' names by their symbols."""
    lines = bundled("data/words/elements.txt").read_text(encoding="utf-8").split()
    return dict(zip(lines[::2], lines[1::2], strict=True))


@lru_cache(maxsize=5_000)
def _spelled(formula: str) -> str | None:
    """The letters and figures of a formula; None for what is no formula. Raises Refusal `garbled`."""
    bare, known = re.sub(r"[_{}]", "", formula), elements()
    atoms = _ATOM_RE.findall(bare)
    if "".join(a + n for a, n in atoms) != bare or any(a not in known for a, _ in atoms):
        return None
    if any(n and (n[0] == "0" or int(n) > _MOST_ATOMS.get(a, 14)) for a, n in atoms):
        raise Refusal("garbled", f"the formula {formula}")
    return " ".join(f"{letters(a)}{' ' + cardinal(int(n)) if n else ''}" for a, n in atoms)


def letters(symbol: str) -> str:
    """`N A` for Na."""
    return " ".join(symbol.upper())


def _formula(m: re.Match[str]) -> str:
    formula = m[1]
    mixed = re.search("[A-Z][a-z]", formula) and len(_ATOM_RE.findall(formula)) > 1 and not formula[1:].islower()
    if formula in _NAMES or formula in UNITS or not (mixed or any(c.isdigit() for c in formula)):
        return formula
    return _spelled(formula) or formula


def _ion(m: re.Match[str]) -> str:
    formula, charge, sign = m[1], m[2] or m[4] or m[5] or "", m[3] or m[6]
    if not m[3] and not charge and (stuck := re.fullmatch(r"([A-Z][a-z]?)(\d)|(.*\d)(\d)", formula)):
        # Without a raised charge, the last figure of Ca2+ and of SO42- is the charge, that of NO3- is not.
        alone = stuck[1] and not (stuck[1] in ("I", "O", "N") and sign == "-")
        formula, charge = (stuck[1], stuck[2]) if alone else (stuck[3], stuck[4]) if stuck[3] else (formula, "")
    said = _spelled(formula)
    if said is None and not m[3]:
        return m[0]
    said = said or formula
    number = f" {cardinal(int(charge))}" if charge else ""
    return f"{said}{number} {'plus' if sign == '+' else 'minus'} "


def _group(m: re.Match[str]) -> str:
    """A formula with a group in brackets, which is heard by the pauses around it."""
    parts = [_spelled(part) if part else "" for part in (m["before"], m["group"], m["after"])]
    if None in parts:
        return m[0]
    before, group, after = parts
    number = cardinal(int(m["times"]))
    return ", ".join(part for part in (before, f"{group}, {number}", after) if part)


def _state(m: re.Match[str]) -> str:
    name = m[1]
    if name in elements() and name not in ("I", "V"):
        name = elements()[name]
    elif name.lower() not in elements().values():
        return m[0]
    return f"{name} {cardinal(_ROMAN[m[2]])}"


def _isotope(m: re.Match[str]) -> str:
    mass, symbol = m[1], m[2]
    return f" {elements()[symbol]} {mass} " if symbol in elements() else f" {symbol} {mass} "


def _glued_isotope(m: re.Match[str]) -> str:
    """An isotope whose mass number stands before its symbol without a sign for it, where so heavy a one may be."""
    if m[2] not in elements():
        return m[0]
    charge = list(elements()).index(m[2]) + 1
    return _isotope(m) if charge == 1 or 1.6 * charge <= int(m[1]) <= 3 * charge else m[0]


def say_chemistry(text: str, about: str) -> str:
    """Chemical formulas letter by letter, with indices and charges; isotopes by their element's name.

    `about`: the text that tells whether nuclei are spoken of.
    """
    if "_" in text:
        text = _COUNTED_RE.sub(r"\1 ", text)
    if "(" in text:
        text = _GROUP_RE.sub(_group, _STATE_RE.sub(_state, text))
    if "^" in text:
        text = _ISOTOPE_RE.sub(_isotope, text)
    if _NUCLEAR_RE.search(about):
        text = _GLUED_ISOTOPE_RE.sub(_glued_isotope, text)
    if "+" in text or "-" in text:
        text = _ION_RE.sub(_ion, text)
    text = _CAPITALS_RE.sub(lambda m: letters(m[1]), text)
    return _FORMULA_RE.sub(_formula, text)
