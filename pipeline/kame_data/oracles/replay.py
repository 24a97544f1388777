"""Arrival times of oracles: the loop of a back end (`kame_data.oracles.loop_policy`), driven by drawn delays.

A streaming recogniser hears the user: each word is in the transcript some time after it was spoken. A silence within a
turn that lasts for `stt_final` makes the words before it final, as the end of the turn does for all. The first token of
a request comes some time after it was made. Only the words of turns that have oracles are replayed: a user's
back-channel reaches a real recogniser too, but nobody asks a model what to answer to it.

A shard holds answers to planned prefixes alone. So the loop is told of a transcript only where it holds a planned
prefix that was not asked for, and what it asks for stands for the longest planned prefix in it.
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby
from typing import NamedTuple

from kame_data.oracles.loop_policy import Ask, Decision, LoopPolicy
from kame_data.records import Oracle, Word
from kame_data.seeds import rng
from kame_data.settings.branch import Distribution
from kame_data.settings.latency import LatencySettings


class Arrival(NamedTuple):
    """The time at which the back end had heard an oracle's prefix, and that of its first token (None: never);
    seconds."""

    heard: float
    time: float | None


def replay(
    dialogue_id: str, oracles: Sequence[Oracle], words: Sequence[Word], latency: LatencySettings, seed: int
) -> list[Arrival]:
    """Return when each oracle arrives, one Arrival per oracle, to the millisecond.

    `oracles` are those of one dialogue in order of (turn, prefix_words); those of one prefix are asked for in one
    request and arrive together. `words` are the dialogue's spoken words in order. Linear in the words. Raises
    ValueError for an oracle whose prefix was not spoken.
    """
    planned = {turn: sorted({o.prefix_words for o in group}) for turn, group in groupby(oracles, key=lambda o: o.turn)}
    found = planned_arrivals(dialogue_id, planned, words, latency, seed)
    return [found[oracle.turn, oracle.prefix_words] for oracle in oracles]


def planned_arrivals(
    dialogue_id: str,
    planned: Mapping[int, Sequence[int]],
    words: Iterable[Word],
    latency: LatencySettings,
    seed: int,
    attempt: int = 0,
) -> dict[tuple[int, int], Arrival]:
    """The arrivals of a dialogue's planned prefixes, rising counts of words by turn, by (turn, words of the prefix).

    `attempt`: the delays are other ones with every number. Raises as `replay` does.
    """
    back_end = _BackEnd(latency, dialogue_id, seed, attempt)
    heard: dict[tuple[int, int], float] = {}
    for turn, spoken in groupby(words, key=lambda word: word.turn):
        if turn in planned:
            spans = [(word.start, word.end) for word in spoken]
            if planned[turn][-1] > len(spans):
                raise ValueError(
                    f"{dialogue_id}: turn {turn} has {len(spans)} spoken words, an oracle {planned[turn][-1]}"
                )
            at = back_end.hear(turn, spans, planned[turn])
            heard.update(((turn, count), at[count - 1]) for count in planned[turn])
    if missing := planned.keys() - {turn for turn, _ in heard}:
        raise ValueError(f"{dialogue_id}: turns {sorted(missing)} have oracles but no spoken words")
    back_end.run()
    came = back_end.came
    return {key: Arrival(_ms(at), _ms(came[key]) if key in came else None) for key, at in heard.items()}


@dataclass(slots=True)
class _Turn:
    """A turn with its planned prefixes, rising; those before `next` have been asked for."""

    turn: int
    planned: Sequence[int]
    next: int = 0

    @property
    def over(self) -> bool:
        """True where all of its prefixes have been asked for."""
        return self.next == len(self.planned)


class _BackEnd:
    """A back end over a whole dialogue. `came`: when the first token of each request came that was not cancelled
    before, by (turn, prefix words)."""

    def __init__(self, latency: LatencySettings, dialogue_id: str, seed: int, attempt: int = 0) -> None:
        self.latency = latency
        self.came: dict[tuple[int, int], float] = {}
        whose = (dialogue_id, attempt) if attempt else (dialogue_id,)
        self._lags = rng(seed, "stt lag", *whose)
        self._tokens = rng(seed, "first token", *whose)
        self._policy = LoopPolicy(latency, rng(seed, "poll phase", *whose).random() * latency.poll)
        self._now = -math.inf
        self._wait_until = math.inf
        self._turns: list[_Turn] = []
        self._coming: list[tuple[float, int, tuple[int, int]]] = []  # first tokens: moment, request, key
        self._cancelled: set[int] = set()

    def hear(self, turn: int, spans: Sequence[tuple[float, float]], planned: Sequence[int]) -> list[float]:
        """One user turn goes by; returns when each of its words was in the transcript.

        `spans` are the words' (start, end), `planned` the turn's prefixes, rising. Words that come before the turn
        before is over are told when it is.
        """
        at = list(arrivals((end for _, end in spans), self.latency.stt_lag, self._lags))
        wait = self.latency.stt_final
        silences = silences_in(spans, wait)
        # Words that came before the turn before was over are told as one, without the silences between them.
        held = max(1, bisect_left(at, self._now))
        changes = [(moment, False, n) for n, moment in enumerate(at, 1) if n >= held]
        changes += [(at[n - 1] + wait, True, n) for n in silences if at[n - 1] + wait >= at[held - 1]]
        this = _Turn(turn, planned)
        self._turns.append(this)
        for moment, final, count in sorted(changes):
            if this.over:
                break
            if count < planned[this.next]:
                continue
            self.run(max(moment, self._now), this)
            if not this.over and count >= planned[this.next]:
                self._now = max(self._now, moment)
                tell = self._policy.final if final else self._policy.words
                self._do(tell(self._now, count))
        self.run(at[-1] + wait, this)
        if not this.over:
            self._now = max(self._now, at[-1] + wait)
        self._do(self._policy.turn_ended(self._now))
        return at

    def run(self, until: float = math.inf, turn: _Turn | None = None) -> None:
        """Let time pass until that moment, or until all of the turn has been asked for, with what happens in it."""
        while turn is None or not turn.over:
            if self._coming and self._coming[0][0] <= min(self._wait_until, until):
                self._now, number, key = heappop(self._coming)
                if number not in self._cancelled:
                    self.came[key] = self._now
                    self._do(self._policy.first_token(self._now, number))
                    self._do(self._policy.answer_ended(self._now, number))
            elif self._wait_until < until:
                self._now = self._wait_until
                self._do(self._policy.time(self._now))
            else:
                break

    def _do(self, decision: Decision) -> None:
        cancel, ask, self._wait_until = decision
        if cancel:
            self._cancelled.update(cancel)
        if ask is not None:
            self._ask(ask)

    def _ask(self, ask: Ask) -> None:
        turn = self._turns[ask.turn]
        turn.next = bisect_right(turn.planned, ask.prefix_words)
        comes = self._now + self.latency.first_token.draw(self._tokens)
        heappush(self._coming, (comes, ask.number, (turn.turn, turn.planned[turn.next - 1])))


def silences_in(spans: Sequence[tuple[float, float]], wait: float) -> Iterator[int]:
    """Yield the number of words before each silence within a turn that makes them final."""
    return (n for n in range(1, len(spans)) if spans[n][0] - spans[n - 1][1] > wait)


def arrivals(ends: Iterable[float], lag: Distribution, draws: random.Random) -> Iterator[float]:
    """Yield when each word is in the transcript: after its lag, and never before the word ahead of it."""
    latest = 0.0
    for end in ends:
        latest = max(latest, end + lag.draw(draws))
        yield latest


def _ms(seconds: float) -> float:
    """Round up to the millisecond, so that no rounding puts an effect before its cause."""
    rounded = round(seconds, 3)
    return rounded if rounded >= seconds else round(rounded + 0.001, 3)
