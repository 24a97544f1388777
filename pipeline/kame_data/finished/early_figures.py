"""Figures of the answers that began before the true answer was known (`starts` of a row), and what must hold of them.

`quality`, the report, a pilot and `verify` take them from here.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean, median

from kame_data.errors import KameError
from kame_data.finished.row import Row, RowOracle, RowStart
from kame_data.levels import HOLDING
from kame_data.text.words import bare_words, join_words


def _seconds() -> "array[float]":
    return array("d")


@dataclass
class EarlyFigures:
    """Counts of early starts: all, and those that were mended. Of the spoken ones: the seconds by which they began
    before the user's end (negative: after it); those that were mended (`taken_back`), and of these the ones whose
    oracle was the newest one when they began. Of fillers: the seconds of silence behind those that are spoken."""

    early: int = 0
    mended: int = 0
    newest: int = 0
    taken_back: int = 0
    ahead: "array[float]" = field(default_factory=_seconds)
    fillers: int = 0
    silences: "array[float]" = field(default_factory=_seconds)

    def add(self, row: Row) -> None:
        """Count the starts of a row. Raises KameError for one that has no place in it."""
        for start in row.starts:
            if fault := _misplaced(row, start):
                raise KameError(f"row {row.id}: {fault}; build it again")
            words = row.words_by_turn[start.turn]
            if start.kind == "filler":
                self.fillers += 1
                if row.spoken:
                    self.silences.append(words[start.words].start - words[start.words - 1].end)
                continue
            self.early += 1
            self.mended += start.mend > 0
            if not row.spoken:
                continue
            self.ahead.append(row.turns[start.asked].end - words[0].start)
            if start.mend:
                self.taken_back += 1
                came = [o for o in row.oracles if o.time is not None and o.time <= words[0].start]
                self.newest += bool(came) and (came[-1].turn, came[-1].prefix_words) == (
                    start.asked,
                    start.prefix_words,
                )

    @property
    def before_end(self) -> float | None:
        """The share of the spoken early starts that began before the user's end; None without any."""
        return fmean(seconds > 0 for seconds in self.ahead) if self.ahead else None

    @property
    def lines(self) -> list[str]:
        """What there is to say of them, a line each."""
        found = []
        if self.early:
            right = self.early - self.mended
            told = (
                f"early starts: {self.early}, {self.mended} mended aloud and {right} right ({right / self.early:.0%})"
            )
            if self.ahead and self.before_end is not None:
                told += f"; {self.before_end:.0%} before the user's end, by {median(self.ahead):.1f} s in the middle"
            if self.taken_back:
                told += f"; {self.newest / self.taken_back:.0%} of what was mended was the newest oracle"
            found.append(told)
        if self.fillers:
            silence = f", {median(self.silences):.1f} s of silence behind them" if self.silences else ""
            found.append(f"fillers: {self.fillers}{silence}")
        return found


def faults(row: Row) -> Iterator[str]:
    """What is wrong with the starts of a row: with their places, their words, and, of a spoken row, their times."""
    for start in row.starts:
        if fault := _misplaced(row, start):
            yield fault
        else:
            yield from (f"{_name(start)}: {fault}" for fault in _of_its_oracle(row, start))


def _name(start: RowStart) -> str:
    return f"the {'early start' if start.kind == 'early' else 'filler'} of turn {start.turn}"


def _misplaced(row: Row, start: RowStart) -> str:
    """The fault of a start that names a turn or words that there are not; "" without one."""
    name = _name(start)
    if start.kind not in ("early", "filler"):
        return f"it has a start of the kind '{start.kind}', which there is not"
    if row.answered_by.get(start.asked) != start.turn:
        return f"{name}: does not answer turn {start.asked}"
    left = _length(row, start.turn) - start.words
    if not 0 <= start.lead < start.words or not 0 <= start.mend <= left:
        return f"{name}: has no {start.words} words, {start.lead} of doubt, and {start.mend} that mend it"
    return f"{name}: has nothing behind it" if start.kind == "filler" and not left else ""


def _length(row: Row, turn: int) -> int:
    return len(row.words_by_turn.get(turn, ()))


def _of_its_oracle(row: Row, start: RowStart) -> Iterator[str]:
    said = row.words_by_turn[start.turn]
    if start.kind == "early":
        wanted = (start.asked, start.prefix_words, start.level)
        oracle = next((o for o in row.oracles if (o.turn, o.prefix_words, o.level) == wanted), None)
        if oracle is None:
            yield f"there is no oracle of level {start.level} at {start.prefix_words} words of turn {start.asked}"
            return
        words = _bare([word.word for word in said[start.lead : start.words]], row.language)
        if _bare([oracle.text], row.language)[: len(words)] != words:
            yield f"'{' '.join(words)}' is not how its oracle begins: '{oracle.text[:80]}'"
        if row.spoken and (oracle.time is None or oracle.time > said[0].start):
            yield f"begins at {said[0].start:.3f} s, before its oracle came"
    elif start.prefix_words != _length(row, start.asked):
        yield f"waits for {start.prefix_words} words, which are not the whole of turn {start.asked}"
    if row.spoken and start.words < len(said):
        came = [o.time for o in row.oracles if o.time is not None and _holds_truth(row, start, o)]
        if not came or min(came) > said[start.words].start:
            yield f"goes on at {said[start.words].start:.3f} s, before an oracle came that holds the answer"


def _holds_truth(row: Row, start: RowStart, oracle: RowOracle) -> bool:
    """True for the oracles that the words behind a start may wait for."""
    whole = oracle.prefix_words == _length(row, start.asked)
    later = start.kind == "early" and oracle.prefix_words > start.prefix_words and oracle.level >= HOLDING
    return oracle.turn == start.asked and (whole or later)


def _bare(words: list[str], language: str) -> list[str]:
    return bare_words(join_words(words, language), language)
