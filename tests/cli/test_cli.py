"""The command as its user runs it: a process of its own, under Prefect, with the exit codes of the design."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from building import shard_bytes

# One server and one build serve them all.
pytestmark = pytest.mark.xdist_group("cli")
FLAGS = ["--config", "demo", "--no-speech"]
# What an orchestrator waits between SIGTERM and SIGKILL, in seconds.
GRACE = 10
# Of a process that has set its handlers: the mask of signals that it catches has number 14.
ALARM_CAUGHT = re.compile(r"^SigCgt:\s*[0-9a-f]*[2367abef][0-9a-f]{3}$", re.M)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """An environment without a Prefect server: the command uses the embedded one, which takes some seconds to start."""
    home = tmp_path_factory.mktemp("prefect")
    return os.environ | {"PREFECT_HOME": str(home), "KAME_DATA_PART_SIZE": "3", "COLUMNS": "200"}


@pytest.fixture(scope="module")
def environment(embedded):
    """The same with a real Prefect server that runs already, as at a user who has one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        serve, env=embedded, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        yield embedded | {"PREFECT_API_URL": url}
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def command(*args):
    return [sys.executable, "-m", "kame_data.cli", *map(str, args)]


def kame(environment, *args, **options):
    return subprocess.run(
        command(*args), env=environment, capture_output=True, text=True, timeout=240, check=False, **options
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory, environment):
    out = tmp_path_factory.mktemp("whole") / "out"
    done = kame(environment, "build", *FLAGS, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"{out}/shards/train-00000-of-00001.parquet" in done.stdout
    return out


def test_a_name_that_is_no_utf8_is_named(whole, environment, tmp_path):
    out = os.fsdecode(os.fsencode(tmp_path) + b"/w\xff")
    shutil.copytree(whole, out)
    for words in (("report", out), ("verify", out), ("diff", whole, out), ("replay", out, "x")):
        done = kame(environment, *words)
        assert done.returncode == 1 and "no UTF-8" in done.stderr and "rename it" in done.stderr, done.stderr
        assert "udcff" in done.stderr and done.stderr.count("\n") == 1


def test_the_second_run_finds_everything_done_without_prefect(whole, environment):
    before = {p: p.stat().st_mtime_ns for p in whole.rglob("*") if p.is_file() and p.name != ".lock"}
    done = kame(environment | {"PREFECT_API_URL": "http://127.0.0.1:1/api"}, "build", *FLAGS, "--out", whole)
    assert done.returncode == 0, done.stderr
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_prefect_shows_parts_progress_and_tables(whole, environment):
    def ask(what, **body):
        request = urllib.request.Request(
            f"{environment['PREFECT_API_URL']}/{what}/filter",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    names = {run["name"] for run in ask("task_runs")}
    assert "dialogues gsm8k-v00-000000-000003" in names
    assert any(name.startswith("oracles ") for name in names)  # a task may hold several parts
    artifacts = {artifact["key"]: artifact for artifact in ask("artifacts")}
    assert artifacts["kame-oracles"]["data"] == 100.0
    assert [row["source"] for row in json.loads(artifacts["kame-sources"]["data"])] == ["mmlu_pro", "gsm8k", "hssbench"]


def test_status_reads_the_folder_alone(whole, environment):
    done = kame(environment, "status", whole)
    assert done.returncode == 0 and "finished: " in done.stdout


@pytest.mark.slow
def test_killed_at_any_moment_the_same_bytes_come_out(whole, environment, tmp_path):
    out, draw = tmp_path / "out", random.Random(4)
    parts = 0
    for _ in range(4):
        process = subprocess.Popen(
            command("build", *FLAGS, "--out", out),
            env=environment,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        wanted = parts + draw.randint(1, 12)
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(out.glob("parts/*/*.json"))) >= wanted:
                break
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = {p: p.stat().st_mtime_ns for p in out.glob("parts/*/*.json")}
        assert len(done) >= parts
        parts = len(done)
    finished = kame(environment, "build", *FLAGS, "--out", out)
    assert finished.returncode == 0, finished.stderr
    assert all(p.stat().st_mtime_ns == t for p, t in done.items())
    assert shard_bytes(out) == shard_bytes(whole)
    assert (out / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()


def test_the_embedded_server_will_do(embedded, tmp_path, whole):
    out = tmp_path / "out"
    done = kame(embedded, "build", *FLAGS, "--out", out)
    assert done.returncode == 0, done.stderr
    assert shard_bytes(out) == shard_bytes(whole)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_ends_cleanly_with_the_embedded_server(embedded, tmp_path, number):
    interrupted(embedded, tmp_path / "out", lambda process: os.killpg(process.pid, number))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_cleanly_and_says_how_to_go_on(environment, tmp_path, number):
    interrupted(environment, tmp_path / "out", lambda process: process.send_signal(number))


def interrupted(environment, out, interrupt):
    process = subprocess.Popen(
        command("build", "--config", "demo", "--out", out),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("parts/dialogues/*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    interrupt(process)
    _, errors = process.communicate(timeout=GRACE)
    assert process.returncode == 130, errors
    assert "same command goes on" in errors.strip().splitlines()[-1]
    assert "Traceback" not in errors
    assert not list(out.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--levels", "0-9"], 2, "--levels 0-9"),
        (["--levels", "5-0"], 2, "--levels 5-0"),
        (["--levels", "a"], 2, "--levels a"),
        (["--limit", "0"], 2, "limit 0"),
        (["--schedule", "both"], 2, "schedule 'both'"),
        (["--source", "triviaqa"], 2, "source 'triviaqa'"),
        (["--source", "gsm8k=nowhere.parquet"], 2, "nowhere.parquet"),
        (["--config", "nowhere"], 2, "--config nowhere"),
        (["--llm", "chatty"], 2, "chatty"),
        (["--tts", "nobody"], 2, "nobody"),
        (["--source", "gsm8k=sample", "--source", "gsm8k=other.jsonl"], 2, "given twice"),
        (["--target", "100000"], 2, "--target 100000"),
        (["--latency", "glacial"], 2, "latency.preset 'glacial'"),
        (["--stt-noise", "0.9"], 2, "stt.noise 0.9"),
    ],
)
def test_bad_usage_is_one_clear_line(environment, tmp_path, flags, code, words):
    done = kame(environment, "build", *FLAGS, "--out", tmp_path / "out", *flags)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert words in done.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "out" / "build.json").exists()


def test_an_interrupt_before_the_flow_says_so_too(environment, tmp_path):
    flags = ["plan", *FLAGS, "--out", tmp_path / "out"]
    process = subprocess.Popen(
        command(*flags), env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None and not ALARM_CAUGHT.search(status.read_text()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "interrupted" in errors) in [(130, True), (0, False)]


def test_a_server_that_does_not_answer_is_named(embedded, tmp_path):
    nowhere = embedded | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = kame(nowhere, "build", *FLAGS, "--out", tmp_path / "out")
    assert done.returncode == 1 and "unset the variable" in done.stderr


def test_an_unknown_flag_is_bad_usage(environment):
    assert kame(environment, "build", "--no-such-flag").returncode == 2


def test_a_full_disk_fails_and_nothing_of_it_is_trusted(environment, whole, tmp_path):
    out = tmp_path / "out"
    # A limit on the size of files makes writes fail as a full disk does; without Prefect, whose database it would hit.
    script = (
        f"from building import build, settings_of; build(settings_of({str(out)!r}, part_size=3, validation_share=0.1))"
    )
    full = ["bash", "-c", 'ulimit -f 9; exec "$@"', "-", sys.executable, "-c", script]
    where = environment | {"PYTHONPATH": "tests"}
    done = subprocess.run(full, env=where, capture_output=True, text=True, timeout=240, check=False)
    assert "File too large" in done.stderr
    assert not list(out.rglob("*.tmp"))
    again = kame(environment, "build", *FLAGS, "--out", out)
    assert again.returncode == 0, again.stderr
    rows = [pq.read_table(o / "shards").to_pylist() for o in (out, whole)]
    assert rows[0] == rows[1]


def test_two_builds_in_one_folder_exclude_each_other(environment, whole):
    from filelock import FileLock

    with FileLock(whole / ".lock"):
        done = kame(environment, "build", *FLAGS, "--out", whole)
    assert done.returncode == 1
    assert "another build is at work" in done.stderr


def test_settings_come_from_file_environment_and_flags_in_that_order(environment, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("sources: [gsm8k=sample]\nspeak: false\nlimit: 5\nlevels: 0,5\nseed: 1\n")
    done = kame(
        environment | {"KAME_DATA_LIMIT": "4", "KAME_DATA_SEED": "2"},
        "build",
        "--config",
        recipe,
        "--seed",
        3,
        "--out",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]
    assert (found["levels"], found["limit"], found["seed"]) == ([0, 5], 4, 3)


@pytest.mark.parametrize("verb", ["plan", "preview"])
def test_plan_and_preview_write_nothing(environment, tmp_path, verb):
    done = kame(environment, verb, *FLAGS, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "level" in done.stdout
    assert not (tmp_path / "out").exists()


def test_doctor_finds_the_voice(environment, tmp_path):
    done = kame(environment, "doctor", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "espeak-ng" in done.stdout


LOST_IN_A_CALLBACK = """
import io, os, signal, time
import numpy as np, soundfile
import kame_data.cli.main

class Interrupting(io.BytesIO):
    armed = False
    def tell(self):
        if self.armed:
            self.armed = False
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        return super().tell()

def app():
    file = Interrupting()
    with soundfile.SoundFile(file, "w", 24000, 1, format="WAV") as sound:
        file.armed = True
        sound.write(np.zeros(100))
        sound.seek(0)
    assert not file.armed
    time.sleep(20)

kame_data.cli.main.app = app
kame_data.cli.main.main()
"""


def test_an_interrupt_inside_a_callback_of_c_code_is_not_lost():
    done = subprocess.run([sys.executable, "-c", LOST_IN_A_CALLBACK], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (130, 1), done.stderr


SWALLOWED = """
import os, signal
import kame_data.cli.main
from kame_data.errors import KameError

def app():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except Exception:
        raise KameError("no Prefect server answers there")

kame_data.cli.main.app = app
kame_data.cli.main.main()
"""


def test_an_interrupt_that_a_library_makes_an_error_of_is_still_one():
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "interrupted" in done.stderr, "Prefect" in done.stderr) == (130, True, False), done.stderr


LOST = """
import os, signal, threading
import kame_data.cli.main
from kame_data.interrupts import stoppable

class Work:
    stop = threading.Event()

def app():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except Exception:
        pass
    with stoppable(Work()):
        print("done all the same")

kame_data.cli.main.app = app
kame_data.cli.main.main()
"""


def test_an_interrupt_that_a_library_loses_stops_the_work_that_begins_next():
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (130, "", 1), done.stderr


IMPORTING = """
import sys, time
import kame_data.cli.main

def app():
    import careless
    time.sleep(float(sys.argv[1]))
    print("done all the same")

kame_data.cli.main.app = app
kame_data.cli.main.main()
"""
CARELESS = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGTERM)
    [n for n in range(100_000)]
except Exception as error:
    print(f"no plugins: {error}")
whole = True
"""


def run(script, folder, *args):
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_interrupt_within_an_import_waits_for_its_end(tmp_path):
    (tmp_path / "careless.py").write_text(CARELESS)
    done = run(IMPORTING, tmp_path, "9")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (130, "", 1), done.stderr
    # Where the command is done before that, Python is not killed at its end.
    done = run(IMPORTING, tmp_path, "0")
    assert done.returncode in (0, 130) and done.stderr.count("\n") <= 1, done


CHECKED = IMPORTING.replace("time.sleep", "kame_data.interrupts.check(); time.sleep")


def test_an_interrupt_that_waits_comes_once(tmp_path):
    (tmp_path / "careless.py").write_text(CARELESS)
    for _ in range(5):
        done = run(CHECKED, tmp_path, "9")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (130, "", 1), done.stderr


ENDING = """
import atexit, os, signal, sys, time
import kame_data.cli.main

class Late:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        print("whole", flush=True)

def app():
    if sys.argv[1] == "last":
        sys.modules["late"] = Late()
    else:
        atexit.register(lambda: [os.kill(os.getpid(), signal.SIGTERM), time.sleep(30)])
    print("done")

kame_data.cli.main.app = app
kame_data.cli.main.main()
"""


def test_a_signal_at_pythons_end_kills_no_command_that_is_done_and_cuts_short_what_lasts(tmp_path):
    last, lasting = run(ENDING, tmp_path, "last"), run(ENDING, tmp_path, "lasting")
    assert (last.returncode, last.stdout, last.stderr) == (0, "done\nwhole\n", "")
    assert (lasting.returncode, lasting.stdout, lasting.stderr) == (130, "done\n", "")


def test_signals_are_heard_before_heavy_libraries_are_imported():
    look = "import sys, kame_data.cli.main\n"
    look += "print(*{'pyarrow', 'numpy', 'soundfile', 'prefect', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
