"""All LLM calls of a process: one event loop in its own thread, one engine for each ledger; stages wait in theirs.

A stage hands over all that it has to ask at once and takes the outcomes in its own order; the engine
decides how many calls are on the wire. The first stage that asks opens the session; the runner of the build closes it.
"""

import asyncio
import json
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter

from kame_data.errors import KameError, Refusal
from kame_data.llm.accounts import NAMES, SpendRow
from kame_data.llm.batch_queue import BatchQueue
from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.notes import notes_in
from kame_data.llm.request import Answer, Request
from kame_data.llm.trial import Text, Trials
from kame_data.settings.tree import LlmSettings
from kame_data.storage.files import write_whole
from kame_data.storage.paths import AnyPath

T = TypeVar("T")
Job = Callable[["Session"], Awaitable[T]]


class AskingSettings(Protocol):
    """Settings of whatever asks models: a build, an evaluation."""

    @property
    def out(self) -> AnyPath:
        """The folder in which the spending is noted."""

    @property
    def ledger(self) -> Path | None:
        """The folder of the paid answers; None is the user's own."""

    @property
    def llm(self) -> LlmSettings:
        """The way in which models are asked."""


SAMPLES = 3
"""Number of times that a text is asked for before it is refused."""


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
        self.trials = Trials(self.llm, settings.trial, out, self._name)
        self._batches = BatchQueue(self.llm, settings.poll) if settings.mode == "batch" else None
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm", daemon=True)
        self._thread.start()

    def outcomes(self, jobs: Sequence[Job[T]]) -> Iterator[T | Refusal]:
        """The outcomes of the jobs, in order; all jobs run at once. Raises the KameError that ends the work."""
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

    async def ask(self, request: Request) -> Answer:
        """The answer to one request, by a batch job in batch mode. Raises Refusal('llm_failed') where there is none."""
        if self._batches is not None:
            await self._batches.fill(request)
        return await self.llm.ask(request)

    def count_again(self, request: Request) -> None:
        """Count a request that is made because an answer was not accepted."""
        self.llm.accounts.of(request).again += 1

    async def ask_until(
        self,
        request: Callable[[list[Refusal]], Request],
        take: Callable[[Answer, list[Refusal]], T],
        version: str = "",
    ) -> T:
        """The result of `take` for the first answer, of up to SAMPLES, that it does not refuse; else raises the last
        Refusal.

        `request` gives what is asked after the refusals so far, the last one last; `take` is told them too.
        `version`: see `Trials.text`.
        """
        first = request([])

        async def samples(text: Text) -> T:
            refused: list[Refusal] = []
            while True:
                asked = request(refused) if refused else first
                if refused:
                    self.count_again(asked)
                answer = None
                try:
                    answer = await self.ask(asked)
                    taken = take(answer, refused)
                except Refusal as refusal:
                    text.refuse(refusal, answer)
                    refused.append(refusal)
                    if refusal.reason == "llm_failed" or len(refused) == SAMPLES:
                        raise
                else:
                    text.keep()
                    return taken

        return await self.trials.text(first, version, samples)

    def note(self) -> None:
        """Notes in OUT what this session has spent so far, and how its models do."""
        rows = list(self.llm.accounts.rows())
        if any(row["calls"] or row["answers"] for row in rows):
            self.notes.write(self._name, rows)
        self.trials.note()

    def stop(self, error: KameError) -> None:
        """Give the error to all that wait, at once; nothing more is asked."""
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


_SPENT: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[SpendRow])


class SpendNotes:
    """The spending noted in a build's folder: one small file for each session, with the rows of `Accounts.rows`."""

    def __init__(self, out: AnyPath) -> None:
        self.folder = out / "parts" / "spend"

    def write(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows of one session, over what it wrote before."""
        write_whole(self.folder / f"{name}.json", json.dumps(rows, indent=1).encode() + b"\n")

    def rows(self) -> list[dict[str, Any]]:
        """The sum of all sessions: one row for each stage, model and level. Raises KameError for a damaged note."""
        sums: dict[tuple[str, str, int], dict[str, Any]] = {}
        for note in notes_in(self.folder, _SPENT, "what that run has spent counts no more"):
            for row in note:
                key = (row["stage"], row["model"], -1 if row["level"] is None else row["level"])
                known = sums.setdefault(key, {name: row[name] for name in NAMES})
                for name, value in row.items():
                    if name not in NAMES:
                        known[name] = known.get(name, 0) + value
        return [_rounded(sums[key]) for key in sorted(sums)]

    def total(self) -> float:
        """Dollars that are gone, calls that were cut off included. Raises as `rows` does."""
        return float(sum(row["cost"] + row["lost"] for row in self.rows()))


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()}


_open: dict[tuple[str, str], Session] = {}
_lock = threading.Lock()


def session_of(settings: AskingSettings) -> Session:
    """The session of a build; the first caller opens it."""
    key = (str(settings.out), str(settings.ledger))
    with _lock:
        found = _open.get(key)
        if found is None:
            found = _open[key] = Session(settings.out, settings.ledger, settings.llm)
        return found


def stop_session(settings: AskingSettings, error: KameError) -> None:
    """Stop the build's session, where one is open."""
    found = _open.get((str(settings.out), str(settings.ledger)))
    if found is not None:
        found.stop(error)


def close_session(settings: AskingSettings) -> None:
    """Close the build's session, where one is open."""
    with _lock:
        found = _open.pop((str(settings.out), str(settings.ledger)), None)
    if found is not None:
        found.close()
