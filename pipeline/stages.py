"""The stages between questions and shards: what each depends on, and how it turns a part into the next.

A stage is a generator over records that yields records or refusals; it knows nothing of files or of other stages.
`version` is raised when its output for the same input changes; what else the output depends on is its `key`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import duplex, transcripts
from pipeline.config import IMPORTED, DuplexSettings, Settings
from pipeline.dialogues import ManyWriter, Writer, write_dialogues
from pipeline.imported.recordings import Recordings, recorded_dialogues, recorded_speech
from pipeline.llm.offline.simulator import OfflineSimulator
from pipeline.llm.offline.writer import OfflineWriter
from pipeline.llm.prices import Prices
from pipeline.llm.prompts import TASKS, WRITER, Prompts
from pipeline.llm.session import session_of
from pipeline.llm.simulator import LlmSimulator
from pipeline.llm.spec import api_key, parse_spec
from pipeline.llm.writer import LlmWriter
from pipeline.oracles import DialogueOracles, ManySimulator, Simulator, simulate_oracles
from pipeline.records import Dialogue, Question, Rejected, Speech, Split
from pipeline.sources import get_source
from pipeline.sources.base import Source
from pipeline.sources.imported import Imported
from pipeline.speech.pool import SPLITS, VoicePool
from pipeline.speech.settings import SpeechSettings
from pipeline.speech.speak import speak_dialogues
from pipeline.speech.studio import measures_of, open_studio
from pipeline.speech.voices import Synthesizer, open_synthesizer
from pipeline.transcripts import Recogniser


def writer_of(settings: Settings) -> Writer | ManyWriter:
    """The writer that `--writer` (or `--llm`) names. Raises UsageError for a name or a prompt that will not do."""
    if settings.writer == "offline":
        return _offline_writer(settings.seed)
    spec, llm = parse_spec(settings.writer), settings.llm
    return LlmWriter(
        spec,
        _prompts(settings.prompts),
        lambda: session_of(settings),
        settings.seed,
        temperature=llm.temperature,
        max_tokens=llm.writer_tokens,
        pictures=llm.pictures,
    )


def simulator_of(settings: Settings) -> Simulator | ManySimulator:
    """The simulator that `--simulator` (or `--llm`) names. Raises as `writer_of` does."""
    if settings.simulator == "offline":
        return _offline_simulator(settings.seed)
    spec, llm = parse_spec(settings.simulator), settings.llm
    return LlmSimulator(
        spec,
        _prompts(settings.prompts),
        lambda: session_of(settings),
        settings.seed,
        temperature=llm.temperature,
        max_tokens=llm.oracle_tokens,
    )


# What they have read and worked out is worth keeping from part to part.
_offline_writer = cache(OfflineWriter)
_offline_simulator = cache(OfflineSimulator)


@cache
def _prompts(folder: Path | None) -> Prompts:
    return Prompts(folder)


def ask_models(settings: Settings) -> bool:
    """Whether these settings ask any model at all."""
    return any(spec != "offline" for spec in _asked(settings).values())


def _asked(settings: Settings) -> dict[str, str]:
    """The specs of what writes in this build, by role."""
    simulator = {"simulator": settings.simulator}
    return {"writer": settings.writer} | simulator if settings.writes else simulator


def stand_ins(settings: Settings) -> list[str]:
    """What only stands in for the real thing in this build."""
    found = [f"{role}: offline rules" for role, spec in _asked(settings).items() if spec == "offline"]
    if settings.speak and settings.writes and settings.speech.tts == "espeak":
        found.append("voice: espeak")
    return found


def prompt_digests(settings: Settings) -> dict[str, str]:
    """The digest of each prompt that these settings ask a model with, by task."""
    writer = () if settings.writer == "offline" else (WRITER,)
    simulator = () if settings.simulator == "offline" else tuple(task for task in TASKS if task != WRITER)
    return {task: _prompts(settings.prompts)[task].digest for task in (*writer, *simulator)}


def check_models(settings: Settings) -> None:
    """Raise UsageError where a model is named whose provider wants a key that the environment lacks, or whose price
    is not known although there is a budget."""
    prices = Prices(settings.llm.prices)
    for name in _asked(settings).values():
        spec = parse_spec(name)
        if not spec.offline:
            api_key(spec.provider, spec.base_url)
            if settings.llm.budget is not None:
                prices.known(spec.request())


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a slice's stages may read: its questions with their splits, and, after the first stage, its dialogues.

    `keep` is False where nothing may be written, not even what a stage makes on its way.
    """

    variant: int
    questions: Sequence[Question]
    splits: Sequence[Split]
    dialogues: Sequence[Dialogue] = ()
    keep: bool = True


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
    for item in write_dialogues(inputs.questions, inputs.variant, writer_of(settings)):
        yield duplex.make_duplex(item, settings.duplex, settings.seed) if isinstance(item, Dialogue) else item


def _dialogues_key(settings: Settings) -> dict[str, Any]:
    writer = writer_of(settings)
    key: dict[str, Any] = {"writer": writer.name, "version": writer.version, "seed": settings.seed}
    if settings.duplex != DuplexSettings():
        key["duplex"] = {"version": duplex.VERSION, **settings.duplex.model_dump()}
    return key


def _oracles(settings: Settings, inputs: Inputs) -> Iterator[DialogueOracles | Rejected]:
    simulator = simulator_of(settings)
    return simulate_oracles(inputs.dialogues, settings.level_schedule(), simulator, recogniser_of(settings))


def recogniser_of(settings: Settings) -> Recogniser | None:
    """What hears the user with the noise that the settings ask for; None where all is heard as it is said."""
    return Recogniser(settings.stt, settings.seed) if settings.stt.noise else None


def _oracles_key(settings: Settings) -> dict[str, Any]:
    simulator = simulator_of(settings)
    schedule: dict[str, Any] = {
        "levels": settings.levels,
        "schedule": settings.schedule,
        "every": settings.prefix_every,
        "cuts": settings.cuts,
    }
    if settings.stt.noise:
        schedule["stt"] = {"version": transcripts.VERSION, **settings.stt.model_dump()}
    return {"simulator": simulator.name, "version": simulator.version, "seed": settings.seed, **schedule}


@cache
def synthesizer_of(spec: str, batch: int = 0) -> Synthesizer:
    """The synthesizer that `--tts` names, not yet started."""
    return open_synthesizer(spec, batch=batch)


def _speech(settings: Settings, inputs: Inputs) -> Iterator[Speech | Rejected]:
    split_of = {q.id: split for q, split in zip(inputs.questions, inputs.splits, strict=True)}
    items = ((dialogue, split_of[dialogue.question_id]) for dialogue in inputs.dialogues)
    with closing(open_studio(settings.speech, settings.out / "parts" / "clips" if inputs.keep else None)) as studio:
        yield from speak_dialogues(items, studio, settings.speech, settings.seed)


@cache
def _pool_of(speech: SpeechSettings) -> VoicePool:
    return VoicePool(synthesizer_of(speech.tts, speech.batch), speech)


def _speech_key(settings: Settings) -> dict[str, Any]:
    # Models and recordings count by what they are, not by where they lie.
    speech = settings.speech.model_dump(mode="json", exclude={"tts", "user_voices", "assistant_voice"})
    version = synthesizer_of(settings.speech.tts, settings.speech.batch).version
    measures = [measure.version("en") for measure in measures_of(settings.speech)]
    voices = _pool_of(settings.speech).facts()
    return {"version": version, "seed": settings.seed, "voices": voices, "measures": measures, **speech}


def check_voices(settings: Settings) -> None:
    """Raise UsageError where a voice is named that there is not, or a split is left without one; loads the model."""
    if not settings.writes:
        return
    splits = SPLITS if settings.validation_share else SPLITS[:1]
    _pool_of(settings.speech).check(settings.languages, splits)


def terms(settings: Settings) -> list[str]:
    """What the licences of the voices forbid, a line each."""
    spoken = settings.speak and settings.writes
    return synthesizer_of(settings.speech.tts, settings.speech.batch).terms() if spoken else []


def source_of(settings: Settings, name: str) -> Source:
    """The source of that name, as these settings read it."""
    return Imported(settings.imported, settings.imported_language) if name == IMPORTED else get_source(name)


def _recordings(settings: Settings) -> Recordings:
    source = Imported(settings.imported, settings.imported_language)
    location = next(s.location for s in settings.sources if s.name == IMPORTED)
    return source.recordings(source.folder(location))


def _imported_dialogues(settings: Settings, inputs: Inputs) -> Iterator[Dialogue | Rejected]:
    return recorded_dialogues(inputs.questions, _recordings(settings))


def _imported_speech(settings: Settings, inputs: Inputs) -> Iterator[Speech | Rejected]:
    return recorded_speech(inputs.dialogues, inputs.questions, _recordings(settings))


def imported_key(settings: Settings) -> dict[str, Any]:
    """What of the settings a recorded dialogue depends on."""
    return {**settings.imported.model_dump(), "language": settings.imported_language}


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("dialogues", 5, "questions", Dialogue, _dialogues_key, _dialogues),
        Stage("oracles", 5, "dialogues", DialogueOracles, _oracles_key, _oracles),
        Stage("speech", 4, "dialogues", Speech, _speech_key, _speech, wants_splits=True),
    )
}

# What takes the place of a stage for dialogues that were written and spoken elsewhere.
_IMPORTED: dict[str, Stage] = {
    "dialogues": Stage("dialogues", 1, "questions", Dialogue, imported_key, _imported_dialogues),
    "speech": Stage("speech", 1, "dialogues", Speech, imported_key, _imported_speech),
}


def stage_for(stage: Stage, source: str) -> Stage:
    """The stage as it is for a source's dialogues."""
    return _IMPORTED.get(stage.name, stage) if source == IMPORTED else stage


if odd := [s.name for s in STAGES.values() if s.reads not in ("questions", "dialogues")]:
    raise AssertionError(f"stage {odd[0]}: a stage reads questions or dialogues")


def stages_of(settings: Settings) -> list[Stage]:
    """The stages that these settings call for, each after the ones it reads."""
    return [stage for stage in STAGES.values() if settings.speak or stage.name != "speech"]


def id_of(record: Any) -> str:
    """The dialogue that a row of any stage belongs to."""
    return record.id if isinstance(record, Dialogue) else str(record.dialogue_id)
