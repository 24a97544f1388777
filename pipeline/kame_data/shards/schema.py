"""The columns of a shard. docs/SCHEMA.md says what each means; a test holds the two together."""

import pyarrow as pa

TURN = pa.struct(
    [
        ("role", pa.string()),
        ("text", pa.string()),
        ("intended_text", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
    ]
)
WORD = pa.struct(
    [
        ("turn", pa.int32()),
        ("role", pa.string()),
        ("word", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
    ]
)
ORACLE = pa.struct(
    [
        ("turn", pa.int32()),
        ("prefix_words", pa.int32()),
        ("ratio", pa.float64()),
        ("level", pa.int32()),
        ("text", pa.string()),
        ("heard", pa.float64()),
        ("time", pa.float64()),
    ]
)
TRANSCRIPT = pa.struct([("turn", pa.int32()), ("prefix_words", pa.int32()), ("text", pa.string())])
CLAIM = pa.struct([("turn", pa.int32()), ("text", pa.string())])
START = pa.struct(
    [
        ("turn", pa.int32()),
        ("asked", pa.int32()),
        ("kind", pa.string()),
        ("words", pa.int32()),
        ("lead", pa.int32()),
        ("mend", pa.int32()),
        ("prefix_words", pa.int32()),
        ("level", pa.int32()),
    ]
)
SITUATION = pa.struct([("kind", pa.string()), ("turn", pa.int32()), ("start", pa.float64()), ("end", pa.float64())])
AUDIO_CHECKS = pa.struct(
    [(name, pa.float64()) for name in ("alignment", "user_wer", "assistant_wer", "user_lufs", "assistant_lufs")]
)
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PROVENANCE = pa.struct(
    [
        (name, pa.string())
        for name in ("writer", "simulator", "prompts", "user_voice", "assistant_voice", "word_times", "latency")
    ]
)

SHARD = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("question_id", pa.string()),
        ("category", pa.string()),
        ("language", pa.string()),
        ("split", pa.string()),
        ("source_split", pa.string()),
        ("form", pa.string()),
        ("answer", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("variant", pa.int32()),
        ("turns", pa.list_(TURN)),
        ("claims", pa.list_(CLAIM)),
        ("starts", pa.list_(START)),
        ("words", pa.list_(WORD)),
        ("oracles", pa.list_(ORACLE)),
        ("transcripts", pa.list_(TRANSCRIPT)),
        ("situations", pa.list_(SITUATION)),
        ("audio", AUDIO),
        ("duration", pa.float64()),
        ("audio_checks", AUDIO_CHECKS),
        ("provenance", PROVENANCE),
    ]
)


EARLY = "starts"
"""The column that only builds have in which answers may begin early (`duplex.early`)."""


def lacking(kind: pa.DataType, wanted: pa.DataType, name: str) -> str | None:
    """The name of a field that the column `name` of type `kind` should have by the type `wanted`, and has not; its own
    name where it is another kind of thing, None where nothing is missing. Fields may stand in any order."""
    if pa.types.is_list(wanted):
        return lacking(kind.value_type, wanted.value_type, name) if pa.types.is_list(kind) else name
    if not pa.types.is_struct(wanted):
        return None
    if not pa.types.is_struct(kind):
        return name
    return next((f"{name}.{field.name}" for field in wanted if kind.get_field_index(field.name) < 0), None)
