"""The stages between questions and shards: what each depends on, and how it turns a part into the next.

A stage is a generator over records that yields records or refusals; it knows nothing of files or of other stages.
`version` is raised when its output for the same input changes; what else the output depends on is its `key`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.config import Settings
from pipeline.dialogues import Writer, write_dialogues
from pipeline.errors import UsageError
from pipeline.llm.offline.simulator import OfflineSimulator
from pipeline.llm.offline.writer import OfflineWriter
from pipeline.oracles import DialogueOracles, Simulator, simulate_oracles
from pipeline.records import Dialogue, Question, Rejected, Speech, Split
from pipeline.speech.timeline import speak_dialogues
from pipeline.speech.voices import Synthesizer, open_synthesizer


@cache
def writer_of(spec: str, seed: int) -> Writer:
    """The writer that `--writer` (or `--llm`) names."""
    if spec == "offline":
        return OfflineWriter(seed)
    raise UsageError(f"--writer {spec}: only 'offline' is built into this version")


@cache
def simulator_of(spec: str, seed: int) -> Simulator:
    """The simulator that `--simulator` (or `--llm`) names."""
    if spec == "offline":
        return OfflineSimulator(seed)
    raise UsageError(f"--simulator {spec}: only 'offline' is built into this version")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a slice's stages may read: its questions with their splits, and, after the first stage, its dialogues."""

    variant: int
    questions: Sequence[Question]
    splits: Sequence[Split]
    dialogues: Sequence[Dialogue] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """`reads` is what the output comes from: "questions" or "dialogues"; `record` the class of the rows."""

    name: str
    version: int
    reads: str
    record: type
    key: Callable[[Settings], dict[str, Any]]
    run: Callable[[Settings, Inputs], Iterator[Any]]
    wants_splits: bool = False


def _dialogues(settings: Settings, inputs: Inputs) -> Iterator[Dialogue | Rejected]:
    return write_dialogues(inputs.questions, inputs.variant, writer_of(settings.writer, settings.seed))


def _dialogues_key(settings: Settings) -> dict[str, Any]:
    writer = writer_of(settings.writer, settings.seed)
    return {"writer": writer.name, "version": writer.version, "seed": settings.seed}


def _oracles(settings: Settings, inputs: Inputs) -> Iterator[DialogueOracles | Rejected]:
    simulator = simulator_of(settings.simulator, settings.seed)
    return simulate_oracles(inputs.dialogues, settings.level_schedule(), simulator)


def _oracles_key(settings: Settings) -> dict[str, Any]:
    simulator = simulator_of(settings.simulator, settings.seed)
    schedule = {
        "levels": settings.levels,
        "schedule": settings.schedule,
        "every": settings.prefix_every,
        "cuts": settings.cuts,
    }
    return {"simulator": simulator.name, "version": simulator.version, "seed": settings.seed, **schedule}


@cache
def synthesizer_of(spec: str) -> Synthesizer:
    """The synthesizer that `--tts` names, not yet started."""
    return open_synthesizer(spec)


def _speech(settings: Settings, inputs: Inputs) -> Iterator[Speech | Rejected]:
    split_of = {q.id: split for q, split in zip(inputs.questions, inputs.splits, strict=True)}
    items = ((dialogue, split_of[dialogue.question_id]) for dialogue in inputs.dialogues)
    with closing(open_synthesizer(settings.speech.tts)) as synthesizer:
        yield from speak_dialogues(items, synthesizer, settings.speech, settings.seed)


def _speech_key(settings: Settings) -> dict[str, Any]:
    synthesizer = synthesizer_of(settings.speech.tts)
    return {"version": synthesizer.version, "seed": settings.seed, **settings.speech.model_dump(mode="json")}


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("dialogues", 1, "questions", Dialogue, _dialogues_key, _dialogues),
        Stage("oracles", 1, "dialogues", DialogueOracles, _oracles_key, _oracles),
        Stage("speech", 1, "dialogues", Speech, _speech_key, _speech, wants_splits=True),
    )
}


def stages_of(settings: Settings) -> list[Stage]:
    """The stages that these settings call for, each after the ones it reads."""
    return [stage for stage in STAGES.values() if settings.speak or stage.name != "speech"]


def id_of(record: Any) -> str:
    """The dialogue that a row of any stage belongs to."""
    return record.id if isinstance(record, Dialogue) else str(record.dialogue_id)
