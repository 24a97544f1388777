"""Level 0: a real guess, made of what was heard and nothing else, as sure of itself as a back end is told to be."""

import random
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import yaml

from kame_data.offline.asking import OFFERS, TASKS, without_lead
from kame_data.offline.wording import closed, cut, number_words, quantities, sentences
from kame_data.resources import bundled
from kame_data.text.answers import key
from kame_data.text.atoms import singulars
from kame_data.text.casing import lower
from kame_data.text.numerals import number_at
from kame_data.text.repairs import FILLERS
from kame_data.text.spoken import say

_SURE = ("It's {}.", "That's {}.", "The answer is {}.", "That would be {}.", "It should be {}.", "I'd say {}.")
_BARE = ("The answer is {}.", "I'd say {}.", "That would be: {}.", "My answer is {}.")
_OFFERS = tuple(offer.rstrip(":") for offer in OFFERS)
_OFFERING_RE = re.compile(
    r"^(?:and |so )?(?:is|are|was|were|would|do|does|did|can)\b(?: (?:it|that|they)(?: be)?\b)?", re.I
)
_LIST_RE = re.compile(r",?\s+or\s+|,\s+")
_TRUE_FALSE_RE = re.compile(r"\btrue or false\b", re.I)
_YES_NO_RE = re.compile(
    r"^(?:and |so |but )?(?:it\b|not\b|(?:is|are|was|were|does|do|did|has|have|can|could|will|would|should|may|"
    r"must)(?:n't)?\b)(?!.*\bor\b)",
    re.I,
)
_YEAR_RE = re.compile(r"\b(?:what|which) (?:year|century)|^when (?:was|did|were|is)\b", re.I)
_AMOUNT_RE = re.compile(
    r"\b(?:how (?:many|much|long|far|old|fast|tall|big|often)|percent|average|total|altogether|calculate|compute|"
    r"number of|times as|twice|half as|each|per|every|remaining|bought|buys|sold|sells|spends|earns|pays)\b",
    re.I,
)
_QUANTITY_RE = re.compile(
    r"\b(?:amount|quantity|proceeds|integer|digit|ratio|remainder|probability|wavelength|frequency|resistance|stress|"
    r"speed|velocity|temperature|pressure|volume|length|height|weight|force|what is the (?:mass|area|current|value))\b",
    re.I,
)
_MEASURE_RE = re.compile(
    r"\b(?:how (?:much|long|far|fast|tall|heavy|high|deep|old)|speed|velocity|distance|time|length|height|weight|mass|"
    r"energy|force|pressure|temperature|volume|area|power|calculate|compute|find)\b|^(?!.*\b(?:what|which|who)\b)",
    re.I,
)
_COUNTED_RE = re.compile(r"\bhow many (?:more |fewer |different )?([a-z]+s|people|children|feet)\b", re.I)
_MONEY_RE = re.compile(
    r"\b(?:how much (?:money|did|does|will|do|was|is)|dollars?|cents|price|cost|earn|profit)\b", re.I
)
_ASKING_RE = re.compile(
    r"(?:^|, )(?:and |so |then |in |of |for |by |to |from )?(?:what|which|who|whose|why|how|where|when|define|describe|"
    r"explain|discuss|calculate|find|determine)\b",
    re.I,
)
_NAMING_RE = re.compile(r"\b(?:which|who|whom|whose|why|where|define|describe|explain)\b", re.I)
# How a word problem begins, of which an amount is asked at the end.
_STORY_RE = re.compile(
    r"^(?:[A-Z][a-z]+(?:'s \w+)? (?:has|had|is|was|bought|buys|wants|earns|makes|made|sold|sells|needs|gets|got|"
    r"spends?|works|can|took|takes|went|goes|gave|just|decided|and [A-Z]|[a-z]+(?:s|ed)\b)|There (?:are|were|is) )"
)
_STEPS_RE = re.compile(r"\b(?:step|how did|work out|comes? before|before that)\b", re.I)
_TIMES = {"twice": 2, "three times": 3, "ten times": 10}
_NUMBERS = 0.5
"""Share of guesses that are numbers where nothing of the question was heard."""
_STILL = 22
"""Words of an earlier answer that a guess says again, at the most."""
_OTHERWISE = 0.4
"""Share of guesses at a further question, of which little was heard, that are another number than the answer before."""
_SAME = ("The same as before. {}", "That stays as it was. {}")
_PLAIN = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 75, 100, 120, 200)
_YEARS = range(1750, 2000)


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
    if _YES_NO_RE.match(asked):
        return draws.choice(("Yes, it is so.", "Yes, I'd say so.", "No, it isn't.", "No, I don't think so."))
    values = [value for _, _, value in quantities(heard)]
    if told:
        return _going_on(heard, told, values, draws)
    if _YEAR_RE.search(asked):
        return draws.choice(_SURE).format(say(f"In {draws.choice(_YEARS)}").removeprefix("In "))
    if _of_amount(heard, asked, len(values), completing) or (not heard and draws.random() < _NUMBERS):
        return draws.choice(_SURE).format(_amount(heard, values, draws))
    return _words(heard, draws)


def _of_amount(heard: str, asked: str, numbers: int, completing: bool) -> bool:
    """True where what was heard of a question speaks for a number as its answer."""
    asks = _ASKING_RE.search(asked)
    if completing or (asks and _NAMING_RE.search(asked) and not _AMOUNT_RE.search(asked)):
        return False
    if numbers > 1 or _AMOUNT_RE.search(heard) or (asks and _QUANTITY_RE.search(asked)):
        return True
    # A story that is told before anything is asked is mostly one of amounts, if no other kind shows.
    return bool(heard) and not asks and bool(_STORY_RE.match(heard) or not _kind_of(heard))


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
    return [f for f in _LIST_RE.split(_OFFERING_RE.sub("", asked).strip()) if 0 < len(f.split()) <= 6]


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


def _amount(heard: str, values: Sequence[Fraction], draws: random.Random) -> str:
    """A number that may come of those that were heard, with its unit where that was heard."""
    unit = _unit(heard)
    like = unit if unit == "dollars" else ""
    reckoned = [v for v in (_reckon(values, draws) for _ in range(6)) if v is not None and 1 < v < 10**6]
    # A third of a cent has no words.
    made = [said for v in reckoned if (said := number_words(v, like))]
    said = made[0] if made else number_words(draws.choice(_PLAIN), like)
    return said if like else f"{said} {unit}".strip()


def _unit(heard: str) -> str:
    """What an amount is of: what is asked for or, where that was not heard, what numbers were heard with."""
    asked = (sentences(heard) or [""])[-1]
    if counted := _COUNTED_RE.search(asked):
        return counted[1].lower()
    asks = _ASKING_RE.search(asked)
    if asks and re.search(r"\bpercent", asked, re.I):
        return "percent"
    if _MONEY_RE.search(asked) or (not asks and _MONEY_RE.search(heard)):
        return "dollars"
    words = key(heard).split()
    units = [words[end] for _, end in _ends(words) if end < len(words) and words[end] in singulars()]
    return units[-1] if units and units[-1].endswith("s") and _MEASURE_RE.search(asked) else ""


def _ends(words: Sequence[str]) -> Iterator[tuple[Fraction, int]]:
    """The numbers among words, and the places behind them."""
    for at in range(len(words)):
        value, end = number_at(words, at)
        if value is not None:
            yield value, end


def _reckon(values: Sequence[Fraction], draws: random.Random) -> Fraction | None:
    if not values:
        return None
    if len(values) == 1:
        made = values[0] * draws.choice((2, 3, Fraction(1, 2), 10))
        return made if made.denominator == 1 else None
    one, other = draws.sample(list(values)[-5:], 2)
    sign = draws.choice("++--***/")
    if sign == "/":
        quotient = one / other if other else None
        return quotient if quotient is not None and quotient.denominator == 1 else None
    result = {"+": one + other, "-": abs(one - other), "*": one * other}[sign]
    result += draws.choice(list(values)[-3:]) * draws.choice((-1, 0, 0, 1))
    # Nobody guesses a product of two large numbers.
    even = result.denominator == 1 or any(value > 1 and value.denominator > 1 for value in values)
    return result if even and result <= 30 * max(values) else None


@cache
def _kinds() -> dict[str, tuple[re.Pattern[str], list[str]]]:
    kinds = yaml.safe_load(bundled("data/guesses.yaml").read_text("utf-8"))
    cues = {name: "|".join(kind["cues"].replace("-", r"\w*").split()) for name, kind in kinds.items()}
    return {name: (re.compile(rf"\b(?:{cues[name]})\b"), kind["answers"]) for name, kind in kinds.items()}


def _kind_of(heard: str) -> str:
    """The kind of answers for which most words speak; "" where none does."""
    words = key(heard)
    hits = {name: len(cues.findall(words)) for name, (cues, _) in _kinds().items()}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else ""


def _words(heard: str, draws: random.Random) -> str:
    """A short answer of the kind that was heard, or one that would do for much where none was."""
    answer = draws.choice(_kinds()[_kind_of(heard) or "anything"][1])
    return closed(answer) if "," in answer else draws.choice(_SURE).format(answer)
