"""`kame-data export`: its flags, and what is printed of what it wrote."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.storage.paths import path_of

if TYPE_CHECKING:
    from pipeline.storage.paths import AnyPath as BuildFolder
else:  # no type of typer's, but parsed by ours
    BuildFolder = Annotated[
        Any, typer.Argument(metavar="OUT", parser=path_of, help="Folder or URL of a finished build.")
    ]


def export(
    out: BuildFolder,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder to write to.")],
    layout: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="LAYOUT",
            help="kame-finetune, kame-finetune-parquet, moshi-finetune, webdataset or jsonl.",
        ),
    ],
    times: Annotated[
        str | None,
        typer.Option(
            metavar="heard|arrival",
            help="Where kame-finetune's oracles stand: where their prefix had been heard (all of them), or where they "
            "arrived (those that did).",
        ),
    ] = None,
    level: Annotated[
        int | None, typer.Option(help="Of a grid build, the one level; by the progressive schedule unless told so.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")] = False,
) -> None:
    """Write a finished build in another layout, for other people's tools. docs/EXPORT.md says what maps to what."""
    from pipeline.export.run import export as export_
    from pipeline.show import console

    done = export_(out, folder, layout, times=times, level=level)
    note, to = done.note, console()
    splits = ", ".join(f"{split} {count}" for split, count in note["dialogues"].items())
    said = "was there already" if done.before else f"{note['files']} files, {note['bytes'] / 1e6:.1f} MB"
    to.print(f"{done.folder}: {layout}, {sum(note['dialogues'].values())} dialogues ({splits}); {said}")
    if "oracles" in note:
        to.print(f"oracles: {note['oracles']}, and {note['left_out']} left out (see docs/EXPORT.md)")
    if note.get("dialogues_without_tokens"):
        to.print(f"without tokens, and so left out: {note['dialogues_without_tokens']} dialogues")
    for stand_in in note["stand_ins"]:
        to.print(f"stand-in: {stand_in}")
    for line in note["terms"]:
        to.print(f"licence: {line}")
