from typing import Any

import pytest

from kame_data.engine.sources import get_source
from kame_data.errors import Refusal

SOURCE = get_source("questions")
CITIES = ["Rome", "Athens", "Cairo"]


def ask(**row: Any) -> Any:
    return SOURCE.question({"question": "Which city is the oldest?", "answer": "Athens"} | row, "")


def test_two_columns_are_enough() -> None:
    question = ask()
    assert (question.stem, question.answer, question.choices) == ("Which city is the oldest?", "Athens", ())
    assert (question.language, question.category, question.family) == ("en", "", "")
    assert question.id == ask().id != ask(answer="Cairo").id


def test_all_columns() -> None:
    question = ask(id="a-1", choices=CITIES, category="history", language="en-GB", working="By its wall.", family="old")
    assert (question.id, question.choices, question.category) == ("questions-a-1", tuple(CITIES), "history")
    assert (question.language, question.working, question.family) == ("en", "By its wall.", "old")


@pytest.mark.parametrize("identity", ["a/../b", "x" * 200, "ein Name", ".hidden"])
def test_ids_are_safe_in_file_names(identity: str) -> None:
    question = ask(id=identity)
    assert question.id == ask(id=identity).id != ask(id=identity + "'").id
    assert question.id.removeprefix("questions-").isalnum()


SHAPES = [CITIES, '["Rome", "Athens", "Cairo"]', "Rome | Athens|Cairo", {"A": "Rome", "B": "Athens", "C": "Cairo"}]


@pytest.mark.parametrize("choices", SHAPES)
@pytest.mark.parametrize("answer", ["Athens", "athens", "B"])
def test_choices_come_in_many_shapes(choices: Any, answer: str) -> None:
    question = ask(choices=choices, answer=answer)
    assert (question.answer, question.choices) == ("Athens", tuple(CITIES))


@pytest.mark.parametrize(("answer", "text"), [(12, "12"), (2.0, "2"), (2.5, "2.5")])
def test_numbers_are_answers(answer: float, text: str) -> None:
    assert ask(answer=answer).answer == text


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"answer": " "}, "missing_answer"),
        ({"answer": None}, "missing_answer"),
        ({"answer": ["Athens"]}, "bad_row"),
        ({"answer": float("nan")}, "missing_answer"),
        ({"answer": "Paris", "choices": CITIES}, "contradictory_answer"),
        ({"choices": 3}, "bad_row"),
        ({"choices": [1, {}]}, "bad_row"),
        ({"language": "the one we speak"}, "bad_row"),
        ({"question": ["Which?"]}, "bad_row"),
        ({"id": {}}, "bad_row"),
    ],
)
def test_bad_rows_are_refused(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        ask(**row)
    assert caught.value.reason == reason


def test_files_as_pandas_and_the_hub_write_them_are_read():
    row = {"question": "Which one is it?", "answer": "B", "category": float("nan")}
    question = get_source("questions").question({**row, "choices": {"text": ["tin", "zinc"], "label": ["A", "B"]}}, "")
    assert (question.answer, question.choices, question.category) == ("zinc", ("tin", "zinc"), "")
