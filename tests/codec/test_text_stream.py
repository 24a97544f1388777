import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kame_data.codec.text_stream import lay_text, text_tokens, token_frames
from kame_data.codec.token_schema import frame_at, frames_of
from kame_data.errors import Refusal


def slowly(words, frames):
    """The stream, word by word and frame by frame: each token in the first free frame from its word's start on."""
    stream, at = [3] * frames, []
    place = 0
    for start, tokens in words:
        place = max(place, start)
        for _ in tokens:
            at.append(place)
            place += 1
    limit = frames
    for i in reversed(range(len(at))):
        at[i] = limit = min(at[i], limit - 1)
    for frame, token in zip(at, (t for _, tokens in words for t in tokens), strict=True):
        stream[frame] = token
    for frame in range(frames - 1):
        if stream[frame] == 3 and stream[frame + 1] != 3:
            stream[frame] = 0
    return stream


WORDS = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.integers(4, 2000), max_size=6)),
    max_size=12,
).map(lambda words: sorted(words, key=lambda word: word[0]))


@given(WORDS, st.integers(0, 80))
def test_the_stream_is_that_of_a_slow_reference_and_reads_as_its_words(words, frames):
    tokens = [t for _, word in words for t in word]
    starts, lengths = [start for start, _ in words], [len(word) for _, word in words]
    if len(tokens) > frames:
        with pytest.raises(Refusal, match="text_too_dense"):
            token_frames(starts, lengths, frames)
        return
    stream = lay_text(tokens, token_frames(starts, lengths, frames), frames)
    assert stream.tolist() == slowly(words, frames)
    assert text_tokens(stream).tolist() == tokens
    assert len(stream) == frames


def test_words_shift_right_where_they_do_not_fit():
    assert token_frames([2, 3, 9], [3, 1, 1], 20).tolist() == [2, 3, 4, 5, 9]


def test_where_the_row_ends_the_last_words_push_the_earlier_ones_left():
    assert token_frames([2, 8], [2, 3], 10).tolist() == [2, 3, 7, 8, 9]
    assert token_frames([7, 9], [2, 3], 10).tolist() == [5, 6, 7, 8, 9]
    assert token_frames([30], [2], 10).tolist() == [8, 9]


def test_padding_ends_before_every_run():
    assert lay_text([7, 8, 9], token_frames([0, 4], [1, 2], 8), 8).tolist() == [7, 3, 3, 0, 8, 9, 3, 3]


@given(st.integers(0, 100_000), st.integers(0, 79_999))
def test_a_moment_lies_in_the_frame_of_its_microsecond(frame, microseconds):
    assert frame_at(np.array((frame * 80_000 + microseconds) / 1e6)) == frame


def test_a_frame_begins_at_its_own_time():
    assert frame_at(np.arange(1, 1000) * 0.08).tolist() == list(range(1, 1000))


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (1920, 1), (1921, 2), (24_000, 13)])
def test_frames_of_a_clip(samples, frames):
    assert frames_of(samples) == frames
