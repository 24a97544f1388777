"""The columns of a token shard and the facts in its footer. docs/SCHEMA.md says what each means; a test holds the two
together.

The numbers are Moshi's (kyutai-labs/moshi 0.2.13, `moshi/models/loaders.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kame_data.errors import UsageError
from kame_data.records import FRAME_MICROSECONDS, FRAME_RATE, FRAME_SAMPLES

CODEBOOKS = 8
CARD = 2_048
TEXT_PADDING = 3
END_OF_PADDING = 0
"""A frame without text is `TEXT_PADDING`; the frame before a run of text tokens is `END_OF_PADDING`."""

_PREFIX = "kame_data."

TOKENS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("category", pa.string()),
        ("language", pa.string()),
        ("split", pa.string()),
        ("frames", pa.int32()),
        ("text", pa.list_(pa.int32())),
        ("user_text", pa.list_(pa.int32())),
        ("assistant_codes", pa.list_(pa.uint16())),
        ("user_codes", pa.list_(pa.uint16())),
        ("answer_start", pa.list_(pa.int32())),
        ("answer_end", pa.list_(pa.int32())),
        ("oracle_frame", pa.list_(pa.int32())),
        ("oracle_heard", pa.list_(pa.int32())),
        ("oracle_level", pa.list_(pa.int8())),
        ("oracle_ratio", pa.list_(pa.float32())),
        ("oracle_answer", pa.list_(pa.int32())),
        ("oracle_prefix", pa.list_(pa.int32())),
        ("oracle_keep", pa.list_(pa.bool_())),
        ("oracle_tokens", pa.list_(pa.int32())),
        ("oracle_offsets", pa.list_(pa.int32())),
    ]
)


EARLIER = "was made by an earlier version"
"""Said of token shards whose columns, or whose tokens of the same row, were others."""


def columns_problem(schema: pa.Schema) -> str:
    """The fault of a file of these columns that should be a token shard; "" where it is one."""
    if schema.equals(TOKENS):
        return ""
    return EARLIER if "oracle_turn" in schema.names else "its columns are not those of a token shard of this version"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The makers of a token shard. `text_card` is the tokenizer's number of pieces, and the oracle's start id."""

    codec: str
    codec_sha256: str
    tokenizer: str
    tokenizer_sha256: str
    text_card: int
    fingerprint: str = ""

    @property
    def untrained(self) -> bool:
        """Tell whether the codes are those of random weights, and mean nothing outside a test."""
        return self.codec.startswith("untrained")

    def metadata(self) -> dict[str, str]:
        """The facts as the footer of a Parquet file has them."""
        own = {f"{_PREFIX}{f.name}": str(getattr(self, f.name)) for f in fields(self)}
        return own | {f"{_PREFIX}frame_rate": str(FRAME_RATE), f"{_PREFIX}codebooks": str(CODEBOOKS)}

    @classmethod
    def of(cls, metadata: Mapping[bytes, bytes] | None, name: str) -> "TokenFacts":
        """The facts of the footer of the file `name`. Raises UsageError where it is no token shard."""
        found = {key.decode(): value.decode("utf-8", "replace") for key, value in (metadata or {}).items()}
        try:
            given: dict[str, Any] = {f.name: found[f"{_PREFIX}{f.name}"] for f in fields(cls)}
            given["text_card"] = int(given["text_card"])
        except (KeyError, ValueError):
            raise UsageError(f"{name}: is no token shard; `kame-data tokens` makes them from a build") from None
        return cls(**given)


def frames_of(samples: int) -> int:
    """Frames of a clip of so many samples: ceil(samples / FRAME_SAMPLES)."""
    return -(-samples // FRAME_SAMPLES)


def frame_at(seconds: NDArray[np.float64]) -> NDArray[np.int32]:
    """The frame in which each moment lies: floor(seconds / FRAME), to the microsecond.

    Whole microseconds first, for 0.24 / 0.08 is less than 3 in binary.
    """
    return (np.rint(np.asarray(seconds, np.float64) * 1e6).astype(np.int64) // FRAME_MICROSECONDS).astype(np.int32)
