"""The recogniser of evaluations, which tells a row's own words behind drawn lags."""

from itertools import groupby

import numpy as np
import pytest

from kame_data.errors import KameError, UsageError
from kame_data.oracles.replay import replay
from kame_data.records import Oracle, Word
from kame_data.settings.latency import LatencySettings
from kame_data.tandem.streaming_recognisers import streaming_recogniser
from kame_data.tandem.streaming_recognisers.words import WordsRecogniser
from tandem.hearing import check_order, hear, silence, texts

LATENCY = LatencySettings(preset="typical")


def words(turn: int, text: str, start: float, role: str = "user", pause_at: int | None = None) -> list[Word]:
    found = []
    for count, word in enumerate(text.split()):
        start += 2.0 if count == pause_at else 0.0
        found.append(Word(turn, role, word, round(start, 3), round(start + 0.3, 3)))
        start += 0.36
    return found


DIALOGUE = [
    *words(0, "What is two and two?", 0.5, pause_at=2),
    *words(1, "It is four.", 6.0, "assistant"),
    *words(2, "And three?", 8.0),
]


def test_words_come_behind_their_lags_in_turns() -> None:
    recogniser = WordsRecogniser(DIALOGUE, LATENCY, 7, "a")
    events = hear(recogniser.open("en"), silence(14))
    check_order(events)
    assert texts(events, "end") == ["What is two and two?", "And three?"]
    assert texts(events, "final") == ["What is"], "the silence within the turn makes the words before it final"
    assert [event.time for _, event in events if event.kind == "start"] == [0.5, 8.0]
    lags = [at - event.time for at, event in events if event.kind == "interim"]
    assert all(0.4 <= lag <= 1.5 + 0.08 for lag in lags) and len(set(lags)) > 3
    assert all(event.stable == len(event.text) for _, event in events)
    assert hear(recogniser.open("en"), silence(14)) == events
    assert hear(WordsRecogniser(DIALOGUE, LATENCY, 8, "a").open("en"), silence(14)) != events


def test_its_draws_are_those_of_the_replay() -> None:
    spoken = [word for word in DIALOGUE if word.turn == 0]
    prefixes = range(1, len(spoken) + 1)
    there = replay("a", [Oracle(0, n, n / 5, 0, "x") for n in prefixes], spoken, LATENCY, 7)
    stream = WordsRecogniser(DIALOGUE, LATENCY, 7, "a").open("en")
    told = {}
    for ms in range(1, 9000):
        for event in stream.push(silence(0.001)):
            if event.kind == "interim":
                told.setdefault(event.text, ms / 1000)
    heard = [arrival.heard for arrival in there]
    assert list(told.values())[: len(heard)] == pytest.approx(heard, abs=0.0011)


def test_a_sound_that_stops_early_ends_the_turn_with_what_was_spoken() -> None:
    stream = WordsRecogniser(DIALOGUE, LATENCY, 7).open("en")
    events = hear(stream, silence(1.3))
    assert texts(events, "end") == ["What is"] and stream.close() == []
    assert hear(WordsRecogniser(DIALOGUE, LATENCY, 7).open("en"), silence(0.3)) == []
    assert hear(WordsRecogniser([], LATENCY, 7).open("en"), silence(3)) == []


def test_languages_without_spaces_and_turns_that_follow_at_once() -> None:
    heard = [Word(0, "user", "二", 0.1, 0.3), Word(0, "user", "加", 0.3, 0.5), Word(1, "user", "好", 0.5, 0.6)]
    events = hear(WordsRecogniser(heard, LATENCY, 0).open("zh"), silence(6))
    check_order(events)
    assert texts(events, "end") == ["二加", "好"]
    kinds = [kind for kind, _ in groupby(event.kind for _, event in events)]
    assert kinds == ["start", "interim", "end", "start", "interim", "end"]


def test_what_is_wrong_is_one_clear_line() -> None:
    with pytest.raises(UsageError, match="words: it tells the words of a row"):
        streaming_recogniser("words")
    with pytest.raises(KameError, match="'a' ends before it starts"):
        WordsRecogniser([Word(0, "user", "x", 2.0, 1.0)], LATENCY, 0, "a")
    with pytest.raises(KameError, match="NaN"):
        WordsRecogniser([], LATENCY, 0).open("en").push(np.full(10, np.nan, np.float32))
