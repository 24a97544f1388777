"""The facts that a card states about a build, counted in one pass over its rows; the level curve is that of `kame-data
quality`."""

from collections import Counter
from dataclasses import dataclass, field

from kame_data.codec.tokenizer import pieces_of
from kame_data.engine.sources import SOURCES
from kame_data.finished.level_figures import LevelCurve
from kame_data.finished.reader import Finished
from kame_data.finished.row import Row
from kame_data.seeds import digest

ORACLES_SHOWN = 40
"""A dialogue with more oracles is no sample for a card, unless there is no other."""


@dataclass
class Facts:
    """Counts over all rows of a build; `curve` is its level curve, `sample` the row that its card shows."""

    curve: LevelCurve
    sample: Row | None = None
    rows: Counter[str] = field(default_factory=Counter)
    """Dialogues by split."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of sound by split."""
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogues by (source, split)."""
    categories: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dialogues by (source, category)."""
    languages: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)
    made_by: dict[str, Counter[str]] = field(default_factory=dict)
    """Dialogues by the values of each field of `provenance`."""
    checked: Counter[str] = field(default_factory=Counter)
    """Dialogues by what was measured of their sound."""

    @property
    def spoken(self) -> bool:
        """True where all dialogues are spoken."""
        return bool(self.rows) and self.curve.spoken

    @property
    def recorded(self) -> int:
        """Dialogues that are recordings, neither written nor spoken by anything of ours."""
        return sum(count for (name, _), count in self.sources.items() if name in SOURCES and SOURCES[name].whole)

    @property
    def written(self) -> int:
        """The other dialogues."""
        return self.rows.total() - self.recorded

    def add(self, row: Row) -> None:
        """Count a row of TEXT_COLUMNS."""
        split = row.split
        self.rows[split] += 1
        self.seconds[split] = self.seconds.get(split, 0.0) + (row.duration or 0.0)
        self.sources[row.source, split] += 1
        self.categories[row.source, row.category] += 1
        self.languages[row.language] += 1
        self.situations.update(situation.kind for situation in row.situations)
        self.checked.update(name for name, value in (row.audio_checks or {}).items() if value is not None)
        for name, value in row.provenance.items():
            if value is not None:
                self.made_by.setdefault(name, Counter())[value] += 1
        if self.sample is None or _rank(row) < _rank(self.sample):
            self.sample = row


def _rank(row: Row) -> tuple[bool, str]:
    return len(row.oracles) > ORACLES_SHOWN, digest("card", row.id)


def gather(finished: Finished) -> Facts:
    """The facts of a finished build."""
    facts = Facts(LevelCurve(finished.reckoner, pieces_of(None, finished.out)))
    for row in finished.rows():
        facts.add(row)
        facts.curve.add(row)
    facts.curve.add_again(finished.manifest.asked_again)
    return facts
