"""What a build would take, and what it would look like, before anything is spent: `plan` and `preview`."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.build import Build, gather_all
from pipeline.config import IMPORTED, Settings
from pipeline.llm.prices import MESSAGE_TOKENS, Prices
from pipeline.llm.request import Request, Usage
from pipeline.llm.session import close_session
from pipeline.llm.simulator import LlmSimulator
from pipeline.llm.writer import LlmWriter
from pipeline.oracles import DialogueOracles, tasks_of
from pipeline.records import Dialogue, Rejected
from pipeline.stages import STAGES, Inputs, recogniser_of, simulator_of, stage_for, stages_of, writer_of
from pipeline.text.hesitations import without_hesitations
from pipeline.text.words import length_in_words
from pipeline.wanted import Lane

SAMPLE = 60
"""Dialogues that are made to judge the whole by."""

# OpenAI's rule of thumb for English: 100 tokens are about 75 words, a token about four characters.
TOKENS_PER_WORD = 4 / 3
BYTES_PER_TOKEN = 4
PICTURE_TOKENS = 1000
# What JSON adds to a dialogue: names, quotes, the answer and the choices once more.
JSON_TOKENS = 60
# How long a small model takes for an answer, where nothing is known yet.
ANSWER_SECONDS = 1.5
# The prompts ask for 10 to 30 words.
ORACLE_WORDS = 20


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What a stage would make: rows, and seconds on one core (0 for what models do)."""

    stage: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What a model would be asked for one stage and level: calls, tokens, dollars (None without a known price), and
    seconds at ANSWER_SECONDS an answer, as many at once as the settings allow and no faster than their limits."""

    stage: str
    model: str
    level: int | None
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    seconds: float


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
        build = Build(settings.model_copy(update={"out": Path(folder) / "out"}))
        try:
            yield build
        finally:
            close_session(build.settings)


def sample_inputs(build: Build, most: int) -> list[Inputs]:
    """The first questions that the build would take, `most` in all, spread evenly over its sources."""
    counts = build.wanted().counts
    lanes = [lane for lane in counts if lane.variant == 0]
    each = -(-most // max(len(lanes), 1))
    inputs = []
    for lane in lanes:
        questions = build.questions[lane.source][: min(each, counts[lane])]
        inputs.append(Inputs(0, questions, [build.splits[q.id] for q in questions], keep=False))
    return inputs


def made(settings: Settings, inputs: Inputs) -> dict[str, tuple[list[Any], float]]:
    """What each stage makes of the inputs, refusals left out, and the seconds it took; nothing is written."""
    results: dict[str, tuple[list[Any], float]] = {}
    for stage in stages_of(settings):
        started = time.perf_counter()
        here = stage_for(stage, inputs.questions[0].source) if inputs.questions else stage
        items = [i for i in here.run(settings, inputs) if not isinstance(i, Rejected)]
        results[stage.name] = items, time.perf_counter() - started
        if stage is STAGES["dialogues"]:
            inputs = replace(inputs, dialogues=items)
    return results


def plan(settings: Settings) -> Plan:
    """Foresee the build by making a small sample of it on this machine. Raises what the build would.

    No model is asked: the offline rules stand in for it, and the prompts that it would be sent are counted.
    """
    free = settings.model_copy(update={"writer": "offline", "simulator": "offline"})
    with looked_at(settings) as build:
        gather_all(build)
        counts = build.wanted().counts
        inputs = sample_inputs(build, SAMPLE)
        return _scale(build, counts, inputs, [made(free, i) for i in inputs])


def _scale(
    build: Build, counts: dict[Lane, int], inputs: list[Inputs], results: list[dict[str, tuple[list[Any], float]]]
) -> Plan:
    dialogues: Counter[str] = Counter()
    for lane, n in counts.items():
        dialogues[lane.source] += n
    sampled = sum(len(r["dialogues"][0]) for r in results)
    factor = sum(counts.values()) / sampled if sampled else 0.0
    oracles = [o for r in results for d in r["oracles"][0] for o in d.oracles]
    levels = Counter(o.level for o in oracles)
    rows = {"oracles": len(oracles)}
    # What models do takes the time that stands with their calls.
    asked = {"dialogues": build.settings.writer, "oracles": build.settings.simulator}
    stages = tuple(
        StagePlan(
            stage.name,
            round(rows.get(stage.name, sum(len(r[stage.name][0]) for r in results)) * factor),
            0.0 if asked.get(stage.name, "offline") != "offline" else factor * sum(r[stage.name][1] for r in results),
        )
        for stage in stages_of(build.settings)
    )
    models = tuple(model_plans(build.settings, inputs, results, factor))
    return Plan(
        {source: len(questions) for source, questions in build.questions.items()},
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
            pair = (writer.request(questions[dialogue.question_id], 0), round(words * TOKENS_PER_WORD) + JSON_TOKENS)
            counted.setdefault(("dialogues", writer.name, None), []).append(pair)
    if isinstance(simulator, LlmSimulator):
        for task in tasks_of(dialogues, settings.level_schedule(), recogniser_of(settings)):
            pair = (simulator.request(task), round(ORACLE_WORDS * TOKENS_PER_WORD))
            counted.setdefault(("oracles", simulator.name, task.request.level), []).append(pair)
    prices, batch = Prices(settings.llm.prices), settings.llm.mode == "batch"
    for (stage, model, level), pairs in sorted(counted.items(), key=lambda item: (item[0][0], item[0][2] or 0)):
        calls = round(len(pairs) * factor)
        usage = Usage(round(factor * sum(_input(r) for r, _ in pairs)), round(factor * sum(n for _, n in pairs)))
        price = prices.find(pairs[0][0].provider, pairs[0][0].model)
        seconds = ANSWER_SECONDS * calls / settings.llm.concurrency
        if settings.llm.rpm:
            seconds = max(seconds, 60 * calls / settings.llm.rpm)
        if settings.llm.tpm:
            seconds = max(seconds, 60 * (usage.input + usage.output) / settings.llm.tpm)
        cost = None if price is None else price.of(usage, batch=batch)
        yield ModelPlan(stage, model, level, calls, usage.input, usage.output, cost, seconds)


def _input(request: Request) -> int:
    wrapping = MESSAGE_TOKENS * (len(request.messages) + 1)
    return request.input_bytes() // BYTES_PER_TOKEN + wrapping + PICTURE_TOKENS * request.pictures()


def preview(settings: Settings, most: int = 3) -> list[tuple[Dialogue, DialogueOracles]]:
    """The first dialogues of the build with their oracles, one of each source in turn; nothing is written."""
    silent = settings.model_copy(update={"speak": False})
    with looked_at(silent) as build:
        gather_all(build)
        columns = [made(build.settings, inputs) for inputs in sample_inputs(build, 3 * most)]
        pairs = [list(zip(c["dialogues"][0], c["oracles"][0], strict=True)) for c in columns]
        turns = [pair for row in range(most) for column in pairs for pair in column[row : row + 1]]
        return turns[:most]
