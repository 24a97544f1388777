import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.errors import UsageError
from kame_data.settings.layers import layered
from kame_data.settings.training import Augmentation, TrainSettings
from kame_data.train.draws import id_keys, integers, uniform
from kame_data.train.oracle_stream import Events, lay, placed, scheduled

START = 99
CUTS = (0.5, 0.65, 0.8, 0.95, 0.99)


@st.composite
def examples(draw):
    """Some examples: (frames, events), each event (turn, prefix, level, ratio, heard, frame or -1, tokens)."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        grid = draw(st.booleans())
        events, at = [], 0
        for turn in range(draw(st.integers(0, 2))):
            total = draw(st.integers(1, 8))
            for prefix in range(1, total + 1):
                at += draw(st.integers(0, 6))
                came = draw(st.booleans()) or prefix == total
                levels = sorted(draw(st.sets(st.integers(0, 5), min_size=2))) if grid else [draw(st.integers(0, 5))]
                for level in levels:
                    tokens = draw(st.lists(st.integers(4, 90), max_size=8))
                    events.append((turn, prefix, level, prefix / total, at, at + 2 if came else -1, tokens))
        found.append((draw(st.integers(1, 60)), events))
    return found


def flat(found):
    """The examples as `Events`."""
    rows = [(i, *event) for i, (_, events) in enumerate(found) for event in events]
    row, turn, prefix, level, ratio, heard, frame, tokens = zip(*rows, strict=True) if rows else [()] * 8
    last = {(i, t): p for i, (_, events) in enumerate(found) for t, p, *_ in events}
    lengths = np.array([len(t) for t in tokens], np.int64)
    return Events(
        rows=len(found),
        row=np.array(row, np.int64),
        frame=np.array(frame, np.int32),
        heard=np.array(heard, np.int32),
        level=np.array(level, np.int8),
        ratio=np.array(ratio, np.float32),
        answer=np.array(turn, np.int32),
        prefix=np.array(prefix, np.int32),
        keep=np.array([last[i, t] == p for i, t, p in zip(row, turn, prefix, strict=True)], bool),
        start=np.cumsum(lengths) - lengths,
        length=lengths,
        tokens=np.array([t for some in tokens for t in some], np.int32),
    )


def slowly(frames, events, key, augmentation, others=None):
    """The stream of one example, event by event and frame by frame; `others` are the events of its partner."""
    key = np.array([key], np.uint64)
    mine, theirs = (chosen(some, key, augmentation) for some in (events, others or []))
    chance = None
    if augmentation.drop is not None:
        low, high = augmentation.drop
        chance = low + (high - low) * uniform(key, "drop chance")[0]
    shift = 0
    if augmentation.time == "shift":
        right = uniform(key, "shift side")[0] < 0.5
        shift = integers(key, "shift right", *augmentation.shift_right)[0] if right else (
            -integers(key, "shift left", *augmentation.shift_left)[0]
        )  # fmt: skip
    oracle, level = [3] * frames, [-1] * frames
    latest = -(10**6)
    for order, number in enumerate(mine):
        turn, prefix, its_level, _, heard, frame, tokens = events[number]
        last = max(p for t, p, *_ in events if t == turn) == prefix
        if chance is not None and not last and uniform(key, "drop", number)[0] < chance:
            continue
        at = heard if augmentation.time == "shift" else frame
        if augmentation.time == "arrival" and frame < 0:
            continue
        at = latest = max(latest, at + shift + integers(key, "jitter", 0, augmentation.jitter, number)[0])
        if others is not None:
            place = round(order * max(len(theirs) - 1, 0) / max(len(mine) - 1, 1))
            tokens = others[theirs[place]][-1] if theirs else []
        said = [START, *tokens]
        for t in range(max(at, 0), frames):
            oracle[t] = said[t - at] if t - at < len(said) else 3
            level[t] = its_level
    return oracle, level


def chosen(events, key, augmentation):
    """The indices of the events that the levels leave."""
    cuts = [np.float32(c) for c in CUTS]
    if augmentation.levels == "drawn":
        cuts = sorted(np.float32(uniform(key, "cuts", i)[0]) for i in range(5))
    found = []
    for place, (turn, prefix, level, ratio, *_) in enumerate(events):
        same = [e[2] for e in events if e[:2] == (turn, prefix)]
        called = 5 if ratio >= 1 else sum(np.float32(ratio) > c for c in cuts)
        if len(same) == 1 or level == max((s for s in same if s <= called), default=None):
            found.append(place)
    return found


AUGMENTATIONS = st.builds(
    Augmentation,
    time=st.sampled_from(["arrival", "shift"]),
    drop=st.sampled_from([None, (0.1, 0.7), (1.0, 1.0)]),
    jitter=st.integers(0, 4),
    levels=st.sampled_from(["drawn", "cuts"]),
)


@settings(max_examples=300)
@given(examples(), AUGMENTATIONS, st.integers(0, 5))
def test_streams_are_those_of_a_slow_reference(found, augmentation, seed):
    keys = id_keys([f"{seed}-{i}" for i in range(len(found))])
    frames = np.array([n for n, _ in found], np.int64)
    oracle, level = lay(flat(found), frames, keys, augmentation, START)
    bounds = np.r_[0, np.cumsum(frames)]
    for i, (n, events) in enumerate(found):
        expected = slowly(n, events, keys[i], augmentation)
        assert oracle[bounds[i] : bounds[i + 1]].tolist() == expected[0]
        assert level[bounds[i] : bounds[i + 1]].tolist() == expected[1]


@settings(max_examples=100)
@given(examples(), AUGMENTATIONS)
def test_shuffled_streams_have_the_partners_tokens_at_their_own_times(found, augmentation):
    keys = id_keys([str(i) for i in range(len(found))])
    partner = np.roll(np.arange(len(found)), -1)
    if augmentation.levels == "drawn":  # a partner's draw of levels is its own
        augmentation = Augmentation(
            time=augmentation.time, drop=augmentation.drop, jitter=augmentation.jitter, levels="cuts"
        )
    frames = np.array([n for n, _ in found], np.int64)
    oracle, level = lay(flat(found), frames, keys, augmentation, START, "shuffled", partner)
    true, own_level = lay(flat(found), frames, keys, augmentation, START)
    assert np.array_equal(oracle == START, true == START) and np.array_equal(level, own_level)
    bounds = np.r_[0, np.cumsum(frames)]
    for i, (n, events) in enumerate(found):
        expected = slowly(n, events, keys[i], augmentation, found[partner[i]][1])
        assert oracle[bounds[i] : bounds[i + 1]].tolist() == expected[0]


def one(*events, frames=40):
    return [(frames, list(events))]


KEY = id_keys(["x"])


def test_an_oracle_starts_speaks_ends_and_gives_way():
    found = one((0, 1, 0, 0.5, 1, 2, [5, 6, 7, 8]), (0, 2, 5, 1.0, 3, 4, [9]), frames=8)
    oracle, level = lay(flat(found), np.array([8]), KEY, Augmentation.off(), START)
    assert oracle.tolist() == [3, 3, START, 5, START, 9, 3, 3]
    assert level.tolist() == [-1, -1, 0, 0, 5, 5, 5, 5]


def test_none_is_silence():
    oracle, level = lay(flat(one((0, 1, 5, 1.0, 1, 2, [5]))), np.array([40]), KEY, Augmentation.off(), START, "none")
    assert set(oracle.tolist()) == {3} and set(level.tolist()) == {-1}


def test_the_whole_turn_has_the_true_answer_whatever_is_drawn():
    found = one(*[(0, p, level, p / 4, p, p, [10 * p + level]) for p in range(1, 5) for level in range(6)])
    events = flat(found)
    levels = {p: set() for p in range(1, 5)}
    for i in range(300):
        used = scheduled(events, id_keys([str(i)]), Augmentation())
        assert used.reshape(4, 6).sum(axis=1).tolist() == [1] * 4
        drawn = events.level[used]
        assert (np.diff(drawn) >= 0).all() and drawn[-1] == 5
        for p, level in enumerate(drawn.tolist(), 1):
            levels[p].add(level)
    assert levels[2] == set(range(6)) and {0, 1, 2} <= levels[1] and {2, 3, 4, 5} <= levels[3] and levels[4] == {5}


def test_cuts_are_those_of_the_build():
    shares = [(13, 20), (14, 20), (1, 2), (16, 20), (19, 20), (99, 100), (100, 100)]
    found = one(*[(i, n, level, n / total, i, i, [4]) for i, (n, total) in enumerate(shares) for level in range(6)])
    used = scheduled(flat(found), KEY, Augmentation.off())
    assert flat(found).level[used].tolist() == [1, 2, 0, 2, 3, 4, 5]


def test_shift_and_arrival_never_both():
    found = one((0, 1, 5, 1.0, 20, 30, [5]))
    for i in range(50):
        key = id_keys([str(i)])
        _, at = placed(flat(found), key, Augmentation(time="arrival", jitter=0), np.array([True]))
        assert at.tolist() == [30]
    shifts = set()
    for i in range(2000):
        _, at = placed(flat(found), id_keys([str(i)]), Augmentation(time="shift", jitter=0), np.array([True]))
        shifts.add(int(at[0]) - 20)
    assert shifts == {*range(-15, 0), *range(1, 11)}


def test_the_share_dropped_is_drawn_and_the_last_of_a_turn_stays():
    found = one(*[(t, p, 0, p / 100, p, p, [4]) for t in range(2) for p in range(1, 101)])
    events, shares = flat(found), []
    for i in range(300):
        which, _ = placed(events, id_keys([str(i)]), Augmentation(jitter=0), np.ones(200, bool))
        assert {99, 199} <= set(which.tolist())
        shares.append(1 - len(which) / 200)
    assert min(shares) < 0.15 and max(shares) > 0.6 and 0.36 < np.mean(shares) < 0.44


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": "both"},
        {"levels": "all"},
        {"shift_left": (5, 1)},
        {"drop": (0.5, 1.5)},
        {"jitter": -1},
        {"shift_right": (-1, 1)},
    ],
)
def test_what_cannot_be_is_said(wrong):
    with pytest.raises(UsageError, match="augmentation"):
        layered(TrainSettings, None, {"augmentation": wrong})
