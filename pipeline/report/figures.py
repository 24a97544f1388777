"""The figures of a build, gathered in one pass over its rows; likeness to the true answer on a sample of them."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from typing import Any

import numpy as np

from pipeline.answers import holds_answer
from pipeline.chrf import chrf
from pipeline.errors import KameError
from pipeline.report.seen import back_channels, events, seen, timed, true_answers
from pipeline.text.words import split_words

SIMILARITY_SAMPLE = 250
"""Dialogues whose oracles are compared with the true answer, some 17 each: enough for a mean good to about 0.5 chrF."""


@dataclass
class LevelFigures:
    """Of one level's oracles: how many there are and arrived, their lengths in words, and, of the sample, chrF against
    the assistant's turn of the whole oracle (`whole`) and of what the model saw of it (`consumed`), and how many hold
    the right answer."""

    count: int = 0
    arrived: int = 0
    words: Counter[int] = field(default_factory=Counter)
    whole: list[float] = field(default_factory=list)
    consumed: list[float] = field(default_factory=list)
    right: int = 0
    answered: int = 0

    @property
    def mean_words(self) -> float:
        """Mean length in words."""
        return sum(n * count for n, count in self.words.items()) / self.count if self.count else 0.0

    @property
    def holds(self) -> float | None:
        """Share of the sampled oracles that hold the right answer, of those whose question has one."""
        return self.right / self.answered if self.answered else None


@dataclass
class Figures:
    """Counts and distributions over all rows; times are those of spoken rows alone, in seconds."""

    dialogues: int = 0
    spoken: int = 0
    compared: int = 0
    by_source: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogues by (source, split)."""
    by_category: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogues by (category, source)."""
    languages: Counter[str] = field(default_factory=Counter)
    voices: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    rates: dict[str, list[float]] = field(default_factory=lambda: {"user": [], "assistant": []})
    """Words a minute of each turn, by role."""
    gaps: dict[str, list[float]] = field(default_factory=lambda: {"user": [], "assistant": []})
    """From the end of one side's turn to the start of the other's, by who then speaks; below 0 they overlap."""
    situations: dict[str, list[float | None]] = field(default_factory=dict)
    """Lengths by kind; None where it has no time."""
    levels: dict[int, LevelFigures] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    """From heard to arrived, of the oracles that arrived."""
    checks: dict[str, list[float]] = field(default_factory=dict)
    noted: int = 0
    """Prefixes that the recogniser had otherwise than they were said."""

    @property
    def oracles(self) -> int:
        """All oracles."""
        return sum(level.count for level in self.levels.values())


def gather(rows: Iterable[Mapping[str, Any]], compare: Collection[str] = ()) -> Figures:
    """The figures of `rows` (TEXT_COLUMNS of each); the oracles of the ids in `compare` are held against the truth."""
    figures = Figures()
    for row in rows:
        _check_numbers(row)
        figures.dialogues += 1
        figures.by_source[row["source"], row["split"]] += 1
        figures.by_category[row["category"], row["source"]] += 1
        figures.languages[row["language"]] += 1
        figures.turns[len(row["turns"])] += 1
        figures.noted += len(row["transcripts"])
        for situation in row["situations"]:
            start, end = situation["start"], situation["end"]
            length = None if start is None or end is None else end - start
            figures.situations.setdefault(situation["kind"], []).append(length)
        if row["duration"] is not None:
            _add_speech(figures, row)
        _add_oracles(figures, row)
        if row["id"] in compare:
            figures.compared += 1
            _compare(figures, timed(row))
    return figures


def _add_speech(figures: Figures, row: Mapping[str, Any]) -> None:
    figures.spoken += 1
    figures.durations.append(row["duration"])
    for role in ("user_voice", "assistant_voice"):
        figures.voices[f"{role.split('_')[0]}: {row['provenance'][role]}"] += 1
    for name, value in (row["audio_checks"] or {}).items():
        if value is not None:
            figures.checks.setdefault(name, []).append(value)
    counts = Counter(word["turn"] for word in row["words"])
    aside = back_channels(row)
    floor = [(n, turn) for n, turn in enumerate(row["turns"]) if n not in aside and turn["start"] is not None]
    for number, turn in floor:
        if (length := turn["end"] - turn["start"]) > 0:
            figures.rates[turn["role"]].append(counts[number] / length * 60)
    for (_, before), (_, after) in pairwise(floor):
        if before["role"] != after["role"]:
            figures.gaps[after["role"]].append(after["start"] - before["end"])


def _add_oracles(figures: Figures, row: Mapping[str, Any]) -> None:
    for oracle in row["oracles"]:
        level = figures.levels.setdefault(oracle["level"], LevelFigures())
        level.count += 1
        level.words[len(split_words(oracle["text"], row["language"]))] += 1
        if oracle["time"] is not None:
            level.arrived += 1
            figures.delays.append(oracle["time"] - oracle["heard"])


def _check_numbers(row: Mapping[str, Any]) -> None:
    """Raise KameError for a time or a measure that is no number: neither plots nor JSON know such."""
    timed_ = chain(row["turns"], row["words"], row["situations"])
    times = chain.from_iterable((item["start"], item["end"]) for item in timed_)
    arrivals = chain.from_iterable((oracle["heard"], oracle["time"]) for oracle in row["oracles"])
    numbers = chain((row["duration"],), times, arrivals, (row["audio_checks"] or {}).values())
    if not math.isfinite(sum(number for number in numbers if number is not None)):
        raise KameError(f"row {row['id']}: one of its times or measures is no number (NaN or infinite); build it again")


def _compare(figures: Figures, row: Mapping[str, Any]) -> None:
    truths, arrived = true_answers(row), events(row["oracles"])
    ends = {time: after for (time, _), (after, _) in pairwise(arrived)}
    for oracle in row["oracles"]:
        if (truth := truths.get(oracle["turn"])) is None:
            continue
        level = figures.levels[oracle["level"]]
        level.whole.append(chrf(oracle["text"], truth))
        if row["answer"]:
            level.answered += 1
            level.right += holds_answer(oracle["text"], row["answer"], row["language"])
        if oracle["time"] is not None:
            until = ends.get(oracle["time"], row["duration"])
            level.consumed.append(chrf(seen(oracle["text"], until - oracle["time"], row["language"]).text, truth))


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
