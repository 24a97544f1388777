"""When oracles arrive: the run of the back end, replayed on the spoken words.

The loop is KAME's (arXiv 2510.02327): a streaming STT hears the user; every `poll` seconds the back end looks at the
transcript and asks the LLM anew when it has grown by two words or more, or is final; a new request cancels the one that
runs, so an oracle whose first token has not come by then never arrives.

A silence within a turn that lasts for `stt_final` makes the transcript final as the end of the turn does, so the back
end asks there even where the transcript has grown by a single word. Only the words of turns that have oracles are
replayed: a user's back-channel reaches a real recogniser too, but nobody asks a model what to answer to it.
"""

import math
import random
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import NamedTuple

from pipeline.config import LatencySettings
from pipeline.errors import UsageError
from pipeline.records import Oracle, Word
from pipeline.seeds import rng
from pipeline.settings_room import Distribution, lognormal, uniform


@dataclass(frozen=True, slots=True)
class Latency:
    """The delays of a back end; seconds.

    `stt_lag`: from a word's end to its place in the transcript. `stt_final`: from the last word's arrival until the
    transcript is final, and the silence behind a word that makes it so. `poll`: between two looks at the transcript (0:
    it looks at every word's arrival). `first_token`: from a request to its first token. `min_growth`: words by which a
    transcript must have grown that is not final. `max_restarts` in `restart_window` seconds: requests that follow
    another one, at most.
    """

    stt_lag: Distribution
    stt_final: float
    poll: float
    first_token: Distribution
    min_growth: int = 2
    max_restarts: int = 5
    restart_window: float = 2.0

    def __post_init__(self) -> None:
        for name in ("stt_lag", "first_token"):
            delay = getattr(self, name)
            if delay.low < 0:
                raise UsageError(f"latency.{name} {delay}: no delay is below 0 s")
        for name in ("stt_final", "poll"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"latency.{name} {getattr(self, name)}: give seconds, 0 or more")
        if self.min_growth < 1 or self.max_restarts < 1 or not self.restart_window > 0:
            raise UsageError("latency: min_growth and max_restarts are 1 or more, restart_window is above 0")


PRESETS = {
    "ideal": Latency(uniform(0.0, 0.0), 0.0, 0.0, uniform(0.0, 0.0), min_growth=1, max_restarts=10**9),
    "fast": Latency(lognormal(0.25, 0.15, 0.15, 0.6), 0.2, 0.25, lognormal(0.1, 0.4, 0.03, 1.0)),
    "typical": Latency(lognormal(0.55, 0.2, 0.4, 1.5), 0.3, 0.25, lognormal(0.35, 0.5, 0.15, 4.0)),
    "slow": Latency(lognormal(0.9, 0.2, 0.5, 2.5), 0.5, 0.25, lognormal(1.7, 0.5, 0.6, 10.0)),
}
"""`ideal` has no delays: every prefix is asked for when its last word ends, and answered at once. In the others the
poll, the growth and the limit of restarts are those of KAME's own loop (SakanaAI/kame), and delays are log-normal, with
the long tail that services have. Published, as read in 2026:

- Recognisers, from the end of speech to the final segment, median / 95th / 99th percentile of 1,000 samples
  (pipecat-ai/stt-benchmark): Deepgram 0.247 / 0.298 / 0.326 s, Google 0.878 / 1.155 / 1.570 s, OpenAI 0.637 / 0.965 /
  1.655 s. Kyutai's stt-1b-en_fr is built with a delay of 0.5 s, stt-2.6b-en with 2.5 s (kyutai-labs/
  delayed-streams-modeling). Whisper-Streaming lags 3.3 s (arXiv 2307.14743), more than any preset here.
- First tokens: gpt-4.1-nano, short prompts, 0.176 s (2,000 calls over nine small models, aiweekly.co); Llama 3 8B in
  vLLM, 0.15 to 0.25 s as it comes and under 0.1 s when tuned (cloudach.vercel.app); medians of hourly probes of large
  hosted models, 0.9 s (GPT-5.4), 1.7 s (Claude Opus 4.6), 2.1 s (Claude Sonnet 4.6), 2.5 s (Claude Opus 4.7)
  (jonathanwrede.de). The tail: a spoken agent's whole delay of 1.4 s at the median and 3.4 s at the 95th percentile
  (huggingface.co/blog/dvalle08/voice-agent-latency-playbook) is a log-normal with sigma ln(3.4 / 1.4) / 1.645 = 0.54.

So `fast` is Deepgram's median with a small tuned model near by, `typical` a recogniser of half a second's delay with a
small hosted model, and `slow` Google's median with a large hosted model (the median of Claude Opus 4.6). Assumed, for
want of a source: that a word within a turn lags about as long as the final segment does; the spread of the lags (from
Google's and Deepgram's percentiles: sigma 0.11 to 0.17) a little wider for the network; 0.05 s over Kyutai's delay, and
0.17 s over gpt-4.1-nano's first token, for the network and a prompt of KAME's length; sigma 0.5 for first tokens, 0.4
near by; the bounds; and `stt_final`, the silence after which a transcript is final."""


def resolve(settings: LatencySettings) -> Latency:
    """The preset's delays with those that are set by themselves over them. Raises UsageError for impossible ones."""
    names = {field.name for field in fields(Latency)}
    given = {name: value for name in names if (value := getattr(settings, name, None)) is not None}
    return replace(PRESETS[settings.preset], **given)


class Arrival(NamedTuple):
    """When an oracle's prefix had been heard by the back end, and when its first token came (None: never); seconds."""

    heard: float
    time: float | None


def replay(
    dialogue_id: str, oracles: Sequence[Oracle], words: Sequence[Word], latency: Latency, seed: int
) -> list[Arrival]:
    """When each oracle arrives, one Arrival per oracle, to the millisecond.

    `oracles` are those of one dialogue in order of (turn, prefix_words); those of one prefix are asked for in one
    request and arrive together. `words` are the dialogue's spoken words in order. Linear in the words. Raises
    ValueError for an oracle whose prefix was not spoken.
    """
    planned = {turn: sorted({o.prefix_words for o in group}) for turn, group in groupby(oracles, key=lambda o: o.turn)}
    back_end = _BackEnd(latency, dialogue_id, seed)
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
    came = back_end.arrived()
    keys = [(oracle.turn, oracle.prefix_words) for oracle in oracles]
    return [Arrival(_ms(heard[key]), _ms(came[key]) if key in came else None) for key in keys]


@dataclass(frozen=True, slots=True)
class Request:
    """A request for the oracles of (turn, prefix words): when it was made, and when its first token would come."""

    turn: int
    prefix: int
    made: float
    first_token: float


class _BackEnd:
    """The loop over a whole dialogue; `requests` are all that it made, in order of time."""

    def __init__(self, latency: Latency, dialogue_id: str, seed: int) -> None:
        self.latency = latency
        self.requests: list[Request] = []
        self._recent: deque[float] = deque()
        self._lags = rng(seed, "stt lag", dialogue_id)
        self._tokens = rng(seed, "first token", dialogue_id)
        self._phase = rng(seed, "poll phase", dialogue_id).random() * latency.poll

    def hear(self, turn: int, spans: Sequence[tuple[float, float]], planned: Sequence[int]) -> list[float]:
        """One user turn goes by; when each of its words was in the transcript.

        `spans` are the words' (start, end), `planned` the turn's prefixes, rising.
        """
        at = list(_arrivals((end for _, end in spans), self.latency.stt_lag, self._lags))
        finals = self._finals(spans, at)
        asked = 0  # words that had been heard at the last request
        next_prefix = 0  # index into `planned`
        while next_prefix < len(planned):
            # The first moment at which there is something new to ask: enough growth and a prefix not yet asked for,
            # or a final transcript that holds such a prefix.
            needed = max(asked + self.latency.min_growth, planned[next_prefix])
            final = next(moment for count, moment in finals if count >= max(asked + 1, planned[next_prefix]))
            grown = needed <= len(at) and at[needed - 1] <= final
            moment = self._look(at[needed - 1] if grown else final)
            count = len(at) if moment >= finals[-1][1] else bisect_right(at, moment)
            if not self.latency.poll and grown and moment == at[needed - 1]:
                count = needed  # words that come at the same moment still come one after the other
            newest = bisect_right(planned, count) - 1
            self._ask(Request(turn, planned[newest], moment, moment + self.latency.first_token.draw(self._tokens)))
            asked, next_prefix = count, newest + 1
        return at

    def _finals(self, spans: Sequence[tuple[float, float]], at: Sequence[float]) -> list[tuple[int, float]]:
        """(words, moment) at which the transcript becomes final: behind a long silence, and at the end."""
        wait = self.latency.stt_final
        silent = [n for n in range(1, len(spans)) if spans[n][0] - spans[n - 1][1] > wait]
        return [(count, at[count - 1] + wait) for count in (*silent, len(spans))]

    def _look(self, earliest: float) -> float:
        """The first look at the transcript from `earliest` on at which a request may be made."""
        poll, latest = self.latency.poll, self.requests[-1].made if self.requests else 0.0
        earliest = max(earliest, latest)
        if len(self._recent) == self.latency.max_restarts:
            # Just over the window, so that no window of that length holds one more.
            earliest = max(earliest, math.nextafter(self._recent[0] + self.latency.restart_window, math.inf))
        if not poll:
            return earliest
        steps = max(0, math.ceil((earliest - self._phase) / poll))
        while (moment := self._phase + steps * poll) < earliest:
            steps += 1
        return moment

    def _ask(self, request: Request) -> None:
        if self.requests:
            if len(self._recent) == self.latency.max_restarts:
                self._recent.popleft()
            self._recent.append(request.made)
        self.requests.append(request)

    def arrived(self) -> dict[tuple[int, int], float]:
        """When the first tokens came of the requests that were not cancelled before, by (turn, prefix words)."""
        cancelled_at = [*(later.made for later in self.requests[1:]), math.inf]
        pairs = zip(self.requests, cancelled_at, strict=False)
        return {(r.turn, r.prefix): r.first_token for r, cancelled in pairs if r.first_token <= cancelled}


def _arrivals(ends: Iterable[float], lag: Distribution, draws: random.Random) -> Iterator[float]:
    """When each word is in the transcript: after its lag, and never before the word ahead of it."""
    latest = 0.0
    for end in ends:
        latest = max(latest, end + lag.draw(draws))
        yield latest


def _ms(seconds: float) -> float:
    """Rounded up to the millisecond, so that no rounding puts an effect before its cause."""
    rounded = round(seconds, 3)
    return rounded if rounded >= seconds else round(rounded + 0.001, 3)
