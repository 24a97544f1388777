"""What is asked of a simulator, what is accepted, and which oracles a dialogue gets."""

import pytest

from kame_data.levels import LevelSchedule
from kame_data.oracles.acceptance import OracleRequest
from kame_data.oracles.simulate import DialogueOracles, simulate_oracles
from kame_data.records import Dialogue, Rejected, Turn

QUESTION = "My garden has three rows with four roses each. How many roses are there altogether?"
TRUTH = "There are twelve roses altogether."


def dialogue(*texts: str, answer: str = "twelve", language: str = "en") -> Dialogue:
    turns = tuple(Turn("assistant" if i % 2 else "user", text, text) for i, text in enumerate(texts))
    return Dialogue("own-1-v0", "own-1", 0, language, turns, answer)


class Recorder:
    """A simulator that notes what it is asked, and says what it is told or else what any turn of that level may."""

    name, version = "recorder", "1"

    def __init__(self, says: str = "") -> None:
        self.says = says
        self.asked: list[OracleRequest] = []

    def simulate(self, request: OracleRequest) -> str:
        self.asked.append(request)
        return self.says or ("I'd say twelve." if request.level > 1 else "Let me count them.")


def simulate(given: Dialogue, simulator: Recorder, schedule: LevelSchedule) -> tuple[DialogueOracles, list[Rejected]]:
    *rejected, found = simulate_oracles([given], schedule, simulator)
    assert isinstance(found, DialogueOracles)
    assert all(isinstance(r, Rejected) for r in rejected)
    return found, [r for r in rejected if isinstance(r, Rejected)]


@pytest.mark.parametrize("schedule", ["progressive", "grid"])
def test_every_prefix_gets_its_levels_in_order(schedule: str) -> None:
    levels = LevelSchedule(schedule=schedule)
    found, rejected = simulate(dialogue(QUESTION, TRUTH), Recorder(), levels)
    assert not rejected
    wanted = [(p.turn, p.words, p.level, p.ratio) for p in levels.prefixes(0, len(QUESTION.split()))]
    assert [(o.turn, o.prefix_words, o.level, o.ratio) for o in found.oracles] == wanted


def test_level_0_cannot_see_the_answer_and_level_5_is_not_asked() -> None:
    simulator = Recorder()
    found, _ = simulate(dialogue(QUESTION, TRUTH), simulator, LevelSchedule(schedule="grid"))
    assert {r.hint for r in simulator.asked if r.level == 0} == {""}
    assert {r.hint for r in simulator.asked if r.level > 0} == {TRUTH}
    assert 5 not in {r.level for r in simulator.asked}
    assert {o.text for o in found.oracles if o.level == 5} == {TRUTH}
    with pytest.raises(ValueError, match="level 0"):
        OracleRequest("own-1-v0", "en", 0, "My garden has", "", 0, TRUTH)


def test_level_5_is_what_would_have_been_said() -> None:
    turns = (Turn("user", QUESTION, QUESTION), Turn("assistant", "There are", TRUTH))
    found, _ = simulate(Dialogue("d-1-v0", "d-1", 0, "en", turns, "twelve"), Recorder(), LevelSchedule())
    assert found.oracles[-1].text == TRUTH


def test_later_turns_have_their_own_prefixes_and_context() -> None:
    simulator = Recorder()
    found, _ = simulate(
        dialogue("Are you there?", "Yes, go on.", QUESTION, TRUTH, "Thanks a lot."), simulator, LevelSchedule()
    )
    assert {o.turn for o in found.oracles} == {0, 2}, "a turn that nobody answers gets no oracles"
    later = [r for r in simulator.asked if r.turn == 2]
    assert {r.context for r in later} == {"user: Are you there?\nassistant: Yes, go on."}
    assert later[0].transcript == "My garden"
    assert [(o.turn, o.prefix_words) for o in found.oracles] == sorted((o.turn, o.prefix_words) for o in found.oracles)


def test_the_same_is_asked_once() -> None:
    simulator = Recorder()
    simulate(dialogue(QUESTION, TRUTH), simulator, LevelSchedule(schedule="grid", every=1))
    keys = [(r.transcript, r.level) for r in simulator.asked]
    assert len(keys) == len(set(keys))


def test_languages_without_spaces_have_prefixes_of_signs() -> None:
    simulator = Recorder("好的，我想一想。")
    simulate(
        dialogue("三乘以四是多少？", "是十二。", answer="十二", language="zh"), simulator, LevelSchedule(levels=(0,))
    )
    assert simulator.asked[0].transcript == "三乘"
    assert simulator.asked[-1].transcript == "三乘以四是多少？"


def test_what_fails_is_drawn_again_and_then_refused_by_itself() -> None:
    simulator = Recorder("Say 12 & go.")
    found, rejected = simulate(dialogue(QUESTION, TRUTH), simulator, LevelSchedule(levels=(0, 5)))
    assert [r.sample for r in simulator.asked[:3]] == [0, 1, 2]
    assert {o.level for o in found.oracles} == {5}, "the dialogue stays, with what is left"
    assert {(r.stage, r.source, r.question_id, r.dialogue_id, r.reason) for r in rejected} == {
        ("oracles", "own", "own-1", "own-1-v0", "not_spoken")
    }
    assert len(rejected) * 3 == len(simulator.asked)
    assert "2 of 15 words, level 0" in rejected[0].detail


def test_a_second_draw_can_be_accepted() -> None:
    class Second(Recorder):
        def simulate(self, request: OracleRequest) -> str:
            super().simulate(request)
            return "Let me see." if request.sample else TRUTH

    found, rejected = simulate(dialogue(QUESTION, TRUTH), Second(), LevelSchedule(levels=(1,), schedule="grid"))
    assert not rejected
    assert {o.text for o in found.oracles} == {"Let me see."}
