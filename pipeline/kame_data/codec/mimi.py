"""Mimi, Kyutai's codec (arXiv 2410.00037), as `moshi` has it: 24 kHz to 12.5 frames a second of 8 codes of 0 to 2,047.

The same clip in the same batch on the same machine has the same codes; on other hardware a few may differ, as sums are
rounded otherwise there.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.codec import hub_files as hub
from kame_data.codec.token_schema import CODEBOOKS, frames_of
from kame_data.codec.untrained import SEED, VERSION, untrained_mimi
from kame_data.errors import KameError, UsageError
from kame_data.records import SAMPLE_RATE
from kame_data.seeds import digest
from kame_data.storage.files import checksum

Clip = NDArray[np.float32]
BATCH_SECONDS = 400
"""Seconds of sound in one batch on an accelerator: some 10 GB there."""


@dataclass(frozen=True, slots=True)
class CodecSpec:
    """A codec that is meant: `label` is its name in files, manifest and terminal, `network` makes its network."""

    label: str
    sha256: str
    network: Callable[[], Any] = field(compare=False)

    @classmethod
    def of(cls, spec: str) -> "CodecSpec":
        """One of `CODECS` by its name, or Mimi by a file of its weights. Raises UsageError for anything else."""
        if spec in CODECS:
            return CODECS[spec]()
        path = Path(spec)
        if not path.is_file():
            raise UsageError(f"--codec {spec}: no such file; give {', '.join(CODECS)} or Mimi's weights")
        return cls(f"mimi {path.name}", checksum(path), partial(_load, path.resolve()))


def _published() -> CodecSpec:
    path = hub.fetch(hub.MIMI, "--codec", "FILE, or untrained for random weights")
    return CodecSpec(f"mimi {hub.REPO}/{hub.MIMI}", checksum(path), partial(_load, path))


def _untrained(*, small: bool) -> CodecSpec:
    label = f"untrained {'small ' if small else ''}seed={SEED}"
    return CodecSpec(label, digest(label, VERSION), partial(untrained_mimi, small=small))


CODECS: dict[str, Callable[[], CodecSpec]] = {
    "mimi": _published,
    "untrained": partial(_untrained, small=False),
    "untrained-small": partial(_untrained, small=True),
}
"""The codecs by name: Mimi from the Hub, and its network with seeded random weights, for machines without the weights,
of its own size and a good hundred times smaller. A new one gives the same frames: 8 codes of 0 to 2,047, 12.5 of them
a second."""


def _load(weights: Path) -> Any:
    from moshi.models import loaders

    try:
        return loaders.get_mimi(weights, num_codebooks=CODEBOOKS)
    except Exception as error:  # whatever a strange file makes of the loader
        raise UsageError(
            f"--codec {weights}: does not hold Mimi's weights ({type(error).__name__}); give mimi or another file"
        ) from None


class Mimi:
    """The codec at work on a device: `cpu`, `cuda`, `cuda:1`. Raises UsageError where file or device will not do."""

    def __init__(self, spec: CodecSpec, device: str = "cpu") -> None:
        import torch
        from moshi.utils.compile import no_compile

        self._torch, self._no_compile = torch, no_compile
        self.on_cpu = device == "cpu"
        self.model: Any = spec.network()
        # What decodes is not needed, and half of it.
        self.model.decoder = self.model.decoder_transformer = None
        try:
            self.model.to(device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"--device {device}: {' '.join(str(error).split())[:120]}; give cpu or cuda") from None
        self.device = device

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.uint16]]:
        """The codes of sounds of (channels, samples) at 24 kHz, in [-1, 1]: (channels, 8, ceil(samples / 1920)) each.

        On the CPU a clip at a time; elsewhere in batches of like length, padded with silence, which a causal codec does
        not look ahead to.
        """
        found: list[NDArray[np.uint16] | None] = [None] * len(clips)
        for batch in self._batches(clips):
            longest = max(clips[i].shape[1] for i in batch)
            sound = np.concatenate([np.pad(clips[i], ((0, 0), (0, longest - clips[i].shape[1]))) for i in batch])
            codes = self._codes(sound)
            first = 0
            for i in batch:
                channels, samples = clips[i].shape
                found[i] = codes[first : first + channels, :, : frames_of(samples)]
                first += channels
        return [codes for codes in found if codes is not None]

    def _batches(self, clips: Sequence[Clip]) -> list[list[int]]:
        if self.on_cpu:
            return [[i] for i in range(len(clips))]
        batches: list[list[int]] = []
        for i in sorted(range(len(clips)), key=lambda i: -clips[i].shape[1]):
            room = BATCH_SECONDS * SAMPLE_RATE // max(clips[batches[-1][0]].size, 1) if batches else 0
            if batches and len(batches[-1]) < room:
                batches[-1].append(i)
            else:
                batches.append([i])
        return batches

    def _codes(self, sound: Clip) -> NDArray[np.uint16]:
        torch = self._torch
        with torch.inference_mode(), self._no_compile() if self.on_cpu else nullcontext():
            codes = self.model.encode(torch.from_numpy(sound)[:, None].to(self.device)).cpu().numpy()
        if codes.shape[1:] != (CODEBOOKS, frames_of(sound.shape[1])):
            raise KameError(
                f"Mimi gave codes of shape {codes.shape} for {sound.shape[1]} samples; check moshi's version"
            )
        return np.asarray(codes, np.uint16)
