"""`kame-data train`: its flags, and the settings they make. Imports nothing heavy before it trains."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from pipeline.errors import UsageError
from pipeline.train.config import TrainSettings

RECIPES = "data/recipes/train"
# Flags that set a leaf: flag, branch of the settings tree, name there.
BRANCHES = (
    ("tune", "tune", "what"),
    ("rank", "tune", "rank"),
    ("lr", "optimizer", "lr"),
    ("batch_frames", "data", "batch_frames"),
)


def train(
    tokens: Annotated[
        str | None, typer.Argument(metavar="OUT", help="Folder (or URL) of a build with tokens, or its tokens folder.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Folder of the run; 'run' unless told otherwise. Goes on where it is.")
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", help="YAML file of settings, or a shipped recipe: lora, fsdp.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            metavar="untrained-tiny|HUB_ID|FOLDER",
            help="Where the weights come from; kyutai/moshiko-pytorch-bf16 unless told otherwise.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Updates of the weights.")] = None,
    tune: Annotated[str | None, typer.Option(help="What is trained: full, lora or frozen_depth.")] = None,
    rank: Annotated[int | None, typer.Option(help="Rank of LoRA.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    batch_frames: Annotated[int | None, typer.Option(help="Most frames of a batch, on each process.")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Batches of an update, on each process.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto (bf16 on a GPU), bf16 or f32.")] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="Compile the layers (torch.compile).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every draw.")] = None,
    wandb: Annotated[str | None, typer.Option(help="Log to this project of wandb, too.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, as in validation.every=50; repeatable."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")] = False,
) -> None:
    """Fine-tune a Moshi with the oracle stream on the tokens of a build; the same command again goes on."""
    own = {name: value for name, value in locals().items() if name not in ("config", "settings", "debug")}
    found = settings_of(config, settings or [], own)
    from pipeline.train.needs import check_installed

    check_installed()
    from pipeline.train.loop import train as train_
    from pipeline.train.outcome import outcome

    folder = train_(found)
    if os.environ.get("RANK", "0") == "0":
        for line in outcome(found):
            typer.echo(line)
        typer.echo(f"{folder}: the checkpoint, as `kame.server_oracle` and moshi's loaders read it")
        typer.echo(f"{found.run / 'metrics.jsonl'}: the numbers; tensorboard --logdir {found.run}")


def settings_of(config: str | None, set_: list[str], flags: dict[str, Any]) -> TrainSettings:
    """The settings of a run; `set_` are NAME=VALUE, the flags go before them. Raises UsageError for what is wrong."""
    from pipeline.settings_file import layered, recipe_path

    given: dict[str, Any] = {}
    for text in set_:
        name, equals, value = text.partition("=")
        if not equals or not all(name.split(".")):
            raise UsageError(f"--set {text}: write NAME=VALUE, as in validation.every=50")
        try:
            _put(given, name, yaml.safe_load(value))
        except yaml.YAMLError:
            raise UsageError(f"--set {text}: '{value}' is no value in YAML; quote what is a text") from None
    places = {flag: f"{branch}.{name}" for flag, branch, name in BRANCHES}
    for flag, value in flags.items():
        if value is not None:
            _put(given, places.get(flag, flag), value)
    return layered(TrainSettings, recipe_path(config, RECIPES) if config else None, given, "KAME_DATA_TRAIN_")


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *branches, leaf = name.split(".")
    for branch in branches:
        tree = tree.setdefault(branch, {})
        if not isinstance(tree, dict):
            raise UsageError(f"{name} {value}: {branch} was set to {tree} as a whole; set what is in it, one by one")
    tree[leaf] = value
