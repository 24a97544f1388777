"""The terminal: the console that everything is printed on, progress bars, and plain tables."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

# Columns where there is no terminal: a table of ours fits, and a text that does not is folded. COLUMNS says otherwise.
_WIDE = 160


def console(*, stderr: bool = False) -> Console:
    """The console to print on; text that comes from data is never read as markup or highlighted."""
    made = Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _WIDE
    return made


class Live:
    """Shows a rich progress bar while it is open, on a terminal; else `_lines` says whether lines are to be printed.

    `shown=False` shows neither.
    """

    def __init__(self, shown: bool, *columns: ProgressColumn) -> None:
        self._console = console(stderr=True)
        self._live = shown and self._console.is_terminal
        self._lines = shown and not self._live
        self._bar = Progress(*columns, console=self._console)

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._bar.stop()


class Bars(Live):
    """A bar a stage with its rate, the time left and what was refused; `shown=False` shows none.

    Is a `kame_data.engine.scheduler.Progress`. On something that is no terminal a line a stage is printed at its end.
    """

    def __init__(self, shown: bool = True) -> None:
        super().__init__(
            shown,
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("parts  {task.fields[rows]} rows  {task.fields[rate]}  {task.fields[refused]} refused"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._tasks: dict[str, TaskID] = {}
        self._seen: dict[str, list[int]] = {}

    def total(self, stage: str, parts: int, done: int) -> None:
        """See `kame_data.engine.scheduler.Progress`."""
        self._seen.setdefault(stage, [0, 0])
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=parts, rows=0, refused=0, rate="")
        self._bar.update(self._tasks[stage], total=parts, completed=done)
        self._say(stage)

    def advance(self, stage: str, rows: int, refused: int) -> None:
        """See `kame_data.engine.scheduler.Progress`."""
        seen = self._seen[stage]
        seen[0] += rows
        seen[1] += refused
        task = self._bar.tasks[self._tasks[stage]]
        rate = f"{seen[0] / task.elapsed:.0f} rows/s" if task.elapsed else ""
        self._bar.update(self._tasks[stage], advance=1, rows=seen[0], refused=seen[1], rate=rate)
        self._say(stage)

    def _say(self, stage: str) -> None:
        task = self._bar.tasks[self._tasks[stage]]
        if self._lines and task.total and task.completed >= task.total:
            rows, refused = self._seen[stage]
            self._console.print(
                f"{stage:>10}  {int(task.completed)} parts done, {rows} rows made now, {refused} refused"
            )


def plain_table(heads: Sequence[str], lines: Iterable[Sequence[str]], left: int = 1) -> Table:
    """A table whose first `left` columns stand left, the others right."""
    table = Table(box=None, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < left else "right")
    for line in lines:
        table.add_row(*line)
    return table


def counts_line(counts: Mapping[str, int], most: int = 4) -> str:
    """Counts by reason in a line, the first of them by name."""
    shown = [f"{reason} {n}" for reason, n in list(counts.items())[:most]]
    rest = sum(list(counts.values())[most:])
    return ", ".join([*shown, *([f"others {rest}"] if rest else [])])


def span(seconds: float) -> str:
    """A time for a person, by hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object, and nothing else, on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1))
