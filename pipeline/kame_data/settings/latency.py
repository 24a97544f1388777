"""The settings of a back end: the loop that decides when its LLM is asked, and the delays that it is replayed with."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from kame_data.settings.branch import Branch, Distribution, Flag, lognormal, uniform

SHORTEST_POLL = 0.001
_Seconds = Annotated[float, Field(ge=0, le=60)]


class LoopSettings(Branch):
    """Settings of when the LLM is asked; `kame_data.oracles.loop_policy` says what the policies do. Times are in
    seconds.

    `policy`: which of the four decides. `min_growth` (`poll`, `overlap`): words by which a transcript that is not final
    must have grown since the last request. `poll` (`poll`): between two looks at the transcript, a millisecond or more;
    0 looks at every change. `max_restarts` in `restart_window` (`poll`): requests that follow another one, at most.
    `start_interval` (`overlap`): between two requests, at least. `max_overlap` (`overlap`): requests that run at once,
    at most.
    """

    policy: Literal["poll", "overlap", "final", "none"] = "poll"
    min_growth: Annotated[int, Field(ge=1, le=1000)] = 2
    poll: _Seconds = 0.5
    max_restarts: Annotated[int, Field(ge=1)] = 5
    restart_window: Annotated[float, Field(gt=0, le=3600)] = 2.0
    start_interval: _Seconds = 0.5
    max_overlap: Annotated[int, Field(ge=1)] = 7

    @field_validator("poll")
    @classmethod
    def _looks_at_times_that_differ(cls, poll: float) -> float:
        if 0 < poll < SHORTEST_POLL:
            raise ValueError(f"is 0, or {SHORTEST_POLL:g} s and more")
        return poll


PRESETS: dict[str, dict[str, Any]] = {
    "ideal": {
        "stt_lag": uniform(0.0, 0.0),
        "stt_final": 0.0,
        "first_token": uniform(0.0, 0.0),
        "min_growth": 1,
        "poll": 0.0,
        "max_restarts": 10**9,
        "start_interval": 0.0,
    },
    "fast": {
        "stt_lag": lognormal(0.25, 0.15, 0.15, 0.6),
        "stt_final": 0.2,
        "first_token": lognormal(0.1, 0.4, 0.03, 1.0),
    },
    "typical": {
        "stt_lag": lognormal(0.55, 0.2, 0.4, 1.5),
        "stt_final": 0.3,
        "first_token": lognormal(0.35, 0.5, 0.15, 4.0),
    },
    "slow": {
        "stt_lag": lognormal(0.9, 0.2, 0.5, 2.5),
        "stt_final": 0.5,
        "first_token": lognormal(1.7, 0.5, 0.6, 10.0),
    },
}
"""`ideal` has no delays: every prefix is asked for when its last word ends, and answered at once. In the others the
loop is that of KAME's public snapshot (SakanaAI/kame: a look every 0.5 s), and delays are log-normal, with the long
tail that services have. Published, as read in 2026:

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


class LatencySettings(LoopSettings):
    """The back end that is replayed on a dialogue's spoken words: its loop and its delays, in seconds.

    `preset` names the numbers; each can be set by itself over it (None keeps the preset's). `stt_lag`: from a word's
    end to its place in the transcript. `stt_final`: from the last word's arrival until the transcript is final, and the
    silence behind a word that makes it so. `first_token`: from a request to its first token.
    """

    preset: Annotated[
        Literal["ideal", "fast", "typical", "slow"],
        Flag("--latency"),
        Field(description="Delays of the replayed back end: ideal, fast, typical or slow."),
    ] = "typical"
    stt_lag: Distribution = PRESETS["typical"]["stt_lag"]
    stt_final: _Seconds = PRESETS["typical"]["stt_final"]
    first_token: Distribution = PRESETS["typical"]["first_token"]

    @model_validator(mode="before")
    @classmethod
    def _over_the_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = {name: value for name, value in values.items() if value is not None}
        preset = given.get("preset", "typical")
        return PRESETS.get(preset if isinstance(preset, str) else "", {}) | given

    @field_validator("stt_lag", "first_token")
    @classmethod
    def _not_before_its_cause(cls, delay: Distribution) -> Distribution:
        if delay.low < 0:
            raise ValueError("no delay is below 0 s")
        return delay

    def __str__(self) -> str:
        """The policy, the preset, and each number that is not the preset's."""
        usual = LatencySettings(preset=self.preset, policy=self.policy)
        changed = [name for name in type(self).model_fields if getattr(self, name) != getattr(usual, name)]
        return " ".join([self.policy, self.preset, *(f"{name}={getattr(self, name)}" for name in changed)])
