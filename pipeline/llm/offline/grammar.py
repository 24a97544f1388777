"""The little English grammar that the offline writer needs: verb forms, subjects, capitals, lists."""

import re
from collections.abc import Sequence
from functools import cache


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_IRREGULAR = """
be was been|become became become|begin began begun|bend bent bent|bite bit bitten|blow blew blown|break broke broken|
bring brought brought|build built built|burn burned burned|buy bought bought|catch caught caught|choose chose chosen|
come came come|cost cost cost|cut cut cut|deal dealt dealt|dig dug dug|do did done|draw drew drawn|drink drank drunk|
drive drove driven|eat ate eaten|fall fell fallen|feed fed fed|feel felt felt|fight fought fought|find found found|
fit fit fit|fly flew flown|forget forgot forgotten|freeze froze frozen|get got gotten|give gave given|go went gone|
grow grew grown|have had had|hear heard heard|hide hid hidden|hit hit hit|hold held held|hurt hurt hurt|keep kept kept|
know knew known|lay laid laid|lead led led|learn learned learned|leave left left|lend lent lent|let let let|
lose lost lost|make made made|mean meant meant|meet met met|owe owed owed|pay paid paid|put put put|quit quit quit|
read read read|ride rode ridden|ring rang rung|rise rose risen|run ran run|say said said|see saw seen|sell sold sold|
send sent sent|set set set|sew sewed sewn|shake shook shaken|shoot shot shot|show showed shown|shrink shrank shrunk|
sing sang sung|sit sat sat|sleep slept slept|speak spoke spoken|spend spent spent|split split split|
spread spread spread|
stand stood stood|steal stole stolen|stick stuck stuck|swim swam swum|take took taken|teach taught taught|
tell told told|think thought thought|throw threw thrown|wear wore worn|win won won|write wrote written|
bet bet bet|bind bound bound|breed bred bred|shed shed shed|spin spun spun|swing swung swung|weave wove woven|
understand understood understood|wake woke woken|withdraw withdrew withdrawn|overeat overate overeaten
"""
_REGULAR = """
accept accumulate achieve add adopt allow answer appear apply argue arrange arrive ask assemble attend average bake
believe belong borrow call carry cause change charge check chew chop claim clean climb close collect combine compare
complete conclude consist consume contain contribute cook count cover crawl create cross cycle decide decorate
decrease deliver demand depend deposit describe destroy determine develop devote die differ discover discard
display distribute divide donate double download dye earn employ empty end enjoy enter equal estimate exceed
exchange exercise expect explain extend face fail fill finish fish fix fold follow form gain gather grade
graduate guess handle happen harvest hatch help hike identify improve include increase indicate inherit install
invest invite invent involve iron issue jog join jump kick kill knit last lift like list listen live load look love
lower mail maintain manage manufacture mark mix move mow multiply name need offer open operate order own pack paint
park pass pedal perform pick place plan plant play pluck polish post pour practice prepare present press prevent
produce propose prove provide pull purchase push raise reach realize receive recycle reduce refer refuse release
remain remember remove rent repair replace represent require rest result return save score serve share shift ship
shovel shower sign skate skip slice smoke solve sow sprint start state stay stop store stretch study suggest supply
support surpass swap sweep switch tend tip toss trade train transfer travel treat trim try turn type use visit wait
walk want wash waste watch water weigh wish work wrap yield jar print fire hire hand thread mine raise
bounce dance text record upload attract bag box breathe cash clear coach color conduct deduct
discount drain drop exhibit export finance fund groom host import knock land lack leak license limit measure melt mill
miss occupy oversee plow process program promise pump race rain refill refund relate rescue revise roll rub
sample shop smash snack spill spray stack stamp stock subtract suffer tour track unload unpack
vaccinate volunteer vote worry deny affirm grant admit dismiss sustain overrule advise inform refer recommend assess
examine evaluate consult obtain inject administer prescribe perform analyze monitor discuss encourage offer remind focus
implement assign assume calculate cite claim comply confront convert cooperate define demonstrate eliminate emphasize
ensure establish exclude expand express generate ignore investigate maximize minimize modify negotiate notify permit
predict preserve promote protect recognize reject rely report respond restrict reveal seek select shorten solve
specify stimulate strengthen submit terminate transmit undergo weaken enhance inhibit influence lengthen
"""
_DOUBLED = word_set(
    """chop drop jog submit transmit permit refer admit plan rub ship shop skip stop swap tip trim wrap bag
    jar knit pop hug clap"""
)
AUXILIARIES = word_set("do does did will would can could should must is are was were has have had might may")
_NOUN_BEFORE = word_set(
    """a an the of his her their its my your our each every all both and or per another other this that
    these those 's in on at for from with to by one two three first second third last next total whole
    entire new old single extra"""
)
_IS_NOUN_TOO = word_set("cost walk run drink work race play plant fish iron water box jar train park store order")
PREPOSITIONS = word_set("for in on with from of to at by into about up over through between than under per off out as")


@cache
def _forms() -> dict[str, tuple[str, str, str]]:
    """Base form to (third person, past, participle)."""
    forms: dict[str, tuple[str, str, str]] = {}
    for base in _REGULAR.split():
        if "_" in base:
            continue
        past = base + "d" if base.endswith("e") else base + "ed"
        if base in _DOUBLED:
            past = base + base[-1] + "ed"
        elif re.search(r"[^aeiou]y$", base):
            past = base[:-1] + "ied"
        forms[base] = (third_person(base), past, past)
    for row in _IRREGULAR.replace("\n", "").split("|"):
        base, past, participle = row.split()
        forms[base] = (third_person(base), past, participle)
    return forms


def third_person(base: str) -> str:
    """'carry' to 'carries'."""
    if base in ("have", "be"):
        return {"have": "has", "be": "is"}[base]
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ies"
    return base + ("es" if re.search(r"(s|x|z|ch|sh|o)$", base) else "s")


def is_verb(word: str) -> bool:
    """Whether the word is a base form that we know how to inflect."""
    return word in _forms()


@cache
def participles() -> frozenset[str]:
    """All past participles that we know."""
    return frozenset(p for _, _, p in _forms().values())


@cache
def finite_forms() -> frozenset[str]:
    """Third persons, pasts and auxiliaries: words that make a clause of what they stand in."""
    return AUXILIARIES.union(*((third, past) for third, past, _ in _forms().values())) - {"cost", "set", "cut", "put"}


@cache
def singular_verbs() -> frozenset[str]:
    """Verb forms that go with 'the one that'."""
    thirds = frozenset(third for third, _, _ in _forms().values())
    return (thirds | AUXILIARIES) - {"do", "have", "are", "were", "might", "had"}


@cache
def _kinds() -> dict[str, str]:
    kinds = dict.fromkeys(_forms(), "base")
    for third, past, _ in _forms().values():
        kinds.setdefault(past, "past")
        kinds[third] = "third"
    return kinds


def verb_kind(word: str) -> str:
    """'base', 'third' or 'past' where the word is a form that we know, else ""; 'put' and the like are 'base'."""
    return _kinds().get(word, "")


def inflect(base: str, auxiliary: str) -> str:
    """The verb without its do, does or did: ('sell', 'did') to 'sold'."""
    third, past, _ = _forms()[base]
    return {"did": past, "does": third}.get(auxiliary, base)


def find_verb(words: Sequence[str], known: frozenset[str] | None = None) -> int | None:
    """Where the verb stands in the words after an auxiliary: after a subject of one word or more.

    `known` are the forms to look for (base forms where None). None where no verb is found.
    """
    for index in range(1, min(len(words), 12)):
        word = words[index]
        previous = words[index - 1].casefold()
        if not (word in known if known is not None else is_verb(word)):
            continue
        if previous in _NOUN_BEFORE or previous.endswith(("'s", "s'")) or previous.endswith(","):
            continue
        if word in _IS_NOUN_TOO and any(is_verb(w) for w in words[index + 1 : index + 3]):
            continue
        return index
    return None


@cache
def clear_verbs() -> frozenset[str]:
    """Finite forms that are nothing else: no participles, no plurals of common nouns."""
    forms = _forms().values()
    return AUXILIARIES.union((t for t, _, _ in forms), (past for _, past, part in forms if past != part)) - _PLURALS


_PLURALS = word_set(
    """costs changes causes uses works results demands supplies prices returns sales needs claims charges
    forms states rates levels tests measures plans plants places parts points loans reports values
    interests effects limits controls increases decreases tastes thoughts views laws acts lives rents
    prints taxes shares stocks orders trades balances answers questions names numbers signs marks
    records profits losses funds lists watches boxes trains shows drinks walks runs races plays fishes
    ways stores stages calls travels pays rests saw found felt ground"""
)


@cache
def predicate_starts() -> frozenset[str]:
    """Words that begin what is said of something: 'can be treated', 'binds to oxygen'."""
    thirds = frozenset(t for t, _, _ in _forms().values()) - _PLURALS
    return thirds | word_set("is was has does can could will would should must may might cannot are were have")


def capitalise(text: str) -> str:
    """The first letter as a capital."""
    return text[:1].upper() + text[1:]


def join_or(items: Sequence[str], word: str = "or") -> str:
    """'a', 'a or b', 'a, b, or c'."""
    if len(items) < 3:
        comma = "," if any("," in i or f" {word} " in i or len(i.split()) > 5 for i in items) else ""
        return f"{comma} {word} ".join(items)
    return ", ".join(items[:-1]) + f", {word} {items[-1]}"


def sentences(text: str) -> list[str]:
    """Spoken text by sentence, each with its closing mark."""
    return [s for s in re.split(r"(?<=[.?!])\s+(?=[A-Z\"'])", text.strip()) if s]


def tidy(text: str) -> str:
    """Single spaces, no space before a mark, one closing mark, a capital after each."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([.,?!;:])", r"\1", text)
    text = re.sub(r"[,;:]+([.?!])", r"\1", text)
    text = re.sub(r"([.?!])[.?!,;:]+", r"\1", text)
    text = re.sub(r",\s*,", ",", text)
    return capitalise(re.sub(r"(?<=[.?!]\s)([a-z])", lambda m: m.group(1).upper(), text))
