"""Files that are there whole or not at all, on a disk and in an object store alike.

On a disk a file is written beside its place and renamed; in a store it is one PUT, or a multipart upload that is
completed at the end. What is streamed goes to a local file first, so that memory never holds it and nothing is begun in
the store that might not end.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import file_digest
from io import BufferedRandom
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from pipeline.errors import KameError
from pipeline.storage.paths import AnyPath, RemotePath, StorageError, said

R = TypeVar("R")
REQUESTS = 16
"""Requests at once where many small files are read or written together."""


@contextmanager
def writing(path: AnyPath, *, durable: bool = True) -> Iterator[BufferedRandom]:
    """A file to write, which is at `path`, whole, when the block ends, and nowhere when it raises.

    `durable`: also after a power cut; without, what one damages has to be found on reading.
    """
    remote = isinstance(path, RemotePath)
    folder = None if isinstance(path, RemotePath) else path.parent
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            if durable and not remote:
                os.fsync(file.fileno())
        if isinstance(path, RemotePath):
            path.upload(temporary)
            temporary.unlink()
        else:
            temporary.chmod(0o644)
            temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if (
            isinstance(error, OSError) and error.errno and error.filename is None
        ):  # a full disk does not say of itself which
            raise OSError(error.errno, error.strerror, name if remote else str(path)) from error
        raise


def written_sum(file: BufferedRandom) -> str:
    """SHA-256, in hex, of what stands in a file of `writing` so far."""
    file.flush()
    file.seek(0)
    return file_digest(file, "sha256").hexdigest()


def write_whole(path: AnyPath, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut (where `durable`)."""
    if isinstance(path, RemotePath):
        path.write_bytes(data)
        return
    with writing(path, durable=durable) as file:
        file.write(data)


def write_changed(path: AnyPath, data: bytes) -> None:
    """`write_whole`, unless the file holds just that."""
    if _bytes(path) != data:
        write_whole(path, data)


def write_many(files: Mapping[AnyPath, bytes], *, durable: bool = True) -> None:
    """`write_whole` of each; in an object store many at once."""
    each(lambda path: write_whole(path, files[path], durable=durable), list(files))


def read_many(paths: Sequence[AnyPath]) -> list[bytes | None]:
    """What files hold, None for one that is not there; of an object store many at once."""
    return each(_bytes, paths)


def each(do: Callable[[AnyPath], R], paths: Sequence[AnyPath]) -> list[R]:
    """`do` of each path, in order; many at once where they are an object store's."""
    if len(paths) < 2 or not isinstance(paths[0], RemotePath):
        return [do(path) for path in paths]
    with ThreadPoolExecutor(min(REQUESTS, len(paths))) as pool:
        return list(pool.map(do, paths))


def _bytes(path: AnyPath) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def move(path: AnyPath, target: AnyPath) -> None:
    """Give a file another name in the same store, over what has that name."""
    if isinstance(path, RemotePath):
        assert isinstance(target, RemotePath)
        path.replace(target)
    else:
        assert isinstance(target, Path)
        path.replace(target)


def files(folder: AnyPath, pattern: str) -> list[AnyPath]:
    """The files of a folder whose names are like `pattern`, in order of name; one listing."""
    found: Iterator[AnyPath] = folder.glob(pattern)
    return sorted(found, key=lambda path: path.name)


@contextmanager
def open_parquet(path: AnyPath, *, memory_map: bool = False) -> Iterator[pq.ParquetFile]:
    """A Parquet file to read, of which a store sends only the columns and row groups that are asked for.

    `memory_map` is for local files. Raises FileNotFoundError, OSError and pa.ArrowException as pyarrow does.
    """
    if not isinstance(path, RemotePath):
        with pq.ParquetFile(path, memory_map=memory_map) as parquet:
            yield parquet
        return
    with path.open(buffering=0) as file, pq.ParquetFile(file, pre_buffer=True) as parquet:
        yield parquet


def checksum(path: AnyPath) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def intact(path: AnyPath, sha256: str, size: int) -> bool:
    """Whether a file is there as it was written. A disk's is read; an object store, which keeps checksums of its own
    and never holds half an object, is only asked for the size (`kame-data verify` reads it)."""
    try:
        if path.stat().st_size != size:
            return False
    except FileNotFoundError:
        return False
    return isinstance(path, RemotePath) or checksum(path) == sha256


def sweep(folder: AnyPath) -> None:
    """Remove what killed writes have left beneath a folder that no other command is at work in."""
    if isinstance(folder, RemotePath):
        with suppress(StorageError, FileNotFoundError):  # not all stores and keys allow that; it shows nowhere
            _abort_uploads(folder)
        return
    for left in folder.rglob(".*.tmp"):
        left.unlink()


def _abort_uploads(folder: RemotePath) -> None:
    """End the multipart uploads beneath a folder of S3 that nobody completes any more, which would be paid for."""
    fs = folder.fs
    if folder.scheme not in ("s3", "s3a"):
        return
    bucket, prefix, _ = fs.split_path(folder.key)
    with said(folder.url):
        for upload in fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{prefix}/").get("Uploads", []):
            fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])


def cache_folder() -> Path:
    """KAME_DATA_CACHE, or the user's cache folder: copies of remote files, which may be deleted at any time."""
    named = os.environ.get("KAME_DATA_CACHE", "").strip()
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("kame-data")


def _copy_of(path: RemotePath, sha256: str) -> Path:
    return cache_folder() / sha256[:2] / f"{sha256}{path.suffix}"


def forget_copy(path: AnyPath, sha256: str) -> None:
    """Delete the copy that `local_copy` has made."""
    if isinstance(path, RemotePath):
        _copy_of(path, sha256).unlink(missing_ok=True)


def local_copy(path: AnyPath, sha256: str) -> Path:
    """The file itself where it is local, else a copy in the cache folder, found again by its checksum.

    Raises KameError where the file's checksum is another one, FileNotFoundError where it is not there.
    """
    if not isinstance(path, RemotePath):
        return path
    copy = _copy_of(path, sha256)
    if not copy.exists() or checksum(copy) != sha256:
        fetch(path, copy, sha256)
    return copy


def fetch(path: RemotePath, copy: Path, sha256: str) -> None:
    """Write a remote file to a local one, whole. Raises KameError where its checksum is another one."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=copy.parent)
    os.close(handle)
    try:
        path.download(Path(name))
        if checksum(Path(name)) != sha256:
            raise KameError(f"{path}: its checksum is not the manifest's; make it again")
        Path(name).replace(copy)
    finally:
        Path(name).unlink(missing_ok=True)
