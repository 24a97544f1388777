"""Parts of the tokens stage: slices of a shard's row groups, each made whole or not at all.

A part's name holds a digest of the bytes of its row group, and of codec, tokenizer and versions. So it is found again
whatever number its shard has, also in a build that has grown.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kame_data import text
from kame_data.codec.mimi import Clip, CodecSpec, Mimi
from kame_data.codec.token_row import READ, sound_of, token_rows
from kame_data.codec.token_shards import table_of
from kame_data.codec.tokenizer import Tokenizer
from kame_data.engine.parts import PartStore
from kame_data.engine.scheduler import Made
from kame_data.errors import KameError, UsageError
from kame_data.finished.reader import read_group
from kame_data.finished.row import Row
from kame_data.seeds import digest
from kame_data.settings.tokenizing import TokenSettings
from kame_data.storage.paths import AnyPath

TOKENS_VERSION = 3
"""Raised when the tokens of the same row change."""

PART_ROWS = 25
"""Rows of a part: some ten minutes of dialogue."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `start` to `stop` of a row group of a shard, whose checksum is `sha256`; `name` is that of its files."""

    name: str
    shard: AnyPath
    sha256: str
    group: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class TokenSpec:
    """Codec, tokenizer and device of token parts, and the folder that holds the parts."""

    settings: TokenSettings
    codec: CodecSpec
    tokenizer: Tokenizer
    device: str
    folder: AnyPath

    @classmethod
    def of(cls, settings: TokenSettings, folder: AnyPath) -> "TokenSpec":
        """The codec and tokenizer that settings name. Raises UsageError where one, or a package, is missing."""
        check_installed()
        codec, tokenizer = CodecSpec.of(settings.codec), Tokenizer.of(settings.tokenizer)
        return cls(settings, codec, tokenizer, settings.device, folder)

    def fingerprint(self, *content: object) -> str:
        """`fingerprint_of` for this codec and tokenizer."""
        return fingerprint_of(self.codec.sha256, self.tokenizer.sha256, *content)


def check_installed() -> None:
    """Raise UsageError where a package of the extra `train` is missing that tokens need."""
    missing = [name for name in ("torch", "moshi", "sentencepiece") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"missing for tokens: {', '.join(missing)}; pip install 'kame-data[train]'")


def fingerprint_of(codec_sha256: str, tokenizer_sha256: str, *content: object) -> str:
    """A digest of all that tokens of this content depend on."""
    return digest(TOKENS_VERSION, codec_sha256, tokenizer_sha256, *content, *text.reading().items())[:32]


def parts_of(shard: AnyPath, sha256: str, spec: TokenSpec) -> list[Part]:
    """The parts of a shard, in order of its rows."""
    parts, near = [], shard.near(sha256)
    with pq.ParquetFile(near) as file, near.open("rb") as raw:
        for group in range(file.metadata.num_row_groups):
            found = file.metadata.row_group(group)
            columns = [found.column(i) for i in range(found.num_columns)]
            first = min(c.dictionary_page_offset or c.data_page_offset for c in columns)
            raw.seek(first)
            content = hashlib.sha256(raw.read(sum(c.total_compressed_size for c in columns))).hexdigest()
            for start in range(0, found.num_rows, PART_ROWS):
                stop = min(start + PART_ROWS, found.num_rows)
                name = spec.fingerprint(content, start, stop)
                parts.append(Part(name, shard, sha256, group, start, stop))
    return parts


def read_part(part: Part, map_: Callable[..., Iterable[Any]] = map) -> tuple[list[Row], list[Clip]]:
    """The shard's rows of a part and their sounds, decoded by `map_`. Raises KameError where they cannot be read."""
    try:
        with pq.ParquetFile(part.shard.near(part.sha256)) as file:
            table = read_group(file, part.shard, part.group, READ)
        rows = list(Row.of_table(table.slice(part.start, part.stop - part.start)))
    except (OSError, pa.ArrowException) as error:
        raise KameError(f"{part.shard}: is damaged ({' '.join(str(error).split())}); build again to mend it") from None
    return rows, list(map_(sound_of, rows))


def write_part(part: Part, rows: list[Row], sounds: list[Clip], codec: Mimi, spec: TokenSpec) -> Made:
    """Make the part and write it; (rows, refusals)."""
    made, rejected = token_rows(rows, sounds, codec, spec.tokenizer)
    # The rows hang on nothing but what the part's name says, so it stands for a digest of each.
    digests = {row["id"]: part.name for row in made}
    marker = PartStore(spec.folder).write_table(part.name, table_of(made), digests, rejected)
    return len(marker.rows), marker.rejected


def device_of(name: str) -> str:
    """The device that `auto` is on this machine: an accelerator where there is one."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
