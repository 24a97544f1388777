"""Requests and seconds that a build in an object store takes, beside the same build on a disk.

python benchmarks/storage.py [--parts 450] [--delay 0]

The store is moto's S3 on loopback, in this process; `--delay` (seconds) puts the time of a network in front of every
request. Parts hold one question each, so that the work is in the storing.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / "pipeline"), str(ROOT / "flows"), str(ROOT / "tests")]

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from building import build, settings_of  # noqa: E402
from kame_data.engine.build import Build  # noqa: E402
from kame_data.engine.note import noted_settings  # noqa: E402
from kame_data.engine.status import finished, restore, stage_table  # noqa: E402
from kame_data.storage.paths import AnyPath, path_of  # noqa: E402
from kame_data.storage.stores import filesystem  # noqa: E402
from s3 import S3  # noqa: E402


def again(settings: Any) -> None:
    """What the build command does where all is done."""
    found = Build(settings)
    found.check()
    assert finished(found) is not None
    restore(found)


def status(out: AnyPath) -> None:
    """What `kame-data status` does."""
    found = Build(noted_settings(out))
    finished(found)
    stage_table(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--parts", type=int, default=450)
    arguments.add_argument("--delay", type=float, default=0.0)
    given = arguments.parse_args()
    server = S3()
    os.environ.update(server.environment)
    filesystem("s3").mkdir("bucket")
    inner = server.faults.app

    def slower(environ: Any, start: Any) -> Any:
        time.sleep(given.delay)
        return inner(environ, start)

    server.faults.app = slower
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions.jsonl"
        numbers = range(given.parts)
        rows = [f'{{"question": "What is {n} plus {n + 1}, all told?", "answer": "{2 * n + 1}"}}\n' for n in numbers]
        questions.write_text("".join(rows))
        table = Table("", "kind of store", "s", "LIST", "GET", "HEAD", "PUT", "POST", "DELETE", box=None)
        for name, out in (("disk", path_of(Path(folder) / "out")), ("S3", path_of("s3://bucket/out"))):
            settings = settings_of(out, sources=(f"questions={questions}",), part_size=1, max_refused=1.0)
            steps: tuple[tuple[str, Callable[[], Any]], ...] = (
                (f"build of {given.parts} parts a stage", lambda s=settings: build(s, workers=8)),
                ("the same again", lambda s=settings: again(s)),
                ("status", lambda o=out: status(o)),
            )
            for what, do in steps:
                server.faults.counts = Counter()
                started = time.perf_counter()
                do()
                seconds, counts = time.perf_counter() - started, server.faults.counts
                kinds = [str(counts[k]) for k in ("LIST", "GET", "HEAD", "PUT", "POST", "DELETE")]
                table.add_row(what, name, f"{seconds:.1f}", *(kinds if name == "S3" else [""] * 6))
        Console().print(table)
    server.stop()


if __name__ == "__main__":
    main()
