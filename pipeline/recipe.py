"""One recipe from questions to a checkpoint: what `kame-data run` goes through, step by step.

A recipe is a YAML file of `out` (the build's folder), `build` (settings of a build), `tokens` (codec, tokenizer,
device, workers), `train` (settings of a run; `processes` above 1 starts it by torchrun) and, where something is to be
published, `publish` (`repo` for the data set, `model` for the model, and PUBLISH_FLAGS). A step is the command of its
name, in a process of its own, so each goes on where it stopped and none holds memory for the next.
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
STEPS = ("build", "tokens", "train", "publish")
TOKEN_FLAGS = ("codec", "tokenizer", "device", "workers")
PUBLISH_FLAGS = ("private", "allow_stand_ins", "audio", "dry_run")
"""`dry_run` is a folder, for `dataset` and `model` in it."""


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
    for name, known in (("tokens", TOKEN_FLAGS), ("publish", ("repo", "model", *PUBLISH_FLAGS))):
        if unknown := sorted(set(rooms[name]) - set(known)):
            raise UsageError(f"{file}: {name}.{unknown[0]} is no setting; there are {', '.join(known)}")
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
    steps = [Step(name, commands[name]) for name in ("build", "tokens", "train")]
    steps += [Step("publish", (*python, "pipeline.cli", "publish", *flags)) for flags in _publish(rooms, folder, run)]
    return [step for step in steps if step.name not in skip]


def _publish(rooms: dict[str, dict[str, Any]], folder: AnyPath, run: str) -> list[tuple[str, ...]]:
    """The flags of each repository that is to be published, the data set's before the model's."""
    given = rooms["publish"]
    flags = [f"--{name.replace('_', '-')}" for name in ("private", "allow_stand_ins") if given.get(name)]
    targets = []
    if repo := given.get("repo"):
        sound = [] if given.get("audio", True) else ["--no-audio"]
        targets.append(("dataset", [str(folder), "--repo", str(repo), *sound]))
    if model := given.get("model"):
        named = ["--dataset", str(repo)] if repo else []
        targets.append(("model", [str(folder), "--repo", str(model), "--model", run, *named]))
    if "dry_run" in given:
        return [(*of, *flags, "--dry-run", str(Path(given["dry_run"]) / kind)) for kind, of in targets]
    return [(*of, *flags) for _, of in targets]


def _check(rooms: dict[str, dict[str, Any]], folder: AnyPath) -> None:
    from pipeline.config import Settings
    from pipeline.publish.hub import Kind, Target
    from pipeline.train.config import TrainSettings

    layered(Settings, None, rooms["build"] | {"out": folder}, "KAME_DATA_")
    layered(TrainSettings, None, rooms["train"], "KAME_DATA_TRAIN_")
    given = rooms["publish"]
    kinds: dict[str, Kind] = {"repo": "dataset", "model": "model"}
    for name, kind in kinds.items():
        if name in given:
            Target.of(kind, str(given[name]))
    if given and not {*kinds} & {*given}:
        raise UsageError("publish: names nothing to publish; give repo (for the data set), model, or both")
