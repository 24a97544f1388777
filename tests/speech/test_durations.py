"""From the durations of symbols to words, on made-up symbols."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.speech.timing.durations import NOBODY, letters_of, owners, word_spans

RATE = 1000
LOUD = np.ones(1000, np.float32)


def symbols(text: str) -> list[int]:
    return [ord(c) for c in text]


def test_characters_belong_to_their_words() -> None:
    found = owners(symbols("ab c"), [symbols("ab"), symbols("c")], symbols(" "))
    assert found == [0, 0, NOBODY, 1]
    assert owners(symbols("你好"), [symbols("你"), symbols("好")], []) == [0, 1]


def test_what_a_sentence_changes_is_matched() -> None:
    # The tokenizer merges 'of the' and drops the last letter.
    found = owners(symbols("xovthey"), [symbols("x"), symbols("of"), symbols("the"), symbols("yz")], symbols(" "))
    assert found[0] == 0 and found[1] == 1 and found[3:6] == [2, 2, 2] and found[-1] == 3
    assert sorted(w for w in found if w != NOBODY) == [w for w in found if w != NOBODY]


def test_marks_are_nobodys() -> None:
    assert letters_of(symbols("a,b"), [0, 0, 1], chr) == [0, NOBODY, 1]


def test_a_gap_with_sound_is_shared_and_silence_is_left_out() -> None:
    durations = np.array([100.0, 100.0, 200.0, 100.0, 500.0])
    assert word_spans(durations, [0, 0, NOBODY, 1, NOBODY], 2, LOUD, RATE) == [(0, 300), (300, 1000)]
    pause = LOUD.copy()
    pause[220:360] = pause[600:] = 0.001
    assert word_spans(durations, [0, 0, NOBODY, 1, NOBODY], 2, pause, RATE) == [(0, 220), (360, 600)]


def test_a_word_without_symbols_shares() -> None:
    spans = word_spans(np.array([500.0, 500.0]), [1, 3], 5, LOUD, RATE)
    assert spans is not None and len(spans) == 5
    assert spans[0][0] == 0 and spans[4][1] == 1000
    assert all(a[1] == b[0] or a[1] <= b[0] for a, b in pairwise(spans))
    assert word_spans(np.array([500.0]), [NOBODY], 1, LOUD, RATE) is None


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_always_whole_and_in_order(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=12))
    owner: list[int] = []
    for word, length in enumerate(lengths):
        owner += [NOBODY] * data.draw(st.integers(0, 2)) + [word] * length
    durations = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(owner), max_size=len(owner)))) * 20.0
    samples = np.repeat(np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=8, max_size=8))), 400)
    samples = samples[: int(durations.sum())].astype(np.float32)
    samples = np.pad(samples, (0, int(durations.sum()) - len(samples)))
    spans = word_spans(durations, owner, len(lengths), samples, RATE)
    assert spans is not None and len(spans) == len(lengths)
    bounds = [bound for span in spans for bound in span]
    assert bounds == sorted(bounds) and all(start < end for start, end in spans)
    assert bounds[0] >= 0 and bounds[-1] <= len(samples)
