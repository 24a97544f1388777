"""Early starts and fillers that are not as they should be are named."""

import re

import pytest

from early_rows import rows
from kame_data.errors import KameError
from kame_data.finished.early_figures import EarlyFigures, faults
from kame_data.finished.row import Row
from kame_data.settings.tree import Settings
from kame_data.verify.check_shards import check_row

SETTINGS = Settings(duplex={"early": {"share": 1.0, "filler": 1.0}})


def row_with(kind: str, mended: bool = False) -> Row:
    """A row whose only start is of that kind, in the first answer."""
    found = (
        row for row in rows(SETTINGS.model_dump_json(), 60) if [(s.kind, s.turn) for s in row.starts] == [(kind, 1)]
    )
    return next(row for row in found if not mended or row.starts[0].mend)


def test_a_sound_row_has_no_problem():
    for kind in ("early", "filler"):
        assert list(check_row(row_with(kind), {0, 1, 2, 3, 4, 5}, spoken=True)) == []


def changed(row: Row, **fields) -> Row:
    return row.having(starts=(row.starts[0]._replace(**fields),))


def moved(row: Row, number: int, seconds: float | None) -> Row:
    """The row with another time of one oracle, or none."""
    oracles = [o._replace(time=seconds) if n == number else o for n, o in enumerate(row.oracles)]
    return row.having(oracles=tuple(oracles))


def its_oracle(row: Row) -> int:
    start = row.starts[0]
    keys = [(o.turn, o.prefix_words, o.level) for o in row.oracles]
    return keys.index((start.asked, start.prefix_words, start.level))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: changed(row, kind="late"), "start of the kind 'late'"),
        (lambda row: changed(row, asked=5), "early start of turn 1: does not answer turn 5"),
        (lambda row: changed(row, turn=0), "does not answer turn 0"),
        (lambda row: changed(row, words=0), "has no 0 words"),
        (lambda row: changed(row, mend=500), "and 500 that mend it"),
        (lambda row: changed(row, lead=row.starts[0].words), "of doubt"),
        (lambda row: changed(row, level=4), "there is no oracle of level 4"),
        (lambda row: changed(row, prefix_words=1), "there is no oracle of level 0 at 1 words"),
        (lambda row: changed(row, words=row.starts[0].words + row.starts[0].mend), "is not how its oracle begins"),
        (lambda row: moved(row, its_oracle(row), None), "before its oracle came"),
        (lambda row: moved(row, its_oracle(row), row.turns[1].start + 0.01), "before its oracle came"),
        (
            lambda row: row.having(
                oracles=tuple(o._replace(time=None) if o.level >= 3 else o for o in row.oracles)
            ),
            "before an oracle came that holds the answer",
        ),
    ],
)  # fmt: skip
def test_an_early_start_that_is_wrong_is_named(change, said):
    found = list(faults(change(row_with("early", mended=True))))
    assert any(re.search(said, fault) for fault in found), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: changed(row, prefix_words=3), "filler of turn 1: waits for 3 words, which are not the whole"),
        (lambda row: moved(row, len(row.oracles) - 1, None), "before an oracle came"),
        (lambda row: moved(row, len(row.oracles) - 1, row.duration), "before an oracle came"),
    ],
)
def test_a_filler_that_is_wrong_is_named(change, said):
    row = row_with("filler")
    assert row.oracles[-1].turn == 0
    found = list(faults(change(row)))
    assert any(re.search(said, fault) for fault in found), found


@pytest.mark.parametrize("fields", [{"words": 10**6}, {"words": -3}, {"turn": 99}, {"asked": -1}, {"kind": "late"}])
def test_figures_of_a_start_that_has_no_place_are_refused_in_a_line(fields):
    for kind in ("early", "filler"):
        row = changed(row_with(kind), **fields)
        with pytest.raises(KameError, match=rf"row {row.id}: .*; build it again"):
            EarlyFigures().add(row)


def test_a_filler_with_nothing_behind_it_is_named():
    row = row_with("filler")
    words = sum(word.turn == row.starts[0].turn for word in row.words)
    assert "has nothing behind it" in next(faults(changed(row, words=words)))


def test_other_words_than_its_oracles_are_named():
    row = row_with("early", mended=True)
    words = tuple(word._replace(word="other") if word.turn == 1 else word for word in row.words)
    assert "is not how its oracle begins" in next(faults(row.having(words=words)))
