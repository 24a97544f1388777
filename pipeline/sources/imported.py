"""Dialogues that were recorded already (`kame-data import`): a row is a dialogue, its question all the words of it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import IMPORTED, ImportedSettings
from pipeline.errors import Refusal, UsageError
from pipeline.imported.layout import Entry, entries
from pipeline.imported.recordings import Recordings, check_turns
from pipeline.records import Question
from pipeline.sources.base import Row, Source


class Imported(Source):
    """A folder of recordings; a row holds `name`, `split`, and the paths `audio` and `text`."""

    name = IMPORTED
    title = "Recorded dialogues"
    columns = ("name", "split", "audio", "text")
    whole = True
    licence = "the user's own"
    citation = ""

    def __init__(self, settings: ImportedSettings = ImportedSettings(), language: str = "en") -> None:  # noqa: B008
        self.settings, self.language = settings, language

    def rows(self, location: str | None) -> Iterator[Row]:
        """The rows of the folder at a location. Raises UsageError for one that is none, or of another layout."""
        for entry in entries(self.folder(location)):
            yield {"name": entry.name, "split": entry.split, "audio": str(entry.audio), "text": str(entry.text)}

    def folder(self, location: str | None) -> Path:
        """The folder that a location means. Raises UsageError where there is none."""
        if not location or location == "sample":
            raise UsageError(f"source '{self.name}': give the folder of the recordings: --source {self.name}=FOLDER")
        return Path(location).expanduser()

    def recordings(self, folder: Path) -> Recordings:
        """The recordings of a folder, as the settings read them."""
        return Recordings(folder, self.settings.assistant, self.language, self.settings.resample)

    def own_id(self, row: Row) -> str:
        """The name of the dialogue's files."""
        return str(row["name"])

    def question(self, row: Row, split: str) -> Question:
        """All that is said, a turn a line. Raises Refusal for a dialogue that cannot be imported."""
        entry = Entry(row["name"], row["split"], Path(row["audio"]), Path(row["text"]))
        turns = tuple(spoken.turn for spoken in self.recordings(entry.text.parent.parent).turns(entry))
        check_turns(turns)
        said = "\n".join(f"{turn.role}: {turn.text}" for turn in turns)
        return Question(self.record_id(row), self.name, said, "", language=self.language, source_split=split)


def check_folder(source: Imported, location: str | None, max_refused: float) -> None:
    """Raise UsageError where more of a folder's dialogues than `max_refused` cannot be imported, by words and heads."""
    refused: list[Refusal] = []
    rows = list(source.rows(location))
    for row in rows:
        try:
            source.question(row, row["split"])
        except Refusal as refusal:
            refused.append(refusal)
    if len(refused) > max_refused * len(rows):
        counts = Counter(refusal.reason for refusal in refused).most_common(3)
        reasons = ", ".join(f"{reason} {count}" for reason, count in counts)
        first = next(refusal.detail for refusal in refused if refusal.reason == counts[0][0])
        raise UsageError(
            f"{source.folder(location)}: {len(refused)} of {len(rows)} dialogues cannot be imported ({reasons}), more "
            f"than max_refused {max_refused:g} allows; as in: {first}"
        )
