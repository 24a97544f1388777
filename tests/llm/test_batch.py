"""Batch jobs of both providers: cut, killed and picked up, partial results, nothing handed in twice."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kame_data.errors import KameError, StoppedError
from kame_data.llm.batch import Batches, BatchOutcome
from kame_data.llm.engine import LLM, Limits, read_entry
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_file import JOB
from kame_data.llm.provider import JobLimits
from kame_data.llm.request import Message, Request
from kame_data.llm.spec import Spec
from llm.asking import ask_all
from llm.server import ScriptedServer, error

PROVIDERS = ["openai", "anthropic"]
MODELS = {"openai": "gpt-4.1-nano", "anthropic": "claude-haiku-4-5"}


def requests(server: ScriptedServer, provider: str, count: int, **rest: Any) -> list[Request]:
    url = server.url if provider == "openai" else server.root
    spec = Spec(provider, MODELS[provider], url)  # type: ignore[arg-type]
    messages = (Message("system", "s"), Message("user", "é"))
    return [
        spec.request(messages[0], Message("user", f"é{n}"), max_tokens=50, stage="oracles", level=n % 5, **rest)
        for n in range(count)
    ]


async def go(
    folder: Path, asked: list[Request], llm_options: dict[str, Any] | None = None, **rest: Any
) -> BatchOutcome:
    rest = {"poll": 0.02, "probe": False, **rest}
    with Ledger(folder) as ledger:
        async with LLM(ledger, Limits(stall=3), **(llm_options or {})) as llm:
            return await Batches(llm, **rest).run(asked)


def run(*args: Any, **rest: Any) -> BatchOutcome:
    return asyncio.run(asyncio.wait_for(go(*args, **rest), 60))


def texts(folder: Path, asked: list[Request]) -> list[str | None]:
    with Ledger(folder) as ledger:
        entries = [ledger.get(request.key) for request in asked]
    answers = [read_entry(r.provider, e) if e else None for r, e in zip(asked, entries, strict=True)]
    return [a.text if a else None for a in answers]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_batch_gives_what_single_calls_give(tmp_path: Path, provider: str) -> None:
    async def online(asked: list[Request]) -> None:
        with Ledger(tmp_path / "online") as ledger:
            async with LLM(ledger) as llm:
                async for result in ask_all(llm, asked):
                    result.get()

    with ScriptedServer() as server:
        asked = requests(server, provider, 25)
        asyncio.run(online(asked))
        outcome = run(tmp_path / "batch", asked)
    assert (outcome.answered, outcome.missing, outcome.failed) == (25, [], {})
    assert texts(tmp_path / "batch", asked) == texts(tmp_path / "online", asked)
    with Ledger(tmp_path / "online") as one, Ledger(tmp_path / "batch") as two:
        a, b = one.get(asked[3].key), two.get(asked[3].key)
        assert a is not None and b is not None and json.loads(a.raw) == json.loads(b.raw)
        same = ("provider", "url", "model", "sample", "stage", "level", "status", "input", "output", "cached")
        assert {name: a.about[name] for name in same} == {name: b.about[name] for name in same}
        assert b.about["cost"] == pytest.approx(a.about["cost"] / 2) and b.about["mode"] == "batch"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_jobs_are_cut_by_count_and_by_bytes(tmp_path: Path, provider: str) -> None:
    with ScriptedServer() as server:
        run(tmp_path / "count", requests(server, provider, 10), limits=JobLimits(4, 10**6))
        assert len(server.desk.jobs) == 3
        run(tmp_path / "bytes", requests(server, provider, 10), limits=JobLimits(100, 900))
        assert 3 <= len(server.desk.jobs) - 3 <= 10
        assert all(
            len(data) <= 900 for name, data in server.desk.files.items() if name[5:].isdigit() and int(name[5:]) > 2
        )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_only_what_is_missing_is_handed_in_again(tmp_path: Path, provider: str) -> None:
    gone = {"openai": "expired", "anthropic": "canceled"}[provider]
    with ScriptedServer() as server:
        server.desk.plan = {"é1": "expired", "é2": gone, "é3": "error", "é4": "invalid"}
        asked = requests(server, provider, 8)
        outcome = run(tmp_path, asked, rounds=2)
        assert sorted(server.desk.asked[8:]) == ["é1", "é2", "é3"]
        assert outcome.answered == 4
        assert [request.messages[1].content for request in outcome.missing] == ["é1", "é2", "é3"]
        assert list(outcome.failed) == [asked[4].key]
        server.desk.plan = {}
        assert run(tmp_path, asked[:4]).answered == 4
        assert sorted(server.desk.asked[11:]) == ["é1", "é2", "é3"]


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_the_part_of_a_job_that_came_is_taken(tmp_path: Path, status: str) -> None:
    with ScriptedServer() as server:
        server.desk.end, server.desk.plan = status, {"é0": "expired"}
        outcome = run(tmp_path, requests(server, "openai", 5), rounds=1)
    assert outcome.answered == 4 and len(outcome.missing) == 1


def test_a_job_that_fails_as_a_whole_is_said(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.desk.end = "failed"
        with pytest.raises(KameError, match="bad file"):
            run(tmp_path, requests(server, "openai", 5))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "moment", ["before handing in", "after handing in, id unknown", "while polling", "while taking"]
)
def test_killed_and_picked_up_nothing_is_handed_in_twice(
    tmp_path: Path, provider: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    where = f"{provider}." + ("OpenAIJobs" if provider == "openai" else "AnthropicJobs")
    with ScriptedServer() as server:
        asked = requests(server, provider, 6)
        with monkeypatch.context() as patch:
            if moment == "before handing in":
                patch.setattr(f"kame_data.llm.providers.{where}.submit", die)
            elif moment == "after handing in, id unknown":
                noted = Batches._note

                async def note(self: Batches, note: dict[str, Any], **change: Any) -> dict[str, Any]:
                    return die() if change["state"] == "sent" else await noted(self, note, **change)

                patch.setattr(Batches, "_note", note)
            elif moment == "while polling":
                patch.setattr(f"kame_data.llm.providers.{where}.look", die)
            else:
                patch.setattr(Batches, "_settle", die)
            with pytest.raises(Killed):
                run(tmp_path, asked)
        assert len(server.desk.jobs) == (0 if moment == "before handing in" else 1)
        # Another run wants some of the same, and others.
        more = requests(server, provider, 9)
        assert run(tmp_path, more[3:]).answered == 6
        assert len(server.desk.jobs) == (1 if moment == "before handing in" else 2)
        if moment != "before handing in":
            assert sorted(server.desk.asked) == sorted(f"é{n}" for n in range(9))
            assert None not in texts(tmp_path, more), "the whole job was taken, not only what was wanted now"


def test_a_job_whose_first_note_is_damaged_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer() as server:
        asked = requests(server, "openai", 3)
        with Ledger(tmp_path) as ledger:
            # The first note holds the requests; this is what is left without it.
            rest = {"provider": "openai", "url": server.url, "model": MODELS["openai"], "state": "sent", "id": "b1"}
            ledger.note(JOB, "j/1", {"job": "j", "seq": 1, **rest})
        assert run(tmp_path, asked).answered == 3
    assert "batch job j: the ledger has lost its most, requests; not picked up" in caplog.text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_job_that_holds_all_that_is_wanted_is_picked_up_by_the_next_run(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    where = f"{provider}." + ("OpenAIJobs" if provider == "openai" else "AnthropicJobs")
    with ScriptedServer() as server:
        asked = requests(server, provider, 6)
        with monkeypatch.context() as patch:
            patch.setattr(f"kame_data.llm.providers.{where}.look", die)
            with pytest.raises(Killed):
                run(tmp_path, asked, probe=True)
        assert len(server.log) == 1, "the one that tries out the model"
        assert run(tmp_path, asked, probe=True).answered == 6
        assert len(server.desk.jobs) == 1 and len(server.log) == 1


def test_a_wrong_key_shows_before_a_job_is_handed_in(tmp_path: Path) -> None:
    with ScriptedServer(faults=[lambda *_: error(401, "bad key")]) as server:
        with pytest.raises(KameError, match="OPENAI_API_KEY"):
            run(tmp_path, requests(server, "openai", 5), probe=True)
        assert not server.desk.jobs


def test_a_refused_parameter_is_left_out_of_the_job(tmp_path: Path) -> None:
    refuse = error(400, "temperature is not supported with this model", param="temperature")
    with ScriptedServer(faults=[lambda body, _: refuse if "temperature" in body else None]) as server:
        assert run(tmp_path, requests(server, "openai", 5, temperature=0.7), probe=True).answered == 5
        lines = [json.loads(line) for line in server.desk.files["file-0"].splitlines()]
    assert len(lines) == 4 and all("temperature" not in line["body"] for line in lines)


def test_a_server_without_batch_jobs_is_said(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        asked = requests(server, "openai", 3)
        asked = [Request("openai", "m", r.messages, server.root + "/nothing") for r in asked]
        with pytest.raises(KameError, match="--llm-mode online"):
            run(tmp_path, asked)


def test_a_budget_bounds_the_jobs(tmp_path: Path) -> None:
    own = {"prices": {MODELS["openai"]: {"input": 1000, "output": 1000, "batch": 0.5}}}
    with ScriptedServer() as server:
        asked = requests(server, "openai", 40)
        with pytest.raises(StoppedError, match="--budget"):
            run(tmp_path, asked, {**own, "budget": 0.4}, rounds=50)
        done = len(server.desk.asked)
        assert 5 < done < 40
        with Ledger(tmp_path) as ledger:
            spent = sum(ledger.get(r.key).about["cost"] for r in asked if r.key in ledger)  # type: ignore[union-attr]
        assert 0.2 < spent <= 0.4
        assert run(tmp_path, asked, {**own, "budget": 10.0}).answered == 40
        assert len(server.desk.asked) == 40
