"""Oracles: what is asked of a simulator, what is accepted, and the stage that hangs oracles on a dialogue's prefixes.

An oracle belongs to a count of words, not to a time, so this stage needs no speech (see `pipeline.backend`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Protocol, runtime_checkable

from pipeline.acceptance import check_said
from pipeline.answers import says_nothing, tells
from pipeline.errors import Refusal
from pipeline.levels import GUESS, TRUTH, LevelSchedule
from pipeline.records import Dialogue, Oracle, Prefix, Rejected, Turn
from pipeline.text.hesitations import without_hesitations
from pipeline.text.normal import names, normalise
from pipeline.text.spoken import is_spoken
from pipeline.text.words import join_words, length_in_words, split_words
from pipeline.transcripts import Recogniser

STAGE = "oracles"
MAX_WORDS = 30
SAMPLES = 3
"""How often an oracle is drawn before it is refused."""

# Answers of nothing but these are in every sentence; to find them in a guess says nothing.
_EVERYWHERE = frozenset({"a", "an", "the", "i", "it", "is", "to", "in", "of", "and", "or"})


@dataclass(frozen=True, slots=True)
class OracleRequest:
    """One oracle to be written: what a back end has heard, and the hint that goes with `level` (0 to 4).

    `prefix` is what the recogniser made of the first words of user turn `turn`; `context` the turns before it as they
    were said, a line each, as `user: ...` or `assistant: ...`, without back-channels. `answer` is what the assistant
    is going to say, and "" at level 0, where it must not be seen. `sample` counts the draws of the same oracle, from 0.
    """

    dialogue_id: str
    language: str
    turn: int
    prefix: str
    context: str
    level: int
    answer: str
    sample: int = 0

    def __post_init__(self) -> None:
        if self.level == GUESS and self.answer:
            raise ValueError("a request of level 0 must not carry the answer")


class Simulator(Protocol):
    """Writes oracles of levels 0 to 4. `name` and `version` go into every row's provenance and every fingerprint."""

    name: str
    version: str

    def simulate(self, request: OracleRequest) -> str:
        """The oracle's text; raises Refusal where it cannot write one."""
        ...


@dataclass(frozen=True, slots=True)
class OracleTask:
    """A request with what its answer is held against: the assistant turn that follows, and the true answer."""

    request: OracleRequest
    truth: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An accepted oracle, and the reasons for which the draws before it were refused."""

    text: str
    again: tuple[str, ...] = ()


@runtime_checkable
class ManySimulator(Protocol):
    """A simulator that has many oracles in work at once; what it gives is accepted already.

    `accept(text, task)` gives the text as it may stand, or raises Refusal; the simulator may draw again then.
    """

    name: str
    version: str

    def simulate_many(
        self, tasks: Sequence[OracleTask], accept: Callable[[str, OracleTask], str]
    ) -> Iterator[Drawn | Refusal]:
        """For each task, in order, its accepted oracle or the last refusal."""
        ...


@dataclass(frozen=True, slots=True)
class Again:
    """An oracle of `level` that was refused for `reason` and drawn again."""

    level: int
    reason: str


@dataclass(frozen=True, slots=True)
class DialogueOracles:
    """The oracles of all user turns of a dialogue, in order of (turn, prefix_words, level); `again` counts draws that
    were refused before one was accepted."""

    dialogue_id: str
    oracles: tuple[Oracle, ...]
    again: tuple[Again, ...] = ()


# The truth of a dialogue is held against each of its oracles.
_key = lru_cache(maxsize=256)(normalise)


def holds(text: str, answer: str, language: str = "en") -> bool:
    """Whether the words of `answer` stand in `text`, blind to case and punctuation."""
    wanted = _key(answer)
    if not wanted or set(wanted.split()) <= _EVERYWHERE:
        return False
    return names(normalise(text), wanted, language)


def accept(text: str, request: OracleRequest, truth: str, answer: str = "") -> str:
    """`text` with single spaces, where it may stand as the oracle for `request`.

    `truth` is the assistant turn that follows (not the request's copy, which level 0 lacks), `answer` the dialogue's
    true answer ("" where it is not known apart from the turn). Raises Refusal otherwise: `empty_oracle`,
    `not_spoken`, `model_talk`, `wrong_language`, `letters`, `too_long`, `verbatim_answer` or `leaked_answer`.
    """
    text = " ".join(text.split())
    key = normalise(text)
    if not any(map(str.isalnum, key)):
        raise Refusal("empty_oracle", f"level {request.level}")
    if found := is_spoken(text, request.language):
        raise Refusal("not_spoken", f"{', '.join(found)} in '{text}'")
    check_said(text, request.language)
    if (count := length_in_words(text, request.language)) > MAX_WORDS:
        raise Refusal("too_long", f"{count} words in '{text}'")
    if key in (_key(truth), _key(answer)):
        raise Refusal("verbatim_answer", f"level {request.level} says '{text}'")
    if request.level == GUESS:
        heard = without_hesitations(f"{request.context}\n{request.prefix}", request.language)
        if _tells_truth(text, heard, truth, request.language) or _leaks(text, heard, answer, request.language):
            raise Refusal("leaked_answer", f"level 0 says '{text}'")
    return text


def _tells_truth(text: str, heard: str, truth: str, language: str) -> bool:
    """Whether a guess holds the assistant's whole turn, which had not been heard."""
    return holds(text, truth, language) and not holds(heard, truth, language)


def _leaks(text: str, heard: str, answer: str, language: str) -> bool:
    """Whether a guess holds an answer that had not been heard: a number by its value, words without their article."""
    wanted = _key(answer)
    if says_nothing(answer, language) or set(wanted.split()) <= _EVERYWHERE:
        return False
    return tells(text, answer, language) and not tells(heard, answer, language)


def accept_task(text: str, task: OracleTask) -> str:
    """`accept` for a task."""
    return accept(text, task.request, task.truth, task.answer)


def draw(simulator: Simulator, task: OracleTask) -> Drawn | Refusal:
    """An accepted oracle, drawn up to SAMPLES times; the last draw's Refusal where none is accepted."""
    refused: list[Refusal] = []
    for sample in range(SAMPLES):
        attempt = replace(task.request, sample=sample) if sample else task.request
        try:
            text = accept_task(simulator.simulate(attempt), task)
            return Drawn(text, tuple(r.reason for r in refused))
        except Refusal as refusal:
            refused.append(refusal)
    return refused[-1]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prefix of a dialogue; `task` is the place of its task among the part's, None where the truth is the oracle;
    `transcript` what was heard, "" where that is what was said."""

    prefix: Prefix
    truth: str
    transcript: str
    task: int | None


def simulate_oracles(
    dialogues: Iterable[Dialogue],
    schedule: LevelSchedule,
    simulator: Simulator | ManySimulator,
    recogniser: Recogniser | None = None,
) -> Iterator[DialogueOracles | Rejected]:
    """Each dialogue's oracles, after a Rejected for each oracle of it that was refused (the dialogue stays).

    Without a recogniser, what is heard is what was said.
    """
    tasks: list[OracleTask] = []
    asked = [(dialogue, _asked(dialogue, schedule, recogniser, tasks)) for dialogue in dialogues]
    if isinstance(simulator, ManySimulator):
        outcomes = simulator.simulate_many(tasks, accept_task)
    else:
        outcomes = (draw(simulator, task) for task in tasks)
    known: list[Drawn | Refusal] = []
    for dialogue, prefixes in asked:
        # Tasks are in the order in which they are wanted first.
        first, last = len(known), max((a.task for a in prefixes if a.task is not None), default=-1)
        known += (next(outcomes) for _ in range(first, last + 1))
        oracles: list[Oracle] = []
        for item in prefixes:
            outcome = Drawn(item.truth) if item.task is None else known[item.task]
            if isinstance(outcome, Refusal):
                yield _rejected(dialogue, outcome, item.prefix)
            else:
                p = item.prefix
                oracles.append(Oracle(p.turn, p.words, p.ratio, p.level, outcome.text, item.transcript))
        drawn = [(tasks[i].request.level, d) for i, d in enumerate(known[first:], first) if isinstance(d, Drawn)]
        again = tuple(Again(level, reason) for level, d in drawn for reason in d.again)
        yield DialogueOracles(dialogue.id, tuple(oracles), again)


def tasks_of(
    dialogues: Iterable[Dialogue], schedule: LevelSchedule, recogniser: Recogniser | None = None
) -> list[OracleTask]:
    """What a simulator is asked for these dialogues."""
    tasks: list[OracleTask] = []
    for dialogue in dialogues:
        _asked(dialogue, schedule, recogniser, tasks)
    return tasks


def _asked(
    dialogue: Dialogue, schedule: LevelSchedule, recogniser: Recogniser | None, tasks: list[OracleTask]
) -> list[_Asked]:
    """The dialogue's prefixes; what is new to ask goes behind `tasks`, the same question only once in a dialogue."""
    asked: list[_Asked] = []
    places: dict[tuple[str, str, int, str], int] = {}
    for index, following in answered_turns(dialogue):
        words = split_words(dialogue.turns[index].text, dialogue.language)
        context = "\n".join(f"{t.role}: {t.text}" for t in dialogue.turns[:index] if t.kind == "speech")
        history = recogniser.hear(words, dialogue.language, dialogue.id, index) if recogniser else None
        truth = following.intended_text
        for prefix in schedule.prefixes(index, len(words)):
            said = join_words(words[: prefix.words], dialogue.language)
            heard = history.at(prefix.words) if history else said
            transcript = heard if heard != said else ""
            if prefix.level == TRUTH:
                asked.append(_Asked(prefix, truth, transcript, None))
                continue
            hint = "" if prefix.level == GUESS else truth
            place = places.setdefault((context, heard, prefix.level, hint), len(tasks))
            if place == len(tasks):
                request = OracleRequest(dialogue.id, dialogue.language, index, heard, context, prefix.level, hint)
                tasks.append(OracleTask(request, truth, dialogue.answer))
            asked.append(_Asked(prefix, truth, transcript, place))
    return asked


def answered_turns(dialogue: Dialogue) -> list[tuple[int, Turn]]:
    """The user turns that an assistant turn follows, back-channels aside, as (index of the user turn, that turn)."""
    speech = [(index, turn) for index, turn in enumerate(dialogue.turns) if turn.kind == "speech"]
    return [
        (n, after) for (n, turn), (_, after) in pairwise(speech) if (turn.role, after.role) == ("user", "assistant")
    ]


def _rejected(dialogue: Dialogue, refusal: Refusal, prefix: Prefix) -> Rejected:
    source = dialogue.question_id.partition("-")[0]
    where = f"turn {prefix.turn}, {prefix.words} of {prefix.total_words} words, level {prefix.level}"
    return Rejected(STAGE, source, dialogue.question_id, dialogue.id, refusal.reason, f"{where}: {refusal.detail}")
