"""The assistant's first turn: the right answer at once, then its reason where the source has one."""

import random
import re
from dataclasses import dataclass, replace

from kame_data.offline import working
from kame_data.offline.asking import BLANK, SHORT_CHOICE, Asked
from kame_data.offline.wording import closed, is_thing, listed, quantities, sentences, upper
from kame_data.offline.working import Step
from kame_data.records import Question
from kame_data.text.answers import asserts, key, tells
from kame_data.text.casing import lower

SHORTEST, LONGEST = 8, 80
"""Words of an answer: how many are wanted is drawn between them."""
_LEAST_REASON = 25
_EARLY = 4
"""Words before the number of a statement, at the most, that the answer may begin with: a cut oracle would lack it."""
_NAMED = ("The answer is {}.", "I'd say {}.", "The right answer is {}.", "My answer is {}.")
_THING = ("It's {}.", "That's {}.", "It would be {}.", "That would be {}.")
_COMES_TO = ("It's {}.", "That's {}.", "That makes {}.", "The answer is {}.", "It comes to {}.", "You get {}.")
_WHOLE = (
    "{} is the answer to your question.", "{}, that is the answer to this one.", "{} is the right answer to that.",
    "{} would be the right answer here.",
)  # fmt: skip
"""The frames of short answers that nothing follows."""
_TRUTHS = {
    "true": ("That's true, as it stands there.", "It's true, all of it.", "Yes, what it says is true."),
    "false": ("That's false, as it stands there.", "It's false.", "No, what it says is false."),
    "yes": ("Yes, that's so.", "Yes, it is so.", "The answer is yes."),
    "no": ("No, that isn't so.", "No, it is not so.", "The answer is no."),
}
_IS_RE = re.compile(r"^What (is|was|are|were) (the (?:[\w'-]+ ?){1,12})\?$")
_HOW_MANY_RE = re.compile(r"^How many ((?:[\w'-]+ ){1,3}?)(?:(do) ((?:[\w'-]+ ){1,4})(\w+)|(are|were) there(.*))\?$")
_CLAUSE_RE = re.compile(r"\b(?:that|which|who|whose|if|when|than|following|not|most|least|best|called|known|named)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """Words of the assistant: `first` sentence with the `claim` in it, and the sentences of its reason. `steps`: the
    working's, of which the last `told` stand in the reason."""

    first: str
    claim: str
    reason: str = ""
    steps: tuple[Step, ...] = ()
    told: int = 0

    @property
    def text(self) -> str:
        """The whole turn."""
        return f"{self.first} {self.reason}".strip()


def answer(question: Question, asked: Asked, draws: random.Random) -> Answer:
    """The first answer, of a drawn length. Raises Refusal(`working`)."""
    wanted = draws.randint(SHORTEST, LONGEST)
    if "<<" in question.working or question.source == "gsm8k":
        return _reckoned(working.reckoned(question.working, question.answer), asked, wanted, draws)
    room = max(wanted, _LEAST_REASON) - len(asked.answer.split())
    reason = working.reasons(question.working, room) or _contrast(asked, draws)
    return Answer(_first(asked, draws, alone=not reason), asked.answer, reason)


def _reckoned(steps: list[Step], asked: Asked, wanted: int, draws: random.Random) -> Answer:
    """The answer to a word problem, then as many of the last steps as are wanted, in order."""
    last, before = steps[-1], steps[:-1]
    first = last.statement if _leads(last.statement, asked.answer) else ""
    if first:
        # What it comes to has been said: what is left of the last step is how.
        last = replace(last, statement="") if last.sum and not last.given else Step("")
    else:
        first = draws.choice(_COMES_TO).format(lower(_with_unit(last.statement, asked.answer)))
    closing = last.said()
    kept: list[str] = []
    for step in reversed(before):
        if len(" ".join([first, said := step.said(), *kept, closing]).split()) > wanted:
            break
        kept.insert(0, said)
    reason = " ".join([*kept, closing]).strip()
    return Answer(first, asked.answer, reason, tuple(steps), len(kept) + 1)


def _leads(statement: str, answer: str) -> bool:
    """True for a statement that says the answer near its beginning and no number beside it."""
    found = list(quantities(statement))
    return len(found) == 1 and found[0][0] < _EARLY and asserts(statement, answer)


def _with_unit(statement: str, answer: str) -> str:
    """The answer with what is counted, where the statement says it: 'seventy-two clips'."""
    words = statement.rstrip(".").split()
    # What it comes to stands last: after four weeks she has four bottles left.
    for first, after, _ in reversed(list(quantities(statement))):
        if tells(" ".join(words[first:after]), answer) and words[after - 1][-1] != ",":
            unit = [
                w for w in words[after : after + 1] if re.fullmatch(r"(?:\w+[^s\W]s|percent|feet|people|children),?", w)
            ]
            with_unit = " ".join(words[first:after] + unit).rstrip(",")
            return with_unit if tells(with_unit, answer) else answer
    return answer


def _first(asked: Asked, draws: random.Random, *, alone: bool) -> str:
    """The answer in a sentence: the stem completed or filled in, turned round where that is easy, or named."""
    said, stem = asked.answer, sentences(asked.stem)[-1]
    if key(said) in _TRUTHS:
        return draws.choice(_TRUTHS[key(said)])
    whole = _whole(asked, stem)
    if whole and len(whole.split()) <= LONGEST // 2 and asserts(whole, said):
        return whole
    if len(said.split()) > SHORT_CHOICE + 2:
        return closed(said)
    if not (is_thing(said) or any(quantities(said))):
        return closed(said)
    if alone:
        return upper(draws.choice(_WHOLE).format(said))
    number = next(iter(quantities(said)), (1, 0, 0))[0] == 0
    if number:
        return draws.choice(_COMES_TO).format(said)
    return draws.choice(_THING + _NAMED if said.startswith(("a ", "an ", "the ")) else _NAMED).format(said)


def _whole(asked: Asked, stem: str) -> str:
    said = asked.answer
    if asked.form == "sentence":
        return closed(f"{stem.rstrip('.')} {said}")
    if asked.form == "blank" and stem.casefold().count(BLANK) == 1:
        return closed(re.sub(rf"\b{BLANK}\b", said, stem, flags=re.I).rstrip("?"))
    if (found := _HOW_MANY_RE.match(stem)) and len(list(quantities(said))) == 1 and len(said.split()) == 1:
        what = found[1].strip()
        return closed(
            f"{found[3]}{found[4]} {said} {what}" if found[2] else f"there {found[5]} {said} {what}{found[6]}"
        )
    if (found := _IS_RE.match(stem)) and not _CLAUSE_RE.search(f"{found[2]} {said}") and len(said.split()) <= 8:
        return closed(f"{said} {found[1]} {found[2]}")
    return ""


def _contrast(asked: Asked, draws: random.Random) -> str:
    """The wrong choices that were named or might have been: all that is certain where the source gives no reason."""
    pool = [c for c in asked.choices if c != asked.answer] or list(asked.wrong)
    pool = [c for c in pool if is_thing(c) and "," not in c and not any(quantities(c))]
    if not pool or asked.form != "question" or len(asked.answer.split()) > SHORT_CHOICE + 2:
        return ""
    return f"Not {listed(draws.sample(pool, min(len(pool), draws.choice((1, 2)))))}."
