"""Prices, accounts and the budget."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kame_data.errors import StoppedError, UsageError
from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_tools import stats
from kame_data.llm.prices import Price, Prices, most
from kame_data.llm.request import Message, PicturePart, Request, Usage
from llm.asking import Result, ask_all
from llm.server import Do, ScriptedServer, first

OWN = {"own": {"input": 1000.0, "output": 2000.0}}


def test_the_table() -> None:
    prices = Prices()
    nano = prices.find("openai", "gpt-4.1-nano")
    assert nano == Price(0.10, 0.40, 0.025, 0.5)
    assert nano.of(Usage(1_000_000, 1_000_000, 400_000)) == pytest.approx(0.06 + 0.01 + 0.40)
    assert nano.of(Usage(1_000_000, 0), batch=True) == pytest.approx(0.05)
    assert prices.find("openai", "gpt-4.1-nano-2025-04-14") == nano
    assert prices.find("openai", "openai/gpt-4.1-nano") == nano
    assert prices.find("anthropic", "claude-haiku-4-5-20251001") is not None
    assert prices.find("openai", "gpt-4.1-nano-huge") is None
    assert prices.updated[:3] == "202"


def test_own_prices_go_first() -> None:
    prices = Prices({"gpt-4.1-nano": {"input": 7, "output": 8}, "anthropic:x": {"input": 0, "output": 0}})
    assert prices.find("anthropic", "x") == Price(0, 0, 0)
    assert prices.find("openai", "x") is None
    assert prices.find("openai", "gpt-4.1-nano") == prices.find("anthropic", "gpt-4.1-nano-latest") == Price(7, 8, 7)


@pytest.mark.parametrize(
    "bad", [{"input": 1}, {"input": -1, "output": 1}, {"input": "x", "output": 1}, {"input": 1, "output": 1, "x": 1}, 3]
)
def test_what_is_no_price(bad: Any) -> None:
    with pytest.raises(UsageError, match="price of m"):
        Prices({"m": bad})


def test_the_most_that_a_request_takes_is_on_the_safe_side() -> None:
    text = "How many sheep does the farmer have after selling thirty of them? " * 20
    asked = Request("openai", "m", (Message("user", text),), max_tokens=50)
    assert most(asked).output == 50
    assert most(asked).input > len(text.split()) * 1.3
    pictured = Request("openai", "m", (Message("user", ("x", PicturePart(b"1"))),))
    assert most(pictured).input > 3000 and most(pictured).output > 1000


def requests(server: ScriptedServer, count: int) -> list[Request]:
    return [
        Request("openai", "own", (Message("user", f"q{n}"),), server.url, max_tokens=50, stage="oracles", level=n % 3)
        for n in range(count)
    ]


async def ask(
    server: ScriptedServer, folder: Path, count: int, **rest: Any
) -> tuple[list[Result], LLM, Exception | None]:
    results: list[Result] = []
    with Ledger(folder) as ledger:
        async with LLM(ledger, Limits(concurrency=8, timeout=0.5, pause=0.01), prices=OWN, **rest) as llm:
            try:
                async for result in ask_all(llm, requests(server, count)):
                    results.append(result)
            except StoppedError as error:
                return results, llm, error
    return results, llm, None


def test_a_budget_is_never_passed_and_the_same_command_goes_on(tmp_path: Path) -> None:
    with ScriptedServer(latency=0.01) as server:
        done = 0
        for _ in range(3):
            results, llm, error = asyncio.run(ask(server, tmp_path, 100, budget=0.6))
            assert llm.budget.spent <= 0.6 and llm.budget.on_wire == pytest.approx(0)
            assert isinstance(error, StoppedError) and "--budget" in str(error) and error.exit_code == 3
            assert len(results) > done and len(server.log) == len(results), "nothing is asked that is not taken in"
            done = len(results)
        results, _, error = asyncio.run(ask(server, tmp_path, 100, budget=10))
        assert error is None and len(results) == 100 and len(server.log) == 100
    found = stats(tmp_path)
    assert found.total.cost == pytest.approx((100 * 20 * 1000 + found.total.output * 2000) / 1e6)


def test_what_was_spent_before_counts(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        results, _, error = asyncio.run(ask(server, tmp_path, 5, budget=1.0, spent=0.99))
        assert error is not None and not results and not server.log


def test_what_was_cut_off_counts_at_its_most(tmp_path: Path) -> None:
    with ScriptedServer(faults=[first(1, Do(hang=2))]) as server:
        _, llm, error = asyncio.run(ask(server, tmp_path, 2, budget=5.0))
    assert error is None
    one = llm.most(requests(server, 1)[0])
    total = llm.accounts.total()
    assert total.lost == pytest.approx(2 * one)
    assert llm.budget.spent == pytest.approx(total.cost + total.lost)


def test_a_budget_without_a_price_is_said(tmp_path: Path) -> None:
    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, budget=5.0) as llm:
                await llm.ask(Request("openai", "mine", (Message("user", "q"),), server.url))

    with ScriptedServer() as server:
        with pytest.raises(UsageError, match="prices"):
            asyncio.run(work(server))
        assert not server.log


def test_accounts_by_stage_model_and_level(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        _, llm, _ = asyncio.run(ask(server, tmp_path, 6))
    rows = list(llm.accounts.rows())
    assert [(row["stage"], row["model"], row["level"], row["answers"]) for row in rows] == [
        ("oracles", "openai:own", level, 2) for level in range(3)
    ]
    assert rows[0]["input"] == 40 and rows[0]["cached"] == 16 and rows[0]["cost"] > 0
