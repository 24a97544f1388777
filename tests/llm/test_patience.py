"""Servers that do one request after the other: the last of many is waited for as long as those before it take."""

import asyncio
from pathlib import Path

from aiohttp import web

from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.request import Message, Request
from llm.asking import Result, ask_all
from llm.server import Do, ScriptedServer, prompt

SECONDS = 0.6
"""Time of the server for one answer."""


class OneSlot(ScriptedServer):
    """The scripted server with one slot, and a queue before it."""

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        await http.read()
        async with self.slot:
            return await super()._handle(http)

    async def start(self) -> web.AppRunner:
        self.slot = asyncio.Lock()
        return await super().start()


def ask(server: ScriptedServer, folder: Path, timeout: float, count: int, concurrency: int = 128) -> list[Result]:
    async def work() -> list[Result]:
        asked = [Request("openai", "m", (Message("user", f"q{n}"),), server.url) for n in range(count)]
        with Ledger(folder) as ledger:
            async with LLM(ledger, Limits(concurrency, timeout=timeout, attempts=3, pause=0.01), environment={}) as llm:
                return [result async for result in ask_all(llm, asked)]

    return asyncio.run(work())


def test_who_waits_for_others_is_not_late(tmp_path: Path) -> None:
    """Four in flight take longer than the time that one of them has."""
    with OneSlot(latency=SECONDS) as server:
        results = ask(server, tmp_path, timeout=3.5 * SECONDS, count=8)
        assert server.most_at_once == 4
        assert all(result.answer for result in results)
        assert len(server.log) == len(server.delivered()) == 8, "none is asked twice, none answered for nobody"


def test_what_hangs_is_late_all_the_same(tmp_path: Path) -> None:
    """Answers to those that were sent later do not lengthen the time of the one that hangs."""

    def hangs(body: dict[str, object], seen: int) -> Do | None:
        return Do(hang=30) if prompt(body) == "q5" and seen == 1 else None

    with ScriptedServer(faults=[hangs], latency=0.1) as server:
        results = ask(server, tmp_path, timeout=1.0, count=100, concurrency=4)
        assert all(result.answer for result in results)
        _, again = (entry["at"] for entry in server.log if entry["prompt"] == "q5")
        assert again < max(entry["at"] for entry in server.log), "others are still asked"
