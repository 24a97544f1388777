"""Hint levels and their schedule: which prefixes of a user turn get an oracle, and of which level.

Level 0 is an unguided guess, level 5 the true answer verbatim. The cut points are those of the KAME authors' code
(SakanaAI/kame_finetune): a share of the turn's words up to 0.50 is level 0, up to 0.65 level 1, ..., above 0.99
level 5. Shares are compared as integers, for 13/20 is not 0.65 in binary.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from kame_data.errors import UsageError
from kame_data.records import Prefix

ALL_LEVELS = (0, 1, 2, 3, 4, 5)
GUESS, TRUTH = 0, 5
NEAR, NUMBERS_FROM, HOLDING = 1, 2, 3
"""The level that comes near the answer without it; the one from which on numbers must be true; that from which on the
answer is held."""
CUTS = (0.50, 0.65, 0.80, 0.95, 0.99)
SCHEDULES = ("progressive", "grid")


def parse_levels(text: str) -> tuple[int, ...]:
    """`0-5`, `0,3,5` or `0-2,5` as a rising tuple of levels.

    Raises UsageError for anything else.
    """
    found: set[int] = set()
    for item in text.split(","):
        first, dash, last = (piece.strip() for piece in item.partition("-"))
        bounds = (first, last) if dash else (first, first)
        if not all(len(b) == 1 and b in "012345" for b in bounds) or bounds[0] > bounds[1]:
            raise UsageError(
                f"--levels {text}: '{item}' is not a level or a rising range of them; use 0 to 5, as in 0-5 or 0,3,5"
            )
        found.update(range(int(bounds[0]), int(bounds[1]) + 1))
    return tuple(sorted(found))


class LevelSchedule:
    """Turns the number of words in a user turn into its prefixes; linear in the words.

    `cuts` are the five rising shares in (0, 1) at which the level goes up; `every` is the step in words.
    """

    def __init__(
        self,
        levels: Iterable[int] = ALL_LEVELS,
        schedule: str = "progressive",
        every: int = 2,
        cuts: Sequence[float] = CUTS,
    ) -> None:
        self.levels = tuple(sorted(set(levels)))
        self.schedule = schedule
        self.every = every
        # str() first: the decimal that the user wrote, not its binary neighbour.
        self._cuts = tuple(Fraction(str(cut)) for cut in cuts)
        if not self.levels or not set(self.levels) <= set(ALL_LEVELS):
            raise UsageError(f"levels {list(self.levels)}: give some of 0 to 5")
        if schedule not in SCHEDULES:
            raise UsageError(f"schedule '{schedule}': use {' or '.join(SCHEDULES)}")
        if every < 1:
            raise UsageError(f"prefix_every {every}: use 1 or more words")
        if len(self._cuts) != 5 or not all(0 < a < b < 1 for a, b in zip(self._cuts, self._cuts[1:], strict=False)):
            raise UsageError(f"cuts {list(cuts)}: give five rising shares between 0 and 1")

    def level(self, words: int, total: int) -> int | None:
        """The level that the share words/total calls for, or the highest allowed one below it; None without one."""
        called_for = sum(words * cut.denominator > cut.numerator * total for cut in self._cuts)
        return max((level for level in self.levels if level <= called_for), default=None)

    def counts(self, total: int) -> list[int]:
        """The prefixes of a turn of `total` words, as rising counts of words.

        Every `every` words and the whole turn; and, in a progressive schedule, the last word but one where it reaches
        a level that is missing otherwise (at two words a step level 4, above 0.95 of the turn, would be rare).
        """
        counts = list(range(self.every, total, self.every))
        if total > 0:
            counts.append(total)
        eve = total - 1
        if self.schedule == "progressive" and eve > 0 and (len(counts) < 2 or counts[-2] != eve):
            level = self.level(eve, total)
            if level is not None and all(self.level(count, total) != level for count in counts):
                counts.insert(len(counts) - 1, eve)
        return counts

    def prefixes(self, turn: int, total: int, guessing: int = 0) -> list[Prefix]:
        """The prefixes of user turn number `turn`, each with its level, in order of words, then level.

        The first `guessing` words are those for which the back end still guesses: up to there every prefix has the
        lowest level, and that alone.
        """
        lowest = self.levels[:1]
        found: list[Prefix] = []
        for n in self.counts(total):
            called_for = self.level(n, total)
            levels = self.levels if self.schedule == "grid" else () if called_for is None else (called_for,)
            found += [Prefix(turn, n, total, level) for level in (lowest if n <= guessing else levels)]
        return found
