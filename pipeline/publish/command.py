"""`kame-data publish`: its flags, and what it prints."""

from pathlib import Path
from typing import Annotated

import typer

Repo = Annotated[str, typer.Option("--repo", metavar="ORG/NAME", help="The repository on the Hub.")]
Private = Annotated[bool, typer.Option("--private", help="Create the repository as a private one.")]
Audio = Annotated[
    bool, typer.Option("--audio/--no-audio", help="With the sound and the tokens made of it, or text alone.")
]
AllowStandIns = Annotated[
    bool, typer.Option("--allow-stand-ins", help="Publish what stand-ins made, labelled as such.")
]
DryRun = Annotated[
    Path | None,
    typer.Option("--dry-run", metavar="DIR", help="Write it all to this folder, and see that it loads, instead."),
]


def publish(
    out: Annotated[
        str | None,
        typer.Argument(metavar="OUT", help="Folder (or URL) of a finished build; 'out' unless told otherwise."),
    ] = None,
    repo: Repo = ...,  # type: ignore[assignment]
    private: Private = False,
    dry_run: DryRun = None,
    allow_stand_ins: AllowStandIns = False,
    audio: Audio = True,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="RUN", help="Publish what this training run exported, as a model.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="ORG/NAME", help="With --model: its data set, for the card.")
    ] = None,
    progress: Annotated[bool, typer.Option("--progress/--no-progress", help="Show how the work goes on.")] = True,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")] = False,
) -> None:
    """Put a build or a trained model on the Hugging Face Hub with a card. The same command again sends what is new."""
    from pipeline.publish.run import Request
    from pipeline.publish.run import publish as publish_
    from pipeline.publish.show import Uploads, print_outcome
    from pipeline.storage.paths import path_of

    folder = None if out is None else path_of(out)
    request = Request(repo, folder, private, dry_run, allow_stand_ins, audio, model, dataset)
    with Uploads(progress) as uploads:
        outcome = publish_(request, uploads)
    print_outcome(outcome)
