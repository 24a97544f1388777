"""Level 0: a real guess, made of what was heard and nothing else, as sure of itself as a back end is told to be."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise

import yaml

from kame_data.offline.asking import OFFERS, TASKS, without_lead
from kame_data.offline.wording import closed, cut, number_words, quantities, sentences, upper
from kame_data.resources import bundled
from kame_data.text.answers import key
from kame_data.text.casing import lower
from kame_data.text.numerals import number_at
from kame_data.text.repairs import FILLERS
from kame_data.text.spoken import say

_SURE = ("It's {}.", "That's {}.", "The answer is {}.", "That would be {}.", "It should be {}.", "I'd say {}.")
_BARE = ("The answer is {}.", "I'd say {}.", "That would be: {}.", "My answer is {}.")
_FORMS = (
    (r"\bwhy\b|\b(?:reasons?|causes?)\b", ("Because of {}.", "It's because of {}.", "It comes from {}.")),
    (r"\bdiffer|\bdistin|\bcompar|\bcontrast", ("They differ in {}.", "The main difference is {}.")),
    (
        r"\b(?:happens?|effects? (?:of|on)|affect|what would be the result)\b",
        ("It goes up.", "It goes down.", "It stays the same.", "It gets less.", "There is more of it."),
    ),
    (
        r"\bstatements?\b|following (?:is|are) (?:not )?(?:\w+ )?(?:true|false|correct|incorrect)\b",
        ("It's the one about {}.", "That's the one about {}.", "I'd say the one about {}."),
    ),
    (r"\bhow\b", ("Through {}.", "Mostly through {}.", "By means of {}.", "That's done through {}.")),
    (r"^(?:describe|explain|discuss|define)|\bsignificance\b", ("It has to do with {}.", "Above all, it's {}.")),
)
"""How words answer a question that asks in such a way; another one is answered by the name of a thing."""
_OFFERS = tuple(offer.rstrip(":") for offer in OFFERS)
_OFFERING_RE = re.compile(
    r"^(?:and |so )?(?:is|are|was|were|would|do|does|did|can)\b(?: (?:it|that|they)(?: be)?\b)?", re.I
)
_LIST_RE = re.compile(r",?\s+or\s+|,\s+")
_TRUE_FALSE_RE = re.compile(r"\btrue or false\b", re.I)
_AUXILIARY = "is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|may|must"
_YES_NO_RE = re.compile(rf"^(?:and |so |but )?({_AUXILIARY})(?:n't)?\b ?(\w*)(?!.*\bor\b)", re.I)
_TOLD_YES_NO_RE = re.compile(rf"^(?:and |so |but )?(?:it ({_AUXILIARY})(?:n't)?|not|it)\b()", re.I)
_YEAR_RE = re.compile(r"\b(?:what|which) (?:year|century)|^when (?:was|did|were|is)\b", re.I)
_PART_RE = re.compile(r"\b(?:probability|fraction|chances?|odds)\b", re.I)
_PARTS = ("one half", "one third", "one quarter", "two thirds", "three quarters", "one tenth")
_COUNTS_RE = re.compile(r"\bhow (?:many|much|far|fast|old|tall|heavy)\b|\b(?:what|which) percent", re.I)
_COUNTED_RE = re.compile(r"\bhow many (?:more |fewer |different )?([a-z]+s|people|children|feet)\b", re.I)
_ASKING_RE = re.compile(
    r"(?:^|, )(?:and |so |then |in |of |for |by |to |from |at |on |about )?(what|which|who|whose|why|how|where|when|"
    r"define|describe|explain|discuss|calculate|compute|find|determine)\b",
    re.I,
)
_NAMED = {"who": "person", "whose": "person", "where": "place"}
# How a word problem begins.
_STORY_RE = re.compile(
    r"^(?:[A-Z][a-z]+(?:'s \w+)? (?:[a-z]+(?:s|ed)|and [A-Z]\w+|an?|can|just|had|made|bought|sold|got|took|went|"
    r"gave)\b|There (?:are|were|is) )"
)
_STEPS_RE = re.compile(r"\b(?:step|how did|work out|comes? before|before that)\b", re.I)
_TIMES = {"twice": 2, "three times": 3, "ten times": 10}
_STILL = 22
"""Words of an earlier answer that a guess says again, at the most."""
_OTHERWISE = 0.4
"""Share of guesses at a further question, of which little was heard, that are another number than the answer before."""
_SAME = ("The same as before. {}", "That stays as it was. {}")
ANYTHING = "anything"
"""The kind of answers that fit where a reason or a way is asked for, and nothing tells of what."""
_PLAIN = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 75, 100, 120, 200)
_YEARS = range(1750, 2000)
_MANY = (2, 3, 5)
"""So many numbers in what was heard are traits of a question."""


def guess(heard: str, context: str, draws: random.Random) -> str:
    """A sentence that answers what was heard of a question; `context`: the turns before it, a line each."""
    told = context.rpartition("assistant: ")[2] if "assistant: " in context else ""
    completing = any(task in heard for task in TASKS)
    heard = heard if told else without_lead(heard)
    asked = (sentences(heard) or [""])[-1]
    if choices := heard_choices(heard):
        return closed(draws.choice(_BARE).format(draws.choice(choices)))
    if _TRUE_FALSE_RE.search(heard):
        return draws.choice(("That's true.", "It's true.", "That's false.", "It's false."))
    if found := _YES_NO_RE.match(asked) or (_TOLD_YES_NO_RE.match(asked) if told else None):
        return _yes_or_no((found[1] or "is").lower(), found[2].lower(), draws)
    values = [value for _, _, value in quantities(heard)]
    if told:
        return _going_on(heard, told, values, draws)
    if _YEAR_RE.search(asked):
        return draws.choice(_SURE).format(say(f"In {draws.choice(_YEARS)}").removeprefix("In "))
    if draws.random() < 0.5 if not heard else not completing and of_number(heard):
        return draws.choice(_SURE).format(_amount(heard, asked, values, draws))
    return _words(heard, asked, draws)


def heard_choices(heard: str) -> list[str]:
    """The choices that were heard to their end; none where none was offered."""
    at, offer = max((heard.rfind(offer), offer) for offer in _OFFERS)
    if at >= 0:
        tail = heard[at + len(offer) :].removeprefix(" these")
        if tail.startswith("."):
            whole = [s.removeprefix("Or: ").rstrip(".?") for s in sentences(tail[1:]) if s.endswith((".", "?"))]
            return [lower(choice) for choice in whole]
        found = _LIST_RE.split(tail.strip(" :").rstrip(".?"))
        return [f.rstrip(",") for f in (found if tail.endswith((".", "?", ",")) else found[:-1]) if f]
    asked = (sentences(heard) or [""])[-1].rstrip(".?")
    offers = _OFFERING_RE.match(asked) or _ASKING_RE.search(asked)
    if ", " not in asked or " or " not in asked or not offers:
        return []
    found = [_OFFERING_RE.sub("", f).strip() for f in _LIST_RE.split(asked[offers.start() :])]
    found = found if heard.endswith((".", "?")) else found[:-1]
    return [f for f in found if 0 < len(f.split()) <= 6 and not _ASKING_RE.search(f)]


def _yes_or_no(auxiliary: str, subject: str, draws: random.Random) -> str:
    many = auxiliary in ("are", "were", "do", "have")
    subject = {"he": "he", "she": "she", "they": "they", "we": "you", "i": "you"}.get(subject, "they" if many else "it")
    no = {"can": "can't", "will": "won't"}.get(auxiliary, f"{auxiliary}n't")
    no = f"{auxiliary} not" if auxiliary == "may" else no
    return draws.choice((f"Yes, {subject} {auxiliary}.", f"No, {subject} {no}."))


def traits(heard: str) -> set[str]:
    """What words of a question may tell of its answer: each word and pair ("#" for a number), "?" with those of the
    last sentence, "#2" for two numbers or more, "^" with the first word, and by name: a `story` begins, something is
    asked (`asks`), a `quantity` is asked for, a number has a `unit`."""
    last = (sentences(heard) or [""])[-1]
    words, asked, asks = _marked(heard), _marked(last), _ASKING_RE.search(last)
    found = {f"#{count}" for count in _MANY if words.count("#") >= count} | {f"^{word}" for word in words[:1]}
    named: dict[str, object] = {
        "story": _STORY_RE.match(heard),
        "asks": asks,
        "quantity": asks and _quantity(last[asks.start() :]),
    }
    named["unit"] = any(one == "#" and other in _known().measured for one, other in pairwise(words))
    found |= {name for name, there in named.items() if there}
    return found.union(
        words, map(" ".join, pairwise(words)), (f"?{w}" for w in (*asked, *map(" ".join, pairwise(asked))))
    )


def _marked(text: str) -> list[str]:
    words, marked, at = key(text).split(), list[str](), 0
    while at < len(words):
        value, end = number_at(words, at)
        marked.append(words[at] if value is None else "#")
        at = max(end, at + 1)
    return marked


def of_number(heard: str) -> bool:
    """True where what was heard of a question speaks for a number as its answer more than for words."""
    if _COUNTS_RE.search((sentences(heard) or [""])[-1]):
        return True
    return _known().bias + sum(_known().number.get(trait, 0) for trait in traits(heard)) > 0


def _going_on(heard: str, told: str, values: Sequence[Fraction], draws: random.Random) -> str:
    """A guess at a further question: what was said before, a step of it, or what comes of its answer."""
    said = sentences(told)
    # Who waited behind a filler is not asked about that.
    first, *reason = said[1:] if len(said) > 1 and said[0] in FILLERS["en"] else said
    # A third has no words, nor has ten times a hundred billion.
    answers = [v for _, _, v in quantities(first) if all(number_words(v * n, first) for n in _TIMES.values())]
    values = [value for value in values if number_words(value)]
    if _STEPS_RE.search(heard) and reason:
        return draws.choice(reason)
    if answers and (times := next((n for word, n in _TIMES.items() if word in heard.casefold()), 0)):
        return draws.choice(_SURE).format(number_words(answers[0] * times, first))
    if answers and values:
        return draws.choice(_SURE).format(number_words(answers[0] + values[-1], first) or number_words(values[-1]))
    if answers and draws.random() < _OTHERWISE:
        return draws.choice(_SURE).format(number_words(answers[0] * draws.choice([*_TIMES.values()]), first))
    return draws.choice(_SAME).format(closed(cut(first.split(), _STILL)))


def _amount(heard: str, asked: str, values: Sequence[Fraction], draws: random.Random) -> str:
    """A number that may come of those that were heard, with the unit that is asked for."""
    if _PART_RE.search(asked):
        return draws.choice(_PARTS)
    unit = _unit(heard, asked)
    like = unit if unit == "dollars" else ""
    most = 100 if unit == "percent" else 10**6
    # What stands for a name or a place in a list is no amount.
    values = [value for value in values if value > 1]
    reckoned = [v for v in (_reckon(values, draws) for _ in range(6)) if v is not None and 1 < v < most]
    # A third of a cent has no words.
    made = [said for v in reckoned if (said := number_words(v, like))]
    said = made[0] if made else number_words(draws.choice([n for n in _PLAIN if n < most]), like)
    return said if like else f"{said} {unit}".strip()


def _unit(heard: str, asked: str) -> str:
    """What an amount is of: what is asked for; dollars where nothing is asked yet and dollars were heard."""
    if counted := _COUNTED_RE.search(asked):
        return counted[1].lower()
    words = key(heard)
    if not (asks := _ASKING_RE.search(asked)):
        return "dollars" if re.search(r"\bdollars\b", words) else ""
    some = _known().units.get(_quantity(asked[asks.start() :]), [""])
    return next((unit for unit in some if unit and re.search(rf"\b{unit}\b", words)), some[0])


def _quantity(asked: str) -> str:
    """The words for a quantity that stand first in what is asked; "" for none."""
    wanted = key(asked)
    places = {cue: found.start() for cue in _known().units if (found := re.search(rf"\b{cue}s?\b", wanted))}
    return min(places, key=lambda cue: places[cue]) if places else ""


def _reckon(values: Sequence[Fraction], draws: random.Random) -> Fraction | None:
    if not values:
        return None
    if len(values) == 1:
        made = values[0] * draws.choice((2, 3, Fraction(1, 2), 10))
        return made if made.denominator == 1 else None
    one, other = draws.sample(list(values)[-5:], 2)
    sign = draws.choice("++--***/")
    if sign == "/":
        return one / other if (one / other).denominator == 1 else None
    result = {"+": one + other, "-": abs(one - other), "*": one * other}[sign]
    result += draws.choice(list(values)[-3:]) * draws.choice((-1, 0, 0, 1))
    # Nobody guesses a product of two large numbers.
    even = result.denominator == 1 or any(value.denominator > 1 for value in values)
    return result if even and result <= 30 * max(values) else None


@dataclass(frozen=True, slots=True)
class _Known:
    """What data/guesses.yaml holds."""

    kinds: dict[str, tuple[re.Pattern[str], list[str]]]
    units: dict[str, list[str]]
    measured: frozenset[str]
    number: dict[str, int]
    bias: int


@cache
def _known() -> _Known:
    data = yaml.safe_load(bundled("data/guesses.yaml").read_text("utf-8"))
    cues = {name: "|".join(kind["cues"].replace("-", r"\w*").split()) for name, kind in data["kinds"].items()}
    kinds = {name: (re.compile(rf"\b(?:{cues[name]})\b"), kind["answers"]) for name, kind in data["kinds"].items()}
    number = {str(trait): weight for weight, some in data["number"].items() for trait in some}
    measured = frozenset(unit.split()[0] for units in data["units"].values() for unit in units if unit)
    return _Known(kinds, data["units"], measured, number, data["bias"])


def _words(heard: str, asked: str, draws: random.Random) -> str:
    """A short answer in the way that is asked for, of the kind for which most words speak."""
    asks = _ASKING_RE.search(asked)
    words = f"{key(heard)} {key(asked)}"  # the words of the question itself count twice
    hits = {name: len(cues.findall(words)) for name, (cues, _) in _known().kinds.items()}
    named = _NAMED.get(asks[1].lower(), "") if asks else ""
    forms = () if named else next((forms for cue, forms in _FORMS if re.search(cue, asked, re.I)), ())
    best = named or max(hits, key=lambda name: hits[name])
    if not named and not hits[best]:  # a candidate that is named is a guess, whatever the question turns out to be
        best = ANYTHING if forms else draws.choice([name for name in hits if name != ANYTHING])
    answer = draws.choice(_known().kinds[best][1])
    return upper(draws.choice(forms or _SURE).format(answer))
