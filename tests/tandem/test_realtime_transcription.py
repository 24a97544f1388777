"""OpenAI's realtime transcription, by its own SDK against a loopback service that speaks the wire format."""

import threading
import time

import numpy as np
import pytest

from kame_data.errors import KameError, UsageError
from kame_data.tandem.frames import RATE
from kame_data.tandem.streaming_recognisers import openai, remote, streaming_recogniser
from kame_data.tandem.streaming_recognisers.base import HearingStream
from tandem.hearing import check_order, hear, silence, texts
from tandem.realtime_service import RealtimeService
from tandem.tones import said

pytest.importorskip("websockets")
SPOKEN = np.concatenate([silence(0.7), said("one", "two", "three"), silence(0.65), said("four"), silence(1.6)])
MORE = np.concatenate([said("five", "six"), silence(1.6)])


def opened(service: RealtimeService, model: str = "gpt-4o-transcribe") -> HearingStream:
    recogniser = streaming_recogniser(f"openai:{model}@{service.url}")
    assert recogniser is not None and recogniser.name == f"openai:{model}"
    return recogniser.open("en-GB")


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-realtime-whisper"])
def test_what_is_said_is_heard(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    with RealtimeService(key="a-key") as service:
        events = hear(opened(service, model), np.concatenate([SPOKEN, MORE]), speed=8)
        check_order(events)
        assert texts(events, "end") == ["one two three four", "five six"]
        assert texts(events, "final") == ["one two three", "one two three four", "five six"]
        assert len(texts(events, "interim")) >= 2 and all(e.stable in (0, 13) for _, e in events if e.kind == "interim")
        begins = [event.time for _, event in events if event.kind == "start"]
        assert begins == pytest.approx([0.7, len(SPOKEN) / RATE], abs=0.1)
        ends = [event.time for _, event in events if event.kind == "end"]
        assert ends == pytest.approx([len(SPOKEN) / RATE - 1.6, (len(SPOKEN) + len(MORE)) / RATE - 1.6], abs=0.2)
        (session,) = service.sessions
        heard = session["audio"]["input"]
        assert heard["transcription"] == {"model": model, "language": "en"}
        assert (heard["turn_detection"] is None) is (model == "gpt-realtime-whisper")
        assert service.samples == len(SPOKEN) + len(MORE)
        deadline = time.monotonic() + 10
        while service.open and time.monotonic() < deadline:
            time.sleep(0.05)
        assert service.open == 0, "the connection is closed"


def test_words_at_the_very_end_are_waited_for() -> None:
    with RealtimeService() as service:
        for model in ("gpt-4o-transcribe", "gpt-realtime-whisper"):
            events = hear(opened(service, model), np.concatenate([silence(0.5), said("one", "two", "three")]), speed=8)
            assert texts(events, "end") == ["one two three"]


def test_conversations_do_not_hear_each_other() -> None:
    found = {}
    with RealtimeService() as service:
        streams = {n: opened(service) for n in range(4)}
        words = {n: ["zero", "one", "two", "three"][n : n + 2] for n in streams}

        def run(n: int) -> None:
            found[n] = texts(hear(streams[n], np.concatenate([said(*words[n]), silence(1.5)]), speed=8), "end")

        threads = [threading.Thread(target=run, args=(n,)) for n in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {n: [" ".join(spoken)] for n, spoken in words.items()}


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("error", r"The model `gpt-4o-transcribe` does not exist\."),
        ("cut", "the connection broke .*internal error.*; it hears no more|has closed the connection"),
        ("junk", "the service sent what is no event"),
        ("deaf", "it takes no sound, and 2 s of it wait"),
    ],
)
def test_a_service_that_fails_is_one_clear_line(fault: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_UNSENT_S", 2.0 if fault == "deaf" else 400.0)
    with RealtimeService(fault=fault) as service:
        stream = opened(service)
        began = time.monotonic()
        with pytest.raises(KameError, match=f"recogniser openai:gpt-4o-transcribe: .*({line})") as error:
            for _ in range(300):
                hear_one(stream)
        assert "\n" not in str(error.value) and "a-key" not in str(error.value)
        stream.close()
        assert time.monotonic() - began < 60


def hear_one(stream: HearingStream) -> None:
    # Noise, of which a websocket's compression and the buffers of sockets take little at once.
    stream.push(np.random.default_rng(0).uniform(-1, 1, 24_000).astype(np.float32))
    time.sleep(0.01)


def test_an_item_whose_transcript_fails_or_never_comes_stands_as_it_is() -> None:
    with RealtimeService(fault="failed") as service:
        assert texts(hear(opened(service), SPOKEN, speed=8), "end") == ["one two three four"]
    with RealtimeService(fault="late") as service:
        sound = np.concatenate([SPOKEN, silence(openai.LATE_S + 0.5)])
        events = hear(opened(service), sound, speed=20)
        assert texts(events, "end") == ["one two three four"]
        assert next(at for at, event in events if event.kind == "end") < len(sound) / RATE


def test_a_moment_that_is_none_is_one_of_the_sound() -> None:
    with RealtimeService(fault="odd") as service:
        events = hear(opened(service), SPOKEN, speed=8)
        check_order(events)
        assert texts(events, "end") == ["one two three four"] and events[0][1].time == 0


def test_what_is_wrong_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        streaming_recogniser("openai:gpt-4o-transcribe")
    for spec in ("openai:x@nowhere:1", "openai:@http://127.0.0.1:1/v1"):
        with pytest.raises(UsageError, match="use openai:MODEL or openai:MODEL@URL"):
            streaming_recogniser(spec)
    refused = streaming_recogniser("openai:x@http://127.0.0.1:9/v1")
    assert refused is not None
    with pytest.raises(KameError, match=r"--recogniser openai:x: 127\.0\.0\.1:9 does not answer \(.*refused"):
        refused.open("en")
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with RealtimeService(key="right") as service, pytest.raises(KameError, match=r"does not answer .*401") as error:
        opened(service)
    assert "wrong" not in str(error.value)
    with RealtimeService() as service:
        stream = opened(service)
        with pytest.raises(KameError, match="NaN"):
            stream.push(np.full(10, np.nan, np.float32))
        assert stream.close() == [] == stream.close()
        with pytest.raises(KameError, match="closed"):
            stream.push(silence(0.1))
