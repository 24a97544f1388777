"""Faults made for real: a full disk, a folder that cannot be written, a clock that jumps, two builds at once."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from building import shard_bytes

# One undisturbed build serves them all.
pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.slow]
FLAGS = ["--config", "demo", "--no-speech", "--limit", "4"]
# The wall clock is off by the seconds that the file $CLOCK holds; the monotonic clock is the kernel's.
CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long off(void) {
    long found = 0;
    FILE *file = fopen(getenv("CLOCK"), "r");
    if (file) { if (fscanf(file, "%ld", &found) != 1) found = 0; fclose(file); }
    return found;
}
int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(which, at);
    if (!done && which == CLOCK_REALTIME) at->tv_sec += off();
    return done;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


def command(out):
    """The build of these tests."""
    return [sys.executable, "-m", "kame_data.cli", "build", *FLAGS, "--out", str(out)]


def build(out, environment):
    """Run it to its end."""
    return subprocess.run(command(out), env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The test process's, with a home and Prefect's database of its own."""
    home = tmp_path_factory.mktemp("home")
    return os.environ | {"HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "KAME_DATA_PROGRESS": "false"}


@pytest.fixture(scope="module")
def whole(environment, tmp_path_factory):
    """An undisturbed build."""
    out = tmp_path_factory.mktemp("whole") / "out"
    done = build(out, environment)
    assert done.returncode == 0, done.stderr
    return out


def last_line(done):
    """The last line of stderr; a traceback is a failure."""
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("size", [16, 64])
def test_a_full_disk_is_one_line_and_the_build_goes_on_once_there_is_room(environment, whole, mount, size):
    disk = mount(size)
    done = build(disk / "out", environment)
    assert done.returncode == 1 and "No space left" in last_line(done)
    assert not (disk / "out" / "manifest.json").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    done = build(disk / "out", environment)
    assert done.returncode == 0, done.stderr
    assert shard_bytes(disk / "out") == shard_bytes(whole)


def test_a_folder_that_cannot_be_written_is_one_line(environment, mount):
    disk = mount(1024)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = build(disk / "out", environment)
    assert done.returncode in (1, 2) and str(disk / "out") in last_line(done)
    assert "Read-only" in last_line(done)


def test_a_finished_build_is_found_done_where_nothing_can_be_written(environment, whole, mount):
    disk = mount(8192)
    shutil.copytree(whole, disk / "out")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for verb in ("status", "verify"):
        looked = subprocess.run(
            [sys.executable, "-m", "kame_data.cli", verb, str(disk / "out")],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert looked.returncode == 0, looked.stderr


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """A library that sets the wall clock of a process wrong, by what a file says."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    made = ["cc", "-shared", "-fPIC", "-o", str(folder / "clock.so"), str(folder / "clock.c"), "-ldl"]
    if shutil.which("cc") is None or subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("a clock that jumps takes a C compiler to make")
    return folder / "clock.so"


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_changes_nothing(environment, clock, whole, tmp_path, days):
    shift = tmp_path / "shift"
    shift.write_text("0")
    shifted = environment | {"LD_PRELOAD": str(clock), "CLOCK": str(shift)}
    out = tmp_path / "out"
    process = subprocess.Popen(command(out), env=shifted, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(out.glob("parts/questions/*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    shift.write_text(f"{days * 86400}")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert shard_bytes(out) == shard_bytes(whole)
    # And from there on: a clock that was ahead yesterday leaves nothing that looks newer than it is.
    done = build(out, environment)
    assert done.returncode == 0 and shard_bytes(out) == shard_bytes(whole)


def test_of_two_builds_at_once_one_is_turned_away(environment, whole, tmp_path):
    out = tmp_path / "out"
    both = [
        subprocess.Popen(command(out), env=environment, stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 1], [0, 0]), said
    if codes == [0, 1]:
        assert "another build is at work" in said[[p.returncode for p in both].index(1)]
    assert shard_bytes(out) == shard_bytes(whole)
