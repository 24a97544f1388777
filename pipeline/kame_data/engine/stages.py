"""The list of the stages between questions and shards; each is declared beside its generator."""

from typing import Any

from kame_data.dialogues.write import dialogues_stage
from kame_data.engine.makers import simulator_of, writer_of
from kame_data.imported.recorded_oracles import recorded_oracles_stage
from kame_data.imported.source import RECORDED_DIALOGUES, RECORDED_SPEECH, recordings_of, stage_key
from kame_data.oracles import early
from kame_data.oracles.early import EarlyStarts
from kame_data.oracles.simulate import key_of, oracles_stage
from kame_data.settings.tree import IMPORTED, Settings
from kame_data.speech.speak import SPEECH_STAGE
from kame_data.stage import Stage


def _starter_of(settings: Settings) -> EarlyStarts:
    return EarlyStarts.of(settings, simulator_of(settings))


def _starter_key(settings: Settings) -> dict[str, Any]:
    return {"early version": early.VERSION} | key_of(settings, simulator_of(settings))


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        dialogues_stage(writer_of, _starter_of, _starter_key),
        oracles_stage(simulator_of),
        SPEECH_STAGE,
    )
}

# What takes the place of a stage for dialogues that were written and spoken elsewhere.
_RECORDED: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        RECORDED_DIALOGUES,
        recorded_oracles_stage(simulator_of, recordings_of, stage_key),
        RECORDED_SPEECH,
    )
}


def stage_for(stage: Stage, source: str) -> Stage:
    """The stage as it is for a source's dialogues."""
    return _RECORDED.get(stage.name, stage) if source == IMPORTED else stage


def stages_of(settings: Settings) -> list[Stage]:
    """The stages that these settings call for, each after the ones it reads."""
    return [stage for stage in STAGES.values() if settings.speak or stage.name != "speech"]
