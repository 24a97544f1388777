"""The pilot of a build: a smaller build first, judged, in the same folder."""

import subprocess
import sys
from dataclasses import replace

import pytest

from building import build, settings_of, shard_bytes
from finished.test_quality import flattened
from kame_data.engine import stages
from kame_data.engine.build import Build
from kame_data.engine.pilot import first_counts
from kame_data.errors import StoppedError
from kame_data.llm.session import SpendNotes
from llm import plausible
from llm.server import ScriptedServer


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdefghij")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def made(out):
    return {p.name for p in out.glob("parts/oracles/*.json")}


def llm(server, tmp_path, out="out", **changes):
    model = f"openai:gpt-4.1-nano@{server.url}"
    wanted = {"writer": model, "simulator": model, "ledger": tmp_path / "ledger", "max_refused": 1.0, "limit": 4}
    return settings_of(tmp_path / out, **wanted | changes)


@pytest.mark.parametrize("size", [{}, {"limit": 5}, {"target": 20}, {"target": 70, "max_variants": 3}])
def test_the_shards_are_those_of_a_build_without_one(tmp_path, capsys, size):
    manifest, _ = build(settings_of(tmp_path / "plain", **size))
    assert "pilot" not in capsys.readouterr().out
    piloted, _ = build(settings_of(tmp_path / "out", pilot=7, **size))
    assert shard_bytes(tmp_path / "out") == shard_bytes(tmp_path / "plain")
    assert piloted == manifest
    said = capsys.readouterr().out
    assert "of 7 dialogues accepted" in said and "right consumed" in said and "the whole costs nothing" in said


@pytest.mark.parametrize("size", [{"limit": 4}, {"target": 20}, {}])
def test_it_makes_the_first_of_the_same_build_and_no_more_than_there_are(tmp_path, size):
    found = Build(settings_of(tmp_path / "out", **size))
    whole = found.selection().counts
    for most in (1, 7, 10**6):
        counts = first_counts(found, most)
        assert sum(counts.values()) == min(most, found.selection().asked_for)
        assert all(count <= whole[endpoint] for endpoint, count in counts.items())


def test_oracles_that_do_not_rise_stop_it(tmp_path, monkeypatch):
    monkeypatch.setitem(stages.STAGES, "oracles", replace(stages.STAGES["oracles"], run=flattened))
    with pytest.raises(StoppedError, match="level 3 do not say more of the answer than those of level 2") as stop:
        build(settings_of(tmp_path / "out", pilot=9))
    assert stop.value.exit_code == 3
    asked = sum(p.name.count("-v00-") for p in (tmp_path / "out").glob("parts/dialogues/*.json"))
    assert 0 < asked <= 6 and not (tmp_path / "out" / "shards").exists()


def test_too_many_refusals_stop_it_before_much_is_paid(tmp_path):
    with ScriptedServer(reply=lambda body: "{no json") as server:
        with pytest.raises(StoppedError, match=r"4 of 4 dialogues were refused \(llm_bad_json 4\)"):
            build(llm(server, tmp_path, pilot=4, max_refused=0.2, limit=9))
        assert len(server.log) == 4 * 3, "three samples for each of the four"
        with pytest.raises(StoppedError, match="none was accepted"):
            build(llm(server, tmp_path, pilot=4, limit=9))
        assert len(server.log) == 4 * 3
    assert "llm_bad_json" in (tmp_path / "out" / "rejected" / "dialogues.jsonl").read_text()


def test_a_cost_over_the_budget_stops_it_and_a_larger_budget_goes_on(tmp_path, capsys):
    with ScriptedServer(reply=plausible.reply) as server:
        manifest, _ = build(llm(server, tmp_path, "plain", ledger=tmp_path / "other"))
        whole = manifest["spend"]["dollars"]
        tight = llm(server, tmp_path, pilot=4, llm={"budget": 0.8 * whole})
        for _ in range(2):
            before = len(server.log)
            with pytest.raises(StoppedError, match="do not fit the budget") as stop:
                build(tight)
            assert stop.value.exit_code == 3 and "\n" not in str(stop.value)
        assert len(server.log) == before, "the second time all of the pilot is there"
        spent = SpendNotes(tmp_path / "out").total()
        assert 0.1 * whole < spent < 0.6 * whole
        capsys.readouterr()
        manifest, _ = build(llm(server, tmp_path, pilot=4, llm={"budget": 3 * whole}))
        assert manifest["spend"]["dollars"] == pytest.approx(whole, rel=0.01)
        assert shard_bytes(tmp_path / "out") == shard_bytes(tmp_path / "plain")
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("the whole, 12 dialogues"))
    assert float(line.split("$")[2].split()[0]) == pytest.approx(whole, rel=0.4)


def test_what_the_ledger_holds_is_free_but_estimated(tmp_path, capsys):
    with ScriptedServer(reply=plausible.reply) as server:
        manifest, _ = build(llm(server, tmp_path, "plain"))
        calls = len(server.log)
        build(llm(server, tmp_path, pilot=4))
        assert len(server.log) == calls
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("the whole, 12 dialogues"))
    assert "$0.0000 if the ledger holds" in line
    # At the table's price for the real prompts; the scripted server says of each that it is 20 tokens long.
    assert float(line.split("$")[2].split()[0]) > manifest["spend"]["dollars"]


@pytest.mark.slow
def test_the_command_ends_with_3_and_one_line(tmp_path):
    flags = ["--config", "demo", "--no-speech", "--pilot", "12", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, "build", *flags], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("kame-data: pilot of 12 dialogues: the oracles of level 3")
    assert "right consumed" in done.stdout


BROKEN = """
from dataclasses import replace
import sys
sys.path.insert(0, "tests")
from finished.test_quality import flattened
from kame_data.engine import build_work, stages
from kame_data.cli.main import main
build_work.place_of = lambda settings, stage: "here"  # other processes would not know the broken stage
stages.STAGES["oracles"] = replace(stages.STAGES["oracles"], run=flattened)
main()
"""
