"""A build on the terminal: bars while it runs, and what came of its pilot."""

from rich.console import Console

from kame_data.engine.pilot import Pilot
from kame_data.finished.level_figures import LevelCurve
from kame_data.terminal import Bars, console, plain_table


class BuildBars(Bars):
    """The bars of a build, and the outcome of its pilot. Is a `kame_data.engine.run.BuildProgress`."""

    def __init__(self, shown: bool = True, *, pilot_to_stderr: bool = False) -> None:
        super().__init__(shown)
        self._pilot_to = console(stderr=pilot_to_stderr)

    def pilot(self, found: Pilot) -> None:
        """See `kame_data.engine.run.BuildProgress`."""
        print_pilot(self._pilot_to, found)


def print_levels(to: Console, curve: LevelCurve) -> None:
    """The figures level by level, and how those of what is consumed were counted."""
    head, *lines = curve.table()
    to.print(plain_table(head, lines))
    to.print(curve.reckoned)
    for line in (curve.guessed, *curve.early.lines):
        if line:
            to.print(line)


def print_pilot(to: Console, pilot: Pilot) -> None:
    """The level curve of a pilot's dialogues (see `print_levels`), and what the whole build would cost."""
    to.print(f"pilot: {pilot.accepted} of {pilot.tried} dialogues accepted")
    print_levels(to, pilot.curve)
    cost = pilot.estimate
    if cost is None:
        to.print("no model is asked: the whole costs nothing")
        return
    paid = f"{cost.paid} of {cost.asked} answers were paid" if cost.asked else "the ledger held all answers"
    to.print(f"spent in this folder: ${cost.spent:.4f}; {paid}")
    to.print(
        f"the whole, {cost.dialogues} dialogues: ${cost.whole * cost.share_paid:.4f} if the ledger holds as many "
        f"answers as so far, ${cost.whole:.4f} if all are paid; ${cost.rest:.4f} of that for the {cost.left} left"
    )
    for model in cost.unpriced:
        to.print(f"no price known for {model}: its calls are left out")
