"""A conversation's sound, cut into frames: nothing is lost, and only the end of a whole sound is filled up."""

import numpy as np
import pytest

from kame_data.tandem.frames import SAMPLES, frames_of, whole_frames


@pytest.mark.parametrize(("samples", "count"), [(0, 0), (1, 1), (SAMPLES, 1), (SAMPLES + 1, 2)])
def test_a_sound_is_frames_and_silence_behind_it(samples: int, count: int) -> None:
    sound = np.arange(1, samples + 1, dtype=np.float32)
    frames = frames_of(sound)
    assert frames.shape == (count, SAMPLES) and frames.dtype == np.float32
    assert np.array_equal(frames.ravel()[:samples], sound) and not frames.ravel()[samples:].any()


def test_what_is_no_whole_frame_waits_for_the_next_piece() -> None:
    sound = np.arange(5 * SAMPLES + 7, dtype=np.float32)
    found, waiting = [], np.zeros(0, np.float32)
    for piece in np.array_split(sound, 23):
        frames, waiting = whole_frames(np.concatenate([waiting, piece]))
        assert len(waiting) < SAMPLES
        found.append(frames)
    assert np.array_equal(np.concatenate(found).ravel(), sound[: 5 * SAMPLES]) and len(waiting) == 7
