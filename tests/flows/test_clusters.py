"""Builds on real clusters, whose workers and schedulers are killed: the bytes are those of one machine."""

import os
import shutil
import signal
import subprocess

import pytest

from building import build, settings_of, shard_bytes
from clusters import CHANGES, FLAGS, SECRET, wait_for

pytestmark = [pytest.mark.xdist_group("clusters"), pytest.mark.slow]


def parts(out, stage="*"):
    return list(out.glob(f"parts/{stage}/*.json"))


def last_line(text):
    assert "Traceback" not in text
    return text.strip().splitlines()[-1]


def test_dask_gives_the_same_bytes_and_speech_goes_where_a_gpu_is(kame, servers, dask_cluster, whole, tmp_path):
    out = tmp_path / "out"
    done = kame.run("build", *FLAGS, "--out", out, *dask_cluster.flags(), KAME_DATA_RUNNER__GPUS="1")
    assert done.returncode == 0, done.stderr
    assert shard_bytes(out) == whole
    wait_for(lambda: "'speech gsm8k-v00-000000-000002'" in servers.log("w1"))  # logs come behind the work
    logs = {name: servers.log(name) for name in ("w1", "w2")}
    assert "'dialogues " in logs["w1"] + logs["w2"]
    assert "'speech " not in logs["w2"] and logs["w2"].count("Finished in state Completed") > 0
    kept = [p.read_bytes() for p in servers.folder.rglob("*") if p.is_file()]
    assert not any(SECRET.encode() in data for data in kept), "the key is in a log or in Prefect's database"


def test_dask_makes_the_tokens_that_this_machine_makes(kame, dask_cluster, tmp_path):
    pytest.importorskip("moshi")
    made = []
    build(settings_of(tmp_path / "out0", **CHANGES | {"limit": 1}))
    shutil.copytree(tmp_path / "out0", tmp_path / "out1")
    for number, flags in enumerate([["--workers", 1], dask_cluster.flags()]):
        out = tmp_path / f"out{number}"
        done = kame.run("tokens", out, "--codec", "untrained-small", "--tokenizer", "sample", "--device", "cpu", *flags)
        assert done.returncode == 0, done.stderr
        made.append({p.name: p.read_bytes() for p in (out / "tokens").iterdir()})
    assert made[0] == made[1] and len(made[0]) > 3


def test_a_dask_worker_that_is_killed_is_replaced_by_the_others(kame, servers, dask_cluster, whole, tmp_path):
    out = tmp_path / "out"
    process = kame.start("build", *FLAGS, "--out", out, *dask_cluster.flags())
    wait_for(lambda: parts(out, "dialogues"))
    servers.kill("w2")
    _, errors = process.communicate(timeout=280)
    dask_cluster.add("w2")
    assert process.returncode == 0, errors
    assert shard_bytes(out) == whole


def test_without_its_scheduler_the_build_ends_and_goes_on_elsewhere(kame, servers, dask_cluster, whole, tmp_path):
    """The last of the tests on this cluster."""
    out = tmp_path / "out"
    process = kame.start("build", *FLAGS, "--out", out, *dask_cluster.flags())
    wait_for(lambda: parts(out, "dialogues"))
    servers.kill("scheduler")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "does not answer any more" in last_line(errors)
    for name in ("w1", "w2"):
        servers.kill(name)
    before = {p: p.stat().st_mtime_ns for p in parts(out)}
    gone = kame.run("build", *FLAGS, "--out", out, *dask_cluster.flags())
    assert gone.returncode == 1 and "nothing answers there" in last_line(gone.stderr)
    done = kame.run("build", *FLAGS, "--out", out, "--runner", "local")
    assert done.returncode == 0, done.stderr
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert shard_bytes(out) == whole


def test_ray_gives_the_same_bytes_though_a_worker_is_killed(kame, servers, ray_cluster, whole, tmp_path):
    out = tmp_path / "out"
    flags = ["--runner", "ray", "--address", ray_cluster]
    process = kame.start("build", *FLAGS, "--out", out, *flags, KAME_DATA_RUNNER__GPUS="1")
    wait_for(lambda: parts(out, "dialogues"))
    workers = subprocess.run(
        ["pgrep", "-s", str(servers.running["ray"].pid), "-f", "ray::"], capture_output=True, text=True, check=False
    ).stdout.split()
    assert workers
    os.kill(int(workers[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 0, errors
    assert shard_bytes(out) == whole


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--runner", "dask"], 2, "wants the --address"),
        (["--runner", "slurm", "--address", "x:1"], 2, "runner.kind"),
        (["--address", "tcp://127.0.0.1:8786"], 2, "give --runner dask"),
        (["--runner", "dask", "--address", "http://a b/c"], 2, "no address of a cluster"),
        (["--runner", "ray", "--address", "127.0.0.1:1"], 1, "nothing answers there"),
    ],
)
def test_bad_addresses_are_one_clear_line(kame, tmp_path, flags, code, words):
    done = kame.run("build", *FLAGS, "--no-speech", "--out", tmp_path / "out", *flags)
    assert done.returncode == code, done.stderr
    assert words in last_line(done.stderr)
