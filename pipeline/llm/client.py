"""The engine: requests in, answers out; the ledger first, each answer durable before it is handed on.

One `LLM` serves a whole build, within one event loop. Whatever a network does is met here: faults are asked again,
limits are kept, a limit that never lifts, a budget that is spent or a key that is refused stops all of it with one
clear error, and what was on the wire then is still taken in.
"""

import asyncio
import gc
import json
import logging
import random
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, TypeVar

from pipeline.errors import KameError, Refusal, StoppedError
from pipeline.llm import anthropic_backend, openai_backend
from pipeline.llm.accounts import Accounts, Budget
from pipeline.llm.attempts import Attempts
from pipeline.llm.backend import Backend, BadBody
from pipeline.llm.ledger import Entry, Ledger
from pipeline.llm.limits import Lane
from pipeline.llm.prices import Prices, most
from pipeline.llm.request import Answer, Request, Result
from pipeline.llm.segments import SESSION
from pipeline.llm.spec import api_key

log = logging.getLogger(__name__)
T = TypeVar("T")
PARSERS: Mapping[str, Callable[[str], Answer]] = {"openai": openai_backend.parse, "anthropic": anthropic_backend.parse}
ROOM_EVERY = 2.0  # seconds between two looks at the free space of the ledger's disk
NOTE_EVERY = 2000  # requests between two notes of a session's counts


@dataclass(frozen=True, slots=True)
class Limits:
    """How the engine asks. Times in seconds.

    `concurrency`: requests at once per model, at the most; `rpm`, `tpm`: requests and tokens a minute per model (None:
    what the provider's headers say); `timeout`: for one attempt; `attempts`: for a request's own faults; `stall`: how
    long there may be no answer at all before everything stops; `unreachable`: likewise, where an address never
    answered yet; `drain`: how long an interrupted run waits for what is on the wire; `pause`: the first back-off.
    """

    concurrency: int = 128
    rpm: float | None = None
    tpm: float | None = None
    timeout: float = 120.0
    attempts: int = 8
    stall: float = 300.0
    unreachable: float = 20.0
    drain: float = 10.0
    pause: float = 0.1


class LLM:
    """`async with LLM(ledger) as llm: answer = await llm.ask(request)`.

    `budget` is in dollars, of which `spent` are gone already; `prices` go over the table's; `environment` holds the
    keys (None: the process's). Raises UsageError for a budget without a known price, StoppedError where a budget or a
    limit ends the work (what is finished is kept, the same command goes on), KameError for a refused key, an unknown
    model, or a ledger that can't be written.
    """

    def __init__(
        self,
        ledger: Ledger,
        limits: Limits = Limits(),
        budget: float | None = None,
        spent: float = 0.0,
        prices: Mapping[str, Mapping[str, float]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.ledger = ledger
        self.limits = limits
        self.prices = Prices(prices)
        self.accounts = Accounts()
        self.budget = Budget(budget, spent)
        self.notices: list[str] = []
        self.stopped: KameError | None = None
        self.session = uuid.uuid4().hex
        # Only waits are drawn from it, never data.
        self.jitter = random.Random()
        self._environment = environment
        self._backends: dict[tuple[str, str], tuple[Backend, str | None]] = {}
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._flying: dict[str, asyncio.Task[Answer]] = {}
        self._on_wire: set[asyncio.Task[Any]] = set()
        self._asked = self._hits = self._noted = 0
        self._room_at = float("-inf")
        self._refreshed_at = float("-inf")

    # Asking

    async def ask(self, request: Request) -> Answer:
        """The answer to one request; Refusal('llm_refusal') or Refusal('llm_failed') where there is none."""
        account = self.accounts.of(request)
        account.asked += 1
        self._asked += 1
        task = self._flying.get(request.key)
        if task is not None:
            account.shared += 1
        else:
            found = self._from_ledger(request)
            if found is not None:
                account.hits += 1
                self._hits += 1
                return _given(found)
            if self.stopped is not None:
                raise self.stopped
            task = asyncio.create_task(Attempts(self, request).run())
            self._flying[request.key] = task
            task.add_done_callback(lambda done: self._landed(request.key, done))
        # The call goes on, and its answer is kept, even if this asker is cancelled.
        try:
            return _given(await asyncio.shield(task))
        except Refusal as refusal:
            account.refused += refusal.reason == "llm_refusal"
            account.failed += refusal.reason != "llm_refusal"
            raise
        except asyncio.CancelledError:
            if task.cancelled() and self.stopped is not None:
                raise self.stopped from None
            raise
        finally:
            if self._asked - self._noted >= NOTE_EVERY:
                self._noted = self._asked
                await self._note()

    async def ask_until(self, request: Request, accept: Callable[[Answer], T], tries: int = 3) -> T:
        """What `accept` makes of the first answer that it accepts.

        It raises Refusal for an answer that will not do; then the next sample is asked, `tries` samples in all. The
        last refusal is raised where none will do. The samples are `request.sample` and those after it.
        """
        for sample in range(request.sample, request.sample + tries):
            try:
                return accept(await self.ask(replace(request, sample=sample)))
            except Refusal as refusal:
                last = refusal
                if refusal.reason == "llm_failed":
                    raise
                if sample + 1 < request.sample + tries:
                    self.accounts.of(request).again += 1
        raise last

    async def map(
        self, requests: Iterable[Request] | AsyncIterable[Request], window: int | None = None
    ) -> AsyncIterator[Result]:
        """What becomes of each request, as it becomes known; `Result.index` is the request's place in the input.

        Requests are drawn as places (`window` of them) fall free. Where the work is stopped, what is finished still
        comes out before the error is raised.
        """
        places = window or 4 * self.limits.concurrency
        done: asyncio.Queue[Result | BaseException] = asyncio.Queue()
        tasks: set[asyncio.Task[None]] = set()
        error: BaseException | None = None
        source = aiter(_drawn(requests))
        index, open_ones, more = 0, 0, True

        async def one(index: int, request: Request) -> None:
            try:
                done.put_nowait(Result(index, request, await self.ask(request)))
            except Refusal as refusal:
                done.put_nowait(Result(index, request, refusal=refusal))
            except Exception as failure:
                done.put_nowait(failure)

        try:
            while (more and error is None) or open_ones:
                while more and error is None and open_ones < places:
                    try:
                        request = await anext(source)
                    except StopAsyncIteration:
                        more = False
                        break
                    task = asyncio.create_task(one(index, request))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                    index, open_ones = index + 1, open_ones + 1
                    if index % 16 == 0:
                        # So that the first are on the wire before the last are drawn.
                        await asyncio.sleep(0)
                if not open_ones:
                    continue
                got = await done.get()
                open_ones -= 1
                if isinstance(got, Result):
                    yield got
                else:
                    error = error or got
        finally:
            for task in list(tasks):
                task.cancel()
        if error is not None:
            raise error

    # Beginning and end

    async def __aenter__(self) -> "LLM":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        interrupted = error is not None and not isinstance(error, StoppedError)
        await self.close(self.limits.drain if interrupted else self.limits.timeout)

    async def close(self, patience: float | None = None) -> None:
        """Takes in what is on the wire (for `patience` seconds at the most), notes the session, closes connections."""
        if self._flying:
            self.stop(StoppedError("interrupted; the same command goes on from here"))
            await asyncio.wait(list(self._flying.values()), timeout=self.limits.drain if patience is None else patience)
        left = list(self._flying.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for lane in self._lanes.values():
            lane.close()
        for backend, _ in self._backends.values():
            await backend.close()
        self._backends.clear()
        if self._asked:
            try:
                await self._note()
            except KameError as failure:
                if self.stopped is None:
                    raise
                log.debug("session not noted: %s", failure)

    def stop(self, error: KameError, at_once: bool = False) -> None:
        """Ends the work with `error`: nothing more is asked. What is on the wire is taken in, unless `at_once`."""
        if self.stopped is None:
            self.stopped = error
        for task in list(self._flying.values()):
            if at_once or task not in self._on_wire:
                task.cancel()

    # What attempts need

    def backend(self, request: Request) -> tuple[Backend, str | None]:
        """The client for a request's address, and the key that must never be shown."""
        where = (request.provider, request.url)
        found = self._backends.get(where)
        if found is None:
            environment = {} if self._environment is None else {"environment": self._environment}
            key = api_key(request.provider, request.base_url, **environment)
            own = request.provider == "openai"
            kind = openai_backend.OpenAIBackend if own else anthropic_backend.AnthropicBackend
            found = self._backends[where] = (kind(request.url, key, self.limits.timeout), key)
            # The SDK's hundred thousand objects stay for good: a full collection would hold up all answers for them.
            gc.freeze()
        return found

    def lane(self, request: Request) -> Lane:
        """The lane of a request's model."""
        where = (request.provider, request.url, request.model)
        lane = self._lanes.get(where)
        if lane is None:
            if self.budget.limit is not None:
                self.prices.known(request)
            at = f"{request.provider}:{request.model}" + (f"@{request.base_url}" if request.base_url else "")
            most_at_once, stall = self.limits.concurrency, self.limits.stall
            lane = Lane(at, most_at_once, self._gate, self._too_long, stall, self.limits.rpm, self.limits.tpm)
            self._lanes[where] = lane
        return lane

    def most(self, request: Request) -> float:
        """The dollars that a request may cost at the most; 0 where no price is known."""
        price = self.prices.find(request.provider, request.model)
        return 0.0 if price is None else price.of(most(request))

    def settle(self, set_aside: float, cost: float) -> None:
        """A call came back; others may fit into the budget now."""
        self.budget.settle(set_aside, cost)
        if self.budget.limit is not None:
            for lane in self._lanes.values():
                lane.pump()

    def check_room(self) -> None:
        """Looks now and then whether the ledger can keep what is about to be asked."""
        now = asyncio.get_running_loop().time()
        if now - self._room_at > ROOM_EVERY:
            self._room_at = now
            try:
                self.ledger.check_room()
            except KameError as error:
                self.stop(error)
                raise

    def on_wire(self, task: "asyncio.Task[Any] | None", there: bool) -> None:
        """Marks a task whose call is paid for if it is cancelled."""
        if task is not None:
            (self._on_wire.add if there else self._on_wire.discard)(task)

    def notice(self, text: str) -> None:
        """Something about a model that a person should read once."""
        if text and text not in self.notices:
            self.notices.append(text)
            log.warning("%s", text)

    # Inside

    def _from_ledger(self, request: Request) -> Answer | None:
        entry = self.ledger.get(request.key)
        if entry is None:
            now = asyncio.get_running_loop().time()
            if now - self._refreshed_at < ROOM_EVERY:
                return None
            # Other builds of this user may be asking the same.
            self._refreshed_at = now
            if not self.ledger.refresh():
                return None
            entry = self.ledger.get(request.key)
        return None if entry is None else read_entry(request.provider, entry)

    def _landed(self, key: str, task: "asyncio.Task[Answer]") -> None:
        self._flying.pop(key, None)
        self._on_wire.discard(task)
        if not task.cancelled():
            task.exception()  # Read, so that nobody complains when the asker is gone.

    def _gate(self, cost: float) -> bool:
        if cost < 0:
            self.budget.settle(-cost, 0.0)
            return True
        if self.stopped is not None:
            return False
        if self.budget.fits(cost):
            self.budget.on_wire += cost
            return True
        if self.budget.on_wire <= 1e-12:
            self.stop(
                StoppedError(
                    f"budget ${self.budget.limit:g}: ${self.budget.spent:.4f} spent, and the next call may cost "
                    f"${cost:.4f}; the same command with a larger --budget goes on from here"
                )
            )
        return False

    def _too_long(self, lane: Lane, delay: float) -> None:
        self.stop(
            StoppedError(
                f"{lane.name}: its limit lifts in {delay:.0f} s at the earliest, and more than {self.limits.stall:g} s "
                "are not waited for; the same command goes on from here later"
            )
        )

    async def _note(self) -> None:
        total = self.accounts.total()
        counts = {"asked": self._asked, "hits": self._hits, "calls": total.calls, "cost": round(total.cost, 6)}
        await self.ledger.note_async(SESSION, f"{self.session}/{self._asked}", {"session": self.session, **counts})


def read_entry(provider: str, entry: Entry) -> Answer | None:
    """The answer that an entry of the ledger holds; None where it can't be read any more."""
    if int(entry.about.get("status") or 200) >= 400:
        # A provider that refuses content may do so with an error.
        return Answer(_message(entry.raw), entry.raw, finish="refusal", refused=True, from_ledger=True)
    try:
        return replace(PARSERS[provider](entry.raw), from_ledger=True)
    except BadBody:
        return None


def _message(raw: str) -> str:
    try:
        error = json.loads(raw).get("error")
    except (ValueError, AttributeError):
        return raw[:200]
    return str(error.get("message")) if isinstance(error, dict) else str(error)


def _given(answer: Answer) -> Answer:
    if answer.refused:
        raise Refusal("llm_refusal", answer.text[:200] or "the provider refused the content")
    return answer


async def _drawn(requests: Iterable[Request] | AsyncIterable[Request]) -> AsyncIterator[Request]:
    if isinstance(requests, AsyncIterable):
        async for request in requests:
            yield request
    else:
        for request in requests:
            yield request
