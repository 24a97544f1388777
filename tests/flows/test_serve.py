"""Schedules that fire, by `serve` and by a worker of a work pool, on a real Prefect server."""

import http.server
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.settings import PREFECT_API_URL, temporary_settings

import hub
from checkout import PYTHONPATH
from clusters import SECRET, wait_for
from kame_data.errors import UsageError
from kame_data.storage.lock import hold
from nights import ask, pause, runs

pytestmark = [pytest.mark.xdist_group("clusters"), pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "SCHEDULES.md").read_text()
BUILD = ["--source", "gsm8k=sample", "--no-speech", "--allow-stand-ins", "--more", "2", "--repo", "ORG/NAME"]


@pytest.fixture
def there(servers, tmp_path):
    """A Hub, and the environment of commands that take it for the one."""
    with hub.hub() as site:
        found = {"HF_ENDPOINT": site.url, "HF_TOKEN": hub.TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path)}
        often = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "PREFECT_WORKER_QUERY_SECONDS": "1"}
        quick = {"KAME_DATA_WORKERS": "1", "OPENAI_API_KEY": SECRET, "PYTHONPATH": PYTHONPATH}
        paths = servers.environment.get("PYTHONPATH", "")
        quick["PYTHONPATH"] = f"{paths}:{PYTHONPATH}" if paths else PYTHONPATH
        site.environment = servers.environment | found | often | quick
        site.api = servers.environment["PREFECT_API_URL"]
        yield site


@pytest.fixture
def begin(there, tmp_path):
    """Starts commands of a test; they end with it."""
    started = []

    def begin(*command, name="served"):
        log = (tmp_path / f"{name}.log").open("w")
        started.append(subprocess.Popen(command, env=there.environment, stdout=log, stderr=log, cwd=tmp_path))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def kame(*args):
    return [sys.executable, "-m", "kame_data.cli", *map(str, args)]


def prefect(there, *args, cwd=None):
    command = [sys.executable, "-m", "prefect", "--no-prompt", *args]
    done = subprocess.run(
        command, env=there.environment, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_served_night_comes_by_its_schedule_and_one_at_a_time(there, begin, tmp_path):
    out = tmp_path / "out"
    serve = kame("serve", "--interval", "5", *BUILD, "--out", out, "--name", "served")
    process = begin(*serve)
    wait_for(lambda: runs(there.api, "served"))
    deployment = pause(there.api, "served")
    done = ("COMPLETED", f"2 dialogues published to {there.url}/datasets/ORG/NAME")
    wait_for(lambda: done in runs(there.api, "served"))
    with hold(out):
        ask(there.api, f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
        busy = ("FAILED", f"{out}: another build is at work there; wait for it, or give another folder")
        wait_for(lambda: busy in runs(there.api, "served"))
    second = subprocess.run(serve, env=there.environment, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1 and f"nightly/served: is served by process {process.pid}" in second.stderr
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 130 and time.monotonic() < began + 10
    said = (tmp_path / "served.log").read_text()
    assert "nightly/served: every 0:00:05" in said and said.splitlines()[-1].startswith("kame-data: stopped")
    assert "Traceback" not in said and hub.TOKEN not in said
    deployment = ask(there.api, "deployments/name/nightly/served", method="GET")
    assert deployment["paused"]
    check_form(there.api, deployment)
    held = json.dumps([ask(there.api, f"{what}/filter") for what in ("deployments", "flow_runs", "artifacts", "logs")])
    assert "another build is at work there" in held and "dialogues published" in held
    assert hub.TOKEN not in held and SECRET not in held


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_night_under_way_ends_with_the_command_that_serves_it(there, begin, tmp_path, number):
    out, name = tmp_path / "out", f"ended-{number}"
    flags = ["--source", "mmlu_pro=sample", "--source", "gsm8k=sample", "--allow-stand-ins", "--repo", "ORG/NAME"]
    flags += ["--dry-run", tmp_path / "dry", "--out", out, "--name", name]
    process = begin(*kame("serve", "--interval", "5", *flags))
    wait_for(lambda: [*out.glob("parts/dialogues/*.json")])
    pause(there.api, name)
    process.send_signal(number)
    assert process.wait(20) == 130
    assert not out.joinpath("manifest.json").exists()
    # Prefect's own end kills it, and its run is Running for ever.
    assert {kind for kind, _ in runs(there.api, name)} <= {"FAILED", "CRASHED"}
    said = (tmp_path / "served.log").read_text()
    assert "Traceback" not in said and said.splitlines()[-1].startswith("kame-data: stopped"), said


def check_form(api, deployment):
    """The form that Prefect shows for a run, and what it does not take."""
    form = deployment["parameter_openapi_schema"]
    assert form["required"] == ["repo"] and all(p["description"] for p in form["properties"].values())
    assert form["properties"]["more"] | {"minimum": 1, "default": 100, "type": "integer"} == form["properties"]["more"]
    build = form["definitions"]["BuildForm"]["properties"]
    assert all(p["title"] and p["description"] and "default" in p for p in build.values())
    assert {"config", "sources", "limit", "target", "budget", "llm", "tts", "runner", "address"} <= set(build)
    assert build["schedule"]["anyOf"][0]["enum"] == ["progressive", "grid"]
    assert build["runner"]["anyOf"][0]["enum"] == ["local", "dask", "ray"]
    assert build["limit"]["anyOf"][0] == {"type": "integer", "minimum": 1}
    for wrong in ({"more": 0}, {"build": {"schedule": "never"}}, {"build": {"no": 1}}, {"repo": 3}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(api, f"deployments/{deployment['id']}/create_flow_run", parameters={"repo": "ORG/NAME"} | wrong)
        assert refused.value.code in (409, 422)


def test_a_worker_runs_the_deployment_of_prefect_yaml_and_an_alert_tells_of_it(there, begin, tmp_path):
    told = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    (deployment,) = told["deployments"]
    assert deployment["schedules"] == [{"cron": "0 3 * * *", "timezone": "UTC"}]
    deployment["schedules"] = [{"interval": 5}]
    given = {"sources": ["gsm8k=sample"], "speak": False}
    publish = {"allow_stand_ins": True}
    deployment["parameters"] = {"repo": "ORG/POOL", "out": str(tmp_path / "pool"), "more": 2, "build": given}
    deployment["parameters"]["publish"] = publish
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(told))
    heard = []
    with listening(heard) as url:
        alert(there, tmp_path, url)
        prefect(there, "work-pool", "create", "kame-data", "--type", "process", "--overwrite")
        prefect(there, "deploy", "--name", "kame-data", cwd=tmp_path)
        with hold(tmp_path / "pool"):
            begin(sys.executable, "-m", "prefect", "worker", "start", "--pool", "kame-data", name="worker")
            wait_for(lambda: runs(there.api, "kame-data"))
            known = pause(there.api, "kame-data")
            failed = wait_for(lambda: [why for kind, why in runs(there.api, "kame-data") if kind == "FAILED"])
            # Of a run that was scheduled seconds before it, Prefect's triggers hear late; of this one at once.
            ask(there.api, f"deployments/{known['id']}/create_flow_run", state={"type": "SCHEDULED"})
            wait_for(lambda: heard)
        assert "another build is at work there" in failed[0]
        ask(there.api, f"deployments/{known['id']}/create_flow_run", state={"type": "SCHEDULED"})
        wait_for(lambda: any(kind == "COMPLETED" for kind, _ in runs(there.api, "kame-data")))
    assert "text/train-00000-of-00001.parquet" in there.read("ORG/POOL")
    assert "another build is at work there" in heard[0]
    assert hub.TOKEN not in (tmp_path / "worker.log").read_text()


def alert(there, folder, url):
    """The alerts of docs/SCHEDULES.md, with a block that tells `url`; made as the page says."""
    (alerts,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    with temporary_settings({PREFECT_API_URL: there.api}):
        hook: Any = CustomWebhookNotificationBlock(name="nights", url=url, json_data={"text": "{{body}}"})
        block = hook.save("nights", overwrite=True)
    (folder / "alerts.yaml").write_text(alerts.replace("BLOCK", str(block)))
    said = prefect(there, "automation", "create", "--from-file", str(folder / "alerts.yaml"))
    assert said.count("kame-data") >= 2, said


class listening:
    """A web server that hears what is sent to it."""

    def __init__(self, heard):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"cron": "0 25 * * *"}, "--cron '0 25 \\* \\* \\*': is no cron line"),
        ({"cron": ""}, "--cron '': is no cron line"),
        ({"cron": "* * * * * *"}, "is no cron line"),
        ({"cron": "0 0 31 2 *"}, "--cron '0 0 31 2 \\*': is a day that never comes"),
        ({"cron": "0 0 31 4,6 *"}, "never comes"),
        ({}, "give a schedule: --cron"),
        ({"cron": "0 3 * * *", "interval": 9.0}, "give a schedule: --cron"),
        ({"cron": "0 3 * * *", "timezone": "Mars/Base"}, "--timezone Mars/Base: is no time zone"),
        ({"cron": "0 3 * * *", "timezone": "../etc"}, "is no time zone"),
        ({"interval": 9.0, "timezone": "UTC"}, "is of --cron"),
    ],
)
def test_what_is_no_schedule_is_said_in_a_line(given, why):
    from kame_flows.serving import schedule_of

    with pytest.raises(UsageError, match=why):
        schedule_of(given.get("cron"), given.get("interval"), given.get("timezone"))


def test_without_a_server_it_says_what_to_start(there, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/api"
        tries = [({}, 2, "no Prefect server: the embedded one starts no runs by schedule; start one: `prefect server")]
        tries += [({"PREFECT_API_URL": nobody}, 1, f"PREFECT_API_URL {nobody}: no Prefect server answers there")]
        environment = {k: v for k, v in there.environment.items() if k != "PREFECT_API_URL"}
        for more, code, why in tries:
            command = kame("serve", "--cron", "0 3 * * *", *BUILD, "--out", tmp_path / "out")
            done = subprocess.run(
                command, env=environment | more, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == code and why in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_the_commands_of_the_page_are_commands():
    from test_guides import Block, read

    for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        read(Block("SCHEDULES.md", 1, "sh", text))
