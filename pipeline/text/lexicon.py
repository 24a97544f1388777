"""English words, to mend what bad extraction glued together or broke: `forceis`, `dan-gerous`."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re
from functools import cache, lru_cache

# Words that extraction most often glues to a neighbour.
_GLUE = frozenset(
    "a an the of in on at to by for from with is are was were be been has have had and or but if as that this which "
    "it its when what how where why will can would not than then between into per about all each their they what's "
    "calculate find determine assume does do he she they we you".split()
)
# Units are not in the list of words, but get glued all the same: `10 atmand`.
_UNIT_WORDS = (
    "atm psia psig torr kcal lbm lbf ohms rpm megabit megabits gigabit gigabits kilobit kilobits gigapascal "
    "gigapascals megapascal megapascals kilopascal kilopascals kilomole kilomoles micromole micromoles "
    "nanomole nanomoles millimole millimoles kilovar kilovars nanoampere nanoamperes microampere microamperes "
    "picocoulomb picocoulombs nanocoulomb nanocoulombs microcoulomb microcoulombs millicoulomb millicoulombs "
    "picofarad picofarads nanofarad nanofarads millifarad microfarad microfarads millifarads millihenry "
    "millihenries microhenry microhenries millitesla milliteslas microvolt microvolts meganewton meganewtons "
    "millinewton millinewtons femtometer femtometers picometer picometers milliradian milliequivalent "
    "milliequivalents centipoise kilobase kilobases millicurie millicuries deciliter deciliters "
).split()
_WORD_RE = re.compile(r"(?<![\\\w^_{}'$])[A-Za-z]{5,}(?![\w^_{}])")
_CAMEL_RE = re.compile(r"^([a-z]{2,})([A-Z][a-z]{2,})$")
_BROKEN_RE = re.compile(r"(?<![\w-])([A-Za-z]{2,})-([a-z]{2,})(?![\w-])")
# Words that are prefixes as well, and endings that then speak for one word: inactivated, atypical.
_PREFIXES = frozenset({"in", "a", "an", "as", "on", "at"})
_STEM_RE = re.compile(r"(?:ed|able|ible|ive|ent|ant|al|ate|ity|tion|sion|ly|ness|ic|ous|ing|ary|is|ian|ism|ist|ment|"
    r"ance|ence|able|ally|ies)$")
_MEDICAL_RE = re.compile(r"(?:itis|osis|asis|emia|oma|gram|graphy|oid|oids|ene|ine|ase|ate|ite|ide|ose|ol|yl|ium)$")
_COMMON, _KNOWN = 25_000, 60_000


@cache
def _costs() -> dict[str, float]:
    import wordninja

    # The package keeps its ranked word list only here; its split() alone would also cut up names.
    costs: dict[str, float] = wordninja.DEFAULT_LANGUAGE_MODEL._wordcost
    return costs


@cache
def _ranks() -> dict[str, int]:
    return {word: rank for rank, word in enumerate(_costs())} | dict.fromkeys(_UNIT_WORDS, 20_000)


def rank(word: str) -> int:
    """The word's place by frequency, from 0; a million for a word that is not known."""
    return _ranks().get(word.lower(), 1_000_000)


def is_word(word: str) -> bool:
    """Whether it is an English word (or well-known name), in any case."""
    return rank(word) < 1_000_000


def _stands(rest: str, glue: str) -> bool:
    """Whether `rest` is word enough to be cut from `glue`: short ones must be common, rare ones long."""
    if len(rest) == 3:
        return rank(rest) < 1_500
    return rank(rest) < (_KNOWN if len(rest) < 6 or len(glue) < 2 else 1_000_000)


def _halves(word: str, depth: int) -> list[str] | None:
    """`word` cut into known words of which all but one are glue, or None."""
    best: tuple[int, list[str]] | None = None
    for cut in range(1, len(word)):
        left, right = word[:cut], word[cut:]
        for glue, rest, glue_first in ((left, right, True), (right, left, False)):
            if glue not in _GLUE or len(rest) < 3 or (glue == "a" and not glue_first):
                continue
            if glue_first and glue in _PREFIXES and _STEM_RE.search(rest):
                continue
            parts = [rest] if rest in _GLUE or _stands(rest, glue) else None
            if parts is None and depth:
                parts = _halves(rest, depth - 1)
            if parts is not None and (best is None or len(glue) > best[0]):
                best = (len(glue), [glue, *parts] if glue_first else [*parts, glue])
    return best[1] if best else None


def _content_halves(word: str) -> list[str] | None:
    """`word` cut into two common words, or None."""
    cuts = [(max(rank(word[:i]), rank(word[i:])), i) for i in range(4, len(word) - 3)]
    worst, cut = min(cuts, default=(1_000_000, 0))
    easy = min((min(rank(word[:i]), rank(word[i:])) for _, i in cuts if _ < 90_000), default=1_000_000)
    if worst < 90_000 and easy < 2_500:
        return [word[:cut], word[cut:]]
    if len(word) > 11 and worst < 1_000_000 and 4 < cut < len(word) - 4:
        return [word[:cut], word[cut:]]
    return [word[:cut], word[cut:]] if worst < (_COMMON if len(word) < 13 else 2 * _COMMON) else None


def _glue_and_halves(word: str) -> list[str] | None:
    """`word` cut into glue and two words (`theemittedphotons`, `energyeigenvaluesfor`), or None."""
    for glue in sorted(_GLUE, key=lambda g: (-len(g), g)):
        if len(glue) > 1 and word.startswith(glue) and (parts := _content_halves(word[len(glue) :])):
            return [glue, *parts]
        if len(glue) > 1 and word.endswith(glue) and (parts := _content_halves(word[: -len(glue)])):
            return [*parts, glue]
    return None


@lru_cache(maxsize=100_000)
def _unglue_word(word: str) -> str:
    camel = _CAMEL_RE.match(word)
    if camel and (camel[1] in _GLUE or (len(camel[1]) > 3 and rank(camel[1]) < _COMMON)):
        return f"{camel[1]} {_unglue_word(camel[2])}"
    lower = word.lower()
    glued_the = lower in {"andthe", "ofthe", "inthe", "tothe", "isthe", "onthe", "forthe", "thatthe"}
    if (is_word(word) and not glued_the) or not (word.islower() or word.istitle()):
        return word
    parts = _halves(lower, 2)
    if word.istitle() and not (parts and parts[0] in _GLUE and len(parts[0]) > 2):
        return word  # a name, more likely
    if _MEDICAL_RE.search(lower) and not (parts and parts[0] in _GLUE):
        return word
    if parts is None and len(word) > 7:
        parts = _content_halves(lower)
    if parts is None and len(word) > 12:
        parts = _glue_and_halves(lower)
    if parts is None:
        return word
    return " ".join([parts[0].title() if word.istitle() else parts[0], *parts[1:]])


@lru_cache(maxsize=100_000)
def _mend_broken(left: str, right: str) -> str:
    whole = left + right
    ranks = rank(left), rank(right)
    if is_word(whole) and (max(ranks) > 1_000_000 - 1 or rank(whole) < max(ranks) // 2) and left.lower() != "co":
        return whole
    return f"{left}-{right}"


# What stays glued after mending, and no name or symbol looks like: `ticketsFB`, `BothHClandNaOHare`.
_CASES_RE = re.compile(r"(?<![\w\\^_])(?:[a-z]{3,}[A-Z]|(?=\w{9})[A-Za-z]*[a-z][A-Z][a-z]*[a-z][A-Z]\w*[a-z]{2})\w*")
_FUSED_RE = re.compile(r"(?<![\\\w])[a-z]{5,}_(?=\w)|\b[A-Za-z]*[A-Z]{2,}[a-z]{4,}|\b[A-Z][a-z]{20,}")
_LEARNED_RE = re.compile(
    r"(?:hyper|hypo|phospho|dehydro|immuno|multi|hetero|counter|non|un|trans|tetra|tri|di|mono|poly|photo|thermo|"
    r"pseudo|glyco|hydro|acetyl|buckminster|metallo|"
    r"temporo|zygomatico|esophago|methyl|ethyl|chloro|fluoro|bromo|nitro|neuro|cardio|gastro|universal|inter|electro"
    r"|micro|radio)(?!.*(?:the|of|and|for|is)$)"
)
_LONG_RE = re.compile(r"(?<![\w\\^_'-])[a-z]{9,}(?![\w^_'-])")
_GLUED_RE = re.compile(r"(?:the(?![a-z]?[rmosn])|and(?!ro)|with|from|that|which|of(?!f))\w{5,}|\w{4,}(?:through|"
    r"which|where|ofthe|inthe|tothe|isthe|fromthe|andthe)\w{2,}|\w{6,}(?:ofthe|inthe|isthe|andthe|forthe)$|\w{17,}")


def garbled(text: str) -> str:
    """A word of `text` that extraction garbled beyond mending; "" where there is none."""
    if found := _CASES_RE.search(text) or _FUSED_RE.search(text):
        return found[0]
    for word in _LONG_RE.findall(text):
        if not is_word(word) and _GLUED_RE.match(word) and not word.endswith("ly") and not _LEARNED_RE.match(word):
            return str(word)
    return ""


def mend(text: str) -> str:
    """`text` with glued words apart and words broken at a line's end whole again, as far as the lexicon knows."""
    text = _BROKEN_RE.sub(lambda m: _mend_broken(m[1], m[2]), text)
    return _WORD_RE.sub(lambda m: _unglue_word(m[0]), text)
