"""The codec at work: the user's sound becomes the codes that a model hears, the model's codes become its sound.

A checkpoint's `config.json` names its codec (`codec`); without a name it is Mimi. Each codec runs all rows of a batch
at once; a row that has no frame stands still in it.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol

import torch

from kame_data.codec.mimi import CodecSpec
from kame_data.codec.token_schema import CARD, CODEBOOKS
from kame_data.tandem.loudness import Loudness


class Codec(Protocol):
    """The sound of the rows of one batch, B of them; every call is for the rows where the mask, bool (B,), is true."""

    name: str
    heard: int
    """Codebooks of the user."""
    said: int
    """Codebooks of the assistant."""
    card: int
    """Number of codes in each codebook."""

    def reset(self, rows: torch.Tensor) -> None:
        """New conversations begin in the rows."""
        ...

    def hear(self, sound: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Codes, int64 (B, heard), of one frame of each row's user, f32 (B, 1920) in -1 to 1."""
        ...

    def say(self, codes: torch.Tensor, rows: torch.Tensor) -> torch.Tensor | None:
        """Sound, f32 (B, 1920), of one frame of each row's assistant, int64 (B, said); None from a codec that cannot
        speak."""
        ...

    def close(self) -> None:
        """Free what the rows hold."""
        ...


class StreamingMimi:
    """Mimi, or its network with random weights, with a streaming state for each of `count` rows."""

    heard = said = CODEBOOKS
    card = CARD

    def __init__(self, spec: CodecSpec, count: int, device: str) -> None:
        self.name = spec.label
        self._network: Any = spec.network().to(device).requires_grad_(False)
        self._streaming: ExitStack = self._network.streaming(count)

    def reset(self, rows: torch.Tensor) -> None:
        """New conversations begin in the rows."""
        self._network.reset_streaming(rows)

    def hear(self, sound: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Codes, int64 (B, 8), of sound f32 (B, 1920)."""
        self._network.set_exec_mask(rows)
        return self._network.encode(sound[:, None])[:, :, 0]  # type: ignore[no-any-return]

    def say(self, codes: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Sound, f32 (B, 1920), of codes int64 (B, 8)."""
        # Encoder and decoder are one module with one mask.
        self._network.set_exec_mask(rows)
        return self._network.decode(codes[:, :, None])[:, 0]  # type: ignore[no-any-return]

    def close(self) -> None:
        """Free the streaming state."""
        self._streaming.close()


OPENERS: dict[str, Callable[[int, str], Codec]] = {Loudness.name: Loudness}
"""Codecs that hear and cannot speak, by the name that a checkpoint gives: made for so many rows on a device."""


def open_codec(name: str, count: int, device: str) -> Codec:
    """The codec by its name: one of `OPENERS`, `mimi`, `untrained`, `untrained-small`, or a file of Mimi's weights.

    Raises UsageError for another name, and where Mimi's weights cannot be had or read.
    """
    if opener := OPENERS.get(name):
        return opener(count, device)
    return StreamingMimi(CodecSpec.of(name), count, device)
