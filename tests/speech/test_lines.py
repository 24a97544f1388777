"""A turn's sound: its words, pauses and cut, in sound whose every sample is known."""

from itertools import pairwise

import numpy as np
import pytest

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE
from kame_data.speech.lines import CUT_FADE_S, MARGIN_S, REACH_S, Line, line_of
from kame_data.speech.voices.base import Clip, Utterance
from talking import Hum

TEXT = "What is seven, plus three times five?"
CLIP = Hum().say(Utterance(TEXT, "train-1"))


def hum(seconds: float, level: int = 8000, rate: int = 24_000) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 150 * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def silences(line: Line) -> list[int]:
    return [b[0] - a[1] for a, b in pairwise(line.words)]


def test_a_line_begins_with_its_first_word_and_ends_with_its_last() -> None:
    line = line_of(CLIP, 7, {})
    assert len(line.words) == 7 and line.words[0][0] == 0 and line.lead % 24 == 0
    assert 0 <= line.lead <= MARGIN_S * SAMPLE_RATE
    assert len(line.samples) - line.lead - line.length <= MARGIN_S * SAMPLE_RATE
    for (start, end), (first, last) in zip(line.words, CLIP.words, strict=True):
        assert start / SAMPLE_RATE == pytest.approx(first - CLIP.words[0][0], abs=1e-4)
        assert end - start == pytest.approx((last - first) * SAMPLE_RATE, abs=2)


def test_pauses_are_as_long_as_wanted_and_silent() -> None:
    plain, line = line_of(CLIP, 7, {}), line_of(CLIP, 7, {1: 0.25, 3: 0.5, 6: 1.2})
    wanted = {0: 6000, 2: 12_000, 5: 28_800}
    for number, (before, after) in enumerate(zip(silences(plain), silences(line), strict=True)):
        assert after == wanted.get(number, before)
    assert line.pauses == (1, 3, 6)
    for at in line.pauses:
        start, end = line.words[at - 1][1], line.words[at][0]
        assert np.abs(line.samples[line.lead + start + 300 : line.lead + end - 300]).max() < 1e-4
    # Nothing is added to the words or taken from them but at the places themselves.
    assert len(line.samples) - len(plain.samples) == line.length - plain.length
    lengths = [[end - start for start, end in each.words] for each in (plain, line)]
    assert lengths[1] == pytest.approx(lengths[0], abs=REACH_S * SAMPLE_RATE)
    assert sum(lengths[1]) == sum(lengths[0])


def test_a_voice_that_pauses_longer_by_itself_stays_at_that() -> None:
    plain, line = line_of(CLIP, 7, {}), line_of(CLIP, 7, {3: 0.05})
    assert silences(plain)[2] == pytest.approx(2400, abs=2)
    assert line.words == plain.words and np.array_equal(line.samples, plain.samples) and line.pauses == (3,)


def test_a_pause_goes_where_it_is_quiet() -> None:
    # The words are timed to meet in the sound; the silence between them is 15 ms after that.
    samples = np.concatenate([hum(0.415), np.zeros(240, np.int16), hum(0.575)])
    line = line_of(Clip(samples, 24_000, ((0.0, 0.4), (0.4, 1.0))), 2, {1: 0.5})
    (_, end), (start, _) = line.words
    assert 0.41 <= end / SAMPLE_RATE <= 0.43 and start - end == 12_000
    assert np.sqrt(np.mean(line.samples[end - 2400 : end] ** 2)) > 0.1
    assert np.sqrt(np.mean(line.samples[start : start + 2400] ** 2)) > 0.1


def test_nothing_clicks() -> None:
    # One long vowel, cut in the midst of it: the worst that can be.
    line = line_of(Clip(hum(1.0), 24_000, ((0.0, 0.5), (0.5, 1.0))), 2, {1: 0.3})
    steps = np.abs(np.diff(line.samples[: line.lead + line.length]))
    assert steps.max() <= np.abs(np.diff(hum(1.0) / 32768)).max() * 1.1


def test_a_cut_ends_softly_with_the_last_word_said() -> None:
    whole, cut = line_of(CLIP, 7, {}), line_of(CLIP, 4, {})
    assert cut.words == whole.words[:4] and len(cut.samples) == cut.lead + cut.length
    fade = round(CUT_FADE_S * SAMPLE_RATE)
    assert np.allclose(cut.samples[:-fade], whole.samples[: len(cut.samples) - fade], atol=2e-3)
    assert abs(float(cut.samples[-1])) < 1e-4
    paused = line_of(CLIP, 4, {3: 0.5})
    assert len(paused.words) == 4 and silences(paused)[2] == 12_000


def test_words_without_a_sample_are_refused() -> None:
    with pytest.raises(Refusal, match="word_times"):
        line_of(Clip(hum(1.0), 24_000, ((0.0, 0.5), (0.5, 0.50001))), 2, {})


def test_single_samples_survive_any_pauses() -> None:
    spans = tuple((at / 24_000, (at + 1) / 24_000) for at in range(6))
    line = line_of(Clip(hum(0.1), 24_000, spans), 6, dict.fromkeys(range(1, 6), 0.1))
    assert all(start < end for start, end in line.words) and silences(line) == [2400] * 5
