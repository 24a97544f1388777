"""Questions for the tests of the offline writer and simulator: all bundled ones, and some real ones where there are."""

import json
from collections.abc import Iterable
from functools import cache

import pyarrow.parquet as pq

from building import SHARED
from kame_data.engine.sources import get_source
from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.resources import bundled
from kame_data.text.askable import check_question

REAL = {
    "gsm8k": (SHARED / "gsm8k" / "train.parquet", 150),
    "mmlu_pro": (SHARED / "mmlu_pro" / "test.parquet", 120),
    "hssbench": (SHARED / "hssbench" / "data-open.jsonl", 1),
}
"""Where the real rows lie, and how many are passed over for each that is read."""


def _rows(name: str) -> Iterable[dict[str, object]]:
    yield from map(json.loads, bundled(f"data/samples/{name}.jsonl").read_text("utf-8").splitlines())
    path, every = REAL[name]
    if path.exists() and path.suffix == ".parquet":
        yield from pq.read_table(path).to_pylist()[::every]
    elif path.exists():
        yield from map(json.loads, path.read_text("utf-8").splitlines()[::every])


@cache
def questions() -> tuple[Question, ...]:
    """The questions that can be asked aloud."""
    found = []
    for name in REAL:
        for row in _rows(name):
            try:
                question = get_source(name).question(row, "test")
                check_question(question, sees_pictures=False)
            except Refusal:
                continue
            found.append(question)
    return tuple(found)
