"""Further exchanges: questions that need what was said before, with answers that are right for certain."""

import random
from fractions import Fraction

from kame_data.offline.answering import Answer
from kame_data.offline.asking import SHORT_CHOICE, Asked
from kame_data.offline.wording import closed, is_thing, number_words, quantities, upper
from kame_data.text.answers import agree

Exchange = tuple[str, str, str]
"""Question of the user, reply of the assistant, and its claim."""
SHARES = (0.5, 0.38, 0.12)
"""Of dialogues with no, one and two further exchanges, where the question allows them."""
_TIMES = {2: "twice", 3: "three times", 10: "ten times"}
_BEFORE = (
    "And what was the step before that?", "What comes before that step?", "And how did you get there?",
    "What did you work out just before that?",
)  # fmt: skip
_MULTIPLE = ("And what is {} that?", "And if it were {} as much?", "How much would {} that be?")
_MORE = ("And if it were {} more?", "And with {} more?", "What would it be with {} more?")
_OVER = ("Is that more than {}?", "So is it over {}?", "Would that be more than {}?")
_NOT = ("And not {}?", "So it isn't {}?", "Isn't it {}?", "But wasn't it {}?", "What about {}?")
_NO = ("No, {right}, not {wrong}.", "The answer is {right}, not {wrong}.", "{Right}, and not {wrong}.")
_WHICH = ("Which one was that, the {}?", "And which of them is that, the {}?", "So is it the {}?")
_ORDER = ("first", "second", "third", "fourth", "fifth")


def follow(asked: Asked, answer: Answer, draws: random.Random) -> list[Exchange]:
    """The further exchanges of a dialogue, each of another kind; none where nothing is certain."""
    count = draws.choices(range(len(SHARES)), SHARES)[0]
    kinds = [_step_before, _changed, _over] if answer.steps else [_not, _which, _changed, _over]
    some = [kind for kind in draws.sample(kinds, len(kinds))[: count + 1] if count]
    made = {kind: exchange for kind in some if (exchange := kind(asked, answer, draws))}
    # `That` is the answer until an exchange brings another number: such a one ends the dialogue, and how the answer
    # comes about is asked at once.
    if _step_before in made:
        return [made[_step_before]]
    changed = [made.pop(_changed)] if _changed in made else []
    return [*list(made.values())[: count - len(changed)], *changed]


def _step_before(asked: Asked, answer: Answer, draws: random.Random) -> Exchange | None:
    """The step before the first one that was told."""
    at = len(answer.steps) - answer.told - 1
    if at < 0:
        return None
    said = answer.steps[at].said()
    results = [(f, a) for f, a, _ in quantities(answer.steps[at].sum or said)]
    words = (answer.steps[at].sum or said).split()
    claim = " ".join(words[slice(*results[-1])]).rstrip(".") if results else ""
    return (draws.choice(_BEFORE), said, claim) if claim else None


def _value(asked: Asked) -> Fraction | None:
    """The number that the answer is; None where it is more than a number."""
    found = list(quantities(asked.answer))
    return found[0][2] if len(found) == 1 and found[0][:2] == (0, len(asked.answer.split())) else None


def _changed(asked: Asked, answer: Answer, draws: random.Random) -> Exchange | None:
    """A multiple of the answer, or some more than it."""
    value, times, more = _value(asked), draws.choice(list(_TIMES)), draws.choice((2, 5, 10, 20, 100))
    if not value:
        return None
    wanted = draws.choice(_MULTIPLE).format(_TIMES[times])
    result, reckoned = number_words(value * times, asked.answer), f"{upper(_TIMES[times])} {asked.answer}"
    if draws.random() < 0.5:
        added = number_words(more, asked.answer)
        wanted = draws.choice(_MORE).format(added)
        result, reckoned = number_words(value + more, asked.answer), f"{upper(asked.answer)} plus {added}"
    lead = draws.choice(("That's", "Then it's", "It would be"))
    return (wanted, f"{lead} {result}. {reckoned} is {result}.", result) if result else None


def _over(asked: Asked, answer: Answer, draws: random.Random) -> Exchange | None:
    value = _value(asked)
    if value is None or value < 3:
        return None
    size = 10 ** max(0, len(str(int(value))) - 2)
    other = int(value) // size * size + draws.choice((-3, -2, -1, 1, 2, 3)) * size
    if other < 1 or other == value:
        return None
    than, by = (number_words(v, asked.answer) for v in (other, abs(value - other)))
    over = f"Yes, {asked.answer} is more than {than}, by {by}."
    under = f"No, {asked.answer} is less than {than}, by {by}."
    return draws.choice(_OVER).format(than), over if value > other else under, asked.answer


def _not(asked: Asked, answer: Answer, draws: random.Random) -> Exchange | None:
    pool = [c for c in asked.choices if c != asked.answer] or list(asked.wrong)
    pool = [c for c in pool if is_thing(c) and "," not in c and not agree(c, asked.answer)]
    if not pool or len(asked.answer.split()) > SHORT_CHOICE or asked.form == "statement":
        return None
    wrong = draws.choice(pool)
    said = draws.choice(_NO).format(right=asked.answer, Right=upper(asked.answer), wrong=wrong)
    return draws.choice(_NOT).format(wrong), said, asked.answer


def _which(asked: Asked, answer: Answer, draws: random.Random) -> Exchange | None:
    if len(asked.choices) < 3:
        return None
    at = asked.choices.index(asked.answer)
    guess = draws.choice(range(len(asked.choices)))
    yes = "Yes" if guess == at else "No"
    said = closed(f"{yes}, the {_ORDER[at]} one, {asked.answer}")
    return draws.choice(_WHICH).format(f"{_ORDER[guess]} one"), said, asked.answer
