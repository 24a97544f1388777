"""Checkpoints as the tandem opens them: the model, the tokenizer beside it, and the codec that it names.

A checkpoint is `demo` (the small bundled model), a run of `kame-data train`, its export, a repository of the Hub in the
layout of SakanaAI/kame or kyutai/moshiko-pytorch-bf16, or one of the untrained shapes. Weights without an oracle stream
run as the baseline: nothing is read of the oracles, and the model's name in the log says so.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kame_data.codec import hub_files as hub
from kame_data.codec.mimi import CODECS, CodecSpec
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import UsageError
from kame_data.model.start import UNTRAINED, Start, find_checkpoint, find_start
from kame_data.resources import bundled
from kame_data.seeds import digest
from kame_data.storage.files import checksum
from kame_data.tandem.codecs import OPENERS, open_codec
from kame_data.tandem.front_end import FrontEnd, Sampling
from kame_data.tandem.stepper import ThreadStepper

DEMO = "demo"
"""The name of the small bundled model."""
EXPORT = "export"
"""The folder of a run's export."""
ON_THE_HUB = "hf://"
KYUTAI_PIECES = 32_000
"""Pieces of Kyutai's tokenizer, which a checkpoint without a `config.json` means."""


@dataclass(frozen=True)
class Checkpoint:
    """A model that can be talked to. `codec` is what `open_codec` takes; `stand_ins` are what is not the real thing."""

    name: str
    start: Start
    tokenizer: Tokenizer
    codec: str
    reads_oracles: bool
    stand_ins: tuple[str, ...]

    @classmethod
    def find(cls, name: str, tokenizer: str | None = None, codec: str | None = None) -> "Checkpoint":
        """Find the model that a person names; `tokenizer` and `codec` (`--tokenizer`, `--codec`) stand for its own.

        Raises UsageError where it is not there, is no Moshi, lacks its tokenizer, or has another vocabulary than that.
        """
        if name in UNTRAINED:
            chosen = Tokenizer.of(tokenizer or "sample")
            start, codec = find_start(name, chosen.text_card, "MODEL"), codec or "untrained-small"
        else:
            start = find_checkpoint(_folder(name), "MODEL")
            _check_kind(start)
            chosen = Tokenizer.of(tokenizer or _tokenizer_of(start))
            codec = codec or _codec_of(start)
        if (card := start.arguments.get("text_card")) != chosen.text_card:
            raise UsageError(
                f"MODEL {name}: its text vocabulary has {card} pieces, that of the tokenizer {chosen.name} "
                f"{chosen.text_card}; give the tokenizer that it was trained with (--tokenizer)"
            )
        reads = start.reads_oracles
        shown = name if reads else f"{name} (it has no oracle stream)"
        return cls(shown, start, chosen, codec, reads, _stand_ins(start, codec))

    def digest(self) -> str:
        """The digest of all that its tokens hang on: weights (read whole), shape, tokenizer, codec."""
        weights, lora = self.start.weights, self.start.files.get("lora_name")
        files = [] if weights is None else [weights, *([weights.with_name(str(lora))] if lora else [])]
        held = sorted((name, repr(value)) for name, value in self.start.arguments.items())
        return digest(held, [checksum(file) for file in files], self.tokenizer.sha256, self.codec)

    @property
    def speaks(self) -> bool:
        """False where its codec cannot speak, as those that are not Mimi's."""
        return self.codec not in OPENERS

    def front_end(self, count: int, device: str = "auto", sampling: Sampling | None = None) -> FrontEnd:
        """The model in `count` rows on a device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.

        On a CPU it computes in f32, on one thread, unless OMP_NUM_THREADS says otherwise: a step of a model that is
        small enough for a CPU is too short to be shared. Raises KameError where weights or codec cannot be read.
        """
        device = _device(device)
        model = self.start.for_inference("cpu")
        if device == "cpu":
            model = model.float()
            if "OMP_NUM_THREADS" not in os.environ:
                torch.set_num_threads(1)
        model = model.to(device)
        return FrontEnd(model, open_codec(self.codec, count, device), count, sampling, self.reads_oracles)

    def stepper(self, count: int, device: str = "auto", sampling: Sampling | None = None) -> ThreadStepper:
        """The model in `count` rows, stepped by a thread of its own; closing it frees both."""
        rows = self.front_end(count, device, sampling)
        return ThreadStepper(rows, self.name, self.stand_ins, rows.shut_down)


def _folder(name: str) -> str:
    """The folder that holds the checkpoint: of a run, its export; of `demo`, the bundled one."""
    if name == DEMO:
        return str(bundled("data/models/demo"))
    export = Path(name) / EXPORT
    if export.is_dir() and not any(Path(name).glob("*.safetensors")):
        return str(export)
    if (Path(name) / "checkpoints").is_dir():
        raise UsageError(
            f"MODEL {name}: this run has no export yet; the same kame-data train goes on and writes it at its end"
        )
    return name


def _check_kind(start: Start) -> None:
    kind = start.files.get("model_type") or "moshi"
    if kind != "moshi":
        raise UsageError(f"MODEL {start.name}: is a model of the kind '{kind}'; give a Moshi (model_type moshi)")
    start.model(0, "meta")  # raises for arguments of another kind


def _beside(start: Start, name: str, flag: str) -> Path:
    """The file that a checkpoint names: in its folder, in its repository, or in another one (`hf://ORG/REPO/FILE`)."""
    local = Path(start.name) / name
    if Path(start.name).is_dir() and not name.startswith(ON_THE_HUB):
        if local.is_file():
            return local
        raise UsageError(f"MODEL {start.name}: lacks {name}, which its config.json names; put it there, or give {flag}")
    path = name.removeprefix(ON_THE_HUB) if name.startswith(ON_THE_HUB) else f"{start.name}/{name}"
    organisation, _, rest = path.partition("/")
    repository, _, file = rest.partition("/")
    return hub.fetch(file, f"MODEL {start.name}", f"another model, or {flag}", f"{organisation}/{repository}")


def _tokenizer_of(start: Start) -> str:
    if name := start.files.get("tokenizer_name"):
        return str(_beside(start, str(name), "--tokenizer FILE"))
    if start.arguments.get("text_card") == KYUTAI_PIECES:
        return "kyutai"
    raise UsageError(f"MODEL {start.name}: its config.json names no tokenizer (tokenizer_name); give --tokenizer FILE")


def _codec_of(start: Start) -> str:
    """The codec that `config.json` names (`codec`); else the one that the model was trained with, which is Mimi."""
    if name := str(start.files.get("codec") or ""):
        if name not in OPENERS and name not in CODECS:
            raise UsageError(
                f"MODEL {start.name}: its config.json names the codec {name[:40]!r}; this version has "
                f"{', '.join([*OPENERS, *CODECS])}"
            )
        return name
    trained_on = _object(_object(start.files.get("model_id")).get("trained_on")).get("codec", "")
    for untrained in ("untrained", "untrained-small"):
        if CodecSpec.of(untrained).label == trained_on:
            return untrained
    if mimi := start.files.get("mimi_name"):
        return str(_beside(start, str(mimi), "--codec FILE"))
    return "mimi"


def _stand_ins(start: Start, codec: str) -> tuple[str, ...]:
    own = [f"weights: {start.name}"] if start.weights is None else []
    own += ["codec: untrained"] if codec.startswith("untrained") else []
    told = _object(start.files.get("model_id")).get("stand_ins")
    return tuple(dict.fromkeys([*own, *(str(one) for one in told or () if isinstance(told, list))]))


def _object(value: object) -> dict[str, Any]:
    """The object of JSON that a value is; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {name}: {' '.join(str(error).split())[:120]}; give cpu, cuda or mps") from None
    return name
