"""A process that asks many questions and is killed while it does; see test_llm_kill.py."""

import asyncio
from pathlib import Path

from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.request import Message, Request
from llm import asking


def requests(url: str, count: int) -> list[Request]:
    return [Request("openai", "gpt-4.1-nano", (Message("user", f"q{n}"),), url, max_tokens=50) for n in range(count)]


def ask_all(folder: str, url: str, count: int, handed: str) -> None:
    """Writes each prompt to the file `handed` as soon as its answer is handed on."""

    async def work() -> None:
        with Ledger(folder) as ledger, Path(handed).open("a", buffering=1) as out:
            async with LLM(ledger, Limits(concurrency=16)) as llm:
                async for result in asking.ask_all(llm, requests(url, count)):
                    result.get()
                    out.write(f"q{result.index}\n")

    asyncio.run(work())
