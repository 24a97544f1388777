"""`kame-data export`: a finished build in another layout."""

from pathlib import Path
from typing import Annotated

import typer

from kame_data.cli.flags import BuildFolder, Json, takes
from kame_data.settings.looking import ExportSettings
from kame_data.terminal import console, print_json


@takes(ExportSettings)
def export(
    settings: ExportSettings,
    out: BuildFolder,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder to write to.")],
    json: Json = False,
) -> None:
    """Write a finished build in another layout, for other people's tools. docs/EXPORT.md says what maps to what."""
    from kame_data.export.write_export import export as export_

    done = export_(out, folder, settings.layout, times=settings.times, level=settings.level)
    note, to = done.note, console()
    if json:
        print_json({"folder": str(done.folder), "was_there": done.before} | note)
        return
    splits = ", ".join(f"{split} {count}" for split, count in note["dialogues"].items())
    said = "was there already" if done.before else f"{note['files']} files, {note['bytes'] / 1e6:.1f} MB"
    to.print(f"{done.folder}: {settings.layout}, {sum(note['dialogues'].values())} dialogues ({splits}); {said}")
    if "oracles" in note:
        to.print(f"oracles: {note['oracles']}, and {note['left_out']} left out (see docs/EXPORT.md)")
    if note.get("dialogues_without_tokens"):
        to.print(f"without tokens, and so left out: {note['dialogues_without_tokens']} dialogues")
    for stand_in in note["stand_ins"]:
        to.print(f"stand-in: {stand_in}")
    for line in note["terms"]:
        to.print(f"licence: {line}")
