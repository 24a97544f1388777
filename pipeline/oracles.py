"""Oracles: what is asked of a simulator, what is accepted, and the stage that hangs oracles on a dialogue's prefixes.

An oracle belongs to a count of words, not to a time, so this stage needs no speech (see `pipeline.backend`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from pipeline.errors import Refusal
from pipeline.levels import GUESS, TRUTH, LevelSchedule
from pipeline.records import Dialogue, Oracle, Rejected, Turn
from pipeline.text.normal import normalise
from pipeline.text.spoken import is_spoken
from pipeline.text.words import join_words, split_words

STAGE = "oracles"
MAX_WORDS = 30
SAMPLES = 3
"""How often an oracle is drawn before it is refused."""

# Answers of nothing but these are in every sentence; to find them in a guess says nothing.
_EVERYWHERE = frozenset({"a", "an", "the", "i", "it", "is", "to", "in", "of", "and", "or"})


@dataclass(frozen=True, slots=True)
class OracleRequest:
    """One oracle to be written: what a back end has heard, and the hint that goes with `level` (0 to 4).

    `prefix` is the text of the first words of user turn `turn`; `context` the turns before it, a line each, as
    `user: ...` or `assistant: ...`. `answer` is what the assistant is going to say, and "" at level 0, where it must
    not be seen. `sample` counts the draws of the same oracle, from 0.
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
class DialogueOracles:
    """The oracles of all user turns of a dialogue, in order of (turn, prefix_words, level)."""

    dialogue_id: str
    oracles: tuple[Oracle, ...]


# The truth of a dialogue is held against each of its oracles.
_key = lru_cache(maxsize=256)(normalise)


def holds(text: str, answer: str) -> bool:
    """Whether the words of `answer` stand in `text`, blind to case and punctuation."""
    wanted = _key(answer)
    if not wanted or set(wanted.split()) <= _EVERYWHERE:
        return False
    return f" {wanted} " in f" {normalise(text)} "


def accept(text: str, request: OracleRequest, truth: str, answer: str = "") -> str:
    """`text` with single spaces, where it may stand as the oracle for `request`.

    `truth` is the assistant turn that follows (not the request's copy, which level 0 lacks), `answer` the dialogue's
    true answer ("" where it is not known apart from the turn). Raises Refusal otherwise: `empty_oracle`,
    `not_spoken`, `too_long`, `verbatim_answer` or `leaked_answer`.
    """
    text = " ".join(text.split())
    key = normalise(text)
    if not any(map(str.isalnum, key)):
        raise Refusal("empty_oracle", f"level {request.level}")
    if found := is_spoken(text):
        raise Refusal("not_spoken", f"{', '.join(found)} in '{text}'")
    if (count := len(split_words(text, request.language))) > MAX_WORDS:
        raise Refusal("too_long", f"{count} words in '{text}'")
    if key == _key(truth):
        raise Refusal("verbatim_answer", f"level {request.level} says '{text}'")
    if request.level == GUESS:
        heard = f"{request.context}\n{request.prefix}"
        for secret in (truth, answer):
            if holds(text, secret) and not holds(heard, secret):
                raise Refusal("leaked_answer", f"level 0 says '{text}'")
    return text


def draw(simulator: Simulator, request: OracleRequest, truth: str, answer: str = "") -> str:
    """An accepted oracle, drawn up to SAMPLES times; raises the last draw's Refusal where none is accepted."""
    for sample in range(SAMPLES):
        attempt = replace(request, sample=sample) if sample else request
        try:
            return accept(simulator.simulate(attempt), request, truth, answer)
        except Refusal as refusal:
            last = refusal
    raise last


def simulate_oracles(
    dialogues: Iterable[Dialogue], schedule: LevelSchedule, simulator: Simulator
) -> Iterator[DialogueOracles | Rejected]:
    """Each dialogue's oracles, after a Rejected for each oracle of it that was refused (the dialogue stays)."""
    for dialogue in dialogues:
        oracles: list[Oracle] = []
        # The same question is put to the simulator only once in a dialogue.
        told: dict[tuple[str, str, int, str], str] = {}
        for index, following in answered_turns(dialogue):
            for oracle in _turn_oracles(dialogue, index, following, schedule, simulator, told):
                if isinstance(oracle, Rejected):
                    yield oracle
                else:
                    oracles.append(oracle)
        yield DialogueOracles(dialogue.id, tuple(oracles))


def answered_turns(dialogue: Dialogue) -> list[tuple[int, Turn]]:
    """The user turns that an assistant turn follows at once, as (index of the user turn, that assistant turn)."""
    pairs = enumerate(zip(dialogue.turns, dialogue.turns[1:], strict=False))
    return [(index, after) for index, (turn, after) in pairs if turn.role == "user" and after.role == "assistant"]


def _turn_oracles(
    dialogue: Dialogue,
    index: int,
    following: Turn,
    schedule: LevelSchedule,
    simulator: Simulator,
    told: dict[tuple[str, str, int, str], str],
) -> Iterator[Oracle | Rejected]:
    words = split_words(dialogue.turns[index].text, dialogue.language)
    context = "\n".join(f"{turn.role}: {turn.text}" for turn in dialogue.turns[:index])
    truth = following.intended_text
    for prefix in schedule.prefixes(index, len(words)):
        if prefix.level == TRUTH:
            yield Oracle(index, prefix.words, prefix.ratio, TRUTH, truth)
            continue
        heard = join_words(words[: prefix.words], dialogue.language)
        hint = "" if prefix.level == GUESS else truth
        request = OracleRequest(dialogue.id, dialogue.language, index, heard, context, prefix.level, hint)
        key = (context, heard, prefix.level, hint)
        try:
            if key not in told:
                told[key] = draw(simulator, request, truth, dialogue.answer)
            yield Oracle(index, prefix.words, prefix.ratio, prefix.level, told[key])
        except Refusal as refusal:
            where = f"turn {index}, {prefix.words} of {prefix.total_words} words, level {prefix.level}"
            yield _rejected(dialogue, refusal, where)


def _rejected(dialogue: Dialogue, refusal: Refusal, where: str) -> Rejected:
    source = dialogue.question_id.partition("-")[0]
    return Rejected(STAGE, source, dialogue.question_id, dialogue.id, refusal.reason, f"{where}: {refusal.detail}")
