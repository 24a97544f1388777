"""A folder that is written whole or not at all, and never over anything else.

All is written in `DIR/.partial` with a note beside it, the note last; only then does it move up into DIR, and the note
last again. So what lies in DIR is whole wherever a run was killed: without a note in `.partial` nothing has moved yet,
and the next run begins anew; with one, it only moves what is left. Nothing leaves the folder's own file system, so
that DIR may be a mount.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kame_data.errors import KameError, UsageError
from kame_data.storage.files import write_whole

NOTE = "export.json"
_PARTIAL, _LOCK = ".partial", ".lock"
# What a file system has in its own root.
_OF_THE_SYSTEM = {"lost+found"}


class WholeFolder:
    """The folder of one export; `identity` is what makes two exports the same."""

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder, self.identity = folder.resolve(), identity
        self.partial = self.folder / _PARTIAL

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out. Raises KameError where one is at work, UsageError where DIR is a file or holds
        something else than an export."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"--out {self.folder}: is a file; give a folder")
        self._check_others()
        made = not self.folder.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / _LOCK, timeout=0):
                try:
                    yield
                finally:
                    (self.folder / _LOCK).unlink(missing_ok=True)
        except Timeout:
            raise KameError(f"--out {self.folder}: another export is at work there; wait for it") from None
        finally:
            if made:
                with suppress(OSError):
                    self.folder.rmdir()  # where nothing came of it

    def _check_others(self) -> None:
        there = {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()
        others = there - {_PARTIAL, _LOCK} - _OF_THE_SYSTEM
        if others and not self._noted(self.folder) and not self._noted(self.partial):
            raise UsageError(
                f"--out {self.folder}: holds something else than an export ({min(others)}); give a new folder"
            )

    def done(self) -> dict[str, Any] | None:
        """The note of this very export where it is there already; else there is room to write it now.

        Raises UsageError where another export is there, or this one with files missing.
        """
        if self._noted(self.partial):
            self._move()
        shutil.rmtree(self.partial, ignore_errors=True)
        note = self._noted(self.folder)
        if note is None:
            return None
        found: dict[str, Any] = note["identity"]
        if found != self.identity:
            differing = next((k for k, v in self.identity.items() if found.get(k) != v), "layout")
            raise UsageError(
                f"--out {self.folder}: holds another export ({differing} differs); delete it or give another folder"
            )
        files, size = self._measured(self.folder)
        if files < note["files"] or size < note["bytes"]:
            raise UsageError(f"--out {self.folder}: files of the export that was there are missing; delete it first")
        return note

    @contextmanager
    def writing(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """A folder to write in, and the note, for facts to be filled in; all is in place when the context ends.

        Where it ends with an error, what was written goes.
        """
        self.partial.mkdir()
        note: dict[str, Any] = {"identity": self.identity}
        try:
            yield self.partial, note
            note["files"], note["bytes"] = self._measured(self.partial)
            os.sync()
            write_whole(self.partial / NOTE, (json.dumps(note, indent=1, ensure_ascii=False) + "\n").encode())
        except BaseException:
            shutil.rmtree(self.partial, ignore_errors=True)
            raise
        self._move()

    def _move(self) -> None:
        for path in sorted(self.partial.iterdir(), key=lambda path: path.name == NOTE):
            path.replace(self.folder / path.name)
        self.partial.rmdir()

    @staticmethod
    def _noted(folder: Path) -> dict[str, Any] | None:
        try:
            note = json.loads((folder / NOTE).read_text("utf-8"))
            return note if isinstance(note, dict) and {"identity", "files", "bytes"} <= note.keys() else None
        except FileNotFoundError:
            return None
        except ValueError:
            raise UsageError(f"{folder / NOTE}: is damaged; delete the folder and export again") from None

    @staticmethod
    def _measured(folder: Path) -> tuple[int, int]:
        """Files and bytes below a folder, notes and hidden files apart."""
        sizes = [
            (Path(root) / name).stat().st_size
            for root, _, names in os.walk(folder)
            for name in names
            if name != NOTE and not name.startswith(".")
        ]
        return len(sizes), sum(sizes)
