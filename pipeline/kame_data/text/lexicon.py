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
    # Words of the sciences and the law that the list lacks and that end like two.
    "relaxin ferritin operon allantois somato parentis vaginalis vagina agenesis maximin grandkids testator regressand "
    "combinational personam wavenumber blackbody supernatant centration atrioventricular "
).split()
_WORD_RE = re.compile(r"(?<![\\\w^_{}'$])[A-Za-z]{5,}(?![\w^_{}])")
_CAMEL_RE = re.compile(r"^([a-z]{2,})([A-Z][a-z]{2,})$")
_BROKEN_RE = re.compile(r"(?<![\w-])([A-Za-z]{2,})-([a-z]{2,})(?![\w-])")
# Words that are prefixes as well, and endings that then speak for one word: inactivated, atypical.
_PREFIXES = frozenset({"in", "a", "an", "as", "on", "at"})
_STEM_RE = re.compile(
    r"(?:ed|able|ible|ive|ent|ant|al|ate|ity|tion|sion|ly|ness|ic|ous|ing|ary|is|ian|ism|ist|ment|"
    r"ance|ence|able|ally|ies)$"
)
_MEDICAL_RE = re.compile(r"(?:itis|osis|asis|emia|oma|gram|graphy|oid|oids|ene|ine|ase|ate|ite|ide|ose|ol|yl|ium)$")
_COMMON, _TWO_COMMON, _FREQUENT, _SHORT_WORD = 25_000, 12_000, 5_000, 1_500
# Glue that also ends words, and words after which it is glue for sure.
_WORD_ENDS = frozenset("in on or is an it as at to ion by be per all".split())
_FIRM_RE = re.compile(r"(?:ing|ed|tion|ment|ity|ness|ure|ance|ence|ers?|[^s]s|gen|nol|ane)$")
_FIRM_GLUE = frozenset("the of that for with which from".split())
_NEVER_LAST = frozenset("a or he we do an as".split())
_OPENERS = frozenset("the this that these which what when where how find determine calculate with from".split())
# What learned words begin and all words end with, beside the list of words: autocorrelation, contrarianism.
_LEARNED = frozenset(
    "ante anti aero astro atrio auto bio cardio chrono contra corona counter cross cryo crypto cyber cyto dermato dis "
    "down electro embryo endo ethno extra fore gastro geo hemo hepato hetero homo hydro hyper hypo immuno infra inter "
    "intra iso kilo macro magneto meso meta metallo micro milli mini mono morpho multi myo nano neo nephro neuro non "
    "ortho osteo over oxy pan para patho per petro pharmaco phono photo physico physio phyto pico poly post pre "
    "proto pseudo psycho psychro pyro quasi radio re retro self semi socio spectro stereo sub super supra syn synchro "
    "tele tetra thermo trans tri turbo ultra un uni under venturi vaso zoo logo dynamo amino allo".split()
)
_ENDINGS = frozenset(
    "or ors er ers ist ists ism isms arian arianism arians less lessness ness nesses ship ships ward wards able ably "
    "ability abilities ation ations ational al ally ly ic ics ical ically ous ously oid oids ity ities ty ive ives "
    "ory ment ments ify ified ize ized izes izing ization like hood ed ing s es ies ial ian ians ent ents ant ants "
    "ance ence ary wise woman women man men some worthy genesis genic ase ases".split()
)


@cache
def _costs() -> dict[str, float]:
    import wordninja

    # The package keeps its ranked word list only here; its split() alone would also cut up names.
    costs: dict[str, float] = wordninja.DEFAULT_LANGUAGE_MODEL._wordcost
    return costs


@cache
def _ranks() -> dict[str, int]:
    return {word: rank for rank, word in enumerate(_costs())} | dict.fromkeys(_UNIT_WORDS, 11_000)


def rank(word: str) -> int:
    """The word's place by frequency, from 0; a million for a word that is not known."""
    return _ranks().get(word.lower(), 1_000_000)


def is_word(word: str) -> bool:
    """True for an English word (or well-known name), in small letters or capitals."""
    return rank(word) < 1_000_000


@lru_cache(maxsize=100_000)
def is_plausible(word: str) -> bool:
    """True where a word that is not in the list still looks like one: a known stem with an English prefix or ending."""
    for cut in range(3, min(8, len(word) - 3)):
        rest = word[cut:]
        if word[:cut] in _LEARNED and rest not in _GLUE and (is_word(rest) or (cut > 3 and is_plausible(rest))):
            return True
    for cut in range(4, len(word)):
        stem, ending = word[:cut], word[cut:]
        if ending in _ENDINGS and any(is_word(stem + e) for e in ("", "e", "y", "a", "on", "is")):
            return True
    return bool(_MEDICAL_RE.search(word))


def _rest_rank(rest: str, glue: str, glue_first: bool) -> int:
    """The rank of `rest` where it is word enough to be cut from `glue`, else a million."""
    found = rank(rest)
    if len(rest) < 3 or (len(rest) == 3 and found >= _SHORT_WORD):
        return 1_000_000
    if glue == "a" and not (glue_first and len(rest) > 3 and found < _FREQUENT and not _STEM_RE.search(rest)):
        return 1_000_000
    if glue_first and glue in _PREFIXES and _STEM_RE.search(rest) and not rest.startswith(("the", "an")):
        return 1_000_000 if glue != "is" else found
    if glue in _FIRM_GLUE and len(rest) > 5 and found < 1_000_000:
        return min(found, _COMMON - 1)
    # Endings of one word as well as words: effector, relaxin, operon, vaginalis.
    if not glue_first and glue in _WORD_ENDS and not (found < _FREQUENT or _FIRM_RE.search(rest)):
        return 1_000_000
    return found if found < _COMMON else 1_000_000


def _halves(word: str, depth: int) -> list[str] | None:
    """`word` cut into known words of which all but one are glue, or None; the best known word wins."""
    best: tuple[int, list[str]] | None = None
    for cut in range(1, len(word)):
        left, right = word[:cut], word[cut:]
        for glue, rest, first in ((left, right, True), (right, left, False)):
            if glue not in _GLUE or (not first and glue in _NEVER_LAST):
                continue
            found = 0 if rest in _GLUE and len(rest) > 1 else _rest_rank(rest, glue, first)
            if first and glue in _OPENERS and len(rest) > 6 and found >= _COMMON and is_plausible(rest):
                found = _COMMON
            parts = [rest] if found < 1_000_000 and not depth else None
            if depth and len(glue) > 1 and len(rest) > 4 and not is_word(rest) and not is_plausible(rest):
                parts = _halves(rest, depth - 1)
                found = max((rank(p) for p in parts), default=0) if parts else found
                if found >= _FREQUENT:
                    parts = None
            if parts is not None and (best is None or found < best[0]):
                best = (found, [glue, *parts] if first else [*parts, glue])
    return best[1] if best else None


def _content_halves(word: str) -> list[str] | None:
    """`word` cut into two common words of four letters or more, or None."""
    cuts = [(max(rank(word[:i]), rank(word[i:])), i) for i in range(4, len(word) - 3)]
    worst, cut = min(cuts, default=(1_000_000, 0))
    return [word[:cut], word[cut:]] if worst < (_TWO_COMMON if len(word) < 13 else _COMMON) else None


def _glue_and_halves(word: str) -> list[str] | None:
    """`word` cut into glue and two words (`theemittedphotons`, `energyeigenvaluesfor`), or None."""
    for glue in sorted(_GLUE, key=lambda g: (-len(g), g)):
        if len(glue) > 1 and word.startswith(glue) and (parts := _content_halves(word[len(glue) :])):
            return [glue, *parts]
        if (
            len(glue) > 1
            and glue not in _NEVER_LAST
            and word.endswith(glue)
            and (parts := _content_halves(word[: -len(glue)]))
        ):
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
    if is_plausible(lower) and not (lower.startswith("the") and rank(lower[3:]) < _TWO_COMMON):
        return word
    parts = _halves(lower, 0)
    if word.istitle() and not (parts and parts[0] in _OPENERS):
        return word  # a name, more likely
    if parts is None and len(word) > 7:
        parts = _content_halves(lower)
    if parts is None:
        parts = _halves(lower, 1)
    if parts is None and len(word) > 12:
        parts = _glue_and_halves(lower)
    if parts is None:
        return word
    return " ".join([parts[0].title() if word.istitle() else parts[0], *parts[1:]])


@lru_cache(maxsize=100_000)
def _mend_broken(left: str, right: str) -> str:
    whole = left + right
    ranks = rank(left), rank(right)
    if left.lower() in ("in", "an", "de", "com", "im", "out") and rank(whole) < _FREQUENT:
        return whole
    if left.lower() == "con" and is_word(whole):  # nothing but a broken word begins so
        return whole
    if is_word(whole) and (max(ranks) > 1_000_000 - 1 or rank(whole) < max(ranks) // 2) and left.lower() != "co":
        return whole
    return f"{left}-{right}"


# What stays glued after mending, and no name or symbol looks like: `ticketsFB`, `BothHClandNaOHare`.
_CASES_RE = re.compile(r"(?<![\w\\^_])(?:[a-z]{3,}[A-Z]|(?=\w{9})[A-Za-z]*[a-z][A-Z][a-z]*[a-z][A-Z]\w*[a-z]{2})\w*")
_FUSED_RE = re.compile(
    r"\b[A-Z]{2,}[a-z]{1,2}(?:is|are|of|and)\b|(?<![\\\w])[a-z]{5,}_(?=\w)|\b[A-Za-z]*[A-Z]{2,}[a-z]{4,}|\b[A-Z][a-z]{20,}"
)
_LEARNED_RE = re.compile(
    r"(?:hyper|hypo|phospho|dehydro|immuno|multi|hetero|counter|non|un|trans|tetra|tri|di|mono|poly|photo|thermo|"
    r"pseudo|glyco|hydro|acetyl|buckminster|metallo|"
    r"temporo|zygomatico|esophago|methyl|ethyl|chloro|fluoro|bromo|nitro|neuro|cardio|gastro|universal|inter|electro"
    r"|micro|radio)(?!.*(?:the|of|and|for|is)$)"
)
_LONG_RE = re.compile(r"(?<![\w\\^_'-])[a-z]{9,}(?![\w^_'-])")
_HEADED_RE = re.compile(r"(?<![\w\^_'-])[A-Z][a-z]{11,}(?![\w^_'-])")
_GLUED_RE = re.compile(
    r"(?:the(?![a-z]?[rmosn])|and(?!ro)|with|from|that|which|of(?!f))\w{5,}|\w{4,}(?:through|"
    r"which|where|ofthe|inthe|tothe|isthe|fromthe|andthe)\w{2,}|\w{6,}(?:ofthe|inthe|isthe|andthe|forthe)$|\w{17,}"
)


@lru_cache(maxsize=20_000)
def _is_run(word: str) -> bool:
    """True where a long unknown word is a run of common words, which nobody can be sure to cut in the right places."""
    import wordninja

    parts = wordninja.split(word)
    return (
        len(word) > 11
        and len(parts) > 1
        and all(p in _GLUE or (len(p) > 2 and rank(p) < _COMMON) for p in parts if p != "a")
    )


def garbled(text: str) -> str:
    """A word of `text` that extraction garbled beyond mending; "" where there is none."""
    if found := _CASES_RE.search(text) or _FUSED_RE.search(text):
        return found[0]
    for word in _HEADED_RE.findall(text):
        if not is_word(word) and not is_plausible(word.lower()) and _is_run(word.lower()):
            return str(word)
    for word in _LONG_RE.findall(text):
        if is_word(word) or is_plausible(word):
            continue
        if (_GLUED_RE.match(word) and not word.endswith("ly") and not _LEARNED_RE.match(word)) or _is_run(word):
            return str(word)
    return ""


def mend(text: str) -> str:
    """`text` with glued words apart and words broken at a line's end whole again, as far as the lexicon knows."""
    text = _BROKEN_RE.sub(lambda m: _mend_broken(m[1], m[2]), text)
    return _WORD_RE.sub(lambda m: _unglue_word(m[0]), text)
