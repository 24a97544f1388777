"""Makes builds for tests without Prefect: the same jobs, run by plain threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.build import Build
from pipeline.config import Settings
from pipeline.run import perform, run

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SAMPLES = ("mmlu_pro=sample", "gsm8k=sample", "hssbench=sample")


class Silent:
    """Progress that remembers what was made."""

    def __init__(self):
        self.made = []

    def total(self, stage, parts, done):
        pass

    def advance(self, stage, rows, refused):
        self.made.append(stage)


def settings_of(out, **changes):
    """A text build of the bundled samples in parts of 4, unless told otherwise."""
    return Settings(
        **{"out": out, "sources": SAMPLES, "speak": False, "part_size": 4, "validation_share": 0.2} | changes
    )


def build(settings, workers=2):
    """Run the build; returns (manifest, the stages of the parts that were made)."""
    found, progress = Build(settings), Silent()
    with ThreadPoolExecutor(workers) as pool:
        manifest = run(found, lambda job: pool.submit(perform, found, job), progress, window=2 * workers)
    return manifest, progress.made


def shard_bytes(out):
    """The finished shards of a build by name."""
    return {p.name: p.read_bytes() for p in sorted((out / "shards").iterdir())}
