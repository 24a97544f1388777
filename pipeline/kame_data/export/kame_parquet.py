"""kame_finetune's training Parquet, from a build's token shards: text and eight codebooks of both speakers, and the
oracle events of each, packed as values and offsets (`tools/prepare_dataset.py` of SakanaAI/kame_finetune)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kame_data.codec.token_manifest import TokenManifest
from kame_data.codec.token_schema import CODEBOOKS
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError, UsageError
from kame_data.export.exported_rows import Oracles, Tally
from kame_data.export.kame_finetune import HINTLESS_RATIO
from kame_data.export.layout import Layout
from kame_data.finished.reader import Finished, shard_rows
from kame_data.finished.row import Row
from kame_data.storage.files import open_parquet
from kame_data.storage.paths import AnyPath

TokenRow = dict[str, Any]
"""Columns of a row of tokens, lists as arrays."""
_INTS = pa.list_(pa.int32())
_EVENTS = {
    "event_frame_pos": _INTS,
    "event_ratio": pa.list_(pa.float32()),
    "event_skip_forbid": pa.list_(pa.int8()),
    "pred_values": _INTS,
    "pred_offsets": _INTS,
    "hint_values": _INTS,
    "hint_offsets": _INTS,
}
SCHEMA = pa.schema(
    [
        ("dialogue_id", pa.string()),
        *((speaker, pa.list_(_INTS)) for speaker in "AB"),
        *((f"{speaker}_oracle_{name}", kind) for speaker in "AB" for name, kind in _EVENTS.items()),
    ]
)
_COLUMNS = ("id", "turns", "words", "oracles", "situations", "starts", "duration")


def tokens_of(build: Finished) -> TokenManifest:
    """The manifest of a build's token shards. Raises UsageError where there are none, or of other shards."""
    made = TokenManifest.read(build.out)
    if said := made.stale(build.out, build.manifest):
        raise UsageError(f"{said}; `kame-data tokens {build.out}` makes them anew")
    return made


def write_parquet(build: Finished, folder: Path, oracles: Oracles, tally: Tally) -> None:
    """Write a file for every token shard, a row group in memory at a time."""
    made = tokens_of(build)
    model = (build.out / "tokens" / "tokenizer.model").near(made.tokenizer.sha256)
    tokenizer = Tokenizer.of(str(model))
    for split in dict.fromkeys(file.split for file in made.files):
        own = [build.out / file.path for file in made.files if file.split == split]
        for number, path in enumerate(own, 1):
            target = folder / f"{split}-{number:03d}-of-{len(own):03d}.parquet"
            with target.open("xb") as stream, pq.ParquetWriter(stream, SCHEMA, compression="zstd") as writer:
                for rows in _groups(path, build.out / "shards" / path.name, oracles, tokenizer, tally):
                    tally.dialogues[split] = tally.dialogues.get(split, 0) + len(rows)
                    writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def _groups(
    path: AnyPath, shard: AnyPath, oracles: Oracles, tokenizer: Tokenizer, tally: Tally
) -> Iterator[list[TokenRow]]:
    """The rows of a token shard in groups, each with its row of the shard, whose order is the same."""
    said = shard_rows(shard, _COLUMNS)
    with open_parquet(path, memory_map=True) as tokens:
        for group in range(tokens.num_row_groups):
            table = tokens.read_row_group(group)
            rows = []
            for i in range(table.num_rows):
                row = {name: _array(table.column(name)[i]) for name in table.column_names}
                # Rows whose text could not be told in tokens are not in the token shard.
                dialogue = next((d for d in said if d.id == row["id"]), None)
                if dialogue is None:
                    raise KameError(f"{path}: row {row['id']} is in no such place of {shard}; make the tokens anew")
                rows.append(_row(row, dialogue, oracles, tokenizer, tally))
            yield rows


def _array(value: Any) -> Any:
    return value.values.to_numpy(zero_copy_only=False) if isinstance(value, pa.ListScalar) else value.as_py()


def _row(row: TokenRow, dialogue: Row, oracles: Oracles, tokenizer: Tokenizer, tally: Tally) -> TokenRow:
    events = _events(row, dialogue, oracles, tokenizer)
    tally.oracles += len(events["event_ratio"])
    tally.left_out += len(row["oracle_level"]) - len(events["event_ratio"])
    nothing = dict.fromkeys(_EVENTS, np.zeros(0, np.int32)) | {
        name: np.zeros(1, np.int32) for name in ("pred_offsets", "hint_offsets")
    }
    return {
        "dialogue_id": row["id"],
        "A": _streams(row["text"], row["assistant_codes"]),
        "B": _streams(row["user_text"], row["user_codes"]),
        **{f"A_oracle_{name}": values for name, values in events.items()},
        **{f"B_oracle_{name}": values for name, values in nothing.items()},
    }


def _streams(text: Any, codes: Any) -> list[Any]:
    """Nine streams of int32 (T,): the text, then the codebooks."""
    return [text, *codes.astype(np.int32).reshape(CODEBOOKS, -1)]


def _events(row: TokenRow, dialogue: Row, oracles: Oracles, tokenizer: Tokenizer) -> dict[str, Any]:
    """The answers' events. The last one of each of the user's turns may not be skipped, nor one that an answer begins
    with early; the hint is the true answer, and nothing up to half of the turn."""
    frames = row["oracle_heard" if oracles.times == "heard" else "oracle_frame"]
    chosen = [i for _, i in oracles.chosen(dialogue) if frames[i] < row["frames"]]
    texts = [dialogue.turns[n].intended_text for n in dialogue.answers]
    hints: dict[int, list[int]] = {n: tokenizer.encode(text) for n, text in enumerate(texts)}
    last = {dialogue.oracles[i].turn: i for i in chosen}
    early = {(start.asked, start.prefix_words) for start in dialogue.starts}
    offsets = row["oracle_offsets"]
    pred = [row["oracle_tokens"][offsets[i] : offsets[i + 1]] for i in chosen]
    hint = [
        hints.get(int(row["oracle_answer"][i]), []) if dialogue.oracles[i].ratio > HINTLESS_RATIO else []
        for i in chosen
    ]
    return {
        "event_frame_pos": frames[chosen],
        "event_ratio": row["oracle_ratio"][chosen],
        "event_skip_forbid": [int(i in last.values() or dialogue.oracles[i][:2] in early) for i in chosen],
        **_packed("pred", pred),
        **_packed("hint", hint),
    }


def _packed(name: str, lists: list[Any]) -> dict[str, Any]:
    return {
        f"{name}_values": [token for tokens in lists for token in tokens],
        f"{name}_offsets": np.cumsum([0, *map(len, lists)]),
    }


KAME_FINETUNE_PARQUET = Layout("kame-finetune-parquet", write_parquet, sound=True, tokens=True, oracles=True)
