"""What a build would take, and what it would look like, before anything is spent: `plan` and `preview`."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.build import Build
from pipeline.config import Settings
from pipeline.levels import TRUTH
from pipeline.oracles import DialogueOracles
from pipeline.records import Dialogue, Rejected
from pipeline.run import gather_all
from pipeline.stages import STAGES, Inputs, stages_of
from pipeline.wanted import Lane

SAMPLE = 60
"""Dialogues that are made to judge the whole by."""

# OpenAI's rule of thumb for English: 100 tokens are about 75 words.
TOKENS_PER_WORD = 4 / 3


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What a stage would make: rows, calls to a model that cost money, tokens it would write, seconds on one core."""

    stage: str
    rows: int
    calls: int
    output_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A build foreseen: dialogues wanted by source, prefixes by level, and a line a stage."""

    questions: dict[str, int]
    dialogues: dict[str, int]
    levels: dict[int, int]
    stages: tuple[StagePlan, ...]
    sampled: int


@contextmanager
def looked_at(settings: Settings) -> Iterator[Build]:
    """The build in OUT where there is one; else the same build in a folder that is gone afterwards. Writes no OUT."""
    if (settings.out / "build.json").exists():
        build = Build(settings)
        build.check()
        yield build
        return
    with tempfile.TemporaryDirectory(prefix="kame-data-") as folder:
        yield Build(settings.model_copy(update={"out": Path(folder) / "out"}))


def sample_inputs(build: Build, most: int) -> list[Inputs]:
    """The first questions that the build would take, `most` in all, spread evenly over its sources."""
    counts = build.wanted().counts
    lanes = [lane for lane in counts if lane.variant == 0]
    each = -(-most // max(len(lanes), 1))
    inputs = []
    for lane in lanes:
        questions = build.questions[lane.source][: min(each, counts[lane])]
        inputs.append(Inputs(0, questions, [build.splits[q.id] for q in questions]))
    return inputs


def made(build: Build, inputs: Inputs) -> dict[str, tuple[list[Any], float]]:
    """What each stage makes of the inputs, refusals left out, and the seconds it took; nothing is written."""
    results: dict[str, tuple[list[Any], float]] = {}
    for stage in stages_of(build.settings):
        started = time.perf_counter()
        items = [i for i in stage.run(build.settings, inputs) if not isinstance(i, Rejected)]
        results[stage.name] = items, time.perf_counter() - started
        if stage is STAGES["dialogues"]:
            inputs = Inputs(inputs.variant, inputs.questions, inputs.splits, items)
    return results


def plan(settings: Settings) -> Plan:
    """Foresee the build by making a small sample of it on this machine. Raises what the build would."""
    with looked_at(settings) as build:
        gather_all(build)
        counts = build.wanted().counts
        results = [made(build, inputs) for inputs in sample_inputs(build, SAMPLE)]
        return _scale(build, counts, results)


def _scale(build: Build, counts: dict[Lane, int], results: list[dict[str, tuple[list[Any], float]]]) -> Plan:
    dialogues: Counter[str] = Counter()
    for lane, n in counts.items():
        dialogues[lane.source] += n
    sampled = sum(len(r["dialogues"][0]) for r in results)
    factor = sum(counts.values()) / sampled if sampled else 0.0
    oracles = [o for r in results for d in r["oracles"][0] for o in d.oracles]
    levels = Counter(o.level for o in oracles)
    said = sum(len(t.text.split()) for r in results for d in r["dialogues"][0] for t in d.turns)
    words = {"dialogues": said, "oracles": sum(len(o.text.split()) for o in oracles if o.level < TRUTH)}
    rows = {"dialogues": sampled, "oracles": len(oracles), "speech": sampled}
    calls = {
        "dialogues": sampled * (build.settings.writer != "offline"),
        "oracles": sum(n for level, n in levels.items() if level < TRUTH) * (build.settings.simulator != "offline"),
    }
    stages = tuple(
        StagePlan(
            stage.name,
            round(rows[stage.name] * factor),
            round(calls.get(stage.name, 0) * factor),
            round(words.get(stage.name, 0) * TOKENS_PER_WORD * factor) if calls.get(stage.name) else 0,
            sum(r[stage.name][1] for r in results) * factor,
        )
        for stage in stages_of(build.settings)
    )
    return Plan(
        {source: len(questions) for source, questions in build.questions.items()},
        dict(dialogues),
        {level: round(n * factor) for level, n in sorted(levels.items())},
        stages,
        sampled,
    )


def preview(settings: Settings, most: int = 3) -> list[tuple[Dialogue, DialogueOracles]]:
    """The first dialogues of the build with their oracles, one of each source in turn; nothing is written."""
    silent = settings.model_copy(update={"speak": False})
    with looked_at(silent) as build:
        gather_all(build)
        columns = [made(build, inputs) for inputs in sample_inputs(build, 3 * most)]
        pairs = [list(zip(c["dialogues"][0], c["oracles"][0], strict=True)) for c in columns]
        turns = [pair for row in range(most) for column in pairs for pair in column[row : row + 1]]
        return turns[:most]
