"""Notes of the sessions that asked models for a build: a small JSON file for each, which later ones read."""

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from kame_data.errors import KameError
from kame_data.storage.files import files, read_many
from kame_data.storage.paths import AnyPath

T = TypeVar("T")


def notes_in(folder: AnyPath, kind: TypeAdapter[T], lost: str) -> list[T]:
    """The notes of a folder, in order of name. Raises KameError, one line, for one that is no `kind`; `lost` says what
    happens where it is deleted."""
    paths, found = files(folder, "*.json"), list[T]()
    for path, note in zip(paths, read_many(paths), strict=True):
        try:
            if note is not None:  # gone since it was listed
                found.append(kind.validate_json(note))
        except ValidationError:
            raise KameError(f"{path}: is damaged; delete it, and {lost}") from None
    return found
