"""No reading takes more than linear time in the length of its text, whatever the text is."""

# ruff: noqa: SIM905 - lists of pieces read better as text.

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.text import meaning
from kame_data.text.askable import check_question
from kame_data.text.spoken import MOST_CHARACTERS, say

SHORT, LONG = 700, 2_800
# Linear work grows by four, square work by sixteen.
MOST = 11
LEAST_SECONDS = 0.04
PIECES = [
    *"a_ __ _ a 1 1, 1. - ( ) a) (a) * ** ^ x^2 x- 1- $ $1 / 1/2 a/ 1/ I, II II, St. Dr. a. A.B. Na H2 = ' ...".split(),
    *'" ofthe 10^ 10^- ×10 m· m/ kg mol-1 1984- 3:30 1: \\frac{ \\ { } | || [ a[ ~ < > e- 1e5 % α no. sin( √('.split(),
    *"| |x| |1 |A| → A→B ∛ √[ √[3]{x} [A] k[A] {1, {1,2} ∠ b.i.d. q6h no.7 ΔG° (aq) NaCl(s) P(A|B) 9/11".split(),
    *"0 000 aA word- http:// @ A& • 1– … point twenty minus one hundred nineteen half Cl- (( )) +- II-V".split(),
]


def _seconds(text: str) -> float:
    start = time.process_time()
    try:
        said = say(text)
        meaning.lost(text, said)
    except Refusal:
        pass
    return time.process_time() - start


def _grows_linearly(piece: str) -> None:
    short, long = ((piece * LONG)[:length] for length in (SHORT, LONG))
    first, second = _seconds(short), _seconds(long)
    assert second < MOST * max(first, LEAST_SECONDS), (piece, first, second)


@pytest.mark.parametrize("between", ["", " "])
def test_a_piece_again_and_again_takes_linear_time(between: str) -> None:
    for piece in PIECES:
        _grows_linearly(piece + between)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, " ", "\n", "and", "?"]), min_size=2, max_size=5).map("".join))
def test_pieces_in_any_order_take_linear_time(piece: str) -> None:
    _grows_linearly(piece)


def test_the_row_that_took_minutes_is_refused_at_once() -> None:
    start = time.process_time()
    with pytest.raises(Refusal):
        check_question(Question("t-1", "t", f"What is {'a_' * 1_000}?", "5"), sees_pictures=False)
    assert time.process_time() - start < 1


def test_a_text_of_any_length_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refusal) as refusal:
        say("word " * MOST_CHARACTERS)
    assert refusal.value.reason == "too_long"
