"""`kame-data ledger`: its commands, and what they print."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import KameError
from pipeline.flags import Debug

ledger_app = typer.Typer(help="The ledger of paid answers: its figures, checks, export and import.")
LedgerFolder = Annotated[
    Path | None, typer.Option("--ledger", help="Folder of the ledger; the user's own unless told otherwise.")
]


@ledger_app.callback(invoke_without_command=True)
def ledger(context: typer.Context, ledger: LedgerFolder = None) -> None:
    """Show size, spend and hit rate of the ledger."""
    from pipeline.llm.ledger import default_folder

    context.obj = ledger or default_folder()
    if context.invoked_subcommand is None:
        from pipeline.llm.ledger_tools import stats
        from pipeline.show import print_ledger

        print_ledger(stats(context.obj))


@ledger_app.command("check")
def ledger_check(context: typer.Context, debug: Debug = False) -> None:
    """Compare every line with its checksum; fails where one is damaged."""
    from pipeline.llm.ledger_tools import check

    found = check(context.obj)
    typer.echo(f"{found.answers} answers in {found.lines} lines; {len(found.torn)} torn tails, which hold nothing")
    for path, offset in found.damaged:
        typer.echo(f"damaged: {path} at byte {offset}")
    if not found.sound:
        raise KameError(f"{context.obj}: {len(found.damaged)} damaged lines; what they held is asked for again")


@ledger_app.command("export")
def ledger_export(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="FILE", help="A .jsonl or .jsonl.gz: a path or an fsspec URL.")],
    debug: Debug = False,
) -> None:
    """Write all answers to one file."""
    from pipeline.llm.ledger_tools import export

    typer.echo(f"{export(context.obj, target)} lines written to {target}")


@ledger_app.command("import")
def ledger_import(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE", help="An exported file, or another ledger's folder.")],
    debug: Debug = False,
) -> None:
    """Take in the answers of another ledger."""
    from pipeline.llm.ledger_tools import import_

    done = import_(context.obj, source)
    typer.echo(f"{done.added} added, {done.known} known already, {done.damaged} damaged and left out")
