"""Nights, one after the other, under a real Prefect server: what grows, what is published, what stops it."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

import hub
from building import build as build_whole
from building import settings_of, shard_bytes
from clusters import PART_SIZE, Command, DaskCluster, Processes, wait_for
from finished.test_quality import flattened
from kame_data.engine import stages
from kame_data.finished import level_figures
from kame_data.settings.prefect_forms import BuildForm, PublishForm
from kame_data.storage.lock import hold
from kame_flows.nightly import nightly
from llm import plausible
from llm.server import ScriptedServer, error
from nights import QUESTIONS, ask, write_questions
from s3 import S3

pytestmark = [pytest.mark.xdist_group("clusters"), pytest.mark.slow]
KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def prefect(servers, monkeypatch):
    """This process knows the session's server."""
    for name, value in {"WORKERS": "1", "PROGRESS": "false", "PART_SIZE": "4", "VALIDATION_SHARE": "0.2"}.items():
        monkeypatch.setenv(f"KAME_DATA_{name}", value)
    url = servers.environment["PREFECT_API_URL"]
    monkeypatch.setattr("kame_flows.build.processes_of", lambda settings: 0)  # threads, which begin at once
    with temporary_settings({PREFECT_API_URL: url}):
        yield url


@pytest.fixture
def model(monkeypatch):
    """A model that answers, and `faults` to set."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with ScriptedServer(reply=plausible.reply) as server:
        yield server


@pytest.fixture
def here(monkeypatch, tmp_path):
    """A Hub that this process takes for the one."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", hub.TOKEN)
    with hub.hub() as site:
        monkeypatch.setattr(constants, "ENDPOINT", site.url)
        template = site.url + "/{repo_id}/resolve/{revision}/{filename}"
        for module in ("constants", "file_download"):
            monkeypatch.setattr(f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        yield site


class Nights:
    """Nights of one output; `dry` writes to a folder instead of the Hub."""

    def __init__(self, folder, dry=True, **build):
        self.out, self.dry = folder / "out", folder / "dry" if dry else None
        self.build = {"sources": ["gsm8k=sample"], "speak": False, "ledger": str(folder / "ledger")} | build

    def run(self, more=2, **publish):
        form = PublishForm(**{"allow_stand_ins": "writer" not in self.build} | publish)
        form = form.model_copy(update={"dry_run": self.dry and str(self.dry)})
        state = nightly("ORG/NAME", str(self.out), more, BuildForm(**self.build), publish=form, return_state=True)
        return state.type.value, state.message

    @property
    def published(self):
        """Dialogues in the folder of the dry run; None where there is none."""
        path = self.dry / "kame-data.json"
        return json.loads(path.read_text())["dialogues"]["accepted"] if path.exists() else None


def artifacts(url, key):
    found = ask(url, "artifacts/filter", artifacts={"key": {"any_": [key]}}, sort="UPDATED_DESC")
    return found[0] if found else None


def test_it_grows_night_by_night_on_the_hub_until_there_is_no_more(prefect, here, tmp_path):
    nights = Nights(tmp_path, dry=False, limit=4)
    assert nights.run() == ("COMPLETED", f"2 dialogues published to {here.url}/datasets/ORG/NAME")
    first = set((nights.out / "parts").rglob("*.json"))
    assert nights.run()[1].startswith("4 dialogues published")
    assert first <= set((nights.out / "parts").rglob("*.json")), "what is there is made again"
    build_whole(settings_of(tmp_path / "whole", sources=("gsm8k=sample",), limit=4))
    assert shard_bytes(nights.out) == shard_bytes(tmp_path / "whole")
    commits = len(here.repos["dataset", "ORG/NAME"].revisions["main"])
    assert nights.run() == (
        "COMPLETED",
        "nothing new: no more than 4 questions a source, of 4; what was published last stays",
    )
    assert len(here.repos["dataset", "ORG/NAME"].revisions["main"]) == commits
    link = artifacts(prefect, "kame-report")
    assert (nights.out / "report.html").resolve().as_uri() in link["data"]
    levels = json.loads(artifacts(prefect, "kame-levels")["data"])
    assert [row["level"] for row in levels] == [*"012345"]
    assert "| gsm8k |" in artifacts(prefect, "kame-night")["data"]


def test_a_night_that_breaks_is_finished_before_the_next_one_grows(prefect, model, tmp_path):
    name = f"openai:gpt-4.1-nano@{model.url}"
    nights = Nights(tmp_path, writer=name, simulator=name, budget=5.0)
    assert nights.run()[0] == "COMPLETED" and nights.published == 2
    model.faults = [lambda body, number: error(401, "no such key")]
    kind, why = nights.run()
    assert kind == "FAILED" and "401" in why and KEY not in why and nights.published == 2
    assert "Nothing was published" in artifacts(prefect, "kame-night")["data"]
    model.faults = []
    assert nights.run() == ("COMPLETED", f"4 dialogues published to {nights.dry}")
    spend = artifacts(prefect, "kame-spend")
    assert "this night" in spend["description"] and "gpt-4.1-nano" in spend["data"]
    assert KEY not in json.dumps(ask(prefect, "artifacts/filter")) + json.dumps(ask(prefect, "flow_runs/filter"))


def test_a_gate_that_shuts_publishes_nothing_and_the_same_night_is_mended(prefect, model, tmp_path, monkeypatch):
    name = f"openai:gpt-4.1-nano@{model.url}"
    nights = Nights(tmp_path, writer=name, simulator=name)
    assert nights.run()[0] == "COMPLETED"
    with monkeypatch.context() as bad:
        bad.setitem(stages.STAGES, "oracles", replace(stages.STAGES["oracles"], run=flattened))
        bad.setattr(level_figures, "LEAST", 3)  # of so few dialogues the gate would say nothing
        shutil.rmtree(nights.out / "parts" / "oracles")
        for _ in range(2):
            kind, why = nights.run()
            assert kind == "FAILED" and "level 3 do not say more of the answer than those of level 2" in why
            assert nights.published == 2
    report = artifacts(prefect, "kame-report")
    assert "report.html" in report["data"] and "4 dialogues" in report["description"]
    shutil.rmtree(nights.out / "parts" / "oracles")
    assert nights.run() == ("COMPLETED", f"4 dialogues published to {nights.dry}"), "it grew without being published"


def test_new_rows_come_behind_those_that_are_there(prefect, tmp_path):
    rows = tmp_path / "rows.jsonl"
    write_questions(rows, 3)
    nights = Nights(tmp_path, sources=[f"questions={rows}"])
    assert nights.run(10)[1].startswith("3 dialogues") and nights.run(10)[1].startswith("nothing new")
    before = {p.name for p in (nights.out / "parts" / "dialogues").iterdir()}
    write_questions(rows, len(QUESTIONS))
    assert nights.run(2)[1].startswith("5 dialogues")
    assert before < {p.name for p in (nights.out / "parts" / "dialogues").iterdir()}
    assert nights.run(2)[1].startswith("6 dialogues") and nights.run(2)[1].startswith("nothing new")
    write_questions(rows, 4)
    kind, why = nights.run(2)
    assert kind == "FAILED" and "is gone or has changed since the build began" in why and nights.published == 6


def test_what_no_night_can_be_done_with_is_said_in_a_line(prefect, tmp_path, monkeypatch):
    nights = Nights(tmp_path)
    kind, why = nights.run(allow_stand_ins=False)
    assert (kind, nights.out.exists()) == ("FAILED", False) and "stand-ins" in why
    for wrong in ({"llm": "openai:m@http://u:hidden@h/v1"}, {"llm": "nobody:m"}):
        kind, why = Nights(tmp_path, **wrong).run()
        assert kind == "FAILED" and why.startswith("LLM '") and "hidden" not in why
    with hold(nights.out):
        kind, why = nights.run()
        assert kind == "FAILED" and why.endswith("another build is at work there; wait for it, or give another folder")
    nights.run()
    kind, why = Nights(tmp_path, target=9).run()
    assert kind == "FAILED" and "grown by --limit, and this would grow it by --target" in why
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    kind, why = Nights(tmp_path, dry=False).run()
    assert kind == "FAILED" and why.startswith("no token for the Hub")


def test_it_works_in_an_object_store_and_on_a_cluster(servers, tmp_path):
    pytest.importorskip("prefect_dask")
    pytest.importorskip("moshi")
    store = S3()
    environment = servers.environment | store.environment | PART_SIZE | {"KAME_DATA_CACHE": str(tmp_path / "cache")}
    there = Processes(tmp_path, environment)
    kame, cluster = Command(there), DaskCluster(there)
    flags = ["--repo", "ORG/NAME", "--source", "gsm8k=sample", "--limit", "3", "--allow-stand-ins"]
    flags += ["--dry-run", tmp_path / "dry", "--codec", "untrained-small", "--tokenizer", "sample", "--device", "cpu"]
    try:
        cluster.start()
        # A bucket that is not there is said, and nothing is done.
        done = kame.run("nightly", *flags, "--more", "2", "--out", "s3://nights/out", *cluster.flags())
        assert done.returncode == 1 and "make the bucket first" in done.stderr.splitlines()[-1], done.stderr
        make = "import fsspec; fsspec.filesystem('s3').mkdir('nights')"
        subprocess.run([sys.executable, "-c", make], env=environment, check=True)
        for said in ("2 dialogues published", "3 dialogues published", "nothing new: no more than 3"):
            done = kame.run("nightly", *flags, "--more", "2", "--out", "s3://nights/out", *cluster.flags())
            assert done.returncode == 0 and done.stdout.startswith(said), done.stdout + done.stderr
        checked = kame.run("verify", "s3://nights/out")
        assert checked.returncode == 0 and "1 token shards of 3 rows" in checked.stdout, checked.stdout
        wait_for(lambda: "'tokens " in there.log("w1") + there.log("w2"))  # logs come behind the work
    finally:
        there.close()
        store.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_at_any_moment_it_says_so_and_goes_on(servers, kame, tmp_path, number):
    draw = random.Random(number)
    flags = ["--repo", "ORG/NAME", "--source", "gsm8k=sample", "--limit", "4", "--more", "4", "--allow-stand-ins"]
    flags += ["--no-speech", "--out", tmp_path / "out", "--dry-run", tmp_path / "dry"]
    name = f"nightly {tmp_path / 'out'}"
    for seen in ("parts/questions/*.json", "parts/oracles/*.json", "manifest.json"):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        process = kame.start("nightly", *flags)
        wait_for(lambda seen=seen, process=process: [*(tmp_path / "out").glob(seen)] or process.poll() is not None)
        time.sleep(draw.uniform(0, 0.5))
        process.send_signal(number)
        said, errors = process.communicate(timeout=10 if number == signal.SIGTERM else 60)
        if not process.returncode and said.strip():  # it was done before
            break
        assert process.returncode == 130 and "interrupted" in errors.splitlines()[-1], errors
        (run, *_) = ask(servers.environment["PREFECT_API_URL"], "flow_runs/filter", **by_name(name))
        assert run["state_type"] in ("FAILED", "CRASHED"), run["state"]
    done = kame.run("nightly", *flags)
    assert done.returncode == 0 and "4 dialogues" in done.stdout + (tmp_path / "dry" / "README.md").read_text()


TASK_BEGINS = """
import os, signal
import kame_data.cli.main, prefect.task_engine as engine
begin = engine._create_task_run_locally

def stopped(*args, **told):
    os.kill(os.getpid(), signal.SIGTERM)
    [n for n in range(100_000)]
    return begin(*args, **told)

engine._create_task_run_locally = stopped
kame_data.cli.main.main()
"""


def test_a_signal_while_prefect_begins_a_task_is_an_interrupt(servers, tmp_path):
    flags = ["--repo", "ORG/NAME", "--source", "gsm8k=sample", "--allow-stand-ins", "--no-speech"]
    flags += ["--out", str(tmp_path / "out"), "--dry-run", str(tmp_path / "dry")]
    command = [sys.executable, "-c", TASK_BEGINS, "nightly", *flags]
    done = subprocess.run(
        command, env=servers.environment, capture_output=True, text=True, timeout=120, check=False
    )  # Prefect's own handler raises what it then loses
    assert done.returncode == 130 and "interrupted" in done.stderr.splitlines()[-1], done.stderr
    (run,) = ask(servers.environment["PREFECT_API_URL"], "flow_runs/filter", **by_name(f"nightly {tmp_path / 'out'}"))
    assert run["state_type"] in ("FAILED", "CRASHED"), run["state"]


def test_a_target_that_refusals_keep_out_of_reach_is_grown_to_what_there_is(prefect, tmp_path, monkeypatch):
    monkeypatch.setenv("KAME_DATA_MAX_VARIANTS", "1")
    rows = tmp_path / "rows.jsonl"
    write_questions(rows, 6)
    with rows.open("a") as file:
        hard = {"question": "How many legs have a cat and a hen?", "answer": "6", "working": "<<4+2=7>>7, or 6"}
        file.write(json.dumps({"id": "hard"} | hard) + "\n")
    nights = Nights(tmp_path, sources=[f"questions={rows}"], target=20)
    said = [nights.run(4)[1] for _ in range(3)]
    assert said[0].startswith("4 dialogues") and said[1].startswith("6 dialogues"), said
    assert said[2].startswith("nothing new"), said


def by_name(name):
    return {"flow_runs": {"name": {"any_": [name]}}, "sort": "START_TIME_DESC"}
