"""The figures of a build, gathered in one pass over its rows; likeness to the true answer on a sample of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from kame_data.finished.level_figures import LevelCurve, LevelFigures
from kame_data.finished.row import Row
from kame_data.finished.voices import Voices

SIMILARITY_SAMPLE = 250
"""Dialogues whose oracles are compared with the true answer, some 17 each: enough for a mean good to about 0.5 chrF."""


@dataclass
class Figures:
    """Counts and distributions over all rows; times are those of spoken rows alone, in seconds."""

    curve: LevelCurve
    """The figures of the oracles."""
    dialogues: int = 0
    spoken: int = 0
    compared: int = 0
    by_source: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogues by (source, split)."""
    by_category: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogues by (category, source)."""
    languages: Counter[str] = field(default_factory=Counter)
    voices: Voices = field(default_factory=Voices)
    turns: Counter[int] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    rates: dict[str, list[float]] = field(default_factory=lambda: {"user": [], "assistant": []})
    """Words a minute of each turn, by role."""
    gaps: dict[str, list[float]] = field(default_factory=lambda: {"user": [], "assistant": []})
    """From the end of one side's turn to the start of the other's, by who then speaks; below 0 they overlap."""
    situations: dict[str, list[float | None]] = field(default_factory=dict)
    """Lengths by kind; None where it has no time."""
    delays: list[float] = field(default_factory=list)
    """From heard to arrived, of the oracles that arrived."""
    checks: dict[str, list[float]] = field(default_factory=dict)
    noted: int = 0
    """Prefixes that the recogniser had otherwise than they were said."""

    @property
    def levels(self) -> dict[int, LevelFigures]:
        """The figures by level."""
        return self.curve.levels

    @property
    def oracles(self) -> int:
        """All oracles."""
        return sum(level.count for level in self.levels.values())


def gather(rows: Iterable[Row], curve: LevelCurve, compare: Collection[str] = ()) -> Figures:
    """The figures of `rows` (TEXT_COLUMNS of each). `curve` counts their oracles, and holds those of the ids in
    `compare` against the truth."""
    figures = Figures(curve)
    for row in rows:
        figures.dialogues += 1
        figures.by_source[row.source, row.split] += 1
        figures.by_category[row.category, row.source] += 1
        figures.languages[row.language] += 1
        figures.turns[len(row.turns)] += 1
        figures.noted += len(row.transcripts)
        for situation in row.situations:
            start, end = situation.start, situation.end
            length = None if start is None or end is None else end - start
            figures.situations.setdefault(situation.kind, []).append(length)
        if row.duration is not None:
            _add_speech(figures, row, row.duration)
        curve.add(row, compare=row.id in compare)
        figures.compared += row.id in compare
    return figures


def _add_speech(figures: Figures, row: Row, duration: float) -> None:
    figures.spoken += 1
    figures.durations.append(duration)
    figures.voices.add(row)
    for name, value in (row.audio_checks or {}).items():
        if value is not None:
            figures.checks.setdefault(name, []).append(value)
    counts = Counter(word.turn for word in row.words)
    turns = [(n, row.turns[n]) for n in row.floor]
    floor = [(n, t.role, t.start, t.end) for n, t in turns]
    for number, role, start, end in floor:
        if end > start:
            figures.rates[role].append(counts[number] / (end - start) * 60)
    for (_, before, _, end), (_, after, start, _) in pairwise(floor):
        if before != after:
            figures.gaps[after].append(start - end)
    figures.delays += [oracle.time - oracle.heard for oracle in row.oracles if oracle.time is not None]


def middle(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, mid, high = np.quantile(np.asarray(values), (0.25, 0.5, 0.75))
    return float(low), float(mid), float(high)


def spread(counts: Mapping[int, int]) -> tuple[float, float, float]:
    """Quartiles of whole numbers that are counted."""
    values = np.repeat(np.fromiter(counts, float, len(counts)), np.fromiter(counts.values(), int, len(counts)))
    return middle(values.tolist())


def bins(series: Mapping[str, Sequence[float]], most: int = 24) -> list[dict[str, Any]]:
    """The series over shared bins of a round width: {name, low, high, count} for each bin and name that holds any."""
    every = [value for values in series.values() for value in values]
    if not every:
        return []
    low, high = min(every), max(every)
    width = _round_width((high - low) / most)
    found = []
    for name, values in series.items():
        places = sorted(int(np.floor(value / width)) for value in values)
        for place, group in groupby(places):
            start = round(place * width, 9)
            found.append({"name": name, "low": start, "high": round(start + width, 9), "count": sum(1 for _ in group)})
    return found


def _round_width(width: float) -> float:
    """The next larger of 1, 2 and 5 times a power of ten."""
    if width < 1e-6:
        return 1.0  # all the same, but for rounding
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= width - 1e-12))
