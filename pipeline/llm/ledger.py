"""The ledger: every answer that was ever paid for, durable before it is used, found by the key of its request.

A folder of append-only segments (`pipeline.llm.segments`), each written by one process, and an index that can be made
from them at any time. Several processes may write at once; they see each other's answers when they open the ledger
or call `refresh`. Where a key was answered twice, the answer of the segment that was begun first holds, for everyone.
"""

import asyncio
import json
import logging
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import KameError, UsageError
from pipeline.llm.ledger_index import Index
from pipeline.llm.segments import ANSWER, JOB, SESSION, WASTE, Place, Scan, Writer, decode, encode, segments
from pipeline.seeds import digest

log = logging.getLogger(__name__)
CACHE_FROM = 20_000  # answers that are worth a new cached index
OPEN_FILES = 128
ROOM = 32 * 2**20  # bytes that must be free before anything is asked


def default_folder() -> Path:
    """KAME_DATA_LEDGER, or the user's data folder."""
    named = os.environ.get("KAME_DATA_LEDGER", "").strip()
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/kame-data/ledger").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "kame-data" / "ledger"


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer as the ledger holds it: `raw` is the provider's response as it came; `about` says when, where, what.

    `about`: at (UTC), provider, url, model, sample, stage, level, mode (`online` or `batch`), status (HTTP), input,
    output, cached (tokens, null where unknown), cost (dollars, null where the price is unknown), seconds.
    """

    key: str
    raw: str
    about: dict[str, Any]


class Ledger:
    """Opens (and makes on the first write) the ledger in `folder`; usable from any thread."""

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        if re.match(r"[a-z0-9+]{2,}:/", str(self.folder)):
            raise UsageError(
                f"ledger {self.folder}: name a folder of this machine; `kame-data ledger export URL` copies it"
            )
        if self.folder.exists() and not self.folder.is_dir():
            raise KameError(f"ledger {self.folder}: is a file; name a folder with --ledger")
        self.damaged = 0
        self._lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._new: dict[str, list[Place]] = {}
        self._notes: list[tuple[str, str, Place]] = []
        self._covered: dict[str, int] = {}
        self._files: dict[Path, int] = {}
        self._writer: Writer | None = None
        self._index = Index()
        try:
            self._load()
        except OSError as error:
            raise KameError(f"ledger {self.folder}: {error.strerror}; name another folder with --ledger") from None

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Answers, those given twice counted twice."""
        return len(self._index) + sum(map(len, self._new.values()))

    # Reading

    def get(self, key: str) -> Entry | None:
        """The answer for a key, checked against its checksum; None where there is none that is whole."""
        # What is new first, or it might move into the index between the two looks.
        new = list(self._new.get(key, ()))
        for place in sorted([*new, *self._index.find(self.folder, key)], key=_order):
            found = self._read(place)
            if found is None:
                self._say_damaged(place.path, 1)
            elif found[0] == ANSWER and found[1] == key:
                about = json.loads(found[2])
                return Entry(key, about.pop("raw"), about)
        return None

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def jobs(self) -> dict[str, dict[str, Any]]:
        """What is noted of each batch job, by the job's own name: its notes laid over each other in their order."""
        merged: dict[str, dict[str, Any]] = {}
        for note in sorted(self.notes(JOB), key=lambda note: int(note["seq"])):
            earlier = merged.get(note["job"], {})
            merged[note["job"]] = {**earlier, **note, "at": earlier.get("at", note["at"])}
        return merged

    def notes(self, kind: str) -> Iterator[dict[str, Any]]:
        """The notes of a kind (batch jobs, sessions), in order of segment."""
        for place in sorted((p for k, _, p in list(self._notes) if k == kind), key=_order):
            found = self._read(place)
            if found is not None:
                yield json.loads(found[2])

    def refresh(self) -> int:
        """Takes in what other processes have written since; returns how many answers those are."""
        with self._lock:
            before = len(self)
            own = self._writer.path if self._writer is not None else None
            for path in segments(self.folder):
                if path != own:
                    self._scan(path)
            return len(self) - before

    # Writing

    async def put(self, key: str, raw: str, about: dict[str, Any], waste: bool = False) -> None:
        """Returns once the answer is on the disk; KameError where it can't be kept.

        `waste` marks what was paid for and is of no use (an empty answer): kept for the accounts, never given out.
        """
        kind = WASTE if waste else ANSWER
        await self._open_writer().append_async(kind, key, encode(kind, key, _text(raw, about)))

    def put_now(self, key: str, raw: str, about: dict[str, Any], waste: bool = False) -> None:
        """`put` for callers without an event loop."""
        self.put_many([(key, raw, about)], waste)

    def put_many(self, answers: list[tuple[str, str, dict[str, Any]]], waste: bool = False) -> None:
        """Many answers that share their way to the disk; returns when all of them are there."""
        kind, writer = WASTE if waste else ANSWER, self._open_writer()
        waiting = [writer.append(kind, key, encode(kind, key, _text(raw, about))) for key, raw, about in answers]
        for future in waiting:
            future.result()

    def note(self, kind: str, name: str, values: dict[str, Any]) -> None:
        """Keeps a note (JOB or SESSION), durably."""
        key = digest(kind, name)
        self._open_writer().append(kind, key, encode(kind, key, json.dumps({"at": now(), **values}))).result()

    async def note_async(self, kind: str, name: str, values: dict[str, Any]) -> None:
        """`note` without holding up the event loop."""
        await asyncio.to_thread(self.note, kind, name, values)

    def append_line(self, kind: str, key: str, line: bytes) -> None:
        """Takes over a line of another ledger (see `pipeline.llm.ledger_tools`); durable after `flush`."""
        self._open_writer().append(kind, key, line)

    def flush(self) -> None:
        """Waits until all that was given is on the disk; KameError where it is not."""
        if self._writer is not None:
            name = digest("flush")
            self._writer.append(SESSION, name, b"").result()

    def check_room(self) -> None:
        """KameError where the disk is so full that an answer might not be kept: better not to ask then."""
        where = self.folder
        while not where.exists() and where != where.parent:
            where = where.parent
        free = shutil.disk_usage(where).free
        if free < ROOM:
            raise KameError(
                f"ledger {self.folder}: only {free // 2**20} MiB free on its disk, so nothing is asked that might not "
                "be kept: make room (or name another folder with --ledger) and run the same command again"
            )

    def close(self) -> None:
        """Writes what is pending, keeps the index if that saves the next opening time, closes the files."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        with self._lock:
            if sum(map(len, self._new.values())) >= CACHE_FROM:
                self._fold()
        with self._read_lock:
            self._close_files()

    # Inside

    def _load(self) -> None:
        paths = segments(self.folder)
        cached = Index.load(self.folder, {path.name: path.stat().st_size for path in paths})
        if cached is not None:
            self._index, notes = cached
            self._covered = dict(self._index.covered)
            known = notes["notes"]
            self._notes = [(kind, key, Place(self.folder / name, at, size)) for kind, key, name, at, size in known]
        for path in paths:
            self._scan(path)
        if sum(map(len, self._new.values())) >= CACHE_FROM:
            self._fold()

    def _scan(self, path: Path) -> None:
        start = self._covered.get(path.name, 0)
        if path.stat().st_size <= start:
            return
        scan = Scan(path, start)
        for kind, key, offset, length, _ in scan:
            self._take(kind, key, Place(path, offset, length))
        self._covered[path.name] = scan.end
        if scan.damaged:
            self._say_damaged(path, len(scan.damaged))

    def _take(self, kind: str, key: str, place: Place) -> None:
        if kind == ANSWER:
            self._new.setdefault(key, []).append(place)
        elif kind in (JOB, SESSION) and place.length > 0:
            self._notes.append((kind, key, place))

    def _fold(self) -> None:
        """Moves what is new into the index and caches it."""
        self._index = self._index.extended(self._new, self._covered)
        self._new = {}
        notes = [(kind, key, p.path.name, p.offset, p.length) for kind, key, p in self._notes]
        self._index.save(self.folder, {"notes": notes})

    def _open_writer(self) -> Writer:
        with self._lock:
            # A forked child has no thread to write with, and must not share a segment.
            if self._writer is None or self._writer.pid != os.getpid():
                self._writer = Writer(self.folder, self._written)
            return self._writer

    def _written(self, kind: str, key: str, place: Place) -> None:
        with self._lock:
            self._take(kind, key, place)
            self._covered[place.path.name] = place.offset + place.length + 1
            if len(self._new) >= 5 * CACHE_FROM:
                # Sorted arrays take a tenth of the memory.
                self._fold()

    def _read(self, place: Place) -> tuple[str, str, bytes] | None:
        with self._read_lock:
            try:
                fd = self._files.get(place.path)
                if fd is None:
                    if len(self._files) >= OPEN_FILES:
                        self._close_files()
                    fd = self._files[place.path] = os.open(place.path, os.O_RDONLY)
                return decode(os.pread(fd, place.length, place.offset))
            except OSError:
                return None

    def _close_files(self) -> None:
        for fd in self._files.values():
            os.close(fd)
        self._files.clear()

    def _say_damaged(self, path: Path, lines: int) -> None:
        self.damaged += lines
        log.warning("ledger %s: %d damaged line(s) skipped; what they held is asked for again", path, lines)


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _order(place: Place) -> tuple[str, int]:
    return place.path.name, place.offset


def _text(raw: str, about: dict[str, Any]) -> str:
    return json.dumps({"at": now(), **about, "raw": raw}, ensure_ascii=False, separators=(",", ":"))
