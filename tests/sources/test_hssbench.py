from typing import Any

import pytest

from kame_data.engine.sources import get_source
from kame_data.errors import Refusal
from kame_data.records import Picture

SOURCE = get_source("hssbench")
OPTIONS = {"A": "Rome", "B": "Athens", "C": "Cairo"}


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "0a1b",
        "pic_path": "art_1.png",
        "question": "Which of the cities is the oldest?",
        "options": OPTIONS,
        "correct_answer": "B",
        "category": "History",
        "original_id": 42,
        "type": ["World Ancient History"],
        "is_open": "1",
    } | changes


def test_a_row_becomes_a_question() -> None:
    question = SOURCE.question(row(), "test")
    assert (question.id, question.answer, question.choices) == ("hssbench-0a1b", "Athens", ("Rome", "Athens", "Cairo"))
    assert (question.category, question.language, question.family) == ("History", "en", "42")
    assert (question.picture, question.source_split) == (Picture("art_1.png"), "test")
    assert SOURCE.question(row(original_id="42"), "test") == question


@pytest.mark.parametrize(
    "options",
    [
        '{"A": "Rome", "B": "Athens", "C": "Cairo"}',
        "{'C': 'Cairo', 'A': 'Rome', 'B': 'Athens'}",
        OPTIONS | {"D": None, "E": ""},
        {"a": "Rome", "b.": "Athens", "(C)": "Cairo"},
        {"A .": "Rome", "B .": "Athens", "C .": "Cairo", "A": None},
        ["Rome", "Athens", "Cairo"],
    ],
)
def test_options_come_in_many_shapes(options: Any) -> None:
    question = SOURCE.question(row(options=options, type='["World Ancient History"]'), "")
    assert (question.answer, question.choices) == ("Athens", ("Rome", "Athens", "Cairo"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"correct_answer": "D"}, "contradictory_answer"),
        ({"correct_answer": "A,B"}, "several_answers"),
        ({"correct_answer": "AB"}, "several_answers"),
        ({"correct_answer": ""}, "missing_answer"),
        ({"correct_answer": None}, "missing_answer"),
        ({"correct_answer": 2}, "bad_row"),
        ({"options": "none"}, "bad_row"),
        ({"options": {}}, "bad_row"),
        ({"options": {"first": "Rome"}}, "bad_row"),
        ({"options": {"A": {"text": "Rome"}}}, "bad_row"),
        ({"question": None}, "bad_row"),
        ({"id": ["0a1b"]}, "bad_row"),
    ],
)
def test_bad_rows_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        SOURCE.question(row(**changes), "")
    assert caught.value.reason == reason and caught.value.detail


def test_a_small_letter_is_a_letter() -> None:
    assert SOURCE.question(row(correct_answer="b"), "").answer == "Athens"


@pytest.mark.parametrize(
    ("changes", "language"),
    [
        ({"question": "Laquelle de ces villes est la plus ancienne ?", "options": {"A": "x", "B": "y"}}, "fr"),
        ({"question": "¿Cuál de las siguientes ciudades es la más antigua?"}, "es"),
        ({"question": "Какой из этих городов самый старый?"}, "ru"),
        ({"question": "下列城市中哪一个最古老？"}, "zh"),
        ({"question": "أي من هذه المدن هي الأقدم؟"}, "ar"),
        ({"question": "Whose work is the scroll 清明上河图 in the picture?"}, "en"),
        ({"language": "Chinese"}, "zh"),
        ({"language": "zh-CN"}, "zh"),
        ({"lang": "FR"}, "fr"),
    ],
)
def test_languages(changes: dict[str, Any], language: str) -> None:
    question = SOURCE.question(row(**changes), "")
    assert question.language == language
    # One id stands for the question in every language.
    assert question.id == ("hssbench-0a1b" if language == "en" else f"hssbench-0a1b-{language}")
    assert question.family == "42"


def test_a_row_as_first_published() -> None:
    first = row(id=247, options={"A .": "Rome", "B .": "Athens"}, image_necessity="needed", question="哪座城市更古老？")
    del first["original_id"], first["is_open"]
    question = SOURCE.question(first, "")
    assert (question.id, question.answer, question.family) == ("hssbench-247-zh", "Athens", "")
    assert question.picture == Picture("art_1.png")


def test_a_split_may_name_the_language() -> None:
    assert SOURCE.question(row(), "ru").language == "ru"


@pytest.mark.parametrize(
    ("changes", "picture"),
    [
        ({"pic_path": None}, None),
        ({"image": {"bytes": b"PNG", "path": None}}, Picture("art_1.png", b"PNG")),
        ({"pic_path": None, "image": {"bytes": b"PNG", "path": "a.png"}}, Picture("a.png", b"PNG")),
        ({"pic_path": None, "image": {"bytes": None, "path": "a.png"}}, Picture("a.png")),
        ({"image": b"PNG"}, Picture("art_1.png", b"PNG")),
        ({"pic_path": None, "image": "a.png"}, Picture("a.png")),
    ],
)
def test_pictures(changes: dict[str, Any], picture: Picture | None) -> None:
    assert SOURCE.question(row(**changes), "").picture == picture
