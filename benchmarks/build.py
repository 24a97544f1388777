"""Measures builds as whole processes: time, memory summed over processes, and how both grow.

    python benchmarks/build.py            the demo, then text builds of 1, 2 and 4 thousand dialogues
    python benchmarks/build.py --target 56582 --source gsm8k=FILE --source mmlu_pro=FILE

Memory is the proportional set size (pages shared by several processes count once), summed over the command and all
its children and sampled five times a second; read from /proc, so on Linux alone.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kame_data.levels import LevelSchedule

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def memory(pid: int) -> int:
    """Proportional set size of the family, in KiB."""
    total = 0
    for member in family(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total


def measure(*flags: str) -> tuple[float, float]:
    """Run `kame-data build` with the flags; returns (seconds, peak MiB)."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, "-m", "kame_data.cli", "build", *flags], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        with contextlib.suppress(OSError):  # it ended meanwhile
            peak = max(peak, memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"kame-data build {' '.join(flags)} failed with exit code {process.returncode}")
    return time.perf_counter() - started, peak / 1024


def planning() -> float:
    """Prefixes planned a second on one core, over turns of 5 to 120 words."""
    schedule, started, planned = LevelSchedule(), time.perf_counter(), 0
    while time.perf_counter() - started < 1:
        planned += sum(len(schedule.prefixes(0, total)) for total in range(5, 120))
    return planned / (time.perf_counter() - started)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=int, action="append", help="dialogues of a text build; repeatable")
    parser.add_argument("--source", action="append", help="NAME=FILE; the shared rows or the samples by default")
    options = parser.parse_args()
    real = [f"gsm8k={SHARED / 'gsm8k/train.parquet'}", f"mmlu_pro={SHARED / 'mmlu_pro/test.parquet'}"]
    sources = options.source or (real if SHARED.exists() else ["gsm8k=sample", "mmlu_pro=sample"])
    targets = options.target or ([1000, 2000, 4000] if SHARED.exists() or options.source else [50, 100, 200])
    table = Table(title="whole builds, as processes", box=None)
    for column in ("build", "dialogues", "seconds", "dialogues/s", "peak MiB"):
        table.add_column(column, justify="left" if column == "build" else "right")
    with tempfile.TemporaryDirectory() as folder:
        if not options.target:
            for label in ("demo, spoken", "demo again"):
                seconds, peak = measure("--config", "demo", "--out", f"{folder}/demo")
                table.add_row(label, "", f"{seconds:.1f}", "", f"{peak:.0f}")
        for target in targets:
            flags = [flag for source in sources for flag in ("--source", source)]
            out = f"{folder}/text-{target}"
            seconds, peak = measure(*flags, "--no-speech", "--target", str(target), "--out", out)
            table.add_row("text alone", str(target), f"{seconds:.1f}", f"{target / seconds:.0f}", f"{peak:.0f}")
    console = Console()
    console.print(table)
    console.print(f"planning prefixes and levels: {planning():,.0f} prefixes a second on one core")


if __name__ == "__main__":
    main()
