"""Whole builds through the real `openai` and `anthropic` packages, over HTTP, against the scripted server."""

import base64
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest

from building import Silent, Threads, build, settings_of, shard_bytes
from checkout import ROOT, SOURCE_ROOTS
from kame_data import text as reading
from kame_data.cli import main as cli
from kame_data.cli.plan_commands import print_plan
from kame_data.engine.build import Build
from kame_data.engine.build_work import workers_of
from kame_data.engine.plan import plan, preview
from kame_data.engine.run import prepare, run
from kame_data.errors import Interrupted, KameError, StoppedError, UsageError
from kame_data.levels import LevelSchedule
from kame_data.llm.ledger_file import Reader
from kame_data.llm.prompts import TASKS, Prompts
from kame_data.llm.refused import OF_DIALOGUES, OF_ORACLES
from kame_data.llm.session import SpendNotes
from kame_data.resources import bundled
from kame_data.text.answers import tells
from llm import plausible
from llm.server import ScriptedServer, error, prompt, scattered

SECRET = "sk-test-0123456789abcdefghij"


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for provider in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{provider}_API_KEY", SECRET)
        monkeypatch.delenv(f"{provider}_BASE_URL", raising=False)


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(reply=plausible.reply) as running:
        yield running


def spec(server, provider):
    return f"openai:gpt-4.1-nano@{server.url}" if provider == "openai" else f"anthropic:claude-haiku-4-5@{server.root}"


def llm_settings(server, tmp_path, out="out", provider="openai", **changes):
    model = spec(server, provider)
    wanted = {"writer": model, "simulator": model, "ledger": tmp_path / "ledger", "max_refused": 1.0, "limit": 3}
    return settings_of(tmp_path / out, **wanted | changes)


def rows(out):
    return [row for path in sorted((out / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]


def level_of(entry):
    return next((n for n, words in HINTS.items() if words in entry["prompt"]), 0)


HINTS = {
    1: "Keywords around the right answer: ",
    2: "Keywords of the right answer: ",
    3: "but in other words",
    4: "almost as it stands",
}


def lines(body, text):
    """An answer to a request for oracles in which every line says the text."""
    wanted = body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("required")
    return json.dumps(dict.fromkeys(wanted, text)) if wanted else text


def test_another_reading_of_text_makes_parts_anew_and_asks_nothing_again(server, tmp_path, monkeypatch):
    build(llm_settings(server, tmp_path))
    before = len(server.log)
    monkeypatch.setattr("kame_data.text.VERSION", reading.VERSION + 1)
    manifest, made = build(llm_settings(server, tmp_path))
    assert {"questions", "dialogues", "oracles"} <= set(made)
    assert len(server.log) == before, "the ledger holds all of it"
    assert manifest["dialogues"]["accepted"] == 9


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_build_with_a_model_is_whole_and_a_second_one_costs_nothing(server, tmp_path, provider):
    before = len(server.log)
    manifest, _ = build(llm_settings(server, tmp_path, provider=provider))
    calls = len(server.log) - before
    assert manifest["dialogues"]["accepted"] == 9 and manifest["stand_ins"] == []
    assert {r["provenance"]["writer"] for r in rows(tmp_path / "out")} == {spec(server, provider)}
    assert {r["provenance"]["simulator"] for r in rows(tmp_path / "out")} == {spec(server, provider)}
    assert {o["level"] for r in rows(tmp_path / "out") for o in r["oracles"]} == {0, 1, 2, 3, 4, 5}
    by = manifest["spend"]["by"]
    assert sum(row["calls"] for row in by) == calls
    assert {(row["stage"], row["level"]) for row in by} == {("dialogues", None)} | {("oracles", n) for n in range(5)}
    assert manifest["spend"]["dollars"] == pytest.approx(sum(row["cost"] for row in by), abs=1e-5)
    again, _ = build(llm_settings(server, tmp_path, "other", provider))
    assert len(server.log) - before == calls, "the ledger holds all of it"
    assert again["spend"]["dollars"] == 0
    assert shard_bytes(tmp_path / "other") == shard_bytes(tmp_path / "out")


def test_no_call_for_what_needs_none(server, tmp_path):
    """None for level 5, none twice for the same words; and a turn of 40 words takes 20 calls at the most."""
    before = len(server.log)
    build(llm_settings(server, tmp_path))
    asked = [entry["digest"] for entry in server.log[before:]]
    assert len(asked) == len(set(asked))
    built = rows(tmp_path / "out")
    oracles = [(r["id"], o["turn"], o["level"], o["prefix_words"]) for r in built for o in r["oracles"]]
    guesses = [oracle for oracle in oracles if oracle[2] == 0]
    hinted = {oracle[:3] for oracle in oracles if 0 < oracle[2] < 5}
    assert len(asked) == len(built) + len(guesses) + len(hinted), "one for all prefixes of a turn and level"
    assert sum(p.level < 5 for p in LevelSchedule().prefixes(0, 40)) <= 20


def test_duplex_settings_ask_nothing_of_the_writer(server, tmp_path):
    build(llm_settings(server, tmp_path))
    before = len(server.log)
    shares = {"hesitation": 0.5, "user_back_channel": 1.0, "assistant_back_channel": 1.0, "barge_in": 1.0}
    manifest, _ = build(llm_settings(server, tmp_path, "duplex", duplex=shares, stt={"noise": 0.1}))
    asked = server.log[before:]
    assert asked and not [e for e in asked if "Manner of the user:" in e["prompt"]]
    found = rows(tmp_path / "duplex")
    assert manifest["dialogues"]["accepted"] == len(found) == 9
    assert any(s["kind"] == "barge_in" for r in found for s in r["situations"])
    told = {e["prompt"].rpartition("\nuser: ")[2] for e in server.log}
    for row in found:
        heard = {(t["turn"], t["prefix_words"]): t["text"] for t in row["transcripts"]}
        for oracle in (o for o in row["oracles"] if o["level"] == 0):
            words = [w["word"] for w in row["words"] if w["turn"] == oracle["turn"]]
            place = (oracle["turn"], oracle["prefix_words"])
            said = " ".join(words[: oracle["prefix_words"]])
            assert heard.get(place, said) in told, "shown as it was heard"


def test_level_0_never_sees_the_answer_and_hints_grow(server, tmp_path):
    before = len(server.log)
    build(llm_settings(server, tmp_path, schedule="grid", prefix_every=9))
    truths = {row["turns"][-1]["text"] for row in rows(tmp_path / "out")}
    answers = {row["id"]: row["answer"] for row in rows(tmp_path / "out")}
    oracles = [e for e in server.log[before:] if "Manner of the user:" not in e["prompt"]]
    levels = Counter(map(level_of, oracles))
    assert set(levels) == {0, 1, 2, 3, 4}
    for entry in oracles:
        whole = json.dumps(entry["body"]["messages"], ensure_ascii=False)
        if level_of(entry) == 0:
            assert not any(truth in whole for truth in truths)
            heard = entry["prompt"].rpartition("user: ")[2]
            frame = " ".join(str(m["content"]) for m in entry["body"]["messages"]).replace(heard, "")
            assert not any(tells(frame, a) for a in answers.values() if not a.isdigit() and len(a) > 3)
        if level_of(entry) > 2:
            assert any(truth in entry["prompt"] for truth in truths)
        if level_of(entry) in (1, 2):
            assert not any(truth in entry["prompt"] for truth in truths)
    short, long = (
        sum(len(plausible.told(e["prompt"], HINTS[n].rstrip(": ")).split(", ")) for e in oracles if level_of(e) == n)
        / levels[n]
        for n in (1, 2)
    )
    assert short < long


def test_writer_and_simulator_may_differ(server, tmp_path):
    before = len(server.log)
    build(llm_settings(server, tmp_path, simulator=spec(server, "anthropic"), limit=2))
    paths = {e["path"]: "Manner of the user:" in e["prompt"] for e in server.log[before:]}
    assert paths == {"/v1/chat/completions": True, "/v1/messages": False}


def test_one_of_them_may_stay_offline_and_is_named(server, tmp_path):
    manifest, _ = build(llm_settings(server, tmp_path, writer="offline", limit=2))
    assert manifest["stand_ins"] == ["writer: offline rules"]


def test_no_key_in_any_file(server, tmp_path):
    build(llm_settings(server, tmp_path, provider="anthropic", limit=2))
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any("ledger" in p.parts for p in files) and any(p.suffix == ".parquet" for p in files)
    assert not [p for p in files if SECRET.encode() in p.read_bytes()]


def test_the_key_must_be_there(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        build(settings_of(tmp_path / "out", writer="openai:gpt-4.1-nano"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--llm", "openai:gpt-4.1-nano"], "OPENAI_API_KEY is not set"),
        (["--llm", "openai:mystery@http://127.0.0.1:9/v1", "--budget", "1"], "no price known"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_started(tmp_path, monkeypatch, flags, words):
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setitem(sys.modules, "kame_flows.build", None)  # where Prefect would be started
    monkeypatch.setattr(sys, "argv", ["kame-data", "build", "--debug", "--source", "gsm8k=sample", *flags])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=words):
        cli.main()


def test_a_changed_prompt_remakes_what_is_asked_with_it_and_nothing_else(server, tmp_path):
    build(llm_settings(server, tmp_path, limit=2))
    folder = tmp_path / "prompts"
    folder.mkdir()
    text = (bundled("prompts") / "oracle.txt").read_text()
    (folder / "oracle.txt").write_text(text.replace("but in other words", "but in other words, and slowly"))
    before = len(server.log)
    _, made = build(llm_settings(server, tmp_path, limit=2, prompts=folder))
    assert set(made) == {"questions", "oracles", "shards"}
    assert {level_of(e) for e in server.log[before:]} == {3}, "the ledger holds what the other prompts asked"


@pytest.mark.parametrize("setting", [{"temperature": 0.1}, {"oracle_tokens": 77}])
def test_a_changed_sampling_setting_asks_anew_and_a_changed_limit_does_not(server, tmp_path, setting):
    build(llm_settings(server, tmp_path, writer="offline", limit=1))
    _, made = build(llm_settings(server, tmp_path, writer="offline", limit=1, llm={"concurrency": 3}))
    assert "oracles" not in made
    _, made = build(llm_settings(server, tmp_path, writer="offline", limit=1, llm=setting))
    assert "oracles" in made


def test_what_is_refused_is_asked_again_and_counted(tmp_path):
    def stubborn(body):
        """Refused twice, then fine: at level 4, verbatim; elsewhere with a symbol, or as a model."""
        told = f"{plausible.system(body)}\n{prompt(body)}"
        if "Manner of the user:" in told:
            return plausible.reply(body) if OF_DIALOGUES["llm_bad_json"] in told else "{not json"
        if OF_ORACLES["not_spoken"] in told:
            return plausible.reply(body)
        return lines(body, "* one\n* two" if OF_ORACLES["model_talk"] in told else "As an AI, I can't say.")

    with ScriptedServer(reply=stubborn) as server:
        manifest, _ = build(llm_settings(server, tmp_path, limit=1))
    assert manifest["refused"] == {"dialogues": {}, "oracles": {}}
    assert manifest["asked_again"]["dialogues"] == {"llm_bad_json": 3}
    for level in range(5):
        assert set(manifest["asked_again"][f"oracles, level {level}"]) == {"model_talk", "not_spoken"}
    built = rows(tmp_path / "out")
    assert {o["level"] for r in built for o in r["oracles"]} == {0, 1, 2, 3, 4, 5}


def test_an_oracle_that_repeats_its_prompt_is_asked_again(tmp_path):
    at_level_0 = "Answer first: your first words are the answer itself."
    with_hints = "Each line stands for itself, as an answer that somebody gives."

    def parroting(body):
        told = f"{plausible.system(body)}\n{prompt(body)}"
        if "Manner of the user:" in told or OF_ORACLES["repeats_prompt"] in told:
            return plausible.reply(body)
        return lines(body, at_level_0 if plausible.system(body).startswith("You are a voice") else with_hints)

    with ScriptedServer(reply=parroting) as server:
        manifest, _ = build(llm_settings(server, tmp_path, limit=1))
    assert manifest["refused"] == {"dialogues": {}, "oracles": {}}
    for level in range(5):
        assert set(manifest["asked_again"][f"oracles, level {level}"]) == {"repeats_prompt"}
    said = {o["text"] for r in rows(tmp_path / "out") for o in r["oracles"]}
    assert said and not said & {at_level_0, with_hints}


def test_what_is_refused_three_times_is_refused_for_good(tmp_path):
    def silly(body):
        return (
            plausible.reply(body)
            if "Manner of the user:" in prompt(body)
            else lines(body, "Das ist nicht die Antwort auf das, was ich weiß.")
        )

    with ScriptedServer(reply=silly) as server:
        manifest, _ = build(llm_settings(server, tmp_path, limit=1, llm={"trial": 100}))
        oracles = [e["digest"] for e in server.log if "Manner of the user:" not in e["prompt"]]
    assert set(manifest["refused"]["oracles"]) == {"wrong_language"}
    assert set(Counter(oracles).values()) == {1, 2}, "twice with the reason"
    assert {o["level"] for r in rows(tmp_path / "out") for o in r["oracles"]} == {5}


def test_faults_of_the_network_lose_nothing(server, tmp_path):
    build(llm_settings(server, tmp_path))
    with ScriptedServer(reply=plausible.reply, faults=[scattered(0.05, 0.05, 0.02)]) as rough:
        manifest, _ = build(llm_settings(rough, tmp_path, "rough"))
    assert manifest["dialogues"]["accepted"] == 9
    found = [[(r["turns"], r["oracles"]) for r in rows(tmp_path / out)] for out in ("out", "rough")]
    assert found[0] == found[1]


def test_a_refused_key_ends_it_at_once_in_one_line(tmp_path):
    with ScriptedServer(faults=[lambda body, seen: error(401, "bad key")]) as server:
        with pytest.raises(KameError, match="OPENAI_API_KEY") as failure:
            build(llm_settings(server, tmp_path))
        assert failure.value.exit_code == 1 and len(server.log) <= 64
    assert SECRET not in str(failure.value)


def test_a_budget_stops_in_good_order_and_holds_for_all_runs_together(server, tmp_path):
    manifest, _ = build(llm_settings(server, tmp_path))
    whole = manifest["spend"]["dollars"]
    shutil.rmtree(tmp_path / "ledger")
    tight = llm_settings(server, tmp_path, "tight", llm={"budget": 0.6 * whole, "concurrency": 4})
    with pytest.raises(StoppedError, match="larger --budget") as stop:
        build(tight)
    assert stop.value.exit_code == 3
    for _ in range(2):
        with pytest.raises(StoppedError, match="larger --budget"):
            build(tight)
        assert 0.2 * whole < SpendNotes(tmp_path / "tight").total() <= 0.6 * whole, "all runs together"
    larger = llm_settings(server, tmp_path, "tight", llm={"budget": 3 * whole, "concurrency": 4})
    manifest, _ = build(larger)
    assert manifest["spend"]["dollars"] == pytest.approx(whole, rel=0.01)
    assert shard_bytes(tmp_path / "tight") == shard_bytes(tmp_path / "out")


def identity(entry):
    """What the server's answer to this request is called, as it stands in the ledger too."""
    return "chatcmpl-" + hashlib.sha256(json.dumps(entry["body"], sort_keys=True).encode()).hexdigest()[:12]


def kept(folder):
    """The answers that a ledger holds, by what the server called them."""
    entries = [data for _, (_, _, _, data) in Reader(folder).scan([])]
    return {found for data in entries for found in re.findall(r"chatcmpl-[0-9a-f]{12}", data.decode())}


@pytest.mark.slow
def test_killed_again_and_again_nothing_kept_is_asked_twice(tmp_path):
    draw = random.Random(11)
    with ScriptedServer(reply=plausible.reply, latency=0.03) as server:
        model = spec(server, "openai")
        command = [sys.executable, "-m", "llm.building_process", *map(str, (tmp_path / "out", tmp_path / "ledger"))]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((*SOURCE_ROOTS, str(ROOT / "tests")))}
        known = set()
        for turn in range(4):
            seen = len(server.log)
            process = subprocess.Popen([*command, model, model, str(os.getpid())], env=environment)
            enough = seen + draw.randint(5, 60)
            while process.poll() is None and (len(server.log) < enough or turn == 3):
                time.sleep(0.005)
            if turn < 3:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert not known & {identity(entry) for entry in server.log[seen:]}
            known = kept(tmp_path / "ledger")
        assert process.returncode == 0
        assert known == {identity(entry) for entry in server.log}
        before = len(server.log)
        calm = {"writer": model, "simulator": model, "ledger": tmp_path / "ledger", "max_refused": 1.0, "limit": 6}
        build(settings_of(tmp_path / "calm", **calm))
        assert len(server.log) == before
    assert shard_bytes(tmp_path / "calm") == shard_bytes(tmp_path / "out")


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_batch_jobs_bring_the_same_shards(tmp_path, provider):
    with ScriptedServer(reply=plausible.reply) as server:
        build(llm_settings(server, tmp_path, provider=provider))
        shutil.rmtree(tmp_path / "ledger")
        before = len(server.log)
        jobs = llm_settings(server, tmp_path, "jobs", provider, llm={"mode": "batch", "poll": 0.2})
        manifest, _ = build(jobs, workers=workers_of(jobs))
        asked_directly = len(server.log) - before
    assert asked_directly <= 4, "all but the requests that try out a model go in jobs"
    assert manifest["spend"]["dollars"] > 0
    assert shard_bytes(tmp_path / "jobs") == shard_bytes(tmp_path / "out")


def test_an_interrupted_build_asks_no_more_and_loses_nothing(tmp_path):
    """What is on the wire is taken in; parts that waited for a thread do not begin."""
    with ScriptedServer(reply=plausible.reply, latency=0.1) as server:
        settings = llm_settings(server, tmp_path, limit=6, llm={"concurrency": 4})
        found = Build(settings)

        def stop():
            while len(server.log) < 30:
                time.sleep(0.01)
            found.stop.set()

        threading.Thread(target=stop).start()
        prepare(found, Silent())
        runner = Threads(found, 2)
        with runner.pool, pytest.raises(Interrupted):
            run(found, runner, Silent())
        asked = len(server.log)
        assert kept(settings.ledger) == {identity(entry) for entry in server.log}
        time.sleep(0.3)
        assert len(server.log) == asked
        build(settings)
        assert len({e["digest"] for e in server.log}) == len(server.log)


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_picture_goes_to_a_writer_that_can_see_and_to_no_other(server, tmp_path, provider):
    (tmp_path / "river.png").write_bytes(PNG)
    row = {"id": 1, "question": "Which river is shown in the picture?", "correct_answer": "A", "category": "geography"}
    row |= {"options": {"A": "The Nile", "B": "The Rhine"}, "type": "single", "pic_path": "river.png"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    settings = llm_settings(server, tmp_path, provider=provider, sources=(f"hssbench={tmp_path / 'rows.jsonl'}",))
    before = len(server.log)
    with contextlib.suppress(KameError):  # the server's words still speak of a picture, or they do not: both will do
        build(settings)
    sent = [json.dumps(e["body"]) for e in server.log[before:] if "Manner of the user:" in e["prompt"]]
    assert sent and all(base64.b64encode(PNG).decode() in body for body in sent)
    unseeing = settings.llm.model_copy(update={"pictures": False})
    blind = settings.model_copy(update={"out": tmp_path / "blind", "llm": unseeing})
    before = len(server.log)
    with pytest.raises(KameError):
        build(blind)
    assert len(server.log) == before
    assert "needs_picture" in "".join(p.read_text() for p in (tmp_path / "blind").rglob("*.jsonl"))


def test_a_question_whose_picture_is_not_there_is_refused_before_it_is_asked(server, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    row = {"question": "Which river is shown in the picture?", "correct_answer": "A", "category": "geography"}
    row |= {"options": {"A": "The Nile", "B": "The Rhine"}, "type": "single"}
    rows = [row | {"id": 1, "pic_path": "gone.png"}, row | {"id": 2, "pic_path": "empty.png"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    before = len(server.log)
    with pytest.raises(KameError):
        build(llm_settings(server, tmp_path, sources=(f"hssbench={tmp_path / 'rows.jsonl'}",)))
    assert len(server.log) == before
    assert "needs_picture" in "".join(p.read_text() for p in (tmp_path / "out").rglob("*.jsonl"))


def test_prompts_are_checked(tmp_path):
    folder = tmp_path / "prompts"
    with pytest.raises(UsageError, match="no such folder"):
        build(settings_of(tmp_path / "a", simulator="openai:x@http://127.0.0.1:9/v1", prompts=folder))
    folder.mkdir()
    for name, text, words in (
        ("back_end.txt", "{{ heard }} {{ hint }}", "unknown slot 'hint'; a back end must not see the answer"),
        ("oracle.txt", "{{ level }} {{ pieces }}", "slot 'hint' is missing"),
        ("writer.txt", "{{ question", "mend it"),
        ("poem.txt", "x", "poem.txt is no prompt's name"),
    ):
        path = folder / name
        path.write_text(f"== system ==\nBe brief.\n== user ==\n{text}\n")
        with pytest.raises(UsageError, match=words) as failure:
            Prompts(folder)
        assert "\n" not in str(failure.value)
        path.unlink()
    assert {p.stem for p in bundled("prompts").glob("*.txt")} == set(TASKS)


def test_plan_counts_and_prices_and_asks_nothing(server, tmp_path):
    settings = llm_settings(server, tmp_path, limit=9)
    before = len(server.log)
    foreseen = plan(settings)
    assert len(server.log) == before and not settings.out.exists() and not settings.ledger.exists()
    calls = {(m.stage, m.level): m.calls for m in foreseen.models}
    assert set(calls) == {("dialogues", None)} | {("oracles", level) for level in range(5)}
    assert calls["dialogues", None] == sum(foreseen.dialogues.values())
    assert all(m.cost > 0 and m.input_tokens > m.calls for m in foreseen.models)
    half = plan(settings.model_copy(update={"llm": settings.llm.model_copy(update={"mode": "batch"})}))
    assert sum(m.cost for m in half.models) == pytest.approx(sum(m.cost for m in foreseen.models) / 2)


def test_plan_measures_a_model_on_this_machine(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(server, "latency", 0.4)
    model = f"openai:some-local-model@{server.url}"
    settings = llm_settings(server, tmp_path, limit=3, writer=model, simulator=model)
    foreseen = plan(settings)
    assert all(m.measured and m.cost is None for m in foreseen.models)
    for m in foreseen.models:  # four at once in 0.4 s
        assert 0.05 * m.calls < m.seconds < 1.0 * m.calls
    assert not settings.out.exists() and not settings.ledger.exists(), "no answer is kept"
    monkeypatch.setattr(server, "faults", [lambda body, number: error(500)])
    silent = plan(settings)
    assert not any(m.measured or m.seconds is not None for m in silent.models), "what does not answer has no pace"
    monkeypatch.setenv("COLUMNS", "200")
    print_plan(silent, settings)
    assert "it does not answer" in capsys.readouterr().out


def test_preview_asks_for_few_and_writes_no_build(server, tmp_path):
    settings = llm_settings(server, tmp_path)
    pairs = preview(settings, most=1)
    assert len(pairs) == 1 and {o.level for o in pairs[0][1].oracles} == {0, 1, 2, 3, 4, 5}
    assert not settings.out.exists()
