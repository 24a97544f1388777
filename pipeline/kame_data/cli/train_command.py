"""`kame-data train`. Imports nothing heavy before it trains."""

import os

import typer

from kame_data.cli.flags import takes
from kame_data.settings.training import TrainSettings


@takes(TrainSettings)
def train(settings: TrainSettings) -> None:
    """Fine-tune a Moshi with the oracle stream on the tokens of a build; the same command again goes on."""
    from kame_data.train.needs import check_installed

    check_installed()
    from kame_data.train.loop import train as train_
    from kame_data.train.run_outcome import outcome

    folder = train_(settings)
    if os.environ.get("RANK", "0") == "0":
        for line in outcome(settings):
            typer.echo(line)
        typer.echo(f"{folder}: the checkpoint, as `kame.server_oracle` and moshi's loaders read it")
        typer.echo(f"{settings.run / 'metrics.jsonl'}: the numbers; tensorboard --logdir {settings.run}")
