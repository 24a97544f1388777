"""Killed twenty times at random moments, nothing that was kept is asked for again."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_tools import check
from llm import killed
from llm.server import ScriptedServer, scattered

COUNT = 400
KILLS = 20


@pytest.mark.slow
def test_killed_twenty_times_nothing_kept_is_asked_again(tmp_path: Path) -> None:
    rng = random.Random(7)
    processes = multiprocessing.get_context("forkserver")
    # Imported once, so that each of the processes starts in no time.
    processes.set_forkserver_preload(["llm.killed", "openai.resources.chat", "aiohttp"])
    folder, handed = tmp_path / "ledger", tmp_path / "handed"
    with ScriptedServer(faults=[scattered(0.05, 0.05, 0.02)], latency=0.01) as server:
        asked = killed.requests(server.url, COUNT)
        kept: set[str] = set()
        for turn in range(KILLS + 1):
            seen = len(server.log)
            child = processes.Process(target=killed.ask_all, args=(str(folder), server.url, COUNT, str(handed)))
            child.start()
            if turn < KILLS:
                enough = seen + rng.randrange(1, 40)
                while child.is_alive() and len(server.log) < enough:
                    time.sleep(0.001)
                time.sleep(rng.random() * 0.02)
                assert child.pid is not None
                os.kill(child.pid, signal.SIGKILL)
            child.join(120)
            again = {entry["prompt"] for entry in server.log[seen:]} & kept
            assert not again, f"turn {turn}: asked again although kept: {sorted(again)}"
            with Ledger(folder) as ledger:
                kept = {f"q{n}" for n in range(COUNT) if asked[n].key in ledger}
            given = set(handed.read_text().split()) if handed.exists() else set()
            assert given <= kept, "handed on before it was kept"
        assert child.exitcode == 0
        assert len(kept) == COUNT
        twice = len(server.delivered()) - COUNT
    assert twice <= KILLS * 16, "more was lost than what was on the wire"
    assert not check(folder).damaged
