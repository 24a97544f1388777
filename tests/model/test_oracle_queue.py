"""The oracle stream of a conversation, and that training lays the same one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.model.oracle_queue import OracleQueue
from kame_data.settings.training import Augmentation
from kame_data.train.draws import id_keys
from kame_data.train.oracle_stream import Events, lay

START = 99


def read(queue, arrivals, frames):
    """The stream of a queue; `arrivals`: by frame what comes in it, ("begin" or "extend", tokens), each of the oracle
    that began last."""
    stream, number = [], -1
    for frame in range(frames):
        for what, tokens in arrivals.get(frame, ()):
            number += what == "begin"
            getattr(queue, what)(number, tokens)
        stream.append(queue.next())
    return stream


def test_each_token_once_and_padding_while_none_is_there():
    arrivals = {1: [("begin", [])], 2: [("extend", [10])], 5: [("extend", [11, 12])], 6: [("extend", [13])]}
    assert read(OracleQueue(START), arrivals, 10) == [3, START, 10, 3, 3, 11, 12, 13, 3, 3]


def test_by_position_what_comes_late_is_lost():
    # Token i is read i + 1 frames behind the start id, or not at all.
    arrivals = {1: [("begin", [])], 2: [("extend", [10])], 5: [("extend", [11, 12, 13, 14])], 6: [("extend", [15])]}
    assert read(OracleQueue(START, by_position=True), arrivals, 10) == [3, START, 10, 3, 3, 13, 14, 15, 3, 3]
    # In time, both read the same.
    early = {0: [("begin", [10, 11])], 1: [("extend", [12])]}
    assert read(OracleQueue(START, by_position=True), early, 6) == read(OracleQueue(START), early, 6)


def test_a_newer_oracle_replaces_the_one_before():
    arrivals = {0: [("begin", [10, 11, 12, 13])], 2: [("begin", [20]), ("extend", [21])]}
    assert read(OracleQueue(START), arrivals, 6) == [START, 10, START, 20, 21, 3]
    assert read(OracleQueue(START), {0: [("begin", [10]), ("begin", [20])]}, 3) == [START, 20, 3]


def test_a_new_conversation_begins_empty():
    queue = OracleQueue(START)
    queue.begin(0, [10, 11])
    assert queue.next() == START and queue.next() == 10 and queue.read == 1
    queue.clear()
    assert queue.next() == 3 and queue.read == 0
    queue = OracleQueue(START, by_position=True)
    queue.next()
    queue.begin(0, [10])
    assert [queue.next(), queue.next()] == [START, 10], "frames before an oracle are none of its own"


@pytest.mark.parametrize("by_position", [False, True])
def test_what_comes_late_of_the_conversation_before_is_not_read(by_position):
    queue = OracleQueue(START, by_position)
    queue.begin(0)
    assert queue.next() == START
    queue.clear()
    queue.extend(0, [7, 8])
    assert [queue.next(), queue.next(), queue.next()] == [3, 3, 3] and queue.read == 0
    queue.begin(0, [9])
    assert [queue.next(), queue.next()] == [START, 9]


@pytest.mark.parametrize("by_position", [False, True])
def test_what_comes_late_of_an_older_request_is_not_read(by_position):
    queue = OracleQueue(START, by_position)
    queue.begin(0, [10])
    queue.begin(2, [20])
    queue.extend(0, [11, 12])
    queue.begin(1, [15])
    queue.extend(1, [16])
    queue.extend(2, [21])
    assert [queue.next() for _ in range(4)] == [START, 20, 21, 3]


def test_what_was_read_is_counted():
    queue = OracleQueue(START)
    queue.begin(0, [10, 11, 12])
    counts = []
    for _ in range(5):
        queue.next()
        counts.append(queue.read)
    assert counts == [0, 1, 2, 3, 3]


@st.composite
def conversations(draw):
    """(frames, prefixes), each prefix (turn, prefix, ratio, frame or None, {level: tokens})."""
    prefixes, at = [], 0
    for turn in range(draw(st.integers(0, 3))):
        total = draw(st.integers(1, 8))
        grid = draw(st.booleans())
        for prefix in range(1, total + 1):
            at += draw(st.integers(0, 5))
            levels = draw(st.sets(st.integers(0, 5), min_size=1, max_size=6 if grid else 1))
            tokens = {level: draw(st.lists(st.integers(4, 90), max_size=9)) for level in levels}
            prefixes.append((turn, prefix, prefix / total, at if draw(st.booleans()) else None, tokens))
    return draw(st.integers(1, 70)), prefixes


def called_for(ratio, levels):
    """The level that is used of those at a prefix: the only one, or the highest that its share of words calls for."""
    cuts = (0.5, 0.65, 0.8, 0.95, 0.99)
    called = 5 if ratio >= 1 else sum(np.float32(ratio) > np.float32(cut) for cut in cuts)
    return next(iter(levels)) if len(levels) == 1 else max((n for n in levels if n <= called), default=None)


@settings(max_examples=300)
@given(st.lists(conversations(), min_size=1, max_size=4))
def test_training_without_augmentation_lays_what_the_queue_gives(conversations):
    events = [
        (row, turn, prefix, ratio, -1 if frame is None else frame, level, prefixes[level])
        for row, (_, all_) in enumerate(conversations)
        for turn, prefix, ratio, frame, prefixes in all_
        for level in sorted(prefixes)
    ]
    row, turn, prefix, ratio, frame, level, tokens = zip(*events, strict=True) if events else [()] * 7
    lengths = np.array([len(t) for t in tokens], np.int64)
    frames = np.array([n for n, _ in conversations], np.int64)
    laid, _ = lay(
        Events(
            rows=len(conversations),
            row=np.array(row, np.int64),
            frame=np.array(frame, np.int32),
            heard=np.array(frame, np.int32),
            level=np.array(level, np.int8),
            ratio=np.array(ratio, np.float32),
            answer=np.array(turn, np.int32),
            prefix=np.array(prefix, np.int32),
            keep=np.zeros(len(events), bool),
            start=np.cumsum(lengths) - lengths,
            length=lengths,
            tokens=np.array([t for some in tokens for t in some], np.int32),
        ),
        frames,
        id_keys([str(i) for i in range(len(conversations))]),
        Augmentation.off(),
        START,
    )
    queue, expected = OracleQueue(START), []
    for n, all_ in conversations:
        queue.clear()
        arrivals = {}
        for _, _, share, at, levels in all_:
            if at is not None and (best := called_for(share, levels)) is not None:
                arrivals.setdefault(at, []).append(("begin", levels[best]))
        expected += read(queue, arrivals, n)
    assert laid.tolist() == expected
