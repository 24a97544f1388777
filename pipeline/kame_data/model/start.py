"""The origin of the weights: the Hub, a folder, or a seed. Training starts from them, a conversation runs them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from kame_data.codec import hub_files
from kame_data.errors import KameError, UsageError
from kame_data.model.four_streams import FourStreams
from kame_data.model.lora import State, merged

MOSHI_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
ARGUMENTS_NAME = "moshi_lm_kwargs.json"
ORACLES = "oracle_emb.weight"
"""The name of the oracles' table among the weights."""

# Of the configuration of a checkpoint, what is no argument of the model (moshi.models.loaders.CheckpointInfo).
NOT_OF_THE_MODEL = (
    "moshi_name",
    "mimi_name",
    "mimi_config_name",
    "tokenizer_name",
    "lora_name",
    "model_type",
    "lm_gen_config",
    "tts_config",
    "stt_config",
    "model_id",
    "lora",
    "lora_rank",
    "lora_scaling",
    "depformer_causal",
    "codec",
)

UNTRAINED = {
    "untrained-tiny": {"dim": 96, "heads": 4, "layers": 2, "depth_dim": 32, "depth_heads": 2, "depth_layers": 1},
    "untrained-small": {"dim": 512, "heads": 8, "layers": 8, "depth_dim": 256, "depth_heads": 4, "depth_layers": 4},
}
"""Shapes of models with seeded random weights, for trying out and for tests."""


@dataclass(frozen=True)
class Start:
    """The arguments of the model and its weights; `weights` None: seeded random ones. `files`: what lay beside."""

    name: str
    arguments: dict[str, Any]
    weights: Path | None
    files: dict[str, Any]

    def model(self, seed: int, device: str = "cpu") -> FourStreams:
        """The model in the precision of its weights; on device `meta` its shape alone.

        Raises KameError where the weights do not fit the arguments or cannot be read.
        """
        if device == "meta":
            return self._shape()
        if self.weights is None:
            return self._untrained(seed)
        state = _read(self.weights)
        if name := self.files.get("lora_name"):
            state = self._with_factors(state, self.weights.with_name(str(name)))
        if ORACLES not in state and "text_emb.weight" in state:
            state[ORACLES] = state["text_emb.weight"].clone()
        model = self._shape()
        try:
            model.load_state_dict(state, assign=True)
        except RuntimeError as error:
            raise KameError(
                f"{self.weights}: these weights are not those of its {CONFIG_NAME}: "
                + str(error).splitlines()[-1].strip()
            ) from None
        return model

    def for_inference(self, device: str, seed: int = 0) -> FourStreams:
        """The model on a device, ready to be run and not to be trained; raises as `model` does."""
        return self.model(seed).requires_grad_(False).eval().to(device)

    @property
    def reads_oracles(self) -> bool:
        """False where the weights are those of a model without an oracle stream, as Moshi's own. Raises KameError."""
        return self.weights is None or ORACLES in _names(self.weights)

    def _shape(self) -> FourStreams:
        """The model without weights. Raises UsageError where the arguments are not those of a Moshi."""
        try:
            return FourStreams(device="meta", dtype=torch.bfloat16, **self.arguments)
        except UsageError as error:
            raise UsageError(f"{self.name}: {error}") from None
        except Exception as error:  # whatever strange arguments make of Moshi's classes
            raise UsageError(
                f"{self.name}: its {CONFIG_NAME} is not that of a Moshi ({' '.join(str(error).split())[:100]}); give a "
                "model of Moshi's kind"
            ) from None

    def _with_factors(self, state: State, path: Path) -> State:
        """The weights with LoRA's factors, which lie beside them in an export that was not merged."""
        try:
            return merged(state, _read(path), float(self.files.get("lora_scaling", 2.0)))
        except KeyError as error:
            raise KameError(
                f"{path}: these factors are not those of {self.weights}: {error.args[0]} is in neither; fetch both anew"
            ) from None

    def _untrained(self, seed: int) -> FourStreams:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = FourStreams(device="cpu", dtype=torch.float32, **self.arguments)
        with torch.no_grad():
            # What has been heard can be said without learning each piece's name first, as with trained embeddings, and
            # the sum of sixteen random codes does not drown the text.
            model.text_linear.weight.copy_(model.text_emb.weight[: self.arguments["text_card"]])
            for parameter in model.emb.parameters():
                parameter.mul_(0.1)
        return model


def moshi_arguments(text_card: int, shape: dict[str, int]) -> dict[str, Any]:
    """`LMModel`'s arguments of Moshi's kind in a given shape; Moshi's own are those of 7B."""
    return {
        "dim": shape["dim"],
        "text_card": text_card,
        "existing_text_padding_id": 3,
        "n_q": 16,
        "dep_q": 8,
        "card": 2048,
        "num_heads": shape["heads"],
        "num_layers": shape["layers"],
        "hidden_scale": 4.125,
        "causal": True,
        "layer_scale": None,
        "context": 3000,
        "max_period": 10000,
        "gating": "silu",
        "norm": "rms_norm_f32",
        "positional_embedding": "rope",
        "depformer_dim": shape["depth_dim"],
        "depformer_dim_feedforward": int(4.125 * shape["depth_dim"]),
        "depformer_num_heads": shape["depth_heads"],
        "depformer_num_layers": shape["depth_layers"],
        "depformer_layer_scale": None,
        "depformer_multi_linear": True,
        "depformer_context": 8,
        "depformer_max_period": 10000,
        "depformer_gating": "silu",
        "depformer_pos_emb": "none",
        "depformer_weights_per_step": True,
        "delays": [0, 0, *[1] * 7, 0, *[1] * 7],
    }


MOSHI_7B = {"dim": 4096, "heads": 32, "layers": 32, "depth_dim": 1024, "depth_heads": 16, "depth_layers": 6}


def find_start(name: str, text_card: int, flag: str = "--init") -> Start:
    """Find what `name`, the value of `flag`, says; `text_card` is that of the tokenizer, which the model's must be.

    Raises UsageError where there is no such thing, or where its text vocabulary is another one.
    """
    if name in UNTRAINED:
        return Start(name, moshi_arguments(text_card, UNTRAINED[name]), None, {})
    start = find_checkpoint(name, flag)
    if (card := start.arguments.get("text_card")) != text_card:
        raise UsageError(
            f"{flag} {name}: its text vocabulary has {card} pieces, that of the tokens {text_card}; make the tokens "
            "with its tokenizer (kame-data tokens --tokenizer)"
        )
    return start


def find_checkpoint(name: str, flag: str) -> Start:
    """Find the folder or the Hub's repository that `name`, the value of `flag`, says. Raises UsageError."""
    folder = Path(name)
    return _of_folder(folder, flag) if folder.is_dir() else _of_hub(name, flag)


def _names(path: Path) -> set[str]:
    """The names of the tensors in a file of weights."""
    try:
        with safe_open(path, "pt") as file:  # type: ignore[no-untyped-call]
            return set(file.keys())
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> KameError:
    return KameError(f"{path}: no readable safetensors file ({error}); fetch it anew")


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from None


def _of_folder(folder: Path, flag: str) -> Start:
    config, arguments = folder / CONFIG_NAME, folder / ARGUMENTS_NAME
    found = next((path for path in (config, arguments) if path.is_file()), None)
    raw = _json(found) if found else {}
    weights = folder / str(raw.get("moshi_name", MOSHI_NAME))
    if not weights.is_file():
        raise UsageError(f"{flag} {folder}: no {weights.name} there; give a folder of a checkpoint, or a Hub id")
    return Start(str(folder), _arguments(raw), weights, raw)


def _of_hub(name: str, flag: str) -> Start:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    hub_files.be_quiet()
    try:
        try:
            raw = _json(Path(hf_hub_download(name, CONFIG_NAME)))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            raw = {}
        weights = Path(hf_hub_download(name, str(raw.get("moshi_name", MOSHI_NAME))))
        if factors := raw.get("lora_name"):
            hf_hub_download(name, str(factors))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, EntryNotFoundError, OSError) as error:
        kinds = ", ".join(UNTRAINED)
        raise UsageError(
            f"{flag} {name}: no such folder, and the Hub does not give it ({type(error).__name__}); give a folder with "
            f"{MOSHI_NAME}, a Hub id such as kyutai/moshiko-pytorch-bf16, or one of {kinds}"
        ) from None
    return Start(name, _arguments(raw), weights, raw)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    except ValueError:
        pass
    raise UsageError(f"{path}: is no JSON object of a model's arguments; mend it or fetch it anew")


def _arguments(raw: dict[str, Any]) -> dict[str, Any]:
    """The model's own arguments of a configuration; Moshi's 7B where it has none."""
    given = {name: value for name, value in raw.items() if name not in NOT_OF_THE_MODEL}
    return given if "dim" in given else moshi_arguments(32_000, MOSHI_7B) | given
