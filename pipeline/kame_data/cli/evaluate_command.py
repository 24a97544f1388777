"""`kame-data evaluate`: a bench spoken to systems, their answers heard, measured and rated."""

import json as json_
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kame_data.cli.flags import Json, takes
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.terminal import Bars, console, plain_table, print_json

if TYPE_CHECKING:
    from kame_data.evaluate.figures import Figures


@takes(EvaluationSettings)
def evaluate(settings: EvaluationSettings, json: Json = False) -> None:
    """Ask systems the questions of a bench aloud, hear, measure and rate their answers. Goes on where it stopped."""
    from kame_data.evaluate.figures import NAME, figures_of
    from kame_data.evaluate.needs import check_installed
    from kame_data.evaluate.run import evaluate as run
    from kame_data.storage.files import write_whole

    check_installed(settings)
    with Bars(settings.progress) as bars:
        done = run(settings, bars)
    figures = figures_of(done)
    write_whole(settings.out / NAME, json_.dumps(figures.plain(), indent=1, ensure_ascii=False).encode() + b"\n")
    if json:
        print_json(figures.plain())
    else:
        print_figures(figures, str(settings.out / NAME))


def print_figures(figures: "Figures", file: str) -> None:
    """Print the table of an evaluation, what stands in for real parts, and what failed."""
    from kame_data.evaluate.figures import PUBLISHED

    to = console()
    to.print(
        f"{figures.bench}: {figures.items} questions, {figures.repeats} times; judges: {', '.join(figures.judges)}"
    )
    categories = sorted({mean.category for mean in figures.means} - {""})
    heads = ["system", "judged", "judge", *categories, "all", "latency", "90 %", "before the end"]
    to.print(plain_table(heads, _lines(figures, categories), left=3))
    if figures.bench == "mt-bench":
        for row in PUBLISHED:
            latency = "" if row.latency is None else f", {row.latency:.1f} s"
            to.print(f"published: {row.system}: {row.mean:.2f}{latency}")
    for system in figures.systems:
        if system.failed:
            to.print(f"{system.system}: {system.failed} of {system.conversations} conversations broke off")
        for stand_in in system.stand_ins:
            to.print(f"stand-in: {system.system}: {stand_in}")
    for name in figures.judge_stand_ins:
        to.print(f"stand-in: judge {name}: by rules")
    for note in figures.notes:
        to.print(note)
    to.print(f"{file}: all figures")


def _lines(figures: "Figures", categories: list[str]) -> Iterator[list[str]]:
    latencies = {latency.system: latency for latency in figures.latencies}
    series = dict.fromkeys(mean.series for mean in figures.means)
    for one in series:
        means = {mean.category: mean for mean in figures.means if mean.series == one and mean.turn is None}
        scores = [means[name].told() if name in means else "-" for name in [*categories, ""]]
        latency = latencies.get(one.system)
        times = [None, None, None] if latency is None else [latency.median, latency.ninetieth, latency.early]
        shown = [f"{t:.2f} s" if t is not None else "-" for t in times[:2]]
        early = "-" if times[2] is None else f"{100 * times[2]:.0f} %"
        yield [one.system, one.channel, one.judge, *scores, *shown, early]
