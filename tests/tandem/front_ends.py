"""Small front ends with random weights, and frames for them."""

import os

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import numpy as np
import torch

from kame_data.model.four_streams import FourStreams
from kame_data.model.start import UNTRAINED, moshi_arguments
from kame_data.tandem.codecs import open_codec
from kame_data.tandem.frames import SAMPLES, FrameIn
from kame_data.tandem.front_end import GREEDY, FrontEnd

TEXT_CARD = 90
PADDING = 3
CONTEXT = 12
"""Frames: fewer than a conversation of the tests has, so that the caches of the attention go round."""

torch.set_num_threads(1)


def model(seed=0, **changes):
    """A model that reads its oracles, its user and its own words, if without sense."""
    torch.manual_seed(seed)
    arguments = moshi_arguments(TEXT_CARD, UNTRAINED["untrained-tiny"]) | {"context": CONTEXT} | changes
    made = FourStreams(device="cpu", dtype=torch.float32, **arguments)
    with torch.no_grad():
        for parameter in made.emb.parameters():
            parameter.mul_(0.3)
        torch.nn.init.normal_(made.oracle_emb.weight, std=0.5)
    return made.requires_grad_(False).eval()


def front_end(model, count=1, sampling=GREEDY, **options):
    return FrontEnd(model, open_codec("untrained-small", count, "cpu"), count, sampling, **options)


def frames(seed, length, oracle=True):
    """Frames of a user who makes some noise now and then, and of an oracle that comes and goes."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(length):
        noise = draw.normal(0, 0.1 * draw.integers(0, 2), SAMPLES).astype(np.float32)
        made.append(FrameIn(noise, int(draw.integers(4, TEXT_CARD + 1)) if oracle and draw.random() < 0.6 else PADDING))
    return made


def alone(model, given, count=1):
    """The outputs of a conversation that has the model to itself."""
    with front_end(model, count) as rows:
        row = rows.open()
        return [rows.step({row: frame})[row] for frame in given]


def same(one, other):
    """Tell whether two conversations are the same: every token, and the sound but for rounding."""
    return [out.text for out in one] == [out.text for out in other] and all(
        np.allclose(a.sound, b.sound, atol=1e-5) for a, b in zip(one, other, strict=True)
    )


class Recorded:
    """A codec for one row that keeps what was heard and said: codes (1, 8) of each step."""

    def __init__(self):
        self._codec = open_codec("untrained-small", 1, "cpu")
        self.heard_codes, self.said_codes = [], []

    def __getattr__(self, name):
        return getattr(self._codec, name)

    def hear(self, sound, rows):
        self.heard_codes.append(self._codec.hear(sound, rows))
        return self.heard_codes[-1]

    def say(self, codes, rows):
        self.said_codes.append(codes)
        return self._codec.say(codes, rows)
