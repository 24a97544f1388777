"""Moonshine at work: what it hears while somebody speaks, its turns, and its processes."""

import os
import signal
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kame_data.errors import KameError
from kame_data.speech.hearing import word_error_rate
from kame_data.tandem.frames import SAMPLES
from kame_data.tandem.streaming_recognisers import moonshine
from kame_data.tandem.streaming_recognisers.moonshine import MoonshineRecogniser, MoonshineStream
from tandem.hearing import READING, check_order, hear, reading, silence, spoken, texts

pytest.importorskip("moonshine_voice")
QUESTION = "Could you work this out for me? She drinks five hundred milliliters of water every two hours."


def open_stream(pause: float = 0.8) -> MoonshineStream:
    return MoonshineRecogniser(pause).open("en")


@pytest.mark.slow
def test_a_person_is_heard_while_she_speaks() -> None:
    sound = np.concatenate([silence(0.5), reading(), silence(1.5)])
    events = hear(open_stream(), sound)
    check_order(events)
    (whole,) = texts(events, "end")
    assert word_error_rate(READING, whole) < 0.1
    assert len(texts(events, "final")) >= 5, "the library's own lines are final one by one"
    # Words are there soon after they are said: the first within two looks, and most of the text before its end.
    assert next(at for at, event in events if "best" in event.text) < 3.5
    assert max(b - a for a, b in pairwise(at for at, event in events)) < 2.0
    starts = [event.time for _, event in events if event.kind == "start"]
    assert len(starts) == 1 and 1.0 < starts[0] < 1.8


@pytest.mark.slow
def test_a_long_silence_ends_a_turn_and_a_short_one_does_not() -> None:
    sound = np.concatenate([silence(0.3), spoken(QUESTION), silence(1.6), spoken(QUESTION), silence(1.6)])
    events = hear(open_stream(), sound)
    check_order(events)
    ends = texts(events, "end")
    assert len(ends) == 2
    for text in ends:
        assert word_error_rate(QUESTION, text) < 0.4
    (one,) = texts(hear(open_stream(3.0), sound), "end")
    assert word_error_rate(f"{QUESTION} {QUESTION}", one) < 0.4


@pytest.mark.slow
def test_each_conversation_hears_as_if_it_were_alone() -> None:
    sound = reading(6.0)
    alone = hear(open_stream(), sound)
    noise = np.random.default_rng(0).normal(0, 0.05, len(sound)).astype(np.float32)
    heard = {}

    def run(name: str, what: np.ndarray) -> None:
        heard[name] = hear(open_stream(), what)

    threads = [threading.Thread(target=run, args=of) for of in (("her", sound), ("noise", noise))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard["her"] == alone, "and the same sound is heard the same each time"


@pytest.mark.slow
def test_a_new_stream_between_turns_and_between_lines_loses_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.concatenate([reading(6.8), silence(1.2), reading(), silence(1.2)])
    renewed = []
    again = MoonshineStream._again

    def counted(stream: MoonshineStream) -> object:
        renewed.append(stream._turns.speaking)
        return again(stream)

    monkeypatch.setattr(MoonshineStream, "_again", counted)
    monkeypatch.setattr(moonshine, "OLD_S", 2.0)
    monkeypatch.setattr(moonshine, "OLDER_S", 4.0)
    events = hear(open_stream(), sound)
    assert {True, False} <= set(renewed)
    check_order(events)
    _, second = texts(events, "end")
    assert word_error_rate(READING, second) < 0.15
    assert all(event.time <= at for at, event in events)


@pytest.mark.slow
def test_a_process_that_has_grown_is_replaced_between_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moonshine, "OLD_S", 2.0)
    monkeypatch.setattr(moonshine, "MOST_MB", 1)
    stream = open_stream()
    before = stream._process.process
    events = hear(stream, np.concatenate([reading(6.8), silence(1.6)]), close=False)
    assert stream._process.process is not before and before.poll() is not None and stream._ends == 0
    events += [(at + 8.4, event) for at, event in hear(stream, np.concatenate([reading(6.8), silence(1.6)]))]
    check_order(events)
    assert len(texts(events, "end")) == 2
    for text in texts(events, "end"):
        assert word_error_rate(" ".join(READING.split()[:18]), text) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_a_process_that_dies_or_hangs_is_replaced_and_no_word_is_lost(
    fault: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = open_stream()
    events = hear(stream, reading(9.0), close=False)
    os.kill(stream._process.process.pid, fault)
    rest = reading()[len(reading(9.0)) :]
    with monkeypatch.context() as patched:
        patched.setattr(moonshine, "ANSWER_LIMIT_S", 8.0)
        events += hear(stream, rest[:SAMPLES], close=False)
    events += hear(stream, np.concatenate([rest[SAMPLES:], silence(1.2)]))
    assert stream._ends == 1 and len(texts(events, "start")) == 1
    (whole,) = texts(events, "end")
    assert word_error_rate(READING, whole) < 0.15


@pytest.mark.slow
def test_processes_that_keep_dying_are_one_clear_line_and_leave_nothing() -> None:
    stream = open_stream()
    with pytest.raises(KameError, match=r"recogniser moonshine: it died .* it hears no more"):
        for _ in range(moonshine.MOST_ENDS + 1):
            os.kill(stream._process.process.pid, signal.SIGKILL)
            stream.push(silence(0.08))
    assert stream._process.process.poll() is not None
    assert stream.close() == []


@pytest.mark.slow
def test_what_is_no_sound_is_refused_and_the_stream_goes_on() -> None:
    stream = open_stream()
    for bad in (np.full(1920, np.nan, np.float32), np.zeros((2, 10), np.float32), np.zeros(10)):
        with pytest.raises(KameError, match="sound"):
            stream.push(bad)
    assert stream.push(np.zeros(0, np.float32)) == []
    pid = stream._process.process.pid
    assert hear(stream, silence(2.0)) == []
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(KameError, match="closed"):
        stream.push(silence(0.08))


def test_what_cannot_be_heard_is_one_clear_line() -> None:
    with pytest.raises(KameError, match="--recogniser moonshine: it hears en, not 'zh'"):
        MoonshineRecogniser().open("zh")
    with pytest.raises(KameError, match="recogniser moonshine: it does not start"):
        MoonshineRecogniser(helper="kame_data.no_such_helper").open("en")
