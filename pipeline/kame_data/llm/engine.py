"""The engine: requests in, answers out; the ledger first, each answer durable before it is handed on.

One `LLM` serves a whole build, within one event loop. The engine deals with all faults of the network: it asks
again after a fault and keeps to limits. A limit that never lifts, a spent budget or a refused key stops all work with
one clear error; answers that are on the wire at that moment are still taken in.
"""

import asyncio
import gc
import logging
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from kame_data.errors import KameError, Refusal, StoppedError
from kame_data.llm.accounts import Accounts, Budget
from kame_data.llm.attempts import Attempts
from kame_data.llm.ledger import Entry, Ledger
from kame_data.llm.ledger_file import SESSION
from kame_data.llm.limits import Endpoint
from kame_data.llm.prices import Prices, most
from kame_data.llm.provider import BadBody, Client, Reply, answer_of, provider_of
from kame_data.llm.providers.base import error_of
from kame_data.llm.request import Answer, Request
from kame_data.llm.spec import api_key

log = logging.getLogger(__name__)
SPACE_EVERY = 2.0  # seconds between two looks at the free space of the ledger's disk
NOTE_EVERY = 2000  # requests between two notes of a session's counts


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits under which the engine asks. Times are in seconds.

    `concurrency`: the most requests at once per model; `rpm`, `tpm`: requests and tokens a minute per model (None:
    what the provider's headers say); `timeout`: for one attempt, see `Patience`; `attempts`: for a request's own
    faults; `stall`: how long there may be no answer at all before everything stops; `unreachable`: likewise, where an
    address never answered yet; `drain`: how long an interrupted run waits for what is on the wire; `pause`: the first
    back-off.
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

    `budget` is in dollars, of which `spent` are gone already; `prices` override the table's; `environment` holds the
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
        self._clients: dict[tuple[str, str], tuple[Client, str | None]] = {}
        self._endpoints: dict[tuple[str, str, str], Endpoint] = {}
        self._flying: dict[str, asyncio.Task[Answer]] = {}
        self._on_wire: set[asyncio.Task[Any]] = set()
        self._asked = self._hits = self._noted = 0
        self._space_at = float("-inf")

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
        for endpoint in self._endpoints.values():
            endpoint.close()
        for client, _ in self._clients.values():
            await client.close()
        self._clients.clear()
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

    def client(self, request: Request) -> tuple[Client, str | None]:
        """The client for a request's address, and the key that must never be shown."""
        where = (request.provider, request.url)
        found = self._clients.get(where)
        if found is None:
            environment = {} if self._environment is None else {"environment": self._environment}
            key = api_key(request.provider, request.base_url, **environment)
            client = provider_of(request.provider).client(request.url, key, self.limits.timeout)
            found = self._clients[where] = (client, key)
            # The SDK's hundred thousand objects stay for good: a full collection would hold up all answers for them.
            gc.freeze()
        return found

    def endpoint(self, request: Request) -> Endpoint:
        """The endpoint of a request's model."""
        where = (request.provider, request.url, request.model)
        endpoint = self._endpoints.get(where)
        if endpoint is None:
            if self.budget.limit is not None:
                self.prices.known(request)
            own = self.limits
            endpoint = Endpoint(
                request.whom, own.concurrency, self._gate, self._too_long, own.stall, own.rpm, own.tpm, own.timeout
            )
            self._endpoints[where] = endpoint
        return endpoint

    def most(self, request: Request) -> float:
        """The dollars that a request may cost at the most; 0 where no price is known."""
        price = self.prices.find(request.provider, request.model)
        return 0.0 if price is None else price.of(most(request))

    def settle(self, set_aside: float, cost: float) -> None:
        """Count a call that came back; others may fit into the budget now."""
        self.budget.settle(set_aside, cost)
        if self.budget.limit is not None:
            for endpoint in self._endpoints.values():
                endpoint.pump()

    def check_space(self) -> None:
        """Check from time to time that the ledger has space for the next answers."""
        now = asyncio.get_running_loop().time()
        if now - self._space_at > SPACE_EVERY:
            self._space_at = now
            try:
                self.ledger.check_space()
            except KameError as error:
                self.stop(error)
                raise

    def on_wire(self, task: "asyncio.Task[Any] | None", there: bool) -> None:
        """Marks a task whose call is paid for if it is cancelled."""
        if task is not None:
            (self._on_wire.add if there else self._on_wire.discard)(task)

    def notice(self, text: str) -> None:
        """Show a person, once, a note about a model."""
        if text and text not in self.notices:
            self.notices.append(text)
            log.warning("%s", text)

    # Inside

    def _from_ledger(self, request: Request) -> Answer | None:
        answers = (read_entry(request.provider, entry) for entry in self.ledger.entries(request.key))
        return next((answer for answer in answers if answer is not None), None)

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

    def _too_long(self, endpoint: Endpoint, delay: float) -> None:
        self.stop(
            StoppedError(
                f"{endpoint.name}: its limit lifts in {delay:.0f} s at the earliest, and more than "
                f"{self.limits.stall:g} s are not waited for; the same command goes on from here later"
            )
        )

    async def _note(self) -> None:
        total = self.accounts.total()
        counts = {"asked": self._asked, "hits": self._hits, "calls": total.calls, "cost": round(total.cost, 6)}
        await self.ledger.note_async(SESSION, f"{self.session}/{self._asked}", {"session": self.session, **counts})


def read_entry(provider: str, entry: Entry) -> Answer | None:
    """The answer that an entry of the ledger holds; None where it can't be read any more."""
    status = entry.about.get("status")
    if isinstance(status, int) and status >= 400:
        # A provider that refuses content may do so with an error.
        said = error_of(Reply(status, entry.raw))["message"]
        return Answer(said, entry.raw, finish="refusal", refused=True, from_ledger=True)
    try:
        return replace(answer_of(provider, entry.raw), from_ledger=True)
    except BadBody:
        return None


def _given(answer: Answer) -> Answer:
    if answer.refused:
        raise Refusal("llm_refusal", answer.text[:200] or "the provider refused the content")
    return answer
