"""Files that are written whole or not at all, on a disk and in an object store alike; several files at once.

On a disk a file is written beside its place and renamed; in a store it is one PUT, or a multipart upload that is
completed at the end. Streamed data goes to a local file first, so that memory never holds it and no upload begins that
might not end. Every function here also takes a plain `Path` of `pathlib`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from hashlib import file_digest
from io import BufferedRandom
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from kame_data.storage.paths import AnyPath, path_of

P = TypeVar("P", bound=Path | AnyPath)
R = TypeVar("R")


def writing(path: Path | AnyPath, *, durable: bool = True) -> AbstractContextManager[BufferedRandom]:
    """A file to write; see `AnyPath.writing`."""
    return path_of(path).writing(durable=durable)


def written_sum(file: BufferedRandom) -> str:
    """SHA-256, in hex, of what has been written to a file of `writing` so far."""
    file.flush()
    file.seek(0)
    return file_digest(file, "sha256").hexdigest()


def write_whole(path: Path | AnyPath, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut (where `durable`)."""
    path_of(path).write_whole(data, durable=durable)


def write_changed(path: Path | AnyPath, data: bytes) -> None:
    """Call `write_whole`, unless the file holds these bytes already."""
    if _bytes(path) != data:
        write_whole(path, data)


def write_many(files: Mapping[AnyPath, bytes], *, durable: bool = True) -> None:
    """Call `write_whole` for each file; many at once in an object store."""
    each(lambda path: write_whole(path, files[path], durable=durable), list(files))


def read_many(paths: Sequence[Path | AnyPath]) -> list[bytes | None]:
    """Read the contents of the files, None for a file that is not there; many at once from an object store."""
    return each(_bytes, paths)


def each(do: Callable[[P], R], paths: Sequence[P]) -> list[R]:
    """The results of `do` for each path, in order; many at once for paths of an object store."""
    if len(paths) < 2 or (at_once := path_of(paths[0]).AT_ONCE) == 1:
        return [do(path) for path in paths]
    with ThreadPoolExecutor(min(at_once, len(paths))) as pool:
        return list(pool.map(do, paths))


def _bytes(path: Path | AnyPath) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def files(folder: Path | AnyPath, pattern: str) -> list[AnyPath]:
    """The files of a folder whose names match `pattern`, in order of name; one listing."""
    return sorted(path_of(folder).glob(pattern), key=lambda path: path.name)


@contextmanager
def open_parquet(path: Path | AnyPath, *, memory_map: bool = False) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file to read it; a store sends only the columns and row groups that are asked for.

    `memory_map` is for local files. Raises FileNotFoundError, OSError and pa.ArrowException as pyarrow does.
    """
    path = path_of(path)
    with (
        path.parquet_source() as source,
        pq.ParquetFile(source, memory_map=memory_map, pre_buffer=path.AT_ONCE > 1) as parquet,
    ):
        yield parquet


def checksum(path: Path | AnyPath) -> str:
    """SHA-256 of a file, in hex."""
    with path_of(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
