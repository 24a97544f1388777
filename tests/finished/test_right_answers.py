"""The right answer that each turn's oracles are held against."""

from dataclasses import replace

import dummies
from kame_data.finished.level_figures import LevelCurve
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.levels import LevelSchedule
from kame_data.oracles.simulate import DialogueOracles, tasks_of
from kame_data.records import Dialogue, Question, Turn
from kame_data.settings.latency import LatencySettings
from kame_data.shards.row import example

ASKED = "A hall has twelve rows of nineteen seats. How many seats is that?"
DIALOGUE = Dialogue(
    "gsm8k-1-v0",
    "gsm8k-1",
    0,
    "en",
    (
        Turn("user", ASKED, ASKED),
        Turn("assistant", *["It has two hundred twenty-eight seats."] * 2, claim="two hundred twenty-eight"),
        Turn("user", *["And if it had one row more?"] * 2),
        Turn("assistant", *["Then two hundred forty-seven."] * 2, claim="two hundred forty-seven"),
    ),
    "two hundred twenty-eight",
)
QUESTION = Question("gsm8k-1", "gsm8k", "12 rows of 19 seats: how many seats?", "228")
LABELS = {"simulator": "s", "prompts": "p", "latency": "l"}


def row_of(dialogue: Dialogue) -> Row:
    told = example(
        QUESTION, "train", dialogue, DialogueOracles(dialogue.id, ()), None,
        latency=LatencySettings(), seed=0, labels=LABELS, schedule=LevelSchedule(),
    )  # fmt: skip
    return Row.of(told)


def test_each_turns_oracles_are_asked_for_and_judged_by_its_own_claim():
    tasks = tasks_of([DIALOGUE], LevelSchedule((0, 3), "grid", 4))
    assert {(task.request.turn, task.answer) for task in tasks} == {
        (0, "two hundred twenty-eight"),
        (2, "two hundred forty-seven"),
    }
    assert row_of(DIALOGUE).right_answers == {0: "two hundred twenty-eight", 2: "two hundred forty-seven"}


def test_without_claims_the_rows_answer_is_the_right_one():
    bare = replace(DIALOGUE, turns=tuple(replace(turn, claim="") for turn in DIALOGUE.turns))
    assert row_of(bare).right_answers == {0: "228", 2: "228"}
    assert {task.answer for task in tasks_of([bare], LevelSchedule((3,), "grid", 4))} == {DIALOGUE.answer}


def test_an_open_row_has_its_claim_for_an_answer():
    row = row_of(replace(DIALOGUE, form="what_if", answer="a thirteenth row would add nineteen seats"))
    assert (row.form, row.answer) == ("what_if", "a thirteenth row would add nineteen seats")
    assert (row_of(DIALOGUE).form, row_of(DIALOGUE).answer) == ("closed", "228")


def test_the_figures_count_an_oracle_as_right_by_its_turns_claim():
    told = dummies.row(0, duplex=True)

    def right(*claims: str) -> list[tuple[int, int]]:
        row = Row.of(told | {"claims": [{"turn": n, "text": c} for n, c in zip((2, 4), claims, strict=True)]})
        curve = LevelCurve(Reckoner(LatencySettings(), 0))
        curve.add(row)
        return [(figures.right, figures.answered) for figures in curve.levels.values()]

    assert all(right == answered > 0 for right, answered in right("seats", "seats"))
    assert all(right == 0 < answered for right, answered in right("two hundred twenty eight", "then it is"))
    assert all(answered == 0 for _, answered in right("an elephant", "a zebra")), "no turn tells them"
