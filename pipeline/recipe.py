"""One recipe from questions to a checkpoint: what `kame-data run` goes through, step by step.

A recipe is a YAML file of `out` (the build's folder), `build` (settings of a build, of which `pull` reads the
sources), `tokens`, `train` (settings of a run; `processes` above 1 starts it by torchrun) and, where something is to
be published, `publish`: `repo` names the data set's repository, `model` the model's. A step is the command of its
name, in a process of its own, so each goes on where it stopped and none holds memory for the next.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, model_validator

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.publish.hub import Kind, Target
from pipeline.settings_file import Tree, layered, recipe_path
from pipeline.settings_room import Room
from pipeline.storage.paths import AnyPath, RemotePath, path_of
from pipeline.train.config import TrainSettings

RECIPES = "data/recipes/run"
STEPS = ("pull", "build", "tokens", "train", "publish")
ROOMS = ("build", "tokens", "train", "publish")


@dataclass(frozen=True)
class Step:
    """A step: its name, and the command line that does it."""

    name: str
    command: tuple[str, ...]


class TokensRoom(Room):
    """The flags of `kame-data tokens`; None leaves them to the command."""

    codec: str | None = None
    tokenizer: str | None = None
    device: str | None = None
    workers: Annotated[int, Field(ge=1)] | None = None


class PublishRoom(Room):
    """What is published, and how: the build as the data set `repo`, the run's export as the model `model`, either or
    both; the rest are flags of `kame-data publish`. `dry_run` is a folder, for `dataset` and `model` in it."""

    repo: str | None = None
    model: str | None = None
    private: bool = False
    audio: bool = True
    dry_run: Path | None = None
    allow_stand_ins: bool = False

    @model_validator(mode="after")
    def _named(self) -> "PublishRoom":
        kinds: tuple[tuple[str | None, Kind], ...] = ((self.repo, "dataset"), (self.model, "model"))
        for name, kind in kinds:
            if name is not None:
                Target.of(kind, name)
        if self.repo is None and self.model is None:
            raise ValueError("names nothing to publish; give repo (for the data set), model, or both")
        return self


@dataclass(frozen=True)
class Recipe:
    """A recipe that has been checked. `build` and `train` are as they stand in the file, for their commands."""

    out: AnyPath
    build: dict[str, Any]
    tokens: TokensRoom
    train: dict[str, Any]
    processes: int
    publish: PublishRoom | None

    @property
    def beside(self) -> Path:
        """Where what is local of the build lies: its folder, or one of its name here."""
        return Path(self.out.name) if isinstance(self.out, RemotePath) else self.out

    @property
    def run(self) -> Path:
        """The folder of the training run."""
        return Path(self.train.get("run", self.beside / "run"))

    @property
    def notes(self) -> Path:
        """Where the settings of the steps are kept for their commands."""
        return self.beside.with_name(f"{self.beside.name}.recipe")


def steps_of(recipe: str, out: str | None, skip: list[str]) -> list[Step]:
    """The steps of a recipe that are not skipped; the settings of each are written to OUT.recipe for its command.

    Raises UsageError for whatever is wrong with the recipe, before any step begins.
    """
    if unknown := [name for name in skip if name not in STEPS]:
        raise UsageError(f"--skip {unknown[0]}: no such step; there are {', '.join(STEPS)}")
    read = read_recipe(recipe_path(recipe, RECIPES, ""), out)
    read.notes.mkdir(parents=True, exist_ok=True)
    for name, room in (("build", read.build), ("train", read.train)):
        (read.notes / f"{name}.yaml").write_text(yaml.safe_dump(room, sort_keys=False))
    return [step for step in _steps(read) if step.name not in skip]


def read_recipe(file: Path, out: str | None) -> Recipe:
    """The recipe in a file; `out` goes before its own. Raises UsageError for whatever is wrong with it."""
    try:
        given = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: is no YAML ({' '.join(str(error).split())})") from None
    if not isinstance(given, dict) or (wrong := sorted(str(name) for name in set(given) - {"out", *ROOMS})):
        what = f"'{wrong[0]}'" if isinstance(given, dict) else "what is there"
        raise UsageError(f"{file}: {what} is no part of a recipe; it has out, {', '.join(ROOMS)}")
    if not isinstance(place := given.get("out") or "out", str):
        raise UsageError(f"{file}: out {place}: give a folder or its URL")
    rooms = {name: given.get(name) or {} for name in ROOMS}
    for name, room in rooms.items():
        if not isinstance(room, dict):
            raise UsageError(f"{file}: {name} '{room}' is no mapping of settings; write one as `{name}: {{...}}`")
    folder = path_of(out or place)
    train = dict(rooms["train"])
    processes = train.pop("processes", 1)
    if not isinstance(processes, int) or processes < 1:
        raise UsageError(f"{file}: train.processes {processes}: give a number of processes, 1 or more")
    _checked(file, "build", Settings, rooms["build"] | {"out": folder}, "")
    _checked(file, "train", TrainSettings, train, "TRAIN_")
    tokens = _checked(file, "tokens", TokensRoom, rooms["tokens"], "TOKENS_")
    publish = _checked(file, "publish", PublishRoom, rooms["publish"], "PUBLISH_") if rooms["publish"] else None
    return Recipe(folder, rooms["build"], tokens, train, processes, publish)


def _checked(file: Path, name: str, tree: type[Tree], given: dict[str, Any], prefix: str) -> Tree:
    try:
        return layered(tree, None, given, f"KAME_DATA_{prefix}")
    except UsageError as error:
        raise UsageError(f"{file}: {name}.{error}") from None


def _steps(recipe: Recipe) -> Iterator[Step]:
    """All steps, in their order; `publish` is one for the data set and one for the model."""
    python = (sys.executable, "-m")
    command = (*python, "pipeline.cli")
    launcher = (*python, "torch.distributed.run", "--standalone", f"--nproc-per-node={recipe.processes}", "-m", "--")
    out, build = str(recipe.out), ("--config", str(recipe.notes / "build.yaml"), "--out", str(recipe.out))
    yield Step("pull", (*command, "pull", *build))
    yield Step("build", (*command, "build", *build))
    yield Step("tokens", (*command, "tokens", out, *_flags(recipe.tokens)))
    start = (*launcher, "pipeline.cli") if recipe.processes > 1 else command
    yield Step(
        "train",
        (*start, "train", out, "--config", str(recipe.notes / "train.yaml"), "--run", str(recipe.run)),
    )
    if recipe.publish is not None:
        for flags in _publications(recipe.publish, str(recipe.run)):
            yield Step("publish", (*command, "publish", out, *flags))


def _publications(room: PublishRoom, run: str) -> Iterator[tuple[str, ...]]:
    """The flags of each repository that is to be published, the data set's before the model's."""
    flags = [f"--{name.replace('_', '-')}" for name in ("private", "allow_stand_ins") if getattr(room, name)]
    targets = []
    if room.repo:
        targets.append(("dataset", ["--repo", room.repo, *([] if room.audio else ["--no-audio"])]))
    if room.model:
        named = ["--dataset", room.repo] if room.repo else []
        targets.append(("model", ["--repo", room.model, "--model", run, *named]))
    for kind, of in targets:
        yield (*of, *flags, *(("--dry-run", str(room.dry_run / kind)) if room.dry_run else ()))


def _flags(room: Room) -> Iterable[str]:
    """The settings of a room as flags; what is None or False is left out."""
    for name, value in room.model_dump().items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            yield flag
        elif value is not None and value is not False:
            yield f"{flag}={value}"
