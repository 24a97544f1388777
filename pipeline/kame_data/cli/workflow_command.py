"""`kame-data run`: the whole way from questions to a checkpoint."""

from typing import Annotated

import typer

from kame_data.cli.flags import Debug


def run(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="YAML file, or the name of a shipped one: demo.")],
    out: Annotated[str | None, typer.Option("--out", help="Folder or URL of the build, over the workflow's.")] = None,
    skip: Annotated[list[str] | None, typer.Option("--skip", help="One of these steps; repeatable.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PART.NAME=VALUE", help="A setting of a part, as in train.steps=100; repeatable."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Go from questions to a checkpoint: pull, build, tokens, train, publish. The same command again goes on."""
    from kame_data.workflows.workflow import steps_of

    steps = steps_of(workflow, out, skip or [], set_ or [])
    from kame_flows.pipeline import pipeline_flow

    pipeline_flow(steps)
