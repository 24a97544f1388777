"""Word error rates, and a recogniser that cannot be had; no model is at hand here that hears anything."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import KameError, UsageError
from pipeline.speech.asr import WerMeasure, normalise, parse_asr, recognise, word_error_rate


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
    assert parse_asr("faster-whisper:base.en") == "base.en"
    for spec in ("whisper:base", "faster-whisper", "faster-whisper:", ""):
        with pytest.raises(UsageError, match="faster-whisper:MODEL"):
            parse_asr(spec)
    assert WerMeasure("faster-whisper:base.en").field == "wer"


def test_a_model_that_cannot_be_had_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(KameError, match="the model cannot be had") as error:
        recognise(str(tmp_path), np.ones(1600, np.int16), 16_000, "en")
    assert "\n" not in str(error.value)
