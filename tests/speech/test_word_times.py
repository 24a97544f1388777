"""From events to words, on made-up events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.errors import Refusal
from kame_data.speech.timing.word_times import find_words, place_words

LOUD = np.full(10_000, 1000, np.int16)


def test_words_are_found_in_order() -> None:
    assert find_words("the cat, the end", ["the", "cat,", "the", "end"]) == [(0, 3), (4, 8), (9, 12), (13, 16)]
    with pytest.raises(ValueError, match="substring"):
        find_words("one two", ["two", "one"])


def test_split_numbers_are_one_word() -> None:
    # '1984' comes as three events, the latter two within its characters.
    placed = place_words([(0, 4), (5, 7)], [(0, 0), (1, 3000), (1, 4000), (5, 6000)], [], {}, LOUD)
    assert placed == [(0, 6000), (6000, 10_000)]


def test_merged_words_are_cut_at_phonemes() -> None:
    phonemes = [(0, "V"), (1000, "v"), (2500, "D"), (3500, "@"), (5000, "n"), (9000, "_:")]
    spans = [(0, 2), (3, 6), (7, 10)]
    placed = place_words(spans, [(0, 0), (7, 5000)], phonemes, {0: 2, 1: 2}, LOUD)
    assert placed == [(0, 2500), (2500, 5000), (5000, 10_000)]


def test_without_phonemes_merged_words_share_in_proportion() -> None:
    placed = place_words([(0, 2), (3, 6)], [(0, 0)], [], {0: 1, 1: 4}, LOUD)
    assert placed == [(0, 2000), (2000, 10_000)]


def test_silence_before_and_after_is_no_word() -> None:
    samples = LOUD.copy()
    samples[:200] = samples[4000:5000] = samples[9500:] = 3
    assert place_words([(0, 3), (4, 7)], [(0, 0), (4, 5000)], [], {}, samples) == [(200, 4000), (5000, 9500)]


def test_an_event_between_words_and_one_out_of_order() -> None:
    placed = place_words([(0, 3), (4, 7), (8, 11)], [(0, 0), (3, 500), (8, 6000), (4, 7000)], [], {1: 3, 0: 3}, LOUD)
    assert placed == [(0, 3000), (3000, 6000), (6000, 10_000)]


def test_too_little_sound_is_refused() -> None:
    with pytest.raises(Refusal, match="speech_failed"):
        place_words([(0, 1), (2, 3), (4, 5)], [(0, 0)], [], {}, LOUD[:2])
    with pytest.raises(Refusal, match="speech_failed"):
        place_words([(0, 1)], [], [], {}, LOUD)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_always_whole_and_in_order(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 30))
    spans = [(4 * i, 4 * i + 3) for i in range(count)]
    samples = np.array(data.draw(st.lists(st.sampled_from([0, 900]), min_size=120, max_size=120)), np.int16)
    at = st.tuples(st.integers(0, 4 * count), st.integers(0, 110))
    events = sorted(data.draw(st.lists(at, min_size=1, max_size=20)), key=lambda event: event[1])
    phonemes = [(sample, "a") for sample in sorted(data.draw(st.lists(st.integers(0, 119), max_size=40)))]
    counts = data.draw(st.dictionaries(st.integers(0, count - 1), st.integers(0, 6)))
    try:
        placed = place_words(spans, events, phonemes, counts, samples)
    except Refusal:
        return
    assert len(placed) == count
    bounds = [bound for span in placed for bound in span]
    assert bounds == sorted(bounds) and all(start < end for start, end in placed)
    assert bounds[0] >= 0 and bounds[-1] <= len(samples)
