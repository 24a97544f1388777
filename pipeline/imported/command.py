"""The flags of `kame-data import`, and which of a build's it has too."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import UsageError


def import_flags(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the recordings.")],
    layout: Annotated[str, typer.Option("--from", metavar="LAYOUT", help="Its layout: kame-finetune.")],
    assistant: Annotated[
        str | None, typer.Option(metavar="A|B", help="Whose side the model is to learn; A, left, by default.")
    ] = None,
    resample: Annotated[
        bool | None, typer.Option("--resample", help="Bring sound of another rate to 24 kHz; it is refused otherwise.")
    ] = None,
) -> None:
    """The flags of `import` alone, before those of `_flags` that have a meaning for it."""


# Flags that say what is written and spoken, which an imported dialogue is already.
NOT_OF_IMPORTS = {"sources", "writer", "tts", "asr", "target", "max_variants"}


def imported_settings(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags of `import` as settings."""
    layout = flags.pop("layout")
    if layout != "kame-finetune":
        raise UsageError(f"--from {layout}: no such layout; use kame-finetune")
    folder = str(flags.pop("folder"))
    room = {name: flags.pop(name) for name in ("assistant", "resample") if name in flags}
    return flags | {"sources": ({"name": "imported", "location": folder},), "imported.": room}
