"""VoiceBench: spoken questions of one turn, and of two in its subset `mtbench`; Parquet with the sound in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from kame_data.errors import Refusal
from kame_data.evaluate.benches.base import Bench, Note, unheard
from kame_data.evaluate.benches.hub_files import fetch
from kame_data.evaluate.benches.own_sound import keep
from kame_data.evaluate.benches.rows import MOST_ROWS, text, texts
from kame_data.evaluate.records import Item, ItemTurn
from kame_data.sources import base as columns
from kame_data.text.answers import said_or_raw

HUB = "hlt-lab/voicebench"
SUBSETS = (
    "advbench", "alpacaeval", "alpacaeval_full", "alpacaeval_speaker", "bbh", "commoneval", "ifeval", "mmsu", "mtbench",
    "openbookqa", "sd-qa", "wildvoice",
)  # fmt: skip
ANSWERED = frozenset({"sd-qa"})
"""Subsets whose `reference` is an answer that one says; elsewhere it is a letter, or a text for a judge."""
MOST_BYTES = 16 * 2**30
MOST_FILES = 256
BATCH = 8
"""Rows of Parquet at once: each holds its sound."""
LAYOUTS = (("audio",), ("audio1", "audio2"))
"""Columns of the sound: one a turn."""
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_WANTED = "columns audio and prompt, or audio1, audio2 and turns (two texts)"


class VoiceBench(Bench):
    """A subset of VoiceBench, from the Hub or from Parquet files at hand, one subset in a folder."""

    name = "voicebench"
    title = "VoiceBench"
    form = "voicebench:SUBSET (as mtbench, alpacaeval, sd-qa), or voicebench:FOLDER of its .parquet files"
    needs = "SUBSET"
    licence = "Apache-2.0"
    citation: ClassVar[str] = """@article{chen2024voicebench,
  title = {{VoiceBench}: Benchmarking {LLM}-Based Voice Assistants},
  author = {Chen, Yiming and Yue, Xianghu and Zhang, Chen and Gao, Xiaoxue and Tan, Robby T. and Li, Haizhou},
  journal = {arXiv preprint arXiv:2410.17196},
  year = {2024}
}"""

    def items(
        self,
        location: str,
        limit: int | None = None,
        *,
        language: str = "",
        sounds: Path | None = None,
        note: Note = unheard,
    ) -> list[Item]:
        """See `Bench.items`. Sound is written out as it stands; `category` is the row's, or its split's name."""
        subset, files = self._files(location)
        places: dict[str, tuple[Path, int]] = {}
        found: list[Item] = []
        for file in files:
            for number, (where, row) in enumerate(self._rows(file, sound=False)):
                item = self._item(subset, file, number, where, row)
                places[item.id] = file, number
                found.append(item)
            if len(found) > MOST_ROWS:
                raise self.wrong(f"{location} has more than {MOST_ROWS:,} rows; give one of its files")
        chosen = self.chosen(found, limit, language, location)
        if sounds is None:
            note(f"{self.name}: no folder for its sound was given; its texts are spoken by a voice")
            return chosen
        return self._with_sound(chosen, places, sounds)

    def _files(self, location: str) -> tuple[str, list[Path]]:
        """The subset's name and its files. Raises UsageError."""
        path = Path(location).expanduser()
        if location in SUBSETS and not path.exists():
            instead = f"a folder with its .parquet files: {self.name}:FOLDER"
            return location, fetch(self, HUB, "dataset", f"{location}/*.parquet", MOST_BYTES, instead)
        if not path.exists():
            raise self.wrong(f"'{location}' is no subset and no folder; the subsets are {', '.join(SUBSETS)}")
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not files or len(files) > MOST_FILES or any(file.suffix != ".parquet" for file in files):
            raise self.wrong(f"{location} holds {len(files)} .parquet files; expected 1 to {MOST_FILES} of one subset")
        return (path if path.is_dir() else path.absolute().parent).name, files

    def _rows(self, file: Path, *, sound: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows of a file, the sound's columns alone or all others. Raises UsageError for another layout."""
        import pyarrow
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(file) as table:
                names = table.schema_arrow.names
                heard = next((layout for layout in reversed(LAYOUTS) if set(layout) <= set(names)), None)
                asked = "prompt" if heard == LAYOUTS[0] else "turns"
                if heard is None or asked not in names:
                    raise self.wrong(f"{file} has columns {', '.join(names)[:200]}; expected {_WANTED}")
                wanted = [name for name in names if (name in heard) == sound]
                number = 0
                for batch in table.iter_batches(BATCH, columns=wanted):
                    for row in batch.to_pylist():
                        number += 1
                        yield f"{file} row {number}", row
        except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as problem:
            first = (str(problem).splitlines() or [type(problem).__name__])[0][:160]
            raise self.wrong(f"{file} cannot be read ({first}); fetch it again") from None

    def _item(self, subset: str, file: Path, number: int, where: str, row: Mapping[str, Any]) -> Item:
        split = _PART.sub("", file.stem)
        try:
            asked = texts(row, "turns", 2) if "turns" in row else (text(row, "prompt"),)
            if "turns" in row and len(asked) != 2:
                raise Refusal("bad_row", f"'turns' has {len(asked)} entry, not 2")
            references = _references(row, len(asked))
            category = columns.scalar(row, "category", default="") or split
        except Refusal as refusal:
            raise self.wrong(f"{where}: {refusal.detail}; expected {_WANTED}") from None
        turns = tuple(_turn(subset, *told) for told in zip(asked, references, strict=True))
        part = file.stem[len(split) :].split("-of-")[0]
        return Item(f"{subset}-{split}{part}-{number}", self.name, category, "en", turns)

    def _with_sound(self, items: Sequence[Item], places: Mapping[str, tuple[Path, int]], folder: Path) -> list[Item]:
        """The items, each with the files of its sound."""
        by_place = {places[item.id]: item for item in items}
        found: dict[str, Item] = {}
        for file in dict.fromkeys(file for file, _ in by_place):
            last = max(number for held, number in by_place if held == file)
            for number, (where, row) in enumerate(self._rows(file, sound=True)):
                if item := by_place.get((file, number)):
                    found[item.id] = replace(item, sounds=self._kept(item, where, row, folder))
                if number >= last:
                    break
        return [found[item.id] for item in items]

    def _kept(self, item: Item, where: str, row: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
        paths = []
        for turn, (name, sound) in enumerate(sorted(row.items()), 1):
            data = sound.get("bytes") if isinstance(sound, Mapping) else None
            if not isinstance(data, bytes) or not data:
                raise self.wrong(f"{where}: column '{name}' holds no bytes of sound; expected {{bytes, path}}")
            try:
                paths.append(str(keep(data, folder, f"{item.id}-{turn}")))
            except Refusal as refusal:
                raise self.wrong(f"{where}: {refusal.detail}") from None
        return tuple(paths)


def _turn(subset: str, written: str, reference: str) -> ItemTurn:
    spoken = said_or_raw(written, "en")
    answers = (said_or_raw(reference, "en", written),) if reference and subset in ANSWERED else ()
    return ItemTurn(spoken, written, reference, answers)


def _references(row: Mapping[str, Any], turns: int) -> tuple[str, ...]:
    """The reference of each turn, "" where there is none; `output` is another model's answer and no reference."""
    value = columns.nested(row, "reference")
    if value in (None, "", []):
        return ("",) * turns
    listed = list(value) if isinstance(value, list | tuple) else [value]
    if len(listed) > turns:
        raise Refusal("bad_row", f"'reference' has {len(listed)} entries for {turns} turns")
    found = [columns.scalar({"reference": one}, "reference", default="") for one in listed]
    return tuple(found + [""] * (turns - len(found)))
