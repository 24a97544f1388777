"""A workflow: the way from questions to a checkpoint that `kame-data run` goes, step by step.

A workflow is a YAML file of `out` (the build's folder), `build` (settings of a build, of which `pull` reads the
sources), `tokens`, `train` (settings of a run; `processes` above 1 starts it by torchrun) and, where something is to
be published, `publish`: `repo` names the data set's repository, `model` the model's. A step is the command of its
name, in a process of its own, so each goes on where it stopped and none holds memory for the next.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import model_validator

from kame_data.errors import KameError, UsageError
from kame_data.publish.hub_errors import Kind, Target
from kame_data.safe_path import environment
from kame_data.settings.branch import Tree
from kame_data.settings.declared import as_flags
from kame_data.settings.layers import T, layered, parsed_set, put, shipped_path
from kame_data.settings.publication import Publication, PublishSettings
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.training import TrainSettings
from kame_data.settings.tree import Settings
from kame_data.storage.paths import AnyPath, path_of

SHIPPED = "data/workflows"
STEPS = ("pull", "build", "tokens", "train", "publish")


class StepError(KameError):
    """A step failed; the command ends with the step's exit code, and the step has said why."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"the step {name} failed, as it says above; the same command goes on from it")
        self.exit_code = code if code > 0 else 1


@dataclass(frozen=True)
class Step:
    """A step: its name, and the command line that does it."""

    name: str
    command: tuple[str, ...]

    def run(self) -> None:
        """Run the command to its end. Raises StepError with its exit code."""
        sys.stdout.flush()
        done = subprocess.run(self.command, env=environment(), check=False)
        if done.returncode:
            raise StepError(self.name, done.returncode)


class PublishStep(PublishSettings, Tree):
    """The step that publishes: the build as the data set `repo`, the export of the run as the model `model`, either
    or both. `dry_run` is a folder, for `dataset` and `model` in it."""

    environment: ClassVar[str] = Publication.environment

    repo: str | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _named(self) -> "PublishStep":
        kinds: tuple[tuple[str | None, Kind], ...] = ((self.repo, "dataset"), (self.model, "model"))
        for name, kind in kinds:
            if name is not None:
                Target.of(kind, name)
        if self.repo is None and self.model is None:
            raise ValueError("names nothing to publish; give repo (for the data set), model, or both")
        return self


@dataclass(frozen=True)
class Workflow:
    """A workflow that has been checked. `build` and `train` are as they stand in the file, for their commands."""

    out: AnyPath
    build: dict[str, Any]
    tokens: TokenSettings
    train: dict[str, Any]
    processes: int
    publish: PublishStep | None

    @property
    def run(self) -> Path:
        """The folder of the training run."""
        return Path(self.train.get("run", self.out.here / "run"))

    @property
    def notes(self) -> Path:
        """The folder in which the settings of the steps are kept for their commands."""
        return self.out.here.with_name(f"{self.out.here.name}.workflow")


PARTS: dict[str, type[Tree]] = {
    "build": Settings, "tokens": TokenSettings, "train": TrainSettings, "publish": PublishStep,
}  # fmt: skip
"""The parts of a workflow that hold settings, with their trees."""


def steps_of(workflow: str, out: str | None, skip: Sequence[str] = (), sets: Sequence[str] = ()) -> list[Step]:
    """The steps of a workflow that are not skipped; the settings of each are written to OUT.workflow for its command.

    `sets` are settings over the workflow's own, each as PART.NAME=VALUE (`train.steps=100`). Raises UsageError for
    whatever is wrong with the workflow, before any step begins.
    """
    if unknown := [name for name in skip if name not in STEPS]:
        raise UsageError(f"--skip {unknown[0]}: no such step; there are {', '.join(STEPS)}")
    read = read_workflow(shipped_path(workflow, SHIPPED, ""), out, sets)
    read.notes.mkdir(parents=True, exist_ok=True)
    for name, part in (("build", read.build), ("train", read.train)):
        (read.notes / f"{name}.yaml").write_text(yaml.safe_dump(part, sort_keys=False))
    return [step for step in _steps(read) if step.name not in skip]


def read_workflow(file: Path, out: str | None, sets: Sequence[str] = ()) -> Workflow:
    """The workflow in a file; `out` and `sets` go before its own. Raises UsageError for whatever is wrong with it."""
    try:
        given = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: is no YAML ({' '.join(str(error).split())})") from None
    if not isinstance(given, dict) or (wrong := sorted(str(name) for name in set(given) - {"out", *PARTS})):
        what = f"'{wrong[0]}'" if isinstance(given, dict) else "what is there"
        raise UsageError(f"{file}: {what} is no part of a workflow; it has out, {', '.join(PARTS)}")
    if not isinstance(place := given.get("out") or "out", str):
        raise UsageError(f"{file}: out {place}: give a folder or its URL")
    parts = {name: given.get(name) or {} for name in PARTS}
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise UsageError(f"{file}: {name} '{part}' is no mapping of settings; write one as `{name}: {{...}}`")
    for text in sets:
        _set(parts, text)
    folder = path_of(out or place)
    train = dict(parts["train"])
    processes = train.pop("processes", 1)
    if not isinstance(processes, int) or processes < 1:
        raise UsageError(f"{file}: train.processes {processes}: give a number of processes, 1 or more")
    _checked(file, "build", Settings, parts["build"] | {"out": folder})
    _checked(file, "train", TrainSettings, train)
    tokens = _checked(file, "tokens", TokenSettings, parts["tokens"])
    publish = _checked(file, "publish", PublishStep, parts["publish"]) if parts["publish"] else None
    return Workflow(folder, parts["build"], tokens, train, processes, publish)


def _set(parts: dict[str, Any], text: str) -> None:
    """Put PART.NAME=VALUE into the parts."""
    part, _, setting = text.partition(".")
    if part not in PARTS or not setting:
        raise UsageError(f"--set {text}: write PART.NAME=VALUE, as in train.steps=100; parts are {', '.join(PARTS)}")
    # How many processes train is no setting of the command that they run.
    known = part == "train" and setting.partition("=")[0] == "processes"
    put(parts[part], *parsed_set(None if known else PARTS[part], setting))


def _checked(file: Path, name: str, tree: type[T], given: dict[str, Any]) -> T:
    try:
        return layered(tree, None, given)
    except UsageError as error:
        raise UsageError(f"{file}: {name}.{error}") from None


def _steps(workflow: Workflow) -> Iterator[Step]:
    """All steps, in their order; `publish` is one for the data set and one for the model."""
    python = (sys.executable, "-m")
    command = (*python, "kame_data.cli")
    processes = workflow.processes
    launcher = (*python, "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", "--")
    out, build = str(workflow.out), ("--config", str(workflow.notes / "build.yaml"), "--out", str(workflow.out))
    yield Step("pull", (*command, "pull", *build))
    yield Step("build", (*command, "build", *build))
    yield Step("tokens", (*command, "tokens", out, *as_flags(workflow.tokens)))
    start = (*launcher, "kame_data.cli") if processes > 1 else command
    yield Step(
        "train",
        (*start, "train", out, "--config", str(workflow.notes / "train.yaml"), "--run", str(workflow.run)),
    )
    if workflow.publish is not None:
        for publication in _publications(workflow.publish, workflow.run):
            yield Step("publish", (*command, "publish", out, *as_flags(publication)))


def _publications(step: PublishStep, run: Path) -> Iterator[Publication]:
    """The publication of each repository, that of the data set before that of the model."""
    shared = step.model_dump(include={"private", "allow_stand_ins"}, exclude_unset=True)

    def publication(kind: Kind, **own: Any) -> Publication:
        dry = {} if step.dry_run is None else {"dry_run": step.dry_run / kind}
        return Publication.model_validate(own | shared | dry)

    if step.repo:
        yield publication("dataset", repo=step.repo, audio=step.audio)
    if step.model:
        yield publication("model", repo=step.model, run=run, **({"dataset": step.repo} if step.repo else {}))
