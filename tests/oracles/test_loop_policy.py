"""The loop of a back end, told of events one by one."""

import asyncio
import heapq
import math
import selectors
from typing import Any

import pytest

from back_end import RecordedBackEnd
from kame_data.levels import LevelSchedule
from kame_data.oracles.loop_policy import Ask, Decision, LoopPolicy
from kame_data.seeds import rng
from kame_data.settings.branch import lognormal, uniform
from kame_data.settings.latency import LatencySettings, LoopSettings

POLICIES = ["poll", "overlap", "final", "none"]


def loop(**settings: Any) -> LoopPolicy:
    return LoopPolicy(LoopSettings.model_validate(settings))


def asked(decision: Decision) -> tuple[int, int, int] | None:
    return decision.ask and tuple(decision.ask)


# -- one object, two clocks


class Jumping(selectors.DefaultSelector):
    """Waits by moving the clock of its loop."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(0)


class WallClock(asyncio.SelectorEventLoop):
    """An asyncio loop whose wall clock does not make anyone wait."""

    def __init__(self) -> None:
        super().__init__(jumping := Jumping())
        self.jumping = jumping

    def time(self) -> float:
        return self.jumping.now


class Driver:
    """What a conversation does with a policy: events come by timers and tasks, each as it happens."""

    def __init__(self, latency: LatencySettings, start: float, seed: int) -> None:
        self.policy, self.latency = LoopPolicy(latency, start), latency
        self.tokens = rng(seed, "first token", "d")
        self.running: dict[int, asyncio.Task[None]] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.asks: list[tuple[float, Ask]] = []
        self.answered: list[tuple[int, float]] = []
        self.clock = asyncio.get_running_loop()

    def tell(self, what: str, *values: int) -> None:
        self.follow(getattr(self.policy, what)(self.clock.time(), *values))

    def follow(self, decision: Decision) -> None:
        for number in decision.cancel:
            if number in self.running:
                self.running.pop(number).cancel()
        if decision.ask is not None:
            self.asks.append((self.clock.time(), decision.ask))
            answer = self.answer(decision.ask.number, self.latency.first_token.draw(self.tokens))
            self.running[decision.ask.number] = self.clock.create_task(answer)
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None
        if decision.wait_until < math.inf:
            self.timer = self.clock.call_at(decision.wait_until, self.tell, "time")

    async def answer(self, number: int, delay: float) -> None:
        await asyncio.sleep(delay)
        self.answered.append((number, self.clock.time()))
        self.tell("first_token", number)
        self.running.pop(number, None)
        self.tell("answer_ended", number)

    async def run(self, events: list[tuple[float, str, tuple[int, ...]]]) -> None:
        for moment, what, values in events:
            if moment > self.clock.time():
                await asyncio.sleep(moment - self.clock.time())
            self.tell(what, *values)
        await asyncio.sleep(120)


def dialogue(number: int, latency: LatencySettings) -> tuple[RecordedBackEnd, list[tuple[float, str, tuple[int, ...]]]]:
    """A back end that has heard a dialogue, and what its transcript did, in order."""
    draws, back_end, events, now = rng(number, "dialogue"), RecordedBackEnd(latency, "d", number), [], 0.0
    for turn in range(draws.randint(1, 3)):
        spans = []
        for _ in range(draws.randint(1, 30)):
            start = now + draws.random() * (3 if draws.random() < 0.1 else 0.1)
            now = start + 0.05 + draws.random() * 0.5
            spans.append((start, now))
        planned = [p.words for p in LevelSchedule(every=1).prefixes(turn, len(spans))]
        at = back_end.hear(turn, spans, planned)
        events += [(moment, "words", (n,)) for n, moment in enumerate(at, 1)]
        silent = [n for n in range(1, len(at)) if spans[n][0] - spans[n - 1][1] > latency.stt_final]
        events += [(at[n - 1] + latency.stt_final, "final", (n,)) for n in silent]
        events.append((at[-1] + latency.stt_final, "turn_ended", ()))
        now += 8  # all of a turn is asked for before the next begins
    back_end.run()
    return back_end, sorted(events)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("number", range(15))
def test_by_the_wall_clock_the_asks_are_those_of_the_replay(policy: str, number: int) -> None:
    draws = rng(number, "settings", policy)
    latency = LatencySettings.model_validate(
        {
            "policy": policy,
            "stt_lag": uniform(0.1, draws.uniform(0.1, 1.5)),
            "stt_final": draws.uniform(0.05, 1.0),
            "first_token": lognormal(draws.uniform(0.2, 3.0), 0.5, 0.05, 10.0),
            "poll": draws.choice([0.0, 0.25, 0.5]),
            "min_growth": draws.randint(1, 3),
            "max_restarts": draws.randint(1, 5),
            "start_interval": draws.choice([0.0, 0.1, 0.5]),
            "max_overlap": draws.randint(1, 7),
        }
    )
    back_end, events = dialogue(number, latency)
    start = rng(number, "poll phase", "d").random() * latency.poll
    made: list[Driver] = []

    async def talk() -> None:
        made.append(Driver(latency, start, number))
        await made[0].run(events)

    clock = WallClock()
    clock.run_until_complete(talk())
    clock.close()
    driver = made[0]
    assert [ask for _, ask in driver.asks] == [ask for _, ask in back_end.asks]
    assert [t for t, _ in driver.asks] == pytest.approx([t for t, _ in back_end.asks], abs=1e-6)
    came = [t for _, t in driver.answered]
    assert came == pytest.approx(sorted(back_end.came.values()), abs=1e-6)
    if policy == "none":
        assert not driver.asks
    elif policy == "final":
        assert len(driver.asks) == len({ask.turn for _, ask in driver.asks})
    else:
        assert len(driver.asks) >= 1


@pytest.mark.parametrize("policy", POLICIES)
def test_calls_that_nobody_asked_for_change_nothing(policy: str) -> None:
    """A driver may call at any moment: the requests are those of one that calls only where it has to."""
    settings = LoopSettings.model_validate({"policy": policy, "max_restarts": 2})
    for number in range(20):
        draws = rng(number, "calls")
        words = sorted(draws.uniform(0, 12) for _ in range(30))
        runs = []
        for extra in ([], sorted(draws.uniform(0, 20) for _ in range(200))):
            policy_, asks, wait = LoopPolicy(settings), [], math.inf
            queue = [(t, "words", n) for n, t in enumerate(words, 1)] + [(12.5, "turn_ended", 0)]
            queue += [(t, "time", 0) for t in extra]
            heapq.heapify(queue)
            while queue or wait < math.inf:
                if queue and queue[0][0] <= wait:
                    now, what, n = heapq.heappop(queue)
                else:
                    now, what, n = wait, "time", 0
                decision = policy_.words(now, n) if what == "words" else getattr(policy_, what)(now)
                asks += [(now, decision.ask)] if decision.ask else []
                wait = decision.wait_until
            runs.append(asks)
        assert runs[0] == runs[1]


# -- what each policy does


def test_poll_looks_every_half_second_and_cancels_the_one_before() -> None:
    policy = loop(policy="poll", poll=0.5)
    assert policy.words(0.6, 1) == Decision()
    assert policy.words(0.7, 2) == Decision(wait_until=1.0)
    assert policy.words(0.8, 3) == Decision(wait_until=1.0)
    assert policy.time(1.0) == Decision(ask=Ask(0, 0, 3))
    assert policy.words(1.1, 5) == Decision(wait_until=1.5)
    assert policy.time(1.5) == Decision((0,), Ask(1, 0, 5))
    assert policy.words(1.6, 6) == Decision(), "one word more is not enough"
    assert policy.final(1.7, 6) == Decision(wait_until=2.0), "unless it is final"
    assert policy.time(2.0) == Decision((1,), Ask(2, 0, 6))
    assert policy.answer_ended(2.1, 2) == Decision()
    assert policy.words(2.2, 8) == Decision(wait_until=2.5)
    assert policy.time(2.5) == Decision((), Ask(3, 0, 8)), "an answer that has ended is not cancelled"


def test_poll_limits_restarts_and_takes_words_back() -> None:
    policy = loop(policy="poll", poll=0.0, max_restarts=2, restart_window=5.0)
    made = []
    for n in range(1, 100):
        if policy.words(n / 10, 2 * n).ask:
            made.append(n / 10)
    assert made == pytest.approx([0.1, 0.2, 0.3, 5.3, 5.4])
    policy = loop(policy="poll", poll=1.0)
    policy.words(0.1, 2)
    assert policy.words(0.2, 1) == Decision(), "the recogniser took a word back, and nothing is left to ask"


def test_overlap_asks_at_once_then_waits_for_its_interval() -> None:
    policy = loop(policy="overlap", start_interval=0.5)
    assert policy.words(1.03, 2) == Decision(ask=Ask(0, 0, 2))
    assert policy.words(1.2, 4) == Decision(wait_until=1.53)
    assert policy.words(1.4, 5) == Decision(wait_until=1.53)
    assert policy.time(1.53) == Decision(ask=Ask(1, 0, 5)), (
        "the timer asks with what is there by then; nothing is cancelled"
    )
    assert policy.first_token(1.7, 0) == Decision(), "an older one is the oracle until a newer one answers"
    assert policy.words(3.0, 8) == Decision(ask=Ask(2, 0, 8))
    assert policy.first_token(3.1, 2) == Decision((0, 1)), "a newer one is adopted, the older ones are cancelled"


def test_overlap_holds_so_many_and_the_oldest_that_waits_gives_way() -> None:
    policy = loop(policy="overlap", start_interval=0.0, max_overlap=3)
    for n in range(3):
        assert policy.words(float(n), 2 * n + 2) == Decision(ask=Ask(n, 0, 2 * n + 2))
    assert policy.words(3.0, 8) == Decision((0,), Ask(3, 0, 8))
    assert policy.first_token(3.1, 1) == Decision()
    assert policy.words(4.0, 10) == Decision((2,), Ask(4, 0, 10)), "the one that is being read goes on"
    alone = loop(policy="overlap", start_interval=0.0, max_overlap=1)
    alone.words(0.0, 2)
    alone.first_token(0.1, 0)
    assert alone.words(1.0, 4) == Decision((0,), Ask(1, 0, 4))


def test_final_asks_once_a_turn() -> None:
    policy = loop(policy="final")
    assert policy.words(0.1, 9) == policy.final(0.9, 9) == policy.words(1.5, 11) == Decision()
    assert policy.turn_ended(2.0) == Decision(ask=Ask(0, 0, 11))
    assert policy.turn_ended(2.1) == Decision(), "a turn ends once"
    assert policy.words(3.0, 4) == Decision()
    assert policy.turn_ended(4.0) == Decision((0,), Ask(1, 1, 4))


def test_none_never_asks() -> None:
    policy = loop(policy="none")
    assert policy.words(0.1, 9) == policy.final(0.9, 9) == policy.turn_ended(2.0) == policy.time(9.0) == Decision()


def test_a_turn_that_has_ended_is_asked_for_before_the_next() -> None:
    policy = loop(policy="poll", poll=1.0)
    policy.words(0.1, 5)
    assert policy.turn_ended(0.2) == Decision(wait_until=1.0)
    assert policy.words(0.9, 3) == Decision(wait_until=1.0), "these are of the next turn"
    assert policy.time(1.0) == Decision((), Ask(0, 0, 5), wait_until=1.0)
    assert policy.time(1.0) == Decision((0,), Ask(1, 1, 3))


def test_an_end_without_words_is_no_turn() -> None:
    policy = loop(policy="overlap")
    assert policy.turn_ended(0.1) == policy.final(0.2, 0) == Decision()
    policy.words(0.3, 1)
    assert asked(policy.turn_ended(0.4)) == (0, 0, 1)


@pytest.mark.parametrize("poll", [1e-320, 1e-9, 0.0009])
def test_looks_that_no_clock_tells_apart_are_refused(poll: float) -> None:
    with pytest.raises(ValueError, match=r"poll\n.*is 0, or 0\.001 s and more"):
        loop(poll=poll)
    assert loop(policy="poll", poll=0.001).words(3000.0004, 2).wait_until == pytest.approx(3000.001, abs=1e-6)


# -- transcripts that a recogniser corrects


def follow(policy: LoopPolicy, events: list[tuple[str, tuple[int, ...]]], most: int = 50) -> list[Ask]:
    """The requests of a driver that tells an event every 0.1 s, and waits as it is asked to: `most` at the most."""
    asks: list[Ask] = []
    wait, now = math.inf, 0.0
    for what, values in [*events, ("time", ())]:
        until = now + 0.1 if what != "time" else 60.0
        while wait <= until and len(asks) < most:
            decision = policy.time(wait)
            asks += [decision.ask] if decision.ask else []
            wait = decision.wait_until
        now = until
        decision = getattr(policy, what)(now, *values)
        asks += [decision.ask] if decision.ask else []
        wait = decision.wait_until
    return asks


@pytest.mark.parametrize("policy", ["poll", "overlap"])
@pytest.mark.parametrize("poll", [0.0, 0.5])
def test_final_words_that_were_not_told_are_asked_for_once(policy: str, poll: float) -> None:
    more = follow(loop(policy=policy, poll=poll, start_interval=0.0), [("words", (5,)), ("final", (6,))])
    assert more[-1].prefix_words == 6 and len(more) <= 2
    finals = follow(
        loop(policy=policy, poll=poll, start_interval=0.0),
        [("final", (3,)), ("final", (7,)), ("turn_ended", ()), ("final", (2,)), ("turn_ended", ())],
    )
    assert [(ask.turn, ask.prefix_words) for ask in finals][-1] == (1, 2)
    assert (0, 7) in [(ask.turn, ask.prefix_words) for ask in finals] and len(finals) <= 3


def test_a_turn_of_finals_alone_is_asked_for_at_its_end() -> None:
    assert follow(loop(policy="final"), [("final", (3,)), ("final", (7,)), ("turn_ended", ())]) == [Ask(0, 0, 7)]


@pytest.mark.parametrize("policy", ["poll", "overlap"])
@pytest.mark.parametrize(
    ("events", "prefixes"),
    [
        # Words are taken back, and what is left is final.
        ([("words", (10,)), ("words", (7,)), ("final", (7,)), ("turn_ended", ())], [10, 7]),
        ([("words", (10,)), ("words", (7,)), ("turn_ended", ())], [10, 7]),
        # As many words, the last three of them others.
        ([("words", (10,)), ("words", (10, 7)), ("turn_ended", ())], [10, 10]),
        # One word of ten is another: not enough to ask at once, but at the end.
        ([("words", (10,)), ("words", (10, 9))], [10]),
        ([("words", (10,)), ("words", (10, 9)), ("turn_ended", ())], [10, 10]),
        # Fewer words, then as many as were asked for again.
        ([("words", (10,)), ("words", (7,)), ("words", (10,)), ("turn_ended", ())], [10, 10]),
        # A change before the last request is none to it.
        ([("words", (10,)), ("words", (12, 12)), ("turn_ended", ())], [10, 12]),
        # Words were final that are no longer there.
        ([("words", (10,)), ("final", (10,)), ("words", (8, 8)), ("turn_ended", ())], [10, 8]),
        # Nothing is left to ask for.
        ([("words", (10,)), ("words", (0,)), ("turn_ended", ())], [10]),
    ],
)
def test_words_that_were_taken_back_are_asked_for_again(
    policy: str, events: list[tuple[str, tuple[int, ...]]], prefixes: list[int]
) -> None:
    asks = follow(loop(policy=policy, poll=0.0, start_interval=0.0), events)
    assert [ask.prefix_words for ask in asks] == prefixes
