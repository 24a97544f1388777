"""The figures of a build's oracles, level by level: with every level they must say more of the answer, and hold it no
less often.

`quality`, the report, `diff`, a pilot, the card of a published build and a night all take them from here.
"""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, sqrt
from statistics import fmean, variance
from typing import NamedTuple

from kame_data.finished.early_figures import EarlyFigures
from kame_data.finished.reader import Finished
from kame_data.finished.reckoned import WORDS_A_MINUTE, Reckoner
from kame_data.finished.row import Row
from kame_data.finished.seen import TOKENS_PER_WORD, Pieces, seen
from kame_data.levels import GUESS, TRUTH
from kame_data.text.answers import gives_answer
from kame_data.text.chrf import chrf
from kame_data.text.words import split_words

ENOUGH = 200
"""Oracles of a level whose mean is no matter of chance."""
LEAST = 12
"""Oracles of a level without which nothing is said of its mean: fewer come of two or three dialogues, and are alike."""
SHARE = "share that holds the answer"
COLUMNS = ("id", "turns", "claims", "starts", "words", "oracles", "situations", "answer", "language", "duration")
"""The columns that the figures come from."""


def _numbers() -> "array[float]":
    return array("d")


def _mean(values: "array[float]") -> float | None:
    return sum(values) / len(values) if values else None


@dataclass
class LevelFigures:
    """Figures of one level's oracles: how many there are and arrived (as their rows say), and their lengths in words.
    Of those that were compared: chrF against the assistant's turn of the whole oracle (`whole`), and of what the model
    reads of it (`consumed`, of those that arrive). Of those whose true turn tells the right answer: how many hold it
    (`right` of `answered`), and of what the model reads of them (`right_consumed` of `answered_consumed`, of those that
    arrive). `again`: the drafts that were refused before one was accepted."""

    count: int = 0
    arrived: int = 0
    words: Counter[int] = field(default_factory=Counter)
    whole: "array[float]" = field(default_factory=_numbers)
    consumed: "array[float]" = field(default_factory=_numbers)
    right: int = 0
    answered: int = 0
    right_consumed: int = 0
    answered_consumed: int = 0
    again: int = 0

    @property
    def mean_words(self) -> float:
        """Mean length in words."""
        return sum(n * count for n, count in self.words.items()) / self.count if self.count else 0.0

    @property
    def mean_whole(self) -> float | None:
        """Mean chrF of the whole oracles; None where none was compared."""
        return _mean(self.whole)

    @property
    def mean_consumed(self) -> float | None:
        """Mean chrF of what the model reads; None where nothing that was compared arrives."""
        return _mean(self.consumed)

    @property
    def holds(self) -> float | None:
        """Share of the compared oracles that hold the right answer; None where no true turn tells one."""
        return self.right / self.answered if self.answered else None

    @property
    def holds_consumed(self) -> float | None:
        """The same share of what the model reads of them."""
        return self.right_consumed / self.answered_consumed if self.answered_consumed else None


class Fall(NamedTuple):
    """Two neighbouring levels of which the higher one does not stand higher by the figure `what`."""

    low: int
    high: int
    what: str

    def __str__(self) -> str:
        levels = f"the oracles of level {self.high} do not say more of the answer than those of level {self.low}"
        return f"{levels} ({self.what})"


@dataclass
class LevelCurve:
    """The figures by level.

    `reckoner` gives times to rows without speech; `pieces` counts what is read in tokens, without it in words.
    `spoken`: whether all rows are, so that all times are real. `early`: the answers that began early.
    """

    reckoner: Reckoner
    pieces: Pieces | None = None
    levels: dict[int, LevelFigures] = field(default_factory=dict)
    guesses: dict[int, list[int]] = field(default_factory=dict)
    """Of level 0, by tenths of the turn heard (1 to 10): the guesses that hold the right answer, and all of them."""
    spoken: bool = True
    early: EarlyFigures = field(default_factory=EarlyFigures)

    def add(self, row: Row, *, compare: bool = True) -> None:
        """Count the oracles of a row; with `compare` hold them against the truth too, which takes longer."""
        self.spoken = self.spoken and row.spoken
        self.early.add(row)
        for oracle in row.oracles:
            level = self.levels.setdefault(oracle.level, LevelFigures())
            level.count += 1
            level.words[len(split_words(oracle.text, row.language))] += 1
            level.arrived += oracle.time is not None
        if compare:
            self._compare(self.reckoner.timed(row))

    def _compare(self, row: Row) -> None:
        truths, answers = row.truths, row.right_answers
        told = {
            turn: bool(answers[turn]) and gives_answer(truth, answers[turn], row.language)
            for turn, truth in truths.items()
        }
        until = {arrival.time: arrival.until for arrival in row.arrivals}
        for oracle in row.oracles:
            if (truth := truths.get(oracle.turn)) is None:
                continue
            level = self.levels[oracle.level]
            level.whole.append(chrf(oracle.text, truth))
            answer = answers[oracle.turn] if told[oracle.turn] else ""
            if answer:
                right = gives_answer(oracle.text, answer, row.language)
                level.answered += 1
                level.right += right
                if oracle.level == GUESS:
                    counts = self.guesses.setdefault(max(1, ceil(oracle.ratio * 10)), [0, 0])
                    counts[0], counts[1] = counts[0] + right, counts[1] + 1
            if oracle.time is not None:
                read = seen(oracle.text, oracle.time, until[oracle.time], row.language, self.pieces)
                level.consumed.append(chrf(read.text, truth))
                if answer:
                    level.answered_consumed += 1
                    level.right_consumed += gives_answer(read.text, answer, row.language)

    def add_again(self, again: dict[str, dict[str, int]]) -> None:
        """Count drafts that were refused, by stage and reason as a manifest's `asked_again` has them."""
        for stage, reasons in again.items():
            level = stage.removeprefix("oracles, level ")
            if level.isdigit():
                self.levels.setdefault(int(level), LevelFigures()).again += sum(reasons.values())

    def falls(self) -> list[Fall]:
        """The neighbouring levels between which a figure does not rise as it should, of those that were compared.

        The mean chrF must rise; of fewer than ENOUGH oracles it must not fall by more than chance makes it fall: two
        standard errors of the difference. Of fewer than LEAST nothing is said. So with the shares that hold the answer,
        from level 1 on (a guess may be right).
        """
        shown = sorted(self.levels.items())
        values = [(n, figures.whole) for n, figures in shown if figures.whole]
        found = [Fall(low, high, "mean chrF") for (low, a), (high, b) in pairwise(values) if _sinks(a, b)]
        whole = [(n, (f.right, f.answered)) for n, f in shown]
        consumed = [(n, (f.right_consumed, f.answered_consumed)) for n, f in shown]
        for what, counts in ((SHARE, whole), (f"{SHARE}, of what is consumed", consumed)):
            compared = [(n, of) for n, of in counts if n > GUESS and of[1] >= LEAST]
            found += [Fall(low, high, what) for (low, a), (high, b) in pairwise(compared) if _falls(a, b)]
        return found

    def asked_again(self, level: int) -> float | None:
        """Refused drafts for each oracle of a level; None where nobody was asked for it."""
        figures = self.levels[level]
        return None if level == TRUTH or not figures.count else figures.again / figures.count

    @property
    def reckoned(self) -> str:
        """A line on the way in which *consumed* was counted: by tokens or reckoned, and by which rate."""
        told = "what is consumed is counted in tokens of the tokenizer"
        if self.pieces is None:
            told = f"what is consumed is reckoned at {TOKENS_PER_WORD} tokens a word"
        silent = "" if self.spoken else f", without speech on words at {WORDS_A_MINUTE} a minute"
        return told + silent

    @property
    def guessed(self) -> str:
        """A line on the guesses of level 0: the share that is right, by how much of the turn had been heard; "" without
        any."""
        if not self.guesses:
            return ""
        shares = (f"{10 * n} % {right / all_:.0%} of {all_}" for n, (right, all_) in sorted(self.guesses.items()))
        return f"right guesses at level 0, by share of the turn heard, up to: {', '.join(shares)}"

    def table(self) -> list[tuple[str, ...]]:
        """The figures as lines of text, a heading first."""
        head = ("level", "count", "words", "chrF", "chrF consumed", "right", "right consumed", "asked again")
        lines: list[tuple[str, ...]] = [head]
        for number, level in sorted(self.levels.items()):
            means = (level.mean_words, level.mean_whole, level.mean_consumed)
            again = self.asked_again(number)
            cells = [
                *("-" if mean is None else f"{mean:.1f}" for mean in means),
                *("-" if share is None else f"{share:.0%}" for share in (level.holds, level.holds_consumed)),
                "-" if again is None else f"{again:.1%}",
            ]
            lines.append((str(number), str(level.count), *cells))
        return lines


def _sinks(low: "array[float]", high: "array[float]") -> bool:
    """Tell whether the mean of `high` does not stand above that of `low`, or where they are few lies below it by more
    than chance."""
    rise, few = fmean(high) - fmean(low), min(len(low), len(high))
    if few >= ENOUGH or few < LEAST:
        return few >= ENOUGH and rise <= 0
    error = sqrt(sum(variance(values) / len(values) for values in (low, high)))
    return -rise > 2 * error or rise == 0 == error


def _falls(low: tuple[int, int], high: tuple[int, int]) -> bool:
    """Tell whether the share of the second (right, all) lies below that of the first by more than chance."""
    (a, n), (b, m) = low, high
    both = (a + b) / (n + m)
    return a / n - b / m > 2 * sqrt(both * (1 - both) * (1 / n + 1 / m))


def measure(build: Finished, pieces: Pieces | None = None) -> LevelCurve:
    """The level curve of a finished build; `pieces` as in `LevelCurve`."""
    curve = LevelCurve(build.reckoner, pieces)
    for row in build.rows(COLUMNS):
        curve.add(row)
    curve.add_again(build.manifest.asked_again)
    return curve
