"""The ledger: every answer that was ever paid for, durable before it is used, found by the key of its request.

A folder with an SQLite database (`kame_data.llm.ledger_file`). Several processes may write at once, and each look sees
what any of them has written. Where a key was answered twice, the answer that was kept first holds, for everyone.
"""

import asyncio
import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from kame_data.errors import KameError, UsageError
from kame_data.llm.ledger_file import (
    ANSWER,
    ELSEWHERE,
    JOB,
    LOOK,
    WASTE,
    Reader,
    Row,
    add,
    check_disk,
    content,
    failure,
    is_whole,
    row_of,
    writable,
)
from kame_data.llm.ledger_lines import take_over
from kame_data.seeds import digest

log = logging.getLogger(__name__)
SPACE = 32 * 2**20  # bytes that must be free before anything is asked
HOLD, TURN = 0.25, 0.01  # seconds that a process writes at a time, and that it leaves to others then
LINGER = 0.005  # seconds in which the next answer comes while many are asked for


def default_folder() -> Path:
    """KAME_DATA_LEDGER, or the user's data folder."""
    named = os.environ.get("KAME_DATA_LEDGER", "").strip()
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/kame-data/ledger").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "kame-data" / "ledger"


_Waiting = tuple[list[Row], "Future[None]"]


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
    """Opens (and makes on the first write) the ledger in `folder`; usable from any thread.

    Answers that an earlier version kept in the folder, as segments, are taken over first.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        if re.match(r"[a-z0-9+]{2,}:/", str(self.folder)):
            raise UsageError(
                f"ledger {self.folder}: name a folder of this machine; `kame-data ledger export URL` copies it"
            )
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise KameError(f"ledger {self.folder}: is a file; name a folder with --ledger")
            check_disk(self.folder)
            self.file = Reader(self.folder)
            take_over(self.file)
        except OSError as error:
            raise failure(self.folder, error, ELSEWHERE) from None
        self._begin()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading

    def get(self, key: str) -> Entry | None:
        """The answer for a key, checked against its checksum; None where there is none that is whole."""
        return next(self.entries(key), None)

    def entries(self, key: str) -> Iterator[Entry]:
        """All whole answers for a key, the one that holds first."""
        for about in self._whole(f"{LOOK} WHERE kind = ? AND key = ? ORDER BY id", ANSWER, bytes.fromhex(key)):
            yield Entry(key, about.pop("raw"), about)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The notes of each batch job, by the job's own name: its notes laid over each other in their order."""
        merged: dict[str, dict[str, Any]] = {}
        for note in sorted(self._whole(f"{LOOK} WHERE kind = ?", JOB), key=lambda note: int(note["seq"])):
            earlier = merged.get(note["job"], {})
            merged[note["job"]] = {**earlier, **note, "at": earlier.get("at", note["at"])}
        return merged

    # Writing

    async def put(self, key: str, raw: str, about: dict[str, Any], waste: bool = False) -> None:
        """Returns once the answer is on the disk; KameError where it can't be kept.

        `waste` marks what was paid for and is of no use (an empty answer): kept for the accounts, never given out.
        """
        await asyncio.wrap_future(self._append([_answer(key, raw, about, waste)]))

    def put_now(self, key: str, raw: str, about: dict[str, Any], waste: bool = False) -> None:
        """`put` for callers without an event loop."""
        self.put_many([(key, raw, about)], waste)

    def put_many(self, answers: list[tuple[str, str, dict[str, Any]]], waste: bool = False) -> None:
        """Many answers that share their way to the disk; returns when all of them are there."""
        self._append([_answer(key, raw, about, waste) for key, raw, about in answers]).result()

    def note(self, kind: str, name: str, values: dict[str, Any]) -> None:
        """Keeps a note (JOB or SESSION), durably."""
        data = json.dumps({"at": now(), **values}).encode()
        self._append([row_of(kind, bytes.fromhex(digest(kind, name)), data)]).result()

    async def note_async(self, kind: str, name: str, values: dict[str, Any]) -> None:
        """`note` without holding up the event loop."""
        await asyncio.to_thread(self.note, kind, name, values)

    def check_space(self) -> None:
        """KameError where the disk is so full that an answer might not be kept: better not to ask then."""
        where = self.folder
        while not where.exists() and where != where.parent:
            where = where.parent
        free = shutil.disk_usage(where).free
        if free < SPACE:
            raise KameError(
                f"ledger {self.folder}: only {free // 2**20} MiB free on its disk, so nothing is asked that might not "
                "be kept: make room (or name another folder with --ledger) and run the same command again"
            )

    def close(self) -> None:
        """Writes what is pending; nothing can be written any more."""
        if self._pid == os.getpid():
            self._thread.shutdown()
        self.file.close()

    # Inside

    def _whole(self, query: str, *values: object) -> Iterator[dict[str, Any]]:
        for number, *row in self.file.rows(query, *values):
            if is_whole(row) and (found := content(row[0], row[3])) is not None:
                yield found
            else:
                self._say_damaged(number)

    def _say_damaged(self, number: int) -> None:
        log.warning("ledger %s: row %d is damaged; what it held is asked for again", self.folder, number)

    def _begin(self) -> None:
        """One thread writes: what came in while the last group was on its way to the disk goes with the next, so that
        hundreds of answers a second share a few dozen fsyncs."""
        self._pid = os.getpid()
        self._pending: SimpleQueue[_Waiting] = SimpleQueue()
        self._thread = ThreadPoolExecutor(1, "ledger")

    def _append(self, rows: list[Row]) -> "Future[None]":
        """A future that is done once the rows are on the disk; its exception is a KameError where they are not."""
        if self._pid != os.getpid():
            # A forked child has no thread to write with, and what was pending is its parent's.
            self._begin()
        done: Future[None] = Future()
        self._pending.put((rows, done))
        try:
            self._thread.submit(self._write)
        except RuntimeError:
            raise KameError(f"ledger {self.folder}: closed; nothing can be written any more") from None
        return done

    def _write(self) -> None:
        group = self._take()
        try:
            while group:
                with writable(self.folder) as database:
                    until = time.monotonic() + HOLD
                    while group:
                        add(database, [row for rows, _ in group for row in rows])
                        _tell(group)
                        group = self._take(LINGER) if time.monotonic() < until else []
                time.sleep(TURN)
                group = self._take()
        except KameError as error:
            _tell(group, error)

    def _take(self, patience: float = 0.0) -> list[_Waiting]:
        """All that is pending; waits for a first one."""
        group: list[_Waiting] = []
        with suppress(Empty):
            group.append(self._pending.get(timeout=patience))
            while True:
                group.append(self._pending.get_nowait())
        return group


def _tell(group: list[_Waiting], failed: KameError | None = None) -> None:
    for _, done in group:
        # Not whoever gave up waiting; the answer is paid, and kept, all the same.
        if done.set_running_or_notify_cancel():
            done.set_result(None) if failed is None else done.set_exception(failed)


def _answer(key: str, raw: str, about: dict[str, Any], waste: bool) -> Row:
    text = json.dumps({"at": now(), **about, "raw": raw}, ensure_ascii=False, separators=(",", ":"))
    return row_of(WASTE if waste else ANSWER, bytes.fromhex(key), text.encode("utf-8", "surrogatepass"))


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
