"""A batch as the model takes it: streams delayed, initial tokens put in, targets, and where there is loss.

All of it is worked out on the host, so that a training step waits for no answer from the device.

At step t the model is fed the delayed streams of step t - 1, an initial token where there is none yet, and predicts
those of step t: `moshi.models.lm.LMModel.forward` for one example. The oracle stream has no delay and is fed with the
text of the same frame; before the first frame it is padding, as in kame_finetune and in `kame`'s generation.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kame_data.model.streams import NOTHING, Batch

Streams = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Layout:
    """The facts of the model by which the streams are laid out: `delays` (frames) of text and the n_q audio streams,
    the number `dep_q` of audio streams that are predicted, and the ids."""

    delays: tuple[int, ...]
    dep_q: int
    text_initial: int
    audio_initial: int
    text_padding: int


@dataclass(frozen=True)
class Inputs:
    """A batch of B rows of T frames; M frames of it are real, K = dep_q codebooks are predicted."""

    streams: torch.Tensor  # int64 (B, n_q + 1, T): delayed, one step behind what they predict
    oracle: torch.Tensor  # int64 (B, T), likewise one step behind
    real: torch.Tensor  # int64 (M,): the real frames, as indices into B * T
    depth: torch.Tensor  # int64 (K, M): what each step of the depth transformer is fed: text, then codebooks 0 to K - 2
    text: torch.Tensor  # int64 (M,): targets; -1 where there is none
    audio: torch.Tensor  # int64 (K, M): likewise

    def to(self, device: torch.device) -> "Inputs":
        """The same on the device; from pinned memory without waiting."""

        def move(value: torch.Tensor) -> torch.Tensor:
            return value.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else value.to(device)

        return Inputs(**{f.name: move(getattr(self, f.name)) for f in fields(self)})


def lay_out(batch: Batch, layout: Layout) -> Inputs:
    """Inputs and targets of a batch.

    An example has no target at a frame that is not its own, so its losses do not hang on what it is batched with: the
    codes that a delay pushes past its end are no targets, just as for Moshi with that example alone.
    """
    time = np.arange(batch.oracle.shape[1])
    inside = time < batch.frames[:, None]

    def delayed(stream: Streams, by: int, initial: int) -> Streams:
        return np.where(inside, np.where(time < by, initial, np.roll(stream, by, axis=1)), NOTHING)

    codes = batch.codes.swapaxes(0, 1)
    initials = (layout.text_initial, *[layout.audio_initial] * (len(codes) - 1))
    order = list(zip(codes, layout.delays, initials, strict=True))
    predicted = order[: layout.dep_q + 1]
    fed = np.stack([delayed(stream, by + 1, initial) for stream, by, initial in order], axis=1)
    seen = [delayed(stream, by, initial) for stream, by, initial in predicted[: layout.dep_q]]
    targets = [delayed(stream, by, NOTHING) for stream, by, _ in predicted]
    real = np.flatnonzero(inside)

    def of_real(streams: list[Streams]) -> torch.Tensor:
        return _tensor(np.stack([stream.reshape(-1)[real] for stream in streams]))

    return Inputs(
        streams=_tensor(fed),
        oracle=_tensor(delayed(batch.oracle, 1, layout.text_padding)),
        real=_tensor(real),
        depth=of_real(seen),
        text=of_real(targets[:1])[0],
        audio=of_real(targets[1:]),
    )


def _tensor(values: Streams) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.int64))
