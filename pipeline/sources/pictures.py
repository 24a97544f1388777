"""Pictures' bytes: found beside a local file of rows, and kept out of memory while questions are put in order."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from pipeline.records import Picture, Question

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@cache
def _beside(folder: Path) -> Mapping[str, Path]:
    """The pictures in a folder and in the folders right below it, by file name (the first by path wins)."""
    found = (p for pattern in ("*", "*/*") for p in sorted(folder.glob(pattern)) if p.suffix.lower() in _SUFFIXES)
    names: dict[str, Path] = {}
    for path in found:
        names.setdefault(path.name, path)
    return names


def load(picture: Picture, folder: Path | None) -> bytes | None:
    """The picture's bytes: its own, or those of the file of its name beside the rows; None where there are none."""
    if picture.data is not None or folder is None:
        return picture.data
    path = _beside(folder).get(Path(picture.path).name)
    try:
        return path.read_bytes() if path else None
    except OSError:
        return None


class PictureStore:
    """A temporary file that holds pictures' bytes by question id; close it in the end."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="kame-data-pictures-")  # noqa: SIM115 (closed in close)
        self._places: dict[str, tuple[int, int]] = {}

    def __contains__(self, question_id: str) -> bool:
        """Whether the question's picture is here."""
        return question_id in self._places

    def put(self, question_id: str, data: bytes) -> None:
        """Keeps the bytes of a question's picture."""
        self._places[question_id] = (self._file.seek(0, 2), len(data))
        self._file.write(data)

    def attach(self, question: Question) -> Question:
        """The question with its picture's bytes, where they were put."""
        place = self._places.get(question.id)
        if place is None or question.picture is None:
            return question
        self._file.seek(place[0])
        return replace(question, picture=replace(question.picture, data=self._file.read(place[1])))

    def close(self) -> None:
        """Gives the file back to the system."""
        self._file.close()
