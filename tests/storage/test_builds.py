"""Builds in an object store: the same bytes as on a disk, whoever is killed and whoever writes at the same time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from building import build, shard_bytes
from building import settings_of as any_settings
from kame_data.codec.tokenize import make_tokens
from kame_data.engine.build import Build
from kame_data.engine.note import noted_settings
from kame_data.engine.status import finished, stage_table
from kame_data.errors import UsageError
from kame_data.finished.level_figures import measure
from kame_data.finished.reader import Finished
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_tools import check, export, import_
from kame_data.publish.publish import Publication, publish
from kame_data.report.diff import compare
from kame_data.report.page import write_report
from kame_data.settings.tokenizing import TokenSettings
from kame_data.storage.cache import cache_folder
from kame_data.storage.paths import path_of
from kame_data.verify.check_build import verify

TESTS = Path(__file__).resolve().parents[1]
FEW = {"limit": 4}
SPOKEN = {"speak": True, "limit": 1, "sources": ("gsm8k=sample", "mmlu_pro=sample")}
WORK = """
import sys
sys.path.insert(0, sys.argv[2])
from building import build, settings_of
FEW = {few}
{what}
"""
PARTS = """
from kame_data.engine.build import Build
from kame_data.engine.build_work import perform
from kame_data.engine.scheduler import Job
from kame_data.storage.paths import path_of
found = Build(settings_of(path_of(sys.argv[1]), **FEW))
for source in found.settings.sources:
    found.questions.make(source)
print("ready", flush=True)
sys.stdin.readline()
slices = found.parts.slices(found.selection().counts)
for stage in ("dialogues", "oracles"):
    for slice_ in slices:
        perform(found, Job(stage, slice_.label))
"""


def settings_of(out, **changes):
    return any_settings(out, **FEW | changes)


def start(out, what):
    return subprocess.Popen(
        [sys.executable, "-c", WORK.format(what=what, few=FEW), str(out), str(TESTS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A text build on the disk: its folder and its manifest."""
    out = tmp_path_factory.mktemp("whole") / "out"
    return out, build(settings_of(out))[0]


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    out = tmp_path_factory.mktemp("spoken") / "out"
    build(settings_of(out, **SPOKEN))
    return out


def test_in_memory_as_on_the_disk(whole, tmp_path):
    out = path_of(f"memory://{tmp_path.name}{os.getpid()}/out")
    manifest, _ = build(settings_of(out))
    assert manifest == whole[1] and shard_bytes(out) == shard_bytes(whole[0])
    assert finished(Build(noted_settings(out))) is not None
    assert set(build(settings_of(out))[1]) == {"questions"}


def test_in_s3_as_on_the_disk_and_all_that_looks_at_it(server, bucket, whole, tmp_path):
    out = path_of(f"{bucket}/a folder/out")
    manifest, _ = build(settings_of(out))
    assert manifest == whole[1] and shard_bytes(out) == shard_bytes(whole[0])
    for name in ("manifest.json", "build.json", "rejected/questions.jsonl"):
        assert (out / name).read_bytes() == (whole[0] / name).read_bytes()
    with server.counted() as requests:
        assert finished(Build(noted_settings(out))) is not None
        table = stage_table(Build(noted_settings(out)))
    assert [(s.stage, s.done) for s in table] == [(s.stage, s.parts) for s in table]
    assert requests["LIST"] <= 20 and not requests["PUT"]
    with server.counted() as requests:
        assert set(build(settings_of(out))[1]) == {"questions"}
    assert not [problem for check in verify(out) for problem in check.problems]
    assert measure(Finished.open(out)).levels
    assert not compare(out, whole[0]).differs
    row = next(Finished.open(out).rows())
    found = Finished.open(out).row(row.id)
    assert (found.id, found.turns, found.oracles) == (row.id, row.turns, row.oracles)
    done = write_report(out, dialogues=5)
    assert str(done.path) == f"{out}/report.html" and done.path.stat().st_size == done.bytes > 1000
    secret = server.environment["AWS_SECRET_ACCESS_KEY"].encode()
    assert not [p for p in out.fs.find(out.key) if secret in out.fs.cat_file(p)]


def test_speech_clips_tokens_and_what_training_maps(server, bucket, spoken, tmp_path):
    from kame_data.train.data import token_files
    from kame_data.train.export_checkpoint import tokens_folder
    from kame_data.train.origin import data_facts

    out = path_of(f"{bucket}/out")
    build(settings_of(out, **SPOKEN))
    assert shard_bytes(out) == shard_bytes(spoken)
    assert len(out.fs.find((out / "parts" / "clips").key)) == sum(
        p.is_file() for p in (spoken / "parts" / "clips").rglob("*")
    )
    pytest.importorskip("moshi")
    settings, told = TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1), Told()
    made = make_tokens(out, settings, told)
    assert not [problem for check in verify(out) for problem in check.problems]
    assert not list(cache_folder().rglob("*.parquet"))
    here = tokens_folder(out / "tokens")
    assert here == tokens_folder(out) and token_files(here, "train")[0].stat().st_size == made.files[0].bytes
    assert data_facts(here) == data_facts(out) and "codec: untrained" in data_facts(here)["stand_ins"]
    with server.counted() as requests:
        make_tokens(out, settings, told)
    assert not requests["PUT"]
    # Published from there, it is what it is from a disk.
    make_tokens(spoken, settings, told)
    dry = {}
    for name, folder in (("here", spoken), ("there", out)):
        publish(Publication(repo="ORG/NAME", out=folder, dry_run=tmp_path / name, allow_stand_ins=True), told)
        files = (p for p in (tmp_path / name).rglob("*") if p.is_file())
        dry[name] = {p.relative_to(tmp_path / name): p.read_bytes() for p in files}
    assert dry["here"] == dry["there"] and not list(cache_folder().glob("??/*.parquet"))


class Told:
    def total(self, *_):
        pass

    advance = total


def test_slow_down_all_the_way(server, bucket, whole):
    server.faults.share = 0.05
    out = path_of(f"{bucket}/out")
    build(settings_of(out))
    assert server.faults.counts["slow"] > 3
    assert shard_bytes(out) == shard_bytes(whole[0])


def test_killed_and_run_again(bucket, whole):
    out = path_of(f"{bucket}/out")
    what = "from kame_data.storage.paths import path_of\nbuild(settings_of(path_of(sys.argv[1]), **FEW))"
    process, deadline = start(out, what), time.monotonic() + 60
    while not (out / "parts" / "oracles").listing() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (out / "parts" / "oracles").listing() and not (out / "manifest.json").exists()
    manifest, _ = build(settings_of(out))
    assert manifest == whole[1] and shard_bytes(out) == shard_bytes(whole[0])


def test_workers_of_two_machines_at_once(bucket, whole):
    out = path_of(f"{bucket}/out")
    both = [start(out, PARTS) for _ in range(2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in both] == [0, 0]
    manifest, made = build(settings_of(out))
    assert set(made) == {"questions", "shards"}
    assert manifest == whole[1] and shard_bytes(out) == shard_bytes(whole[0])
    parts = {p.name: p.read_bytes() for p in (whole[0] / "parts" / "oracles").iterdir()}
    assert {p.name: p.read_bytes() for p in (out / "parts" / "oracles").iterdir()} == parts


def test_a_lost_or_damaged_part_is_made_again(bucket, whole):
    out = path_of(f"{bucket}/out")
    build(settings_of(out))
    lost, damaged, *_ = [p for p in (out / "parts" / "dialogues").iterdir() if p.suffix == ".parquet"]
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[::-1])
    for shard in list((out / "shards").iterdir()):
        shard.unlink()
    assert finished(Build(settings_of(out))) is None
    assert build(settings_of(out))[0] == whole[1] and shard_bytes(out) == shard_bytes(whole[0])


def test_a_grown_build_gives_its_shards_other_names(bucket, tmp_path):
    out, local = path_of(f"{bucket}/out"), tmp_path / "out"
    for folder in (out, local):
        for limit in (3, 7):
            build(settings_of(folder, limit=limit, shards={"rows": 8}))
    assert shard_bytes(out) == shard_bytes(local) and len(shard_bytes(out)) > 2


def test_the_command_says_one_line(server, bucket, tmp_path):
    def kame(*args, **environment):
        return subprocess.run(
            [sys.executable, "-m", "kame_data.cli", *args],
            capture_output=True,
            text=True,
            env=os.environ | environment,
            check=False,
        )

    secret = "AKIA:sesame"
    done = kame("build", "--out", f"s3://{secret}@bucket/x", "--no-speech")
    assert done.returncode == 2 and "credentials do not belong" in done.stderr and secret not in done.stderr
    done = kame("status", f"{bucket}/none", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert done.returncode == 1 and f"{bucket}/none" in done.stderr and "AWS_ENDPOINT_URL" in done.stderr
    assert done.stderr.count("\n") == 1
    with pytest.raises(UsageError, match="name a folder of this machine"):
        Ledger(Path(f"{bucket}/ledger"))


def test_a_ledger_goes_to_s3_and_comes_back(server, bucket, tmp_path):
    with Ledger(tmp_path / "ledger") as ledger:
        for n in range(50):
            ledger.put_now(f"{n:064x}", json.dumps({"n": n}), {"stage": "dialogues", "cost": 0.1})
    target = f"{bucket}/ledgers/all.jsonl.gz"
    assert export(tmp_path / "ledger", target) == 50
    assert import_(tmp_path / "other", target).added == 50 and check(tmp_path / "other").answers == 50
