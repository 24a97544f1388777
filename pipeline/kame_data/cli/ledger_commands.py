"""`kame-data ledger`: its commands, and what they print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kame_data.errors import KameError
from kame_data.terminal import console, plain_table

if TYPE_CHECKING:
    from kame_data.llm.ledger_tools import Spend, Stats
from kame_data.cli.flags import Debug

ledger_app = typer.Typer(help="The ledger of paid answers: its figures, checks, export and import.")
LedgerFolder = Annotated[
    Path | None, typer.Option("--ledger", help="Folder of the ledger; the user's own unless told otherwise.")
]


@ledger_app.callback(invoke_without_command=True)
def ledger(context: typer.Context, ledger: LedgerFolder = None) -> None:
    """Show size, spend and hit rate of the ledger."""
    from kame_data.llm.ledger import default_folder

    context.obj = ledger or default_folder()
    if context.invoked_subcommand is None:
        from kame_data.llm.ledger_tools import stats

        print_ledger(stats(context.obj))


@ledger_app.command("check")
def ledger_check(context: typer.Context, debug: Debug = False) -> None:
    """Compare every line with its checksum, and look at the file's pages; fails where something is damaged."""
    from kame_data.llm.ledger_tools import check

    found = check(context.obj)
    typer.echo(f"{found.answers} answers in {found.lines} lines")
    for what in found.damaged:
        typer.echo(f"damaged: {what}")
    if found.damaged:
        raise KameError(
            f"{context.obj}: damaged in {len(found.damaged)} place(s); kame-data ledger --ledger NEW import "
            f"{context.obj} takes what is whole into a new folder, and what is not is asked for again"
        )


@ledger_app.command("export")
def ledger_export(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="FILE", help="A .jsonl or .jsonl.gz: a path or an fsspec URL.")],
    debug: Debug = False,
) -> None:
    """Write all answers to one file."""
    from kame_data.llm.ledger_tools import export

    typer.echo(f"{export(context.obj, target)} lines written to {target}")


@ledger_app.command("import")
def ledger_import(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE", help="An exported file, or another ledger's folder.")],
    debug: Debug = False,
) -> None:
    """Take in the answers of another ledger."""
    from kame_data.llm.ledger_tools import import_

    done = import_(context.obj, source)
    typer.echo(f"{done.added} added, {done.known} known already, {done.damaged} damaged and left out")


def print_ledger(stats: "Stats") -> None:
    """Size, hit rate, and what was paid by model, stage and level."""
    to = console()
    to.print(f"{stats.folder}: {stats.answers} answers, {stats.bytes / 1e6:.1f} MB")
    rate = "nothing asked yet" if stats.hit_rate is None else f"{stats.hits} of {stats.asked} ({stats.hit_rate:.0%})"
    to.print(f"answered by the ledger: {rate}; paid for twice {stats.repeated}, of no use {stats.wasted}")
    if stats.spend:
        order = sorted(stats.spend, key=lambda key: (key[0], key[1], -1 if key[2] is None else key[2]))
        rows = [(*key[:2], "" if key[2] is None else str(key[2]), *_spend_cells(stats.spend[key])) for key in order]
        heads = ("model", "stage", "level", "calls", "input", "cached", "output", "dollars")
        to.print(plain_table(heads, [*rows, ("all", "", "", *_spend_cells(stats.total))], left=3))


def _spend_cells(spend: "Spend") -> tuple[str, ...]:
    cost = f"{spend.cost:.4f}" + (f" + {spend.unpriced} unpriced" if spend.unpriced else "")
    return (str(spend.calls), str(spend.input), str(spend.cached), str(spend.output), cost)
