"""An export is whole or not there, and touches nothing else; faults are made for real."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

import dummies
from kame_data.errors import KameError, UsageError
from kame_data.export.write_export import export

RUN = "import sys; from pathlib import Path; from kame_data.export.write_export import export\n"
CALL = "export(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])\n"


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def kame(*args, **options):
    command = [sys.executable, "-m", "kame_data.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    rows = [dummies.row(n, pace=0.8) for n in range(60)]
    return dummies.finish(tmp_path_factory.mktemp("many") / "out", rows)


def test_again_is_no_work_and_other_things_are_left_alone(spoken, tmp_path):
    first = export(spoken, tmp_path / "x", "jsonl")
    (first.folder / "mine.txt").write_text("notes beside it")
    before = {p: p.stat().st_mtime_ns for p in first.folder.rglob("*")}
    again = export(spoken, tmp_path / "x", "jsonl")
    assert again.before and again.note == first.note
    assert {p: p.stat().st_mtime_ns for p in first.folder.rglob("*") if p in before} == before
    with pytest.raises(UsageError, match=r"holds another export \(layout differs\); delete it"):
        export(spoken, tmp_path / "x", "webdataset")
    (first.folder / "train.jsonl").unlink()
    with pytest.raises(UsageError, match="files of the export that was there are missing"):
        export(spoken, tmp_path / "x", "jsonl")
    assert (first.folder / "mine.txt").exists()


def test_another_builds_export_is_not_written_over(spoken, grid, tmp_path):
    export(spoken, tmp_path / "x", "jsonl")
    with pytest.raises(UsageError, match="shards differs"):
        export(grid, tmp_path / "x", "jsonl")


@pytest.mark.parametrize("name", ["thesis.txt", "export.json", "train/audio/a.wav"])
def test_a_folder_with_other_things_is_refused(spoken, tmp_path, name):
    path = tmp_path / "x" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"mine": 1}')
    with pytest.raises(UsageError, match="holds something else than an export"):
        export(spoken, tmp_path / "x", "jsonl")
    assert files(tmp_path / "x") == {name: b'{"mine": 1}'}
    with pytest.raises(UsageError, match="is a file; give a folder"):
        export(spoken, path, "jsonl")


def test_an_empty_folder_and_the_build_itself(spoken, tmp_path):
    (tmp_path / "x").mkdir()
    export(spoken, tmp_path / "x", "jsonl")
    with pytest.raises(UsageError, match="holds something else"):
        export(spoken, spoken, "jsonl")


def test_killed_while_it_writes(many, tmp_path):
    folder = tmp_path / "x"
    process = subprocess.Popen([sys.executable, "-c", RUN + CALL, str(many), str(folder), "kame-finetune"])
    while not list(folder.rglob("*.wav")):
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert {p.name for p in folder.iterdir()} <= {".partial", ".lock"}  # nothing that looks like an export
    export(many, folder, "kame-finetune")
    export(many, tmp_path / "y", "kame-finetune")
    assert files(folder) == files(tmp_path / "y")


def test_killed_while_it_moves(spoken, tmp_path):
    patch = """
import os, pathlib
real, count = pathlib.Path.replace, []
def replace(self, target):
    if ".partial" in self.parts and not self.name.startswith("."):
        count.append(1)
        if len(count) == 2:
            os._exit(9)
    return real(self, target)
pathlib.Path.replace = replace
"""
    command = [sys.executable, "-c", RUN + patch + CALL, str(spoken), str(tmp_path / "x"), "jsonl"]
    assert subprocess.run(command, timeout=60, check=False).returncode == 9
    there = {p.name for p in (tmp_path / "x").iterdir()}
    assert ".partial" in there and "export.json" not in there and len(there - {".partial", ".lock"}) == 1
    assert export(spoken, tmp_path / "x", "jsonl").before  # it had been whole, and is moved
    export(spoken, tmp_path / "y", "jsonl")
    assert files(tmp_path / "x") == files(tmp_path / "y")


def test_a_full_disk_is_one_line_and_leaves_nothing(spoken, tmp_path):
    """A limit on the size of files stands in for the disk's: the write fails in the same place, in the same way."""

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    for layout in ("webdataset", "kame-finetune"):
        done = kame("export", spoken, "--out", tmp_path / "x", "--to", layout, preexec_fn=limited)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
        assert "File too large" in done.stderr and "give the same command again" in done.stderr
        assert not (tmp_path / "x").exists()


def test_ctrl_c_leaves_nothing(many, tmp_path):
    args = [sys.executable, "-m", "kame_data.cli", "export", many, "--out", tmp_path / "x", "--to", "kame-finetune"]
    process = subprocess.Popen(list(map(str, args)), stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "x").rglob("*.wav")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and stderr.count("\n") == 1, stderr
    assert not (tmp_path / "x").exists()


def test_two_at_once(spoken, tmp_path):
    (tmp_path / "x").mkdir()
    with FileLock(tmp_path / "x" / ".lock"), pytest.raises(KameError, match="another export is at work there"):
        export(spoken, tmp_path / "x", "jsonl")


def test_damaged_builds_are_named(spoken, tmp_path):
    import shutil

    out = Path(shutil.copytree(spoken, tmp_path / "out"))
    path = sorted((out / "shards").iterdir())[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(KameError, match=rf"{path.name}: is damaged"):
        export(out, tmp_path / "x", "jsonl")
    path.unlink()
    with pytest.raises(KameError, match="it is not there"):
        export(out, tmp_path / "x", "jsonl")
    assert not (tmp_path / "x").exists()


def test_the_command(spoken, tmp_path):
    done = kame("export", spoken, "--out", tmp_path / "x", "--to", "jsonl")
    assert done.returncode == 0 and "jsonl, 12 dialogues (train 11, validation 1); 14 files" in done.stdout
    assert "stand-in: voice: espeak" in done.stdout
    assert json.loads((tmp_path / "x" / "export.json").read_text())["dialogues"] == {"train": 11, "validation": 1}
    bad = kame("export", spoken, "--out", tmp_path / "y", "--to", "parquet")
    assert bad.returncode == 2 and "--to parquet: no such layout; use kame-finetune, " in bad.stderr
    none = kame("export", tmp_path / "nothing", "--out", tmp_path / "y", "--to", "jsonl")
    assert none.returncode == 2 and "holds no finished build" in none.stderr
