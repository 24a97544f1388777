"""A lock that lets one command at a time work in a build's folder.

On a disk it is a file lock, which ends with its process. In an object store it is an object, `.lock`, that is made by
a conditional write and written again every few seconds. No clocks are compared: a command that finds the lock watches
it for as long as its holder may stay silent, and takes it if the lock did not change in that time.
"""

import json
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from kame_data.errors import KameError
from kame_data.storage.files import read_many
from kame_data.storage.paths import AnyPath, path_of
from kame_data.storage.remote import RemotePath
from kame_data.storage.stores import StorageError

log = logging.getLogger(__name__)
LEASE = 30.0
"""Seconds after which a lock that was not written again belongs to a dead command; a live one writes it three times in
that time."""
SETTLE = 1.0
"""Seconds that a command waits after it took a dead lock, before it checks that the lock is still its own."""


_HELD: ContextVar[frozenset[str]] = ContextVar("held", default=frozenset())


class Busy(KameError):
    """Another command is at work in the folder."""


@contextmanager
def hold(out: Path | AnyPath, what: str = "build", *, for_steps: bool = False) -> Iterator[None]:
    """Keep all other commands out of a folder. Raises Busy where another one is at work there; `what` names it.

    `for_steps`: what the block calls may hold the folder itself, as a night's steps do one by one.
    """
    out = path_of(out)
    name, held = str(out.resolve()), _HELD.get()
    if name in held:
        yield
        return
    with _alone(out, what):
        before = _HELD.set(held | {name} if for_steps else held)
        try:
            yield
        finally:
            _HELD.reset(before)


@contextmanager
def _alone(out: AnyPath, what: str) -> Iterator[None]:
    if isinstance(out, RemotePath):
        with _RemoteLock(out / ".lock").held():
            yield
        return
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(str(out / ".lock"), timeout=0)
        lock.acquire()
    except Timeout:
        raise Busy(f"{out}: another {what} is at work there; wait for it, or give another folder") from None
    try:
        yield
    finally:
        lock.release()


class _RemoteLock:
    """The lock of one command; `owner` names it for all others."""

    def __init__(self, path: RemotePath) -> None:
        self.path = path
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self._beats = 0
        self._ending = threading.Event()
        self._lost = ""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock while the block runs. If it is lost on the way, the command is asked to stop."""
        self._take()
        beat = threading.Thread(target=self._keep, name="lock", daemon=True)
        beat.start()
        try:
            yield
        except KameError:
            if self._lost:
                raise KameError(self._lost) from None
            raise
        finally:
            self._ending.set()
            beat.join()
            with suppress(StorageError, FileNotFoundError):  # else it ends by itself, after LEASE
                if self._owner(self._read()) == self.owner:
                    self.path.unlink(missing_ok=True)

    def _take(self) -> None:
        while not self._make():
            found = self._read()
            if found is None:
                continue  # it has just gone
            self._watch(found)
            self.path.unlink(missing_ok=True)
            if self._make():
                time.sleep(SETTLE)  # another command that watched the same dead lock may have deleted ours
                if self._owner(self._read()) == self.owner:
                    return
            raise self._busy(self._read())
        if self._owner(now := self._read()) != self.owner:  # a store without conditional writes
            raise self._busy(now)

    def _watch(self, found: bytes) -> None:
        """Return when the lock has not changed for its lease. Raises Busy when it has."""
        seconds = self._fields(found).get("lease")
        lease = float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 10 * LEASE else LEASE
        until = time.monotonic() + lease
        log.warning("%s: of %s; looking for %g s whether it is at work", self.path, self._owner(found), lease)
        while time.monotonic() < until:
            time.sleep(min(0.5, lease / 10))
            now = self._read()
            if now != found:
                raise self._busy(now or found)

    def _make(self) -> bool:
        try:
            self.path.write_bytes(self._note(), new=True)
        except FileExistsError:
            return False
        except StorageError as error:
            if "conflict" not in str(error).lower():  # what S3 says where two are made in the same instant
                raise
            return False
        return True

    def _keep(self) -> None:
        while not self._ending.wait(LEASE / 3):
            try:
                owner = self._owner(self._read())
                if owner != self.owner:
                    self._lost = (
                        f"{self.path.parent}: the lock of this command was taken by {owner or 'nobody'}; what is done "
                        "stays there, the same command goes on from it"
                    )
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                self.path.write_bytes(self._note())
            except StorageError:
                continue  # nothing can be written there now; the work says so by itself

    def _note(self) -> bytes:
        self._beats += 1
        return json.dumps({"owner": self.owner, "lease": LEASE, "beat": self._beats}).encode()

    def _read(self) -> bytes | None:
        return read_many([self.path])[0]

    @staticmethod
    def _fields(note: bytes | None) -> dict[str, Any]:
        try:
            return dict(json.loads(note or b""))
        except (ValueError, TypeError):
            return {}

    def _owner(self, note: bytes | None) -> str:
        return str(self._fields(note).get("owner", ""))

    def _busy(self, note: bytes | None) -> Busy:
        return Busy(
            f"{self.path.parent}: another build is at work there ({self._owner(note) or 'it has just begun'}); "
            f"wait for it, or give another folder (where none is, delete {self.path})"
        )
