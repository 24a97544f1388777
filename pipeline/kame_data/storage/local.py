"""Files and folders on a disk of this machine."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path, PosixPath

from kame_data.storage.any_path import AnyPath, Space


class LocalPath(PosixPath, AnyPath):
    """A `Path` of `pathlib` with the further methods of `AnyPath`, as a disk does them."""

    __slots__ = ()

    AT_ONCE = 1
    KEEPS_WHOLE = False

    def as_uri(self) -> str:
        """Like `Path.as_uri`, also for a path that does not begin at the root."""
        return PosixPath.as_uri(self.resolve())

    def listing(self) -> dict[str, int]:
        """See `AnyPath`."""
        sizes: dict[str, int] = {}
        try:
            with os.scandir(self) as found:
                for entry in found:
                    # A file that another process has removed by now, or a link to nothing, is not there.
                    with suppress(FileNotFoundError):
                        sizes[entry.name] = -1 if entry.is_dir() else entry.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return dict(sorted(sizes.items()))

    def _staging(self) -> Path:
        self.parent.mkdir(parents=True, exist_ok=True)
        return self.parent

    def _take(self, temporary: Path) -> None:
        temporary.chmod(0o644)
        temporary.replace(self)

    def write_whole(self, data: bytes, *, durable: bool = True) -> None:
        """See `AnyPath`."""
        with self.writing(durable=durable) as file:
            file.write(data)

    def move(self, target: "LocalPath") -> None:
        """See `AnyPath`."""
        self.replace(target)

    def unchanged(self, sha256: str) -> bool:
        """True where the file has this checksum; it is read."""
        with self.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == sha256

    @contextmanager
    def parquet_source(self) -> Iterator[Path]:
        """Itself."""
        yield self

    def near(self, sha256: str) -> "LocalPath":
        """Itself."""
        return self

    def forget_near(self, sha256: str) -> None:
        """Nothing: no copy was made."""

    def folder_near(self, files: Callable[[], Mapping[str, str]], changing: tuple[str, ...]) -> "LocalPath":
        """Itself."""
        return self

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """This folder, emptied first of what a killed run has left in it."""
        shutil.rmtree(self, ignore_errors=True)
        self.mkdir(parents=True)
        try:
            yield self
        finally:
            shutil.rmtree(self, ignore_errors=True)

    @property
    def here(self) -> Path:
        """Itself."""
        return self

    @property
    def in_this_process(self) -> bool:
        """False: a disk is seen by all processes."""
        return False

    def space(self) -> Space:
        """Enough where the disk is writable and has a GB free."""
        at = next((p for p in (self.resolve(), *self.resolve().parents) if p.exists()), Path("/"))
        free = shutil.disk_usage(at).free / 1e9
        writable = os.access(at, os.W_OK)
        found = f"{free:.0f} GB free at {at}" + ("" if writable else ", not writable")
        return Space(writable and free > 1, found, "give --out on a disk that is writable and has room")

    def sweep(self) -> None:
        """Remove the temporary files of killed writes."""
        for left in self.rglob(".*.tmp"):
            left.unlink()
