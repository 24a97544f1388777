"""The holes of rows: values that are null though they never may be, and floats that are no number. docs/SCHEMA.md says
what may be null."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kame_data.shards.schema import SHARD

SPOKEN = ("user_voice", "assistant_voice", "word_times", "latency")
"""Fields that only the provenance of a spoken row has."""
_TIMES = r"(turns|words|situations)\[\d+\]\.(start|end)|oracles\[\d+\]\.heard"
_ALWAYS = rf"oracles\[\d+\]\.time|audio|duration|audio_checks(\..*)?|provenance\.({'|'.join(SPOKEN)})"
MAY_BE_NULL = {True: re.compile(_ALWAYS), False: re.compile(f"{_TIMES}|{_ALWAYS}")}
"""Names of what may be null, of a spoken row and of one without speech."""


def holes_of(table: pa.Table) -> dict[int, str]:
    """By number of the row: the name of the first hole in the columns of SHARD that a table has.

    Quick, for a column is looked at as a whole first. A row is spoken where its `duration` is there and not null.
    """
    names = [name for name in table.column_names if name in SHARD.names]
    spoken = "duration" in names and table.column("duration").null_count < table.num_rows
    broken = [name for name in names if not all(_whole(c, name, spoken) for c in table.column(name).chunks)]
    if not broken:
        return {}
    schema = pa.schema([field for field in SHARD if field.name in broken])
    rows = table.select([*broken, *({"duration"} & set(names) - set(broken))]).to_pylist()
    first = (next(_holes(row, schema, "", row.get("duration") is not None), "") for row in rows)
    return {number: hole for number, hole in enumerate(first) if hole}


def _whole(array: pa.Array, name: str, spoken: bool) -> bool:
    """Tell whether no row of a column, or of a field of one, has a hole."""
    if array.null_count:
        if not MAY_BE_NULL[spoken].fullmatch(name):
            return False
        array = array.drop_null()
    if pa.types.is_struct(array.type):
        fields = zip(array.flatten(), array.type, strict=True)
        return all(_whole(field, f"{name}.{kind.name}", spoken) for field, kind in fields)
    if pa.types.is_list(array.type):
        return _whole(array.flatten(), f"{name}[0]", spoken)
    return not pa.types.is_floating(array.type) or bool(pc.all(pc.is_finite(array), min_count=0).as_py())


def _holes(value: Any, kind: Any, name: str, spoken: bool) -> Iterator[str]:
    """The names of the holes of a value of a type, or of a row of a schema."""
    if value is None:
        if not MAY_BE_NULL[spoken].fullmatch(name):
            yield name
    elif isinstance(kind, pa.Schema | pa.StructType):
        for column in kind:
            yield from _holes(value.get(column.name), column.type, f"{name}.{column.name}".lstrip("."), spoken)
    elif pa.types.is_list(kind):
        for number, item in enumerate(value):
            yield from _holes(item, kind.value_type, f"{name}[{number}]", spoken)
    elif isinstance(value, float) and not math.isfinite(value):
        yield name
