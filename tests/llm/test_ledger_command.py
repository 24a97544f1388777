"""`kame-data ledger`, as its user runs it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from kame_data.llm.engine import LLM
from kame_data.llm.ledger import Ledger
from kame_data.llm.request import Message, Request
from llm.server import ScriptedServer


def fill(folder: Path, count: int) -> None:
    async def work(url: str) -> None:
        with Ledger(folder) as ledger:
            async with LLM(ledger) as llm:
                for n in (*range(count), 0):
                    await llm.ask(Request("openai", "gpt-4.1-nano", (Message("user", f"q{n}"),), url, stage="oracles"))

    with ScriptedServer() as server:
        asyncio.run(work(server.url))


def kame(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kame_data.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "160"})


def test_figures_check_export_and_import(tmp_path: Path) -> None:
    fill(tmp_path / "one", 5)
    shown = kame("ledger", "--ledger", tmp_path / "one")
    assert shown.returncode == 0, shown.stderr
    assert "5 answers" in shown.stdout and "1 of 6 (17%)" in shown.stdout and "openai:gpt-4.1-nano" in shown.stdout
    assert kame("ledger", "--ledger", tmp_path / "one", "check").returncode == 0
    moved = kame("ledger", "--ledger", tmp_path / "one", "export", tmp_path / "all.jsonl.gz")
    assert moved.returncode == 0, moved.stderr
    taken = kame("ledger", "--ledger", tmp_path / "two", "import", tmp_path / "all.jsonl.gz")
    assert taken.returncode == 0, taken.stderr
    assert "5 answers" in kame("ledger", "--ledger", tmp_path / "two").stdout


def test_a_damaged_answer_fails_the_check_and_the_rest_is_taken_into_a_new_ledger(tmp_path: Path) -> None:
    fill(tmp_path / "one", 3)
    file = tmp_path / "one" / "ledger.sqlite"
    file.write_bytes(file.read_bytes().replace(b"Answer to: q1", b"Answer to: q7"))
    done = kame("ledger", "--ledger", tmp_path / "one", "check")
    assert done.returncode == 1 and "damaged: row 2" in done.stdout
    assert "damaged in 1 place" in done.stderr and done.stderr.count("\n") == 1
    taken = kame("ledger", "--ledger", tmp_path / "two", "import", tmp_path / "one")
    assert taken.returncode == 0 and "3 added, 0 known already, 1 damaged" in taken.stdout
    assert "2 answers" in kame("ledger", "--ledger", tmp_path / "two").stdout


def test_an_import_of_nothing_is_bad_usage(tmp_path: Path) -> None:
    done = kame("ledger", "--ledger", tmp_path / "l", "import", tmp_path / "none.jsonl")
    assert done.returncode == 2 and done.stderr.startswith("kame-data: ")
