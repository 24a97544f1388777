"""Files and folders in an object store."""

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from kame_data.errors import KameError
from kame_data.seeds import digest
from kame_data.storage.any_path import AnyPath, Space
from kame_data.storage.cache import cache_folder
from kame_data.storage.local import LocalPath
from kame_data.storage.stores import StorageError, filesystem, said, split_url, written

CHUNK = 16 * 2**20
"""Bytes of one part of a multipart upload."""
READ_AHEAD = 8 * 2**20
"""Bytes of one request where a file is read from one end to the other."""


@dataclass(frozen=True, slots=True)
class Stat:
    """The part of a file's state that a store knows: its size in bytes."""

    st_size: int


class RemotePath(AnyPath):
    """A file or folder in an object store, by its URL. A folder exists when something is in it."""

    __slots__ = ("url",)

    AT_ONCE = 16
    KEEPS_WHOLE = True

    def __init__(self, url: str) -> None:
        self.url = url

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"RemotePath({self.url!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __lt__(self, other: Any) -> bool:
        return self.url < str(other)

    def __truediv__(self, name: str | PurePosixPath) -> "RemotePath":
        return RemotePath(f"{self.url}/{name}")

    @property
    def scheme(self) -> str:
        """`s3` and the like."""
        return split_url(self.url)[0]

    @property
    def fs(self) -> Any:
        """fsspec's filesystem."""
        return filesystem(self.scheme)

    @property
    def key(self) -> str:
        """The name that the filesystem knows it by."""
        return str(self.fs._strip_protocol(self.url))

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(split_url(self.url)[1])

    @property
    def name(self) -> str:
        """Like `Path.name`."""
        return self._pure.name

    @property
    def stem(self) -> str:
        """Like `Path.stem`."""
        return self._pure.stem

    @property
    def suffix(self) -> str:
        """Like `Path.suffix`."""
        return self._pure.suffix

    @property
    def parent(self) -> "RemotePath":
        """Like `Path.parent`; the parent of a bucket is the bucket itself."""
        return RemotePath(self.url.rpartition("/")[0]) if len(self._pure.parts) > 1 else self

    @property
    def bucket(self) -> "RemotePath":
        """The bucket that it is in."""
        return RemotePath(f"{self.scheme}://{self._pure.parts[0]}")

    def with_name(self, name: str) -> "RemotePath":
        """Like `Path.with_name`."""
        return self.parent / name

    def resolve(self) -> "RemotePath":
        """Itself."""
        return self

    def info(self) -> dict[str, Any]:
        """Ask the store for its facts about the file. Raises FileNotFoundError."""
        with said(self.url):
            found: dict[str, Any] = self.fs.info(self.key)
            return found

    def exists(self) -> bool:
        """True where a file, or a folder with something in it, is there."""
        try:
            self.info()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """True where it is a folder with something in it."""
        return self._is("directory")

    def is_file(self) -> bool:
        """True where it is a file."""
        return self._is("file")

    def _is(self, kind: str) -> bool:
        try:
            return bool(self.info()["type"] == kind)
        except FileNotFoundError:
            return False

    def stat(self) -> Stat:
        """Its size. Raises FileNotFoundError."""
        return Stat(int(self.info()["size"] or 0))

    def listing(self) -> dict[str, int]:
        """The names in a folder with their sizes, in order; a folder's is -1. Empty where there is none."""
        key = self.key
        try:
            with said(self.url):
                found = self.fs.ls(key, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        sizes = {
            PurePosixPath(f["name"]).name: -1 if f["type"] == "directory" else int(f["size"])
            for f in found
            if f["name"].strip("/") != key.strip("/")
        }
        return dict(sorted(sizes.items()))

    def iterdir(self) -> Iterator["RemotePath"]:
        """Like `Path.iterdir`, in order of name; nothing where there is no folder."""
        return (self / name for name in self.listing())

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """The files and folders in this one whose names match `pattern`, in order of name."""
        return (self / name for name in self.listing() if fnmatchcase(name, pattern))

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a folder is there when something is in it."""

    def read_bytes(self) -> bytes:
        """Like `Path.read_bytes`; one request."""
        return self.read_range(None, None)

    def read_range(self, start: int | None, stop: int | None) -> bytes:
        """Bytes from `start` to before `stop`; one request."""
        # Else s3fs asks for the size first.
        options = {"max_concurrency": 1} if self.scheme in ("s3", "s3a") else {}
        with said(self.url):
            data: bytes = self.fs.cat_file(self.key, start=start, end=stop, **options)
            return data

    def read_text(self, encoding: str) -> str:
        """Like `Path.read_text`."""
        return self.read_bytes().decode(encoding)

    def open(self, mode: Literal["rb"], /) -> io.BufferedReader:
        """Open the file to read it; more is fetched ahead than is asked for."""
        return io.BufferedReader(_Ranges(self), READ_AHEAD)

    @contextmanager
    def parquet_source(self) -> Iterator[io.RawIOBase]:
        """Open the file to read it; each read is one request for just the bytes that it asks for."""
        with _Ranges(self) as file:
            yield file

    def write_bytes(self, data: bytes, *, new: bool = False) -> None:
        """Write it by one PUT. Raises FileExistsError where it is there already and has to be `new`."""
        with written(self.url):
            if not new:
                self.fs.pipe_file(self.key, data)
                return
            try:
                self.fs.pipe_file(self.key, data, mode="create")
            except (TypeError, ValueError, NotImplementedError):  # a store of fsspec's that knows no conditional write
                if self.exists():
                    raise FileExistsError(self.url) from None
                self.fs.pipe_file(self.key, data)

    def upload(self, local: Path) -> None:
        """Write it from a local file: by one PUT, or, where it is large, in parts of which nothing shows until all are
        there."""
        options = {"chunksize": CHUNK} if self.scheme in ("s3", "s3a", "gs", "gcs") else {}
        with written(self.url):
            self.fs.put_file(str(local), self.key, **options)

    def download(self, local: Path) -> None:
        """Write it to a local file. Raises FileNotFoundError."""
        with said(self.url):
            self.fs.get_file(self.key, str(local))

    def unlink(self, missing_ok: bool = False) -> None:
        """Like `Path.unlink`; some stores raise nothing where the file was not there."""
        try:
            with said(self.url):
                self.fs.rm_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def as_uri(self) -> str:
        """The URL."""
        return self.url

    def _staging(self) -> None:
        return None

    def _take(self, temporary: Path) -> None:
        self.upload(temporary)
        temporary.unlink()

    def write_whole(self, data: bytes, *, durable: bool = True) -> None:
        """Write it by one PUT."""
        self.write_bytes(data)

    def move(self, target: "RemotePath") -> None:
        """Copy the file within the store, whole, and delete it."""
        with written(target.url):
            self.fs.cp_file(self.key, target.key)
        self.unlink(missing_ok=True)

    def unchanged(self, sha256: str) -> bool:
        """True: the store keeps files as they were written."""
        return True

    def _copy(self, sha256: str) -> LocalPath:
        return LocalPath(cache_folder() / sha256[:2] / f"{sha256}{self.suffix}")

    def near(self, sha256: str) -> LocalPath:
        """See `AnyPath`."""
        copy = self._copy(sha256)
        if not copy.exists() or not copy.unchanged(sha256):
            self._fetch(copy, sha256)
        return copy

    def forget_near(self, sha256: str) -> None:
        """See `AnyPath`."""
        self._copy(sha256).unlink(missing_ok=True)

    def folder_near(self, files: Callable[[], Mapping[str, str]], changing: tuple[str, ...]) -> LocalPath:
        """See `AnyPath`; a file that was copied before is not copied again."""
        sums = files()
        folder = LocalPath(cache_folder() / f"tokens-{digest(*sorted(sums.items()))[:16]}")
        for name, sha256 in sums.items():
            if not (folder / name).exists():  # where it is there it is whole
                (self / name)._fetch(folder / name, sha256)
        for name in changing:
            data = (self / name).read_bytes()
            if not (folder / name).exists() or (folder / name).read_bytes() != data:
                (folder / name).write_whole(data)
        return folder

    def _fetch(self, copy: LocalPath, sha256: str) -> None:
        """Write the file to a local one, whole. Raises KameError where its checksum is another one."""
        copy.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=copy.parent)
        os.close(handle)
        fetched = LocalPath(name)
        try:
            self.download(fetched)
            if not fetched.unchanged(sha256):
                raise KameError(f"{self}: its checksum is not the manifest's; make it again")
            fetched.replace(copy)
        finally:
            fetched.unlink(missing_ok=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder."""
        with tempfile.TemporaryDirectory(prefix="kame-data-") as temporary:
            yield Path(temporary)

    @property
    def here(self) -> Path:
        """A folder of the same name in the working directory."""
        return Path(self.name)

    @property
    def in_this_process(self) -> bool:
        """True for `memory://`."""
        return self.scheme == "memory"

    def space(self) -> Space:
        """Enough where the bucket is there."""
        try:
            there, names = self.bucket.exists(), len(self.listing())
        except KameError as error:
            return Space(False, str(error), "docs/STORAGE.md says how to reach an object store")
        return (
            Space(True, f"{names} names in {self}")
            if there
            else Space(False, f"no bucket {self.bucket}", "make the bucket first")
        )

    def sweep(self) -> None:
        """End the unfinished multipart uploads in a folder of S3: nobody completes them, and they cost money."""
        with suppress(StorageError, FileNotFoundError):  # not all stores and keys allow that; it shows nowhere
            self._abort_uploads()

    def _abort_uploads(self) -> None:
        if self.scheme not in ("s3", "s3a"):
            return
        bucket, prefix, _ = self.fs.split_path(self.key)
        with said(self.url):
            for upload in self.fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{prefix}/").get(
                "Uploads", []
            ):
                self.fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])


class _Ranges(io.RawIOBase):
    """A remote file to read; each read is one request."""

    def __init__(self, path: RemotePath) -> None:
        super().__init__()
        self._path, self._size, self._at = path, path.stat().st_size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        data = self._path.read_range(self._at, stop)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
