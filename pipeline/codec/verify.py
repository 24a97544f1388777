"""Whether token shards hold what their shards say: the text streams turned back into words, codes, lengths, offsets."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.codec.schema import CARD, CODEBOOKS, END_OF_PADDING, TEXT_PADDING, TOKENS, TokenFacts, frame_at
from pipeline.codec.stage import stale_by, token_manifest
from pipeline.codec.text_stream import text_tokens
from pipeline.codec.tokenizer import Tokenizer
from pipeline.errors import KameError
from pipeline.storage.files import checksum, files, local_copy, open_parquet
from pipeline.storage.paths import AnyPath
from pipeline.text.words import join_words

Row = dict[str, Any]
AGAIN = "run `kame-data tokens` again"


def check_tokens(out: AnyPath, built: Row, report: Callable[[str], None]) -> Iterator[str]:
    """Files are those of the manifest, made from the shards that `built`, the build's manifest, names; every row holds
    together, and its text streams are its words."""
    folder = out / "tokens"
    if not folder.exists():
        return
    manifest = token_manifest(out)
    if manifest is None or not _whole(manifest):
        report("their manifest")
        yield f"{folder / 'manifest.json'}: is missing or damaged; {AGAIN}"
        return
    report(f"{len(manifest['files'])} token shards of {manifest['rows']} rows, codec {manifest['codec']['name']}")
    tokenizer, problem = _tokenizer(folder / "tokenizer.model", manifest["tokenizer"])
    if problem:
        yield problem
    for file in manifest["files"]:
        path = out / file["path"]
        if not path.exists():
            yield f"{path}: is missing; {AGAIN}"
        elif checksum(path) != file["sha256"]:
            yield f"{path}: its checksum is not the manifest's; {AGAIN}"
        else:
            try:
                yield from _check_file(path, file, manifest, out / "shards" / path.name, tokenizer)
            except (OSError, pa.ArrowException, KameError) as error:
                yield f"{path}: cannot be read ({' '.join(str(error).split())}); {AGAIN}"
    yield from _check_refused(folder / "rejected.jsonl", manifest)
    listed = {out / f["path"] for f in manifest["files"]}
    listed |= {folder / name for name in ("manifest.json", "tokenizer.model", "rejected.jsonl")}
    for stranger in sorted(set(files(folder, "[!.]*")) - listed):
        yield f"{stranger}: is not in the manifest; delete it"
    if said := stale_by(built, manifest, out):
        yield f"{said}; {AGAIN}"


def _whole(manifest: Row) -> bool:
    """Whether a manifest says all that is looked at here."""
    try:
        _ = [(f["path"] + f["split"], f["sha256"], f["rows"], f["frames"]) for f in manifest["files"]]
        _ = manifest["codec"]["name"], manifest["codec"]["sha256"], manifest["tokenizer"]["sha256"]
        _ = manifest["made_from"].items(), manifest["rows"], manifest["frames"]
    except (KeyError, TypeError, AttributeError):
        return False
    return True


def _check_refused(path: AnyPath, manifest: Row) -> Iterator[str]:
    """The refused rows are as many, by reason, as the manifest counts."""
    if "refused" not in manifest:
        return
    try:
        found = Counter(json.loads(line)["reason"] for line in path.read_bytes().split(b"\n") if line)
    except FileNotFoundError:
        yield f"{path}: is missing; {AGAIN}"
    except (ValueError, KeyError, TypeError):
        yield f"{path}: is damaged; {AGAIN}"
    else:
        if dict(found) != manifest["refused"]:
            yield f"{path}: has {dict(found)}, and the manifest says {manifest['refused']}; {AGAIN}"


def _tokenizer(path: AnyPath, named: Row) -> tuple[Tokenizer | None, str]:
    """The tokenizer that lies beside the token shards, and what is wrong with it."""
    if not path.exists():
        return None, f"{path}: is missing; {AGAIN}"
    if checksum(path) != named["sha256"]:
        return None, f"{path}: its checksum is not the manifest's; {AGAIN}"
    return Tokenizer.of(str(local_copy(path, named["sha256"]))), ""


def _check_file(path: AnyPath, file: Row, manifest: Row, shard: AnyPath, tokenizer: Tokenizer | None) -> Iterator[str]:
    with open_parquet(path, memory_map=True) as tokens:
        if not tokens.schema_arrow.equals(TOKENS):
            yield f"{path}: its columns are not those of a token shard of this version; {AGAIN}"
            return
        facts = TokenFacts.of(tokens.schema_arrow.metadata, str(path))
        made_from = manifest["made_from"].get(file["path"])
        if facts.fingerprint != made_from or facts.codec_sha256 != manifest["codec"]["sha256"]:
            yield f"{path}: was made with another codec or from other shards than the manifest says; {AGAIN}"
        try:
            said = _said(shard) if tokenizer is not None and shard.exists() else {}
        except (OSError, pa.ArrowException) as error:
            yield f"{shard}: cannot be read ({' '.join(str(error).split())}), and so not compared with {path}"
            return
        for group in range(tokens.num_row_groups):
            for row in _rows(tokens.read_row_group(group)):
                for problem in check_row(row, facts.text_card):
                    yield f"{path}: row {row['id']}: {problem}; {AGAIN}"
                if tokenizer is not None:
                    for problem in _check_words(row, said.get(row["id"]), tokenizer):
                        yield f"{path}: row {row['id']}: {problem}; {AGAIN}"


def _rows(table: pa.Table) -> Iterator[Row]:
    """The rows of a table, lists as arrays."""
    for i in range(table.num_rows):
        yield {
            name: column.values.to_numpy(zero_copy_only=False) if isinstance(column, pa.ListScalar) else column.as_py()
            for name in table.column_names
            for column in [table.column(name)[i]]
        }


def check_row(row: Row, text_card: int) -> Iterator[str]:
    """What is wrong with the numbers of a token row whose lists are arrays."""
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


def _check_oracles(row: Row, text_card: int) -> Iterator[str]:
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
    keys = [row[name].tolist() for name in ("oracle_turn", "oracle_prefix", "oracle_level")]
    if (order := list(zip(*keys, strict=True))) != sorted(order):
        yield "its oracles are not in order of turn, prefix and level"
    came = row["oracle_frame"][row["oracle_frame"] >= 0]
    if (np.diff(came) < 0).any() or (np.diff(row["oracle_heard"]) < 0).any():
        yield "its oracles do not come in order of time"


def _said(shard: AnyPath) -> dict[str, Row]:
    """The words of a shard's rows, by id."""
    with open_parquet(shard) as file:
        batches = file.iter_batches(batch_size=64, columns=["id", "language", "words", "oracles", "turns"])
        return {row["id"]: row for batch in batches for row in batch.to_pylist()}


def _check_words(row: Row, said: Row | None, tokenizer: Tokenizer) -> Iterator[str]:
    if said is None:
        yield "its shard has no such row"
        return
    for name, role in (("text", "assistant"), ("user_text", "user")):
        yield from _check_said(name, text_tokens(row[name]), _turns(said, role), said["language"], tokenizer)
    offsets = row["oracle_offsets"].tolist()
    for oracle, first, last in zip(said["oracles"], offsets, offsets[1:], strict=False):
        wanted, read = oracle["text"].strip(), tokenizer.decode(row["oracle_tokens"][first:last])
        if read not in (wanted, tokenizer.decode(tokenizer.encode(wanted))):
            yield f"an oracle reads '{read}', not '{wanted}'"
            return
    heard = frame_at(np.array([o["heard"] for o in said["oracles"]]))
    if not np.array_equal(heard, row["oracle_heard"]):
        yield "oracle_heard is not when its shard says"


def _turns(said: Row, role: str) -> list[list[str]]:
    """The words of a speaker's turns, in order of time."""
    turns: dict[int, list[Row]] = {}
    for word in said["words"]:
        if word["role"] == role:
            turns.setdefault(word["turn"], []).append(word)
    return [[w["word"] for w in turn] for turn in sorted(turns.values(), key=lambda turn: turn[0]["start"])]


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
