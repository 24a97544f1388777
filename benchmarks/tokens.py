"""How fast rows become tokens, and token shards batches: Mimi, the text streams, oracle streams, collation.

    python benchmarks/tokens.py                  the data side on rows of out/demo where they are, else on dummies
    python benchmarks/tokens.py --mimi           Mimi too: its own size, on the CPU and, where there is one, on the GPU
    python benchmarks/tokens.py --codec FILE --mimi

One process and one thread, but for Mimi on a GPU. Beside ours stand a baseline that does the same on Python lists,
measured here, and what was measured of the KAME authors' own tools (SakanaAI/kame_finetune, on lists) on another
machine of two cores: 615 examples a second in preparation, some 500 in collation, 236,000 words a second of tokenizing.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from kame_data.codec.mimi import CodecSpec, Mimi
from kame_data.codec.text_stream import lay_text, token_frames
from kame_data.codec.token_schema import CARD, TOKENS, TokenFacts
from kame_data.codec.token_shards import write_token_shard
from kame_data.codec.tokenizer import Tokenizer
from kame_data.records import FRAME_SAMPLES, SAMPLE_RATE
from kame_data.train.batches import Loader
from kame_data.train.draws import keys_of
from token_dummies import write_dummy

PREPARED, COLLATED, WORDS = 615, 500, 236_000
SENTENCE = "The one that has the most protons in its nucleus is, as far as I remember, the second of them."


def best(times: int, work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of a core's time that the fastest of several runs took; what else the machine does counts little so."""
    found = []
    for _ in range(times):
        start = clock()
        work()
        found.append(clock() - start)
    return min(found)


def shard_of(out: Path, count: int, folder: Path) -> Path:
    """A token shard of `count` rows: the train split's again and again with other codes, or dummies of their size."""
    paths = sorted((out / "tokens").glob("train-*.parquet"))
    if not paths:
        print(f"no token shards in {out}: dummies")
        return write_dummy(folder, rows=count, validation=0, text_card=2000, frames=(170, 410))["train"][0]
    tables = pa.concat_tables([pq.read_table(p) for p in paths])
    facts = TokenFacts.of(tables.schema.metadata, str(paths[0]))
    whole = tables.take([i % tables.num_rows for i in range(count)])
    ids = pa.array([f"{name.as_py()}-again-{i}-v0" for i, name in enumerate(whole.column("id"))])
    whole = whole.set_column(0, "id", ids)
    draw = np.random.default_rng(0)
    for name in ("assistant_codes", "user_codes"):  # evenly, as a trained codec's nearly are
        lists = whole.column(name).combine_chunks()
        codes = pa.array(draw.integers(0, CARD, len(lists.values)), pa.uint16())
        even = pa.ListArray.from_arrays(lists.offsets, codes)
        whole = whole.set_column(whole.column_names.index(name), TOKENS.field(name), even)
    path = folder / "tokens" / "train-00000-of-00001.parquet"
    write_token_shard(path, [whole], facts)
    return path


# -- the baseline: the same work on lists


def prepare_lists(path: Path, card: int) -> Iterator[dict[str, Any]]:
    """Rows as lists, with their oracle streams laid event by event and token by token."""
    draw = random.Random(0)
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for row in file.read_row_group(group).to_pylist():
                frames = row["frames"]
                streams = [row["text"]]
                for codes in (row["assistant_codes"], row["user_codes"]):
                    streams += [codes[k * frames : (k + 1) * frames] for k in range(8)]
                yield {"id": row["id"], "streams": streams, "oracle": lay_lists(row, card, draw), "frames": frames}


def lay_lists(row: dict[str, Any], card: int, draw: random.Random) -> list[int]:
    """An oracle stream with drops and jitter."""
    frames, oracle = row["frames"], [3] * row["frames"]
    chance = draw.uniform(0.1, 0.7)
    for e, frame in enumerate(row["oracle_frame"]):
        if frame < 0 or (not row["oracle_keep"][e] and draw.random() < chance):
            continue
        first, last = row["oracle_offsets"][e : e + 2]
        at = frame + draw.randint(0, 4)
        for place, token in enumerate([card, *row["oracle_tokens"][first:last]], at):
            if place < frames:
                oracle[place] = token
    return oracle


def collate_lists(examples: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Batched arrays of examples on lists."""
    longest = max(e["frames"] for e in examples)
    codes = np.full((len(examples), 17, longest), -1, np.int64)
    oracle = np.full((len(examples), longest), -1, np.int64)
    for i, example in enumerate(examples):
        codes[i, :, : example["frames"]] = np.array(example["streams"])
        oracle[i, : example["frames"]] = np.array(example["oracle"])
    return codes, oracle


# -- what is measured


def data_side(out: Path, count: int, batch: int) -> Table:
    """Shard to batch on one core."""
    table = Table(title="shard to batch, examples a second on one core", box=None)
    for column in ("", "preparation", "collation", "both"):
        table.add_column(column, justify="left" if not column else "right")
    with tempfile.TemporaryDirectory() as folder:
        path = shard_of(out, count, Path(folder))
        loader = Loader([path], batch_size=batch, prefetch=0, window=count)
        keys, groups = keys_of(loader.files.keys, 0, 0), range(len(loader.files.groups))
        prepared = best(3, lambda: [loader.lay(g, keys) for g in groups])
        laid, plan = {g: loader.lay(g, keys) for g in groups}, loader.plan(0)
        collated = best(3, lambda: [None for rows in plan if loader.collate(rows, laid) is None])
        whole = best(3, lambda: [None for _ in loader.epoch(0)])
        few = count // 8
        listed: list[dict[str, Any]] = []
        slow = best(1, lambda: listed.extend(e for e, _ in zip(prepare_lists(path, 2000), range(few), strict=False)))
        listed.sort(key=lambda e: e["frames"])
        glued = best(1, lambda: [collate_lists(listed[i : i + batch]) for i in range(0, few, batch)])
        batches = list(loader.epoch(0))
        padding = 1 - sum(int(b.frames.sum()) for b in batches) / sum(b.oracle.size for b in batches)
        mean = float(loader.files.frames.mean())
        size = path.stat().st_size
    n = len(listed)
    table.add_row("ours", f"{count / prepared:,.0f}", f"{count / collated:,.0f}", f"{count / whole:,.0f}")
    table.add_row("lists, here", f"{n / slow:,.0f}", f"{n / glued:,.0f}", f"{n / (slow + glued):,.0f}")
    both = 1 / (1 / PREPARED + 1 / COLLATED)
    table.add_row("kame_finetune, as measured", f"{PREPARED:,}", f"{COLLATED:,}", f"{both:,.0f}")
    table.caption = (
        f"{count} examples of {mean:.0f} frames, {size / count:,.0f} bytes each; batches of {batch}; "
        f"{padding:.1%} padding"
    )
    return table


def text_side() -> Table:
    """Words to text streams on one core."""
    tokenizer, words = Tokenizer.of("sample"), SENTENCE.split()
    starts = np.arange(len(words)) * 4

    def stream() -> None:
        tokens, lengths = tokenizer.encode_words(words, "en")
        lay_text(tokens, token_frames(starts, lengths, 400), 400)

    each = best(5, lambda: [stream() for _ in range(500)]) / 500
    table = Table(title="text streams, words a second on one core", box=None)
    table.add_column("")
    table.add_column("words/s", justify="right")
    table.add_row("ours, sample tokenizer", f"{len(words) / each:,.0f}")
    table.add_row("kame_finetune, as measured", f"{WORDS:,}")
    return table


def mimi_side(spec: CodecSpec, seconds: float) -> Table:
    """Sound to codes: seconds of one channel for a second of work."""
    import torch

    table = Table(title=f"Mimi ({spec.label}), times real time of a channel", box=None)
    for column in ("device", "clips", "seconds each", "x real time"):
        table.add_column(column, justify="left" if column == "device" else "right")
    torch.set_num_threads(1)
    samples = round(seconds * SAMPLE_RATE / FRAME_SAMPLES) * FRAME_SAMPLES
    clip = np.random.default_rng(0).normal(0, 0.1, (2, samples)).astype(np.float32)
    rows = [("cpu", 1)]
    if torch.cuda.is_available():
        rows += [("cuda", n) for n in (1, 8, 32)]
    for device, clips in rows:
        codec = Mimi(spec, device)
        work = [clip] * clips
        if device != "cpu":
            codec.encode(work)
        runs, clock = (1, time.process_time) if device == "cpu" else (5, time.perf_counter)
        taken = best(runs, lambda codec=codec, work=work: codec.encode(work), clock)
        name = "cpu, one thread" if device == "cpu" else torch.cuda.get_device_name()
        table.add_row(name, str(clips), f"{seconds:.0f}", f"{2 * seconds * clips / taken:,.0f}")
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="a build whose train tokens are used")
    parser.add_argument("--examples", type=int, default=4096)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--mimi", action="store_true", help="measure Mimi too")
    parser.add_argument("--codec", default="untrained", help="mimi, untrained, untrained-small or a file")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each clip for Mimi")
    options = parser.parse_args()
    console = Console()
    pa.set_cpu_count(1)
    console.print(data_side(options.out, options.examples, options.batch))
    console.print(text_side())
    if options.mimi:
        console.print(mimi_side(CodecSpec.of(options.codec), options.seconds))
        console.print(mimi_side(CodecSpec.of("untrained-small"), options.seconds))


if __name__ == "__main__":
    main()
