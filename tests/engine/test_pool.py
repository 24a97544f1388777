"""Processes of this machine that make parts: real ones, killed and stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from building import build, settings_of
from kame_data.engine.build import Build
from kame_data.engine.build_work import BuildWork
from kame_data.engine.pool import Pool
from kame_data.engine.scheduler import Job
from kame_data.errors import Interrupted, KameError


@pytest.fixture(scope="module")
def pool():
    found = Pool(2)
    yield found
    found.close()


@pytest.fixture
def work(tmp_path):
    """The jobs of a small build whose questions are there, and its work."""
    found = Build(settings_of(tmp_path / "out", sources=("gsm8k=sample",), part_size=2))
    for source in found.settings.sources:
        found.questions.make(source)
    return BuildWork(found), [Job("dialogues", s.label) for s in found.parts.slices(found.selection().counts)]


def test_a_process_makes_what_a_thread_makes(pool, work, tmp_path):
    told, jobs = work
    assert len(pool.perform(told.order(jobs))) == len(jobs)
    made = {p.name: p.read_bytes() for p in (tmp_path / "out" / "parts" / "dialogues").iterdir()}
    build(settings_of(tmp_path / "other", sources=("gsm8k=sample",), part_size=2))
    assert made == {p.name: p.read_bytes() for p in (tmp_path / "other" / "parts" / "dialogues").iterdir()}


def test_a_killed_process_is_replaced_and_the_work_done_again(pool, work, tmp_path):
    told, jobs = work
    pool.perform(told.order(jobs[:1]))
    for process in pool.process_ids():
        os.kill(process, signal.SIGKILL)
    assert len(pool.perform(told.order(jobs))) == len(jobs)


def test_what_kills_every_process_is_one_line(work, monkeypatch):
    told, jobs = work
    pool, kills = Pool(1), 0
    try:
        real = pool._open

        def opened():
            nonlocal kills
            executor = real()
            executor.submit(os._exit, 9)
            kills += 1
            return executor

        monkeypatch.setattr(pool, "_open", opened)
        with pytest.raises(KameError, match="fewer --workers"):
            pool.perform(told.order(jobs))
        assert kills == 3
    finally:
        pool.close()


def test_a_closed_pool_leaves_off_within_seconds(work):
    told, jobs = work
    pool, raised = Pool(1), []

    def ask():
        try:
            for _ in range(1000):
                pool.perform(told.order(jobs))
        except Interrupted as error:
            raised.append(error)

    pool.start()
    thread = threading.Thread(target=ask)
    thread.start()
    while not pool.process_ids():
        time.sleep(0.01)
    processes, started = pool.process_ids(), time.monotonic()
    pool.close()
    thread.join(10)
    assert raised and time.monotonic() - started < 8
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


ORPHAN = """
import sys, time
from kame_data.engine.pool import Pool
if __name__ == "__main__":
    pool = Pool(1)
    pool.start()
    while not pool.process_ids():
        time.sleep(0.01)
    time.sleep(1)
    print(*pool.process_ids(), flush=True)
    time.sleep(60)
"""


def test_no_process_outlives_the_command(tmp_path):
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as command:
        processes = command.stdout.readline().split()
        command.kill()
    until = time.monotonic() + 20
    while time.monotonic() < until and any(Path(f"/proc/{p}").exists() for p in processes):
        time.sleep(0.1)
    assert processes and not any(Path(f"/proc/{p}").exists() for p in processes)
