"""Token shards on disk: written whole or not at all, read by memory map, a row group at a time."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kame_data.codec.token_schema import TOKENS, TokenFacts
from kame_data.storage.files import open_parquet, writing
from kame_data.storage.paths import AnyPath

ROW_GROUP = 64
"""Rows a row group: some 0.5 MB. A reader draws from whole groups, so they are small."""

_CODES = ("assistant_codes", "user_codes")


def write_token_shard(path: Path | AnyPath, tables: Iterable[pa.Table], facts: TokenFacts) -> None:
    """Write tables of schema `TOKENS` to `path`, whole or not at all; the same rows, the same bytes.

    Every column is dictionary-encoded: a code takes its 11 bits, and padding runs of text next to nothing. Codes are
    not compressed on top of that, for there is nothing to gain but the time to undo it.
    """
    schema = TOKENS.with_metadata(facts.metadata())
    compression = {
        f"{name}.list.element" if pa.types.is_list(kind) else name: "none" if name in _CODES else "zstd"
        for name, kind in zip(TOKENS.names, TOKENS.types, strict=True)
    }
    with writing(path) as file:
        writer = pq.ParquetWriter(file, schema, compression=compression, dictionary_pagesize_limit=1 << 22)
        with closing(writer):
            for table in _groups(tables):
                writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP)


def _groups(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    """The same rows in tables of `ROW_GROUP` rows, the last one shorter, so that a file does not know its parts."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        if rows >= ROW_GROUP:
            whole = pa.concat_tables(held).combine_chunks()
            cut = rows - rows % ROW_GROUP
            for start in range(0, cut, ROW_GROUP):
                yield whole.slice(start, ROW_GROUP)
            held, rows = [whole.slice(cut)], rows - cut
    if rows or not held:
        yield pa.concat_tables(held).combine_chunks() if held else TOKENS.empty_table()


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows, whose lists may be numpy arrays of any whole-number type, as a table of schema `TOKENS`."""
    columns = []
    for field in TOKENS:
        values: list[Any] = [row[field.name] for row in rows]
        if pa.types.is_list(field.type):
            kind = field.type.value_type
            flat = [np.asarray(v, kind.to_pandas_dtype()) for v in values]
            offsets = np.r_[0, np.cumsum([len(f) for f in flat])].astype(np.int32)
            joined = np.concatenate(flat) if flat else np.zeros(0, kind.to_pandas_dtype())
            columns.append(pa.ListArray.from_arrays(pa.array(offsets), pa.array(joined, kind)))
        else:
            columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=TOKENS)


def facts_of(path: AnyPath) -> TokenFacts:
    """The makers of a token shard. Raises UsageError where the file is none."""
    try:
        with open_parquet(path) as file:
            metadata = file.schema_arrow.metadata
    except (OSError, pa.ArrowInvalid):
        metadata = None
    return TokenFacts.of(metadata, str(path))
