"""One engine for stages in several threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from llm.server import ScriptedServer, error

from pipeline.errors import KameError
from pipeline.llm.client import LLM, Limits
from pipeline.llm.ledger import Ledger
from pipeline.llm.request import Message, Request
from pipeline.llm.shared import SharedLLM


def requests(server: ScriptedServer, part: int) -> list[Request]:
    # Neighbouring parts share half of their questions.
    words = [f"q{n}" for n in range(part * 5, part * 5 + 10)]
    return [Request("openai", "gpt-4.1-nano", (Message("user", w),), server.url, max_tokens=5) for w in words]


async def part_of(llm: LLM, asked: list[Request]) -> list[str]:
    return [result.get().text async for result in llm.map(asked)]


def test_parts_in_several_threads_share_limits_and_answers(tmp_path: Path) -> None:
    with ScriptedServer(latency=0.02) as server, Ledger(tmp_path) as ledger:
        with SharedLLM(lambda: LLM(ledger, Limits(concurrency=6))) as shared, ThreadPoolExecutor(4) as threads:
            parts = [requests(server, part) for part in range(8)]
            done = list(threads.map(lambda asked: shared.call(lambda llm: part_of(llm, asked)), parts))
        assert [len(texts) for texts in done] == [10] * 8
        assert server.most_at_once <= 6
        assert len(server.log) == 45
        assert shared.llm.accounts.total().asked == 80


def test_an_error_comes_out_where_it_was_asked(tmp_path: Path) -> None:
    refused = ScriptedServer(faults=[lambda *_: error(401, "no")])
    with refused as server, Ledger(tmp_path) as ledger, pytest.raises(KameError, match="key"):  # noqa: SIM117
        with SharedLLM(lambda: LLM(ledger)) as shared:
            shared.call(lambda llm: part_of(llm, requests(server, 0)))
