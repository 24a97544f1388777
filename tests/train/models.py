"""Small random models of Moshi's kind, and batches for them."""

import os

os.environ.setdefault("NO_TORCH_COMPILE", "1")  # Moshi compiles its norm lazily, which takes longer than a whole test

import numpy as np
import torch
from moshi.models.lm import LMModel

from kame_data.model.four_streams import FourStreams
from kame_data.model.start import moshi_arguments
from kame_data.model.streams import Batch

SHAPE = {"dim": 64, "heads": 4, "layers": 3, "depth_dim": 32, "depth_heads": 4, "depth_layers": 2}
CARD, TEXT_CARD = 40, 90


def arguments(**changes):
    return moshi_arguments(TEXT_CARD, SHAPE) | {"card": CARD} | changes


def pair(seed=0, dtype=torch.float32, **changes):
    """Moshi's own model and ours with the same weights; the oracle's table is random."""
    torch.manual_seed(seed)
    reference = LMModel(dtype=torch.float32, **arguments(**changes))
    ours = FourStreams(dtype=torch.float32, **arguments(**changes))
    missing = ours.load_state_dict(reference.state_dict(), strict=False)
    assert missing.missing_keys == ["oracle_emb.weight"] and not missing.unexpected_keys
    torch.nn.init.normal_(ours.oracle_emb.weight, std=0.1)
    return reference.to(dtype), ours.to(dtype)


def batch(lengths=(50, 50, 50), seed=0, holes=0.0, oracle=True):
    """Random examples of these lengths side by side; a share `holes` of what there is is -1."""
    draw = np.random.default_rng(seed)
    rows, length = len(lengths), max(lengths)
    codes = draw.integers(0, CARD, (rows, 17, length))
    codes[:, 0] = np.where(draw.random((rows, length)) < 0.5, 3, draw.integers(0, TEXT_CARD, (rows, length)))
    codes = np.where(draw.random(codes.shape) < holes, -1, codes)
    said = draw.integers(0, TEXT_CARD + 1, (rows, length)) if oracle else np.full((rows, length), 3)
    inside = np.arange(length) < np.array(lengths)[:, None]
    return Batch(
        codes=np.where(inside[:, None], codes, -1).astype(np.int32),
        oracle=np.where(inside, said, -1).astype(np.int32),
        answer=inside & (draw.random(inside.shape) < 0.5),
        level=np.where(inside, draw.integers(-1, 6, inside.shape), -1).astype(np.int8),
        ids=tuple(f"row-{n}-v0" for n in range(rows)),
        frames=np.array(lengths),
    )
