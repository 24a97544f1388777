"""How long the report of a build takes and how large it is; dummy dialogues of some 35 words and 9 oracles.

python benchmarks/report.py [DIALOGUES] [--silent]
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import dummies
from kame_data.report.diff import compare
from kame_data.report.page import write_report


def _took(wall: float, cpu: float) -> str:
    return f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU"


def main() -> None:
    """Make the build, then time what reads it."""
    numbers = [int(given) for given in sys.argv[1:] if given.isdigit()]
    count, spoken = (numbers or [1000])[0], "--silent" not in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        rows = [dummies.row(n, spoken=spoken) for n in range(count)]
        out = dummies.finish(Path(folder) / "out", rows)
        del rows
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter(), time.process_time()
        done = write_report(out)
        print(f"report of {count} dialogues: {_took(*start)}")
        print(f"page: {done.bytes / 1e6:.1f} MB, {done.dialogues} dialogues, {done.sounds} with their sound")
        start = time.perf_counter(), time.process_time()
        compare(out, out)
        print(f"diff with itself: {_took(*start)}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"peak memory {peak / 1024:.0f} MiB, of which {base / 1024:.0f} to make the rows")


if __name__ == "__main__":
    main()
