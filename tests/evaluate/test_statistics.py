"""The numbers of an evaluation against figures worked out by hand."""

import json
import random
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest

from evaluate.judging import heard, held, item, rating
from kame_data.evaluate.intervals import LEVEL, bootstrap
from kame_data.evaluate.judging.agreement import agreement, weighted_kappa
from kame_data.evaluate.records import Heard, HeardTurn
from kame_data.evaluate.statistics import (
    Series,
    correlations,
    latencies,
    length_links,
    means,
    paired,
    scores_of,
    series_of,
)

ITEMS = (item("m1"), item("m2"), item("s1", "stem"))
RATINGS = [
    # m1: turn 0 in two repeats of two samples each, one failed: (8 + 6 + 4) / 3 = 6; turn 1: 2 -> item 4
    rating("m1-0", 8, sample=0, words=10),
    rating("m1-0", 6, sample=1, words=10),
    rating("m1-1", 4, sample=0, words=40),
    rating("m1-1", None, sample=1, words=40),
    rating("m1-0", 2, turn=1, words=30),
    # m2: turn 0: 9, turn 1 failed -> item 9
    rating("m2-0", 9, words=7),
    rating("m2-0", None, turn=1, words=500),
    # s1: both failed -> left out
    rating("s1-0", None, words=3),
    rating("s1-0", None, turn=1, words=3),
]
HELD = [held("m1-0", "m1"), held("m1-1", "m1", repeat=1), held("m2-0", "m2"), held("s1-0", "s1")]
SERIES = Series("tandem", "sound", "a")


def mean_of(found, category="", turn=None):
    (one,) = [mean for mean in found if (mean.category, mean.turn) == (category, turn)]
    return one


def test_means_weigh_items_alike_and_say_what_they_leave_out():
    found = means(scores_of(RATINGS, HELD, ITEMS), 0)
    assert {mean.series for mean in found} == {SERIES} and len(found) == 9
    whole = mean_of(found)
    assert (whole.value, whole.items, whole.left_out, whole.ratings, whole.failed) == (6.5, 2, 1, 9, 4)
    assert whole.share_failed == pytest.approx(4 / 9)
    # m1: ((10 + 10 + 40) / 3 + 30) / 2 = 25; m2: 7, for the answer of 500 words has no rating
    assert whole.words == 16
    assert (mean_of(found, turn=0).value, mean_of(found, turn=0).items) == (7.5, 2)
    assert (mean_of(found, turn=1).value, mean_of(found, turn=1).items, mean_of(found, turn=1).left_out) == (2, 1, 2)
    maths, stem = mean_of(found, "maths"), mean_of(found, "stem")
    assert (maths.value, maths.failed, maths.left_out) == (6.5, 2, 0) and mean_of(found, "maths", 1).value == 2
    assert (stem.value, stem.interval, stem.words, stem.items, stem.left_out, stem.failed) == (
        None,
        None,
        None,
        0,
        1,
        2,
    )
    assert mean_of(found, turn=1).interval is None, "one item says nothing about others"
    assert stem.told() == "- (2 of 2 ratings failed, 1 of 1 questions without one)"
    assert whole.told().startswith("6.50 [") and "4 of 9 ratings failed, 1 of 3 questions without one" in whole.told()


def test_a_mean_without_failures_tells_none():
    found = means(scores_of([rating("m1-0", 8), rating("m2-0", 6)], HELD, ITEMS), 0)
    assert mean_of(found).told() == "7.00 [6.00, 8.00]"


def test_the_order_of_the_ratings_changes_nothing_and_figures_are_plain_json():
    shuffled = random.Random(1).sample(RATINGS, len(RATINGS))
    one, other = (means(scores_of(ratings, HELD, ITEMS), 0) for ratings in (RATINGS, shuffled))
    assert one == other
    json.dumps([asdict(mean) for mean in one], allow_nan=False)


def two_systems():
    left = [3, 5, 9, 7, 6]
    right = [2, 5, 4, 9, None]
    items = [item(f"q{n}", "even" if n % 2 == 0 else "odd") for n in range(6)]
    conversations = [held(f"{s}{n}", f"q{n}", s) for s in ("one", "two") for n in range(6)]
    ratings = [rating(f"one{n}", value) for n, value in enumerate(left)]
    ratings += [rating(f"two{n}", value) for n, value in enumerate(right)]
    ratings.append(rating("two5", 1))
    by = series_of(scores_of(ratings, conversations, items))
    return by[Series("one", "sound", "a")], by[Series("two", "sound", "a")]


def test_differences_are_of_the_items_that_both_have():
    one, two = two_systems()
    whole, even, odd = paired(one, two, 0)
    # 1, 0, 5, -2; q4 failed with the other, q5 was not asked of the one
    assert (whole.value, whole.items, whole.left_out, whole.failed) == (1.0, 4, 2, 1)
    assert (whole.higher, whole.equal, whole.lower) == (2, 1, 1)
    assert whole.interval is not None and whole.interval.low < 1 < whole.interval.high
    assert (even.category, even.value, odd.category, odd.value) == ("even", 3.0, "odd", -1.0)
    back = paired(two, one, 0)[0]
    assert (back.value, back.higher, back.lower, back.one.system) == (-1.0, 1, 2, "two")
    assert paired(one, two, 0) == (whole, even, odd)


def test_a_pair_of_more_series_than_two_is_refused():
    one, two = two_systems()
    with pytest.raises(ValueError, match="of 2 and 1"):
        paired((*one, *two), two, 0)
    with pytest.raises(ValueError, match="of 1 and 0"):
        paired(one, (), 0)


def test_a_pairing_is_narrower_where_questions_differ_more_than_systems():
    draws = np.random.default_rng(3)
    hard = draws.uniform(2, 8, 40)
    items = [item(f"q{n}") for n in range(40)]
    conversations = [held(f"{s}{n}", f"q{n}", s) for s in ("one", "two") for n in range(40)]
    ratings = [
        rating(f"one{n}", h + 1 + e) for n, (h, e) in enumerate(zip(hard, draws.normal(0, 0.3, 40), strict=True))
    ]
    ratings += [rating(f"two{n}", h) for n, h in enumerate(hard)]
    scores = scores_of(ratings, conversations, items)
    whole = paired(*series_of(scores).values(), 0)[0]
    wide = mean_of([mean for mean in means(scores, 0) if mean.series.system == "one"]).interval
    assert whole.interval is not None and wide is not None
    assert whole.interval.holds(1) and not whole.interval.holds(0)
    assert whole.interval.high - whole.interval.low < (wide.high - wide.low) / 3


@pytest.mark.parametrize(("count", "least", "most"), [(5, 0.87, 0.97), (10, 0.91, 0.98), (30, 0.92, 0.985)])
def test_intervals_hold_the_true_mean_as_often_as_they_say(count, least, most):
    draws = np.random.default_rng(11)
    rated = np.clip(np.round(draws.normal(5.5, 2.2, (400, count))), 1, 10)
    found = [bootstrap(values.tolist(), n) for n, values in enumerate(rated)]
    share = sum(interval is not None and interval.holds(5.5) for interval in found) / len(found)
    assert least <= share <= most and LEVEL == 0.95


def test_intervals_are_the_same_again_and_narrow_with_more_items():
    draws = np.random.default_rng(2)
    widths = []
    for count in (8, 32, 128, 512):
        values = draws.uniform(1, 10, count).tolist()
        interval = bootstrap(values, 0, "mean")
        assert interval is not None and interval == bootstrap(values, 0, "mean")
        assert interval != bootstrap(values, 1, "mean")
        widths.append(interval.high - interval.low)
    assert all(now < before * 0.75 for before, now in pairwise(widths))
    assert bootstrap([5.0], 0) is None and bootstrap([], 0) is None
    same = bootstrap([4.0] * 5, 0)
    assert same is not None and (same.low, same.high) == (4, 4)


def test_a_mean_of_many_items_is_drawn_piece_by_piece():
    interval = bootstrap(np.random.default_rng(1).normal(6, 1, 3000).tolist(), 0)
    assert interval is not None and interval.holds(6) and interval.high - interval.low == pytest.approx(0.0716, rel=0.1)


def test_latencies_are_signed():
    conversations = [held(f"c{n}", "q", texts=["", ""]) for n in range(3)]
    listened = [
        heard("c0", "a", "b", latency=[-1.0, 0.0]),
        heard("c1", "a", "b", latency=[1.0, 2.0]),
        heard("c2", "", "", latency=[None, None]),
        Heard("other", (HeardTurn("a", content=3.5, latency=0.25),)),
    ]
    other, found = latencies([*conversations, held("other", "q", "cascade")], listened)
    assert (found.system, found.answers, found.silent, found.median, found.early) == ("tandem", 6, 2, 0.5, 0.25)
    assert found.ninetieth == pytest.approx(1.7) and found.content is None
    # the user's last word ended at 3.0
    assert (other.system, other.median, other.early, other.content) == ("cascade", 0.25, 0.0, 0.5)
    (silent,) = latencies(conversations, listened[2:3])
    assert (silent.answers, silent.silent, silent.median, silent.ninetieth, silent.early) == (2, 2, None, None, None)


def test_the_link_of_ratings_and_words():
    ratings = [rating("m1-0", 1, words=10), rating("m2-0", 2, words=20), rating("s1-0", 9, words=30)]
    scores = scores_of(ratings, HELD, ITEMS)
    (link,) = length_links(scores)
    # mean 4 and 20: (-3 * -10 + 5 * 10) / sqrt((9 + 4 + 25) * 200) = 80 / 87.178
    assert (link.answers, link.spearman) == (3, 1.0) and link.pearson == pytest.approx(0.917663, abs=1e-6)
    (two,) = length_links(scores_of(ratings[:2], HELD, ITEMS))
    assert (two.answers, two.pearson, two.spearman) == (2, None, None)
    assert correlations([(5, 1), (5, 2), (5, 3)]) == (None, None)


def test_two_judges_agree_so_far():
    ours = [10, 7, 4, 1, None, 5]
    theirs = [9, 7, 6, 1, 3]
    both = [rating("c", value, turn=n) for n, value in enumerate(ours)]
    both += [rating("c", value, turn=n, judge="b") for n, value in enumerate(theirs)]
    found = agreement([*both, rating("c", 1, judge="third")], "a", "b")
    assert (found.ratings, found.left_out, found.exact, found.within_one) == (4, 2, 0.5, 0.75)
    # gaps 1, 0, 2, 0: mean square 1.25; variances 11.25 and 8.6875, means 5.5 and 5.75
    assert found.kappa == pytest.approx(1 - 1.25 / (11.25 + 8.6875 + 0.0625)) and found.spearman == pytest.approx(1)
    assert (found.one_mean, found.other_mean) == (5.5, 5.75)
    none = agreement(both, "a", "nobody")
    assert (none.ratings, none.left_out, none.exact, none.kappa) == (0, 6, None, None)


def test_kappa_by_hand():
    assert weighted_kappa([(1, 1), (10, 10)]) == 1
    assert weighted_kappa([(1, 10), (10, 1)]) == -1
    assert weighted_kappa([(1, 1), (1, 2), (2, 1), (2, 2)]) == 0
    assert weighted_kappa([(3, 3), (3, 3)]) is None
    # judges who only differ in mildness agree less than their order says
    assert weighted_kappa([(1, 3), (2, 4), (3, 5)]) == pytest.approx(1 - 4 / (4 / 3 + 4))
    table = [(1, 1)] * 4 + [(1, 2)] + [(2, 2)] * 3 + [(2, 3)] * 2 + [(3, 3)] * 2
    seen = sum((a - b) ** 2 for a, b in table) / len(table)
    chance = sum((a - b) ** 2 for a, _ in table for _, b in table) / len(table) ** 2
    assert weighted_kappa(table) == pytest.approx(1 - seen / chance)
