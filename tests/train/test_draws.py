import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kame_data.train.draws import id_keys, integers, keys_of, uniform

KEYS = keys_of(id_keys([f"row-{i}" for i in range(20_000)]), 0, 0)


def test_draws_are_even_and_do_not_go_together():
    one, other, third = uniform(KEYS, "one"), uniform(KEYS, "other"), uniform(KEYS, "one", 1)
    for drawn in (one, other, third):
        assert drawn.min() >= 0 and drawn.max() < 1
        counts = np.histogram(drawn, 20, (0, 1))[0]
        assert ((counts - 1000) ** 2 / 1000).sum() < 45  # chi-squared, 19 degrees of freedom: 1 in 1,000 is above 44
    for pair in ((one, other), (one, third), (one[1:], one[:-1])):
        assert abs(np.corrcoef(*pair)[0, 1]) < 0.03


@given(st.integers(-20, 20), st.integers(0, 30))
def test_whole_numbers_reach_both_bounds(low, width):
    drawn = integers(KEYS, "n", low, low + width)
    assert drawn.min() == low and drawn.max() == low + width


def test_a_draw_hangs_on_key_purpose_and_index_alone():
    keys = id_keys(["a", "b", "c"])
    assert uniform(keys, "p")[1] == uniform(keys[1:2], "p")[0] == uniform(keys[::-1], "p", np.array([7, 0, 7]))[1]
    assert len({uniform(keys, "p")[0], uniform(keys, "q")[0], uniform(keys, "p", 1)[0]}) == 3
    assert keys_of(keys, 0, 1)[0] != keys_of(keys, 1, 0)[0] != keys_of(keys, 0, 0)[0]


def test_draws_are_the_same_for_ever():
    assert uniform(keys_of(id_keys(["gsm8k-1-v0"]), 3, 5), "drop", 2).tolist() == [0.29416550054128443]
