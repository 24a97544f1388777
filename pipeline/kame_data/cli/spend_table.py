"""The table of what models cost, which several commands print."""

from collections.abc import Mapping, Sequence
from typing import Any

from kame_data.terminal import console, plain_table


def print_spend(rows: "Sequence[Mapping[str, Any]]", dollars: float) -> None:
    """Prints what the runs of a build have spent on models; nothing where they asked none."""
    if not rows:
        return
    lines = [
        (
            row["model"],
            row["stage"],
            "" if row["level"] is None else str(row["level"]),
            *(str(row[name]) for name in ("asked", "hits", "calls", "again", "input", "cached", "output")),
            f"{row['cost'] + row['lost']:.4f}" + (f" + {row['unpriced']} unpriced" if row["unpriced"] else ""),
        )
        for row in rows
    ]
    heads = ("model", "stage", "level", "asked", "in ledger", "calls", "again", "input", "cached", "output", "dollars")
    to = console()
    to.print(plain_table(heads, lines, left=3))
    to.print(f"spent on models in all runs of this build: ${dollars:.4f}")
    to.print()
