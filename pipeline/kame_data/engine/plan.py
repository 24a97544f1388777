"""A build foreseen, before anything is spent: what it would take (`plan`), and what it would look like (`preview`)."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from kame_data.dialogues.brief import Brief
from kame_data.engine.build import Build
from kame_data.engine.makers import simulator_of, writer_of
from kame_data.engine.selection import SourceVariant
from kame_data.engine.stages import STAGES, stage_for, stages_of
from kame_data.levels import GUESS
from kame_data.llm.pace import measured_pace
from kame_data.llm.prices import MESSAGE_TOKENS, Prices
from kame_data.llm.providers.base import is_local
from kame_data.llm.request import Request, Usage
from kame_data.llm.session import close_session
from kame_data.llm.simulator import LlmSimulator
from kame_data.llm.spec import Spec
from kame_data.llm.writer import LlmWriter
from kame_data.oracles.acceptance import OracleTask
from kame_data.oracles.simulate import ByLevel, DialogueOracles, ManySimulator, Simulator, tasks_of
from kame_data.oracles.transcripts import recogniser_of
from kame_data.records import Dialogue, Rejected, Role, Turn
from kame_data.settings.tree import IMPORTED, LlmSettings, Settings
from kame_data.stage import Inputs
from kame_data.storage.paths import path_of
from kame_data.text.hesitations import without_hesitations
from kame_data.text.words import IDEOGRAPHS_PER_WORD, is_unspaced, join_words, length_in_words, split_words

SAMPLE = 60
"""Dialogues that are made to judge the whole by."""

# OpenAI's rule of thumb for English: 100 tokens are about 75 words, a token about four characters.
TOKENS_PER_WORD = 4 / 3
BYTES_PER_TOKEN = 4
PICTURE_TOKENS = 1000
# What JSON adds to an exchange: names, quotes, the answer and the choices once more.
JSON_TOKENS = 60
# A turn of the user's that asks on: the prompt wants four to twenty-five words.
FOLLOW_UP_WORDS = 12
# How long a small model takes for an answer, where nothing is known yet.
ANSWER_SECONDS = 1.5
# The prompts ask for up to 30 words.
ORACLE_WORDS = 20
LINE_TOKENS = 6
"""Tokens of JSON around one of several oracles: its number, quotes, a comma."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The output of a stage foreseen: rows, and seconds on one core (0 for what models do)."""

    stage: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The requests to a model for one stage and level: calls, tokens, dollars (None without a known price), and
    seconds at ANSWER_SECONDS an answer, as many at once as the settings allow and no faster than their limits.
    `measured`: the seconds are at the pace of the model itself, which runs on this machine, has no price and was
    asked; None where it did not answer."""

    stage: str
    model: str
    level: int | None
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    seconds: float | None
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A build foreseen: dialogues wanted by source, prefixes by level, a line a stage, and what models would take."""

    questions: dict[str, int]
    dialogues: dict[str, int]
    levels: dict[int, int]
    stages: tuple[StagePlan, ...]
    models: tuple[ModelPlan, ...]
    sampled: int


@contextmanager
def looked_at(settings: Settings) -> Iterator[Build]:
    """The build in OUT where there is one; else the same build in a folder that is gone afterwards. Writes no OUT."""
    if (settings.out / "build.json").exists():
        build = Build(settings)
        build.check()
        try:
            yield build
        finally:
            close_session(build.settings)
        return
    with tempfile.TemporaryDirectory(prefix="kame-data-") as folder:
        build = Build(settings.model_copy(update={"out": path_of(folder) / "out"}))
        try:
            yield build
        finally:
            close_session(build.settings)


def sample_inputs(build: Build, most: int) -> list[Inputs]:
    """The first questions that the build would take, `most` in all, spread evenly over its sources."""
    counts = {of.source: n for of, n in build.selection().counts.items() if of.variant == 0}
    each = -(-most // max(len(counts), 1))
    inputs = []
    for source, count in counts.items():
        questions = build.questions.accepted[source][: min(each, count)]
        inputs.append(Inputs(0, questions, [build.questions.splits[q.id] for q in questions], keep=False))
    return inputs


def make_sample(
    settings: Settings, inputs: Inputs, writer: LlmWriter | None = None
) -> dict[str, tuple[list[Any], float]]:
    """Run each stage on the inputs; returns its records without refusals, and the seconds it took. Writes nothing.

    With `writer` the dialogues get the turns and lengths that this model would be asked for.
    """
    results: dict[str, tuple[list[Any], float]] = {}
    for stage in stages_of(settings):
        started = time.perf_counter()
        here = stage_for(stage, inputs.questions[0].source) if inputs.questions else stage
        items = [i for i in here.run(settings, inputs) if not isinstance(i, Rejected)]
        results[stage.name] = items, time.perf_counter() - started
        if stage is STAGES["dialogues"]:
            if writer is not None:
                questions = {question.id: question for question in inputs.questions}
                items[:] = [shaped(d, writer.brief(questions[d.question_id], d.variant)) for d in items]
            inputs = replace(inputs, dialogues=items)
    return results


def shaped(dialogue: Dialogue, brief: Brief) -> Dialogue:
    """The dialogue with its longest turn of the user's, follow-ups and answers of the lengths that a brief asks for."""
    user = max((t for t in dialogue.turns if t.role == "user"), key=lambda turn: len(turn.text))
    said = split_words(user.text, dialogue.language)
    stock = said + split_words(" ".join(turn.intended_text for turn in dialogue.turns), dialogue.language)

    def turn(role: Role, words: int) -> Turn:
        per_word = IDEOGRAPHS_PER_WORD if is_unspaced(dialogue.language) else 1
        text = join_words([*islice(cycle(stock), round(words * per_word))], dialogue.language)
        return Turn(role, text, text)

    turns = [user]
    for number, (least, most) in enumerate(brief.lengths):
        turns += [turn("user", FOLLOW_UP_WORDS)] if number else []
        turns.append(turn("assistant", (least + most) // 2))
    # Only a start in the turn that stayed as it was has its place still.
    kept = tuple(start for start in dialogue.starts if start.asked == 0 and user is dialogue.turns[0])
    return replace(dialogue, turns=tuple(turns), starts=kept)


def plan(settings: Settings) -> Plan:
    """Foresee the build by making a small sample of it on this machine. Raises what the build would.

    No model is asked: the offline rules stand in for it, and the prompts that it would be sent are counted.
    """
    free = settings.model_copy(update={"writer": "offline", "simulator": "offline", "back_end": None})
    with looked_at(settings) as build:
        build.questions.check_some()
        counts = build.selection().counts
        inputs = sample_inputs(build, SAMPLE)
        writer = writer_of(build.settings)
        asked = writer if isinstance(writer, LlmWriter) else None
        # Recorded dialogues are what they are.
        results = [make_sample(free, i, None if _recorded(i) else asked) for i in inputs]
        return _scale(build, counts, inputs, results)


def _recorded(inputs: Inputs) -> bool:
    return any(question.source == IMPORTED for question in inputs.questions)


def _scale(
    build: Build,
    counts: dict[SourceVariant, int],
    inputs: list[Inputs],
    results: list[dict[str, tuple[list[Any], float]]],
) -> Plan:
    dialogues: Counter[str] = Counter()
    for of, n in counts.items():
        dialogues[of.source] += n
    sampled = sum(len(r["dialogues"][0]) for r in results)
    factor = sum(counts.values()) / sampled if sampled else 0.0
    oracles = [o for r in results for d in r["oracles"][0] for o in d.oracles]
    levels = Counter(o.level for o in oracles)
    rows = {"oracles": len(oracles)}
    stages = tuple(
        StagePlan(
            stage.name,
            round(rows.get(stage.name, sum(len(r[stage.name][0]) for r in results)) * factor),
            # What models do takes the time that stands with their calls.
            0.0 if build.settings.asks(stage.name) else factor * sum(r[stage.name][1] for r in results),
        )
        for stage in stages_of(build.settings)
    )
    models = tuple(model_plans(build.settings, inputs, results, factor))
    return Plan(
        {source: len(questions) for source, questions in build.questions.accepted.items()},
        dict(dialogues),
        {level: round(n * factor) for level, n in sorted(levels.items())},
        stages,
        models,
        sampled,
    )


def model_plans(
    settings: Settings, inputs: list[Inputs], results: list[dict[str, tuple[list[Any], float]]], factor: float
) -> Iterator[ModelPlan]:
    """The calls of the sample, counted on the real prompts, scaled up by `factor`."""
    counted: dict[tuple[str, str, int | None], list[tuple[Request, int]]] = {}
    dialogues = [d for r in results for d in r["dialogues"][0]]
    writer, simulator = writer_of(settings), simulator_of(settings)
    if isinstance(writer, LlmWriter):
        questions = {q.id: q for i in inputs for q in i.questions if q.source != IMPORTED}
        for dialogue in (d for d in dialogues if d.question_id in questions):
            # What was put in or cut off is not the writer's, but for the few words of a barge-in.
            written = [
                without_hesitations(t.intended_text, dialogue.language) for t in dialogue.turns if t.kind == "speech"
            ]
            words = sum(length_in_words(text, dialogue.language) for text in written)
            tokens = round(words * TOKENS_PER_WORD) + JSON_TOKENS * (len(written) // 2)
            pair = (writer.request(questions[dialogue.question_id], 0), tokens)
            counted.setdefault(("dialogues", writer.name, None), []).append(pair)
    if settings.asks("oracles"):
        tasks = tasks_of(dialogues, settings.level_schedule(), recogniser_of(settings.stt, settings.seed))
        for request, oracles in requests_of(simulator, tasks):
            tokens = round(ORACLE_WORDS * TOKENS_PER_WORD) + (LINE_TOKENS if request.schema else 0)
            model = str(Spec(request.provider, request.model, request.base_url))
            counted.setdefault(("oracles", model, request.level), []).append((request, tokens * oracles))
    prices, batch = Prices(settings.llm.prices), settings.llm.mode == "batch"
    for (stage, model, level), pairs in sorted(counted.items(), key=lambda item: (item[0][0], item[0][2] or 0)):
        calls = round(len(pairs) * factor)
        usage = Usage(round(factor * sum(_input(r) for r, _ in pairs)), round(factor * sum(n for _, n in pairs)))
        price = prices.find(pairs[0][0].provider, pairs[0][0].model)
        # A proxy on this machine may pass on what costs something.
        asked = price is None and is_local(pairs[0][0].url)
        pace: float | None = ANSWER_SECONDS / settings.llm.concurrency
        if asked:
            pace = measured_pace([request for request, _ in pairs], settings.llm.timeout)
        seconds = None if pace is None else _at_pace(settings.llm, calls, usage, pace)
        cost = None if price is None else price.of(usage, batch=batch)
        measured = asked and pace is not None
        yield ModelPlan(stage, model, level, calls, usage.input, usage.output, cost, seconds, measured)


def _at_pace(limits: LlmSettings, calls: int, usage: Usage, pace: float) -> float:
    """Seconds that the calls take at `pace` seconds from one answer to the next, within the limits."""
    by_requests = 60 * calls / limits.rpm if limits.rpm else 0.0
    by_tokens = 60 * (usage.input + usage.output) / limits.tpm if limits.tpm else 0.0
    return max(calls * pace, by_requests, by_tokens)


def requests_of(simulator: Simulator | ManySimulator, tasks: Sequence[OracleTask]) -> Iterator[tuple[Request, int]]:
    """The requests to models that the tasks take, each with the number of oracles that it asks for."""
    if isinstance(simulator, LlmSimulator):
        yield from simulator.requests(tasks)
    elif isinstance(simulator, ByLevel):
        yield from requests_of(simulator.back_end, [t for t in tasks if t.request.level == GUESS])
        yield from requests_of(simulator.others, [t for t in tasks if t.request.level != GUESS])


def _input(request: Request) -> int:
    wrapping = MESSAGE_TOKENS * (len(request.messages) + 1)
    return request.input_bytes() // BYTES_PER_TOKEN + wrapping + PICTURE_TOKENS * request.pictures()


def preview(settings: Settings, most: int = 3) -> list[tuple[Dialogue, DialogueOracles]]:
    """The first dialogues of the build with their oracles, one of each source in turn; nothing is written."""
    silent = settings.model_copy(update={"speak": False})
    with looked_at(silent) as build:
        build.questions.check_some()
        columns = [make_sample(build.settings, inputs) for inputs in sample_inputs(build, 3 * most)]
        pairs = [list(zip(c["dialogues"][0], c["oracles"][0], strict=True)) for c in columns]
        turns = [pair for row in range(most) for column in pairs for pair in column[row : row + 1]]
        return turns[:most]
