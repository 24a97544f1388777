"""The checkpoint that others load: Moshi's layout plus `oracle_emb.weight`, and the JSON that says what it is.

`RUN/export/`: `model.safetensors`; `config.json`, which the loaders of `kame` and `moshi` read (`--hf-repo`); the
model's arguments alone in `moshi_lm_kwargs.json`, as kame_finetune writes them; `training.json`, what it was trained on
and how. LoRA that is not merged lies in `lora.safetensors`, which `config.json` names.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from kame_data.codec.token_manifest import TokenManifest
from kame_data.codec.token_schema import TokenFacts
from kame_data.finished.manifest import Manifest
from kame_data.model.four_streams import FourStreams
from kame_data.model.lora import LORA_NAME, merged, split
from kame_data.model.start import ARGUMENTS_NAME, CONFIG_NAME, MOSHI_NAME, Start
from kame_data.settings.training import TrainSettings
from kame_data.storage.local import LocalPath
from kame_data.storage.paths import AnyPath, path_of
from kame_data.train.checkpoint import half_written
from kame_data.train.data import token_checksums
from kame_data.train.machine import Machine
from kame_data.train.origin import TRAINING_NAME, training_facts

EXPORT = "export"
KYUTAI = "kyutai/moshiko-pytorch-bf16"
BESIDE = {
    "mimi_name": "tokenizer-e351c8d8-checkpoint125.safetensors",
    "tokenizer_name": "tokenizer_spm_32k_3.model",
}
"""Other files that a loader needs, under the names of `config.json`, and Kyutai's files of it."""


def export(
    settings: TrainSettings, start: Start, facts: TokenFacts, model: FourStreams, machine: Machine, step: int
) -> Path:
    """Write RUN/export, whole or not at all; called by every process. Weights are those of `step`, in the precision
    computed in."""
    target = settings.run / EXPORT
    whole: dict[str, Any] = get_model_state_dict(
        model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    if machine.rank != 0:
        return target
    state = {name: value.to(machine.computed_in).contiguous() for name, value in whole.items()}
    temporary = settings.run / f".{EXPORT}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    with half_written(temporary, "the export"):
        _write(temporary, state, settings, start, facts, step)
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)
    return target


def _write(
    folder: Path, state: dict[str, Any], settings: TrainSettings, start: Start, facts: TokenFacts, step: int
) -> None:
    lora: dict[str, Any] = {}
    weights, factors = split(state)
    if settings.tune.what == "lora" and not settings.merge:
        save_file(factors, folder / LORA_NAME)
        lora = {"lora": True, "lora_rank": settings.tune.rank, "lora_scaling": settings.tune.scaling}
        lora["lora_name"] = LORA_NAME
    else:
        weights = merged(weights, factors, settings.tune.scaling)
    save_file(weights, folder / MOSHI_NAME, metadata={"format": "pt"})
    (folder / ARGUMENTS_NAME).write_text(json.dumps(start.arguments, indent=2) + "\n")
    out = tokens_folder(settings.tokens)
    beside = _beside(start, facts, out / "tokens" / "tokenizer.model", folder)
    training = training_facts(settings, start, facts, out, step)
    (folder / TRAINING_NAME).write_text(json.dumps(training, indent=2) + "\n")
    made_by = {name: training[name] for name in ("trained_on", "from", "stand_ins")}
    config = start.arguments | {"moshi_name": MOSHI_NAME, "model_type": "moshi"} | beside | lora | {"model_id": made_by}
    (folder / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n")


def tokens_folder(tokens: Path | AnyPath) -> LocalPath:
    """The build's folder of what `tokens` in the settings names; of one in an object store, a copy on this machine."""
    tokens = path_of(tokens)
    build = tokens.parent if tokens.name == "tokens" and not (tokens / "tokens").is_dir() else tokens
    return LocalPath(build.folder_near(lambda: token_checksums(build), (Manifest.name, TokenManifest.name)))


def _beside(start: Start, facts: TokenFacts, own: Path, folder: Path) -> dict[str, str]:
    """The places of Mimi and the tokenizer: beside the weights that were started from, or Kyutai's.

    A tokenizer that is not Kyutai's is the one that lies with the tokens. A codec of random weights has no file, and is
    left unnamed.
    """
    found = {}
    for key, kyutai in BESIDE.items():
        if key == "mimi_name" and facts.untrained:
            continue
        if key == "tokenizer_name" and facts.tokenizer != "kyutai":
            if own.is_file():
                shutil.copyfile(own, folder / own.name)
                found[key] = own.name
            continue
        name = str(start.files.get(key, kyutai))
        local = Path(start.name) / name
        if local.is_file():
            shutil.copyfile(local, folder / local.name)
            found[key] = local.name
        elif name.startswith("hf://"):
            found[key] = name
        else:
            home = start.name if key in start.files and "/" in start.name else KYUTAI
            found[key] = f"hf://{home}/{name}"
    return found
