"""What the layouts have in common: rows by split, file names, sound, and which oracles stand where."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import soundfile

from pipeline.errors import KameError, UsageError
from pipeline.levels import LevelSchedule
from pipeline.report.payload import samples_of
from pipeline.report.read import Finished, shard_rows
from pipeline.shards.schema import SHARD

Row = dict[str, Any]
Times = Literal["heard", "arrival"]
LONGEST_NAME = 200
"""Bytes of a file name without its ending; file systems take 255."""


@dataclass(slots=True)
class Tally:
    """What an export wrote: dialogues by split, and oracles, written and left out."""

    dialogues: dict[str, int] = field(default_factory=dict)
    oracles: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Oracles:
    """Which of a row's oracles an export has, and when.

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
        settings = build.manifest["settings"]
        levels, cuts = settings.get("levels") or range(6), settings.get("cuts")
        schedule = LevelSchedule(levels, "progressive", 1, cuts) if cuts else LevelSchedule(levels)
        if level is not None and settings.get("schedule") != "grid":
            raise UsageError(f"--level {level}: {build.out} has one level at a prefix (no grid); leave --level out")
        if level is not None and level not in levels:
            raise UsageError(f"--level {level}: {build.out} has levels {', '.join(map(str, levels))}")
        return cls(schedule, "heard" if times == "heard" else "arrival", level)

    def chosen(self, row: Row) -> list[tuple[float, int]]:
        """(seconds, index into the row's oracles) of those that are in the export, in order of time."""
        oracles = row["oracles"]
        totals = {n: sum(w["turn"] == n for w in row["words"]) for n in {o["turn"] for o in oracles}}
        found = []
        for (turn, words), group in groupby(range(len(oracles)), key=lambda i: _prefix(oracles[i])):
            indices = list(group)
            if self.level is not None:
                indices = [i for i in indices if oracles[i]["level"] == self.level]
            elif len(indices) > 1:
                called = self.schedule.level(words, totals[turn])
                indices = [i for i in indices if called is not None and oracles[i]["level"] <= called][-1:]
            found += [(oracles[i]["heard" if self.times == "heard" else "time"], i) for i in indices]
        return sorted((at, i) for at, i in found if at is not None)


def _prefix(oracle: Row) -> tuple[int, int]:
    return oracle["turn"], oracle["prefix_words"]


def answers(row: Row) -> list[int]:
    """The assistant's turns that are answers; back-channels are none."""
    aside = {s["turn"] for s in row["situations"] if s["kind"] == "back_channel"}
    return [n for n, turn in enumerate(row["turns"]) if turn["role"] == "assistant" and n not in aside]


def truth(row: Row, turn: int) -> str:
    """The true answer to a user's turn: what the assistant meant to say next."""
    following = next((n for n in answers(row) if n > turn), None)
    return "" if following is None else str(row["turns"][following]["intended_text"])


def rows_by_split(build: Finished, columns: Sequence[str] = tuple(SHARD.names)) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each split's rows, a row group in memory at a time; only splits that have any."""
    shards = build.manifest["shards"]
    for split in dict.fromkeys(shard["split"] for shard in shards):
        paths = [build.out / shard["path"] for shard in shards if shard["split"] == split]
        yield split, (row for path in paths for row in shard_rows(path, columns))


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
