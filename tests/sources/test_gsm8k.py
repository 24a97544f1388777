import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kame_data.engine.sources import get_source
from kame_data.errors import Refusal
from kame_data.resources import bundled
from kame_data.sources import reading as read

SOURCE = get_source("gsm8k")
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "gsm8k" / "train.parquet"


def ask(answer: Any) -> str:
    return SOURCE.question({"question": "How many?", "answer": answer}, "train").answer


def refusal(answer: Any) -> str:
    with pytest.raises(Refusal) as caught:
        ask(answer)
    assert caught.value.detail
    return caught.value.reason


def test_a_row_becomes_a_question() -> None:
    values = {"question": "How many legs have 2 cats?", "answer": "2 cats have 2*4=<<2*4=8>>8 legs.\n#### 8"}
    question = SOURCE.question(values, "train")
    assert (question.answer, question.working) == ("8", "2 cats have 2*4=<<2*4=8>>8 legs.")
    assert (question.category, question.source_split, question.choices) == ("math", "train", ())
    assert re.fullmatch(r"gsm8k-[0-9a-f]{16}", question.id)
    assert question.id == SOURCE.question(dict(reversed(values.items())), "test").id
    assert question.id != SOURCE.question(values | {"question": "How many legs have 3 cats?"}, "train").id


@pytest.mark.parametrize(
    "answer",
    [
        "#### 8",
        "It is 3 + 5 = <<3+5=8>>8.\n#### 8",
        "It costs $1,000 + $250 = $<<1000+250=1250>>1250.\n#### 1,250",
        "He has 1/4 = <<1/4=.25>>.25 left.\n#### 25",  # as percent
        "That is $0.30 + $0.20 = $<<0.30+0.20=0.50>>0.50.\n#### 50",  # in cents
        "That is 33 / 2 = <<33/2=16.5>>16.5, so 17 cars are needed.\n#### 17",
        "It doubles to 2 * 8 = <<2*8=16>>16 after 8 days.\n#### 8",
        "So x = <<8=8>>8.\nHe is eight years old.\n#### 8",
        "In 2004, 30*2=<<30*2=60>>60 came.\n#### 60",
        "It is 12 x 1 and 1/4 = 15 cups.\n#### 15",
        "It is $2000 / 2/3 = $3000.\n#### 3000",
        "Together 70 000/5 = 14 000 are sold.\n#### 14000",
    ],
)
def test_answers_that_agree_with_their_working(answer: str) -> None:
    assert ask(answer) == answer.rpartition("#### ")[2]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("It is 3 + 5 = <<3+5=8>>8.", "missing_answer"),
        ("It is 8.\n####", "missing_answer"),
        ("It is 8.\n#### eight of them", "missing_answer"),
        ("", "missing_answer"),
        (None, "missing_answer"),
        (8, "bad_row"),
        ("#### 8\n#### 9", "contradictory_answer"),
        ("It is 3 + 5 = <<3+5=8>>8.\n#### 9", "contradictory_answer"),
        ("It is 3 + 5 = <<3+5=8>>8.\n#### 5", "contradictory_answer"),  # an operand is no result
        ("It is 3 + 5 = <<3+5=9>>9.\n#### 9", "contradictory_answer"),
        ("So it costs 192*100=$1920\n#### 1920", "contradictory_answer"),
        ("First 2 * 4 = <<2*4=8>>8.\nThen 8 * 2 = <<8*2=16>>16.\n#### 8", "contradictory_answer"),
    ],
)
def test_bad_rows_are_refused(answer: Any, reason: str) -> None:
    assert refusal(answer) == reason


@given(st.integers(2, 999), st.integers(2, 999), st.integers(1, 99))
def test_a_wrong_number_is_found(one: int, other: int, off: int) -> None:
    working = f"Together that is {one} * {other} = <<{one}*{other}={one * other}>>{one * other}."
    assert ask(f"{working}\n#### {one * other}") == str(one * other)
    # Beyond rounding: see how far two numbers may differ and still be one.
    assert refusal(f"{working}\n#### {one * other + off}") == "contradictory_answer"


def test_real_rows_hold_and_changed_ones_do_not() -> None:
    file = REAL if REAL.exists() else bundled("data/samples/gsm8k.jsonl")
    rows = [row.values for row in read.rows(SOURCE, str(file))][:3000]
    kept, caught = 0, 0
    for values in rows:
        try:
            answer = SOURCE.question(values, "train").answer
        except Refusal:
            continue
        kept += 1
        changed = str(int(answer.replace(",", "")) * 3 + 7) if answer.replace(",", "").isdigit() else "12345678"
        try:
            SOURCE.question(values | {"answer": values["answer"].rpartition("####")[0] + "#### " + changed}, "train")
        except Refusal as refused:
            caught += refused.reason == "contradictory_answer"
    assert kept > 0.8 * len(rows)
    assert caught > 0.97 * kept
