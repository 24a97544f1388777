"""The file of a ledger: an SQLite database in WAL mode, with a checksum on every row, and a lock beside it.

A connection that can write lives only while this process holds the lock. For SQLite before 3.51.3 may damage a database
when two connections write, or move the WAL into the file, at the same instant; under the lock there is no second one.
All other connections are read-only, and SQLite moves no WAL for those, not even when the last one is closed.
"""

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from weakref import WeakSet

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, InstanceOf

from kame_data.errors import KameError
from kame_data.storage.files import write_whole

ANSWER, WASTE, JOB, SESSION = "A", "W", "B", "S"
KINDS = (ANSWER, WASTE, JOB, SESSION)
NAME, WAL, LOCK = "ledger.sqlite", "ledger.sqlite-wal", "ledger.lock"
APPLICATION, FORMAT = int.from_bytes(b"kame"), 1
PATIENCE = 60.0  # seconds that another process may hold the lock
BUSY = 10.0  # seconds that SQLite waits for other connections; these take milliseconds
GIVE_UP = 20_000  # rows after each other that cannot be read: then there are no more
MOUNTS = Path("/proc/self/mounts")
NETWORK = {"afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gpfs", "lustre", "nfs", "nfs4", "smb3"}
FULL = (
    "answers can't be kept, so no more are asked for: make room (or name another folder with --ledger) and run the "
    "same command again"
)
ELSEWHERE = "name another folder with --ledger"
_SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key BLOB NOT NULL, crc INTEGER NOT NULL, text BLOB NOT NULL
);
CREATE INDEX entry_by_key ON entry (kind, key);
CREATE TABLE taken_over (segment TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
"""
LOOK = "SELECT id, kind, key, crc, text FROM entry"
_ADD = "INSERT INTO entry (kind, key, crc, text) VALUES (?, ?, ?, ?)"
_ADD_NEW = """INSERT INTO entry (kind, key, crc, text) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS
    (SELECT 1 FROM entry WHERE kind = ?1 AND key = ?2 AND crc = ?3 AND text = ?4)"""
_DAMAGE = {0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_NO_FILES = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
# Held by whoever has a connection that can write, and by whoever reads; a fork waits for both.
_ALONE, _READING = threading.Lock(), threading.RLock()

Row = tuple[str, bytes, int, bytes]
"""Kind, key (32 bytes), CRC-32 of the line that is exported (from its kind on), JSON without line breaks."""


Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class _Answer(BaseModel):
    """Part of an answer that is computed with."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    # A provider may send half of a pair of surrogates, which is no text of pydantic, and is paid for.
    raw: InstanceOf[str]
    provider: str | None = None
    model: str | None = None
    stage: str | None = None
    level: int | None = None
    input: Count | None = None
    output: Count | None = None
    cached: Count | None = None
    cost: float | None = None


class _Job(BaseModel):
    """Part of a note on a batch job that is computed with."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    job: str
    seq: Count
    at: str
    provider: str | None = None
    url: str | None = None
    model: str | None = None
    state: str | None = None
    id: str | None = None
    most: float | None = None
    requests: dict[str, Annotated[list[int | str | None], Field(min_length=3, max_length=3)]] | None = None


class _Session(BaseModel):
    """Part of a note on a session that is computed with."""

    session: str
    asked: Count = 0
    hits: Count = 0


_HELD: dict[str, type[BaseModel]] = {ANSWER: _Answer, WASTE: _Answer, JOB: _Job, SESSION: _Session}


def content(kind: str, data: bytes) -> dict[str, Any] | None:
    """Content of a row; None where it is nothing that a ledger of this version writes.

    A checksum tells that a row is as it was written, and not by whom: an imported file may hold anything.
    """
    if kind not in _HELD:
        return None
    try:
        found = json.loads(data)
        _HELD[kind].model_validate(found)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Damaged(KameError):
    """The file of a ledger, or a page of it, that cannot be read."""


def row_of(kind: str, key: bytes, data: bytes) -> Row:
    """A row with its checksum."""
    return kind, key, zlib.crc32(data, zlib.crc32(f"{kind} {key.hex()} ".encode())), data


def is_whole(row: Sequence[Any]) -> bool:
    """True where a row is what was written once."""
    kind, key, crc, data = row
    return kind in KINDS and type(key) is type(data) is bytes and crc == row_of(kind, key, data)[2]


def failure(folder: Path, error: Exception, way: str) -> KameError:
    """One line for an error of SQLite or of the disk; `way` is the way out, where the file is not damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, sqlite3.Error) and code in _DAMAGE:
        return Damaged(
            f"ledger {folder / NAME}: damaged ({error}); kame-data ledger --ledger NEW import {folder} takes what can "
            "be read into a new folder, else bring back a copy"
        )
    full = code == sqlite3.SQLITE_FULL
    reason = "No space left on device" if full else getattr(error, "strerror", None) or str(error)
    return KameError(f"ledger {folder}: {reason}; {way}")


def check_disk(folder: Path) -> None:
    """Raises KameError where the folder lies on a network: processes of two machines share no WAL."""
    try:
        mounts = [line.split()[1:3] for line in MOUNTS.read_text("utf-8", "replace").splitlines()]
    except OSError:
        return
    above = [mount for mount in mounts if folder.resolve().is_relative_to(mount[0].replace("\\040", " "))]
    at, kind = max(above, default=["", ""])
    if kind in NETWORK:
        raise KameError(
            f"ledger {folder}: lies on a file system of a network ({kind} at {at}), where SQLite can't keep answers "
            "safely; name a folder on a disk of this machine with --ledger or KAME_DATA_LEDGER"
        )


@contextmanager
def writable(folder: Path, way: str = FULL) -> Iterator[sqlite3.Connection]:
    """The one connection that can write, while the block runs; makes folder and file where there are none.

    Raises KameError where the file is no ledger, or the disk refuses; `way` is the way out then.
    """
    try:
        with _ALONE:
            folder.mkdir(parents=True, exist_ok=True)
            # Whoever may read or write the folder may read or write the ledger.
            mode = 0o600 | folder.stat().st_mode & 0o066
            with FileLock(str(folder / LOCK), PATIENCE, mode).acquire(poll_interval=0.005):
                if not (folder / NAME).exists():
                    _create(folder, mode)
                with closing(_connect(folder, "mode=rw")) as database:
                    if database.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                        raise OSError(None, "its file system takes no WAL of SQLite")
                    database.execute("PRAGMA synchronous = FULL")
                    yield database
                    # At rest all answers are in the file itself. Where the disk refuses that, they stay in the WAL.
                    with suppress(sqlite3.Error):
                        database.executescript("PRAGMA busy_timeout = 100; PRAGMA wal_checkpoint(TRUNCATE)")
    except Timeout:
        raise KameError(f"ledger {folder}: another process has held {LOCK} for {PATIENCE:g} s; {way}") from None
    except (sqlite3.Error, OSError) as error:
        raise failure(folder, error, way) from None


def add(
    database: sqlite3.Connection, rows: Sequence[Row], new: bool = False, until: tuple[str, int] | None = None
) -> int:
    """Adds rows, durably, all or none; with `new` only those that are not there yet. Returns how many were added.

    `until`: a segment of an earlier version, and the byte up to which it is taken over with these rows.
    """
    with database:
        database.execute("BEGIN IMMEDIATE")
        added = database.executemany(_ADD_NEW if new else _ADD, rows).rowcount
        if until:
            database.execute("INSERT OR REPLACE INTO taken_over VALUES (?, ?)", until)
    return added


class Reader:
    """Reads the file of a ledger from any thread; where there is none yet, there are no rows. Raises KameError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database: sqlite3.Connection | None = None
        with _READING:
            _READERS.add(self)
        self.rows("SELECT 1")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query, as they are on the disk now, whichever process wrote them."""
        with _READING:
            try:
                database = self._open()
                return [] if database is None else database.execute(query, values).fetchall()
            except (sqlite3.Error, OSError) as error:
                raise failure(self.folder, error, ELSEWHERE) from None

    def scan(self, damaged: list[str]) -> Iterator[tuple[int, Row]]:
        """All whole rows with their numbers, in order; adds to `damaged` where rows are that are not.

        What lies on a page that SQLite cannot read is stepped over.
        """
        at, first_lost, count = 1, 0, 500
        while at - first_lost <= GIVE_UP or not first_lost:
            rows: list[tuple[Any, ...]] | None = None
            with suppress(Damaged):
                # In pieces, for a long look would hold up whoever writes.
                rows = self.rows(f"{LOOK} WHERE id >= ? ORDER BY id LIMIT ?", at, count)
            # Numbers have no gaps, for nothing is ever deleted.
            if rows is None or (rows and rows[0][0] != at):
                if count == 1:
                    first_lost, at = first_lost or at, at + 1
                count = 1
                continue
            if first_lost:
                damaged.append(f"rows {first_lost} to {at - 1} cannot be read")
            if not rows:
                return
            first_lost, count = 0, min(500, 2 * count)
            for number, *row in rows:
                if number != at:
                    break
                at += 1
                if is_whole(row):
                    yield number, tuple(row)
                else:
                    damaged.append(f"row {number} is not what was written")
        damaged.append(f"rows from {first_lost} on cannot be read")

    def close(self) -> None:
        """Closes the connection; the next look opens another one."""
        with _READING:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _open(self) -> sqlite3.Connection | None:
        if self._database is None and (self.folder / NAME).exists():
            try:
                self._database = _connect(self.folder, "mode=ro")
            except sqlite3.OperationalError as error:
                # SQLite takes files beside a ledger that is in use. Where none can be made, one at rest is read, anew
                # each time, for it might be in use the next time.
                if error.sqlite_errorcode & 0xFF not in _NO_FILES:
                    raise
                if _left(self.folder):
                    way = f"answers are left in {WAL}: copy the folder to where it can be written, and name the copy"
                    raise failure(self.folder, error, f"{way} with --ledger") from None
                return _connect(self.folder, "immutable=1")
        return self._database


def _connect(folder: Path, how: str) -> sqlite3.Connection:
    """A connection to the file. Raises sqlite3.Error, and KameError for a file that is no ledger of this version."""
    path = folder / NAME
    uri = f"{path.absolute().as_uri()}?{how}"
    database = sqlite3.connect(uri, BUSY, uri=True, isolation_level=None, check_same_thread=False)
    ((application,),) = database.execute("PRAGMA application_id")
    ((version,),) = database.execute("PRAGMA user_version")
    if application != APPLICATION:
        raise Damaged(f"ledger {path}: cut off, or of another program; bring back a copy of the ledger")
    if version != FORMAT:
        raise KameError(
            f"ledger {path}: of format {version}, and this version of kame-data reads {FORMAT}; take the version that "
            "wrote it, or name another folder with --ledger"
        )
    return database


def _create(folder: Path, mode: int) -> None:
    """An empty ledger, there at once, so that an empty file is known as damage."""
    if _left(folder):
        raise OSError(None, f"{NAME} is gone, and {WAL} is left; bring the file back, or delete {WAL} to begin anew")
    with TemporaryDirectory() as apart:
        with closing(sqlite3.connect(f"{apart}/{NAME}")) as database:
            database.executescript(_SCHEMA)
        write_whole(folder / NAME, Path(apart, NAME).read_bytes())
    (folder / NAME).chmod(mode)


def _left(folder: Path) -> bool:
    """True where answers are in the WAL that may not be in the file."""
    return (folder / WAL).exists() and (folder / WAL).stat().st_size > 0


_READERS: WeakSet[Reader] = WeakSet()


def _before_fork() -> None:
    """No connection, and nothing that SQLite knows of its locks, may be carried into a child."""
    _ALONE.acquire()
    _READING.acquire()
    for reader in _READERS:
        reader.close()


def _after_fork() -> None:
    _READING.release()
    _ALONE.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
