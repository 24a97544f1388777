"""What a microphone and a line add moves nothing in time, and is the same each time."""

import numpy as np
import pytest
from scipy.signal import correlate, welch

from kame_data.records import SAMPLE_RATE
from kame_data.settings.speech import SoundSettings
from kame_data.speech import effects, sound
from kame_data.speech.sound import Mono

SPANS = [(6_000, 30_000), (40_000, 60_001)]


def speech() -> Mono:
    """Noise in the band of speech, in two spans with silence around."""
    draws = np.random.default_rng(0)
    samples = np.zeros(71_999, np.float32)
    for start, end in SPANS:
        samples[start:end] = 0.1 * np.convolve(draws.standard_normal(end - start), np.ones(4) / 2, "same")
    return samples


def settings(**values: object) -> SoundSettings:
    return SoundSettings.model_validate(values)


EVERY = {"room": 1, "noise": 1, "telephone": 1}


@pytest.mark.parametrize("name", ["room", "noise", "telephone"])
def test_words_stay_where_they_are(name: str) -> None:
    clean = speech()
    heard = effects.apply(clean, SPANS, settings(**{name: 1}), 0, "d")
    assert heard.shape == clean.shape and heard.dtype == np.float32
    assert not np.array_equal(heard, clean)
    lag = int(np.argmax(correlate(heard, clean, "full", "fft"))) - (len(clean) - 1)
    assert lag == 0


def test_nothing_is_drawn_at_share_0() -> None:
    clean = speech()
    assert effects.apply(clean, SPANS, settings(), 0, "d") is clean
    some = [effects.apply(clean, SPANS, settings(noise=0.5), 0, f"d{n}") is clean for n in range(60)]
    assert 18 <= sum(some) <= 42


def test_the_same_bytes_each_time_and_others_for_another_dialogue() -> None:
    one, two, other = (effects.apply(speech(), SPANS, settings(**EVERY), 7, name) for name in ("a", "a", "b"))
    assert one.tobytes() == two.tobytes() != other.tobytes()


def test_noise_has_its_ratio_to_the_speech() -> None:
    clean = speech()
    noise = effects.apply(clean, SPANS, settings(noise=1, snr=12), 3, "d") - clean
    voice = np.concatenate([clean[a:b] for a, b in SPANS])
    assert 10 * np.log10(np.mean(voice**2) / np.mean(noise**2)) == pytest.approx(12, abs=0.1)


def test_a_telephone_has_its_band() -> None:
    draws = np.random.default_rng(1)
    white = (0.1 * draws.standard_normal(5 * SAMPLE_RATE)).astype(np.float32)
    hertz, power = welch(
        effects.apply(white, [(0, len(white))], settings(telephone=1), 0, "d"), SAMPLE_RATE, nperseg=2048
    )
    decibels = 10 * np.log10(power / np.median(power[(hertz > 600) & (hertz < 3000)]))
    assert np.all(np.abs(decibels[(hertz > 500) & (hertz < 3100)]) < 3)
    assert np.all(decibels[(hertz < 100) | (hertz > 4300)] < -25)


def test_an_echo_falls_by_60_decibels_in_its_time() -> None:
    click = np.zeros(2 * SAMPLE_RATE, np.float32)
    click[0] = 0.5
    echo = effects.apply(click, [(0, 1)], settings(room=1, rt60=0.4), 0, "d")
    assert np.argmax(np.abs(echo)) == 0
    left = np.cumsum(np.square(echo[::-1].astype(np.float64)))[::-1]
    early, late = left[round(0.05 * SAMPLE_RATE)], left[round(0.25 * SAMPLE_RATE)]
    assert 10 * np.log10(early / late) == pytest.approx(60 * 0.2 / 0.4, abs=4)
    assert not np.any(echo[round(0.45 * SAMPLE_RATE) :] > 1e-4)


def test_effects_keep_the_loudness_of_speech() -> None:
    clean = speech()
    for name in ("room", "telephone"):
        heard = effects.apply(clean, SPANS, settings(**{name: 1}), 0, "d")
        levels = [np.mean(np.concatenate([x[a:b] for a, b in SPANS]) ** 2) for x in (clean, heard)]
        assert 10 * np.log10(levels[1] / levels[0]) == pytest.approx(0, abs=0.1)


def test_the_users_level_is_drawn() -> None:
    level = settings(user_level=[-6, 6])
    found = {round(effects.user_gain(level, 0, f"d{n}"), 6) for n in range(20)}
    assert len(found) == 20 and min(found) >= 0.5 and max(found) <= 2.0
    assert effects.user_gain(settings(), 0, "d") == 1.0


def test_loudness_is_that_of_the_standard() -> None:
    # BS.1770: a sine of 997 Hz at full scale in one channel has -3.01 LUFS.
    seconds = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    sine = np.sin(2 * np.pi * 997 * seconds).astype(np.float32)
    assert sound.loudness(sine) == pytest.approx(-3.01, abs=0.1)
    short = sine[: SAMPLE_RATE // 10]
    assert sound.loudness(short) == pytest.approx(-3.01, abs=0.3)
    assert sound.loudness(np.zeros(SAMPLE_RATE, np.float32)) is None
    assert sound.loudness(np.zeros(0, np.float32)) is None
    factor = sound.loudness_gain([sine * 0.01, sine * 0.02], -23.0)
    assert sound.loudness(np.concatenate([sine * 0.01, sine * 0.02]) * np.float32(factor)) == pytest.approx(
        -23, abs=0.05
    )


def test_peaks_are_limited_and_never_cut_off() -> None:
    loud = speech() * 12
    assert np.abs(loud).max() > 1.5
    limited = sound.limit(loud)
    assert np.abs(limited).max() <= sound.amplitude(sound.PEAK_DBFS) + 1e-6
    # The gain moves slowly: no crest is flat.
    gain = limited[SPANS[0][0] : SPANS[0][1]] / loud[SPANS[0][0] : SPANS[0][1]]
    assert np.nanmax(np.abs(np.diff(gain))) < 0.02
    assert int(np.argmax(correlate(limited, loud, "full", "fft"))) == len(loud) - 1
    quiet = speech()
    assert sound.limit(quiet) is quiet
    assert np.abs(sound.to_int16(loud).astype(int)).max() < 29_300
