"""How long an export takes, and how much memory: dummy dialogues of some 12 s, in each layout that needs no tokens.

python benchmarks/export.py [DIALOGUES]...
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import dummies

ROOT = Path(__file__).resolve().parents[1]
LAYOUTS = ("kame-finetune", "moshi-finetune", "webdataset", "jsonl")


def exported(out: Path, folder: Path, layout: str) -> tuple[float, float, float, float]:
    """Seconds, seconds of CPU, peak MiB of memory and MB written, of the command in a process of its own."""
    command = [sys.executable, "-m", "kame_data.cli", "export", str(out), "--out", str(folder), "--to", layout]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{layout}: exit status {status}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    wall = time.perf_counter() - start
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, size / 1e6


def main() -> None:
    """Print a line a layout and number of dialogues."""
    print(f"{'layout':<16}{'dialogues':>10}{'s':>8}{'CPU s':>8}{'peak MiB':>10}{'MB':>8}")
    for count in [int(given) for given in sys.argv[1:]] or [100, 1000]:
        with tempfile.TemporaryDirectory() as folder:
            out = dummies.finish(Path(folder) / "out", [dummies.row(n) for n in range(count)], a_shard=500)
            for layout in LAYOUTS:
                wall, cpu, peak, size = exported(out, Path(folder) / layout, layout)
                print(f"{layout:<16}{count:>10}{wall:>8.1f}{cpu:>8.1f}{peak:>10.0f}{size:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
