"""A recogniser for evaluations that hears nothing: it tells a dialogue's own words, behind lags that are drawn.

Delays are those of `kame_data.oracles.replay`, and so are the draws: a word is there `stt_lag` after it was spoken, and
`stt_final` of silence makes what was said final.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.oracles.replay import arrivals, silences_in
from kame_data.records import Word
from kame_data.seeds import rng
from kame_data.settings.latency import LatencySettings
from kame_data.tandem.frames import RATE
from kame_data.tandem.sounds import checked
from kame_data.tandem.streaming_recognisers.base import SpeechEvent, SpeechKind
from kame_data.text.words import join_words

NAME = "words"


class WordsRecogniser:
    """Tells the user's words among `words`, those of the dialogue `dialogue_id` in order of time. Every stream of it
    tells the same at the same moments."""

    name = NAME

    def __init__(self, words: Sequence[Word], latency: LatencySettings, seed: int, dialogue_id: str = "") -> None:
        self._words = [word for word in words if word.role == "user"]
        if any(word.end < word.start for word in self._words):
            raise KameError(f"recogniser {NAME}: a word of '{dialogue_id}' ends before it starts; mend its times")
        self._latency, self._seed, self._dialogue_id = latency, seed, dialogue_id

    def open(self, language: str) -> "WordsStream":
        """A stream that tells the words from its first sample on."""
        lags = rng(self._seed, "stt lag", self._dialogue_id)
        told: list[tuple[float, SpeechEvent]] = []
        for _, turn in groupby(self._words, key=lambda word: word.turn):
            told += self._turn(list(turn), language, lags, told[-1][0] if told else 0.0)
        return WordsStream(told)

    def _turn(self, turn: list[Word], language: str, lags: Any, earliest: float) -> Iterator[tuple[float, SpeechEvent]]:
        """Yield the events of a turn, each with its moment; none comes before the turn ahead of it has ended."""
        wait = self._latency.stt_final
        at = list(arrivals((word.end for word in turn), self._latency.stt_lag, lags))
        changes = [(moment, False, count) for count, moment in enumerate(at, 1)]
        spans = [(word.start, word.end) for word in turn]
        changes += [(at[count - 1] + wait, True, count) for count in silences_in(spans, wait)]
        yield max(earliest, turn[0].start), SpeechEvent("start", turn[0].start)
        shown = 0
        for moment, final, count in sorted(changes):
            if final and count < shown:
                continue  # words behind the silence were faster
            shown = count
            text = join_words([word.word for word in turn[:count]], language)
            kind: SpeechKind = "final" if final else "interim"
            yield max(earliest, moment), SpeechEvent(kind, turn[count - 1].end, text, len(text))
        text = join_words([word.word for word in turn], language)
        yield max(earliest, at[-1] + wait), SpeechEvent("end", turn[-1].end, text, len(text))


class WordsStream:
    """The events of one conversation, told when so much sound has passed; see `HearingStream`."""

    def __init__(self, told: Sequence[tuple[float, SpeechEvent]]) -> None:
        self._told = deque(told)
        self._samples = 0
        self._last: SpeechEvent | None = None

    def push(self, sound: NDArray[Any]) -> list[SpeechEvent]:
        """Let the time of `sound` pass. Raises KameError for sound that is none."""
        self._samples += len(checked(sound))
        now = self._samples / RATE
        events = []
        while self._told and self._told[0][0] <= now:
            events.append(self._told.popleft()[1])
        self._last = events[-1] if events else self._last
        return events

    def close(self) -> list[SpeechEvent]:
        """The sound is over: the words that were spoken until now are told, and a turn that has begun ends."""
        now = self._samples / RATE
        events = [event for _, event in self._told if event.time <= now]
        self._told.clear()
        last, self._last = events[-1] if events else self._last, None
        if last is not None and last.kind != "end":
            events.append(SpeechEvent("end", now, last.text, len(last.text)))
        return events
