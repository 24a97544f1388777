"""Makes builds for tests without Prefect: the same jobs, run by plain threads."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq

from kame_data.engine.build import Build
from kame_data.engine.build_bars import print_pilot
from kame_data.engine.build_work import perform
from kame_data.engine.run import prepare, run
from kame_data.engine.scheduler import HERE
from kame_data.settings.tree import Settings
from kame_data.terminal import console

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SAMPLES = ("mmlu_pro=sample", "gsm8k=sample", "hssbench=sample")


class Silent:
    """Progress that remembers what was made, and prints the pilot."""

    def __init__(self):
        self.made = []

    def total(self, stage, parts, done):
        pass

    def advance(self, stage, rows, refused):
        self.made.append(stage)

    def pilot(self, found):
        print_pilot(console(), found)


def settings_of(out, **changes):
    """A text build of the bundled samples in parts of 4, unless told otherwise."""
    return Settings(
        **{"out": out, "sources": SAMPLES, "speak": False, "part_size": 4, "validation_share": 0.2} | changes
    )


class Threads:
    """A runner of plain threads, a job a task."""

    task_seconds = 1.0

    def __init__(self, build, workers):
        self.build, self.workers, self.seconds = build, workers, {}
        self.pool = ThreadPoolExecutor(workers)

    def place(self, job):
        return HERE

    def slots(self, place):
        return self.workers

    def submit(self, place, jobs):
        return self.pool.submit(lambda: [perform(self.build, job) or 0.0 for job in jobs])

    def check(self):
        pass

    def explained(self, error):
        return error


def build(settings, workers=2, accept_fewer=False):
    """Run the build; returns (what manifest.json says, the stages of the parts that were made)."""
    found, progress = Build(settings), Silent()
    found.check()
    prepare(found, progress)
    runner = Threads(found, workers)
    with runner.pool:
        run(found, runner, progress, accept_fewer=accept_fewer)
    return json.loads((settings.out / "manifest.json").read_text("utf-8")), progress.made


def shard_bytes(out):
    """The finished shards of a build by name."""
    return {p.name: p.read_bytes() for p in sorted((out / "shards").iterdir())}


def rows_of(out):
    """The rows of a finished build by id."""
    return {row["id"]: row for path in sorted((out / "shards").iterdir()) for row in pq.read_table(path).to_pylist()}
