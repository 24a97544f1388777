"""Each check refuses its own fault, and sound without fault passes."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.records import AudioChecks, Role, Word
from kame_data.settings.speech import CheckSettings, SoundSettings
from kame_data.speech.checks import check_clip, check_loudness, check_speech, measure
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words

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


def test_noise_in_the_users_channel_is_no_leak_but_the_assistants_stays_clean() -> None:
    samples = sound()
    noise = np.random.default_rng(1).integers(-300, 301, len(samples))
    samples[:, 1] += noise.astype(np.int16)
    check_speech(samples, WORDS, "en", user_alone=False)
    assert refused(samples) == "channel_leak"
    samples[:, 0] += noise.astype(np.int16)
    with pytest.raises(Refusal, match="channel_leak"):
        check_speech(samples, WORDS, "en", user_alone=False)


BACK_CHANNEL = word(1, "assistant", "mm-hm,", 0.55, 0.65)


def test_a_back_channel_lies_in_the_other_sides_turn_and_hides_no_leak() -> None:
    late = tuple(word(2, w.role, w.word, w.start, w.end) for w in WORDS[3:])
    words = (*WORDS[:3], BACK_CHANNEL, *late)
    samples = sound(words)
    check_speech(samples, words, "en")
    samples[round(1.2 * RATE) : round(1.4 * RATE), 0] = samples[round(1.2 * RATE) : round(1.4 * RATE), 1]
    assert refused(samples, words) == "channel_leak"


def test_nobody_speaks_over_themselves() -> None:
    words = (*WORDS[:3], word(1, "user", "uh-huh,", 1.4, 1.6))
    assert refused(sound(words), words) == "word_times"


@pytest.mark.parametrize(("user", "assistant", "level", "passes"), [
    (-23.4, -22.9, 0.0, True), (-29.0, -23.0, -6.0, True), (-29.0, -23.0, 0.0, False), (-23.0, -20.0, 0.0, False),
    (None, None, 0.0, True),
])  # fmt: skip
def test_loudness(user: float | None, assistant: float | None, level: float, passes: bool) -> None:
    found = AudioChecks(None, None, None, user, assistant)
    if passes:
        check_loudness(found, SoundSettings(), level)
    else:
        with pytest.raises(Refusal, match="loudness"):
            check_loudness(found, SoundSettings(), level)


TEXT = "The farmer sold forty apples and seven pears at the market."


@pytest.fixture(scope="module")
def clip() -> Iterator[Clip]:
    with EspeakSynthesizer(1) as synthesizer:
        (spoken,) = synthesizer.synthesize([Utterance(TEXT, "en-us")])
        assert isinstance(spoken, Clip)
        yield spoken


def clip_refused(samples: NDArray[np.int16], clip: Clip, **more: float) -> str:
    changed = Clip(samples.astype(np.int16), clip.sample_rate, clip.words, "", **more)  # type: ignore[arg-type]
    try:
        check_clip(changed, split_words(TEXT), "en", CheckSettings())
    except Refusal as refusal:
        return refusal.reason
    return ""


def test_clips_with_and_without_fault(clip: Clip) -> None:
    sound = clip.samples
    start = int(np.argmax(np.abs(sound)))
    assert clip_refused(sound, clip) == ""
    assert clip_refused(sound // 30, clip) == ""
    assert clip_refused(np.zeros_like(sound), clip) == clip_refused(sound[:0], clip) == "silence"
    assert clip_refused(np.clip(sound.astype(np.int32) * 8, -32768, 32767), clip) == "clipping"
    assert clip_refused(sound[: start + 60], clip) == "truncated"
    assert clip_refused(sound[start:], clip) == "truncated"
    assert clip_refused(np.concatenate([sound, np.zeros(20 * clip.sample_rate, np.int16)]), clip) == "duration"
    assert clip_refused(sound, clip, wer=0.5) == "wer"
    assert clip_refused(sound, clip, wer=0.1) == ""


def test_a_hole_in_a_clip(clip: Clip) -> None:
    """A word that is silenced, and 100 ms of nothing anywhere within speech; a pause between words is none."""
    rate, words = clip.sample_rate, split_words(TEXT)
    for start, end in clip.words[1:-1]:
        silenced = clip.samples.copy()
        silenced[round(start * rate) : round(end * rate)] = 0
        assert clip_refused(silenced, clip) in ("silent_word", "hole")
    for start, end in clip.words[1:-1]:
        for at in np.arange(start, end - 0.03, 0.04):
            holed = clip.samples.copy()
            holed[round(at * rate) : round((at + 0.1) * rate)] = 0
            assert clip_refused(holed, clip) in ("silent_word", "hole"), at
    gap = round(clip.words[len(words) // 2][0] * rate)
    paused = np.concatenate([clip.samples[:gap], np.zeros(rate // 2, np.int16), clip.samples[gap:]])
    moved = tuple((a, b) if b * rate <= gap else (a + 0.5, b + 0.5) for a, b in clip.words)
    check_clip(Clip(paused, rate, moved), words, "en", CheckSettings())


@pytest.mark.parametrize("level", [0.8, 0.6, 0.3])
def test_a_single_crest_that_is_cut_off(clip: Clip, level: float) -> None:
    top = int(np.abs(clip.samples).max())
    assert clip_refused(np.clip(clip.samples, -round(level * top), round(level * top)), clip) == "clipping"


def test_the_loudest_variant_of_espeak_does_not_clip() -> None:
    with EspeakSynthesizer(1) as synthesizer:
        jobs = [
            Utterance(TEXT, f"{accent}+adam", "en", 170, pitch) for accent in ("en-us", "en-gb") for pitch in (-1, 1)
        ]
        for job, spoken in zip(jobs, synthesizer.synthesize(jobs), strict=True):
            assert isinstance(spoken, Clip), job
            assert np.abs(spoken.samples.astype(np.int32)).max() < 24_000
            check_clip(spoken, split_words(TEXT), "en", CheckSettings())


def test_what_is_noted_of_a_row(clip: Clip) -> None:
    from dataclasses import replace

    heard = [replace(clip, alignment=7.0), replace(clip, alignment=3.5, wer=0.2)]
    found = measure(heard, sound(), WORDS)
    assert (found.alignment, found.user_wer, found.assistant_wer) == (3.5, None, 0.2)
    assert found.user_lufs is not None and found.assistant_lufs is not None
    assert found.user_lufs == pytest.approx(found.assistant_lufs, abs=1)
    assert measure([clip, clip], np.zeros((4 * RATE, 2), np.int16), WORDS) == AudioChecks(*[None] * 5)


def test_sound_outside_the_turns() -> None:
    samples = sound()
    samples[round(3.4 * RATE) : round(3.6 * RATE), 0] = samples[round(2.5 * RATE) : round(2.7 * RATE), 0]
    assert refused(samples) == "stray_sound"
