"""Times of dialogues that were never spoken, reckoned: words at a steady pace, and the back end's loop replayed."""

from dataclasses import dataclass, field
from typing import Self

from kame_data.errors import KameError
from kame_data.finished.row import Row, RowWord
from kame_data.oracles.replay import replay
from kame_data.records import Oracle, Word
from kame_data.settings.latency import LatencySettings
from kame_data.settings.tree import Settings

WORDS_A_MINUTE = 170
WORD_SECONDS = 60 / WORDS_A_MINUTE
"""Seconds that a word of a silent dialogue takes."""


@dataclass(slots=True)
class Reckoner:
    """The back end that a build's oracles come from: its delays, and the build's seed."""

    latency: LatencySettings
    seed: int
    _last: tuple[Row, Row] | None = field(default=None, init=False, repr=False, compare=False)
    """The row that was last timed, before and after: the figures and the page ask for the same one in turn."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """That of a build's settings."""
        return cls(settings.latency, settings.seed)

    def timed(self, row: Row) -> Row:
        """The row with times everywhere: its own, or, where it was never spoken, reckoned ones.

        Words of the turns that take the floor follow one another at WORDS_A_MINUTE. A back-channel takes no time of its
        own: it is said over the last words of the turn that it stands behind. Oracles are heard and arrive as in a
        spoken build: the loop is replayed on these words. Situations that are of no turn have no time.
        """
        if row.spoken:
            return row
        if self._last is None or self._last[0] is not row:
            self._last = row, self._timed(row)
        return self._last[1]

    def _timed(self, row: Row) -> Row:
        words = _paced(row)
        spans: dict[int, tuple[float, float]] = {}
        for word in words:
            start, _ = spans.get(word.turn, (word.start, word.end))
            spans[word.turn] = (start, word.end)
        arrivals = zip(row.oracles, self._arrivals(row, words), strict=True)
        return row.having(
            words=tuple(words),
            turns=tuple(
                t._replace(start=spans[n][0], end=spans[n][1]) if n in spans else t for n, t in enumerate(row.turns)
            ),
            oracles=tuple(oracle._replace(heard=heard, time=time) for oracle, (heard, time) in arrivals),
            situations=tuple(
                s._replace(start=spans[s.turn][0], end=spans[s.turn][1]) if s.turn in spans else s
                for s in row.situations
            ),
            duration=max((end for _, end in spans.values()), default=0.0),
        )

    def _arrivals(self, row: Row, words: list[RowWord]) -> list[tuple[float, float | None]]:
        aside = row.back_channels
        said = [Word(*word) for word in words if word.turn not in aside]
        oracles = [Oracle(o.turn, o.prefix_words, o.ratio, o.level, o.text) for o in row.oracles]
        try:
            return [(a.heard, a.time) for a in replay(row.id, oracles, said, self.latency, self.seed)]
        except ValueError as error:
            raise KameError(f"row {error}; build it again") from None


def _paced(row: Row) -> list[RowWord]:
    """The words with times, in their order."""
    aside, by_turn = row.back_channels, row.words_by_turn
    starts: dict[int, float] = {}
    now, host = 0.0, 0.0
    for number in range(len(row.turns)):
        length = len(by_turn.get(number, ())) * WORD_SECONDS
        if number in aside:
            starts[number] = max(host, now - length)
        else:
            starts[number], host = now, now
            now += length
    found, counts = [], dict.fromkeys(starts, 0)
    for word in row.words:
        start = starts[word.turn] + counts[word.turn] * WORD_SECONDS
        counts[word.turn] += 1
        found.append(word._replace(start=start, end=start + WORD_SECONDS))
    return found
