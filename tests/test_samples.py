"""The bundled samples: right in shape and arithmetic, wide in category, and with rows that show refusals."""

import ast
import json
import operator
import re
import runpy
from fractions import Fraction
from typing import Any

import pytest

from kame_data.engine.sources import SOURCES, get_source
from kame_data.errors import UsageError
from kame_data.resources import bundled
from kame_data.sources.pull import pull

MMLU_PRO = {
    *("biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history", "law"),
    *("math", "other", "philosophy", "physics", "psychology"),
}
HSSBENCH = {"Economy", "History", "Art", "Culture", "Geography", "Social science"}
REASONS = {
    "mmlu_pro": {"formula", "code", "needs_picture", "contradictory_answer"},
    "gsm8k": {"contradictory_answer", "missing_answer"},
    "hssbench": {"needs_picture", "language", "several_answers"},
    "questions": {"missing_answer", "language"},
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bundled(f"data/samples/{name}.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if not source.whole])
def test_what_is_kept_and_refused(name: str) -> None:
    with pull(get_source(name), "sample") as found:
        assert len(found.accepted) >= (5 if name == "questions" else 12)
        assert {r.reason for r in found.rejected} == REASONS[name]


@pytest.mark.parametrize(("name", "categories"), [("mmlu_pro", MMLU_PRO), ("hssbench", HSSBENCH)])
def test_every_category_has_an_accepted_question(name: str, categories: set[str]) -> None:
    with pull(get_source(name), "sample") as found:
        assert {q.category for q in found.accepted} == categories


def test_the_columns_are_the_sources_own() -> None:
    mmlu_pro = ["question_id", "question", "options", "answer", "answer_index", "cot_content", "category", "src"]
    hssbench = ["id", "pic_path", "question", "options", "correct_answer", "category", "original_id", "type", "is_open"]
    assert all(list(row) == mmlu_pro and 3 <= len(row["options"]) <= 10 for row in rows("mmlu_pro"))
    assert all(list(row) == ["question", "answer"] for row in rows("gsm8k"))
    assert all(list(row) == hssbench and 2 <= len(row["options"]) <= 5 for row in rows("hssbench"))


def test_the_counts_are_what_their_script_writes() -> None:
    script = runpy.run_path(str(bundled("data/samples/counts.py")))
    assert bundled("data/samples/counts.jsonl").read_text("utf-8") == script["text"]()


def test_every_count_is_kept_and_right() -> None:
    with pull(get_source("questions"), "sample:counts") as found:
        assert len(found.accepted) > 800 and not found.rejected
        assert len({q.stem for q in found.accepted}) == len(found.accepted)
    assert {
        "id": "legs-of-3-cats",
        "question": "How many legs do 3 cats have?",
        "answer": "12",
        "category": "counting",
    } in rows("counts")


def test_another_sample_is_named_and_must_be_there() -> None:
    for name in ("nothing", "../samples/gsm8k", "/etc/passwd"):
        with pytest.raises(UsageError, match="no such bundled sample; there are counts, gsm8k"):
            pull(get_source("questions"), f"sample:{name}")


_SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def value(node: ast.AST) -> Fraction:
    if isinstance(node, ast.BinOp):
        return Fraction(_SIGNS[type(node.op)](value(node.left), value(node.right)))
    assert isinstance(node, ast.Constant)
    return Fraction(str(node.value))


def test_every_computation_is_right() -> None:
    marks = [mark for row in rows("gsm8k") for mark in re.findall(r"<<(.+?)=(.+?)>>", row["answer"])]
    assert len(marks) > 30
    for expression, result in marks:
        assert value(ast.parse(expression, mode="eval").body) == Fraction(result), expression
