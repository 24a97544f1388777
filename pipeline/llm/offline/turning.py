"""A wh-question turned round: 'how many clips did she sell' into 'she sold {} clips'."""

import re
from typing import NamedTuple

from pipeline.llm.offline import grammar
from pipeline.llm.offline.grammar import word_set

SLOT = "{}"


class Turned(NamedTuple):
    """`indirect` goes after 'can you tell me'; `claim` has SLOT for the answer; `counted` is what 'how many' counts.

    Each is "" where it is not known.
    """

    indirect: str = ""
    claim: str = ""
    counted: str = ""


def turn_round(ask: str) -> Turned:
    """A wh-question without its '?'."""
    words = ask.split()
    if 3 <= len(words) <= 30:
        for rule in (
            _how_many,
            _how_measure,
            _when,
            _what_is,
            _which_one,
            _who,
            _after_preposition,
            _which_noun,
            _with_do,
        ):
            found = rule(words)
            if found:
                return found
    return Turned()


def _how_many(words: list[str]) -> Turned | None:
    """'How many clips did Natalia sell in May': 'Natalia sold {} clips in May'."""
    if [w.casefold() for w in words[:2]] not in (["how", "many"], ["how", "much"]):
        return None
    how, much = " ".join(words[:2]).lower(), words[1].casefold() == "much"
    split = next((i for i, w in enumerate(words) if i > 1 and w in grammar.AUXILIARIES), None)
    if split is None:
        return _counted_subject(words, much)
    thing, aux, rest = words[2:split], words[split], words[split + 1 :]
    if any(w in ("who", "that", "which", "whose", "if", "when") or w.endswith(",") for w in thing):
        return None
    noun = " ".join(thing)
    amount = _amount(noun, much)
    moved = _uninvert(aux, rest, amount) if amount else None
    if not moved:
        return Turned(counted=noun)
    if noun == "times":
        return Turned(f"{how} times {moved[0]}", f"{grammar.capitalise(moved[0])} {SLOT} times.", noun)
    return Turned(f"{how} {noun} {moved[0]}".replace("  ", " "), moved[1], noun)


def _amount(noun: str, much: bool) -> str:
    """Room for the answer with what it counts: 'clips' to '{} clips', 'more money' to '{} more'."""
    if not much:
        return f"{SLOT} {noun}" if noun else SLOT
    if noun in ("", "money", "time"):
        return SLOT
    if re.fullmatch(r"(?:more|less)(?: money| time)?", noun):
        return f"{SLOT} {noun.split()[0]}"
    return f"{SLOT} in {noun}" if noun in ("profit", "change", "interest", "savings", "tips", "taxes") else ""


def _counted_subject(words: list[str], much: bool) -> Turned | None:
    """'How many people like tea': 'forty people like tea'."""
    if much or any(w in ("who", "that", "which") or w.endswith(",") for w in words):
        return None
    rest = " ".join(words[2:])
    return Turned(f"how many {rest}", f"{SLOT} {rest}.", words[2])


def _uninvert(aux: str, rest: list[str], amount: str) -> tuple[str, str] | None:
    """(subject, verb and what follows; the same as a sentence with the amount behind the verb)."""
    if not rest:
        return None
    subjectless = rest[0] in ("not", "be", "have") or (aux in ("has", "have", "had") and rest[0] in ("been", "already"))
    if subjectless:
        return f"{aux} {' '.join(rest)}", f"{amount} {aux} {' '.join(rest)}."
    if aux in ("is", "are", "was", "were"):
        return _uninvert_be(aux, rest, amount)
    owned = aux in ("have", "has", "had") and rest[0] not in _BE_SUBJECT | _POINTERS and not rest[0][0].isupper()
    if owned and grammar.find_verb(rest, grammar.participles()) is None:
        return f"{aux} {' '.join(rest)}", f"{amount} {aux} {' '.join(rest)}."
    perfect = aux in ("has", "have", "had")
    at = grammar.find_verb(rest, grammar.participles() if perfect else None)
    if at is None:
        return None
    plain = aux in ("do", "does", "did")
    head = [*rest[:at], grammar.inflect(rest[at], aux)] if plain else [*rest[:at], aux, rest[at]]
    return _place(head, rest[at], rest[at + 1 :], amount)


_POINTERS = word_set("the his her their its each your my this that these those a an")
_TAKES_TO = word_set("need have want plan expect get like try manage going")
_PARTICLES = word_set("up out back off down away him her them me you it")


def _place(head: list[str], verb: str, after: list[str], amount: str) -> tuple[str, str] | None:
    """The amount behind the verb, its infinitive, its particle or its dative."""
    whole = " ".join([*head, *after])
    if verb == "be" and after[:2] == ["able", "to"]:
        head, after, verb = head + after[:2], after[2:], "need"
        if after and grammar.is_verb(after[0]):
            head, after = [*head, after[0]], after[1:]
    while verb in _TAKES_TO and len(after) > 1 and after[0] == "to" and grammar.is_verb(after[1]):
        head, verb, after = head + after[:2], after[1], after[2:]
    if (
        after
        and after[0] in _PARTICLES
        and (verb not in ("take", "cost") or after[0] in ("him", "her", "them", "you", "me", "it"))
    ):
        head, after = [*head, after[0]], after[1:]
    if after and after[0].endswith("ing") and len(after[0]) > 5:
        head, after = [*head, after[0]], after[1:]
        if after and after[0] in _DATIVES:
            head, after = [*head, after[0]], after[1:]
    if (verb != "take" and after[:1] and after[0] in ("to", "be", "not")) or (verb == "be" and after[:1] == ["for"]):
        return None
    if verb == "be" and after and after[0] in grammar.participles():
        return None
    if after and after[-1] in grammar.PREPOSITIONS | {"worth"}:
        if len(after) > 1:
            return None
        return whole, grammar.capitalise(f"{' '.join(head)} {after[0]} {amount}.")
    return whole, grammar.capitalise(f"{' '.join(head)} {amount} {' '.join(after)}".rstrip() + ".")


_DATIVES = word_set("him her them me you it")
_BE_SUBJECT = word_set("he she they it you we")
_AFTER_BE = word_set("left not in on at needed remaining over still more less under from")


def _uninvert_be(aux: str, rest: list[str], amount: str) -> tuple[str, str] | None:
    first, tail = rest[0], " ".join(rest[1:])
    if first == "there":
        return f"there {aux} {tail}".strip(), f"There {aux} {amount} {tail}".rstrip() + "."
    if len(rest) > 1 and rest[1].endswith("ing") and (first[0].isupper() or first in _BE_SUBJECT):
        tail = " ".join(rest[2:])
        if (tail.split()[-1:] and tail.split()[-1] in grammar.PREPOSITIONS) or tail.startswith("to "):
            return None
        claim = grammar.capitalise(f"{first} {aux} {rest[1]} {amount} {tail}".rstrip())
        return f"{first} {aux} {rest[1]} {tail}".strip(), claim + "."
    owned = first in ("the", "his", "her", "their", "its", "each", "your", "my") or first.endswith("'s")
    if amount == SLOT and owned and not any(w in ("if", "when", "after", "in") for w in rest):
        return f"{' '.join(rest)} {aux}", grammar.capitalise(f"{' '.join(rest)} {aux} {SLOT}.")
    if first in _AFTER_BE or first in grammar.participles():
        return f"{aux} {' '.join(rest)}", f"{amount} {aux} {' '.join(rest)}."
    return None


_MEASURES = {"old": "old", "tall": "tall", "long": "long", "far": "", "wide": "wide", "deep": "deep", "high": "high"}
_MOVED = frozenset(("did", "does", "do", "will", "would", "can", "could"))


def _how_measure(words: list[str]) -> Turned | None:
    """'How old will Bob be in May': 'Bob will be {} old in May' (the answer brings its unit)."""
    if words[0].casefold() != "how" or words[1] not in _MEASURES or len(words) < 4:
        return None
    kind, aux, rest = words[1], words[2], words[3:]
    amount = f"{SLOT} {_MEASURES[kind]}".strip()
    if aux in ("is", "was", "are", "were"):
        ending = 1 if rest[-1] in ("now", "today", "currently") else 0
        subject = rest[: len(rest) - ending]
        if len(subject) > 3 or any(w in grammar.PREPOSITIONS or w == "if" for w in subject):
            return None
        who, tail = " ".join(subject), " ".join(rest[len(subject) :])
        claim = f"{who} {aux} {tail} {amount}.".replace("  ", " ")
        return Turned(f"how {kind} {who} {aux} {tail}".strip(), grammar.capitalise(claim), kind)
    if aux in ("will", "would") and "be" in rest[1:4]:
        at = rest.index("be")
        subject_, after = " ".join(rest[:at]), " ".join(rest[at + 1 :])
        claim = grammar.capitalise(f"{subject_} {aux} be {amount} {after}".strip() + ".")
        return Turned(f"how {kind} {subject_} {aux} be {after}".strip(), claim, kind)
    if kind in ("long", "far") and aux in _MOVED:
        moved = _uninvert(aux, rest, SLOT)
        return Turned(f"how {kind} {moved[0]}", moved[1], "") if moved else None
    return None


def _when(words: list[str]) -> Turned | None:
    """'When was Bach born': 'Bach was born in {}' (the answer is a year)."""
    if words[0].casefold() not in ("when", "where") or words[1] not in ("was", "were") or len(words) > 14:
        return None
    *subject, participle = words[2:]
    if not subject or participle not in grammar.participles() | {"born", "founded", "discovered", "invented"}:
        return None
    who = " ".join(subject)
    claim = f"{who} {words[1]} {participle} in {SLOT}."
    return Turned(f"{words[0].lower()} {who} {words[1]} {participle}", grammar.capitalise(claim), "in")


_SUBORDINATE = re.compile(
    r"\b(?:if|when|given|assuming|and what|and how|doing|because|after|like|that|is|are|was|were)\b"
)
_OWNED = re.compile(r"(?:the|a|an|his|her|their|its|your|my|this|that|each|[a-z]+'s)\b")


def _what_is(words: list[str]) -> Turned | None:
    """'What is the name of it': 'the name of it is {}'."""
    first = words[0].casefold()
    short = first in ("what's", "whats")
    aux = "is" if short else words[1].casefold()
    if first not in ("what", "what's", "whats", "who", "where") or aux not in ("is", "are", "was", "were"):
        return None
    rest = words[1:] if short else words[2:]
    subject = " ".join(rest)
    if not _OWNED.match(subject.casefold()):
        return None
    asker = "what" if short else first
    called = re.match(r"^(.*?)\s(called|known as|termed|referred to as)$", subject)
    if called:
        claim = grammar.capitalise(f"{called[1]} {aux} {called[2]} {SLOT}.")
        return Turned(f"what {called[1]} {aux} {called[2]}", claim)
    if "," in subject or _SUBORDINATE.search(subject.casefold()) or " and its " in subject:
        return None
    last = rest[-1].casefold()
    if last in grammar.PREPOSITIONS or last in grammar.participles() | {"born"} or (asker != "what" and len(rest) > 8):
        return None
    return Turned(f"{asker} {subject} {aux}", grammar.capitalise(f"{subject} {aux} {SLOT}."))


_SUBJECT_STARTS = word_set("a an the his her their its this that these those he she it they you we one")
_OF_THESE = re.compile(r"^(?:which|what)(?: one)? of (?:the following|these)\s+(?P<rest>.+)$", re.I)


def _which_one(words: list[str]) -> Turned | None:
    """'Which of these mammals lays eggs': 'the one that lays eggs is {}'."""
    found = _OF_THESE.match(" ".join(words))
    if not found:
        return None
    rest = found["rest"].split()
    verbs = grammar.singular_verbs()
    for index, word in enumerate(rest[:8]):
        follows_verb = index + 1 < len(rest) and rest[index + 1] in verbs
        asks = word in grammar.AUXILIARIES and word not in ("is", "was", "has")
        if asks and rest[index + 1 : index + 2] and rest[index + 1] in _SUBJECT_STARTS:
            return None
        if (
            index
            and word in ("would", "can", "could", "may", "should", "will", "did", "had")
            and not rest[index - 1].endswith("s")
        ):
            return None
        if word in verbs and not (follows_verb and word.endswith("s") and word not in grammar.AUXILIARIES):
            if index and not rest[index - 1].endswith(("s", "y", "n", "a")):
                return None
            if word == "is" and rest[index + 1 : index + 2] == ["the"] and len(rest) - index < 14:
                return Turned("", f"{grammar.capitalise(' '.join(rest[index + 1 :]))} is {SLOT}.", "one")
            return Turned("", f"The one that {' '.join(rest[index:])} is {SLOT}.", "one")
        if word in ("best", "most", "least", "not") and index + 1 < len(rest) and rest[index + 1] in verbs:
            return Turned("", f"The one that {' '.join(rest[index:])} is {SLOT}.", "one")
    return None


def _who(words: list[str]) -> Turned | None:
    """'Who wrote Hamlet': '{} wrote Hamlet'."""
    if words[0].casefold() == "who" and words[1] in grammar.finite_forms() - grammar.AUXILIARIES and len(words) <= 16:
        rest = " ".join(words[1:])
        return Turned(f"who {rest}", f"{SLOT} {rest}.")
    return None


def _after_preposition(words: list[str]) -> Turned | None:
    """'In which year did it end': 'it ended in {}'."""
    preposition = words[0].casefold()
    if preposition not in grammar.PREPOSITIONS or words[1] not in ("what", "which") or len(words) > 18:
        return None
    split = next((i for i, w in enumerate(words[:8]) if i > 1 and w in grammar.AUXILIARIES), None)
    if split is None or split + 1 >= len(words):
        return None
    moved = _moved(words[split], words[split + 1 :])
    claim = grammar.capitalise(f"{moved} {preposition} {SLOT}.")
    return Turned(f"{' '.join(words[:split]).lower()} {moved}", claim, "in") if moved else None


def _moved(aux: str, rest: list[str]) -> str:
    """The words after a wh-phrase in the order of a statement, or ""."""
    if aux in ("is", "are", "was", "were", "has", "have", "had"):
        at = grammar.find_verb(rest, grammar.participles())
        return " ".join([*rest[:at], aux, *rest[at:]]) if at else ""
    at = grammar.find_verb(rest)
    if at is None:
        return ""
    verb = [grammar.inflect(rest[at], aux)] if aux in ("do", "does", "did") else [aux, rest[at]]
    return " ".join([*rest[:at], *verb, *rest[at + 1 :]])


_HOW_WELL = word_set("best most least correctly accurately also always never not then usually")
_BE_OPENERS = word_set("responsible used known associated likely involved most best required needed characterized")


def _which_noun(words: list[str]) -> Turned | None:
    """'Which organ produces insulin': 'the organ that produces insulin is {}'."""
    if words[0].casefold() not in ("which", "what") or words[1] in (
        grammar.AUXILIARIES | {"of", "kind", "type", "one"}
    ):
        return None
    verbs = grammar.singular_verbs()
    at = next((i for i, w in enumerate(words[:6]) if i > 1 and w in verbs), None)
    if at is None or words[at - 1].endswith(("s", ",")) or any(w.endswith(",") for w in words) or at + 1 >= len(words):
        return None
    noun, verb, rest = " ".join(words[1:at]), words[at], words[at + 1 :]
    if " of " in noun and verb not in grammar.AUXILIARIES:
        return None  # 'which percentage of the votes were': a plural noun that is a verb elsewhere
    if words[1].casefold() in _HOW_WELL or words[at - 1].casefold() in _HOW_WELL:
        # 'Which best represents it': the adverb is no noun.
        if words[1].casefold() not in _HOW_WELL or verb in grammar.AUXILIARIES:
            return None
        return Turned("", f"The one that {' '.join(words[1:])} is {SLOT}.", "one")
    if verb in ("does", "did"):
        moved = _moved(verb, rest)
        return Turned(f"which {noun} {moved}", f"The {noun} that {moved} is {SLOT}.") if moved else None
    if verb in grammar.AUXILIARIES:
        superlative = rest[0] == "the" and len(rest) > 1 and rest[1] in ("most", "best", "only", "main", "least")
        if verb not in ("is", "was", "has", "can") or (
            verb in ("is", "was") and not (rest[0] in _BE_OPENERS or superlative)
        ):
            return None
    tail = " ".join(words[at:])
    return Turned(f"which {noun} {tail}", f"The {noun} that {tail} is {SLOT}.")


def _with_do(words: list[str]) -> Turned | None:
    """'What does a firm maximize': 'what a firm maximizes is {}'."""
    if words[0].casefold() != "what" or words[1] not in ("does", "did", "do") or len(words) > 14:
        return None
    moved = _moved(words[1], words[2:])
    if not moved or "," in moved or re.search(r"\b(?:do|does|did|mean|means|meant|tell|tells|say|says)\b", moved):
        return None
    return Turned(f"what {moved}", f"What {moved} is {SLOT}.")
