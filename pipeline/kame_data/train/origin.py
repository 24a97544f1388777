"""The origin of a model (the weights it started with, the data, the settings), which is stated wherever the model
goes."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kame_data import __version__
from kame_data.codec.token_manifest import TokenManifest
from kame_data.errors import KameError
from kame_data.finished.manifest import Manifest
from kame_data.settings.machine_paths import without_machine_paths
from kame_data.storage.paths import AnyPath

if TYPE_CHECKING:
    from kame_data.codec.token_schema import TokenFacts
    from kame_data.model.start import Start
    from kame_data.settings.training import TrainSettings

TRAINING_NAME = "training.json"
OF_THE_MACHINE = {"run", "tokens", "device", "progress", "tensorboard", "wandb"}
"""Settings of a run that say nothing of the model."""


def training_facts(
    settings: "TrainSettings", start: "Start", facts: "TokenFacts", out: AnyPath, step: int
) -> dict[str, Any]:
    """The content of `training.json` for the weights of a step; `out` is the build that they were trained on."""
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
        "settings": without_machine_paths(json.loads(settings.model_dump_json(exclude=OF_THE_MACHINE))),
        "data": data,
    }


def data_facts(out: AnyPath) -> dict[str, Any]:
    """The facts about the data in the manifests of a build's shards and tokens; empty where none can be read."""
    found: dict[str, Any] = {"stand_ins": []}
    with suppress(OSError, KameError):
        if build := Manifest.find(out):
            fields = build.content()
            found |= {
                "stand_ins": fields["stand_ins"],
                "dialogues": fields["dialogues"]["by_source"],
                "seconds": build.seconds,
                "terms": list(build.terms),
                "made_by": without_machine_paths(
                    {name: fields["settings"][name] for name in ("writer", "simulator", "languages")}
                ),
            }
    with suppress(OSError, KameError):
        if tokens := TokenManifest.find(out):
            found["stand_ins"] += [name for name in tokens.stand_ins if name not in found["stand_ins"]]
            found["tokens"] = tokens.model_dump(mode="json", include={"rows", "frames", "made_from"})
    return found
