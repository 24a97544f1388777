"""`kame-data report`, `replay` and `diff`: finished builds, to look at."""

from typing import Annotated

import typer

from kame_data.cli.flags import OUT, BuildFolder, Debug, FirstFolder, SecondFolder, takes
from kame_data.settings.looking import ReplaySettings, ReportSettings
from kame_data.terminal import console


@takes(ReportSettings)
def report(settings: ReportSettings, out: BuildFolder = OUT) -> None:
    """Write OUT/report.html: figures of a finished build, and its dialogues to look at and to hear."""
    from kame_data.report.page import write_report

    done = write_report(
        out,
        dialogues=settings.dialogues,
        audio=settings.audio,
        first=settings.dialogue,
        tokenizer=settings.tokenizer,
    )
    typer.echo(
        f"{done.path}  {done.bytes / 1e6:.1f} MB: {done.dialogues} of {done.of} dialogues, {done.sounds} with sound"
    )


@takes(ReplaySettings)
def replay(
    settings: ReplaySettings,
    out: BuildFolder,
    dialogue: Annotated[str, typer.Argument(metavar="ID", help="The id of a dialogue.")],
) -> None:
    """Show a dialogue second by second: what was said, which oracle was read and how far, what was answered."""
    from kame_data.codec.tokenizer import pieces_of
    from kame_data.finished.reader import Finished
    from kame_data.report.print_replay import print_replay

    build = Finished.open(out)
    print_replay(console(), build.row(dialogue), build.reckoner, pieces_of(settings.tokenizer, out))


def diff(first: FirstFolder, second: SecondFolder, debug: Debug = False) -> None:
    """Say what differs between two builds: settings, rows, the level curve, durations, refusals, spend."""
    from kame_data.report.diff import compare, print_diff

    print_diff(console(), compare(first, second))
