"""Rates: what headers and settings allow, and what congestion is."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from kame_data.errors import StoppedError
from kame_data.llm.attempts import Attempts
from kame_data.llm.engine import LLM, Limits
from kame_data.llm.faults import Fault, fault_of, retry_after
from kame_data.llm.ledger import Ledger
from kame_data.llm.limits import Bucket, Endpoint, read_limits, seconds
from kame_data.llm.provider import Reply
from kame_data.llm.request import Message, Request
from llm.asking import ask_all
from llm.server import Body, Do, ScriptedServer, error

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 60))


async def ask(server: ScriptedServer, folder: Path, count: int, limits: Limits) -> LLM:
    """Asks `count` questions; all must be answered."""
    with Ledger(folder) as ledger:
        async with LLM(ledger, limits) as llm:
            asked = [
                Request("openai", "gpt-4.1-nano", (Message("user", f"q{n}"),), server.url, max_tokens=5)
                for n in range(count)
            ]
            done = [result.get() async for result in ask_all(llm, asked)]
            assert len(done) == count
            return llm


def endpoint(most: int = 64) -> Endpoint:
    def too_long(_: Endpoint, delay: float) -> None:
        raise StoppedError(f"{delay}")

    return Endpoint("x", most, lambda cost: True, too_long, stall=60.0)


@pytest.mark.parametrize(("text", "value"), [("6m0s", 360), ("20ms", 0.02), ("1s", 1), ("1h2m3.5s", 3723.5), ("7", 7)])
def test_spans(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


def test_dates_are_spans_too() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert 25 < seconds(soon.strftime("%Y-%m-%dT%H:%M:%SZ")) <= 31
    assert seconds("2020-01-01T00:00:00Z") == 0


def test_headers_of_both_providers() -> None:
    openai = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "junk",
        "x-ratelimit-remaining-tokens": "1",
    }
    assert read_limits(openai) == {"requests": (500, 499, 0.12)}
    anthropic = {
        f"anthropic-ratelimit-input-tokens-{k}": v for k, v in {"limit": "10", "remaining": "0", "reset": "3"}.items()
    }
    assert read_limits(anthropic) == {"input-tokens": (10, 0, 3)}
    assert read_limits({}) == {}


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after(headers: dict[str, str], value: float | None) -> None:
    assert retry_after(headers) == value


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, "{}", Fault.NONE),
        (429, '{"error": {"code": "rate_limit_exceeded", "message": "slow"}}', Fault.LIMIT),
        (429, '{"error": {"code": "insufficient_quota", "message": "x"}}', Fault.QUOTA),
        (529, '{"error": {"type": "overloaded_error"}}', Fault.BUSY),
        (500, '{"error": {"type": "overloaded_error", "message": "Overloaded"}}', Fault.BUSY),
        (500, "oops", Fault.SERVER),
        (502, "<html>", Fault.BUSY),
        (408, "", Fault.SERVER),
        (401, "[]", Fault.KEY),
        (404, '{"detail": "Not Found"}', Fault.MODEL),
        (400, '{"error": "content_filter"}', Fault.REFUSED),
        (400, "null", Fault.REQUEST),
        (413, '{"error": {"message": null}}', Fault.REQUEST),
    ],
)
def test_what_a_reply_means(status: int, body: str, fault: Fault) -> None:
    assert fault_of(Reply(status, body)) is fault


def test_a_bucket_fills_at_its_rate() -> None:
    bucket = Bucket(level=2, rate=4, size=8, now=10)
    bucket.take(2, 10)
    assert bucket.wait(1, 10) == pytest.approx(0.25)
    assert bucket.wait(1, 10.25) == 0
    assert bucket.wait(100, 10.25) == pytest.approx(1.75), "more than fits waits for a full bucket, not for ever"
    assert bucket.now(100) == 8


def test_scattered_refusals_narrow_nothing_sustained_ones_do() -> None:
    async def work() -> None:
        one = endpoint()
        for n in range(400):
            await one.enter(1, 0)
            one.leave(Fault.LIMIT if n % 10 == 0 else Fault.NONE)
        assert one.limit == 64 and not one.congested
        for _ in range(40):
            await one.enter(1, 0)
            one.leave(Fault.LIMIT)
        assert one.congested and one.limit < 64
        narrow = one.limit
        for _ in range(40):
            await one.enter(1, 0)
            one.leave(Fault.NONE)
        assert not one.congested and one.limit > narrow

    run(work())


def test_those_who_try_again_go_first() -> None:
    async def work() -> list[str]:
        one, order = endpoint(1), []

        async def go(name: str, again: bool) -> None:
            await one.enter(1, 0, again)
            order.append(name)
            one.leave(Fault.NONE)

        await one.enter(1, 0)
        tasks = [asyncio.create_task(go(name, name == "again")) for name in ("a", "b", "again")]
        await asyncio.sleep(0)
        one.leave(Fault.NONE)
        await asyncio.gather(*tasks)
        return order

    assert run(work()) == ["again", "a", "b"]


def test_a_waiter_who_is_cancelled_leaves_no_gap() -> None:
    async def work() -> None:
        one = endpoint(1)
        await one.enter(1, 0)
        waiting = [asyncio.create_task(one.enter(1, 0)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        one.leave(Fault.NONE)
        waiting[1].cancel()  # It was let in, but has not noticed yet.
        await asyncio.sleep(0)
        assert one.in_flight <= 1
        one.pump()
        await asyncio.wait_for(waiting[2], 5)
        assert one.in_flight == 1

    run(work())


class Metered:
    """A server-side bucket of `size` requests that fills by `rate` a second, with OpenAI's headers."""

    def __init__(self, size: int, rate: float, headers: bool) -> None:
        self.bucket, self.say, self.refused = Bucket(size, rate, size, 0), headers, 0

    def __call__(self, _: Body, __: int) -> Do | None:
        now = asyncio.get_running_loop().time()
        if self.bucket.now(now) < 1:
            self.refused += 1
            return error(429, "Rate limit reached")
        self.bucket.take(1, now)
        return None

    def headers(self) -> dict[str, str]:
        left = max(0, int(self.bucket.level))
        reset = (self.bucket.size - self.bucket.level) / self.bucket.rate
        names = {"limit": self.bucket.size, "remaining": left, "reset": f"{reset:.3f}s"}
        return {f"x-ratelimit-{name}-requests": str(value) for name, value in names.items()} if self.say else {}


@pytest.mark.parametrize("say", [True, False])
def test_a_rate_limit_is_kept_and_nothing_is_lost(tmp_path: Path, say: bool) -> None:
    meter = Metered(20, 100, say)
    with ScriptedServer(faults=[meter], latency=0.01) as server:
        server.headers = meter.headers
        run(ask(server, tmp_path, 120, Limits(concurrency=16, pause=0.02, stall=20)))
        assert len(server.delivered()) == 120
    if say:
        assert meter.refused < 40, "the headers tell when to ask"


def test_the_settings_limit_the_rate(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        run(ask(server, tmp_path, 30, Limits(concurrency=16, rpm=1200)))
        times = [entry["at"] for entry in server.log]
    # 20 a second after a first burst of two seconds' worth.
    seconds_passed = times[-1] - times[0]
    assert len(times) <= 40 + 20 * seconds_passed + 1


def test_no_more_at_once_than_allowed(tmp_path: Path) -> None:
    with ScriptedServer(latency=0.02) as server:
        run(ask(server, tmp_path, 60, Limits(concurrency=7)))
        assert server.most_at_once == 7


def test_a_server_that_takes_few_at_once_is_found_out(tmp_path: Path) -> None:
    """More than 4 at once are refused: in the end there is an answer to all, and the endpoint has narrowed."""
    statuses: Counter[str] = Counter()

    with ScriptedServer(latency=0.01) as server:

        def crowded(_: Body, __: int) -> Do | None:
            full = server.at_once > 4
            statuses["refused" if full else "taken"] += 1
            return error(429) if full else None

        server.faults = [crowded]
        llm = run(ask(server, tmp_path, 150, Limits(concurrency=32, pause=0.02, stall=20)))
    assert statuses["taken"] == 150
    assert next(iter(llm._endpoints.values())).limit < 32


def test_a_wait_that_all_must_keep(tmp_path: Path) -> None:
    """A spent bucket that says when it is full again is waited for; one that says tomorrow ends the work."""
    spent = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "0"}
    with ScriptedServer() as server:
        server.headers = lambda: {**spent, "x-ratelimit-reset-requests": "24h"}
        with pytest.raises(StoppedError, match="its limit lifts in"):
            run(ask(server, tmp_path, 50, Limits(concurrency=4, stall=30)))
        assert len(server.log) <= 5


def pauses(tmp_path: Path, endpoint: Endpoint, fault: Fault, tries: int, wait: float | None = None) -> list[float]:
    """Sixty draws of the pause after a fault."""
    with Ledger(tmp_path) as ledger:
        attempts = Attempts(LLM(ledger), Request("openai", "m", (Message("user", "x"),), "http://127.0.0.1:1/v1"))
    attempts.endpoint, attempts.tries = endpoint, tries
    return [attempts._pause(fault, wait) for _ in range(60)]


def test_a_scattered_fault_is_asked_again_soon_and_a_crowd_stands_back(tmp_path: Path) -> None:
    async def work() -> None:
        silent, flowing, crowded = endpoint(), endpoint(), endpoint()
        await flowing.enter(1, 0)
        flowing.leave(Fault.NONE)
        flowing.last_answer = float("inf")  # just now, however slow this machine is
        for fault in [Fault.NONE] * 5 + [Fault.LIMIT] * 60:
            await crowded.enter(1, 0)
            crowded.leave(fault)
        endpoints = {"silent": silent, "flowing": flowing, "crowded": crowded}
        most = {name: max(pauses(tmp_path, one, Fault.LIMIT, 1)) for name, one in endpoints.items()}
        assert most["flowing"] <= 0.025 < most["silent"] <= 0.1 < most["crowded"] <= 0.4
        grown = pauses(tmp_path, flowing, Fault.SERVER, 7)
        assert 0.4 < max(grown) <= 1.6 and min(grown) < 0.8, "it doubles, with full jitter"
        assert max(pauses(tmp_path, flowing, Fault.SERVER, 40)) <= 20
        assert min(pauses(tmp_path, flowing, Fault.LIMIT, 1, wait=3.0)) >= 3, "Retry-After is kept by everyone"

    run(work())
