"""Oracles: what is asked of a simulator, what is accepted, and the stage that hangs oracles on a dialogue's prefixes.

An oracle belongs to a count of words, not to a time, so this stage needs no speech (see `kame_data.oracles.replay`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

from kame_data.errors import Refusal
from kame_data.levels import GUESS, TRUTH, LevelSchedule
from kame_data.oracles import transcripts
from kame_data.oracles.acceptance import OracleRequest, OracleTask, accept
from kame_data.oracles.transcripts import Recogniser, recogniser_of
from kame_data.records import Dialogue, Oracle, Prefix, Rejected, Turn
from kame_data.settings.tree import Settings
from kame_data.stage import Inputs, Stage
from kame_data.text.words import join_words, split_words

STAGE = "oracles"
VERSION = 6
SAMPLES = 3
"""Number of times that an oracle is drawn before it is refused."""


class Simulator(Protocol):
    """Writes oracles of levels 0 to 4. `name` and `version` go into every row's provenance and every fingerprint."""

    name: str
    version: str

    def simulate(self, request: OracleRequest) -> str:
        """The oracle's text; raises Refusal where it cannot write one."""
        ...


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


class ByLevel:
    """A simulator whose level 0 comes from another one, the back end."""

    def __init__(self, back_end: Simulator | ManySimulator, others: Simulator | ManySimulator) -> None:
        self.back_end, self.others = back_end, others
        self.name = both_names(back_end.name, others.name)
        self.version = f"{others.version}; level 0: {back_end.version}"

    def simulate_many(
        self, tasks: Sequence[OracleTask], accept: Callable[[str, OracleTask], str]
    ) -> Iterator[Drawn | Refusal]:
        """See `ManySimulator`."""
        guesses = outcomes_of(self.back_end, [task for task in tasks if task.request.level == GUESS])
        others = outcomes_of(self.others, [task for task in tasks if task.request.level != GUESS])
        return (next(guesses if task.request.level == GUESS else others) for task in tasks)


def both_names(back_end: str, others: str) -> str:
    """The name of what writes the oracles: one name, or that of level 0 behind the other one."""
    return others if back_end == others else f"{others}; level 0: {back_end}"


def outcomes_of(simulator: Simulator | ManySimulator, tasks: Sequence[OracleTask]) -> Iterator[Drawn | Refusal]:
    """The outcomes of tasks, in order, of either kind of simulator."""
    if isinstance(simulator, ManySimulator):
        return simulator.simulate_many(tasks, accept)
    return (draw(simulator, task) for task in tasks)


@dataclass(frozen=True, slots=True)
class Again:
    """An oracle of `level` that was refused for `reason` and drawn again."""

    level: int
    reason: str


@dataclass(frozen=True, slots=True)
class Came:
    """When the back end had heard an oracle's prefix, and when its first token came; seconds."""

    heard: float
    time: float


@dataclass(frozen=True, slots=True)
class DialogueOracles:
    """The oracles of all user turns of a dialogue, in order of (turn, prefix_words, level); `again` counts draws that
    were refused before one was accepted.

    Of a conversation with a tandem they are those that came: `came` has (heard, time) of each, in seconds, and `asked`
    names the back end. Both are empty where oracles are simulated and their arrivals replayed.
    """

    dialogue_id: str
    oracles: tuple[Oracle, ...]
    again: tuple[Again, ...] = ()
    came: tuple[Came, ...] = ()
    asked: str = ""


def draw(simulator: Simulator, task: OracleTask) -> Drawn | Refusal:
    """An accepted oracle, drawn up to SAMPLES times; the last draw's Refusal where none is accepted."""
    refused: list[Refusal] = []
    for sample in range(SAMPLES):
        attempt = replace(task.request, sample=sample) if sample else task.request
        try:
            text = accept(simulator.simulate(attempt), task)
            return Drawn(text, tuple(r.reason for r in refused))
        except Refusal as refusal:
            refused.append(refusal)
    return refused[-1]


@dataclass(frozen=True, slots=True)
class _PrefixTask:
    """A prefix of a dialogue; `task` is the position of its task among the part's, None where the coming turn is the
    oracle; `transcript` is the recogniser's, "" where it is what was said."""

    prefix: Prefix
    coming_turn: str
    transcript: str
    task: int | None


def oracles_stage(simulator_of: Callable[[Settings], Simulator | ManySimulator]) -> Stage:
    """The stage whose oracles come from the simulator that `simulator_of` gives for the settings."""

    def key(settings: Settings) -> dict[str, Any]:
        return key_of(settings, simulator_of(settings))

    def run(settings: Settings, inputs: Inputs) -> Iterator[DialogueOracles | Rejected]:
        recogniser = recogniser_of(settings.stt, settings.seed)
        return simulate_oracles(inputs.dialogues, settings.level_schedule(), simulator_of(settings), recogniser)

    return Stage(STAGE, VERSION, "dialogues", DialogueOracles, key, run)


def key_of(settings: Settings, simulator: Simulator | ManySimulator) -> dict[str, Any]:
    """All that the oracles of a dialogue depend on besides the dialogue."""
    found: dict[str, Any] = {
        "simulator": simulator.name,
        "version": simulator.version,
        "seed": settings.seed,
        **schedule_key(settings),
    }
    if settings.stt.noise:
        found["stt"] = {"version": transcripts.VERSION, **settings.stt.model_dump()}
    return found


def schedule_key(settings: Settings) -> dict[str, Any]:
    """All that the prefixes and levels of a dialogue depend on besides the dialogue."""
    return {
        "levels": settings.levels,
        "schedule": settings.schedule,
        "every": settings.prefix_every,
        "cuts": settings.cuts,
    }


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
    planned = [(dialogue, _prefix_tasks(dialogue, schedule, recogniser, tasks)) for dialogue in dialogues]
    outcomes = outcomes_of(simulator, tasks)
    known: list[Drawn | Refusal] = []
    for dialogue, prefixes in planned:
        # Tasks are in the order in which they are wanted first.
        first, last = len(known), max((a.task for a in prefixes if a.task is not None), default=-1)
        known += (next(outcomes) for _ in range(first, last + 1))
        oracles: list[Oracle] = []
        for item in prefixes:
            outcome = Drawn(item.coming_turn) if item.task is None else known[item.task]
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
    """The tasks of a simulator for these dialogues."""
    tasks: list[OracleTask] = []
    for dialogue in dialogues:
        _prefix_tasks(dialogue, schedule, recogniser, tasks)
    return tasks


def tasks_at(
    dialogue: Dialogue, schedule: LevelSchedule, recogniser: Recogniser | None = None
) -> list[tuple[Prefix, OracleTask]]:
    """The tasks of a dialogue, each with a prefix that it is for; what several prefixes ask alike is one task."""
    tasks: list[OracleTask] = []
    found = _prefix_tasks(dialogue, schedule, recogniser, tasks)
    return [(item.prefix, tasks[item.task]) for item in found if item.task is not None]


def _prefix_tasks(
    dialogue: Dialogue, schedule: LevelSchedule, recogniser: Recogniser | None, tasks: list[OracleTask]
) -> list[_PrefixTask]:
    """The dialogue's prefixes; what is new to ask goes behind `tasks`, the same question only once in a dialogue."""
    found: list[_PrefixTask] = []
    positions: dict[tuple[str, str, int, str], int] = {}
    for index, following in answered_turns(dialogue):
        words = split_words(dialogue.turns[index].text, dialogue.language)
        context = "\n".join(f"{t.role}: {t.text}" for t in dialogue.turns[:index] if t.kind == "speech")
        history = recogniser.hear(words, dialogue.language, dialogue.id, index) if recogniser else None
        coming_turn = following.intended_text
        for prefix in schedule.prefixes(index, len(words), dialogue.guessing.get(index, 0)):
            said = join_words(words[: prefix.words], dialogue.language)
            transcript = history.at(prefix.words) if history else said
            misheard = transcript if transcript != said else ""
            if prefix.level == TRUTH:
                found.append(_PrefixTask(prefix, coming_turn, misheard, None))
                continue
            hint = "" if prefix.level == GUESS else coming_turn
            position = positions.setdefault((context, transcript, prefix.level, hint), len(tasks))
            if position == len(tasks):
                where = (dialogue.id, dialogue.language, index)
                request = OracleRequest(*where, transcript, context, prefix.level, hint)
                answer = following.claim or dialogue.answer
                later = join_words(words[prefix.words :], dialogue.language)
                tasks.append(OracleTask(request, coming_turn, answer, dialogue.choices, later))
            found.append(_PrefixTask(prefix, coming_turn, misheard, position))
    return found


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
