import subprocess
import sys
import threading

import pytest

from kame_data.errors import KameError
from kame_data.storage import lock
from kame_data.storage.lock import Busy, hold
from kame_data.storage.paths import path_of

HOLD = """
import sys, time
from kame_data.storage import lock
from kame_data.storage.paths import path_of
lock.LEASE = 1.0
with lock.hold(path_of(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lock, "LEASE", 1.0)
    monkeypatch.setattr(lock, "SETTLE", 0.1)


@pytest.fixture
def holder(bucket, quick):
    """Another process that holds the lock of a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, f"{bucket}/x"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_two_commands_exclude_each_other_and_the_end_of_one_lets_the_other_in(holder, bucket):
    out = path_of(f"{bucket}/x")
    with pytest.raises(Busy, match=rf"another build is at work there \(.*:{holder.pid}:.*delete {bucket}/x/.lock"):
        hold(out).__enter__()
    holder.kill()
    holder.wait()
    assert (out / ".lock").exists()
    with hold(out):
        assert b"beat" in (out / ".lock").read_bytes()
    assert not (out / ".lock").exists()


def test_a_lock_is_kept_for_longer_than_its_lease(bucket, quick):
    out = path_of(f"{bucket}/x")
    with hold(out):
        before = (out / ".lock").read_bytes()
        threading.Event().wait(1.5)
        assert (out / ".lock").read_bytes() != before
        with pytest.raises(Busy):
            hold(out).__enter__()


def test_of_many_at_once_one_gets_in(bucket, quick):
    out, got, go = path_of(f"{bucket}/x"), [], threading.Barrier(4)
    done = threading.Event()

    def try_it():
        go.wait()
        try:
            with hold(out):
                got.append(True)
                done.wait(10)
        except Busy:
            got.append(False)
        if len(got) == 4:
            done.set()

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False, False, False, True]


def test_who_loses_its_lock_is_told_to_stop(bucket, quick, monkeypatch):
    out, told = path_of(f"{bucket}/x"), threading.Event()
    monkeypatch.setattr(lock.os, "kill", lambda pid, number: told.set())
    with pytest.raises(KameError, match="was taken by another; what is done stays"), hold(out):
        (out / ".lock").write_bytes(b'{"owner": "another"}')
        assert told.wait(5)
        raise KameError("interrupted")
    assert (out / ".lock").read_bytes() == b'{"owner": "another"}'


@pytest.mark.parametrize("note", [b"", b"{", b"[]"])
def test_a_lock_that_says_nothing_is_a_lock(bucket, quick, note):
    out = path_of(f"{bucket}/x")
    (out / ".lock").write_bytes(note)
    with hold(out):
        pass
    assert not (out / ".lock").exists()


def test_on_a_disk_it_is_a_file_lock(tmp_path):
    out = tmp_path / "out"
    with hold(out):
        process = [sys.executable, "-c", HOLD, str(out)]
        done = subprocess.run(process, capture_output=True, text=True, check=False)
    assert "another build is at work" in done.stderr
