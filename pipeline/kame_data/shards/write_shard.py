"""Writing a shard as a stream: memory holds one row group at a time, however long the shard."""

from collections.abc import Iterable
from contextlib import closing
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kame_data.records import SAMPLE_RATE
from kame_data.shards.schema import EARLY, SHARD
from kame_data.storage.files import open_parquet, writing, written_sum
from kame_data.storage.paths import AnyPath

FINGERPRINT = b"kame_data.fingerprint"


@cache
def _schema(early: bool) -> pa.Schema:
    """The shard's schema with what `datasets` reads to know the audio column as Audio."""
    from datasets import Audio, Features

    schema = SHARD if early else SHARD.remove(SHARD.get_field_index(EARLY))
    features = Features.from_arrow_schema(schema)
    features["audio"] = Audio(sampling_rate=SAMPLE_RATE)
    return schema.with_metadata(features.arrow_schema.metadata)


def write_shard(
    path: AnyPath, rows: Iterable[dict[str, Any]], *, row_group: int, fingerprint: str, early: bool = False
) -> str:
    """Write the rows to `path`, whole or not at all, `row_group` rows a group; returns the file's SHA-256, in hex. The
    fingerprint stands in the footer, so that a finished shard is known by itself. `early`: with the column of early
    starts."""
    plain = _schema(early)
    schema = plain.with_metadata({**plain.metadata, FINGERPRINT: fingerprint.encode()})
    stream = iter(rows)
    groups = iter(lambda: list(islice(stream, row_group)), [])
    return write_groups(path, schema, (pa.Table.from_pylist(group, schema=schema) for group in groups))


def write_groups(path: Path | AnyPath, schema: pa.Schema, tables: Iterable[pa.Table]) -> str:
    """Write tables to `path`, whole or not at all, a row group each; returns the file's SHA-256, in hex.

    zstd, with a page index (readers skip pages) and content-defined chunks (a shard that changes a little uploads
    little).
    """
    with writing(path) as file:
        writer = pq.ParquetWriter(
            file, schema, compression="zstd", write_page_index=True, use_content_defined_chunking=True
        )
        with closing(writer):
            for table in tables:
                writer.write_table(table)
        return written_sum(file)


def fingerprint_of(path: AnyPath) -> str | None:
    """The fingerprint in a shard's footer; None where the file is no whole shard of ours."""
    try:
        with open_parquet(path) as file:
            metadata = file.schema_arrow.metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    value = metadata.get(FINGERPRINT)
    return value.decode() if value else None
