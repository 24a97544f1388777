"""Spoken choices: which are offered, how they read aloud."""

import random
import re
from dataclasses import dataclass

from pipeline.errors import Refusal
from pipeline.llm.offline import grammar
from pipeline.llm.offline.grammar import word_set
from pipeline.llm.offline.stems import _SHOUTED
from pipeline.text.numerals import number_of
from pipeline.text.spoken import is_spoken, say

MAX_WORDS = 24
SHORT = 12
_REFERS = re.compile(
    r"\b(?:all|none|both|neither|any|some|two|either|more than one|each)\b(?: \w+)?(?: of)? (?:the |"
    r"these |those )?(?:above|options?|choices?|answers?|these|preceding|previous|other|following|"
    r"listed|mentioned)\b"
    r"|\b(?:all|none|both|neither)(?: of)?(?: the)? (?:above|these|them|others?)\b|^(?:all|none|both|neither)\.?$"
    r"|^(?:both |neither )?\(?(?:[a-f]|[ivx]+|\d)\)? (?:and|or|&|nor) \(?(?:[a-f]|[ivx]+|"
    r"\d)\)?(?: only)?\.?$|^(?:[ivx]+|[a-f])(?:,? (?:and )?(?:[ivx]+|[a-f]))*(?: only)?$"
    r"|\b(?:options?|choices?|statements?) (?:[a-f]|[ivx]+|one|two|three)\b",
    re.I,
)
_ALL = re.compile(
    r"^(?:all|each) of (?:the |these |those )?(?:above|options?|choices?|these|following|them|"
    r"answers?)(?: are (?:correct|true))?\.?$",
    re.I,
)
_PROPER = word_set(
    """texas california florida ohio virginia georgia michigan illinois pennsylvania massachusetts arizona
    nevada oregon colorado alaska hawaii louisiana alabama mississippi tennessee kentucky missouri kansas
    nebraska iowa wisconsin minnesota maryland delaware connecticut vermont maine utah taiwan ukraine
    vienna madrid athens istanbul constantinople babylon mesopotamia persia persian ottoman byzantine
    sumerian assyrian hebrew jewish christian catholic protestant buddhist hindu swedish dutch polish
    portuguese turkish egyptian korean vietnamese nixon reagan carter obama trump biden clinton bush
    monday tuesday wednesday thursday friday saturday sunday january february march april june july
    august september october november december christmas easter earth mars venus jupiter saturn neptune
    uranus mercury sun europe asia africa america australia antarctica england britain france germany
    italy spain russia china india japan canada mexico brazil egypt greece rome turkey iran iraq israel
    ireland scotland wales poland sweden norway denmark finland portugal austria hungary switzerland
    belgium netherlands argentina chile peru cuba vietnam korea thailand indonesia pakistan nigeria
    kenya ghana congo ethiopia sudan libya algeria morocco syria jordan lebanon london paris berlin
    moscow beijing tokyo american british english french german italian spanish russian chinese indian
    japanese canadian mexican european asian african greek roman latin arab arabic islamic muslim
    christian catholic protestant jewish hindu buddhist jesus god confucian marxist freudian darwinian
    newtonian keynesian aristotelian kantian cartesian platonic gaussian bayesian boolean euclidean
    poisson bernoulli fourier laplace euler newton einstein darwin freud jung piaget skinner pavlov
    bandura erikson maslow rogers adler watson thorndike kohlberg vygotsky wundt james marx weber
    durkheim kant hume locke hobbes plato aristotle socrates nietzsche mill bentham rawls singer
    descartes spinoza leibniz hegel aquinas augustine rousseau voltaire machiavelli montesquieu smith
    keynes friedman ricardo malthus lincoln washington jefferson roosevelt kennedy nixon reagan truman
    eisenhower wilson churchill hitler stalin lenin mao gandhi napoleon caesar alexander republican
    democrat congress parliament senate maya aztec inca viking bible quran torah internet wi-fi linux
    windows python java unix google microsoft apple facebook amazon twitter atlantic pacific arctic
    mediterranean caribbean alps himalayas sahara nile amazonian shakespeare dante homer virgil mozart
    beethoven bach picasso michelangelo leonardo bohr heisenberg schrodinger planck faraday maxwell ohm
    kepler galileo copernicus hubble doppler hooke boyle avogadro dalton rutherford curie lavoisier
    mendel watson crick pasteur lamarck austin hart kelsen dworkin savigny pound laski holmes blackstone
    coke grotius"""
)
_MANGLED = re.compile(r"^\d{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)$")
_ALWAYS_SMALL = word_set(
    "the a an it he she they this that these those there his her its their all no both when if to by"
)
# Name-like heads that English puts an article before.
_WITH_THE = re.compile(
    r"^(?:[A-Za-z-]+ ){1,3}(?:effect|principle|theorem|hypothesis|paradox|amendment|clause|cycle|"
    r"equation|fallacy|doctrine|method|test|law|model|theory)$"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """The choices spoken for one variant, in spoken order, and how they are put."""

    choices: tuple[str, ...]
    text: str


_FOR_NAMES = re.compile(
    r"\b(?:who|whom|whose|named|names?\b|regions?|pope|"
    r"which people|cit(?:y|ies)|countr(?:y|ies)|islands?|rivers?|kings?|queens?|"
    r"presidents?|authors?|emperors?|planets?|gods?|goddess|philosophers?|composers?|painters?|artists?|dynast(?:y|ies)|"
    r"civilizations?|sites?|kingdoms?|wars?|states?|nations?|novels?|books?|writers?|poets?|religions?|where)\b",
    re.I,
)


def asks_for_names(stem: str) -> bool:
    """Whether what is asked for is likely a name, so that its capital stays."""
    return bool(_FOR_NAMES.search(stem.strip().rsplit(". ", 1)[-1]))


_FOR_YEAR = re.compile(
    r"\b(?:when (?:was|were|did|is|does|do)|(?:what|which|the|in) (?:\w+ )?(?:year|date|years)\b|year "
    r"(?:in which|of|did|was|were|is)|(?:was|were) born|century)\b",
    re.I,
)


def asks_for_year(stem: str) -> bool:
    """Whether a year or a date is asked for, so that four digits are said as one."""
    last = stem.strip().rsplit(". ", 1)[-1]
    return bool(_FOR_YEAR.search(last)) and not re.search(r"\bhow (?:many|much|long)\b", last, re.I)


def say_choice(
    choice: str, siblings: tuple[str, ...], language: str = "en", *, names: bool = False, year: bool = False
) -> str:
    """One choice in spoken words, without a closing mark, its first letter small unless it is a name's.

    `names` is whether a name is asked for, `year` whether a year is. Raises Refusal where it cannot be said.
    """
    raw = re.sub(r"\s+", " ", choice).strip().strip("\"'“”").strip()
    raw = re.sub(r"^(?:\(?[a-hA-H1-9]\)|[1-9]\.)\s+", "", raw)
    raw = _SHOUTED.sub(lambda m: m.group(0).lower(), raw)
    if raw.isupper() and re.search(r"[A-Z]{4}", raw) and " " in raw and not re.search(r"\d", raw):
        raw = raw.lower()
    raw = re.sub(r"(?<![\d.])\.(?=\d)", "0.", raw)
    raw = re.sub(r"^(\$?\d[\d,]{3,})\.0+$", r"\1", raw)
    if _MANGLED.search(raw):
        raise Refusal("bad_choice", f"'{raw}' was a fraction before a spreadsheet made a date of it")
    if year and re.fullmatch(r"(?:1[0-9]|20)\d\d\.?", raw):
        return say(f"In {raw}", language).removeprefix("In ").strip(" .")
    said = say(raw, language).strip().rstrip(".;,: ")
    if not said or is_spoken(said):
        raise Refusal("unspeakable_choice", choice[:60])
    return decapitalise(said, siblings, names=names)


def decapitalise(said: str, siblings: tuple[str, ...], *, names: bool = False) -> str:
    """The first letter small, unless the word is (or looks like) a name or an acronym."""
    words = said.split()
    first = words[0].strip(",;:.")
    if first == "I" or first.startswith("I'") or not first[:1].isupper() or any(c.isupper() for c in first[1:]):
        return said
    if re.sub(r"['’]s?$", "", first).casefold() in _PROPER or (re.search(r"[^s]['’]s$", first) and len(words) > 1):
        return said
    if len(words) > 2 and words[1] == "and" and words[2][:1].isupper():
        return said
    if len(first) == 1 and first != "A":
        return said
    if first.casefold() in _ALWAYS_SMALL:
        return " ".join(map(_small, words)) if _is_title(words) else said[:1].lower() + said[1:]
    if names and all(s[:1].isupper() and len(s.split()) < 4 for s in siblings):
        return said
    if len(words) > 1 and len(words[1].strip(",")) > 1 and words[1][:1].isupper() and not words[1][1:2].isupper():
        if _OPENS_PHRASE.search(first) and words[1].strip(",").casefold() in _PROPER:
            return said[:1].lower() + said[1:]
        title = all(w[:1].isupper() or w in ("of", "the", "and", "to", "in", "for", "a") for w in words)
        others = [s.split() for s in siblings if len(s.split()) > 1]
        if title and sum(all(w[:1].isupper() or len(w) < 4 for w in o) for o in others) > 0.7 * len(others):
            return said if _looks_like_name(words) else said.lower()
        return said
    if len(words) == 1 and sum(s[:1].islower() for s in siblings) > 0.7 * (len(siblings) - 1) > 1:
        return said
    return said[:1].lower() + said[1:]


_OPENS_PHRASE = re.compile(r"(?:ing|ed|ly|ment|tion|ity|er)$|^(?:Most|Some|Many|More|Less|Fewer|Other|All)$")


def _is_title(words: list[str]) -> bool:
    """Whether it is a heading that begins with an article: 'The Impact of the Great Economic Crisis'."""
    content = [w for w in words if w.casefold() not in _LINKS]
    return len(content) > 3 and len(words) > 5 and all(w[:1].isupper() for w in content)


_LINKS = word_set("the a an of and or in on for to by with from at as")


def _small(word: str) -> str:
    return word if word.strip(",;'s").casefold() in _PROPER or word[1:2].isupper() else word.lower()


def _looks_like_name(words: list[str]) -> bool:
    """Two or three capitalised words that are not words of a phrase ('George Washington', 'New Deal')."""
    return len(words) <= 3 and not any(
        w.casefold().endswith(
            ("tion", "ment", "ity", "ing", "ism", "ness", "ics", "ogy", "al", "ive", "ic", "ed", "ence", "ance")
        )
        for w in words
    )


def is_all(choice: str) -> bool:
    """'All of the above'."""
    return bool(_ALL.match(choice.strip()))


def refers(choice: str) -> bool:
    """Whether a choice speaks of other choices, so that it means nothing by itself."""
    return bool(_REFERS.search(choice.strip()))


def is_clause(choice: str) -> bool:
    """Whether a choice is a whole sentence ('the firm earns a profit'), as far as one can tell by its words."""
    words = [w.strip(",;").casefold() for w in choice.split()]
    if len(words) < 3 or words[0].endswith("ing") or words[0] in _STARTS_NO_CLAUSE:
        return False
    for index, word in enumerate(words[1:18], start=1):
        before = words[index - 1]
        if word in _SUBORDINATORS:
            return False
        if before in _NO_VERB_AFTER or (
            index == len(words) - 1 and word not in ("occurs", "exists", "increases", "decreases")
        ):
            continue
        if word in grammar.AUXILIARIES or (word in grammar.clear_verbs() and words[0] in _SUBJECTS):
            return True
    return False


_STARTS_NO_CLAUSE = word_set(
    "to by in on at for from with when because if how what who whether that as of under through"
)
_SUBORDINATORS = word_set("that which who whose where when while if because whether how what whom although")
_NO_VERB_AFTER = word_set("to the a an of and by in or for with on as")
_SUBJECTS = word_set("the a an it they he she this there all no both people some most each his her its their")


def draw(draws: random.Random, right: str, others: list[str]) -> tuple[str, ...]:
    """Two to four choices in spoken order, the right one at a drawn place.

    Raises Refusal ('choices_too_long', 'choices').
    """
    length = len(right.split())
    if length > MAX_WORDS or re.search(r"[.?!] ", right):
        raise Refusal("choices_too_long", f"the right one has {length} words")
    limit = max(SHORT, min(MAX_WORDS, length + 6))
    pool = [c for c in others if len(c.split()) <= limit and not re.search(r"[.?!] ", c)]
    wanted = 1 if length > SHORT else draws.choice((1, 2, 2, 3)) if length <= 6 else draws.choice((1, 2))
    draws.shuffle(pool)
    chosen: list[str] = []
    for candidate in pool:
        if len(chosen) < wanted and all(_differ(candidate, taken) for taken in (right, *chosen)):
            chosen.append(candidate)
    if not chosen:
        raise Refusal("choices", "no wrong choice can be offered beside the right one")
    chosen.insert(draws.randrange(len(chosen) + 1), right)
    return tuple(chosen)


def _differ(one: str, other: str) -> bool:
    """Neither the same, nor part of the other, nor the same number."""
    words, more = set(re.findall(r"\w+", one.casefold())), set(re.findall(r"\w+", other.casefold()))
    if words <= more or more <= words:
        return False
    value = number_of(one)
    return value is None or value != number_of(other)


def with_article(choice: str) -> str:
    """'Doppler effect' to 'the Doppler effect'."""
    if _WITH_THE.match(choice) and not re.match(r"(?:the|a|an|his|her|\w+['’]s?) ", choice, re.I):
        return f"the {choice}"
    return choice
