"""All LLM calls of a process: one event loop in a thread of its own, one engine a ledger; stages wait from theirs.

A stage hands over all that it has to ask at once and takes the outcomes in its own order; how many calls are on the
wire is the engine's business. Sessions are opened by the first stage that asks and closed by whoever runs the build.
"""

import asyncio
import json
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pipeline.config import LlmSettings, Settings
from pipeline.errors import KameError, Refusal
from pipeline.llm.batch_desk import BatchDesk
from pipeline.llm.client import LLM, Limits
from pipeline.llm.ledger import Ledger
from pipeline.llm.request import Answer, Request
from pipeline.storage.files import files, read_many, write_whole
from pipeline.storage.paths import AnyPath

T = TypeVar("T")
Job = Callable[["Session"], Awaitable[T]]
SAMPLES = 3
"""How often text is asked for before it is refused."""


class Session:
    """One engine with its ledger and its loop. `spent` notes what was paid in `out`, so that a budget holds for all
    runs of a build together."""

    def __init__(self, out: AnyPath, folder: Path | None, settings: LlmSettings) -> None:
        self.settings = settings
        self.notes = SpendNotes(out)
        self._name = uuid.uuid4().hex[:12]
        self._stopping: KameError | None = None
        self._loop = asyncio.new_event_loop()
        self.ledger = Ledger(folder)
        limits = Limits(**settings.model_dump(include=set(Limits.__dataclass_fields__)))
        self.llm = LLM(self.ledger, limits, settings.budget, self.notes.total(), settings.prices)
        self._batches = BatchDesk(self.llm, settings.poll) if settings.mode == "batch" else None
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm", daemon=True)
        self._thread.start()

    def outcomes(self, jobs: Sequence[Job[T]]) -> Iterator[T | Refusal]:
        """What comes of each job, in order; all of them run at once. Raises the KameError that ends the work."""
        futures: list[Future[T | Refusal]] = [Future() for _ in jobs]
        tasks: list[asyncio.Task[None]] = []

        def start() -> None:
            tasks.extend(self._loop.create_task(self._one(j, f)) for j, f in zip(jobs, futures, strict=True))

        self._loop.call_soon_threadsafe(start)
        try:
            for future in futures:
                yield self._wait(future)
        finally:
            if not all(f.done() for f in futures):
                self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            self.note()

    async def ask_until(self, request: Request, take: Callable[[Answer], T], refused: Callable[[Refusal], None]) -> T:
        """What `take` makes of the first answer that it does not refuse, of SAMPLES; the last Refusal without one.

        `refused` is told of every refusal after which another answer is asked for.
        """
        for sample in range(SAMPLES):
            asked = replace(request, sample=request.sample + sample)
            try:
                if self._batches is not None:
                    await self._batches.fill(asked)
                return take(await self.llm.ask(asked))
            except Refusal as refusal:
                if refusal.reason == "llm_failed" or sample + 1 == SAMPLES:
                    raise
                self.llm.accounts.of(asked).again += 1
                refused(refusal)
        raise AssertionError("SAMPLES is 1 or more")

    def note(self) -> None:
        """Notes in OUT what this session has spent so far."""
        rows = list(self.llm.accounts.rows())
        if any(row["calls"] or row["answers"] for row in rows):
            self.notes.write(self._name, rows)

    def stop(self, error: KameError) -> None:
        """Whoever waits gets the error now; nothing more is asked."""
        self._stopping = self._stopping or error
        self._loop.call_soon_threadsafe(self.llm.stop, error)

    def close(self) -> None:
        """Takes in what is on the wire (for the limits' `drain` seconds at the most), and ends the loop."""
        closing = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            closing.result(self.llm.limits.drain + 30)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self.note()
            self.ledger.close()
            if not self._thread.is_alive():
                self._loop.close()

    async def _end(self) -> None:
        await self.llm.close(self.llm.limits.drain)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _one(self, job: Job[T], future: "Future[T | Refusal]") -> None:
        try:
            future.set_result(await job(self))
        except Refusal as refusal:
            future.set_result(refusal)
        except asyncio.CancelledError:
            future.set_exception(self.llm.stopped or KameError("interrupted while a model was asked"))
        except BaseException as error:
            future.set_exception(error)

    def _wait(self, future: "Future[T | Refusal]") -> T | Refusal:
        while True:
            try:
                return future.result(0.2)
            except NotYet:
                if self._stopping is not None:
                    raise self._stopping from None


class SpendNotes:
    """What was spent in a build's folder: a small file a session, of the rows of `Accounts.rows`."""

    def __init__(self, out: AnyPath) -> None:
        self.folder = out / "parts" / "spend"

    def write(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows of one session, over what it wrote before."""
        write_whole(self.folder / f"{name}.json", json.dumps(rows, indent=1).encode() + b"\n")

    def rows(self) -> list[dict[str, Any]]:
        """The sum of all sessions: a row a stage, model and level."""
        sums: dict[tuple[str, str, int], dict[str, Any]] = {}
        for note in read_many(files(self.folder, "*.json")):
            for row in json.loads(note or b"[]"):
                key = (row["stage"], row["model"], -1 if row["level"] is None else row["level"])
                known = sums.setdefault(key, {name: row[name] for name in ("stage", "model", "level")})
                for name, value in row.items():
                    if name not in ("stage", "model", "level"):
                        known[name] = known.get(name, 0) + value
        return [_rounded(sums[key]) for key in sorted(sums)]

    def total(self) -> float:
        """Dollars that are gone, calls that were cut off included."""
        return float(sum(row["cost"] + row["lost"] for row in self.rows()))


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()}


_open: dict[tuple[str, str], Session] = {}
_lock = threading.Lock()


def session_of(settings: Settings) -> Session:
    """The session of a build, opened by the first who asks."""
    key = (str(settings.out), str(settings.ledger))
    with _lock:
        found = _open.get(key)
        if found is None:
            found = _open[key] = Session(settings.out, settings.ledger, settings.llm)
        return found


def stop_session(settings: Settings, error: KameError) -> None:
    """Stop the build's session, where one is open."""
    found = _open.get((str(settings.out), str(settings.ledger)))
    if found is not None:
        found.stop(error)


def close_session(settings: Settings) -> None:
    """Close the build's session, where one is open."""
    with _lock:
        found = _open.pop((str(settings.out), str(settings.ledger)), None)
    if found is not None:
        found.close()
