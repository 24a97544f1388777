"""Parts of the tokens stage: slices of a shard's row groups, each made whole or not at all.

A part's name holds a digest of the bytes of its row group, and of codec, tokenizer and version. So it is found again
whatever number its shard has, also in a build that has grown.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.ahead import ahead
from pipeline.codec.mimi import Clip, CodecSpec, Mimi
from pipeline.codec.rows import READ, sound_of, token_rows
from pipeline.codec.shards import table_of
from pipeline.codec.tokenizer import Tokenizer
from pipeline.errors import Interrupted, KameError
from pipeline.interrupts import GO_ON, stoppable
from pipeline.parts import PartStore
from pipeline.pool import begin, context, submit
from pipeline.seeds import digest
from pipeline.storage.paths import AnyPath

TOKENS_VERSION = 2
"""Raised when the tokens of the same row change."""

LOOK_S = 0.2
"""How often it is looked whether a stop was asked for."""
PART_ROWS = 25
"""Rows of a part: some ten minutes of dialogue."""


Made = tuple[int, int]
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `start` to `stop` of a row group of a shard; `name` is that of its files."""

    name: str
    shard: Path
    group: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """How parts are made: with which codec, tokenizer, and where."""

    codec: CodecSpec
    tokenizer: Tokenizer
    device: str
    folder: AnyPath

    def fingerprint(self, *content: object) -> str:
        """`fingerprint_of` for this codec and tokenizer."""
        return fingerprint_of(self.codec.sha256, self.tokenizer.sha256, *content)


Make = Callable[[list[Part], Recipe, int, Told], None]
"""What makes parts, as `make_parts` does."""


def fingerprint_of(codec_sha256: str, tokenizer_sha256: str, *content: object) -> str:
    """A digest of all that tokens of this content depend on."""
    return digest(TOKENS_VERSION, codec_sha256, tokenizer_sha256, *content)[:32]


def parts_of(shard: Path, recipe: Recipe) -> list[Part]:
    """The parts of a shard, in order of its rows."""
    parts = []
    with pq.ParquetFile(shard) as file, shard.open("rb") as raw:
        for group in range(file.metadata.num_row_groups):
            found = file.metadata.row_group(group)
            columns = [found.column(i) for i in range(found.num_columns)]
            first = min(c.dictionary_page_offset or c.data_page_offset for c in columns)
            raw.seek(first)
            content = sha256(raw.read(sum(c.total_compressed_size for c in columns))).hexdigest()
            for start in range(0, found.num_rows, PART_ROWS):
                stop = min(start + PART_ROWS, found.num_rows)
                name = recipe.fingerprint(content, start, stop)
                parts.append(Part(name, shard, group, start, stop))
    return parts


def read_part(part: Part, map_: Callable[..., Iterable[Any]] = map) -> tuple[list[dict[str, Any]], list[Clip]]:
    """The shard's rows of a part and their sounds, decoded by `map_`. Raises KameError where they cannot be read."""
    try:
        with pq.ParquetFile(part.shard) as file:
            names = [*READ, *({"situations"} & set(file.schema_arrow.names))]
            table = file.read_row_group(part.group, columns=names)
        rows = table.slice(part.start, part.stop - part.start).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise KameError(f"{part.shard}: is damaged ({' '.join(str(error).split())}); build again to mend it") from None
    return rows, list(map_(sound_of, rows))


def write_part(part: Part, rows: list[dict[str, Any]], sounds: list[Clip], codec: Mimi, recipe: Recipe) -> Made:
    """Make the part and write it; (rows, refusals)."""
    made, rejected = token_rows(rows, sounds, codec, recipe.tokenizer)
    # The rows hang on nothing but what the part's name says, so it stands for a digest of each.
    digests = {row["id"]: part.name for row in made}
    marker = PartStore(recipe.folder).write_table(part.name, table_of(made), digests, rejected)
    return len(marker.rows), marker.rejected


class _Halt:
    """What a signal asks to stop."""

    def __init__(self) -> None:
        self.stop = Event()


def make_parts(parts: list[Part], recipe: Recipe, workers: int, told: Told) -> None:
    """Make the parts: on the CPU by `workers` processes, elsewhere here, in batches; `told` hears of each.

    A worker has one thread, however many there are, so that sums are always rounded the same way.
    """
    if not parts:
        return
    recipe = replace(recipe, device=device_of(recipe.device))
    if recipe.device != "cpu":
        _make_here(parts, recipe, told)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(parts)), mp_context=context("pipeline.codec.preload"), initializer=_begin, initargs=(recipe,)
    )
    waiting, halt = iter(parts), _Halt()
    try:
        # A process that is half begun when its parent leaves prints a traceback.
        with stoppable(halt):
            running = {submit(pool, _make, part) for part in islice(waiting, 2 * workers)}
            while running:
                done, running = wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                if halt.stop.is_set():
                    raise Interrupted(GO_ON)
                for future in done:
                    told(*future.result())
                    running |= {submit(pool, _make, part) for part in islice(waiting, 1)}
    except BrokenProcessPool:
        if halt.stop.is_set():
            raise Interrupted(GO_ON) from None
        raise KameError(
            "a worker of the tokens stage was killed (out of memory?); give fewer --workers, the same command goes on "
            "from what is done"
        ) from None
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()  # has written whole parts or nothing
        pool.shutdown(cancel_futures=True)


def device_of(name: str) -> str:
    """The device that `auto` is on this machine: an accelerator where there is one."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _make_here(parts: list[Part], recipe: Recipe, told: Told) -> None:
    codec = Mimi(recipe.codec, recipe.device)
    with ThreadPoolExecutor() as pool:  # or the accelerator would wait for FLAC
        read: Iterator[tuple[Part, Any]] = ((part, read_part(part, pool.map)) for part in parts)
        for part, (rows, sounds) in ahead(read, 2):
            told(*write_part(part, rows, sounds, codec, recipe))


_recipe: Recipe | None = None


def _begin(recipe: Recipe) -> None:
    """A worker's beginning."""
    global _recipe
    begin()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import torch

    torch.set_num_threads(1)
    _recipe = recipe


@cache
def _codec(spec: CodecSpec) -> Mimi:
    return Mimi(spec)


def _make(part: Part) -> Made:
    assert _recipe is not None
    return write_part(part, *read_part(part), _codec(_recipe.codec), _recipe)
