"""The rules over real rows where they lie beside the checkout, and over the bundled sample where they do not."""

import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from kame_data.errors import Refusal
from kame_data.records import Picture, Question
from kame_data.text.askable import REASONS, check_question
from kame_data.text.spoken import is_spoken, say

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
EVERY = 7


def _lines(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _rows(name: str) -> list[dict[str, Any]]:
    for folder in (SHARED / name, ROOT / "data" / "samples", ROOT / "data"):
        found = sorted(
            p
            for p in folder.glob("*")
            if p.suffix in {".parquet", ".jsonl"} and (folder.name == name or name in p.name)
        )
        if found:
            return _lines(found[0])[::EVERY] if folder.parent == SHARED else _lines(found[0])
    pytest.skip(f"no rows of {name}")


def _question(name: str, i: int, row: dict[str, Any]) -> Question:
    if name == "gsm8k":
        return Question(f"{name}-{i}", name, row["question"], row["answer"].rpartition("####")[2].strip())
    if name == "mmlu_pro":
        return Question(
            f"{name}-{i}", name, row["question"], row["options"][row["answer_index"]], tuple(row["options"])
        )
    options = row["options"] or {}
    picture = Picture(str(row["pic_path"])) if row.get("pic_path") else None
    return Question(f"{name}-{i}", name, row["question"] or "", options.get(row["correct_answer"], ""),
                    tuple(map(str, options.values())), picture=picture)  # fmt: skip


@cache
def _judged(name: str) -> tuple[list[Question], dict[str, list[Question]]]:
    kept, refused = [], defaultdict(list)
    for i, row in enumerate(_rows(name)):
        asked = _question(name, i, row)
        try:
            check_question(asked, sees_pictures=False)
        except Refusal as refusal:
            refused[refusal.reason].append(asked)
        else:
            kept.append(asked)
    return kept, refused


@pytest.mark.parametrize(
    ("name", "least", "most"), [("gsm8k", 0.95, 1.0), ("mmlu_pro", 0.55, 0.85), ("hssbench", 0.0, 0.6)]
)
def test_share_kept(name: str, least: float, most: float) -> None:
    kept, refused = _judged(name)
    share = len(kept) / (len(kept) + sum(map(len, refused.values())))
    if not (SHARED / name).exists():  # the sample is short and has a row for each of several reasons
        least, most = 0.5, 1.0
    assert least <= share <= most, Counter({reason: len(rows) for reason, rows in refused.items()})
    assert set(refused) <= set(REASONS)


@pytest.mark.parametrize("name", ["gsm8k", "mmlu_pro", "hssbench"])
def test_all_that_is_kept_is_spoken_and_settled(name: str) -> None:
    for asked in _judged(name)[0]:
        for text in (asked.stem, asked.answer):
            said = say(text)
            assert said and is_spoken(said) == [], asked.id
            assert "  " not in said and " ," not in said and " ." not in said, said
    for asked in _judged(name)[0][::5]:
        assert say(say(asked.stem)) == say(asked.stem)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared rows are not here")
def test_nearly_all_of_hssbench_needs_its_pictures() -> None:
    kept, refused = _judged("hssbench")
    assert len(refused["needs_picture"]) / (len(kept) + sum(map(len, refused.values()))) > 0.6
