"""Paths to files here or in an object store: `path_of` makes one of what the user gave.

No listing is cached, for another machine may write at the same time. Whatever a store has to say becomes a
`StorageError` of one line; only that something is not there stays a FileNotFoundError, as with `Path`.
"""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from pipeline.errors import KameError, UsageError

CHUNK = 16 * 2**20
"""Bytes of one part of a multipart upload."""
AT_ONCE = 4
"""Parts of one upload that are on their way together; with CHUNK, what an upload holds in memory."""
READ_AHEAD = 8 * 2**20
"""Bytes of one request where a file is read from one end to the other."""
TRIES = 6
"""How often botocore sends a request, a 503 and a broken connection alike, over some 15 s; AWS_MAX_ATTEMPTS says
otherwise."""
AGAIN = 2
"""How often s3fs lets it do so, which also sees to answers that break off; its own 5 would make 125 tries of a read."""
EXTRAS = {"s3": "kame-data[s3]", "s3a": "kame-data[s3]", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
STORES = {"botocore", "aiobotocore", "aiohttp", "s3fs", "gcsfs", "google", "azure", "adlfs", "fsspec", "requests"}
"""Packages whose exceptions are a store's; some of them are no OSError."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_LOGIN = re.compile(r"[^@/]*:[^@]*@")  # a secret key may have slashes
_filesystems: dict[tuple[str, int], Any] = {}
_lock = Lock()


class StorageError(KameError):
    """An object store that does not do what it is asked: the URL, what it said, the way out."""


def redacted(text: str) -> str:
    """Text without what a URL in it may hold of credentials: user and password, and a query."""
    bare = re.sub(r"://([^/\s@]*|[^\s@:]*:[^\s@]*)@", "://...@", text)
    return re.sub(r"(://[^\s?\"']*)\?[^\s\"']*", r"\1?...", bare)


def check_url(text: str) -> None:
    """Raise UsageError for a URL that holds credentials, or that is none of a store's."""
    if "::" in text and "://" in text:
        raise UsageError(f"{redacted(text)}: is a chain of file systems; give a plain URL, as in s3://bucket/folder")
    scheme, rest = split_url(text)
    if scheme and ("@" in rest.partition("/")[0] or _LOGIN.match(rest) or "?" in rest):
        raise UsageError(
            f"{redacted(text)}: credentials do not belong into a URL; set them in the environment (docs/STORAGE.md)"
        )


def split_url(text: str) -> tuple[str, str]:
    """Scheme and rest of a URL; no scheme for a path. `s3:/bucket`, what a path makes of a URL, is none either."""
    found = _SCHEME.fullmatch(text)
    return (found[1].lower(), found[2]) if found else ("", text)


def path_of(text: "str | AnyPath") -> "AnyPath":
    """A path of what the user gave: a URL of fsspec or a path of this machine. Raises UsageError for a bad URL."""
    if isinstance(text, Path | RemotePath):
        return text
    check_url(text)
    scheme, rest = split_url(text)
    if not scheme:
        return Path(text)
    if scheme in ("file", "local"):
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise UsageError(f"{text}: names a host; give file:///folder or a plain path")
        return Path(slash + path)
    names = [name for name in rest.split("/") if name]
    if not names or (rest.startswith("/") and scheme in EXTRAS):
        raise UsageError(f"{text}: names no bucket; give {scheme}://bucket/folder")
    if ".." in names or "." in names:
        raise UsageError(f"{text}: an object store knows no '.' or '..'; write the names out")
    remote = RemotePath(f"{scheme}://{'/'.join(names)}")
    _ = remote.fs  # a scheme that is not known, or a package that is missing, is said now
    return remote


def _options(scheme: str) -> dict[str, Any]:
    """What a filesystem is opened with, over fsspec's own configuration."""
    options: dict[str, Any] = {"use_listings_cache": False}
    if scheme in ("s3", "s3a"):
        from fsspec.config import conf

        own = conf.get(scheme, {}).get("config_kwargs", {})
        retries: dict[str, Any] = {"mode": os.environ.get("AWS_RETRY_MODE", "standard")}
        if "AWS_MAX_ATTEMPTS" not in os.environ:
            retries["total_max_attempts"] = TRIES
        options |= {"config_kwargs": {"retries": retries} | own, "max_concurrency": AT_ONCE}
    return options


def filesystem(scheme: str) -> Any:
    """The fsspec filesystem of a scheme, one a process. Raises UsageError where there is none."""
    key = (scheme, os.getpid())
    with _lock:
        if key not in _filesystems:
            import fsspec

            try:
                opened = _filesystems[key] = fsspec.filesystem(scheme, **_options(scheme))
                if scheme in ("s3", "s3a"):
                    opened.retries = AGAIN
            except ImportError:
                package = EXTRAS.get(scheme, "fsspec's package for it")
                raise UsageError(f"{scheme}://: its package is missing; pip install '{package}'") from None
            except ValueError as error:
                raise UsageError(f"{scheme}://: {redacted(str(error))}; s3://bucket/folder is a URL, say") from None
        return _filesystems[key]


def _of_a_store(error: Exception) -> bool:
    where = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError | TimeoutError | NotImplementedError) or bool(where & STORES)


def way_out(error: Exception) -> str:
    """What a person can do about what a store said."""
    name = type(error).__name__
    if isinstance(error, PermissionError) or "Credentials" in name or "Forbidden" in name or "Token" in str(error):
        return "set credentials that may do this in the environment (docs/STORAGE.md)"
    if "Endpoint" in name or "Connect" in name:
        return "see to the network, and to AWS_ENDPOINT_URL where it is no AWS, and give the same command again"
    return "give the same command again; it goes on from what is done"


@contextmanager
def said(url: str) -> Iterator[None]:
    """Turns what a store raises about `url` into a StorageError; what is not there or is there already passes."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, KameError):
        raise
    except Exception as error:
        if not _of_a_store(error):
            raise
        told = " ".join(redacted(getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
        raise StorageError(f"{url}: {told[:200].rstrip('. ')}; {way_out(error)}") from error


@dataclass(frozen=True, slots=True)
class Stat:
    """What of a file's state a store knows: its size in bytes."""

    st_size: int


class RemotePath:
    """A file or folder in an object store, by its URL; folders are there when something is in them."""

    __slots__ = ("url",)

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

    def __lt__(self, other: "RemotePath") -> bool:
        return self.url < other.url

    def __truediv__(self, name: "str | PurePosixPath") -> "RemotePath":
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
        """As of `Path`."""
        return self._pure.name

    @property
    def stem(self) -> str:
        """As of `Path`."""
        return self._pure.stem

    @property
    def suffix(self) -> str:
        """As of `Path`."""
        return self._pure.suffix

    @property
    def parent(self) -> "RemotePath":
        """As of `Path`; a bucket's is itself."""
        return RemotePath(self.url.rpartition("/")[0]) if len(self._pure.parts) > 1 else self

    @property
    def bucket(self) -> "RemotePath":
        """The bucket that it is in."""
        return RemotePath(f"{self.scheme}://{self._pure.parts[0]}")

    def with_name(self, name: str) -> "RemotePath":
        """As of `Path`."""
        return self.parent / name

    def resolve(self) -> "RemotePath":
        """Itself."""
        return self

    def info(self) -> dict[str, Any]:
        """What the store says of it. Raises FileNotFoundError."""
        with said(self.url):
            found: dict[str, Any] = self.fs.info(self.key)
            return found

    def exists(self) -> bool:
        """Whether a file, or a folder with something in it, is there."""
        try:
            self.info()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Whether something is in it."""
        return self._is("directory")

    def is_file(self) -> bool:
        """Whether it is a file."""
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

    def iterdir(self) -> "Iterator[RemotePath]":
        """As of `Path`, in order of name; nothing where there is no folder."""
        return (self / name for name in self.listing())

    def glob(self, pattern: str) -> "Iterator[RemotePath]":
        """The files and folders in this one whose names are like `pattern`, in order of name."""
        return (self / name for name in self.listing() if fnmatchcase(name, pattern))

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a folder is there when something is in it."""

    def read_bytes(self) -> bytes:
        """As of `Path`; one request."""
        return self.read_range(None, None)

    def read_range(self, start: int | None, stop: int | None) -> bytes:
        """Bytes from `start` to before `stop`; one request."""
        # Else s3fs asks for the size first.
        options = {"max_concurrency": 1} if self.scheme in ("s3", "s3a") else {}
        with said(self.url):
            data: bytes = self.fs.cat_file(self.key, start=start, end=stop, **options)
            return data

    def read_text(self, encoding: str = "utf-8") -> str:
        """As of `Path`."""
        return self.read_bytes().decode(encoding)

    def open(self, mode: str = "rb", buffering: int = READ_AHEAD) -> io.BufferedIOBase:
        """The file to read; with `buffering` 0, every read is a request of just what it asks for."""
        if mode != "rb":
            raise ValueError(f"{self.url}: mode {mode}; what is written goes through pipeline.storage.files")
        raw = _Ranges(self)
        return io.BufferedReader(raw, buffering) if buffering else raw  # type: ignore[return-value]

    def write_bytes(self, data: bytes, *, new: bool = False) -> None:
        """Write it by one PUT. Raises FileExistsError where it is there already and has to be `new`."""
        with _written(self.url):
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
        with _written(self.url):
            self.fs.put_file(str(local), self.key, **options)

    def download(self, local: Path) -> None:
        """Write it to a local file. Raises FileNotFoundError."""
        with said(self.url):
            self.fs.get_file(self.key, str(local))

    def replace(self, target: "RemotePath") -> "RemotePath":
        """Copy it within the store, whole, and delete it: what `Path.replace` does in one step, in two."""
        with _written(target.url):
            self.fs.cp_file(self.key, target.key)
        self.unlink(missing_ok=True)
        return target

    def unlink(self, missing_ok: bool = False) -> None:
        """As of `Path`; some stores do not say that there was nothing."""
        try:
            with said(self.url):
                self.fs.rm_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise


@contextmanager
def _written(url: str) -> Iterator[None]:
    try:
        with said(url):
            yield
    except FileNotFoundError as error:
        told = " ".join(str(error).split()).rstrip(".")
        raise StorageError(f"{url}: cannot be written ({told}); make the bucket first, or name another") from error


class _Ranges(io.RawIOBase):
    """A remote file to read, a request for every read."""

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


AnyPath = Path | RemotePath
"""What `path_of` gives."""
