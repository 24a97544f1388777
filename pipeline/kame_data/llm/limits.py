"""The pace at which one model may be asked: by its headers, by the settings, and by the faults that it answers with.

An endpoint is one model at one address. It lets requests through in their order; those that try again go first.
Scattered refusals are no congestion: a 429 makes its own request wait, and only a sustained share of them narrows the
endpoint, which widens again as answers come. Beside that, no more are in flight than bring more answers per second
(`kame_data.llm.goodput`).
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kame_data.llm.faults import PUSHBACK, Fault
from kame_data.llm.goodput import Goodput
from kame_data.llm.patience import Patience
from kame_data.llm.provider import PROVIDERS

CONGESTED = 0.3  # share of refusals from which on an endpoint narrows
MEMORY = 24  # outcomes over which that share is taken, roughly
NARROWER = 0.6
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Bucket:
    """A token bucket: `level` now, filling by `rate` a second up to `size`."""

    def __init__(self, level: float, rate: float, size: float, now: float) -> None:
        self.level, self.rate, self.size, self.at = level, rate, size, now

    def now(self, now: float) -> float:
        """The level at a time."""
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` (or a full bucket, where that is less) is there."""
        short = min(amount, self.size) - self.now(now)
        if short <= 1e-9:
            return 0.0
        return short / self.rate if self.rate > 0 else 1.0

    def take(self, amount: float, now: float) -> None:
        """Takes `amount`, below nothing if need be."""
        self.level = self.now(now) - amount


@dataclass(slots=True)
class _Waiter:
    tokens: float
    cost: float
    future: "asyncio.Future[None]"


@dataclass
class Endpoint:
    """One model at one address.

    `gate(cost)` is asked last, sets the cost aside or says no (call `pump` when that may have changed), and takes it
    back for a negative cost. `too_long(endpoint, seconds)` is called for a wait beyond `stall` seconds. `answers`
    counts what came back, `said` what had words in it. `timeout`: seconds that an answer is waited for, see `Patience`.
    """

    name: str
    most: int
    gate: Callable[[float], bool]
    too_long: Callable[["Endpoint", float], None]
    stall: float
    rpm: float | None = None
    tpm: float | None = None
    timeout: float = 120.0
    limit: float = field(init=False)
    in_flight: int = 0
    refused_share: float = 0.0
    trouble_since: float | None = None
    answers: int = 0
    said: int = 0
    last_answer: float = float("-inf")
    asked_by: int = 0
    given_up: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.limit = float(self.most)
        self.patience = Patience(self.timeout)
        self._goodput = Goodput(self.most)
        self._waiting: deque[_Waiter] = deque()
        self._paused_until = 0.0
        self._narrowed_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._buckets: dict[str, Bucket] = {}
        now = _now()
        if self.rpm:
            self._buckets["set requests"] = Bucket(max(1.0, self.rpm / 30), self.rpm / 60, max(1.0, self.rpm / 30), now)
        if self.tpm:
            self._buckets["set tokens"] = Bucket(self.tpm / 30, self.tpm / 60, self.tpm / 30, now)

    async def enter(self, tokens: float, cost: float, again: bool = False) -> None:
        """Wait for a place on the wire; requests that try again go first."""
        waiter = _Waiter(tokens, cost, asyncio.get_running_loop().create_future())
        self._waiting.appendleft(waiter) if again else self._waiting.append(waiter)
        self.pump()
        try:
            await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled():
                self.in_flight -= 1
                self.gate(-cost)
            raise

    def leave(self, fault: Fault, wait: float | None = None) -> None:
        """Gives the place back. `wait` is what the provider asked to wait, in seconds."""
        now = _now()
        self.in_flight -= 1
        refused = fault in PUSHBACK
        self.refused_share += (refused - self.refused_share) / MEMORY
        if fault in (Fault.NONE, Fault.REFUSED, Fault.EMPTY, Fault.WORDLESS):
            self.answers += 1
            self._goodput.answered(now, bool(self._waiting))
            self.last_answer = now
            self.trouble_since = None
            if fault in (Fault.NONE, Fault.REFUSED):
                self.said += 1
                self.given_up.clear()
            self.limit = min(float(self.most), self.limit + 1 / max(1.0, self.limit))
        elif self.trouble_since is None:
            self.trouble_since = now
        if refused and self.congested:
            if now - self._narrowed_at > 1.0:
                self.limit = max(1.0, min(self.limit, self.in_flight + 1) * NARROWER)
                self._narrowed_at = now
            if wait:
                self._paused_until = max(self._paused_until, now + min(wait, self.stall))
        self.pump()

    @property
    def congested(self) -> bool:
        """True where refusals are more than scattered."""
        return self.refused_share > CONGESTED

    @property
    def flows(self) -> bool:
        """True where refusals are scattered and an answer came within the last second."""
        return not self.congested and _now() - self.last_answer < 1.0

    def troubled_for(self) -> float:
        """Seconds since the first fault after the last answer."""
        return 0.0 if self.trouble_since is None else _now() - self.trouble_since

    def correct(self, tokens: float) -> None:
        """Correct the estimate by the tokens that a call took beyond it (negative: fewer)."""
        for name in ("set tokens", "tokens"):
            if name in self._buckets:
                self._buckets[name].take(tokens, _now())

    def observe(self, headers: Mapping[str, str]) -> None:
        """Takes in what a reply says of limits."""
        for name, (limit, remaining, reset) in read_limits(headers).items():
            # A bucket that wants `reset` seconds to be full again fills by this much a second.
            rate = (limit - remaining) / reset if reset > 0 and limit > remaining else limit / 60
            self._buckets[name] = Bucket(remaining, rate, max(limit, 1.0), _now())

    def pause(self, seconds: float) -> None:
        """Ask nothing for so many seconds."""
        self._paused_until = max(self._paused_until, _now() + seconds)

    def pump(self) -> None:
        """Let all requests through that may go now."""
        while self._waiting and self.in_flight < min(int(self.limit), self._goodput.room):
            waiter = self._waiting[0]
            if waiter.future.done():
                self._waiting.popleft()
                continue
            now = _now()
            delay = self._delay(waiter.tokens, now)
            if delay > 0:
                self._later(delay)
                return
            if not self.gate(waiter.cost):
                return
            if not self._waiting or self._waiting[0] is not waiter:
                continue
            self._waiting.popleft()
            self.in_flight += 1
            for name, bucket in self._buckets.items():
                bucket.take(waiter.tokens if "tokens" in name else 1.0, now)
            waiter.future.set_result(None)

    def close(self) -> None:
        """Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _delay(self, tokens: float, now: float) -> float:
        waits = [b.wait(tokens if "tokens" in name else 1.0, now) for name, b in self._buckets.items()]
        return max([self._paused_until - now, *waits])

    def _later(self, delay: float) -> None:
        if delay > self.stall:
            self.too_long(self, delay)
            return
        when = asyncio.get_running_loop().time() + delay
        if self._timer is not None and not self._timer.cancelled() and self._timer.when() > _now():
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self.pump)


def read_limits(headers: Mapping[str, str]) -> dict[str, tuple[float, float, float]]:
    """(limit, remaining, seconds until full) by name (`requests`, `tokens`, ...), from any provider's headers."""
    found: dict[str, tuple[float, float, float]] = {}
    for provider in PROVIDERS.values():
        for name, pattern in provider.rate_headers.items():
            _read(found, name, headers, *(pattern.format(of) for of in ("limit", "remaining", "reset")))
    return found


def _read(
    found: dict[str, tuple[float, float, float]],
    name: str,
    headers: Mapping[str, str],
    limit: str,
    remaining: str,
    reset: str,
) -> None:
    if limit not in headers or remaining not in headers:
        return
    try:
        values = float(headers[limit]), float(headers[remaining]), seconds(headers.get(reset, "60s"))
    except ValueError:
        return
    if values[0] > 0:
        found[name] = values


def seconds(text: str) -> float:
    """A span as OpenAI writes it (`6m0s`, `20ms`), a bare number, or the time until an RFC 3339 date."""
    text = text.strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    spans = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    if spans and "".join(n + u for n, u in spans) == text:
        return sum(float(n) * _UNITS[u] for n, u in spans)
    moment = datetime.fromisoformat(text)
    return max(0.0, (moment - datetime.now(moment.tzinfo)).total_seconds())


def _now() -> float:
    return asyncio.get_running_loop().time()
