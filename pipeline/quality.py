"""How good the oracles of a finished build are, level by level: they must say more of the answer with every level."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pipeline.answers import holds_answer
from pipeline.backend import Latency, replay, resolve
from pipeline.build import Build
from pipeline.chrf import chrf
from pipeline.errors import KameError
from pipeline.levels import TRUTH
from pipeline.records import Oracle, Word
from pipeline.status import finished, settle
from pipeline.storage.files import files, open_parquet
from pipeline.storage.paths import AnyPath
from pipeline.text.words import join_words, length_in_words, split_words
from pipeline.wanted import Slice

# One oracle token is consumed a frame (12.5 a second), and a spoken English word is about 1.3 tokens of the kind.
WORDS_PER_SECOND = 12.5 / 1.3
# How long a word of a silent dialogue takes: 170 words a minute.
WORD_SECONDS = 60 / 170
COLUMNS = ["id", "question_id", "turns", "words", "oracles", "situations", "answer", "language", "duration"]


@dataclass
class LevelQuality:
    """Figures of one level, summed: see the properties for their means.

    `whole` and `consumed` are chrF against the assistant's turn, of the oracle and of the part of it that is consumed
    before the next one comes; `right` counts the oracles that hold the right answer, of `answered` whose question has
    one (a recorded dialogue has none), `again` draws that were refused.
    """

    count: int = 0
    words: int = 0
    whole: float = 0.0
    consumed: float = 0.0
    consumed_count: int = 0
    right: int = 0
    answered: int = 0
    again: int = 0

    def mean(self, name: str) -> float:
        """The mean of `words`, `whole` or `again` an oracle; of `consumed` by those that came, of `right` (a share) by
        those that can be."""
        count = {"consumed": self.consumed_count, "right": self.answered}.get(name, self.count)
        return float(getattr(self, name)) / count if count else 0.0


@dataclass
class Quality:
    """Figures by level; `spoken` says whether all dialogues were, so that the times are real."""

    levels: dict[int, LevelQuality] = field(default_factory=dict)
    spoken: bool = True

    def falls(self) -> list[tuple[int, int]]:
        """The neighbouring levels between which the mean chrF does not rise."""
        return [(a, b) for a, b in pairwise(sorted(self.levels)) if self._mean(a) >= self._mean(b)]

    def _mean(self, level: int) -> float:
        return self.levels[level].mean("whole")


def measure(build: Build) -> Quality:
    """The quality of a finished build. Raises KameError for one that is not.

    Dialogues without speech are timed as if their words came at a steady pace.
    """
    if finished(build) is None:
        raise KameError(f"{build.out}: is not a finished build; `kame-data build` finishes it")
    settled = settle(build)
    return measure_rows(build, _rows(build.out / "shards"), settled[0] if settled else ())


def measure_rows(build: Build, rows: Iterable[dict[str, Any]], slices: Iterable[Slice]) -> Quality:
    """The quality of rows of shards, which came of `slices`."""
    found, latency = Quality(), resolve(build.settings.latency)
    for row in rows:
        found.spoken = found.spoken and row["duration"] is not None
        _add(found, row, _times(row, latency, build.settings.seed))
    for slice_ in slices:
        for oracles in build.read("oracles", slice_):
            for again in oracles.again:
                found.levels.setdefault(again.level, LevelQuality()).again += 1
    return found


def _rows(folder: AnyPath) -> Iterator[dict[str, Any]]:
    for path in files(folder, "*.parquet"):
        with open_parquet(path) as file:
            for batch in file.iter_batches(64, columns=COLUMNS):
                yield from batch.to_pylist()


def _times(row: dict[str, Any], latency: Latency, seed: int) -> list[float | None]:
    """When each oracle of a row came; a silent row's words are given a steady pace, back-channels take no time."""
    if row["duration"] is not None:
        return [oracle["time"] for oracle in row["oracles"]]
    aside = _back_channels(row)
    words = [
        Word(w["turn"], w["role"], w["word"], n * WORD_SECONDS, (n + 1) * WORD_SECONDS)
        for n, w in enumerate(w for w in row["words"] if w["turn"] not in aside)
    ]
    oracles = [Oracle(o["turn"], o["prefix_words"], o["ratio"], o["level"], o["text"]) for o in row["oracles"]]
    return [arrival.time for arrival in replay(row["id"], oracles, words, latency, seed)]


def _back_channels(row: dict[str, Any]) -> set[int]:
    """The turns of a row that take no floor."""
    return {s["turn"] for s in row["situations"] if s["kind"] == "back_channel"}


def _truths(row: dict[str, Any]) -> dict[int, str]:
    """What the assistant would have said in answer to each user turn."""
    aside = _back_channels(row)
    speech = [number for number in range(len(row["turns"])) if number not in aside]
    return {turn: row["turns"][after]["intended_text"] for turn, after in pairwise(speech)}


def _add(found: Quality, row: dict[str, Any], times: list[float | None]) -> None:
    came = sorted({t for t in times if t is not None})
    after, truths = dict(pairwise(came)), _truths(row)
    for oracle, time in zip(row["oracles"], times, strict=True):
        truth = truths[oracle["turn"]]
        level = found.levels.setdefault(oracle["level"], LevelQuality())
        level.count += 1
        level.words += length_in_words(oracle["text"], row["language"])
        level.whole += chrf(oracle["text"], truth)
        if row["answer"]:
            level.answered += 1
            level.right += holds_answer(oracle["text"], row["answer"], row["language"])
        if time is not None:
            level.consumed_count += 1
            level.consumed += chrf(
                _consumed(oracle["text"], after.get(time, time + 60.0) - time, row["language"]), truth
            )


def _consumed(text: str, seconds: float, language: str) -> str:
    words = split_words(text, language)
    return join_words(words[: max(1, int(seconds * WORDS_PER_SECOND))], language)


def table(quality: Quality) -> list[tuple[str, ...]]:
    """The figures as lines of text, a heading first."""
    head = ("level", "count", "words", "chrF", "chrF consumed", "holds the answer", "asked again")
    lines: list[tuple[str, ...]] = [head]
    for level in sorted(quality.levels):
        q = quality.levels[level]
        figures = (f"{q.mean('words'):.1f}", f"{q.mean('whole'):.1f}", f"{q.mean('consumed'):.1f}")
        shares = (f"{q.mean('right'):.0%}" if q.answered else "-", "-" if level == TRUTH else f"{q.mean('again'):.1%}")
        lines.append((str(level), str(q.count), *figures, *shares))
    return lines
