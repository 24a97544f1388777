"""The validation rows of a finished build: what a model trained on the others has not seen, with its right answers."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from kame_data.evaluate.benches.base import Bench, Note, unheard
from kame_data.evaluate.benches.own_sound import keep
from kame_data.evaluate.records import Item, ItemTurn
from kame_data.finished.reader import Finished
from kame_data.finished.row import Row
from kame_data.finished.sound import samples_of
from kame_data.storage.paths import path_of
from kame_data.text.answers import said_or_raw

COLUMNS = (
    "id", "source", "category", "language", "split", "form", "answer", "turns", "claims", "situations",
)  # fmt: skip
SPOKEN = (*COLUMNS, "audio", "duration")
USER = 1
"""The channel of a row's sound that is the user's."""
AROUND = 0.08
"""Seconds that are kept of the sound before a turn's first word and behind its last."""


class HeldOut(Bench):
    """The user's turns of a build's validation rows, in their own sound where the rows have any; `answers` are what
    the rows claim, for `text.answers.asserts`."""

    name = "heldout"
    title = "Held-out rows of a build"
    form = "heldout:OUT, with a finished build"
    needs = "OUT"
    licence = "that of the build"
    citation: ClassVar[str] = ""

    def items(
        self,
        location: str,
        limit: int | None = None,
        *,
        language: str = "",
        sounds: Path | None = None,
        note: Note = unheard,
    ) -> list[Item]:
        """See `Bench.items`. Raises what `Finished` does for a folder that holds no finished build."""
        build = Finished.open(path_of(location))
        kept = (row for row in build.rows(COLUMNS) if row.split == "validation")
        items = self.chosen((item for row in kept if (item := self._item(row))), limit, language, location)
        if sounds is None:
            return items
        by_id = {item.id: item for item in items}
        for row in build.rows(SPOKEN, set(by_id)):
            if row.spoken and row.audio:
                by_id[row.id] = _with_sound(by_id[row.id], row, sounds)
        return list(by_id.values())

    def _item(self, row: Row) -> Item | None:
        """A row's item; None for one in which nothing of the user's is answered."""
        asked = sorted(row.answered_by)
        if not asked:
            return None
        turns = [self._turn(row, turn) for turn in asked]
        category = row.category or row.source
        return Item(id=row.id, bench=self.name, category=category, language=row.language, turns=tuple(turns))

    def _turn(self, row: Row, turn: int) -> ItemTurn:
        said, right = row.turns[turn].text, row.right_answers[turn]
        answer = said_or_raw(right, row.language, said) if right else ""
        return ItemTurn(said, said, row.truths[turn], (answer,) if answer else ())


def _with_sound(item: Item, row: Row, folder: Path) -> Item:
    """The item with a file of the user's own sound for each turn."""
    samples, rate = samples_of(row)
    cuts = list(_cuts(row, len(samples) / rate))
    files = []
    for number, (start, end) in enumerate(cuts, 1):
        piece = samples[round(start * rate) : round(end * rate), USER]
        files.append(str(keep(_flac(piece, rate), folder, f"{item.id}-{number}")))
    return Item(item.id, item.bench, item.category, item.language, item.turns, sounds=tuple(files))


def _cuts(row: Row, length: float) -> Iterator[tuple[float, float]]:
    """Where each turn of the user's that is answered lies in the sound, up to the user's next turn."""
    asked = sorted(row.answered_by)
    ends = [row.turns[turn].start for turn in asked[1:]]
    for turn, following in zip(asked, [*ends, length], strict=True):
        start, end = row.turns[turn].start, row.turns[turn].end
        yield max(0.0, start - AROUND), min(max(end, start) + AROUND, max(following, end), length)


def _flac(samples: object, rate: int) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()
