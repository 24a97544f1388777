"""One recipe from questions to a checkpoint: what `kame-data run` goes through, step by step.

A recipe is a YAML file of `out` (the build's folder), `build` (settings of a build), `tokens` (codec, tokenizer,
device, workers) and `train` (settings of a run; `processes` above 1 starts it by torchrun). A step is the command of
its name, in a process of its own, so each goes on where it stopped and none holds memory for the next.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import UsageError
from pipeline.settings_file import layered, recipe_path
from pipeline.storage.paths import AnyPath, RemotePath, path_of

RECIPES = "data/recipes/run"
STEPS = ("build", "tokens", "train")
TOKEN_FLAGS = ("codec", "tokenizer", "device", "workers")


@dataclass(frozen=True)
class Step:
    """A step: its name, and the command line that does it."""

    name: str
    command: tuple[str, ...]


def steps_of(recipe: str, out: str | None, skip: list[str]) -> list[Step]:
    """The steps of a recipe that are not skipped; the settings of each are written to OUT.recipe for its command.

    For OUT in an object store, OUT.recipe and the run are in folders of its name here.

    Raises UsageError for whatever is wrong with the recipe, before any step begins.
    """
    if unknown := [name for name in skip if name not in STEPS]:
        raise UsageError(f"--skip {unknown[0]}: no such step; there are {', '.join(STEPS)}")
    file = recipe_path(recipe, RECIPES)
    try:
        given = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: is no YAML ({' '.join(str(error).split())})") from None
    if not isinstance(given, dict) or (wrong := sorted(set(given) - {"out", *STEPS})):
        what = f"'{wrong[0]}'" if isinstance(given, dict) else "what is there"
        raise UsageError(f"{file}: {what} is no part of a recipe; it has out, {', '.join(STEPS)}")
    folder = path_of(out or str(given.get("out", "out")))
    beside = Path(folder.name) if isinstance(folder, RemotePath) else folder  # what is local of a build elsewhere
    rooms = {name: dict(given.get(name) or {}) for name in STEPS}
    if unknown := sorted(set(rooms["tokens"]) - set(TOKEN_FLAGS)):
        raise UsageError(f"{file}: tokens.{unknown[0]} is no setting; there are {', '.join(TOKEN_FLAGS)}")
    processes = int(rooms["train"].pop("processes", 1))
    _check(rooms, folder)
    notes = beside.with_name(f"{beside.name}.recipe")
    notes.mkdir(parents=True, exist_ok=True)
    for name in ("build", "train"):
        (notes / f"{name}.yaml").write_text(yaml.safe_dump(rooms[name], sort_keys=False))
    python = (sys.executable, "-m")
    launcher = (*python, "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", "--")
    run = str(rooms["train"].get("run", beside / "run"))
    flags = [f"--{name}={value}" for name, value in rooms["tokens"].items()]
    commands: dict[str, tuple[str, ...]] = {
        "build": (*python, "pipeline.cli", "build", "--config", str(notes / "build.yaml"), "--out", str(folder)),
        "tokens": (*python, "pipeline.cli", "tokens", str(folder), *flags),
        "train": (
            *(launcher if processes > 1 else python),
            *("pipeline.cli", "train", str(folder), "--config", str(notes / "train.yaml"), "--run", run),
        ),
    }
    return [Step(name, commands[name]) for name in STEPS if name not in skip]


def _check(rooms: dict[str, dict[str, Any]], folder: AnyPath) -> None:
    from pipeline.config import Settings
    from pipeline.train.config import TrainSettings

    layered(Settings, None, rooms["build"] | {"out": folder}, "KAME_DATA_")
    layered(TrainSettings, None, rooms["train"], "KAME_DATA_TRAIN_")
