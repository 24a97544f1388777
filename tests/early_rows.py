"""Rows with early starts and fillers, made of real questions by the offline rules and hummed."""

import random
import sys
from functools import cache
from pathlib import Path

from kame_data.engine.stages import STAGES
from kame_data.finished.row import Row
from kame_data.oracles.simulate import DialogueOracles
from kame_data.records import Dialogue, Question, Rejected
from kame_data.settings.tree import Settings
from kame_data.shards.row import example
from kame_data.speech.early_places import BackEndPlan
from kame_data.speech.speak import speak_dialogues
from kame_data.stage import Inputs
from talking import Hum

sys.path.insert(0, str(Path(__file__).parent / "offline"))
from rows import questions

LABELS = {"simulator": "offline", "prompts": "2", "latency": "poll typical"}
DUPLEX = {"hesitation": 0.3, "user_back_channel": 0.8, "assistant_back_channel": 0.8, "barge_in": 0.2}


def asked(count: int) -> list[Question]:
    """Some of the questions, spread over the sources."""
    found = list(questions())
    random.Random(5).shuffle(found)
    return found[:count]


def dialogues(settings: Settings, count: int) -> list[Dialogue]:
    """The dialogues stage's, of real questions."""
    found = asked(count)
    inputs = Inputs(0, found, ["train"] * len(found))
    return [item for item in STAGES["dialogues"].run(settings, inputs) if isinstance(item, Dialogue)]


def oracles(settings: Settings, made: list[Dialogue]) -> dict[str, DialogueOracles]:
    """The oracles stage's, by dialogue."""
    items = STAGES["oracles"].run(settings, Inputs(0, (), (), made))
    return {item.dialogue_id: item for item in items if not isinstance(item, Rejected)}


@cache
def rows(settings: str, count: int) -> tuple[Row, ...]:
    """The rows that a build with these settings (as JSON) would have, in a voice that hums."""
    how = Settings.model_validate_json(settings)
    made = dialogues(how, count)
    hung, by_id = oracles(how, made), {f"{q.id}-v0": q for q in asked(count)}
    plan = BackEndPlan(how.level_schedule(), how.latency)
    found = []
    for one, speech in zip(
        made, speak_dialogues([(d, "train") for d in made], Hum(), how.speech, how.seed, plan), strict=True
    ):
        assert not isinstance(speech, Rejected), speech
        told = example(
            by_id[one.id], "train", one, hung[one.id], speech,
            latency=how.latency, seed=how.seed, labels=LABELS, schedule=how.level_schedule(),
        )  # fmt: skip
        found.append(Row.of(told))
    return tuple(found)
