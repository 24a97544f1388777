"""Dialogues that were recorded already (`kame-data import`): each row is a dialogue, and its question is all of the
dialogue's words."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kame_data.errors import Refusal, UsageError
from kame_data.imported.layout import Entry, entries, fingerprint
from kame_data.imported.recordings import Recordings, check_turns, recorded_dialogues, recorded_speech
from kame_data.records import Dialogue, Question, Rejected, Speech
from kame_data.settings.tree import IMPORTED, ImportedSettings, Settings
from kame_data.sources.base import Row, Source
from kame_data.stage import Inputs, Stage


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

    def own_rows(self, location: str | None) -> Iterator[Row]:
        """The rows of the folder at a location. Raises UsageError for one that is none, or of another layout."""
        for entry in entries(self.folder(location)):
            yield {"name": entry.name, "split": entry.split, "audio": str(entry.audio), "text": str(entry.text)}

    def own_fingerprint(self, location: str | None) -> str:
        """A digest of all files of the folder. Raises as `own_rows` does."""
        return fingerprint(self.folder(location))

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
        """All that is said, one line for each turn. Raises Refusal for a dialogue that cannot be imported."""
        entry = Entry(row["name"], row["split"], Path(row["audio"]), Path(row["text"]))
        turns = tuple(spoken.turn for spoken in self.recordings(entry.text.parent.parent).turns(entry))
        check_turns(turns)
        said = "\n".join(f"{turn.role}: {turn.text}" for turn in turns)
        return Question(self.record_id(row), self.name, said, "", language=self.language, source_split=split)


def check_folder(source: Imported, location: str | None, max_refused: float) -> None:
    """Raise UsageError where more of a folder's dialogues than `max_refused` cannot be imported, by words and heads."""
    refused: list[Refusal] = []
    rows = list(source.own_rows(location))
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


def stage_key(settings: Settings) -> dict[str, Any]:
    """The settings that a recorded dialogue depends on."""
    return {**settings.imported.model_dump(), "language": settings.imported_language}


def recordings_of(settings: Settings) -> Recordings:
    """The recordings that these settings import."""
    source = Imported(settings.imported, settings.imported_language)
    location = next(s.location for s in settings.sources if s.name == IMPORTED)
    return source.recordings(source.folder(location))


def _run_dialogues(settings: Settings, inputs: Inputs) -> Iterator[Dialogue | Rejected]:
    return recorded_dialogues(inputs.questions, recordings_of(settings))


def _run_speech(settings: Settings, inputs: Inputs) -> Iterator[Speech | Rejected]:
    return recorded_speech(inputs.dialogues, inputs.questions, recordings_of(settings))


RECORDED_DIALOGUES = Stage("dialogues", 1, "questions", Dialogue, stage_key, _run_dialogues)
RECORDED_SPEECH = Stage("speech", 1, "dialogues", Speech, stage_key, _run_speech)
