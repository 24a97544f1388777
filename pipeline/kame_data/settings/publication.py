"""The settings of what is published, and how."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from kame_data.settings.branch import Branch, Flag, MachinePath, Place, Tree

Repo = Annotated[str, Flag("--repo", metavar="ORG/NAME"), Field(description="The repository on the Hub.")]


class PublishSettings(Branch):
    """Settings of publishing a build or a model."""

    audio: Annotated[
        bool,
        Flag("--audio/--no-audio"),
        Field(description="With the sound and the tokens made of it, or text alone."),
    ] = True
    private: Annotated[bool, Flag("--private"), Field(description="Create the repository as a private one.")] = False
    allow_stand_ins: Annotated[
        bool, Flag("--allow-stand-ins"), Field(description="Publish what stand-ins made, labelled as such.")
    ] = False
    dry_run: Annotated[
        MachinePath | None,
        Flag("--dry-run", metavar="DIR"),
        Field(description="Write it all to this folder, and see that it loads, instead."),
    ] = None


class Publication(PublishSettings, Tree):
    """The things to publish. `out`: the folder of a build; None is `out`. `run`: the folder of a training run, whose
    export is published instead; `out` is then the build it was trained on, if that is to be looked at elsewhere than
    where the run found it. `dataset`: the data set of a model, for its card."""

    environment: ClassVar[str] = "KAME_DATA_PUBLISH_"
    example: ClassVar[str] = "private=true"
    of_builds: ClassVar[tuple[str, ...]] = ("progress",)

    out: Annotated[
        Place | None, Flag("OUT"), Field(description="Folder (or URL) of a finished build; 'out' unless given.")
    ] = None
    repo: Repo
    run: Annotated[
        Path | None,
        Flag("--model", metavar="RUN"),
        Field(description="Publish what this training run exported, as a model."),
    ] = None
    dataset: Annotated[
        str | None,
        Flag("--dataset", metavar="ORG/NAME"),
        Field(description="With --model: its data set, for the card."),
    ] = None
    progress: Annotated[bool, Flag("--progress/--no-progress"), Field(description="Show how the work goes on.")] = True
