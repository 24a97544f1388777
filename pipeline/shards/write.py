"""Writing a shard as a stream: memory holds one row group at a time, however long the shard."""

import os
import tempfile
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.shards.schema import SHARD

FINGERPRINT = b"kame_data.fingerprint"


@cache
def _schema() -> pa.Schema:
    """The shard's schema with what `datasets` reads to know the audio column as Audio."""
    from datasets import Audio, Features

    features = Features.from_arrow_schema(SHARD)
    features["audio"] = Audio(sampling_rate=24000)
    return SHARD.with_metadata(features.arrow_schema.metadata)


def write_shard(path: Path, rows: Iterable[dict[str, Any]], *, row_group: int, fingerprint: str) -> None:
    """Write the rows to `path`, whole or not at all, `row_group` rows a group. The fingerprint stands in the footer, so
    that a finished shard is known by itself."""
    schema = _schema().with_metadata({**_schema().metadata, FINGERPRINT: fingerprint.encode()})
    stream = iter(rows)
    groups = iter(lambda: list(islice(stream, row_group)), [])
    write_groups(path, schema, (pa.Table.from_pylist(group, schema=schema) for group in groups))


def write_groups(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write tables to `path`, whole or not at all, a row group each.

    zstd, with a page index (readers skip pages) and content-defined chunks (a shard that changes a little uploads
    little).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            writer = pq.ParquetWriter(
                file, schema, compression="zstd", write_page_index=True, use_content_defined_chunking=True
            )
            with closing(writer):
                for table in tables:
                    writer.write_table(table)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint in a shard's footer; None where the file is no whole shard of ours."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    value = metadata.get(FINGERPRINT)
    return value.decode() if value else None
