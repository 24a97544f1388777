"""The figures of an evaluation, typed: what the page shows, `--json` prints and `diff` compares."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from kame_data import __version__
from kame_data.evaluate.benches import bench_of
from kame_data.evaluate.judging.agreement import Agreement, agreement
from kame_data.evaluate.records import Channel
from kame_data.evaluate.run import Evaluation
from kame_data.evaluate.statistics import (
    Difference,
    Latencies,
    LengthLink,
    Mean,
    latencies,
    length_links,
    means,
    paired,
    scores_of,
    series_of,
)

FORMAT = 1
NAME = "evaluation.json"
"""The file of the figures in the folder of an evaluation, written last."""


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the paper's table (Sakana AI, KAME, 2026): mean ratings of MT-Bench, spoken, and the median latency in
    seconds (None where none is given)."""

    system: str
    reasoning: float
    stem: float
    humanities: float
    mean: float
    latency: float | None


PUBLISHED = (
    Published("Moshi", 1.32, 1.94, 2.88, 2.05, 0.0),
    Published("KAME, gpt-4.1", 5.44, 6.65, 7.19, 6.43, 0.0),
    Published("KAME, claude-opus-4-1", 5.72, 6.53, 6.43, 6.23, 0.0),
    Published("Unmute, gpt-4.1", 7.08, 8.35, 7.67, 7.70, 2.1),
    Published("last oracle, as text", 6.48, 8.34, 8.56, 7.79, None),
)


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """What is counted of a system. `failed`: conversations that broke off. `capped`: answers that were cut off by the
    cap. `errors`: the mean word error rate of the transcript against the text stream, None without both. `overlap`:
    the mean of seconds in which both spoke in a turn."""

    system: str
    conversations: int
    failed: int
    answers: int
    capped: int
    errors: float | None
    overlap: float
    stand_ins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of an evaluation."""

    format: int
    version: str
    bench: str
    model: str
    seed: int
    items: int
    repeats: int
    judges: tuple[str, ...]
    judge_stand_ins: tuple[str, ...]
    systems: tuple[SystemFigures, ...]
    means: tuple[Mean, ...]
    differences: tuple[Difference, ...]
    latencies: tuple[Latencies, ...]
    lengths: tuple[LengthLink, ...]
    agreements: tuple[Agreement, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """The figures as JSON values, the paper's beside them."""
        return asdict(self) | {"published": [asdict(row) for row in PUBLISHED]}


def figures_of(evaluation: Evaluation) -> Figures:
    """The figures of an evaluation that is done."""
    settings = evaluation.settings
    conversations = [held.conversation for held in evaluation.held]
    ratings = [rating for held in evaluation.held for rating in held.ratings]
    scores = scores_of(ratings, conversations, evaluation.items)
    by_series = series_of(scores)
    pairs = [
        (one, other)
        for one, other in combinations(by_series, 2)
        if one.judge == other.judge and (one.channel == other.channel or "last-oracle" in (one.system, other.system))
    ]
    return Figures(
        FORMAT,
        __version__,
        bench_of(settings.bench)[0].name,
        settings.model,
        settings.seed,
        len(evaluation.items),
        settings.repeats,
        settings.judges,
        tuple(name for name in settings.judges if name == "offline"),
        tuple(_system(evaluation, system) for system in settings.systems),
        means(scores, settings.seed),
        tuple(d for one, other in pairs for d in paired(by_series[one], by_series[other], settings.seed)),
        latencies(
            (c for c in conversations if c.flac),
            (h.heard for h in evaluation.held if h.conversation.flac),
        ),
        length_links(scores),
        tuple(agreement(ratings, *pair) for pair in combinations(settings.judges, 2)),
        evaluation.notes,
    )


def _system(evaluation: Evaluation, system: str) -> SystemFigures:
    held = [h for h in evaluation.held if h.task.system == system]
    turns = [turn for h in held for turn in h.conversation.turns]
    heard = [turn for h in held for turn in h.heard.turns]
    stand_ins = tuple(dict.fromkeys(name for h in held for name in h.conversation.stand_ins))
    return SystemFigures(
        system,
        len(held),
        sum(bool(h.conversation.failure) for h in held),
        len(turns),
        sum(not turn.ended for turn in turns),
        _mean(turn.errors for turn in heard if turn.errors is not None),
        _mean(turn.overlap for turn in heard) or 0.0,
        stand_ins,
    )


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def by_category(figures: Figures, channel: Channel, judge: str) -> dict[str, dict[str, Mean]]:
    """The means over both turns of each system, by category ("" for all), in one channel by one judge."""
    found: dict[str, dict[str, Mean]] = defaultdict(dict)
    for mean in figures.means:
        if mean.turn is None and (mean.series.channel, mean.series.judge) == (channel, judge):
            found[mean.series.system][mean.category] = mean
    return found
