from typing import Any

import pytest

from kame_data.engine.sources import get_source
from kame_data.errors import Refusal

SOURCE = get_source("mmlu_pro")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "question_id": 7,
        "question": " Which gas do plants take in? ",
        "options": ["Oxygen", "Carbon dioxide", "Neon"],
        "answer": "B",
        "answer_index": 1,
        "cot_content": "",
        "category": "biology",
        "src": "own",
    } | changes


def refusal(**changes: Any) -> str:
    with pytest.raises(Refusal) as caught:
        SOURCE.question(row(**changes), "test")
    assert caught.value.detail
    return caught.value.reason


def test_a_row_becomes_a_question() -> None:
    question = SOURCE.question(row(), "test")
    assert (question.id, question.source, question.source_split) == ("mmlu_pro-7", "mmlu_pro", "test")
    assert question.stem == "Which gas do plants take in?"
    assert question.answer == "Carbon dioxide"
    assert question.choices == ("Oxygen", "Carbon dioxide", "Neon")
    assert (question.category, question.language, question.family) == ("biology", "en", "")


def test_working_loses_its_set_phrases() -> None:
    working = "A: Let's think step by step. Plants make sugar from it. The answer is (B)."
    assert SOURCE.question(row(cot_content=working), "validation").working == "Plants make sugar from it."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer_index": 0}, "contradictory_answer"),
        ({"answer": "D", "answer_index": 3}, "contradictory_answer"),
        ({"cot_content": "So it is neon. The answer is (C)."}, "contradictory_answer"),
        ({"answer": "", "answer_index": None}, "missing_answer"),
        ({"answer": None, "answer_index": None}, "missing_answer"),
        ({"answer": "B and C"}, "several_answers"),
        ({"answer": "carbon"}, "bad_row"),
        ({"answer_index": "one"}, "bad_row"),
        ({"answer_index": True}, "bad_row"),
        ({"options": "Oxygen"}, "bad_row"),
        ({"options": []}, "bad_row"),
        ({"options": ["Oxygen", None]}, "bad_row"),
        ({"options": ["Oxygen", " "]}, "bad_row"),
        ({"question": ""}, "bad_row"),
        ({"question": 12}, "bad_row"),
        ({"question": "half \ud83d a character"}, "bad_row"),
        ({"question_id": None}, "bad_row"),
    ],
)
def test_bad_rows_are_refused(changes: dict[str, Any], reason: str) -> None:
    assert refusal(**changes) == reason


@pytest.mark.parametrize("options", ['["Oxygen", "Carbon dioxide", "Neon"]', "['Oxygen', 'Carbon dioxide', 'Neon']"])
def test_a_row_of_text_as_in_csv(options: str) -> None:
    question = SOURCE.question(row(question_id="7", options=options, answer_index="1"), "")
    assert question.answer == "Carbon dioxide" and len(question.choices) == 3


def test_repeated_and_single_options() -> None:
    assert SOURCE.question(row(options=["Neon", "Carbon dioxide", "Neon"]), "").choices == ("Neon", "Carbon dioxide")
    alone = SOURCE.question(row(options=["Carbon dioxide"], answer="A", answer_index=0), "")
    assert (alone.answer, alone.choices) == ("Carbon dioxide", ())
