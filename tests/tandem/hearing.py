"""Shared by the tests of recognisers at work: speech to hear, in frames as a conversation has them."""

import time
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.tandem.frames import RATE, SAMPLES
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers.base import HearingStream, SpeechEvent

READING = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light,"
)
"""What a person reads in the first 15.3 s of the sample that comes with moonshine."""


@cache
def reading(seconds: float = 15.3) -> Sound:
    """A person's reading, f32 (n,) at 24 kHz."""
    import moonshine_voice

    path = Path(moonshine_voice.__file__).parent / "assets" / "two_cities.wav"
    sound, rate = soundfile.read(str(path), dtype="float32", always_2d=True, stop=round(seconds * 48_000))
    return np.asarray(soxr.resample(sound[:, 0], rate, RATE), np.float32)


@cache
def spoken(text: str, voice: str = "en-us") -> Sound:
    """A text in espeak's voice, f32 (n,) at 24 kHz."""
    with open_synthesizer("espeak") as synthesizer:
        (clip,) = synthesizer.synthesize([Utterance(text, voice)])
    assert isinstance(clip, Clip)
    scaled = clip.samples.astype(np.float32) / np.float32(32_768)
    return np.asarray(soxr.resample(scaled, clip.sample_rate, RATE), np.float32)


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE), np.float32)


def hear(
    stream: HearingStream, sound: Sound, close: bool = True, speed: float | None = None
) -> list[tuple[float, SpeechEvent]]:
    """All events, each with the seconds of sound that were pushed when it came. `speed`: so many times real time, for
    services that hear at their own pace; else as fast as it goes."""
    events = []
    for at in range(0, len(sound), SAMPLES):
        frame = sound[at : at + SAMPLES]
        events += [((at + len(frame)) / RATE, event) for event in stream.push(frame)]
        if speed is not None:
            time.sleep(SAMPLES / RATE / speed)
    if close:
        events += [(len(sound) / RATE, event) for event in stream.close()]
    return events


def texts(events: list[tuple[float, SpeechEvent]], kind: str) -> list[str]:
    return [event.text for _, event in events if event.kind == kind]


def check_order(events: list[tuple[float, SpeechEvent]]) -> None:
    """Whoever hears keeps these: a turn starts before it has words and ends once, what is stable stays, and nothing is
    heard before it was said."""
    speaks, before = False, SpeechEvent("end", 0.0)
    for pushed, event in events:
        assert 0 <= event.time <= pushed + 1e-6
        assert 0 <= event.stable <= len(event.text)
        assert (event.kind == "start") is not speaks
        if before.kind in ("interim", "final"):
            assert event.text.startswith(before.text[: before.stable])
        speaks, before = event.kind != "end", event
    assert not speaks
