"""Google's Speech-to-Text, by its own client against a loopback gRPC service that speaks the wire format."""

import time

import numpy as np
import pytest

pytest.importorskip("google.cloud.speech_v1", reason="needs the extra google")
import grpc

from kame_data.errors import KameError
from kame_data.tandem.frames import RATE
from kame_data.tandem.streaming_recognisers import google, streaming_recogniser
from kame_data.tandem.streaming_recognisers.base import HearingStream
from kame_data.tandem.streaming_recognisers.google import GoogleRecogniser
from tandem.google_service import GoogleService
from tandem.hearing import check_order, hear, silence, texts
from tandem.tones import WORDS, said

SPOKEN = np.concatenate([silence(0.7), said("one", "two", "three"), silence(0.65), said("four"), silence(1.6)])


def opened(service: GoogleService) -> HearingStream:
    return GoogleRecogniser(service.client).open("en")


def test_stable_and_unstable_results_are_one_line() -> None:
    with GoogleService() as service:
        events = hear(opened(service), np.concatenate([SPOKEN, said("five", "six")]), speed=8)
        check_order(events)
        assert texts(events, "end") == ["one two three four", "five six"]
        assert texts(events, "final") == ["one two three", "one two three four", "five six"]
        interims = [event for _, event in events if event.kind == "interim"]
        assert any(event.text == "one two" for event in interims), "the stable part is not lost"
        assert {event.stable for event in interims} <= {0, len("one two three")}
        starts = [event.time for _, event in events if event.kind == "start"]
        assert starts == pytest.approx([0.7, len(SPOKEN) / RATE], abs=0.17)
        (config,) = service.configs
        assert config.interim_results and config.config.sample_rate_hertz == 16_000
        assert config.config.language_code == "en-US" and not config.single_utterance
        deadline = time.monotonic() + 10
        while service.open and time.monotonic() < deadline:
            time.sleep(0.05)
        assert service.open == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "oldest", "cap", "words"), [(4.0, 20.0, 30.0, 9), (99.0, 8.0, 30.0, 15), (99.0, 99.0, 9.0, 9)]
)
def test_a_stream_is_renewed_before_and_behind_the_cap_and_no_word_is_lost(
    old: float, oldest: float, cap: float, words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google, "OLD_S", old)
    monkeypatch.setattr(google, "OLDEST_S", oldest)
    spoken = [WORDS[n * 7 % 10] for n in range(60)]
    pauses = [silence(0.65 if n % words == words - 1 else 0.0) for n in range(60)]
    sound = np.concatenate([piece for n, word in enumerate(spoken) for piece in (said(word), pauses[n])])
    with GoogleService(cap) as service:
        events = hear(opened(service), np.concatenate([sound, silence(1.6)]), speed=3)
        check_order(events)
        assert texts(events, "end") == [" ".join(spoken)]
        assert len(service.configs) >= 3, "streams were renewed"
        if cap == 30.0:
            assert max(service.lengths) < cap


def test_a_stream_that_breaks_is_begun_again() -> None:
    with GoogleService(breaks=2) as service:
        assert texts(hear(opened(service), SPOKEN, speed=8), "end") == ["one two three four"]
        assert len(service.configs) == 3


@pytest.mark.parametrize(
    ("service", "line"),
    [
        (GoogleService(refuses=grpc.StatusCode.PERMISSION_DENIED), "PERMISSION_DENIED: .*no such permission"),
        (GoogleService(breaks=99), "UNAVAILABLE: .*502:Bad Gateway"),
    ],
)
def test_a_service_that_refuses_or_keeps_breaking_is_one_clear_line(service: GoogleService, line: str) -> None:
    with service:
        stream = opened(service)
        with pytest.raises(KameError, match=f"recogniser google: {line}; it hears no more") as error:
            hear(stream, np.concatenate([SPOKEN, silence(5.0)]), speed=8)
        assert "\n" not in str(error.value)
        stream.close()


def test_what_is_wrong_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/key.json")
    with pytest.raises(KameError, match=r"google: it does not begin \(.*key\.json.*\); set GOOGLE_APPL"):
        streaming_recogniser("google")
    with GoogleService() as service:
        stream = opened(service)
        with pytest.raises(KameError, match="NaN"):
            stream.push(np.full(10, np.nan, np.float32))
        assert stream.close() == [] == stream.close()
