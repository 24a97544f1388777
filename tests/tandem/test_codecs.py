"""The codec at work, frame by frame and row by row."""

import numpy as np
import pytest
import torch

from kame_data.codec.mimi import CodecSpec, Mimi
from kame_data.errors import UsageError
from kame_data.tandem.codecs import open_codec
from kame_data.tandem.frames import SAMPLES
from tandem.front_ends import CONTEXT

FRAMES = 2 * CONTEXT
BOTH = torch.tensor([True, True])


@pytest.fixture(scope="module")
def sounds():
    """Two users' sounds, f32 (2, FRAMES, SAMPLES): noise that comes and goes."""
    draw = np.random.default_rng(0)
    loudness = np.repeat(draw.random((2, FRAMES, 1)) > 0.4, SAMPLES, 2) * 0.2
    return torch.from_numpy((draw.normal(0, 1, (2, FRAMES, SAMPLES)) * loudness).astype(np.float32))


@torch.no_grad()
def test_the_codes_of_frames_are_those_that_training_sees(sounds):
    """A clip as a whole, as `kame-data tokens` encodes it, and frame by frame; a few codes may be rounded otherwise."""
    whole = Mimi(CodecSpec.of("untrained-small")).encode([sounds[0].reshape(1, -1).numpy()])[0][0]
    codec = open_codec("untrained-small", 2, "cpu")
    stepped = [codec.hear(sounds[:, n], BOTH)[0].numpy() for n in range(FRAMES)]
    codec.close()
    assert np.mean(np.stack(stepped, 1) == whole) > 0.99 and len(np.unique(whole)) > 50


@torch.no_grad()
def test_a_row_that_stands_still_keeps_its_place(sounds):
    """Row 1 hears and says only every other time, and is the same as without pauses."""
    codec = open_codec("untrained-small", 2, "cpu")
    heard, said = [], []
    for n in range(FRAMES):
        codes = codec.hear(sounds[:, n], BOTH)
        heard.append(codes[1])
        said.append(codec.say(codes, BOTH)[1])
    codec.reset(BOTH)
    for n in range(2 * FRAMES):
        speaks = torch.tensor([True, n % 2 == 1])
        codes = codec.hear(torch.stack([sounds[0, n % FRAMES], sounds[1, n // 2]]), speaks)
        made = codec.say(torch.stack([codes[0], heard[n // 2]]), speaks)
        if speaks[1]:
            assert torch.equal(codes[1], heard[n // 2])
            torch.testing.assert_close(made[1], said[n // 2], atol=1e-5, rtol=1e-5)
    codec.close()


@torch.no_grad()
def test_a_new_conversation_hears_nothing_of_the_one_before(sounds):
    codec = open_codec("untrained-small", 2, "cpu")
    first = [codec.hear(sounds[:, n], BOTH)[0] for n in range(4)]
    beside = [codec.hear(sounds[:, n], BOTH)[1] for n in range(4, 6)]
    codec.reset(BOTH)
    for n in range(4):
        codec.hear(sounds[:, n], BOTH)
    codec.reset(torch.tensor([True, False]))  # row 1 goes on
    again = []
    for n in range(4):
        codes = codec.hear(torch.stack([sounds[0, n], sounds[1, 4 + n]]), BOTH)
        again.append(codes[0])
        if n < 2:
            assert torch.equal(codes[1], beside[n])
    assert torch.equal(torch.stack(again), torch.stack(first))
    codec.close()


def test_an_unknown_codec_is_named():
    with pytest.raises(UsageError, match=r"^--codec encodec: no such file; give mimi, untrained, "):
        open_codec("encodec", 1, "cpu")
