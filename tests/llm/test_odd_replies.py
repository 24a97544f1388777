"""Replies that no API promises: every one is answered, kept, refused or asked again, and none ends a build."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kame_data.errors import Refusal
from kame_data.llm.batch import Batches, BatchOutcome
from kame_data.llm.engine import LLM, Limits, read_entry
from kame_data.llm.ledger import Entry, Ledger
from kame_data.llm.provider import MOST_TOKENS, BadBody, Reply, Taken, answer_of
from kame_data.llm.providers.base import error_of
from kame_data.llm.request import Answer, Message, Request
from llm.server import Body, Do, ScriptedServer, anthropic_answer, first, openai_answer

PROVIDERS = ["openai", "anthropic"]
QUICK = Limits(concurrency=4, timeout=5.0, attempts=2, stall=2.0, pause=0.01)
KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
DEEP = '{"error":' + "[" * 100_000 + "]" * 100_000 + "}"
INF, NAN = float("inf"), float("nan")
ODD_COUNTS = [INF, NAN, 10**400, -7, -INF, "12", None, [1], {"a": 1}, True, 1e300]


def request(server: ScriptedServer, provider: str, text: str = "hello") -> Request:
    url, model = (server.url, "gpt-4.1-nano") if provider == "openai" else (server.root, "claude-haiku-4-5")
    return Request(provider, model, (Message("user", text),), base_url=url, max_tokens=50)


def body_of(provider: str, usage: Any = None, **change: Any) -> Body:
    form = openai_answer if provider == "openai" else anthropic_answer
    body = form({"model": "m"}, "hello", **change)
    if usage is not None:
        body["usage"] = usage
    return body


def usage_of(provider: str, value: Any) -> Any:
    if provider == "openai":
        return {
            "prompt_tokens": value,
            "completion_tokens": value,
            "prompt_tokens_details": {"cached_tokens": value},
        }
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return dict.fromkeys(names, value)


def ask(folder: Path, asked: Request, **rest: Any) -> tuple[Answer | Refusal, float]:
    """The outcome of a request, and the dollars that are spent."""

    async def go() -> tuple[Answer | Refusal, float]:
        with Ledger(folder) as ledger:
            async with LLM(ledger, QUICK, environment=KEYS, **rest) as llm:
                try:
                    return await llm.ask(asked), llm.budget.spent
                except Refusal as refusal:
                    return refusal, llm.budget.spent

    return asyncio.run(asyncio.wait_for(go(), 30))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("value", ODD_COUNTS, ids=repr)
def test_counts_of_tokens_are_bounded(provider: str, value: Any) -> None:
    answer = answer_of(provider, json.dumps(body_of(provider, usage_of(provider, value))))
    assert answer.text == "hello"
    for tokens in (answer.usage.input, answer.usage.output, answer.usage.cached):
        assert type(tokens) is int and 0 <= tokens <= MOST_TOKENS
    odd_usage = answer_of(provider, json.dumps({**body_of(provider), "usage": value}))
    assert (odd_usage.text, odd_usage.usage.input) == ("hello", 0)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_count_of_thousands_of_digits_costs_no_answer(provider: str) -> None:
    raw = json.dumps(body_of(provider, usage_of(provider, 98765))).replace("98765", "9" * 5000)
    assert answer_of(provider, raw).usage.output == MOST_TOKENS


@pytest.mark.parametrize(
    ("provider", "change"),
    [
        ("openai", {"finish_reason": ["stop"]}),
        ("openai", {"message": {"content": "hello", "refusal": {"why": "no"}}}),
        ("openai", {"message": [1]}),
        ("anthropic", {"content": {"type": "text"}}),
    ],
)
def test_what_is_no_answer_is_a_bad_body(provider: str, change: dict[str, Any]) -> None:
    with pytest.raises(BadBody):
        answer_of(provider, json.dumps(body_of(provider, **change)))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("raw", [DEEP, "[" * 100_000, "", "[]", "null", "NaN", "9" * 5000], ids=lambda raw: raw[:9])
def test_a_body_that_is_no_object_is_a_bad_body(provider: str, raw: str) -> None:
    with pytest.raises(BadBody):
        answer_of(provider, raw)
    assert isinstance(error_of(Reply(400, raw))["message"], str)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("value", [NAN, 10**400, -(10**6)], ids=repr)
def test_a_paid_answer_is_kept_whatever_its_usage_says(tmp_path: Path, provider: str, value: Any) -> None:
    with ScriptedServer(faults=[first(9, Do(200, body_of(provider, usage_of(provider, value))))]) as server:
        asked = request(server, provider)
        answer, spent = ask(tmp_path, asked, budget=10_000.0)
        again, _ = ask(tmp_path, asked, budget=10_000.0)
        assert len(server.log) == 1
    assert isinstance(answer, Answer) and isinstance(again, Answer)
    assert answer.text == again.text == "hello" and spent >= 0
    with Ledger(tmp_path) as ledger:
        entry = ledger.get(asked.key)
    assert entry is not None and 0 <= entry.about["input"] <= 2 * MOST_TOKENS and entry.about["cost"] >= 0


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", [DEEP, '{"error":' + "[" * 800 + "]" * 800 + "}", '{"error": {"code": [{}]}}'])
def test_a_body_that_cannot_be_read_fails_one_request(tmp_path: Path, provider: str, status: int, body: str) -> None:
    with ScriptedServer(faults=[lambda b, _: Do(status, body) if "bad" in str(b["messages"]) else None]) as server:
        failed, _ = ask(tmp_path, request(server, provider, "bad"))
        answer, _ = ask(tmp_path, request(server, provider))
    assert isinstance(failed, Refusal) and failed.reason == "llm_failed"
    assert isinstance(answer, Answer) and answer.text == "Answer to: hello"


def test_an_answer_in_the_ledger_that_cannot_be_read_is_asked_for_again_once(tmp_path: Path) -> None:
    poison = json.dumps(body_of("openai", message={"content": "x", "refusal": {"why": 1}}))
    with ScriptedServer() as server:
        asked = request(server, "openai")
        with Ledger(tmp_path) as ledger:
            ledger.put_now(asked.key, poison, {"status": 200})
            ledger.put_now(asked.key, DEEP, {"status": 200})
        for _ in range(3):
            answer, _ = ask(tmp_path, asked)
            assert isinstance(answer, Answer) and answer.text == "Answer to: hello"
        assert len(server.log) == 1
    odd = Entry(asked.key, DEEP, {"status": 400})
    refused = read_entry("openai", odd)
    assert refused is not None and refused.refused and isinstance(refused.text, str)


# -- batch jobs


def batch(folder: Path, asked: list[Request], **rest: Any) -> BatchOutcome:
    async def go() -> BatchOutcome:
        with Ledger(folder) as ledger:
            async with LLM(ledger, Limits(stall=3), environment=KEYS, budget=100.0) as llm:
                return await Batches(llm, poll=0.02, probe=False, **rest).run(asked)

    return asyncio.run(asyncio.wait_for(go(), 30))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_results_that_cannot_be_read_leave_the_others_of_their_job(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with ScriptedServer() as server:
        asked = [request(server, provider, f"n{n}") for n in range(6)]
        answer = server.answer

        def odd(path: str, body: Body) -> Body:
            whole = answer(path, body)
            text = str(body["messages"])
            whole["usage"] = usage_of(provider, INF if "n0" in text else NAN if "n1" in text else -5)
            return whole

        monkeypatch.setattr(server, "answer", odd)
        server.desk.damage = [
            "{",
            "[1]",
            '{"response": {"body": {"a": 1}}, "result": {"type": "expired"}}',
            '{"custom_id": ["a"], "result": {"type": "expired"}}',
            "[" * 100_000,
        ]
        outcome = batch(tmp_path, asked, rounds=1)
    assert outcome.answered == 6 and not outcome.missing
    assert caplog.text.count("can't be read is left out") == 5
    with Ledger(tmp_path) as ledger:
        assert not any(note["state"] == "sent" for note in ledger.jobs().values())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_while_a_job_is_taken_keeps_what_came_before(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Batches._answer
    seen: list[str] = []

    def breaks(self: Batches, taken: Taken, *rest: Any) -> Any:
        seen.append(taken.key)
        if len(seen) == 5:
            raise RuntimeError("a bug")
        return real(self, taken, *rest)

    with ScriptedServer() as server:
        asked = [request(server, provider, f"n{n}") for n in range(6)]
        with monkeypatch.context() as patch:
            patch.setattr(Batches, "_answer", breaks)
            with pytest.raises(RuntimeError):
                batch(tmp_path, asked)
        with Ledger(tmp_path) as ledger:
            assert sum(r.key in ledger for r in asked) == 4
        assert batch(tmp_path, asked).answered == 6
        assert len(server.desk.jobs) == 1
