"""Both wire formats against litellm's own proxy."""

import asyncio
from pathlib import Path

import pytest
from llm.proxy import litellm_proxy, program

from pipeline.llm.client import LLM, Limits
from pipeline.llm.ledger import Ledger
from pipeline.llm.request import Message, Result
from pipeline.llm.spec import parse_spec

pytestmark = pytest.mark.skipif(program() is None, reason="no litellm: set KAME_DATA_LITELLM to its program")


def test_both_formats_pass(tmp_path: Path) -> None:
    async def work(root: str) -> list[Result]:
        specs = [parse_spec(f"openai:spoken@{root}/v1"), parse_spec(f"anthropic:spoken@{root}")]
        asked = [
            spec.request(
                Message("system", "Be brief."), Message("user", f"question {n}"), max_tokens=50, temperature=0.5
            )
            for spec in specs
            for n in range(10)
        ]
        with Ledger(tmp_path / "ledger") as ledger:
            async with LLM(ledger, Limits(concurrency=8, timeout=60), environment={}) as llm:
                results = [result async for result in llm.map(asked)]
                assert llm.accounts.total().retries == 0
        return sorted(results, key=lambda result: result.index)

    with litellm_proxy(tmp_path) as root:
        results = asyncio.run(work(root))
    assert [r.get().text for r in results] == [f"LiteLLM answers: question {n}" for n in range(10)] * 2
    assert all(r.get().usage.input > 0 for r in results)
