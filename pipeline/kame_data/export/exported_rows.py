"""The common ground of the layouts: rows by split, file names, sound, and which oracles stand where."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pyarrow as pa
import soundfile

from kame_data.errors import KameError, UsageError
from kame_data.finished.reader import Finished, shard_tables
from kame_data.finished.row import Row
from kame_data.finished.sound import samples_of
from kame_data.levels import LevelSchedule
from kame_data.shards.schema import EARLY, SHARD

Times = Literal["heard", "arrival"]
LONGEST_NAME = 200
"""Bytes of a file name without its ending; file systems take 255."""


@dataclass(slots=True)
class Tally:
    """Counts of an export: dialogues by split, and oracles, written and left out."""

    dialogues: dict[str, int] = field(default_factory=dict)
    oracles: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Oracles:
    """The choice of a row's oracles that an export has, and their times.

    `times`: `heard` places each where its prefix had been heard, also those that never arrived; `arrival` where its
    first token came, and leaves those out. Of several levels at one prefix it has the one that the progressive schedule
    calls for, or `level` alone.
    """

    schedule: LevelSchedule
    times: Times = "heard"
    level: int | None = None

    @classmethod
    def of(cls, build: Finished, times: str, level: int | None) -> "Oracles":
        """Raises UsageError for what the build does not have."""
        if times not in ("heard", "arrival"):
            raise UsageError(f"--times {times}: use heard or arrival")
        settings = build.manifest.settings
        levels = settings.levels
        if level is not None and settings.schedule != "grid":
            raise UsageError(f"--level {level}: {build.out} has one level at a prefix (no grid); leave --level out")
        if level is not None and level not in levels:
            raise UsageError(f"--level {level}: {build.out} has levels {', '.join(map(str, levels))}")
        schedule = LevelSchedule(levels, "progressive", 1, settings.cuts)
        return cls(schedule, "heard" if times == "heard" else "arrival", level)

    def chosen(self, row: Row) -> list[tuple[float, int]]:
        """(seconds, index into the row's oracles) of those that are in the export, in order of time."""
        oracles, totals = row.oracles, Counter(word.turn for word in row.words)
        found = []
        for (turn, words), group in groupby(range(len(oracles)), key=lambda i: oracles[i][:2]):
            indices = list(group)
            if self.level is not None:
                indices = [i for i in indices if oracles[i].level == self.level]
            elif len(indices) > 1:
                called = self.schedule.level(words, totals[turn])
                indices = [i for i in indices if called is not None and oracles[i].level <= called][-1:]
            found += [(oracles[i].heard if self.times == "heard" else oracles[i].time, i) for i in indices]
        return sorted((at, i) for at, i in found if at is not None)


def rows_by_split(build: Finished, columns: Sequence[str] = tuple(SHARD.names)) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each split's rows, a row group in memory at a time; only splits that have any."""
    for split, tables in tables_by_split(build, columns):
        yield split, (row for table in tables for row in Row.of_table(table))


def plain_rows_by_split(build: Finished) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """`rows_by_split` with all columns as they stand in the shard, for layouts that have them so."""
    columns = [name for name in SHARD.names if name != EARLY or build.manifest.settings.duplex.early.wanted]
    for split, tables in tables_by_split(build, columns):
        yield split, (row for table in tables for row in table.to_pylist())


def tables_by_split(build: Finished, columns: Sequence[str]) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """Each split's row groups; only splits that have any."""
    shards = build.manifest.shards
    for split in dict.fromkeys(shard.split for shard in shards):
        paths = [build.out / shard.path for shard in shards if shard.split == split]
        yield split, (table for path in paths for table in shard_tables(path, columns))


def file_name(identity: str, *, dots: bool = True) -> str:
    """An id as a file name without an ending: itself where it is plain, else with other characters as %XX.

    Without `dots`, dots too, for readers that take the first one for the start of the ending. Raises KameError for one
    that is too long.
    """
    name = quote(identity, safe="").replace("~", "%7E")
    if not dots or name.startswith("."):
        name = name.replace(".", "%2E")
    if not name or len(name) > LONGEST_NAME:
        raise KameError(f"id {identity[:60]!r}: makes no file name ({len(name)} of at most {LONGEST_NAME} bytes)")
    return name


def wav_of(row: Row) -> bytes:
    """A row's sound as a 16-bit stereo wav, the assistant left. Raises KameError where it cannot be read."""
    samples, rate = samples_of(row)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there yet: two rows that would share one are an error."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise KameError(f"{path.name}: two rows of the build would be this file; their ids differ too little") from None
