"""Oracle streams: the events of many examples laid on their frames at once, with the draws of an epoch.

From an event's frame on the stream holds the start id, then one token a frame, until they end or the next event takes
over: what is left of the one before is gone then, as when the running back end resets its queue. Elsewhere it is
padding. The augmentations are those of KAME's training (SakanaAI/kame_finetune), but for the draw of levels, which is
ours.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.token_schema import TEXT_PADDING
from kame_data.levels import CUTS, TRUTH
from kame_data.settings.training import Augmentation
from kame_data.train.draws import Keys, integers, uniform

OracleMode = Literal["true", "shuffled", "none"]


@dataclass(frozen=True, slots=True)
class Events:
    """The oracle events of `rows` examples, flat, in order of example, answer, prefix and level.

    `row` (E,): the example; `frame`, `heard`, `level`, `ratio`, `answer`, `prefix`, `keep` (E,): the columns of the
    token shard without `oracle_`; `start`, `length` (E,): where its tokens lie in `tokens` (N,).
    """

    rows: int
    row: NDArray[np.int64]
    frame: NDArray[np.int32]
    heard: NDArray[np.int32]
    level: NDArray[np.int8]
    ratio: NDArray[np.float32]
    answer: NDArray[np.int32]
    prefix: NDArray[np.int32]
    keep: NDArray[np.bool_]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    tokens: NDArray[np.int32]

    def first(self) -> NDArray[np.int64]:
        """The index at which each example's events begin, and last their number; (rows + 1,)."""
        return np.searchsorted(self.row, np.arange(self.rows + 1))


def joined(one: Events, other: Events) -> Events:
    """The events of the examples of both, those of `other` behind those of `one`."""
    shift = {"row": one.rows, "start": len(one.tokens)}
    columns = {
        f.name: np.concatenate([getattr(one, f.name), getattr(other, f.name) + shift[f.name]])
        if f.name in shift
        else np.concatenate([getattr(one, f.name), getattr(other, f.name)])
        for f in fields(Events)
        if f.name != "rows"
    }
    return Events(rows=one.rows + other.rows, **columns)


def scheduled(events: Events, keys: Keys, augmentation: Augmentation) -> NDArray[np.bool_]:
    """Mark the events that are used, bool (E,): of several levels at one prefix, the highest that is called for.

    The level called for is the number of cuts below the share heard, as in `kame_data.levels`; above the last of the
    fixed cuts it is the true answer's, and at the whole turn always. A prefix whose levels are all higher has no event
    then.
    """
    n = len(events.row)
    if not n:
        return np.zeros(0, bool)
    same = (
        (events.row[1:] == events.row[:-1])
        & (events.answer[1:] == events.answer[:-1])
        & (events.prefix[1:] == events.prefix[:-1])
    )
    follows, followed = np.r_[False, same], np.r_[same, False]
    if augmentation.levels == "drawn":
        drawn = uniform(keys[:, None], "cuts", np.arange(TRUTH)[None, :])
        cuts = np.sort(drawn, axis=1).astype(np.float32)[events.row]
    else:
        cuts = np.asarray(CUTS, np.float32)[None, :]
    called = (events.ratio[:, None] > cuts).sum(axis=1)
    called[events.ratio >= 1] = TRUTH
    fits = events.level <= called
    best = fits & ~(followed & np.r_[fits[1:], False])
    return np.where(follows | followed, best, True)


def _dropped(events: Events, keys: Keys, order: NDArray[np.int64], drop: tuple[float, float]) -> NDArray[np.bool_]:
    low, high = drop
    chance = low + (high - low) * uniform(keys, "drop chance")
    return (uniform(keys[events.row], "drop", order) < chance[events.row]) & ~events.keep


def _shift(keys: Keys, augmentation: Augmentation) -> NDArray[np.int64]:
    right = integers(keys, "shift right", *augmentation.shift_right)
    left = integers(keys, "shift left", *augmentation.shift_left)
    return np.where(uniform(keys, "shift side") < 0.5, right, -left)


def placed(
    events: Events, keys: Keys, augmentation: Augmentation, used: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The events that come, as indices (K,), and the frame of each (K,), not falling within an example.

    A frame may lie before 0 or behind the example's end; what of the event's tokens lies within is laid all the same.
    """
    order = np.arange(len(events.row)) - events.first()[events.row]
    if augmentation.drop is not None:
        used = used & ~_dropped(events, keys, order, augmentation.drop)
    if augmentation.time == "arrival":
        used = used & (events.frame >= 0)
        at = events.frame.astype(np.int64)
    else:
        at = events.heard + _shift(keys, augmentation)[events.row]
    at = at + integers(keys[events.row], "jitter", 0, augmentation.jitter, order)
    which = np.flatnonzero(used)
    # A jittered event never overtakes the next one; rows are kept apart by a stride wider than any dialogue.
    stride = events.row[which] << 32
    return which, np.maximum.accumulate(at[which] + stride) - stride


def swapped(events: Events, used: NDArray[np.bool_], partner: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each event, the event of the example's partner whose tokens take its place, (E,); -1 where it has none.

    Among the used events the first goes to the first, the last to the last, those between in proportion.
    """
    which = np.flatnonzero(used)
    row = events.row[which]
    first = np.searchsorted(row, np.arange(events.rows + 1))
    count = np.diff(first)
    mine, theirs = count[row], count[partner[row]]
    place = np.arange(len(which)) - first[row]
    target = np.rint(place * np.maximum(theirs - 1, 0) / np.maximum(mine - 1, 1)).astype(np.int64)
    found = np.full(len(events.row), -1, np.int64)
    has = theirs > 0
    found[which[has]] = which[(first[partner[row]] + target)[has]]
    return found


def lay(
    events: Events,
    frames: NDArray[np.int64],
    keys: Keys,
    augmentation: Augmentation,
    start_id: int,
    mode: OracleMode = "true",
    partner: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """The oracle streams of all examples, one after the other: ids and the level of the event that is current.

    `frames`, `keys` (rows,): the examples' lengths and the keys of their draws. Both results are of length sum(frames);
    the level is -1 before an example's first event. In mode `shuffled` the tokens, and they alone, are those of the
    example `partner` (rows,); in mode `none` there are no events.
    """
    bounds = np.r_[0, np.cumsum(frames)]
    oracle = np.full(bounds[-1], TEXT_PADDING, np.int32)
    level = np.full(bounds[-1], -1, np.int8)
    if mode == "none" or not len(events.row):
        return oracle, level
    used = scheduled(events, keys, augmentation)
    which, at = placed(events, keys, augmentation, used)
    inside = at < frames[events.row[which]]
    which, at = which[inside], at[inside]
    row = events.row[which]
    start = bounds[row] + at
    current = np.full(bounds[-1], -1, np.int64)
    current[bounds[row] + np.maximum(at, 0)] = np.arange(len(which))  # of several at one frame the last one stays
    current = np.maximum.accumulate(current)
    owner = np.repeat(np.arange(len(frames)), frames)
    lit = np.flatnonzero(current >= np.searchsorted(row, np.arange(len(frames)))[owner])
    current = current[lit]
    level[lit] = events.level[which][current]
    source = which if mode == "true" else swapped(events, used, _given(partner))[which]
    length = np.where(source < 0, 0, events.length[source])
    since = lit - start[current]
    oracle[lit[since == 0]] = start_id
    speaks = (since > 0) & (since <= length[current])
    oracle[lit[speaks]] = events.tokens[events.start[source][current[speaks]] + since[speaks] - 1]
    return oracle, level


def _given(partner: NDArray[np.int64] | None) -> NDArray[np.int64]:
    if partner is None:
        raise ValueError("shuffled oracles need partners")
    return partner
