"""Signs that stand for words by what is around them: bars, arrows, roots of any order, standard and physical states.

|x - 3| is an absolute value, P(A|B) a condition; an arrow of a reaction gives, that of a limit approaches, that of a
function goes from set to set. A sign whose neighbours do not tell what it stands for stays, and is refused later.
"""

import re
from functools import lru_cache

from kame_data.text.formulas import grouped
from kame_data.text.numbers import DIGITS, NUMBER, cardinal, ordinal
from kame_data.text.words import text_before

_GREEK = "α-ωΑ-Ωϕϵ"
_BAR_RE = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)\s?\||\\[lr]vert(?![a-zA-Z])")
# Figures, single letters, functions and signs: what stands between the bars of an absolute value.
_INSIDE = (
    rf"(?>\\[a-zA-Z]++|sin|cos|tan|log|ln|exp|\d++(?:\.\d++)?|(?<![A-Za-z])[A-Za-z{_GREEK}](?![A-Za-z])|"
    r"[-+*/^_{}()·×√.,=\s])"
)
_ABSOLUTE_RE = re.compile(rf"\|(?P<inside>(?!\s*[|+*/^=.,)}}])(?:{_INSIDE}){{1,60}}?(?<![-+*/^=.,(]))\|")
# Numbers in a row are a column of a matrix.
_ROW_RE = re.compile(r"\d\s+-?\d|[\w)]\s+-\d")
_FACTOR_RE = re.compile(r"(?<![\w.])(?:\d+(?:\.\d+)?|a)\s?$")
_CALLED_RE = re.compile(r"\b(?:magnitude|modulus|absolute value)\s?$")
_OPENS_RE = re.compile(r"(?:^|[-+*/×·=<>≤≥≠≈±,;:({$]|[A-Za-z]{2})\s*$|(?<![\w.])(?:\d+(?:\.\d+)?|a)\s?$")
_CLOSES_RE = re.compile(r"\s*(?:$|[-+*/×·=<>≤≥≠≈±^.,;:?!)}$\\]|[A-Za-z]{2})")
# Bars around letters that are no numbers: sets, matrices, groups.
_NO_NUMBER_RE = re.compile(
    r"\b(?:determinants?|matri(?:x|ces)|cardinality|sets?|groups?|subgroups?|kets?)\b", re.IGNORECASE
)
_NUMBER_RE = re.compile(
    r"\b(?:absolute|modulus|amplitude|magnitude|vectors?|complex|real|random variable|probability|inequality|solve)\b",
    re.IGNORECASE,
)
_VECTOR_RE = re.compile(r"\bvectors?\b|\bmagnitudes?\b", re.IGNORECASE)
_GIVEN_RE = re.compile(
    r"(?<![\w\\])(?P<name>[PpfqL]|Pr|Prob)\s?\(\s?(?P<what>[\w, ]{1,30}?)\s?(?:\||\\mid|\\vert)\s?"
    r"(?P<given>[\w, ]{1,30}?)\s?\)"
)
_PROBABLY_RE = re.compile(r"\bP\s?\((the absolute value of [^()]{1,60})\)")
_EITHER_EVENT_RE = re.compile(r"\bP\s?\(\s?([A-Z]'?(?:\s?[∪∩]\s?[A-Z]'?){1,3})\s?\)")
_ELECTRON_RE = re.compile(r"(?<![A-Za-z)])e\s?\^\s?\{?-\}?(?!\s?[\w({])")
_TITLE_RE = re.compile(r"\b(Statement|Assertion|Reason|Claim|Premise|Part)\s?(\d|[IVX]{1,3}|[A-D])?\s?\|\s?")

# The concentration of a species, where rates and equilibria are spoken of: k[A]^2[B].
_SPECIES = r"(?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?){1,6}(?:\^?\{?\d?[+-]\}?)?"
_CONCENTRATION_RE = re.compile(rf"(?P<factor>(?<=\bk)\s?|(?<=[\]\d}}])\s?)?\[(?P<species>{_SPECIES})\]")
_CONCENTRATED_RE = re.compile(r"\b[Rr]ate|\bconcentration|\bK(?:_?\{?\w{1,3}\}?)?\s?=|\bequilibrium|\bpH\b")
# What stands for words wherever it stands.
_NAMED = {
    "∪": "union", "∩": "intersection", "∈": "is in", "∉": "is not in", "⊂": "is a subset of", "⊆": "is a subset of",
    "≅": "is congruent to", "∝": "is proportional to", "∥": "is parallel to", "⊥": "is perpendicular to",
}  # fmt: skip
_NAMED_RE = re.compile("[" + "".join(_NAMED) + "]")
_CORNERS_RE = re.compile(r"(?:\b(?:angle|triangle)\s?)?([∠△])\s?([A-Z]{1,3})(?![\w])")
_PHASE_RE = re.compile(r"(?<=[\w)])\s?∠\s?(?=-?\d)")
_ITEM = r"(?:-?\d+(?:\.\d+)?|[A-Za-z]|\.\.\.)"
_SET_RE = re.compile(rf"(?<![\^_\w\\])\{{\s?({_ITEM}(?:\s?,\s?{_ITEM}){{1,11}})\s?\}}")
_BASE_RE = re.compile(r"(?<![\w.])(?=\w?\d)([0-9A-F]{1,12}(?:\.[0-9A-F]{1,12})?)_\{?(2|8|10|16)\}?(?![\w])")
# The root of a figure before a unit or a fraction: 12√93 ft/s, √7/7.
_PLAIN_ROOT_RE = re.compile(
    rf"(?P<factor>(?<![\w.])\d+(?:\.\d+)?\s?)?√\s?(?P<one>{NUMBER})(?P<over>\s?/\s?(?=\d))?"
    r"(?(over)|(?=\s{0,2}(?:$|[,;:?!.](?!\d)|\s[A-Za-z]{1,12}\b)))"
)

_ARROW_RE = re.compile(r"-->|->|⟶|➝|➔|⭢")
_AROUND_RE = re.compile(r"\s{0,8}([→⇌])\s{0,8}")
_BALANCE_RE = re.compile(r"<-+>|⇄|↔|⟷|<=>|⇋")
_TARGET = rf"[-+±]?\s?(?:∞|{NUMBER}|[A-Za-z{_GREEK}](?![\w(]))"
_SIDE = r"(?:\^?\{?(?P<side>[+-])\}?(?!\s?[\w(]))?"
_LIMIT_RE = re.compile(
    rf"\blim\s?_?\s?[{{(]?\s?(?P<letter>[A-Za-z{_GREEK}])\s?→\s?(?P<target>{_TARGET}){_SIDE}\s?[}})]?(?:\s?of\b)?"
)
_NEARS_RE = re.compile(
    rf"(?<![\w.^_])(?P<letter>[a-zTNR{_GREEK}])(?:\s|(?=→))→\s?(?P<target>{_TARGET}){_SIDE}(?!\s?[→\w])"
)
_AS_RE = re.compile(r"\b(?:as|when|if|for|while|let|limit)\s$", re.IGNORECASE)
_SET = r"[A-Z](?:[_^]\{?\w\}?)?(?![a-z])"
_MAPS_RE = re.compile(
    rf"(?<![\w])(?P<name>[A-Za-z{_GREEK}])\s?:\s?(?P<from>{_SET}(?:\s?×\s?{_SET})?)\s?→\s?(?P<into>{_SET})(?!\s?→)"
)
_TERM = r"(?:[A-Z{(\[^_]|α|β|γ|e\^|n\b|p\b|\d)[\w^{}()\[\]+·.-]{0,40}"
_REACTS_RE = re.compile(rf"(?P<left>(?<![\w(\[]){_TERM}(?:\s\([a-z]{{1,2}}\))?)\s?(?P<arrow>[→⇌])\s?(?={_TERM})")
_CHEMICAL_RE = re.compile(
    r"\d[A-Z]|[A-Z][a-z]?_?\{?\d|\b(?:[A-Z][a-z]?){0,3}(?:[A-Z][a-z][A-Z]|[A-Z]{1,3}[a-z])[a-z]?\b|\([sgl]\)|\(aq\)|\^\{?\d?[+-]|[A-Z][+-](?!\w)"
)
_REACTION_RE = re.compile(
    r"\b(?:reactions?|reacts?|reactants?|rate constant|decays?|kinetics|(?:zero|first|second|half)[- ]order)\b",
    re.IGNORECASE,
)

# A number of molecules is no amount: A → 2B.
_MADE_RE = re.compile(r"(?<=gives )(\d)([A-Z])(?!\w)")

_ROOTS = {"2": "square", "3": "cube"}
_ROOT_RE = re.compile(
    rf"√\s?\[\s?(?P<order>\d{{1,2}}|[a-z])\s?\]\s?"
    rf"(?:\((?P<sum>[^()]{{1,60}})\)|\{{(?P<group>[^{{}}]{{1,60}})\}}|(?P<one>{NUMBER}|[A-Za-z{_GREEK}])(?![A-Za-z]))"
)

# The degree behind the symbol of a quantity is that of its standard state: ΔG°, E°cell.
_STANDARD_RE = re.compile(
    rf"(?<![A-Za-z{_GREEK}\d.])(?P<what>Δ\s?[A-Z](?:_\{{?[A-Za-z]{{1,4}}\}}?)?|[EGHSK](?:_\{{?[A-Za-z]{{1,5}}\}}?)?)\s?"
    r"(?:\^?\s?\{?\s?°\s?\}?|(?<=[A-Z])\^\{?[oO]\}?(?!\w))(?P<prime>'?)"
    r"(?:_?\{?(?P<of>f|rxn|cell|m|reaction|red|ox|c|vap|fus)\}?(?![A-Za-z]))?(?!\s?[CFKR]\b|\s?[\d_{])"
)
_STANDARD_OF = {
    "f": "of formation", "rxn": "of reaction", "reaction": "of reaction", "cell": "of the cell", "c": "of combustion",
    "red": "of reduction", "ox": "of oxidation", "vap": "of vaporization", "fus": "of fusion", "m": "molar",
}  # fmt: skip
_ANGLE_RE = re.compile(r"(?<![\w.°'])([a-zα-ωϕ])\s?°(?!\s?[CFKR]\b|\w)")
_STATES = {"aq": "aqueous", "g": "gas", "l": "liquid", "s": "solid"}
_FORMULA = r"(?:[A-Z][a-z]?(?:_?\{?\d{1,2}\}?)?|\((?:[A-Z][a-z]?_?\{?\d?\}?){1,4}\)_?\{?\d?\}?){1,8}"
_STATE_RE = re.compile(rf"(?<![A-Za-z])({_FORMULA}(?:\^?\{{?\d?[+-]\}}?)?)\s?\((aq|g|l|s)\)(?!\w)")


def say_enclosed(text: str) -> str:
    """`text` in which words stand for the bars of an absolute value, of a condition and behind a heading, and for the
    brackets of a concentration; others stay."""
    if "[" in text and _CONCENTRATED_RE.search(text):
        text = _CONCENTRATION_RE.sub(_concentration, text)
    if "|" not in text and "vert" not in text and "\\mid" not in text:
        return text
    text = _GIVEN_RE.sub(_given, _TITLE_RE.sub(_title, _BAR_RE.sub("|", text)))
    return _PROBABLY_RE.sub(r"P of \1,", _ABSOLUTE_RE.sub(_absolute, text)) if "|" in text else text


def _concentration(m: re.Match[str]) -> str:
    factor = " times " if m["factor"] is not None else ""
    after = m.string[m.end() : m.end() + 4].lstrip()
    stop = "" if not after or after[0] in ".,;:?!)+/=" else ","
    return f"{factor}the concentration of {_apart(m['species'])}{stop}{'' if after[:1] in tuple('^.,;:?!)') else ' '}"


def _apart(species: str) -> str:
    """A species with its letters apart where it would be taken for a word in capitals: NO, CO."""
    return " ".join(species) if species.isupper() and species.isalpha() else species


def _title(m: re.Match[str]) -> str:
    return f"{m[1]} {m[2]}: " if m[2] else f"{m[1]}: "


def _given(m: re.Match[str]) -> str:
    name = "P" if len(m["name"]) > 1 else m["name"]
    what, given = (re.sub(r"\s?,\s?", " and ", part) for part in (m["what"], m["given"]))
    return f"{name} of {what} given {given}"


def opens(text: str, at: int) -> str:
    """What the bar at a place of the text opens: `value`, an absolute value; `factor`, one with a number before it; ""
    where it opens none."""
    m = _ABSOLUTE_RE.match(text, at)
    if m is None or not _encloses(m):
        return ""
    return "factor" if _FACTOR_RE.search(text_before(m, most=12)) else "value"


def _encloses(m: re.Match[str]) -> bool:
    before, after = text_before(m), m.string[m.end() : m.end() + 8]
    if not _OPENS_RE.search(before) or not _CLOSES_RE.match(after) or _ROW_RE.search(m["inside"]):
        return False
    if after.lstrip().startswith("|") or before.rstrip().endswith("|") or not re.search(r"\w", m["inside"]):
        return False
    if re.search(r"[\da-z]", m["inside"]):
        return True
    # Letters of sets and matrices stand between bars as well.
    return not _tells(_NO_NUMBER_RE, m.string) and _tells(_NUMBER_RE, m.string)


@lru_cache(maxsize=256)
def _tells(pattern: re.Pattern[str], text: str) -> bool:
    """True where a text has what a pattern finds; searched once for all signs of a text."""
    return bool(pattern.search(text))


def _absolute(m: re.Match[str]) -> str:
    if not _encloses(m):
        return m[0]
    inside, after = m["inside"].strip(), m.string[m.end() : m.end() + 8].lstrip()
    name = "magnitude" if _tells(_VECTOR_RE, m.string) else "absolute value"
    before = text_before(m, most=24)
    factor = " times " if _FACTOR_RE.search(before) else "" if before[-1:] in ("", " ", "(", "$") else " "
    alone = not after or after[0] in ".,;:?!)}$"
    stop = "" if alone or (after[0] != "^" and re.fullmatch(r"-?\w+", inside)) else ","
    called = f"the {name} of " if not _CALLED_RE.search(before) else "of "
    return f"{factor}{called}{inside}{stop}{'' if alone or after[0] == '^' else ' '}"


def plain(text: str) -> str:
    """`text` with one sign for each arrow, and for a root with its order. Takes text without LaTeX."""
    text = _BALANCE_RE.sub("⇌", _ARROW_RE.sub("→", text))
    return _AROUND_RE.sub(r" \1 ", text).replace("∛", "√[3]").replace("∜", "√[4]")


def say_relations(text: str) -> str:
    """Arrows, roots with an order, standard states and states of matter in words. Takes text without LaTeX."""
    text = plain(text)
    if "→" in text or "⇌" in text:
        text = _say_arrows(text)
    if "√[" in text or "√ [" in text:
        text = _ROOT_RE.sub(_root, text)
    if "√" in text:
        text = _PLAIN_ROOT_RE.sub(_plain_root, text)
    if "^" in text:
        text = _ELECTRON_RE.sub("e minus", text)
    if "_" in text:
        text = _BASE_RE.sub(_in_base, text)
    if "{" in text:
        text = _SET_RE.sub(_set, text)
    if not text.isascii():
        text = _PHASE_RE.sub(" at an angle of ", _CORNERS_RE.sub(_corners, text)).replace("∠", " angle ")
        text = _EITHER_EVENT_RE.sub(r"P of \1", text)
        text = _NAMED_RE.sub(lambda m: f" {_NAMED[m[0]]} ", text)
    if "°" in text or "Δ" in text:
        text = _ANGLE_RE.sub(r"\1 degrees", _STANDARD_RE.sub(_standard, text))
    # Only gases and solutions, or a reaction, tell that (s) is no plural and no variable.
    if "(aq)" in text or "(g)" in text or " gives " in text or " in equilibrium with " in text:
        text = _STATE_RE.sub(_state, text)
    return text


def _say_arrows(text: str) -> str:
    text = _LIMIT_RE.sub(lambda m: f" the limit as {_nearing(m)} of ", text)
    text = _NEARS_RE.sub(_nears, text)
    text = _MAPS_RE.sub(lambda m: f"{m['name']}: {m['from']} to {m['into']}", text)
    if "→" in text or "⇌" in text:
        text = _MADE_RE.sub(lambda m: f"{cardinal(int(m[1]))} {m[2]}", _REACTS_RE.sub(_reacts, text))
    return text


def _nearing(m: re.Match[str]) -> str:
    side = {"+": " from above", "-": " from below"}.get(m["side"] or "", "")
    return f"{m['letter']} approaches {m['target'].replace(' ', '')}{side}"


def _nears(m: re.Match[str]) -> str:
    number = re.search(r"[\d∞]", m["target"])
    return _nearing(m) if number or _AS_RE.search(text_before(m, most=8)) else m[0]


def _reacts(m: re.Match[str]) -> str:
    right = m.string[m.end() : m.end() + 24]
    known = _CHEMICAL_RE.search(f"{m['left']} {right.split('→')[0]}")
    if not known and (m["arrow"] == "⇌" or not _tells(_REACTION_RE, m.string)):
        return m[0]
    return f"{m['left']} {'gives' if m['arrow'] == '→' else 'is in equilibrium with'} "


def _root(m: re.Match[str]) -> str:
    order = m["order"]
    name = _ROOTS.get(order) or (ordinal(int(order)) if order.isdigit() else f"{order}th")
    return f" the {name} root of {grouped(m['sum'] or m['group'] or m['one'])} "


def _plain_root(m: re.Match[str]) -> str:
    factor = f"{m['factor'].strip()} times " if m["factor"] else ""
    return f"{factor}the square root of {m['one']}{' over ' if m['over'] else ''}"


def _in_base(m: re.Match[str]) -> str:
    figures = " ".join("point" if c == "." else DIGITS[int(c)] if c.isdigit() else c for c in m[1])
    return f"{figures} base {cardinal(int(m[2]))}"


def _set(m: re.Match[str]) -> str:
    items = ", ".join(item.strip() for item in m[1].split(","))
    before, after = text_before(m, most=8), m.string[m.end() : m.end() + 2].strip()
    called = "" if re.search(r"\bsets? $", before) else "the set "
    return f"{called}{items}{',' if after and after[0] not in '.,;:?!)' else ''}"


def _corners(m: re.Match[str]) -> str:
    return f" {'angle' if m[1] == '∠' else 'triangle'} {' '.join(m[2])}"


def _state(m: re.Match[str]) -> str:
    counted = " " if m.string[m.start() - 1 : m.start()].isdigit() else ""
    return f"{counted}{_apart(m[1])} {_STATES[m[2]]}"


def _standard(m: re.Match[str]) -> str:
    prime = " prime" if m["prime"] else ""
    return f"{m['what']} standard{prime}" + (f" {_STANDARD_OF[m['of']]}" if m["of"] else "")
