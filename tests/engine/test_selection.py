import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kame_data.engine.selection import Selection, Slice, SourceVariant, cut
from kame_data.errors import UsageError

QUESTIONS = {"a": [f"a-{i}" for i in range(50)], "b": [f"b-{i}" for i in range(20)]}


def settle(selection, refused):
    """Grow until nothing is short, as a build does; `refused` is the set of (source, variant, position)."""

    def accepted(of):
        return sum((of.source, of.variant, i) not in refused for i in range(selection.counts[of]))

    while selection.grow(accepted):
        pass
    return {of: accepted(of) for of in selection.counts}


def test_limit_is_accepted_questions_a_source():
    refused = {("a", 0, 1), ("a", 0, 10), ("b", 0, 3)}
    selection = Selection(QUESTIONS, seed=1, limit=10)
    assert settle(selection, refused) == {SourceVariant("a", 0): 10, SourceVariant("b", 0): 10}
    assert selection.counts == {SourceVariant("a", 0): 12, SourceVariant("b", 0): 11}


def test_limit_takes_what_there_is():
    selection = Selection(QUESTIONS, seed=1, limit=30)
    assert settle(selection, {("b", 0, 0)}) == {SourceVariant("a", 0): 30, SourceVariant("b", 0): 19}
    assert selection.asked_for == 50


@given(st.integers(1, 300), st.integers(0, 9))
def test_target_is_exact_and_spreads_evenly(target, seed):
    draw = random.Random(seed)
    refused = {
        (s, v, i) for s, ids in QUESTIONS.items() for v in range(6) for i in range(len(ids)) if draw.random() < 0.1
    }
    selection = Selection(QUESTIONS, seed=seed, target=target, max_variants=6)
    accepted = settle(selection, refused)
    assert sum(accepted.values()) == target
    full = {of.variant for of, n in selection.counts.items() if n == len(QUESTIONS[of.source])}
    assert all(v in full for of in selection.counts for v in range(of.variant))


@given(st.integers(1, 200), st.integers(1, 100))
def test_growing_a_target_takes_nothing_back(target, more):
    small = Selection(QUESTIONS, seed=3, target=target, max_variants=5).counts
    large = Selection(QUESTIONS, seed=3, target=target + more, max_variants=5).counts
    assert all(large.get(of, 0) >= n for of, n in small.items())
    assert sum(small.values()) == target


def test_a_target_that_cannot_be_says_why():
    with pytest.raises(UsageError, match="70 accepted questions in up to 2 variants give 140"):
        Selection(QUESTIONS, seed=0, target=141, max_variants=2)


def test_a_slice_survives_its_label():
    slice_ = Slice("mmlu_pro", 3, 128, 200)
    assert Slice.parse(slice_.label) == slice_ == Slice.parse(f"{slice_.label}-0123abcd")


def test_slices_cover_and_keep_what_is_done():
    of = SourceVariant("a", 0)
    assert [(s.start, s.stop) for s in cut(of, 300, 128, [])] == [(0, 128), (128, 256), (256, 300)]
    done = [Slice("a", 0, 256, 300), Slice("a", 0, 0, 50)]
    found = [(s.start, s.stop) for s in cut(of, 400, 128, done)]
    assert found == [(0, 50), (50, 128), (128, 256), (256, 300), (300, 384), (384, 400)]
    assert [(s.start, s.stop) for s in cut(of, 260, 128, done)] == [(0, 50), (50, 128), (128, 256), (256, 300)]


@given(
    st.integers(1, 500), st.integers(1, 64), st.lists(st.tuples(st.integers(0, 500), st.integers(1, 64)), max_size=9)
)
def test_slices_never_overlap_nor_cross_a_block(count, size, finished):
    done = [Slice("a", 0, start, min(start + n, (start // size + 1) * size)) for start, n in finished]
    slices = cut(SourceVariant("a", 0), count, size, done)
    assert slices[0].start == 0 and slices[-1].stop >= count
    assert all(one.stop == other.start for one, other in itertools.pairwise(slices))
    assert all(s.start // size == (s.stop - 1) // size for s in slices)
