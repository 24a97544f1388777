"""The front end: a model that hears and speaks, several conversations as rows of one batch.

The steps are Moshi's own (`moshi.models.lm.LMGen`), with an oracle id for each row. What a step is given, the user's
sound and the oracle's id of a frame, stands beside the text of that frame, as in training (`kame_data.model.inputs`);
what it gives is the text and the sound of the same frame. In its first step a row hears nothing, as Moshi does: the
streams begin with their initial tokens.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, cast

import numpy as np
import torch
from moshi.models.lm import LMGen
from moshi.utils.compile import no_compile

from kame_data.errors import KameError, UsageError
from kame_data.model.four_streams import FourStreams
from kame_data.tandem.codecs import Codec
from kame_data.tandem.frames import SAMPLES, FrameIn, FrameOut

WARM_UP_STEPS = 4
"""Steps before the first conversation, in which a GPU compiles its kernels and records its graphs."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The way in which tokens are drawn, by Moshi's own defaults; a temperature of 0 takes the most likely one.

    With a `seed`, a conversation that has the model to itself draws the same tokens each time.
    """

    temp: float = 0.8
    temp_text: float = 0.7
    top_k: int = 250
    top_k_text: int = 25
    seed: int | None = None


GREEDY = Sampling(temp=0.0, temp_text=0.0)


class _Generation(LMGen):
    """Moshi's generation, in which every row is fed an id of the oracle stream of its own.

    `oracle`, int64 (B, 1), are the ids of the next step. It is one tensor for good: a CUDA graph reads it at the
    place where it was when the graph was recorded. With `reads` false the model has no oracle stream.
    """

    oracle: torch.Tensor

    def __init__(self, model: FourStreams, sampling: Sampling, reads: bool) -> None:
        super().__init__(
            model,
            temp=sampling.temp,
            temp_text=sampling.temp_text,
            top_k=sampling.top_k,
            top_k_text=sampling.top_k_text,
            support_out_of_sync=True,
        )
        self._reads = reads

    def _init_streaming_state(self, batch_size: int) -> Any:
        state = super()._init_streaming_state(batch_size)
        model = self._model
        self.oracle = torch.full((batch_size, 1), model.text_padding_token_id, device=model.device)
        if self._reads:
            state.graphed_main.func = partial(model.forward_text, oracle_tokens=self.oracle)
        return state

    @property
    def _model(self) -> FourStreams:
        return cast(FourStreams, self.lm_model)


class FrontEnd:
    """A model in `count` rows; implements `kame_data.tandem.frames.Rows`.

    A row's tokens hang on its own frames alone. Two batches of different size may round differently. Raises UsageError
    where model and codec do not fit each other.
    """

    def __init__(
        self, model: FourStreams, codec: Codec, count: int, sampling: Sampling | None = None, reads_oracles: bool = True
    ) -> None:
        _check_fit(model, codec)
        self.count, self.codec, self.reads_oracles = count, codec, reads_oracles
        self._sampling = sampling or Sampling()
        self._seed = self._sampling.seed
        self._model, self._padding = model, model.text_padding_token_id
        self._generation = _Generation(model, self._sampling, reads_oracles)
        self._streaming = self._generation.streaming(count)
        self._taken: set[int] = set()
        self._warm_up()

    @property
    def device(self) -> torch.device:
        """The device that the model is on."""
        return self._model.device

    @property
    def text_card(self) -> int:
        """The number of text pieces; the id behind the last one starts an oracle."""
        return self._model.text_card

    def open(self) -> int:
        """A free row, with nothing left of the conversation before. Raises KameError where all are taken."""
        row = next((row for row in range(self.count) if row not in self._taken), None)
        if row is None:
            raise KameError(f"all {self.count} conversations of the model are taken; wait until one ends")
        if self._seed is not None and not self._taken:
            torch.manual_seed(self._seed)
        self._taken.add(row)
        self._reset([row])
        return row

    def reseed(self, seed: int) -> None:
        """Have the next conversation that has the model to itself draw by another seed."""
        self._seed = seed

    def close(self, row: int) -> None:
        """The conversation of a row has ended."""
        self._taken.discard(row)

    def step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        """One step of the rows that have a frame; the others stand still.

        Raises ValueError for a row that is not open, or an oracle id that the model does not have.
        """
        for row, frame in frames.items():
            if row not in self._taken or not 0 <= frame.oracle <= self.text_card:
                raise ValueError(f"row {row} with the oracle id {frame.oracle}: no such row is open, or no such id")
        return self._step(frames) if frames else {}

    def shut_down(self) -> None:
        """Free what the rows hold; the model can be used again. A second call does nothing."""
        self._streaming.close()
        self.codec.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut_down()

    def _step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        sound = np.zeros((self.count, SAMPLES), np.float32)
        oracle = np.full((self.count, 1), self._padding, np.int64)
        for row, frame in frames.items():
            sound[row], oracle[row] = frame.sound, frame.oracle
        rows = self._mask(frames)
        with torch.no_grad(), self._compiling():
            codes = self.codec.hear(torch.from_numpy(sound).to(self.device), rows)
            generation = self._generation
            generation.oracle.copy_(torch.from_numpy(oracle))
            generation.set_exec_mask(rows)
            made = generation.step(codes[:, :, None])
            assert made is not None  # with support_out_of_sync Moshi gives no None in the first steps
            # Moshi marks what the streams' delays still hold back with a number below that of any code.
            made = made[:, :, 0]
            there = made[:, 0] >= 0
            spoken = self.codec.say(made[:, 1:].clamp(min=0), there)
        text = torch.where(there, made[:, 0], self._padding).tolist()
        silent = there.logical_not().tolist()
        heard = None if spoken is None else spoken.float().cpu().numpy()
        if heard is not None:
            heard[silent] = 0.0
        return {row: FrameOut(text[row], None if heard is None else heard[row].copy()) for row in frames}

    def _mask(self, rows: Iterable[int]) -> torch.Tensor:
        mask = torch.zeros(self.count, dtype=torch.bool)
        mask[list(rows)] = True
        return mask.to(self.device)

    def _reset(self, rows: Iterable[int]) -> None:
        mask = self._mask(rows)
        with torch.no_grad():
            self._generation.reset_streaming(mask)
            self.codec.reset(mask)

    def _compiling(self) -> AbstractContextManager[Any]:
        """Moshi compiles its kernels for a GPU; elsewhere that takes longer than it saves."""
        return nullcontext() if self.device.type == "cuda" else no_compile()

    def _warm_up(self) -> None:
        silence = FrameIn(np.zeros(SAMPLES, np.float32), self._padding)
        for _ in range(WARM_UP_STEPS):
            self._step(dict.fromkeys(range(self.count), silence))
        self._reset(range(self.count))


def _check_fit(model: FourStreams, codec: Codec) -> None:
    has = (model.n_q - model.dep_q, model.dep_q, model.card)
    wants = (codec.heard, codec.said, codec.card)
    if has != wants:
        raise UsageError(
            f"codec {codec.name}: its codebooks (of the user, of the assistant, codes in each) are {wants}, those of "
            f"the model {has}; name the codec that it was trained with (--codec)"
        )
