"""Each check refuses its own fault, and sound without fault passes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import Refusal
from pipeline.records import Role, Word
from pipeline.speech.checks import check_speech

RATE = 24_000


def word(turn: int, role: Role, text: str, start: float, end: float) -> Word:
    return Word(turn, role, text, start, end)


WORDS = (
    word(0, "user", "What", 0.5, 0.75),
    word(0, "user", "is", 0.75, 0.9),
    word(0, "user", "seventeen?", 0.9, 1.5),
    word(1, "assistant", "It", 2.0, 2.2),
    word(1, "assistant", "is", 2.2, 2.4),
    word(1, "assistant", "a number.", 2.4, 3.0),
)


def sound(words: tuple[Word, ...] = WORDS, level: int = 3000) -> NDArray[np.int16]:
    samples = np.zeros((4 * RATE, 2), np.int16)
    noise = np.random.default_rng(0).integers(-level, level + 1, 4 * RATE)
    for w in words:
        span = slice(round(w.start * RATE), round(w.end * RATE))
        samples[span, 1 if w.role == "user" else 0] = noise[span]
    return samples


def refused(samples: NDArray[np.int16], words: tuple[Word, ...] = WORDS) -> str:
    with pytest.raises(Refusal) as refusal:
        check_speech(samples, words, "en")
    return refusal.value.reason


def test_good_sound_passes() -> None:
    check_speech(sound(), WORDS, "en")


def test_swapped_channels() -> None:
    assert refused(sound()[:, ::-1]) == "channel_swap"


def test_a_silent_channel() -> None:
    samples = sound()
    samples[:, 0] = 0
    assert refused(samples) == "silent_channel"
    assert refused(sound(level=20)) == "silent_channel"


def test_both_sides_in_both_channels() -> None:
    samples = sound()
    assert refused(samples + samples[:, ::-1] // 4) == "channel_leak"


def test_overlap_is_no_leak() -> None:
    words = (*WORDS[:3], word(1, "assistant", "Seventeen is", 1.2, 2.0), word(1, "assistant", "a number.", 2.0, 2.6))
    check_speech(sound(words), words, "en")


def test_clipping() -> None:
    samples = sound()
    samples[13_000:13_020, 1] = 32767
    assert refused(samples) == "clipping"


def test_a_word_without_sound() -> None:
    samples = sound()
    samples[round(0.76 * RATE) : round(0.9 * RATE), 1] = 0
    samples[round(0.75 * RATE) : round(0.76 * RATE), 1] //= 200
    assert refused(samples) == "silent_word"


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (0.4, False), (3.0, False)])
def test_rate(factor: float, passes: bool) -> None:
    step = 0.25 * factor
    texts = ("There", "are", "ten", "of", "us")
    words = tuple(word(0, "user", t, 0.1 + i * step, 0.1 + (i + 1) * step) for i, t in enumerate(texts))
    if passes:
        check_speech(sound(words), words, "en")
    else:
        assert refused(sound(words), words) == "rate"


@pytest.mark.parametrize(
    "words",
    [
        (),
        (word(0, "user", "late", 3.5, 4.1),),
        (word(0, "user", "early", -0.1, 0.2),),
        (word(0, "user", "empty", 1.0, 1.0),),
        (word(0, "user", "one", 1.0, 1.5), word(0, "user", "two", 1.4, 2.0)),
        (word(1, "assistant", "one", 1.0, 1.5), word(0, "user", "two", 1.6, 2.0)),
    ],
)
def test_times_that_cannot_be(words: tuple[Word, ...]) -> None:
    assert refused(sound(), words) == "word_times"
