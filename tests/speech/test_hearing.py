"""Word error rates, recognisers that cannot be had, and moonshine at work."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from building import settings_of
from kame_data.engine.makers import check_voices
from kame_data.errors import KameError, UsageError
from kame_data.speech.hearing import WerMeasure, normalise, recognise, word_error_rate
from kame_data.speech.recognisers.base import RecogniserEngine
from kame_data.speech.recognisers.engines import ENGINES, engine_of
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.engines import open_synthesizer


def test_text_is_compared_as_it_is_said() -> None:
    assert normalise("It\u2019s a well-known FACT: forty-two!") == [
        "it's",
        "a",
        "well",
        "known",
        "fact",
        "forty",
        "two",
    ]
    assert normalise("I have 42 apples.") == normalise("i have forty-two apples")


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("One two three four.", "one two three four", 0.0),
        ("One two three four.", "One too three four", 0.25),
        ("One two three four.", "one two four", 0.25),
        ("One two.", "one two three four", 1.0),
        ("One two.", "", 1.0),
        ("It costs 42 dollars.", "it costs forty two dollars", 0.0),
    ],
)
def test_rates(said: str, heard: str, rate: float) -> None:
    pytest.importorskip("jiwer")
    assert word_error_rate(said, heard) == rate


def test_specs() -> None:
    assert engine_of("faster-whisper:base.en").name == "faster-whisper" and engine_of("moonshine").name == "moonshine"
    for spec in ("whisper:base", ""):
        with pytest.raises(UsageError, match="use faster-whisper:MODEL or moonshine"):
            engine_of(spec)
    with pytest.raises(UsageError, match=r"name a model, as in faster-whisper:base\.en"):
        engine_of("faster-whisper:")
    with pytest.raises(UsageError, match="moonshine:base: it has one model"):
        engine_of("moonshine:base")


def test_a_language_that_it_does_not_hear_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("moonshine_voice")
    WerMeasure("moonshine").check(["en", "en-GB"])
    assert WerMeasure("moonshine").version("zh") is None
    with pytest.raises(UsageError, match="--asr moonshine: it hears en, not 'zh'; name another, or none"):
        WerMeasure("moonshine").check(["en", "zh"])
    with pytest.raises(UsageError, match="--asr moonshine: it hears en, not 'zh'"):
        check_voices(settings_of(tmp_path, speak=True, languages=["zh"], speech={"checks": {"asr": "moonshine"}}))


@pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))
def test_a_package_that_is_missing_is_one_clear_line(engine: RecogniserEngine) -> None:
    with pytest.raises(KameError, match=rf"--asr .*the package no-such-package is missing; .*kame-data.{engine.extra}"):
        replace(engine, package="no-such-package").version()


def test_a_model_that_cannot_be_had_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(KameError, match="the model cannot be had") as error:
        recognise(f"faster-whisper:{tmp_path}", np.ones(1600, np.int16), 16_000, "en")
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_moonshine_hears_what_was_said_and_nothing_else() -> None:
    pytest.importorskip("moonshine_voice")
    text = "Could you work this out for me? She drinks five hundred milliliters of water every two hours."
    other = "The planet Mercury travels around the Sun, and its orbit is nearly a circle."
    measure = WerMeasure("moonshine")
    with open_synthesizer("espeak") as synthesizer:
        said = Utterance(text, "en-us")
        (clip,) = synthesizer.synthesize([said])
        # Longer than the model can hear at once: a sentence that is said again is heard again.
        (long,) = synthesizer.synthesize([Utterance(" ".join([text] * 6), "en-us")])
    assert isinstance(clip, Clip) and isinstance(long, Clip)
    first = measure.measure(clip, said)
    assert first is not None and first < 0.35
    assert (measure.measure(clip, replace(said, text=other)) or 0) > 0.8
    assert long.duration > 30
    heard = normalise(recognise("moonshine", long.samples, long.sample_rate, "en"))
    assert 0.8 < len(heard) / len(normalise(" ".join([text] * 6))) < 1.2
    assert measure.measure(clip, said) == first, "what was heard before changes nothing"
