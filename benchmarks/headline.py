"""The build of `data/recipes/kame-56k.yaml` here, by rules and espeak: text and oracles whole, speech of a sample.

    python benchmarks/headline.py [--sample 500] [--target 56582] [--source NAME=FILE]...

Prints seconds and memory (as benchmarks/build.py measures it) of the text build, then speaks a smaller build of the
same questions and says what the whole would take at that rate.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from build import SHARED, measure
from rich.console import Console
from rich.table import Table

from kame_data.settings.layers import load
from kame_data.settings.tree import Settings

REAL = {"gsm8k": "gsm8k/train.parquet", "mmlu_pro": "mmlu_pro/test.parquet", "hssbench": "hssbench/data-open.jsonl"}
RECIPE = "kame-56k"


def manifest(out: str) -> dict[str, object]:
    """What a build's manifest says."""
    found: dict[str, object] = json.loads((Path(out) / "manifest.json").read_text())
    return found


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02} min {seconds % 60:02.0f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=int, default=load(Settings, RECIPE, {}).target, help="dialogues of text")
    parser.add_argument("--sample", type=int, default=500, help="dialogues to speak")
    parser.add_argument("--source", action="append", help="NAME=FILE; the shared rows by default")
    options = parser.parse_args()
    sources = options.source or [f"{name}={SHARED / file}" for name, file in REAL.items()]
    flags = ["--config", RECIPE, "--llm", "offline", "--tts", "espeak"]
    flags += [flag for source in sources for flag in ("--source", source)]
    table = Table(title=f"{RECIPE} by rules, {os.cpu_count()} cores", box=None)
    for column in ("what", "dialogues", "oracles", "time", "dialogues/s", "peak MiB"):
        table.add_column(column, justify="left" if column == "what" else "right")

    def row(what: str, out: str, target: int, *more: str) -> float:
        seconds, peak = measure(*flags, *more, "--target", str(target), "--out", out)
        oracles = sum(manifest(out)["oracles"].values())  # type: ignore[attr-defined]
        table.add_row(what, f"{target:,}", f"{oracles:,}", clock(seconds), f"{target / seconds:.1f}", f"{peak:.0f}")
        return seconds

    with tempfile.TemporaryDirectory() as folder:
        text = row("text and oracles", f"{folder}/text", options.target, "--no-speech")
        row("text of the sample", f"{folder}/sample", options.sample, "--no-speech")
        spoken = row("the sample's speech", f"{folder}/sample", options.sample)
        heard = float(manifest(f"{folder}/sample")["seconds"])  # type: ignore[arg-type]
    console = Console()
    console.print(table)
    times = options.target / options.sample
    console.print(
        f"{heard / 60:.0f} minutes of speech in {spoken:.0f} s, {heard / spoken:.0f} times real time; at that rate "
        f"{options.target:,} dialogues are {heard * times / 3600:.0f} hours of speech and take "
        f"{clock(spoken * times)}, with the text {clock(text + spoken * times)}"
    )


if __name__ == "__main__":
    main()
