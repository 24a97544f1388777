"""Token shards as training reads them: by memory map, one row group at a time; every stream is a view of its column."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kame_data.codec.token_manifest import TokenManifest
from kame_data.codec.token_schema import CARD, CODEBOOKS, TOKENS, TokenFacts, columns_problem
from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Manifest
from kame_data.seeds import digest
from kame_data.storage.paths import AnyPath, path_of
from kame_data.train.draws import Keys, id_keys
from kame_data.train.oracle_stream import Events

_STREAMS = ("frames", "text", "assistant_codes", "user_codes", "answer_start", "answer_end")
_ORACLES = tuple(name for name in TOKENS.names if name.startswith("oracle_"))


def token_files(out: Path, split: str) -> list[Path]:
    """The token shards of a split of the build in OUT. Raises UsageError where there are none, or not all."""
    found = sorted((out / "tokens").glob(f"{split}-*-of-*.parquet"))
    if not found:
        raise UsageError(f"{out}: holds no token shards of the split '{split}'; `kame-data tokens {out}` makes them")
    named = int(found[0].stem.rsplit("-of-", 1)[1])
    if len(found) != named:
        raise UsageError(
            f"{out / 'tokens'}: holds {len(found)} of {named} token shards of the split '{split}'; "
            f"`kame-data tokens {out}` makes the missing ones"
        )
    return found


def token_checksums(build: AnyPath) -> dict[str, str]:
    """The files of `tokens` that training reads, with their checksums in hex. Raises as `TokenManifest.read` does."""
    made = TokenManifest.read(build)
    return {f.path: f.sha256 for f in made.files} | {"tokens/tokenizer.model": made.tokenizer.sha256}


def check_finished(out: Path, files: "TokenFiles") -> None:
    """Raise KameError where token shards are not those that the build in OUT ended with: `kame-data tokens` was
    stopped half way, or the build has other rows now, or either manifest cannot be read. Token shards that no build
    lies beside are taken as they are."""
    again, folder = f"`kame-data tokens {out}` makes them anew", path_of(out)
    if (build := Manifest.find(folder)) is None:
        return
    if (made := TokenManifest.find(folder)) is None:
        raise UsageError(f"{out / 'tokens'}: is not finished; {again}")
    for path, facts in zip(files.paths, files.all_facts, strict=True):
        if facts.fingerprint != made.made_from.get(f"tokens/{path.name}"):
            raise UsageError(f"{path}: is not the one that the manifest beside it names; {again}")
    if said := made.stale(folder, build):
        raise UsageError(f"{said}; {again}")


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one row group. `text`, `assistant`, `user` are the columns' flat values, `bounds` (rows + 1,) the
    frames at which the rows begin; so row i's text is `text[bounds[i]:bounds[i + 1]]`, and its codes, (8, T), are
    `assistant[8 * bounds[i]:8 * bounds[i + 1]].reshape(8, -1)`. `answer` (sum of frames,) tells the frames of answers.
    """

    frames: NDArray[np.int64]
    bounds: NDArray[np.int64]
    text: NDArray[np.int32]
    assistant: NDArray[np.uint16]
    user: NDArray[np.uint16]
    answer: NDArray[np.bool_]
    events: Events

    def codes(self, row: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Mimi codes of the assistant and the user, each (8, T), views."""
        first, last = CODEBOOKS * self.bounds[row], CODEBOOKS * self.bounds[row + 1]
        return self.assistant[first:last].reshape(CODEBOOKS, -1), self.user[first:last].reshape(CODEBOOKS, -1)


def _column(table: pa.Table, name: str) -> pa.Array:
    # A row group read by itself is one chunk; an empty one none.
    chunks = table.column(name).chunks
    return chunks[0] if len(chunks) == 1 else table.column(name).combine_chunks()


def _lists(table: pa.Table, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The flat values of a list column and where the rows begin, (rows + 1,)."""
    array = _column(table, name)
    offsets = array.offsets.to_numpy().astype(np.int64)
    values = array.values.to_numpy(zero_copy_only=not pa.types.is_boolean(array.type.value_type))
    return values[offsets[0] : offsets[-1]], offsets - offsets[0]


def block_of(table: pa.Table) -> Block:
    """The block of a row group's table. Raises ValueError where its lists do not fit one another."""
    frames = _column(table, "frames").to_numpy().astype(np.int64)
    bounds = np.r_[0, np.cumsum(frames)]
    text, at = _lists(table, "text")
    assistant, own = _lists(table, "assistant_codes")
    user, theirs = _lists(table, "user_codes")
    if not (np.array_equal(at, bounds) and all(np.array_equal(o, CODEBOOKS * bounds) for o in (own, theirs))):
        raise ValueError("text, codes and frames are not of one length")
    return Block(frames, bounds, text, assistant, user, _answers(table, bounds), events_of(table))


def _answers(table: pa.Table, bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    starts, of = _lists(table, "answer_start")
    ends, _ = _lists(table, "answer_end")
    first = np.repeat(bounds[:-1], np.diff(of))
    steps = np.zeros(bounds[-1] + 1, np.int32)
    np.add.at(steps, first + starts, 1)
    np.add.at(steps, first + ends, -1)
    return np.cumsum(steps[:-1]) > 0


def events_of(table: pa.Table) -> Events:
    """The oracle events of all rows of a table. Raises ValueError where the lists do not fit one another."""
    columns = {}
    lengths: NDArray[np.int64] | None = None
    for name in ("frame", "heard", "level", "ratio", "answer", "prefix", "keep"):
        columns[name], of = _lists(table, f"oracle_{name}")
        if lengths is not None and not np.array_equal(np.diff(of), lengths):
            raise ValueError(f"oracle_{name} is not of the other oracle columns' length")
        lengths = np.diff(of)
    tokens, token_bounds = _lists(table, "oracle_tokens")
    offsets, of = _lists(table, "oracle_offsets")
    assert lengths is not None
    if not np.array_equal(np.diff(of), lengths + 1):
        raise ValueError("oracle_offsets does not have one number more than there are events")
    row = np.repeat(np.arange(len(lengths)), lengths)
    mine = np.arange(len(row)) + row  # a row has one offset more than events
    start = offsets[mine].astype(np.int64) + token_bounds[row]
    length = (offsets[mine + 1] - offsets[mine]).astype(np.int64)
    return Events(rows=len(lengths), row=row, start=start, length=length, tokens=tokens, **columns)


def _check_ids(block: Block, text_card: int) -> None:
    """Raise ValueError where an id is none of its vocabulary's, which a damaged file may hold and no table does."""
    for name, values, card in (
        ("text", block.text, text_card),
        ("oracle_tokens", block.events.tokens, text_card),
        ("assistant_codes", block.assistant, CARD),
        ("user_codes", block.user, CARD),
    ):
        if len(values) and not 0 <= int(values.min()) <= int(values.max()) < card:
            raise ValueError(f"{name} has an id outside 0 to {card - 1}")


class TokenFiles:
    """Several token shards as one row of examples: their lengths and ids in memory, the rest on disk.

    Raises UsageError where a file is missing, is no token shard, or is of another codec or tokenizer than the first.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise UsageError("no token shards are given; `kame-data tokens` makes them from a build")
        self.paths = list(paths)
        self._open: dict[int, pq.ParquetFile] = {}
        self.all_facts = self._facts_of_each()
        self.facts = self.all_facts[0]
        ids: list[str] = []
        frames, groups = [], []
        for number in range(len(self.paths)):
            for group in range(self._file(number).num_row_groups):
                table = self._read(number, group, ["id", "frames"])
                ids += _column(table, "id").to_pylist()
                frames.append(_column(table, "frames").to_numpy())
                groups.append((number, group, table.num_rows))
        self.ids = ids
        self.frames: NDArray[np.int64] = np.concatenate(frames).astype(np.int64) if frames else np.zeros(0, np.int64)
        self.groups = [(number, group) for number, group, _ in groups]
        self.group_bounds: NDArray[np.int64] = np.cumsum([0, *(rows for *_, rows in groups)])

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def keys(self) -> Keys:
        """A key per example, from its id alone."""
        return id_keys(self.ids)

    def digest(self) -> str:
        """A digest of the training data: codec, tokenizer, and the rows with their lengths, in order."""
        made_with = self.facts.codec_sha256, self.facts.tokenizer_sha256
        return digest(*made_with, "\n".join(self.ids), self.frames.tobytes().hex())[:16]

    def block(self, group: int) -> Block:
        """The rows from `group_bounds[group]` to the next bound, read now. Raises KameError for a damaged file."""
        number, inside = self.groups[group]
        table = self._read(number, inside, [*_STREAMS, *_ORACLES])
        try:
            block = block_of(table)
            _check_ids(block, self.facts.text_card)
        except ValueError as error:
            raise self._damaged(number, inside, error) from None
        return block

    def _read(self, number: int, group: int, columns: list[str]) -> pa.Table:
        try:
            return self._file(number).read_row_group(group, columns=columns, use_threads=False)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._damaged(number, group, error) from None

    def _damaged(self, number: int, group: int, error: Exception) -> KameError:
        return KameError(
            f"{self.paths[number]}: row group {group} is damaged ({' '.join(str(error).split())}); "
            "delete the file and run `kame-data tokens` again"
        )

    def _file(self, number: int) -> pq.ParquetFile:
        file = self._open.get(number)
        if file is None:
            try:
                file = self._open[number] = pq.ParquetFile(self.paths[number], memory_map=True)
            except (OSError, pa.ArrowInvalid) as error:
                raise UsageError(
                    f"{self.paths[number]}: cannot be read ({' '.join(str(error).split())}); "
                    "run `kame-data tokens` again"
                ) from None
        return file

    def _facts_of_each(self) -> list[TokenFacts]:
        facts = [TokenFacts.of(self._file(n).schema_arrow.metadata, str(p)) for n, p in enumerate(self.paths)]
        for number, path in enumerate(self.paths):
            if problem := columns_problem(self._file(number).schema_arrow):
                raise UsageError(f"{path}: {problem}; run `kame-data tokens` again")
        for path, other in zip(self.paths, facts, strict=True):
            for what in ("codec", "tokenizer"):
                ours, theirs = getattr(facts[0], f"{what}_sha256"), getattr(other, f"{what}_sha256")
                if ours != theirs:
                    raise UsageError(
                        f"{path}: its {what} is '{getattr(other, what)}' ({theirs[:8]}), that of {self.paths[0]} "
                        f"'{getattr(facts[0], what)}' ({ours[:8]}); train on shards of one {what}"
                    )
        return facts
