"""Models that are always wrong, or seldom right: how much is asked of them, over HTTP, before a build stops."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from building import SAMPLES as SOURCES
from building import Silent, build, settings_of
from checkout import PYTHONPATH
from kame_data.engine.build import Build
from kame_data.engine.build_work import BuildWork, workers_of
from kame_data.engine.local_runner import LocalRunner
from kame_data.engine.run import prepare, run
from kame_data.errors import KameError, Refusal
from kame_data.llm.ledger_tools import stats
from kame_data.llm.request import Answer, Message, Request
from kame_data.llm.session import SAMPLES, Session
from kame_data.settings.tree import LlmSettings, Settings
from llm import plausible
from llm.server import Body, ScriptedServer, error, prompt

TRIAL = LlmSettings().trial
MOST = SAMPLES * TRIAL
"""Calls that a model may cost of which no text is kept."""
SECRET = "sk-test-0123456789abcdefghij"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{provider}_API_KEY", SECRET)
        monkeypatch.delenv(f"{provider}_BASE_URL", raising=False)


def spec(server: ScriptedServer, provider: str = "openai", model: str = "gpt-4.1-nano") -> str:
    return f"openai:{model}@{server.url}" if provider == "openai" else f"anthropic:claude-haiku-4-5@{server.root}"


def writes(body: Body) -> bool:
    """True for a request for a dialogue."""
    return "Manner of the user:" in prompt(body)


def junk(_: Body) -> str:
    return f"Junk,\nfor\x1b[31m {SECRET}."


def junk_oracles(body: Body) -> str:
    return plausible.reply(body) if writes(body) else junk(body)


def wanted(
    server: ScriptedServer, folder: Path, out: str = "out", provider: str = "openai", **changes: Any
) -> Settings:
    model = spec(server, provider)
    usual = {"writer": model, "simulator": model, "ledger": folder / "ledger", "max_refused": 1.0, "part_size": 16}
    return settings_of(folder / "out", **usual | changes)


def check_message(error: KameError, stage: str, model: str) -> None:
    """One line of all that a person needs."""
    text = str(error)
    assert error.exit_code == 1 and "\n" not in text and "\x1b" not in text and SECRET not in text
    assert text.startswith(f"{stage} by {model}: none of its first {TRIAL} texts was kept, ")
    for part in ("refusals are 'llm_bad_json'", "Junk, for", "take another model", "export FILE", "--set llm.trial="):
        assert part in text


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(("stage", "reply"), [("dialogues", junk), ("oracles", junk_oracles)])
@pytest.mark.parametrize("limit", [2, None], ids=["a few wanted", "all wanted"])
def test_a_model_that_is_always_wrong_costs_a_few_calls(
    tmp_path: Path, provider: str, stage: str, reply: Any, limit: int | None
) -> None:
    with ScriptedServer(reply=reply) as server:
        # Level 0 takes any words for an answer, but not those of a terminal's codes.
        settings = wanted(server, tmp_path, provider=provider, limit=limit, levels=(3, 4, 5))
        if stage == "oracles" and limit is not None:
            settings = settings.model_copy(update={"limit": 12})  # too few are no trial
        with pytest.raises(KameError) as failure:
            build(settings, workers=4)
        check_message(failure.value, stage, spec(server, provider))
        calls = [entry for entry in server.log if writes(entry["body"]) == (stage == "dialogues")]
        assert len(calls) == MOST
        assert stats(tmp_path / "ledger").answers == len(server.log), "what was answered is kept"


def test_the_same_again_costs_nothing_and_another_model_goes_on(tmp_path: Path) -> None:
    """A model that was wrong is wrong again at no cost; with more patience it goes on from there."""

    def reply(body: Body) -> str:
        return plausible.reply(body) if body["model"] == "right" else "Junk."

    with ScriptedServer(reply=reply) as server:
        settings = wanted(server, tmp_path, limit=2)
        for _ in range(2):
            with pytest.raises(KameError, match=f"none of its first {TRIAL} texts"):
                build(settings, workers=1)
            assert len(server.log) == MOST
        more = settings.model_copy(update={"llm": LlmSettings(trial=TRIAL + 4)})
        with pytest.raises(KameError, match=f"none of its first {TRIAL + 4} texts"):
            build(more, workers=1)
        assert len(server.log) == MOST + 4 * SAMPLES
        right = spec(server, model="right")
        manifest, _ = build(settings.model_copy(update={"writer": right, "simulator": right}))
        assert manifest["dialogues"]["accepted"] == 6


@pytest.mark.parametrize("part_size", [2, 128])
def test_a_model_that_is_right_one_time_in_ten_goes_on(tmp_path: Path, part_size: int) -> None:
    right: dict[str, bool] = {}

    def reply(body: Body) -> str:
        # By the dialogue and not by the reply, so that no second sample helps.
        which = prompt(body).partition("A dialogue that you wrote")[0].strip()
        good = right.setdefault(which, len(right) % 10 == 9)
        return plausible.reply(body) if good else junk(body)

    with ScriptedServer(reply=reply) as server:
        settings = wanted(server, tmp_path, simulator="offline", part_size=part_size)
        manifest, _ = build(settings, accept_fewer=True)
    accepted, refused = manifest["dialogues"]["accepted"], manifest["refused"]["dialogues"]
    assert len(right) == accepted + sum(refused.values()), "every row was asked for"
    assert 0 < accepted <= len(right) // 10 and refused["llm_bad_json"] > TRIAL


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_batch_jobs_stop_behind_the_trial(tmp_path: Path, provider: str) -> None:
    with ScriptedServer(reply=junk) as server:
        settings = wanted(server, tmp_path, provider=provider, llm={"mode": "batch", "poll": 0.1})
        with pytest.raises(KameError) as failure:
            build(settings, workers=workers_of(settings))
        check_message(failure.value, "dialogues", spec(server, provider))
        assert len(server.desk.jobs) == SAMPLES
        assert stats(tmp_path / "ledger").answers == MOST, "in jobs, and the one that tries out the model"


def test_processes_that_speak_stop_as_well(tmp_path: Path) -> None:
    """What the pool has in work when a model loses its trial ends soon, and no process is left."""
    with ScriptedServer(reply=junk_oracles) as server:
        found = Build(wanted(server, tmp_path, speak=True, part_size=2, levels=(3, 5)))
        prepare(found, Silent())
        with LocalRunner(BuildWork(found), 1.0, threads=4, processes=1) as runner:
            runner.start()
            with pytest.raises(KameError, match="oracles by"):
                run(found, runner, Silent())
            assert runner._pool is not None
            children = runner._pool.process_ids()
        assert not [child for child in children if Path(f"/proc/{child}").exists()]
        asked = len(server.log)
        assert sum(not writes(entry["body"]) for entry in server.log) == MOST
    assert asked


@pytest.mark.slow
def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kame_data.cli", "build", "--no-speech", "--limit", "2"]
    command += [flag for source in SOURCES for flag in ("--source", source)]
    environment = os.environ | {"PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": PYTHONPATH, "COLUMNS": "200"}
    with ScriptedServer(reply=junk) as server:
        command += ["--llm", spec(server), "--ledger", str(tmp_path / "ledger"), "--out", str(tmp_path / "out")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 1 and len(server.log) == MOST
    said = [line for line in done.stderr.splitlines() if "none of its first" in line]
    assert len(said) == 1 and said[0].startswith("kame-data: dialogues by openai:")


# The session, without a build.


@contextmanager
def session(folder: Path, **settings: Any) -> Iterator[Session]:
    opened = Session(folder / "out", folder / "ledger", LlmSettings(**settings))
    try:
        yield opened
    finally:
        opened.close()


def asking(server: ScriptedServer, text: str, fits: Any) -> Any:
    """A job that asks for a text until `fits(answer)`."""
    first = Request("openai", "gpt-4.1-nano", (Message("user", text),), server.url, max_tokens=5, stage="dialogues")

    def take(answer: Answer, _: list[Refusal]) -> str:
        if not fits(answer.text):
            raise Refusal("wrong", answer.text)
        return answer.text

    async def job(inside: Session) -> str:
        return await inside.ask_until(lambda refused: replace(first, sample=len(refused)), take)

    return job


def test_rows_that_are_refused_before_a_call_or_get_no_answer_say_nothing_of_the_model(tmp_path: Path) -> None:
    async def unaskable(inside: Session) -> str:
        def refuse(_: list[Refusal]) -> Request:
            raise Refusal("bad_picture", "broken")

        return await inside.ask_until(refuse, lambda answer, _: answer.text)

    faults = [lambda body, _: error(400, "too long") if "long" in prompt(body) else None]
    with ScriptedServer(faults=faults) as server, session(tmp_path, trial=4) as opened:
        assert list(opened.outcomes([asking(server, "q", lambda _: True)]))
    with ScriptedServer(faults=faults) as server, session(tmp_path, trial=4) as opened:
        # One answer, so that the engine does not take the model for one that answers nothing.
        jobs = [asking(server, "first", lambda _: False), *(unaskable for _ in range(20))]
        jobs += [asking(server, f"long {n}", lambda _: True) for n in range(3)]
        found = list(opened.outcomes([*jobs, asking(server, "last", lambda _: True)]))
    reasons = [outcome.reason if isinstance(outcome, Refusal) else "" for outcome in found]
    assert reasons == ["wrong", *["bad_picture"] * 20, *["llm_failed"] * 3, ""]


def test_what_is_right_when_it_is_told_why_passes(tmp_path: Path) -> None:
    """Whole texts count: many first replies that are refused stop nothing."""
    with ScriptedServer(reply=lambda body: json.dumps(body)) as server, session(tmp_path, trial=4) as opened:
        seen: set[str] = set()

        def second(text: str) -> bool:
            asked = prompt(json.loads(text))
            return asked in seen or bool(seen.add(asked))

        found = list(opened.outcomes([asking(server, f"q{n}", second) for n in range(12)]))
        assert not any(isinstance(outcome, Refusal) for outcome in found)
        assert len(server.log) == 24


def test_one_that_is_kept_ends_the_trial(tmp_path: Path) -> None:
    with ScriptedServer() as server, session(tmp_path, trial=4) as opened:
        fits = [lambda _: False] * 3 + [lambda _: True] + [lambda _: False] * 20
        found = list(opened.outcomes([asking(server, f"q{n}", fit) for n, fit in enumerate(fits)]))
    assert sum(isinstance(outcome, Refusal) for outcome in found) == 23


@pytest.mark.parametrize("kind", ["spend", "trials"])
@pytest.mark.parametrize("fault", [lambda d: d[: len(d) // 2], lambda _: b"[7]", lambda _: b"\xff\xfe", lambda _: b""])
def test_a_damaged_note_is_told_in_one_line(tmp_path: Path, kind: str, fault: Callable[[bytes], bytes]) -> None:
    with ScriptedServer() as server:

        def ask(text: str) -> None:
            with session(tmp_path, trial=4) as opened:
                list(opened.outcomes([asking(server, text, lambda _: False)]))

        ask("first")
        (note,) = (tmp_path / "out" / "parts" / kind).iterdir()
        note.write_bytes(fault(note.read_bytes()))
        with pytest.raises(KameError) as told:
            ask("second")
        assert str(told.value).startswith(f"{note}: is damaged; delete it, and ") and "\n" not in str(told.value)
        note.unlink()
        ask("second")
