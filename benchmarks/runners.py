"""Measures what Prefect and a cluster cost: the same text build by several runners, as whole processes.

    python benchmarks/runners.py                       450 parts of 128 dialogues, of the shared rows or the samples
    python benchmarks/runners.py --part-size 16        smaller parts, which a task bundles
    python benchmarks/runners.py --parts 90 --skip dask

The questions are there before, so that all that is timed is the making of parts and shards. `cpu` is summed over the
command, all its children and the cluster (Linux alone), and is what to go by where others use the machine too;
`Prefect` is by how much the row's `cpu` is above that of the same processes without it.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from build import SHARED, family, memory
from rich.console import Console
from rich.table import Table

from kame_data.engine.build import Build
from kame_data.engine.build_work import BuildWork, perform
from kame_data.engine.pool import Pool
from kame_data.engine.run import prepare, run
from kame_data.engine.scheduler import HERE
from kame_data.settings.tree import Settings

TICK = os.sysconf("SC_CLK_TCK")


class Plain:
    """A runner without Prefect: threads, or threads that wait for processes."""

    def __init__(self, build: Build, processes: bool, seconds: float) -> None:
        self.build, self.work, self.task_seconds = build, BuildWork(build), seconds
        self.pool, self.threads = Pool(2) if processes else None, ThreadPoolExecutor(4 if processes else 2)
        self.seconds: dict[str, float] = {}

    def place(self, job):
        return self.work.place(job) if self.pool else HERE

    def slots(self, place):
        return 2

    def submit(self, place, jobs):
        if self.pool is None:
            return self.threads.submit(lambda: [perform(self.build, job) or 0.0 for job in jobs])
        return self.threads.submit(self.pool.perform, self.work.order(jobs))

    def check(self):
        pass

    def explained(self, error):
        return error


class Silent:
    """Progress that nobody sees."""

    def total(self, stage, parts, done):
        pass

    def advance(self, stage, rows, refused):
        pass

    def pilot(self, found):
        pass


def plain(settings: Settings, processes: bool) -> None:
    """The build without Prefect, in this process."""
    build = Build(settings)
    runner = Plain(build, processes, settings.runner.task_seconds)
    try:
        prepare(build, Silent())
        run(build, runner, Silent())
    finally:
        if runner.pool:
            runner.pool.close()


@dataclass
class Measured:
    """Seconds on the clock, seconds of processors, peak MiB, and how many parts were made."""

    wall: float
    cpu: float
    peak: float
    parts: int


def cpu_of(pid: int) -> float:
    """Seconds of processors that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def measure(command: list[str], out: Path, others: list[int]) -> Measured:
    """Run a command; `others` are processes that work for it."""
    before = {pid: cpu_of(pid) for root in others for pid in family(root)}
    started, peak, cpu = time.perf_counter(), 0, dict[int, float]()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        with contextlib.suppress(OSError):
            peak = max(peak, memory(process.pid))
        for pid in (p for root in (process.pid, *others) for p in family(root)):
            with contextlib.suppress(OSError):  # it ended meanwhile
                cpu[pid] = cpu_of(pid)
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: {process.stderr.read() if process.stderr else ''}")
    wall = time.perf_counter() - started
    used = sum(seconds - before.get(pid, 0.0) for pid, seconds in cpu.items())
    return Measured(wall, used, peak / 1024, len(list(out.glob("parts/*/*.json"))))


@contextlib.contextmanager
def dask(port: int):
    """A Dask scheduler with two workers; their process ids."""
    command = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    address = f"tcp://127.0.0.1:{port}"
    started = [
        subprocess.Popen(
            [*command, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], **quiet
        ),
        *(
            subprocess.Popen([*command, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"], **quiet)
            for _ in range(2)
        ),
    ]
    try:
        time.sleep(10)
        yield [process.pid for process in started]
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=450, help="parts of dialogues and oracles together")
    parser.add_argument("--part-size", type=int, default=128)
    parser.add_argument("--task-seconds", type=float, default=5.0)
    parser.add_argument("--source", action="append", help="NAME=FILE; the shared rows or the samples by default")
    parser.add_argument("--skip", action="append", default=[], help="threads, processes, local or dask; repeatable")
    parser.add_argument("--plain", choices=("threads", "processes"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    real = (f"gsm8k={SHARED / 'gsm8k/train.parquet'}", f"mmlu_pro={SHARED / 'mmlu_pro/test.parquet'}")
    sources = tuple(options.source or (real if SHARED.exists() else ("gsm8k=sample", "mmlu_pro=sample")))
    target, size = options.parts // 2 * options.part_size, options.part_size
    settings = Settings(
        out=options.out or Path("out"),
        sources=sources,
        speak=False,
        target=target,
        max_variants=1000,
        part_size=size,
        runner={"task_seconds": options.task_seconds},
        workers=2,
    )
    if options.plain:
        plain(settings, options.plain == "processes")
        return
    table = Table(title=f"{target} dialogues, text alone, in parts of {size}", box=None)
    for column in ("runner", "parts", "seconds", "cpu", "Prefect", "peak MiB"):
        table.add_column(column, justify="left" if column == "runner" else "right")
    with tempfile.TemporaryDirectory() as folder:
        base = Build(settings.model_copy(update={"out": Path(folder) / "base"}))
        for source in settings.sources:
            base.questions.make(source)
        bare = None
        for name in ("threads", "processes", "local", "dask"):
            if name in options.skip:
                continue
            out = Path(folder) / name
            shutil.copytree(base.out, out)
            found = one(name, out, sources, target, options)
            bare = found.cpu if name == "processes" else bare
            share = f"{(found.cpu - bare) / found.cpu:.1%}" if bare and name in ("local", "dask") else ""
            label = {"threads": "threads, no Prefect", "processes": "processes, no Prefect"}.get(
                name, f"--runner {name}"
            )
            table.add_row(label, str(found.parts), f"{found.wall:.0f}", f"{found.cpu:.0f}", share, f"{found.peak:.0f}")
            print(f"{label}: {found}", file=sys.stderr, flush=True)
    Console().print(table)


def one(name: str, out: Path, sources: tuple[str, ...], target: int, options: argparse.Namespace) -> Measured:
    """The build by one runner."""
    common = ["--parts", str(options.parts), "--part-size", str(options.part_size)]
    common += ["--task-seconds", str(options.task_seconds)]
    if name in ("threads", "processes"):
        flags = [*common, "--plain", name, "--out", str(out), *(f for s in sources for f in ("--source", s))]
        return measure([sys.executable, __file__, *flags], out, [])
    flags = ["--no-speech", "--target", str(target), "--max-variants", "1000", "--workers", "2", "--out", str(out)]
    flags += [f for s in sources for f in ("--source", s)]
    config = out.with_suffix(".yaml")
    config.write_text(f"part_size: {options.part_size}\nrunner: {{task_seconds: {options.task_seconds}}}\n")
    command = [sys.executable, "-m", "kame_data.cli", "build", "--config", str(config), *flags]
    if name == "local":
        return measure(command, out, [])
    with dask(8791) as processes:
        return measure([*command, "--runner", "dask", "--address", "tcp://127.0.0.1:8791"], out, processes)


if __name__ == "__main__":
    main()
