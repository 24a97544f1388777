"""What a model comes from: the weights it started with, the data, the settings; told wherever the model goes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.codec.stage import token_manifest
from pipeline.places import without_places
from pipeline.storage.paths import AnyPath, StorageError

if TYPE_CHECKING:
    from pipeline.codec.schema import TokenFacts
    from pipeline.train.config import TrainSettings
    from pipeline.train.start import Start

TRAINING_NAME = "training.json"
OF_THE_MACHINE = {"run", "tokens", "device", "progress", "tensorboard", "wandb"}
"""Settings of a run that say nothing of the model."""


def training_facts(
    settings: "TrainSettings", start: "Start", facts: "TokenFacts", out: AnyPath, step: int
) -> dict[str, Any]:
    """What `training.json` says of the weights of a step; `out` is the build that they were trained on."""
    data = data_facts(out)
    own = [f"weights: {start.name}"] if start.weights is None else []
    own += ["codec: untrained"] if facts.untrained else []
    parents = start.files.get("model_id")
    inherited = parents.get("stand_ins", []) if isinstance(parents, dict) else []
    return {
        "kame_data": __version__,
        "from": Path(start.name).resolve().name if Path(start.name).is_dir() else start.name,
        "trained_on": {"codec": facts.codec, "tokenizer": facts.tokenizer},
        "stand_ins": list(dict.fromkeys([*own, *inherited, *data.get("stand_ins", [])])),
        "step": step,
        "settings": without_places(json.loads(settings.model_dump_json(exclude=OF_THE_MACHINE))),
        "data": data,
    }


def data_facts(out: AnyPath) -> dict[str, Any]:
    """What the manifests of a build's shards and tokens say of the data; empty where none can be read."""
    found: dict[str, Any] = {"stand_ins": []}
    try:
        manifest = json.loads((out / "manifest.json").read_text("utf-8"))
        settings = manifest["settings"]
        found |= {
            "stand_ins": list(manifest["stand_ins"]),
            "dialogues": manifest["dialogues"]["by_source"],
            "seconds": manifest["seconds"],
            "terms": manifest.get("terms", []),
            "made_by": without_places({name: settings.get(name) for name in ("writer", "simulator", "languages")}),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StorageError):
        pass
    if tokens := token_manifest(out):
        found["stand_ins"] += [name for name in tokens["stand_ins"] if name not in found["stand_ins"]]
        found["tokens"] = {name: tokens[name] for name in ("rows", "frames", "made_from")}
    return found
