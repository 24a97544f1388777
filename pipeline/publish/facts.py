"""What a card says of a build, counted in one pass over its rows; the level curve is that of `kame-data quality`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from pipeline.build import Build
from pipeline.config import Settings
from pipeline.errors import KameError
from pipeline.quality import Quality, measure_rows
from pipeline.report.read import Finished
from pipeline.seeds import digest
from pipeline.sources import SOURCES

Row = Mapping[str, Any]
ORACLES_SHOWN = 40
"""A dialogue with more oracles is no sample for a card, unless there is no other."""


@dataclass
class Facts:
    """Counts over all rows of a build; `quality` is its level curve, `sample` the row that its card shows."""

    quality: Quality = field(default_factory=Quality)
    sample: Row = field(default_factory=dict)
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
        """Whether all dialogues are."""
        return bool(self.rows) and self.quality.spoken

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
        split = row["split"]
        self.rows[split] += 1
        self.seconds[split] = self.seconds.get(split, 0.0) + (row["duration"] or 0.0)
        self.sources[row["source"], split] += 1
        self.categories[row["source"], row["category"]] += 1
        self.languages[row["language"]] += 1
        self.situations.update(situation["kind"] for situation in row["situations"])
        self.checked.update(name for name, value in (row["audio_checks"] or {}).items() if value is not None)
        for name, value in row["provenance"].items():
            if value is not None:
                self.made_by.setdefault(name, Counter())[value] += 1
        if not self.sample or _rank(row) < _rank(self.sample):
            self.sample = row


def _rank(row: Row) -> tuple[bool, str]:
    return len(row["oracles"]) > ORACLES_SHOWN, digest("card", row["id"])


def gather(finished: Finished) -> Facts:
    """The facts of a finished build. Raises KameError where its settings are none that this version reads."""
    facts = Facts()

    def counted() -> Iterator[dict[str, Any]]:
        for row in finished.rows():
            facts.add(row)
            yield row

    facts.quality = measure_rows(Build(settings_of(finished)), counted(), ())
    for stage, reasons in finished.manifest.get("asked_again", {}).items():
        level = stage.removeprefix("oracles, level ")
        if level.isdigit() and int(level) in facts.quality.levels:
            facts.quality.levels[int(level)].again += sum(reasons.values())
    return facts


def settings_of(finished: Finished) -> Settings:
    """The settings that the rows of a build come from. Raises KameError where this version does not read them."""
    try:
        return Settings.model_validate(finished.manifest["settings"] | {"out": finished.out})
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise KameError(
            f"{finished.out / 'manifest.json'}: its setting {place} is none that this version knows; build again"
        ) from None
