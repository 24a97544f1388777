"""The tandem and its front end alone as systems, with the bundled model."""

import pytest

from evaluate.voiced_sounds import sentence
from kame_data.evaluate.records import Asked, AskedTurn, Item, ItemTurn
from kame_data.evaluate.sound import flac_of, sound_of
from kame_data.evaluate.systems.tandem import FRONT_END, TANDEM
from kame_data.llm.accounts import Budget
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.tandem.events import SessionBegins, SessionEnds, event_of

pytest.importorskip("moshi")
pytest.importorskip("moonshine_voice")
QUESTIONS = ("What is the capital of France?", "How many days are in a leap year?")
ITEM = Item("q1", "questions", "", "en", tuple(ItemTurn(q) for q in QUESTIONS))
SETTINGS = EvaluationSettings.model_validate(
    {"turns": {"patience": 3.0, "silence": 1.0}, "recogniser": "none", "latency": {"policy": "final"}}
)


@pytest.fixture(scope="module")
def asked():
    sounds = [sentence(q) for q in QUESTIONS]
    return Asked("q1", "espeak", tuple(AskedTurn(flac_of(s), 0.0, len(s) / 24_000) for s in sounds))


@pytest.mark.parametrize("engine", [TANDEM, FRONT_END], ids=lambda engine: engine.name)
def test_both_questions_are_asked_and_the_log_is_whole(engine, asked):
    with engine.open("", SETTINGS) as system:
        held, again = (system.hold(ITEM, asked, 0, 5, Budget()) for _ in range(2))
    assert held == again and held.id == f"q1/{engine.name}/0" and not held.failure
    sound = sound_of(held.flac)
    assert len(held.turns) == 2 and len(sound) / 24_000 > held.turns[1].end
    events = [event_of(line) for line in held.log.splitlines()]
    assert isinstance(events[0], SessionBegins) and isinstance(events[-1], SessionEnds)
    assert events[0].policy.startswith("none" if engine is FRONT_END else "final") and held.stand_ins


def test_the_version_hangs_on_what_can_change_a_conversation():
    other = SETTINGS.model_copy(update={"silence": 1.5})
    same = SETTINGS.model_copy(update={"out": SETTINGS.out / "other", "judges": ("openai:x",), "seed": 9})
    version = TANDEM.version("", SETTINGS)
    assert version == TANDEM.version("", same) != TANDEM.version("", other) != FRONT_END.version("", SETTINGS)
