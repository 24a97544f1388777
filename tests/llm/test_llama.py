"""Builds with a real small model behind llama.cpp's server, which does one request at a time.

What SmolLM2-135M says is seldom of use, and differs from run to run: these tests hold for whatever it says.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from building import build, rows_of, settings_of
from checkout import PYTHONPATH
from kame_data.engine.plan import plan
from kame_data.llm.ledger_tools import stats
from kame_data.llm.simulator import whole_sentences
from kame_data.llm.spoken_answer import spoken_answer
from kame_data.resources import bundled
from kame_data.verify.check_build import verify
from llm.llama import NAME, Forwarding, llama_server, python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("llama"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(python() is None, reason="no llama.cpp: set KAME_DATA_LLAMA to the python that has its server"),
]
REASONS = {
    "too_long",
    "not_spoken",
    "model_talk",
    "wrong_language",
    "letters",
    "empty_oracle",
    "half_heard",
    "repeats_prompt",
}
"""Reasons for which a guess may be refused: its form, and never its content."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forwarding]:
    with llama_server(tmp_path_factory.mktemp("llama")) as url, Forwarding(url) as forwarding:
        yield forwarding


def questions(folder: Path, count: int) -> str:
    """A source of the first questions of the bundled sample."""
    path = folder / "questions.jsonl"
    rows = bundled("data/samples/gsm8k.jsonl").read_text("utf-8").splitlines()[:count]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return f"gsm8k={path}"


def spec(server: Forwarding) -> str:
    return f"openai:{NAME}@{server.url}"


def asked_well(log: list[dict[str, Any]], ledger: Path) -> None:
    """Somebody was there for every answer, and it is kept: nothing was asked again because its asker had gone."""
    answered = [entry for entry in log if entry["status"] == 200]
    assert answered and not any(entry["left"] for entry in answered)
    assert stats(ledger).answers == len(answered)


def test_a_build_by_a_model_that_is_too_small_ends_in_good_order(server: Forwarding, tmp_path: Path) -> None:
    """It is one sentence and exit code 1 where nothing was accepted; else a sound build. Nothing is asked anew."""
    command = [sys.executable, "-m", "kame_data.cli", "build", "--llm", spec(server)]
    command += ["--source", questions(tmp_path, 1)]
    command += ["--no-speech", "--set", "llm.writer_tokens=160", "--set", "max_refused=1"]
    command += ["--prefix-every", "12", "--ledger", str(tmp_path / "ledger"), "--out", str(tmp_path / "out")]
    environment = os.environ | {"PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": PYTHONPATH, "COLUMNS": "200"}

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=420, check=False)

    before = len(server.log)
    first = run()
    log = server.log[before:]
    asked_well(log, tmp_path / "ledger")
    rejected = tmp_path / "out" / "rejected" / "dialogues.jsonl"
    refusals = [json.loads(line) for line in rejected.read_text("utf-8").splitlines()]
    assert all(refusal["reason"] and refusal["detail"] for refusal in refusals)
    written = [entry for entry in log if "Manner of the user:" in entry["prompt"]]
    if refusals:
        assert first.returncode == 1 and len([entry for entry in written if entry["status"] == 200]) == 3
        assert first.stderr.splitlines()[-1].startswith("kame-data: ")
        assert "no dialogue was accepted: " in first.stderr and "rejected" in first.stderr
    else:
        assert first.returncode == 0 and not any(check.problems for check in verify(tmp_path / "out"))
    again = run()
    assert again.returncode == first.returncode and len(server.log) == before + len(log)


def test_guesses_of_a_real_back_end(server: Forwarding, tmp_path: Path) -> None:
    """Level 0 is what the model said; and a plan knows beforehand how long that takes."""
    settings = settings_of(
        tmp_path / "out",
        sources=(questions(tmp_path, 2),),
        back_end=spec(server),
        ledger=tmp_path / "ledger",
        prefix_every=6,
        llm={"oracle_tokens": 80},
    )
    foreseen = plan(settings).models
    assert [m.level for m in foreseen] == [0] and foreseen[0].measured

    before, began = len(server.log), time.monotonic()
    server.most_at_once = 0
    manifest, _ = build(settings)
    seconds = (time.monotonic() - began) / (len(server.log) - before)
    assert 1 / 5 < foreseen[0].seconds / foreseen[0].calls / seconds < 5
    log = server.log[before:]
    asked_well(log, tmp_path / "ledger")
    assert server.most_at_once <= 8, "a server of one slot has no long queue"

    assert manifest["dialogues"]["accepted"] == 2 and not any(check.problems for check in verify(settings.out))
    assert set(manifest["refused"]["oracles"]) <= REASONS
    rows = rows_of(settings.out).values()
    assert all(row["provenance"]["simulator"].endswith(f"level 0: {spec(server)}") for row in rows)
    said = {" ".join(whole_sentences(spoken_answer(entry["text"], "en"), "en").split()) for entry in log}
    guesses = [oracle["text"] for row in rows for oracle in row["oracles"] if oracle["level"] == 0]
    assert guesses and set(guesses) <= said
    refused = sum(manifest["refused"]["oracles"].values())
    wanted = foreseen[0].calls
    assert len(guesses) + refused == wanted <= len(log) <= 3 * wanted

    build(settings.model_copy(update={"out": tmp_path / "again"}))
    assert len(server.log) == before + len(log), "the ledger holds all of it"
