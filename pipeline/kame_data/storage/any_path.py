"""The one type for a folder or a file of a build, on a disk or in a store.

`LocalPath` is on a disk of this machine, `RemotePath` in an object store. Callers ask for what they need; the two
differ in how they do it, and nothing outside this room asks which one it has.
"""

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BufferedRandom, BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self


class Sized(Protocol):
    """A state of a file that tells its size in bytes, as `os.stat_result` does."""

    @property
    def st_size(self) -> int:
        """Bytes."""


class Space(NamedTuple):
    """The answer to the question whether a build can be written to a folder: `enough`, what was `found` there, and the
    `way_out` if not."""

    enough: bool
    found: str
    way_out: str = ""


class AnyPath(ABC):
    """A file or folder on a disk or in an object store: the methods of `pathlib.Path` that the rooms use, and what a
    disk and a store do differently. A method that meets a store may raise StorageError."""

    __slots__ = ()

    AT_ONCE: ClassVar[int]
    """Small files that are best read or written at the same time."""
    KEEPS_WHOLE: ClassVar[bool]
    """True where what lies here keeps checksums of its own and never holds half a file, so that a file which is there
    is as it was written; `kame-data verify` reads it all the same."""

    # -- as of `pathlib.Path`

    @property
    @abstractmethod
    def name(self) -> str:
        """Like `Path.name`."""

    @property
    @abstractmethod
    def stem(self) -> str:
        """Like `Path.stem`."""

    @property
    @abstractmethod
    def suffix(self) -> str:
        """Like `Path.suffix`."""

    @property
    @abstractmethod
    def parent(self) -> Self:
        """Like `Path.parent`; the parent of a bucket is the bucket itself."""

    @abstractmethod
    def __truediv__(self, name: str | PurePosixPath) -> Self: ...

    @abstractmethod
    def __lt__(self, other: Any) -> bool: ...

    @abstractmethod
    def with_name(self, name: str) -> Self:
        """Like `Path.with_name`."""

    @abstractmethod
    def resolve(self) -> Self:
        """Like `Path.resolve`; a URL stays what it is."""

    @abstractmethod
    def exists(self) -> bool:
        """True where a file is there, or a folder; in a store, a folder with something in it."""

    @abstractmethod
    def is_dir(self) -> bool:
        """Like `Path.is_dir`."""

    @abstractmethod
    def is_file(self) -> bool:
        """Like `Path.is_file`."""

    @abstractmethod
    def stat(self) -> Sized:
        """The size. Raises FileNotFoundError."""

    @abstractmethod
    def iterdir(self) -> Iterator[Self]:
        """Like `Path.iterdir`."""

    @abstractmethod
    def glob(self, pattern: str) -> Iterator[Self]:
        """The files and folders in this one whose names match `pattern`."""

    @abstractmethod
    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Like `Path.mkdir`; does nothing in a store."""

    @abstractmethod
    def open(self, mode: Literal["rb"], /) -> BufferedReader:
        """The file to read."""

    @abstractmethod
    def read_bytes(self) -> bytes:
        """Like `Path.read_bytes`."""

    @abstractmethod
    def read_text(self, encoding: str) -> str:
        """Like `Path.read_text`."""

    @abstractmethod
    def unlink(self, missing_ok: bool = False) -> None:
        """Like `Path.unlink`."""

    # -- what a disk and a store do differently

    @abstractmethod
    def as_uri(self) -> str:
        """Its address as a link."""

    @abstractmethod
    def listing(self) -> dict[str, int]:
        """The names in a folder with their sizes in bytes, in order of name; a folder's is -1. Empty where there is no
        folder. One request of a store."""

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[BufferedRandom]:
        """A file to write. It is here, whole, when the block ends, and nowhere if the block raises.

        `durable`: the file also survives a power cut; without it, readers have to find the damage that one does.
        """
        folder = self._staging()
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                if durable and folder is not None:
                    os.fsync(file.fileno())
            self._take(temporary)
        except BaseException as error:
            temporary.unlink(missing_ok=True)
            if (
                isinstance(error, OSError) and error.errno and error.filename is None
            ):  # a full disk does not say of itself which
                raise OSError(error.errno, error.strerror, name if folder is None else str(self)) from error
            raise

    @abstractmethod
    def _staging(self) -> Path | None:
        """The folder in which a file is written before it is taken here; None for the temporary folder."""

    @abstractmethod
    def _take(self, temporary: Path) -> None:
        """Make a finished temporary file the file here; the temporary one is gone afterwards."""

    @abstractmethod
    def write_whole(self, data: bytes, *, durable: bool = True) -> None:
        """Write the file so that it is there whole or not at all, also after a power cut (where `durable`)."""

    @abstractmethod
    def move(self, target: Self) -> None:
        """Give the file another name in the same store; a file of that name is replaced."""

    @abstractmethod
    def unchanged(self, sha256: str) -> bool:
        """True where a file that is there is as it was written, with this checksum in hex. On a disk the file is
        read; a store that `KEEPS_WHOLE` is believed."""

    def intact(self, sha256: str, size: int) -> bool:
        """True where the file is there as it was written, of this checksum and this size in bytes."""
        try:
            return self.stat().st_size == size and self.unchanged(sha256)
        except FileNotFoundError:
            return False

    @abstractmethod
    def parquet_source(self) -> AbstractContextManager[Any]:
        """The object from which pyarrow reads a Parquet file. A store sends only the columns and row groups that are
        asked for."""

    @abstractmethod
    def near(self, sha256: str) -> Path:
        """The file itself where it is local; otherwise a copy in the cache folder, which is found by its checksum in
        hex.

        Raises KameError where a copy's checksum is another one, FileNotFoundError where the file is not there.
        """

    @abstractmethod
    def forget_near(self, sha256: str) -> None:
        """Delete the copy that `near` has made."""

    @abstractmethod
    def folder_near(self, files: Callable[[], Mapping[str, str]], changing: tuple[str, ...]) -> Path:
        """A folder of this machine with these files of the folder: itself, or one of the cache folder.

        `files` gives their names with their checksums, and is asked only where they are copied; `changing` are files
        that are copied every time. Raises as `near` does.
        """

    @abstractmethod
    def scratch(self) -> AbstractContextManager[Path]:
        """A folder of this machine to work in, empty at first, which is gone when the block ends: this one, or for a
        store a temporary one."""

    @property
    @abstractmethod
    def here(self) -> Path:
        """The folder of this machine for what belongs to this one but cannot lie in a store: itself, or one of its name
        in the working directory."""

    @property
    @abstractmethod
    def in_this_process(self) -> bool:
        """True where what is written here is in this process's memory alone."""

    @abstractmethod
    def space(self) -> Space:
        """The space for a build."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove what killed writes have left in a folder, which no other command may be using."""
