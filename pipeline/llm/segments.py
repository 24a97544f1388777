"""The files of a ledger: append-only text segments, each with one writer, a checksum on every line.

A line is `<CRC-32, 8 hex> <kind> <key, 64 hex> <JSON>\\n`. Lines are whole or they do not count: what has no newline
yet, or another checksum, is skipped, and reading goes on at the next newline. A segment is never opened for writing
twice, so a tail that a killed process left stays where it is and harms nobody.
"""

import asyncio
import contextlib
import os
import re
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import KameError

SUFFIX = ".jsonl"
ANSWER, WASTE, JOB, SESSION = "A", "W", "B", "S"
KINDS = (ANSWER, WASTE, JOB, SESSION)
_HEAD = 8 + 1 + 1 + 1 + 64 + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line lies: its segment and its first byte and length in bytes, without the newline."""

    path: Path
    offset: int
    length: int


def encode(kind: str, key: str, text: str) -> bytes:
    """One line. `key` is 64 hex digits, `text` JSON without line breaks."""
    body = f"{kind} {key} {text}".encode("utf-8", "surrogatepass")
    return b"%08x " % zlib.crc32(body) + body + b"\n"


def decode(line: bytes) -> tuple[str, str, bytes] | None:
    """Kind, key and JSON bytes of a line without its newline; None where it is damaged."""
    if len(line) <= _HEAD or line[8] != 32:
        return None
    try:
        if int(line[:8], 16) != zlib.crc32(memoryview(line)[9:]):
            return None
    except ValueError:
        return None
    return chr(line[9]), line[11:75].decode("ascii"), line[76:]


@dataclass
class Scan:
    """The whole lines of a segment from a byte on. After the iteration: `end`, the byte after the last whole line,
    the offsets of `damaged` lines, and `torn`, the bytes after the last newline."""

    path: Path
    start: int = 0
    end: int = 0
    torn: int = 0
    damaged: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, str, int, int, bytes]]:
        """(kind, key, offset, length without newline, JSON bytes) of each good line."""
        self.end = self.start
        with self.path.open("rb") as file:
            file.seek(self.start)
            for line in file:
                if not line.endswith(b"\n"):
                    self.torn = len(line)
                    return
                offset, self.end = self.end, self.end + len(line)
                found = decode(line[:-1])
                if found is None:
                    self.damaged.append(offset)
                else:
                    yield found[0], found[1], offset, len(line) - 1, found[2]


def segments(folder: Path) -> list[Path]:
    """The segments of a ledger in order of name, that is of the time at which they were begun."""
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(SUFFIX))
    except FileNotFoundError:
        return []


def new_name() -> str:
    """A name that no other writer has: time, host, process, and a random part."""
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
    host = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname())[:40] or "host"
    return f"{stamp}-{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}{SUFFIX}"


@dataclass(slots=True)
class _Pending:
    data: bytes
    done: "Future[Place] | asyncio.Future[Place]"
    loop: asyncio.AbstractEventLoop | None
    key: str
    kind: str


class Writer:
    """Appends lines to a segment of its own; a line counts as written once it is on the disk (fsync).

    One thread writes: whatever came in while the last group was on its way to the disk goes with the next, so that
    hundreds of answers a second share a few dozen fsyncs. `on_durable(kind, key, place)` is called in that thread
    before anyone who waits is told.
    """

    def __init__(self, folder: Path, on_durable: Callable[[str, str, Place], None]) -> None:
        self.folder = folder
        self.pid = os.getpid()
        self._on_durable = on_durable
        self._pending: list[_Pending] = []
        self._ready = threading.Condition()
        self._closed = False
        self._fd: int | None = None
        self.path: Path | None = None
        self._end = 0
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def append(self, kind: str, key: str, data: bytes) -> "Future[Place]":
        """For callers without an event loop; the future's exception is a KameError where the disk refuses."""
        future: Future[Place] = Future()
        self._add(_Pending(data, future, None, key, kind))
        return future

    def append_async(self, kind: str, key: str, data: bytes) -> "asyncio.Future[Place]":
        """For callers in an event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Place] = loop.create_future()
        self._add(_Pending(data, future, loop, key, kind))
        return future

    def close(self) -> None:
        """Writes what is pending and ends the thread."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        if self.pid == os.getpid():
            self._thread.join()

    def _add(self, item: _Pending) -> None:
        with self._ready:
            if self._closed:
                raise KameError(f"ledger {self.folder}: closed; nothing can be written any more")
            self._pending.append(item)
            self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._pending and not self._closed:
                    self._ready.wait()
                group, self._pending = self._pending, []
                if not group:
                    break
            self._write(group)
        if self._fd is not None:
            os.close(self._fd)

    def _write(self, group: list[_Pending]) -> None:
        try:
            places = self._to_disk(group)
        except OSError as error:
            self._give_back()
            reason = error.strerror or type(error).__name__
            failure = KameError(
                f"ledger {self.folder}: {reason}; answers can't be kept, so no more are asked for: "
                "make room (or name another folder with --ledger) and run the same command again"
            )
            _tell(group, [failure] * len(group))
            return
        for item, place in zip(group, places, strict=True):
            self._on_durable(item.kind, item.key, place)
        _tell(group, places)

    def _to_disk(self, group: list[_Pending]) -> list[Place]:
        if self._fd is None:
            self._open()
        assert self._fd is not None and self.path is not None
        data, places, at = b"".join(item.data for item in group), [], self._end
        for item in group:
            places.append(Place(self.path, at, len(item.data) - 1))
            at += len(item.data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        os.fsync(self._fd)
        self._end = at
        return places

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / new_name()
        self._fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        self._end = 0
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _give_back(self) -> None:
        """After a failed write: cut off what may be torn, and begin a new segment next time."""
        if self._fd is None:
            return
        # Where this fails too, readers skip the torn tail by themselves.
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._end)
        os.close(self._fd)
        self._fd = None


def _tell(group: Iterable[_Pending], results: Iterable[Place | Exception]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[_Pending, Place | Exception]]] = {}
    for item, result in zip(group, results, strict=True):
        if item.loop is None:
            _settle(item, result)
        else:
            loops.setdefault(item.loop, []).append((item, result))
    for loop, pairs in loops.items():
        # One wake-up for the whole group; where the loop is gone, so is whoever waited.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, pairs)


def _settle_all(pairs: list[tuple[_Pending, Place | Exception]]) -> None:
    for item, result in pairs:
        _settle(item, result)


def _settle(item: _Pending, result: Place | Exception) -> None:
    if item.done.done():
        return
    if isinstance(result, Exception):
        item.done.set_exception(result)
    else:
        item.done.set_result(result)
