"""Batches of examples of similar length, in an order that depends on (seed, epoch) alone.

An epoch goes through windows of whole row groups, in drawn order; within a window examples are sorted by length and cut
into batches, and the batches are shuffled. Ranks take turns at the batches, so that any number of them sees the same
ones.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.token_schema import CODEBOOKS
from kame_data.errors import UsageError
from kame_data.model.streams import NOTHING, STREAMS, Batch
from kame_data.read_ahead import ahead
from kame_data.settings.training import Augmentation
from kame_data.train.data import Block, TokenFiles
from kame_data.train.draws import keys_of, uniform
from kame_data.train.oracle_stream import OracleMode, joined, lay

WINDOW = 4096
"""Rows of a window: enough of like length for any batch, and some 60 MB at 30 s a dialogue."""
_LENGTH_NOISE = 0.03


@dataclass(frozen=True, slots=True)
class Laid:
    """A block with its oracle streams of one epoch."""

    block: Block
    oracle: NDArray[np.int32]
    level: NDArray[np.int8]


class Loader:
    """The batches of token shards, epoch by epoch.

    A batch holds up to `batch_size` examples, or as many as fit `batch_frames` frames with their padding (give one of
    the two), and fewer where more than `max_padding` of it would be padding. Lengths are rounded up to a multiple of
    `frame_multiple`, for compiled models, which adds to the padding. With `shuffle` the order is drawn per epoch;
    without it is that of the files. Draws come from (`seed`, epoch, id of the example): neither the batch nor the rank
    nor the order matters. `prefetch`: batches made ahead by a thread (0: none).

    Raises UsageError for what cannot be, and for files that do not go together.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        batch_size: int | None = None,
        batch_frames: int | None = None,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        augmentation: Augmentation | None = None,
        oracle: OracleMode = "true",
        shuffle: bool = True,
        max_padding: float = 0.1,
        frame_multiple: int = 1,
        prefetch: int = 2,
        window: int = WINDOW,
    ) -> None:
        if (batch_size is None) == (batch_frames is None) or (batch_size or batch_frames or 0) < 1:
            raise UsageError(f"batch_size {batch_size}, batch_frames {batch_frames}: give one of the two, 1 or more")
        if not 0 <= rank < world_size:
            raise UsageError(f"rank {rank} of {world_size}: ranks go from 0 to world_size - 1")
        if oracle not in ("true", "shuffled", "none"):
            raise UsageError(f"oracle '{oracle}': use true, shuffled or none")
        self.files = TokenFiles(paths)
        self.facts = self.files.facts
        self.batch_size, self.batch_frames = batch_size, batch_frames
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.augmentation = augmentation if augmentation is not None else Augmentation()
        self.oracle: OracleMode = oracle
        self.shuffle, self.max_padding, self.frame_multiple = shuffle, max_padding, frame_multiple
        self.prefetch, self.window = prefetch, window
        if not len(self.files):
            raise UsageError(f"{paths[0]}: holds no rows; `kame-data tokens` makes token shards from a build")
        self._check_lengths()
        self._questions: NDArray[np.object_] = np.array([i.rpartition("-v")[0] or i for i in self.files.ids], object)
        self._plan = lru_cache(maxsize=2)(self._make_plan)

    @property
    def shuffles_oracles(self) -> bool:
        """True where there is another question to take oracles from."""
        return bool((self._questions != self._questions[0]).any())

    def batches(self, epoch: int) -> int:
        """The number of batches that each rank has in an epoch."""
        return -(-len(self._plan(epoch)) // self.world_size)

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        """The examples of every batch of an epoch, of all ranks, as indices into `files`."""
        return self._plan(epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """This rank's batches of an epoch, from its `start`-th on; each as if the ones before had been read."""
        made = self._batches(epoch, start)
        return ahead(made, self.prefetch) if self.prefetch else made

    def with_(self, **changes: object) -> "Loader":
        """The same rows in the same batches, read otherwise: `oracle`, `augmentation`, `rank`, `world_size`."""
        if unknown := set(changes) - {"oracle", "augmentation", "rank", "world_size"}:
            raise TypeError(f"cannot change {sorted(unknown)}")
        other = object.__new__(Loader)
        other.__dict__.update(self.__dict__ | changes)
        return other

    # -- which examples, in which batch

    def _make_plan(self, epoch: int) -> list[NDArray[np.int64]]:
        files = self.files
        keys = keys_of(files.keys, self.seed, epoch) if self.shuffle else files.keys
        order: NDArray[np.int64] = np.arange(len(files.groups))
        if self.shuffle:
            order = np.argsort(uniform(keys[files.group_bounds[:-1]], "order of groups"), kind="stable")
        plan: list[NDArray[np.int64]] = []
        window: list[NDArray[np.int64]] = []
        for place, group in enumerate(order):
            window.append(np.arange(files.group_bounds[group], files.group_bounds[group + 1]))
            if sum(map(len, window)) >= self.window or place == len(order) - 1:
                plan += self._cut(np.concatenate(window), keys)
                window = []
        return plan

    def _cut(self, rows: NDArray[np.int64], keys: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
        lengths = self.files.frames[rows].astype(np.float64)
        if self.shuffle:  # so that an example does not meet the same ones in every epoch
            lengths *= 1 + _LENGTH_NOISE * uniform(keys[rows], "length")
        rows = rows[np.argsort(lengths, kind="stable")]
        batches = [rows[first:last] for first, last in self._runs(self.files.frames[rows].tolist())]
        if self.shuffle:
            first = np.array([batch[0] for batch in batches])
            batches = [batches[i] for i in np.argsort(uniform(keys[first], "order of batches"), kind="stable")]
        return batches

    def _runs(self, lengths: list[int]) -> Iterator[tuple[int, int]]:
        first, longest, total = 0, 0, 0
        for place, length in enumerate(lengths):
            longest_with, count = max(longest, length), place - first + 1
            area = self._width(longest_with) * count
            over = count > self.batch_size if self.batch_size is not None else area > (self.batch_frames or 0)
            if place > first and (over or 1 - (total + length) / (longest_with * count) > self.max_padding):
                yield first, place
                first, longest_with, total = place, length, 0
            longest, total = longest_with, total + length
        if first < len(lengths):
            yield first, len(lengths)

    def _width(self, frames: int) -> int:
        return -(-frames // self.frame_multiple) * self.frame_multiple

    def _check_lengths(self) -> None:
        longest = int(np.argmax(self.files.frames))
        frames = int(self.files.frames[longest])
        if self.batch_frames is not None and self._width(frames) > self.batch_frames:
            raise UsageError(
                f"batch_frames {self.batch_frames}: row {self.files.ids[longest]} is {frames} frames long; "
                f"give {self._width(frames)} or more"
            )

    # -- what is in them

    def _batches(self, epoch: int, start: int) -> Iterator[Batch]:
        plan = self._plan(epoch)
        laid = _LaidGroups(self, keys_of(self.files.keys, self.seed, epoch))
        for turn in range(start, self.batches(epoch)):
            number = turn * self.world_size + self.rank
            batch = self.collate(plan[number % len(plan)], laid)
            yield replace(batch, repeated=True) if number >= len(plan) else batch

    def collate(self, rows: NDArray[np.int64], laid: "dict[int, Laid] | _LaidGroups") -> Batch:
        """The batch of some rows, indices into `files`, of the row groups that are laid."""
        frames = self.files.frames[rows]
        shape = (len(rows), self._width(int(frames.max())))
        codes = np.full((shape[0], STREAMS, shape[1]), NOTHING, np.int32)
        oracle, level = np.full(shape, NOTHING, np.int32), np.full(shape, -1, np.int8)
        answer = np.zeros(shape, bool)
        groups = np.searchsorted(self.files.group_bounds, rows, side="right") - 1
        places = rows - self.files.group_bounds[groups]
        for i, (group, row, n) in enumerate(zip(groups.tolist(), places.tolist(), frames.tolist(), strict=True)):
            from_ = laid[group]
            block, first = from_.block, int(from_.block.bounds[row])
            codes[i, 0, :n] = block.text[first : first + n]
            codes[i, 1 : 1 + CODEBOOKS, :n], codes[i, 1 + CODEBOOKS :, :n] = block.codes(row)
            oracle[i, :n] = from_.oracle[first : first + n]
            level[i, :n] = from_.level[first : first + n]
            answer[i, :n] = block.answer[first : first + n]
        return Batch(codes, oracle, answer, level, tuple(self.files.ids[row] for row in rows), frames)

    def lay(self, group: int, keys: NDArray[np.uint64]) -> "Laid":
        """A row group with its oracle streams; `keys` are those of all examples in the epoch."""
        block = self.files.block(group)
        rows = np.arange(*self.files.group_bounds[group : group + 2])
        events, frames, partner = block.events, block.frames, None
        if self.oracle == "shuffled":
            if len(set(self._questions[rows])) == 1:  # its partners are of another group
                other = self._other_group(group)
                rows = np.r_[rows, np.arange(*self.files.group_bounds[other : other + 2])]
                more = self.files.block(other)
                events, frames = joined(events, more.events), np.r_[frames, more.frames]
            partner = self._partners(rows)
        of, start_id, n = self.augmentation, self.facts.text_card, int(block.bounds[-1])
        oracle, level = lay(events, frames, keys[rows], of, start_id, self.oracle, partner)
        return Laid(block, oracle[:n], level[:n])

    def _partners(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row the next one, in a circle, that is of another question, as an index into `rows`."""
        questions, n = self._questions[rows], len(rows)
        partner = [next(j % n for j in range(i + 1, i + n) if questions[j % n] != questions[i]) for i in range(n)]
        return np.array(partner, np.int64)

    def _other_group(self, group: int) -> int:
        """The next group, in a circle, that holds another question than this one's only one. Raises UsageError where
        there is none."""
        bounds, groups = self.files.group_bounds, len(self.files.groups)
        mine = self._questions[bounds[group]]
        for step in range(1, groups):
            other = (group + step) % groups
            if (self._questions[bounds[other] : bounds[other + 1]] != mine).any():
                return other
        raise UsageError(
            f"{self.files.paths[0]}: holds one question alone, so its oracles cannot be shuffled; give token shards of "
            "two questions or more"
        )


class _LaidGroups:
    """The row groups that were read last, with their oracle streams: a window of them and one more."""

    def __init__(self, loader: Loader, keys: NDArray[np.uint64]) -> None:
        self._loader, self._keys = loader, keys
        self._held: OrderedDict[int, Laid] = OrderedDict()
        self._rows = 0

    def __getitem__(self, group: int) -> Laid:
        found = self._held.get(group)
        if found is None:
            found = self._held[group] = self._loader.lay(group, self._keys)
            self._rows += len(found.block.frames)
            while self._rows - len(found.block.frames) > self._loader.window and len(self._held) > 1:
                self._rows -= len(self._held.popitem(last=False)[1].block.frames)
        self._held.move_to_end(group)
        return found
