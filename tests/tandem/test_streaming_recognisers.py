"""Recognisers at work: specs, resampling, and turns put together from lines."""

import re
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.errors import KameError, UsageError
from kame_data.tandem.frames import RATE
from kame_data.tandem.streaming_recognisers import ENGINES, streaming_recogniser
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.streaming_recognisers.resampling import To16k
from kame_data.tandem.streaming_recognisers.turns import Turns


def test_specs() -> None:
    assert streaming_recogniser("none") is None
    for spec in ("whisper", "", "moonshin:x", "none:x"):
        with pytest.raises(UsageError, match=r"no such recogniser; use moonshine.* or none"):
            streaming_recogniser(spec)
    for engine in ENGINES.values():
        with pytest.raises(UsageError, match=re.escape(f"use {engine.form}")):
            streaming_recogniser(f"{engine.name}:x" if engine.bare else engine.name)
    with pytest.raises(UsageError, match="silence of 0 s"):
        streaming_recogniser("moonshine", 0)


def test_the_page_names_all_recognisers() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "TANDEM.md").read_text("utf-8")
    assert all(f"| `{name}" in page for name in (*ENGINES, "none"))


def test_a_package_that_is_missing_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    from kame_data.tandem import streaming_recognisers

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(streaming_recognisers, "version", missing)
    with pytest.raises(KameError, match=r"moonshine: the package moonshine-voice is missing; pip install 'kame-data\["):
        streaming_recogniser("moonshine")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 4000), min_size=1, max_size=40))
def test_pieces_are_resampled_as_the_whole(sizes: list[int]) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, sum(sizes)).astype(np.float32)
    to_16k = To16k()
    pieces = [to_16k.next(piece) for piece in np.split(sound, np.cumsum(sizes)[:-1])]
    heard = np.concatenate([*pieces, to_16k.end()])
    whole = soxr.resample(sound, RATE, 16_000)
    assert len(heard) == len(whole)
    np.testing.assert_allclose(heard, whole, atol=1e-6)


def test_an_hour_of_sound_does_not_drift() -> None:
    to_16k, frame = To16k(), np.zeros(1920, np.float32)
    given_back = sum(len(to_16k.next(frame)) for _ in range(45_000))
    assert 45_000 * 1280 - given_back < 800, "what waits is some milliseconds"
    assert given_back + len(to_16k.end()) == 45_000 * 1280


@pytest.mark.parametrize(
    "bad", [np.full(10, np.inf, np.float32), np.zeros((1, 10), np.float32), np.zeros(10, np.float64), [0.0]]
)
def test_what_is_no_sound_never_reaches_the_resampler(bad: np.ndarray) -> None:
    with pytest.raises(KameError, match="sound"):
        To16k().next(bad)


def test_lines_of_a_turn_are_joined() -> None:
    turns = Turns("en", 0.8)
    assert turns.passes(5.0) == []
    assert turns.line_changes(1.5, " What is ", start=1.0) == [
        SpeechEvent("start", 1.0),
        SpeechEvent("interim", 1.5, "What is", 0),
    ]
    assert turns.line_changes(2.0, "What is") == [], "nothing has changed"
    assert turns.line_changes(2.0, "What's two", stable=6) == [SpeechEvent("interim", 2.0, "What's two", 6)]
    assert turns.line_ends(2.2, "What's two") == [SpeechEvent("final", 2.2, "What's two", 10)]
    assert turns.passes(2.9) == [] and not turns.due(2.9)
    assert turns.line_changes(3.2, "and", start=2.9) == [SpeechEvent("interim", 3.2, "What's two and", 10)]
    assert turns.passes(9.0) == [], "a line is open"
    assert turns.line_changes(3.4, "and two", stable=3) == [SpeechEvent("interim", 3.4, "What's two and two", 14)]
    assert turns.line_ends(3.5, "and two?") == [SpeechEvent("final", 3.5, "What's two and two?", 19)]
    assert turns.passes(4.31) == [SpeechEvent("end", 3.5, "What's two and two?", 19)]
    assert turns.passes(9.0) == turns.end() == []


def test_a_turn_without_words_and_one_that_is_broken_off() -> None:
    turns = Turns("zh", 0.5)
    assert turns.line_ends(1.0, "", start=0.8) == [SpeechEvent("start", 0.8)]
    assert turns.passes(1.5) == [SpeechEvent("end", 1.0)]
    assert turns.line_changes(2.5, "二加二", start=2.0)[-1] == SpeechEvent("interim", 2.5, "二加二")
    assert turns.line_ends(2.6, "二加二")[-1].text == "二加二"
    assert turns.line_changes(3.0, "等于") == [SpeechEvent("interim", 3.0, "二加二等于", 3)]
    assert turns.line_changes(3.1, "") == [SpeechEvent("interim", 3.1, "二加二", 3)], "rewritten to nothing"
    assert turns.line_changes(3.2, "几") == [SpeechEvent("interim", 3.2, "二加二几", 3)]
    assert turns.end() == [SpeechEvent("end", 3.2, "二加二几", 4)]
