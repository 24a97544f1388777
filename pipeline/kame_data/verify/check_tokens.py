"""Checks of token shards against their shards: the text streams turned back into words, codes, lengths, offsets."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kame_data.codec.text_stream import text_tokens
from kame_data.codec.token_manifest import NamedTokenizer, TokenManifest
from kame_data.codec.token_schema import (
    CARD,
    CODEBOOKS,
    END_OF_PADDING,
    TEXT_PADDING,
    TOKENS,
    TokenFacts,
    columns_problem,
    frame_at,
)
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError
from kame_data.finished.manifest import Listed, Manifest
from kame_data.finished.reader import shard_rows
from kame_data.finished.row import Row
from kame_data.records import Role
from kame_data.storage.files import checksum, files, open_parquet
from kame_data.storage.paths import AnyPath
from kame_data.text.words import join_words

TokenRow = dict[str, Any]
"""A row of tokens, lists as arrays."""
AGAIN = "run `kame-data tokens` again"


def check_tokens(out: AnyPath, built: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """Files are those of the manifest, made from the shards that `built`, the build's manifest, names; every row holds
    together, and its text streams are its words."""
    folder = out / "tokens"
    if not folder.exists():
        return
    try:
        manifest = TokenManifest.read(out)
    except KameError as error:
        report("their manifest")
        yield str(error)
        return
    report(f"{len(manifest.files)} token shards of {manifest.rows} rows, codec {manifest.codec.name}")
    tokenizer, problem = _tokenizer(folder / "tokenizer.model", manifest.tokenizer)
    if problem:
        yield problem
    for file in manifest.files:
        path = out / file.path
        if not path.exists():
            yield f"{path}: is missing; {AGAIN}"
        elif checksum(path) != file.sha256:
            yield f"{path}: its checksum is not the manifest's; {AGAIN}"
        else:
            try:
                yield from _check_file(path, file, manifest, out / "shards" / path.name, tokenizer)
            except (OSError, pa.ArrowException, KameError) as error:
                yield f"{path}: cannot be read ({' '.join(str(error).split())}); {AGAIN}"
    yield from _check_counts(out, manifest, built)
    yield from _check_refused(folder / "rejected.jsonl", manifest)
    listed = {out / f.path for f in manifest.files}
    listed |= {folder / name for name in ("manifest.json", "tokenizer.model", "rejected.jsonl")}
    for stranger in sorted(set(files(folder, "[!.]*")) - listed):
        yield f"{stranger}: is not in the manifest; delete it"
    if said := manifest.stale(out, built):
        yield f"{said}; {AGAIN}"


def _check_counts(out: AnyPath, manifest: TokenManifest, built: Manifest) -> Iterator[str]:
    """The manifest's counts are the sums of its files', and each file is of the split of its shard."""
    said = (manifest.rows, manifest.frames)
    if said != (summed := (sum(f.rows for f in manifest.files), sum(f.frames or 0 for f in manifest.files))):
        yield f"{out / manifest.name}: says {said} rows and frames, and its files have {summed}; {AGAIN}"
    splits = {f"tokens/{Path(shard.path).name}": shard.split for shard in built.shards}
    for file in manifest.files:
        if file.split != splits.get(file.path, file.split):
            yield f"{out / file.path}: is of the split {splits[file.path]}, not {file.split} as it is listed; {AGAIN}"


def _check_refused(path: AnyPath, manifest: TokenManifest) -> Iterator[str]:
    """The refused rows are as many, by reason, as the manifest counts."""
    try:
        found = Counter(json.loads(line)["reason"] for line in path.read_bytes().split(b"\n") if line)
    except FileNotFoundError:
        yield f"{path}: is missing; {AGAIN}"
    except (ValueError, KeyError, TypeError, RecursionError):
        yield f"{path}: is damaged; {AGAIN}"
    else:
        if dict(found) != manifest.refused:
            yield f"{path}: has {dict(found)}, and the manifest says {manifest.refused}; {AGAIN}"


def _tokenizer(path: AnyPath, named: NamedTokenizer) -> tuple[Tokenizer | None, str]:
    """The tokenizer that lies beside the token shards, and what is wrong with it."""
    if not path.exists():
        return None, f"{path}: is missing; {AGAIN}"
    if checksum(path) != named.sha256:
        return None, f"{path}: its checksum is not the manifest's; {AGAIN}"
    return Tokenizer.of(str(path.near(named.sha256))), ""


def _check_file(
    path: AnyPath, file: Listed, manifest: TokenManifest, shard: AnyPath, tokenizer: Tokenizer | None
) -> Iterator[str]:
    with open_parquet(path, memory_map=True) as tokens:
        if problem := columns_problem(tokens.schema_arrow):
            yield f"{path}: {problem}; {AGAIN}"
            return
        facts = TokenFacts.of(tokens.schema_arrow.metadata, str(path))
        found = (tokens.metadata.num_rows, path.stat().st_size, facts.text_card)
        if found != (listed := (file.rows, file.bytes, manifest.tokenizer.text_card)):
            yield f"{path}: has {found} rows, bytes and pieces of text, not the {listed} of the manifest; {AGAIN}"
        made_from = manifest.made_from.get(file.path)
        if facts.fingerprint != made_from or facts.codec_sha256 != manifest.codec.sha256:
            yield f"{path}: was made with another codec or from other shards than the manifest says; {AGAIN}"
        try:
            said = _said(shard) if tokenizer is not None and shard.exists() else {}
        except (OSError, KameError) as error:
            yield f"{error}; so it is not compared with {path}"
            return
        frames = 0
        for group in range(tokens.num_row_groups):
            for row in _rows(tokens.read_row_group(group)):
                frames += row["frames"]
                for problem in check_row(row, facts.text_card):
                    yield f"{path}: row {row['id']}: {problem}; {AGAIN}"
                if tokenizer is not None:
                    for problem in _check_words(row, said.get(row["id"]), tokenizer):
                        yield f"{path}: row {row['id']}: {problem}; {AGAIN}"
        if frames != file.frames:
            yield f"{path}: has {frames} frames, not the {file.frames} of the manifest; {AGAIN}"


def _rows(table: pa.Table) -> Iterator[TokenRow]:
    """The rows of a table, lists as arrays."""
    for i in range(table.num_rows):
        yield {
            name: column.values.to_numpy(zero_copy_only=False) if isinstance(column, pa.ListScalar) else column.as_py()
            for name in table.column_names
            for column in [table.column(name)[i]]
        }


def check_row(row: TokenRow, text_card: int) -> Iterator[str]:
    """The faults of the numbers of a token row whose lists are arrays."""
    frames = row["frames"]
    for name in ("text", "user_text"):
        yield from _check_stream(name, row[name], frames, text_card)
    for name in ("assistant_codes", "user_codes"):
        codes = row[name]
        if len(codes) != CODEBOOKS * frames:
            yield f"{name} has {len(codes)} codes, not {CODEBOOKS} for each of {frames} frames"
        elif len(codes) and codes.max() >= CARD:
            yield f"{name} has a code {codes.max()}, above {CARD - 1}"
    start, end = row["answer_start"], row["answer_end"]
    if len(start) != len(end) or not ((start >= 0) & (start < end) & (end <= frames)).all():
        yield f"its answers, {start.tolist()} to {end.tolist()}, do not lie within its {frames} frames"
    yield from _check_oracles(row, text_card)


def _check_stream(name: str, stream: NDArray[np.int32], frames: int, text_card: int) -> Iterator[str]:
    if len(stream) != frames:
        yield f"{name} has {len(stream)} frames, not {frames}"
        return
    if frames and not (stream.min() >= 0 and stream.max() < text_card):
        yield f"{name} has an id outside 0 to {text_card - 1}"
    padding, text = stream == TEXT_PADDING, stream >= 0
    text &= (stream != TEXT_PADDING) & (stream != END_OF_PADDING)
    if (padding[:-1] & text[1:]).any() or ((stream[:-1] == END_OF_PADDING) & ~text[1:]).any():
        yield f"{name}: the frame before a run of tokens, and no other, is {END_OF_PADDING}; here it is not so"


def _check_oracles(row: TokenRow, text_card: int) -> Iterator[str]:
    offsets, tokens = row["oracle_offsets"], row["oracle_tokens"]
    events = len(row["oracle_level"])
    uneven = [n for n in TOKENS.names if n.startswith("oracle_") and n not in ("oracle_tokens", "oracle_offsets")]
    if any(len(row[name]) != events for name in uneven) or len(offsets) != events + 1:
        yield "its oracle columns are not of one length"
        return
    if offsets[0] != 0 or offsets[-1] != len(tokens) or (np.diff(offsets) < 0).any():
        yield "oracle_offsets do not rise from 0 to the number of oracle_tokens"
    if len(tokens) and not (tokens.min() >= 0 and tokens.max() < text_card):
        yield f"oracle_tokens has an id outside 0 to {text_card - 1}"
    keys = [row[name].tolist() for name in ("oracle_answer", "oracle_prefix", "oracle_level")]
    if (order := list(zip(*keys, strict=True))) != sorted(order):
        yield "its oracles are not in order of answer, prefix and level"
    came = row["oracle_frame"][row["oracle_frame"] >= 0]
    if (np.diff(came) < 0).any() or (np.diff(row["oracle_heard"]) < 0).any():
        yield "its oracles do not come in order of time"


def _said(shard: AnyPath) -> dict[str, Row]:
    """The words of a shard's rows, by id."""
    return {row.id: row for row in shard_rows(shard, ("id", "language", "words", "oracles", "turns", "duration"))}


def _check_words(row: TokenRow, said: Row | None, tokenizer: Tokenizer) -> Iterator[str]:
    if said is None:
        yield "its shard has no such row"
        return
    roles: tuple[tuple[str, Role], ...] = (("text", "assistant"), ("user_text", "user"))
    for name, role in roles:
        turns = [[w.word for w in words] for words in said.words_of(role).values()]
        yield from _check_said(name, text_tokens(row[name]), turns, said.language, tokenizer)
    offsets = row["oracle_offsets"].tolist()
    for oracle, first, last in zip(said.oracles, offsets, offsets[1:], strict=False):
        wanted, read = oracle.text.strip(), tokenizer.decode(row["oracle_tokens"][first:last])
        if read not in (wanted, tokenizer.decode(tokenizer.encode(wanted))):
            yield f"an oracle reads '{read}', not '{wanted}'"
            return
    heard = frame_at(np.array([o.heard for o in said.oracles]))
    if not np.array_equal(heard, row["oracle_heard"]):
        yield "oracle_heard is not when its shard says"


def _check_said(
    name: str, stream: NDArray[np.int32], turns: list[list[str]], language: str, tokenizer: Tokenizer
) -> Iterator[str]:
    """The stream's tokens are the turns', and read as their words."""
    texts = [join_words(words, language).strip() for words in turns]
    tokens = [tokenizer.encode_words(words, language)[0] for words in turns]
    if (flat := [t for turn in tokens for t in turn]) != stream.tolist():
        yield f"{name} reads '{tokenizer.decode(stream)}', not '{tokenizer.decode(flat)}'"
        return
    first = 0
    for text, turn in zip(texts, tokens, strict=True):
        read = tokenizer.decode(stream[first : first + len(turn)])
        first += len(turn)
        if read != text and read != tokenizer.decode(tokenizer.encode(text)):
            yield f"{name} reads '{read}', not '{text}'"
            return
