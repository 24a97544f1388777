"""Yes and no as they are said in English: that something is so, by yes, true, right; that it is not, by no, false, not
true."""

# ruff: noqa: SIM905 - lists of words read better as text.

from functools import lru_cache

from kame_data.text.claims import DENIED, Said
from kame_data.text.function_words import function_words

_YES = frozenset("yes yeah yep yup true correct right".split())
_NO = frozenset("no nope nah false incorrect untrue wrong".split())
# Of these any place in a sentence is a yes or no; the others are also words for things and ways.
_ALWAYS = frozenset("yes yeah yep yup nope nah untrue".split())
_ALONE = frozenset("indeed certainly absolutely definitely exactly".split())
_ANSWERS = {"yes": True, "true": True, "correct": True, "right": True, "no": False, "false": False, "not true": False,
            "incorrect": False, "wrong": False, "not correct": False, "not right": False, "untrue": False}  # fmt: skip
# 'No' is an answer where a clause ends behind it, or goes on with one of these.
_AFTER_NO = frozenset(
    "it it's that that's this this's they they're he he's she she's we we're i i'm you you're there there's the not "
    "because since as sir wait".split()
)
# A word like 'true' says so behind these, or where a clause begins with it.
_BEFORE = frozenset(
    "is isn't was wasn't be are aren't it's that's answer statement claim says say so both also simply just quite "
    "really not never actually certainly entirely completely perfectly indeed as still considered equally remains "
    "definitely always necessarily be been".split()
)


def polarity_of(answer: str) -> bool | None:
    """True for an answer that is yes, False for one that is no; None for any other."""
    said = Said(answer, "en").clauses
    return _ANSWERS.get(" ".join(said[0])) if len(said) == 1 else None


@lru_cache(maxsize=4096)
def polarities(text: str) -> tuple[bool, ...]:
    """Each yes (True) and no (False) that a text says, in order; none in what it asks."""
    said, found = Said(text, "en"), []
    for number, words in enumerate(said.clauses):
        if said.stops[number] != "?" or len(words) == 1:
            found += [value for at in range(len(words)) if (value := _value_at(said, number, at)) is not None]
    return tuple(found)


def _value_at(said: Said, clause: int, at: int) -> bool | None:
    words = said.clauses[clause]
    word, before, after = words[at], words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    if words == [word] and word in _ALONE:
        return True
    if (word not in _YES and word not in _NO) or "or" in (before, after) or before == "whether":
        return None
    if word == "no":
        return False if not after or after in _AFTER_NO else None
    if word not in _ALWAYS and (
        (before and before not in _BEFORE) or (not before and after and after not in function_words())
    ):
        return None
    if word == "right" and (after or not before):
        return None if after else True
    return (word in _YES) != (said.sense(clause, at, at + 1) == DENIED)
