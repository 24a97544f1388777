"""The replay of the back end's loop on spoken words."""

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from back_end import RecordedBackEnd
from kame_data.errors import UsageError
from kame_data.levels import LevelSchedule
from kame_data.oracles.replay import replay
from kame_data.records import Oracle, Word
from kame_data.seeds import rng
from kame_data.settings.branch import uniform
from kame_data.settings.latency import LatencySettings
from kame_data.settings.layers import load
from kame_data.settings.tree import Settings

TYPICAL, IDEAL = LatencySettings(), LatencySettings(preset="ideal")


def spoken(turn: int, count: int, start: float = 0.0, pace: float = 0.36) -> list[Word]:
    """`count` words of a user turn, one every `pace` seconds."""
    return [
        Word(turn, "user", f"w{i}", round(start + i * pace, 3), round(start + (i + 1) * pace, 3)) for i in range(count)
    ]


def oracles_for(turn: int, count: int, schedule: LevelSchedule | None = None) -> list[Oracle]:
    prefixes = (schedule or LevelSchedule()).prefixes(turn, count)
    return [Oracle(p.turn, p.words, p.ratio, p.level, f"level {p.level}") for p in prefixes]


def latency_of(lag: float, final: float, poll: float, token: float, **more: object) -> LatencySettings:
    """Delays that are the same each time."""
    settings = {"stt_lag": lag, "stt_final": final, "poll": poll, "first_token": token}
    return LatencySettings.model_validate(settings | more)


latencies = st.builds(
    lambda lag, spread, final, poll, token, more, growth, restarts: LatencySettings(
        stt_lag=uniform(lag, lag + spread),
        stt_final=final,
        poll=poll,
        first_token=uniform(token, token + more),
        min_growth=growth,
        max_restarts=restarts,
    ),
    st.floats(0, 2),
    st.floats(0, 2),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.05, 0.25, 1.0]),
    st.floats(0, 1),
    st.floats(0, 3),
    st.integers(1, 4),
    st.integers(1, 6),
)
turn_words = st.lists(st.floats(0.0, 0.8), min_size=1, max_size=60)


def build(turns: list[list[float]], schedule: LevelSchedule) -> tuple[list[Oracle], list[Word]]:
    """User turns 0, 2, 4... from the lengths of their words, with an assistant turn of one word after each."""
    now, words, oracles = 0.0, [], []
    for index, lengths in enumerate(turns):
        for number, length in enumerate(lengths):
            words.append(Word(2 * index, "user", f"w{number}", now, now + length))
            now += length
        oracles += oracles_for(2 * index, len(lengths), schedule)
        words.append(Word(2 * index + 1, "assistant", "yes", now, now + 0.5))
        now += 0.5
    return oracles, words


@given(
    st.lists(turn_words, min_size=1, max_size=3),
    latencies,
    st.integers(0, 99),
    st.sampled_from(["progressive", "grid"]),
    st.integers(1, 4),
)
def test_nothing_comes_before_its_cause(
    turns: list[list[float]], latency: LatencySettings, seed: int, schedule: str, every: int
) -> None:
    oracles, words = build(turns, LevelSchedule(schedule=schedule, every=every))
    arrivals = replay("d", oracles, words, latency, seed)
    assert len(arrivals) == len(oracles)
    ends = {(word.turn, n): word.end for t in {w.turn for w in words} for n, word in _numbered(words, t)}
    came = [a.time for a in arrivals if a.time is not None]
    assert came == sorted(came)
    assert [a.heard for a in arrivals] == sorted(a.heard for a in arrivals) or len(turns) > 1
    for oracle, arrival in zip(oracles, arrivals, strict=True):
        assert arrival.heard >= ends[oracle.turn, oracle.prefix_words]
        assert arrival.time is None or arrival.time >= arrival.heard
    # Nothing follows the last whole turn that could cancel it.
    assert arrivals[-1].time is not None
    # Oracles of one prefix share one request.
    by_prefix: dict[tuple[int, int], set[float | None]] = {}
    for oracle, arrival in zip(oracles, arrivals, strict=True):
        by_prefix.setdefault((oracle.turn, oracle.prefix_words), set()).add(arrival.time)
    assert all(len(times) == 1 for times in by_prefix.values())
    assert arrivals == replay("d", oracles, words, latency, seed)


def _numbered(words: list[Word], turn: int) -> list[tuple[int, Word]]:
    return list(enumerate((w for w in words if w.turn == turn), start=1))


@given(st.lists(turn_words, min_size=1, max_size=2), latencies, st.integers(0, 9))
def test_restarts_are_limited_and_grow_by_enough_words(
    turns: list[list[float]], latency: LatencySettings, seed: int
) -> None:
    oracles, words = build(turns, LevelSchedule(every=1))
    back_end = RecordedBackEnd(latency, "d", seed)
    for turn in sorted({o.turn for o in oracles}):
        planned = sorted({o.prefix_words for o in oracles if o.turn == turn})
        back_end.hear(turn, [(w.start, w.end) for w in words if w.turn == turn], planned)
    back_end.run()
    restarts = [made for made, _ in back_end.asks[1:]]
    assert restarts == sorted(restarts)
    for first in restarts:
        assert sum(first <= made <= first + latency.restart_window for made in restarts) <= latency.max_restarts
    for (_, before), (_, after) in pairwise(back_end.asks):
        if before.turn == after.turn:
            whole = sum(w.turn == 2 * after.turn for w in words)
            grown = after.prefix_words - before.prefix_words
            assert grown >= latency.min_growth or after.prefix_words == whole


def test_arrivals_are_those_of_the_versions_before() -> None:
    """Turns that follow close on one another, with silences in them: builds are made again with the same arrivals."""
    whole = sha256()
    for seed in range(400):
        draws, words, now = rng(seed, "dialogue"), [], 0.0
        for turn in range(3):
            for _ in range(draws.randint(1, 15)):
                start = now + (0.8 if draws.random() < 0.3 else 0.0)
                now = start + draws.choice([0.1, 0.25, 0.4])
                words.append(Word(2 * turn, "user", "w", start, now))
        schedule = LevelSchedule(every=draws.randint(1, 3))
        counts = [sum(word.turn == turn for word in words) for turn in (0, 2, 4)]
        oracles = [o for turn, count in zip((0, 2, 4), counts, strict=True) for o in oracles_for(turn, count, schedule)]
        latency = latency_of(
            0.3,
            draws.choice([0.0, 0.3]),
            draws.choice([0.0, 0.5]),
            0.4,
            policy=draws.choice(["poll", "overlap"]),
            stt_lag=uniform(0.1, 3.0),
            min_growth=draws.randint(1, 4),
        )
        whole.update(repr([tuple(arrival) for arrival in replay("d", oracles, words, latency, seed)]).encode())
    assert whole.hexdigest() == "e668f12adc9beafd8bbf12971466a48cd3ca89dbb3de3bfaedd07fb880bf0692"


def test_ideal_has_no_delays() -> None:
    words = spoken(0, 20)
    oracles = oracles_for(0, 20, LevelSchedule(every=1))
    for oracle, arrival in zip(oracles, replay("d", oracles, words, IDEAL, 0), strict=True):
        assert arrival.heard == words[oracle.prefix_words - 1].end
        assert arrival.time == arrival.heard


def test_ideal_answers_every_word_of_a_moment() -> None:
    words = [Word(0, "user", str(i), 0.0, 1.0) for i in range(12)]
    assert all(a.time == 1.0 for a in replay("d", oracles_for(0, 12), words, IDEAL, 0))


def test_slow_first_tokens_are_cancelled_but_for_the_last() -> None:
    latency = latency_of(0.1, 0.2, 0.25, 60.0)
    arrivals = replay("d", oracles_for(0, 30), spoken(0, 30), latency, 0)
    assert [a.time is None for a in arrivals] == [True] * (len(arrivals) - 1) + [False]


def test_next_turn_cancels_the_last_request_of_the_turn_before() -> None:
    latency = latency_of(0.1, 0.2, 0.25, 60.0)
    oracles = oracles_for(0, 4) + oracles_for(2, 4)
    arrivals = replay("d", oracles, spoken(0, 4) + spoken(2, 4, start=5.0), latency, 0)
    assert [a.time is not None for a in arrivals] == [False] * (len(arrivals) - 1) + [True]


def test_typical_keeps_most_oracles_and_every_whole_turn() -> None:
    kept = asked = 0
    for number in range(50):
        oracles = oracles_for(0, 40)
        arrivals = replay(f"d{number}", oracles, spoken(0, 40), TYPICAL, 7)
        kept += sum(a.time is not None for a in arrivals)
        asked += len(arrivals)
        assert arrivals[-1].time is not None
    assert 0.4 < kept / asked < 0.95


@pytest.mark.parametrize(("preset", "lag", "token"), [("fast", 0.25, 0.1), ("typical", 0.55, 0.35), ("slow", 0.9, 1.7)])
def test_presets_have_the_medians_that_their_sources_give_and_a_tail(preset: str, lag: float, token: float) -> None:
    latency = LatencySettings.model_validate({"preset": preset})
    for shape, median in ((latency.stt_lag, lag), (latency.first_token, token)):
        draws = rng(0, preset, median)
        drawn = sorted(shape.draw(draws) for _ in range(4000))
        assert drawn[2000] == pytest.approx(median, rel=0.05)
        assert drawn[3800] - drawn[2000] > drawn[2000] - drawn[200] > 0, "a tail to the right"
    assert (latency.policy, latency.poll) == ("poll", 0.5), "KAME's snapshot looks every half second"


def test_a_slower_back_end_brings_fewer_oracles_and_later_ones() -> None:
    arrived, delays = [], []
    for preset in ("ideal", "fast", "typical", "slow"):
        latency = LatencySettings.model_validate({"preset": preset})
        runs = [replay(f"d{n}", oracles_for(0, 40), spoken(0, 40), latency, 7) for n in range(30)]
        arrived.append(sum(a.time is not None for run in runs for a in run))
        ends = [run[-1].time for run in runs]
        assert all(end is not None for end in ends), "the last oracle always comes"
        delays.append(sorted(end - 40 * 0.36 for end in ends if end is not None)[15])
    assert arrived == sorted(arrived, reverse=True) and delays == sorted(delays)


def test_a_word_short_of_growth_waits_for_the_final_transcript() -> None:
    latency = latency_of(0.0, 5.0, 0.0, 0.0)
    oracles = oracles_for(0, 3)  # prefixes of 2 and 3 words
    arrivals = replay("d", oracles, spoken(0, 3, pace=1.0), latency, 0)
    assert [a.time for a in arrivals] == [2.0, 8.0]


def test_a_long_silence_makes_the_transcript_final() -> None:
    latency = latency_of(0.1, 0.5, 0.0, 0.0)

    def paused(silence: float) -> list[float | None]:
        words = [*spoken(0, 3), *(replace(w, turn=0) for w in spoken(0, 2, start=1.08 + silence))]
        return [a.time for a in replay("d", oracles_for(0, 5, LevelSchedule(every=1)), words, latency, 0)]

    # Words end at 0.36, 0.72, 1.08, and two more behind the silence; one word more is not asked for by itself.
    came = pytest.approx
    assert paused(0.4) == [None, came(0.82, abs=0.002), None, came(1.94, abs=0.002), came(2.8, abs=0.002)]
    assert paused(2.0) == [None, came(0.82, abs=0.002), came(1.68, abs=0.002), None, came(3.9, abs=0.002)]


def test_a_back_channel_and_overlaps_do_not_disturb_the_replay() -> None:
    asked, more = spoken(0, 12), spoken(4, 12, start=9.0)
    answer = [replace(w, turn=1, role="assistant") for w in spoken(1, 14, start=4.2)]  # overlaps both of them
    alone = asked + answer + more
    with_back_channel = [*asked, *answer, *spoken(2, 1, start=6.0), *more]
    oracles = oracles_for(0, 12) + oracles_for(4, 12)
    assert replay("d", oracles, alone, TYPICAL, 3) == replay("d", oracles, with_back_channel, TYPICAL, 3)
    assert [a.time for a in replay("d", oracles, alone, IDEAL, 3)] == [
        {0: asked, 4: more}[o.turn][o.prefix_words - 1].end for o in oracles
    ]


def test_draws_depend_on_seed_and_dialogue() -> None:
    oracles, words = oracles_for(0, 20), spoken(0, 20)
    runs = [replay(name, oracles, words, TYPICAL, seed) for name, seed in (("a", 0), ("a", 1), ("b", 0))]
    assert runs[0] != runs[1] and runs[0] != runs[2]
    assert runs[0] == replay("a", oracles, words, TYPICAL, 0)


def test_times_are_whole_milliseconds() -> None:
    for arrival in replay("d", oracles_for(0, 20), spoken(0, 20, pace=0.3333333), TYPICAL, 0):
        assert arrival.heard == round(arrival.heard, 3)
        assert arrival.time is None or arrival.time == round(arrival.time, 3)


def test_oracles_that_were_not_spoken_are_an_error() -> None:
    with pytest.raises(ValueError, match="turn 0 has 3 spoken words, an oracle 4"):
        replay("d", oracles_for(0, 4), spoken(0, 3), TYPICAL, 0)
    with pytest.raises(ValueError, match=r"turns \[2\]"):
        replay("d", oracles_for(2, 4), spoken(0, 3), TYPICAL, 0)
    assert replay("d", [], spoken(0, 3), TYPICAL, 0) == []


def stepped(oracles: list[Oracle], words: list[Word], latency: LatencySettings, seed: int) -> list[float | None]:
    """The arrivals under `poll`, by looking at every moment at which the loop looks, whether there is news or not."""
    lags, tokens = rng(seed, "stt lag", "d"), rng(seed, "first token", "d")
    start = rng(seed, "poll phase", "d").random() * latency.poll
    asks: list[tuple[float, tuple[int, int], float]] = []
    look = 0
    for turn in sorted({o.turn for o in oracles}):
        said = [w for w in words if w.turn == turn]
        at: list[float] = []
        for word in said:
            at.append(max([word.end + latency.stt_lag.draw(lags), *at]))
        finals = {n for n, (a, b) in enumerate(pairwise(said), 1) if b.start - a.end > latency.stt_final} | {len(said)}
        left, asked = sorted({o.prefix_words for o in oracles if o.turn == turn}), 0
        while left:
            now = start + look * latency.poll
            count = sum(moment <= now for moment in at)
            final = max((n for n in finals if at[n - 1] + latency.stt_final <= now), default=0)
            recent = [made for made, _, _ in asks[1:] if made + latency.restart_window >= now]
            grown = count >= max(asked + latency.min_growth, left[0]) or final >= max(asked + 1, left[0])
            if grown and len(recent) < latency.max_restarts:
                asked = count
                asks.append((now, (turn, max(n for n in left if n <= count)), now + latency.first_token.draw(tokens)))
                left = [n for n in left if n > count]
            look += 1
    ends = [*(made for made, _, _ in asks[1:]), float("inf")]
    came = {prefix: token for (_, prefix, token), end in zip(asks, ends, strict=True) if token <= end}
    return [came.get((o.turn, o.prefix_words)) for o in oracles]


@pytest.mark.parametrize("number", range(60))
def test_replay_is_what_looking_at_every_moment_gives(number: int) -> None:
    draws = rng(number, "dialogue")
    words: list[Word] = []
    oracles: list[Oracle] = []
    now = 0.0
    for turn in range(0, 2 * draws.randint(1, 3), 2):
        count = draws.randint(1, 40)
        for n in range(count):
            now += draws.random() * (3 if draws.random() < 0.1 else 0.1)
            words.append(Word(turn, "user", f"w{n}", now, now + draws.random() * 0.6))
            now = words[-1].end
        now += 6  # the next turn begins when this one has been heard
        oracles += oracles_for(turn, count, LevelSchedule(every=draws.randint(1, 5)))
    latency = LatencySettings(
        stt_lag=uniform(0.1, 1.5),
        stt_final=draws.random(),
        poll=draws.choice([0.05, 0.25, 0.5]),
        first_token=uniform(0.1, draws.uniform(0.1, 3.0)),
        min_growth=draws.randint(1, 4),
        max_restarts=draws.randint(1, 6),
        restart_window=draws.choice([0.71, 2.03]),
    )
    expected = stepped(oracles, words, latency, number)
    found = [a.time for a in replay("d", oracles, words, latency, number)]
    assert found == [time if time is None else pytest.approx(time, abs=0.0011) for time in expected]


def test_overlapping_requests_bring_more_of_a_slow_model() -> None:
    """Under `poll` each request cancels the one before; under `overlap` old ones go on until a newer one answers."""
    oracles, words = oracles_for(0, 40), spoken(0, 40)
    slow = LatencySettings(preset="slow")
    came = {
        policy: sum(
            a.time is not None
            for n in range(20)
            for a in replay(f"d{n}", oracles, words, slow.model_copy(update={"policy": policy}), 7)
        )
        for policy in ("poll", "overlap", "final", "none")
    }
    assert came["overlap"] > 2 * came["poll"] > came["final"] > came["none"] == 0
    arrivals = replay("d", oracles, words, slow.model_copy(update={"policy": "final"}), 7)
    assert [a.time is not None for a in arrivals] == [o.prefix_words == 40 for o in oracles]


@pytest.mark.parametrize("policy", ["poll", "overlap"])
def test_oracles_come_in_order(policy: str) -> None:
    latency = LatencySettings.model_validate({"preset": "slow", "policy": policy})
    for n in range(30):
        turns = (spoken(0, 30), spoken(2, 12, start=11.5))
        oracles = oracles_for(0, 30) + oracles_for(2, 12)
        came = [a.time for a in replay(f"d{n}", oracles, [*turns[0], *turns[1]], latency, 7) if a.time is not None]
        assert came == sorted(came) and came


def test_settings_go_over_the_preset() -> None:
    assert LatencySettings(preset="ideal", poll=0.5).poll == 0.5
    assert LatencySettings.model_validate({"preset": "ideal", "poll": None}).poll == 0.0
    assert LatencySettings.model_validate({"first_token": (0.1, 0.2)}).first_token == uniform(0.1, 0.2)
    assert str(LatencySettings.model_validate({"preset": "fast", "max_restarts": 3})) == "poll fast max_restarts=3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stt_lag", [-1.0, 1.0]),
        ("first_token", [-1.0, 1.0]),
        ("stt_final", -1),
        ("poll", -1),
        ("poll", ".nan"),
        ("poll", ".inf"),
        ("start_interval", 61),
        ("min_growth", 0),
        ("max_restarts", 0),
        ("restart_window", 0),
        ("max_overlap", 0),
        ("policy", "never"),
    ],
)
def test_impossible_settings_are_one_line(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"^latency\.{name} .*: [^\n]+$"):
        load(Settings, None, {}, [f"latency.{name}={value}"])
