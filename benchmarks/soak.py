"""A soak: builds with faults drawn at random, one round after the other; what comes out must always be the same bytes.

    python benchmarks/soak.py [--minutes 20] [--seed 0] [--only KIND]... [-- FLAG ...]

A reference build of the bundled samples, spoken, is made undisturbed. Each round then builds the same into a fresh
folder through some faults (FAULTS has the kinds), ends with one undisturbed run, and compares shards, rejected/ and
manifest byte for byte; `kame-data verify` must find nothing that it cannot say how to mend. FLAGs go to every build.
The disk that fills up is a tmpfs, which takes root to mount; without, that kind is left out and the table says so.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

DATA = Path(__file__).resolve().parents[1] / "data" / "samples"
SOURCES = ("gsm8k", "mmlu_pro")
KAME = [sys.executable, "-m", "kame_data.cli"]
# What an orchestrator waits between SIGTERM and SIGKILL.
GRACE = 10.0


class Wrong(Exception):
    """Something did not come out as it must."""


@dataclass
class Soak:
    """One round's folder and draws."""

    folder: Path
    draw: random.Random
    lasts: float
    flags: list[str]
    survived: Counter[str] = field(default_factory=Counter)
    filler: Path | None = None

    @property
    def out(self) -> Path:
        """The build's folder."""
        return self.folder / "out"

    def command(self, out: Path | None = None) -> list[str]:
        """The build command, on this round's copies of the sources."""
        sources = [f"--source={name}={self.folder / name}.jsonl" for name in SOURCES]
        return [*KAME, "build", *sources, "--limit=10", "--config", str(self.folder / "soak.yaml"),
                "--out", str(out or self.out), *self.flags]  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """A build that runs, in a group of its own."""
        return subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def some_time(self) -> None:
        """Wait for a moment drawn from the time that a build takes."""
        time.sleep(self.draw.uniform(0, self.lasts))

    def undisturbed(self, *, full: bool = False) -> None:
        """Run the build to its end. `full`: it may also fail, in one line that says so."""
        ended = subprocess.run(self.command(), capture_output=True, text=True, timeout=600, check=False)
        if full and ended.returncode == 1 and ("space" in ended.stderr or "full" in ended.stderr):
            return
        if ended.returncode:
            raise Wrong(f"the build ended with {ended.returncode}: {ended.stderr[-400:]}")

    def files(self, *patterns: str) -> list[Path]:
        """The files there are of these patterns, in order."""
        return sorted(path for pattern in patterns for path in self.out.glob(pattern))


def end(process: "subprocess.Popen[str]", number: int) -> None:
    """Signal the whole group and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    process.communicate(timeout=120)


def killed(soak: Soak) -> None:
    """kill -9 of the build with all its processes."""
    process = soak.start()
    soak.some_time()
    end(process, signal.SIGKILL)


def terminated(soak: Soak) -> None:
    """SIGTERM to the build alone, as an orchestrator sends it: it must have ended in good order within GRACE."""
    process = soak.start()
    soak.some_time()
    process.terminate()
    try:
        said = process.communicate(timeout=GRACE)[1]
    except subprocess.TimeoutExpired:
        end(process, signal.SIGKILL)
        raise Wrong(f"not ended {GRACE:.0f} s after SIGTERM") from None
    # -15: it had not begun to listen yet. 0: it had finished.
    if process.returncode not in (130, 0, -signal.SIGTERM):
        raise Wrong(f"SIGTERM ended it with {process.returncode}: {said[-400:]}")


def children(pid: int) -> list[int]:
    """All processes that descend from one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def helper_killed(soak: Soak) -> None:
    """kill -9 of one of the build's own processes while it runs; it may go on without, or end in one line."""
    process = soak.start()
    soak.some_time()
    with contextlib.suppress(OSError):  # it has ended meanwhile
        if helpers := children(process.pid):
            os.kill(soak.draw.choice(helpers), signal.SIGKILL)
    try:
        said = process.communicate(timeout=300)[1]
    except subprocess.TimeoutExpired:
        end(process, signal.SIGKILL)
        raise Wrong("it hangs where one of its processes was killed") from None
    if process.returncode not in (0, 1):
        raise Wrong(f"a killed process ended it with {process.returncode}: {said[-400:]}")


def at_once(soak: Soak) -> None:
    """A second build in the same folder, while the first runs: it is turned away, and the first is not disturbed."""
    first = soak.start()
    soak.some_time()
    second = subprocess.run(soak.command(), capture_output=True, text=True, timeout=600, check=False)
    first.communicate(timeout=600)
    if first.returncode:
        # The second may have come first.
        first, second = second, first  # type: ignore[assignment]
    if first.returncode or second.returncode not in (0, 1):
        raise Wrong(f"two at once ended with {first.returncode} and {second.returncode}")


def damaged(soak: Soak) -> None:
    """A file of the build is cut short, has a bit turned, or is gone."""
    paths = soak.files(
        "parts/*/*.parquet", "parts/*/*.json*", "shards/*", "rejected/*", "manifest.json", "parts/clips/*/*"
    )
    if not paths:
        return
    path = soak.draw.choice(paths)
    data = bytearray(path.read_bytes())
    how = soak.draw.choice(("cut", "turned", "gone"))
    if how == "gone" or not data:
        path.unlink()
    elif how == "cut":
        path.write_bytes(data[: soak.draw.randrange(len(data))])
    else:
        data[soak.draw.randrange(len(data))] ^= 1 << soak.draw.randrange(8)
        path.write_bytes(data)


def source_changed(soak: Soak) -> None:
    """A source is another one for a while: the build must say so, and go on once it is as it was."""
    path = soak.folder / f"{soak.draw.choice(SOURCES)}.jsonl"
    before = path.read_bytes()
    begun = (soak.out / "build.json").exists()
    lines = before.splitlines(keepends=True)
    path.write_bytes(b"".join(soak.draw.sample(lines, len(lines) - 2)))
    try:
        if begun:
            ended = subprocess.run(soak.command(), capture_output=True, text=True, timeout=600, check=False)
            if ended.returncode != 2 or "its rows are not those" not in ended.stderr:
                raise Wrong(f"with another source it ended with {ended.returncode}: {ended.stderr[-400:]}")
    finally:
        path.write_bytes(before)


def disk_full(soak: Soak) -> None:
    """The disk fills up while the build runs, and is emptied again."""
    assert soak.filler is not None
    free = shutil.disk_usage(soak.folder).free
    with soak.filler.open("wb") as file:
        file.truncate()
        os.posix_fallocate(file.fileno(), 0, max(free - soak.draw.randrange(1, 3_000_000), 1))
    try:
        soak.undisturbed(full=True)
    finally:
        soak.filler.unlink()


FAULTS: dict[str, Callable[[Soak], None]] = {
    "killed": killed,
    "terminated": terminated,
    "helper killed": helper_killed,
    "two at once": at_once,
    "file damaged": damaged,
    "source changed": source_changed,
    "disk full": disk_full,
}


def result(out: Path) -> dict[str, bytes]:
    """What is compared: shards, rejected/ and the manifest, by name."""
    paths = [*(out / "shards").iterdir(), *(out / "rejected").iterdir(), out / "manifest.json"]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def prepare(folder: Path, flags: list[str]) -> Soak:
    """A round's folder with its copies of the sources."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        shutil.copy(DATA / f"{name}.jsonl", folder / f"{name}.jsonl")
    (folder / "soak.yaml").write_text("part_size: 3\nvalidation_share: 0.2\nprogress: false\nmax_refused: 1\n")
    return Soak(folder, random.Random(), 0.0, flags)


def mended(soak: Soak) -> None:
    """What `verify` finds is deleted where it says so; one more build must leave nothing to find."""
    for last in (False, True):
        looked = subprocess.run(
            [*KAME, "verify", str(soak.out)], capture_output=True, text=True, timeout=300, check=False
        )
        if not looked.returncode:
            return
        problems = [line.strip() for line in looked.stdout.splitlines() if line.startswith("  ")]
        if last or not problems:
            raise Wrong(f"verify found {problems or looked.stderr}")
        for problem in problems:
            if found := re.search(r"delete (it|\S+), ", f"{problem}, "):
                Path(problem.split(": ")[0] if found[1] == "it" else found[1]).unlink(missing_ok=True)
        soak.undisturbed()


def one_round(soak: Soak, kinds: list[str], wanted: dict[str, bytes]) -> None:
    """Some faults, then an undisturbed run; the result must be the wanted one."""
    for kind in soak.draw.choices(kinds, k=soak.draw.randint(2, 6)):
        FAULTS[kind](soak)
        soak.survived[kind] += 1
    soak.undisturbed()
    mended(soak)
    found = result(soak.out)
    if odd := sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)):
        raise Wrong(f"{', '.join(odd)}: not as undisturbed")


def soak_for(minutes: float, seed: int, kinds: list[str], flags: list[str], room: Path, console: Console) -> int:
    """Rounds until the time is over; prints the table and returns the number of rounds that went wrong."""
    here = room / "round"  # the same for all, for the manifest says where the sources lie
    reference = prepare(here, flags)
    started = time.monotonic()
    reference.undisturbed()
    lasts = time.monotonic() - started
    wanted, survived, wrong, rounds = result(reference.out), Counter[str](), 0, 0
    shutil.rmtree(here)
    console.print(f"undisturbed: {lasts:.1f} s, {len(wanted)} files")
    while time.monotonic() - started < 60 * minutes:
        soak = prepare(here, flags)
        soak.draw, soak.lasts, soak.filler = random.Random(f"{seed}:{rounds}"), lasts, room / "filler"
        try:
            one_round(soak, kinds, wanted)
            shutil.rmtree(soak.folder)
        except Wrong as error:
            wrong += 1
            console.print(f"round {rounds} after {dict(soak.survived)}: {error}", style="red")
            shutil.move(soak.folder, tempfile.mkdtemp(prefix="kame-soak-"))
        survived += soak.survived
        rounds += 1
    table = Table(title=f"{rounds} rounds, {(time.monotonic() - started) / 60:.0f} minutes, seed {seed}", box=None)
    table.add_column("fault")
    table.add_column("survived", justify="right")
    for kind in FAULTS:
        table.add_row(kind, str(survived[kind]) if kind in kinds else "left out")
    table.add_row("all", str(survived.total()))
    console.print(table)
    console.print(f"{wrong} rounds went wrong")
    return wrong


def main() -> None:
    """Mount what is needed, soak, and clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(FAULTS), help="kinds of faults; all by default")
    parser.add_argument("flags", nargs="*", help="more flags for every build")
    options = parser.parse_args()
    console, kinds = Console(), options.only or list(FAULTS)
    with tempfile.TemporaryDirectory(prefix="kame-soak-") as folder:
        mounted = (
            os.geteuid() == 0
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", folder], capture_output=True, check=False
            ).returncode
        )
        if not mounted:
            kinds = [kind for kind in kinds if kind != "disk full"]
        try:
            wrong = soak_for(options.minutes, options.seed, kinds, options.flags, Path(folder), console)
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", folder], check=False)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
