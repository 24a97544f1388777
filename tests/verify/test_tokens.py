"""Whatever is wrong with a token row is found and named."""

import re

import numpy as np
import pytest

from kame_data.codec.token_schema import TOKENS
from kame_data.codec.token_shards import table_of
from kame_data.verify.check_tokens import _rows, check_row
from token_dummies import dummy_row


@pytest.fixture(params=[False, True])
def row(request):
    made = dummy_row(1, seed=0, text_card=64, frames=(60, 80), grid=request.param) | {"split": "train"}
    return next(_rows(table_of([made])))


def test_a_sound_row_has_no_problem(row):
    assert list(check_row(row, 64)) == []


@pytest.mark.parametrize(
    ("column", "change", "said"),
    [
        ("text", lambda v: v[:-1], "has .* frames, not"),
        ("text", lambda v: np.where(v == 3, 64, v), "an id outside 0 to 63"),
        ("text", lambda v: np.where(v == 0, 3, v), "the frame before a run"),
        ("user_text", lambda v: np.r_[np.zeros_like(v[:-1]), 3], "the frame before a run"),
        ("assistant_codes", lambda v: v[:-8], "codes, not 8 for each"),
        ("user_codes", lambda v: v + 2048, "above 2047"),
        ("answer_end", lambda v: v + 1000, "do not lie within"),
        ("answer_start", lambda v: v[:-1], "do not lie within"),
        ("oracle_level", lambda v: v[:-1], "not of one length"),
        ("oracle_offsets", lambda v: v[:-1], "not of one length"),
        ("oracle_offsets", lambda v: v + 1, "do not rise from 0"),
        ("oracle_tokens", lambda v: v + 64, "an id outside 0 to 63"),
        ("oracle_prefix", lambda v: v[::-1], "not in order of answer, prefix and level"),
        ("oracle_heard", lambda v: v[::-1], "in order of time"),
    ],
)
def test_what_is_wrong_is_named(row, column, change, said):
    row[column] = change(row[column])
    problems = list(check_row(row, 64))
    assert problems and any(re.search(said, problem) for problem in problems), problems


def test_rows_have_every_column(row):
    assert list(row) == TOKENS.names
