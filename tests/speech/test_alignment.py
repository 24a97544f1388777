"""The words are in the sound, or they are not: with real clips, damaged for real."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE
from kame_data.settings.speech import CheckSettings, SoundSettings
from kame_data.speech import effects
from kame_data.speech.checks import check_clip
from kame_data.speech.sound import FULL_SCALE, resample
from kame_data.speech.timing.acoustic import english, features
from kame_data.speech.timing.alignment import LIMIT, Alignment, AlignmentMeasure, score, version
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words

TEXT = "How many bottles of water would the baker need for seventeen thirsty customers on Monday?"
OTHER = "Several elephants walked slowly across the dusty yellow plain."
WORDS = split_words(TEXT)


@pytest.fixture(scope="module")
def espeak() -> Iterator[EspeakSynthesizer]:
    with EspeakSynthesizer(1) as synthesizer:
        yield synthesizer


# Slowly said: of faster speech the score misses more of these (docs/SPEECH.md says how many).
PACE = 120


def speak(espeak: EspeakSynthesizer, text: str = TEXT, voice: str = "en-us", **more: object) -> Clip:
    (clip,) = espeak.synthesize([Utterance(text, voice, **({"words_per_minute": PACE} | more))])  # type: ignore[arg-type]
    assert isinstance(clip, Clip)
    return clip


@pytest.fixture(scope="module")
def clip(espeak: EspeakSynthesizer) -> Clip:
    return speak(espeak)


def found(samples: NDArray[np.int16], rate: int, words: list[str] = WORDS) -> Alignment:
    alignment = score(samples, rate, words, "en")
    assert alignment is not None
    return alignment


def span(clip: Clip, word: int) -> tuple[int, int]:
    start, end = clip.words[word]
    return round(start * clip.sample_rate), round(end * clip.sample_rate)


def test_words_that_are_there_are_found_where_they_are(clip: Clip) -> None:
    alignment = found(clip.samples, clip.sample_rate)
    assert alignment.score > LIMIT + 3
    off = [abs(ours[0] - theirs[0]) for ours, theirs in zip(alignment.spans, clip.words, strict=True) if ours]
    assert len(off) == len(WORDS) and np.median(off) < 0.04


@pytest.mark.parametrize("voice", ["en-us+m2", "en-gb+f3", "en-gb-x-rp+Denis", "en-us+michel"])
@pytest.mark.parametrize("pace", [120, 230])
def test_odd_voices_are_spared(espeak: EspeakSynthesizer, voice: str, pace: int) -> None:
    spoken = speak(espeak, voice=voice, words_per_minute=pace)
    assert found(spoken.samples, spoken.sample_rate).score > LIMIT


@pytest.mark.parametrize("effect", [{"noise": 1, "snr": 15}, {"telephone": 1}, {"room": 1}])
def test_poor_sound_is_spared(clip: Clip, effect: dict[str, float]) -> None:
    sound = resample(clip.samples, clip.sample_rate)
    heard = effects.apply(sound, [(0, len(sound))], SoundSettings.model_validate(effect), 0, "d")
    assert found((heard * FULL_SCALE).astype(np.int16), SAMPLE_RATE).score > LIMIT
    assert found((clip.samples // 30).astype(np.int16), clip.sample_rate).score > LIMIT


def damages(clip: Clip, other: Clip) -> dict[str, NDArray[np.int16]]:
    sound = clip.samples
    (a, b), (c, d) = span(clip, 11), span(clip, 12)
    e, f = span(clip, 2)
    g, h = span(other, 1)
    return {
        "swapped": np.concatenate([sound[:a], sound[c:d], sound[b:c], sound[a:b], sound[d:]]),
        "missing": np.concatenate([sound[:e], sound[f:]]),
        "added": np.concatenate([sound[:a], other.samples[g:h], sound[a:]]),
        "another": np.concatenate([sound[:a], other.samples[g:h], sound[b:]]),
        "cut": sound[: span(clip, len(WORDS) - 1)[0]],
        "other": other.samples,
        "silent": np.zeros_like(sound),
        "backwards": sound[::-1].copy(),
    }


KINDS = ["swapped", "missing", "added", "another", "cut", "other", "silent", "backwards"]


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_sound_is_caught(espeak: EspeakSynthesizer, clip: Clip, kind: str) -> None:
    damaged = damages(clip, speak(espeak, OTHER))[kind]
    assert found(damaged, clip.sample_rate).score < LIMIT


@pytest.mark.parametrize("place", [place for place, word in enumerate(WORDS[:-1]) if len(word) > 4 and place])
def test_wrong_words_are_caught(clip: Clip, place: int) -> None:
    """The sound is right, the text is not: two words swapped, one left out, one more."""
    before, word, behind = WORDS[:place], WORDS[place], WORDS[place + 1 :]
    texts = {
        "swapped": [*before, behind[0], word, *behind[1:]],
        "added": [*before, "elephants", word, *behind],
        "left out": [*before, *behind],
    }
    scores = {kind: found(clip.samples, clip.sample_rate, words).score for kind, words in texts.items()}
    assert max(scores.values()) < LIMIT, scores


def test_another_language_is_caught(espeak: EspeakSynthesizer) -> None:
    foreign = speak(espeak, "Combien de bouteilles d'eau faut-il pour dix-sept clients le lundi?", "fr", language="fr")
    assert found(foreign.samples, foreign.sample_rate).score < LIMIT


def test_the_word_that_is_missing_is_the_one_that_scores_worst(clip: Clip) -> None:
    first, last = span(clip, 6)
    alignment = found(np.concatenate([clip.samples[:first], clip.samples[last:]]), clip.sample_rate)
    scores = [value for value in alignment.words if value is not None]
    assert scores.index(min(scores)) == 6


@pytest.mark.parametrize(
    "text",
    [
        "In 1984 Dr. Smith sold 1,200 well-known paintings at $35 each, didn't he?",
        "Thermidor and Xochitl — both of them — met at NASA on the 3rd.",
        "I’d say that’s the mother-in-law’s, isn’t it?",
    ],
)
def test_numbers_names_and_abbreviations(espeak: EspeakSynthesizer, text: str) -> None:
    spoken = speak(espeak, text)
    words = split_words(text)
    alignment = found(spoken.samples, spoken.sample_rate, words)
    assert alignment.score > LIMIT
    assert [scored is None for scored in alignment.words] == [word == "—" for word in words]


def test_what_cannot_be_scored() -> None:
    sound = np.ones(16_000, np.int16)
    assert score(sound, 16_000, ["你", "好"], "zh") is None and version("zh") is None
    assert score(sound, 16_000, ["—"], "en") is None
    assert score(sound, 16_000, [], "en") is None
    assert score(np.zeros(0, np.int16), 16_000, ["hello"], "en") is None
    tiny = score(sound[:20], 16_000, ["hello", "there"], "en")
    assert tiny is not None and tiny.score < LIMIT


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (["supercalifragilistic", "q", "xyzzy", "ß", "12345678901234567890"], 1.0),
        (WORDS * 33, 1.0),
        (WORDS * 33, 60.0),
        (["hello"], 60.0),
        (["a" * 3000], 5.0),
        (["\u0301\u0301", "😀", "你好"], 2.0),
    ],
)
def test_odd_input_takes_a_bounded_time(words: list[str], seconds: float) -> None:
    """Sound and words of any size that a turn may have; nothing is raised, and wrong sound is never right."""
    noise = np.random.default_rng(0).integers(-3000, 3000, round(16_000 * seconds)).astype(np.int16)
    start = time.process_time()
    alignment = score(noise, 16_000, words, "en")
    assert alignment is None or (alignment.score < LIMIT and len(alignment.words) == len(words))
    assert time.process_time() - start < 60.0


def test_the_same_score_each_time(clip: Clip) -> None:
    assert found(clip.samples, clip.sample_rate) == found(clip.samples.copy(), clip.sample_rate)


def test_the_measure_and_its_check(clip: Clip) -> None:
    said = Utterance(TEXT, "en-us")
    value = AlignmentMeasure().measure(clip, said)
    assert value is not None and version("en-gb") == AlignmentMeasure().version("en")
    check_clip(replace(clip, alignment=value), WORDS, "en", CheckSettings())
    with pytest.raises(Refusal, match=r"alignment: score -30\.0, below"):
        check_clip(replace(clip, alignment=-30.0), WORDS, "en", CheckSettings())
    with pytest.raises(Refusal, match="alignment"):
        check_clip(replace(clip, alignment=value), WORDS, "en", CheckSettings(alignment=value + 1))


def test_features_are_those_of_pocketsphinx(clip: Clip, tmp_path: object) -> None:
    """Its own front end, asked for its cepstra, gives ours (it takes noise off, ours has more)."""
    import pocketsphinx
    import soxr

    sound = soxr.resample(clip.samples, clip.sample_rate, 16_000)
    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL", mfclogdir=str(tmp_path), cmn="batch", dither=False)
    decoder.set_align_text("how many")
    decoder.start_utt()
    decoder.process_raw(sound.astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    (path,) = list(tmp_path.iterdir())  # type: ignore[attr-defined]
    data = path.read_bytes()
    order = "<" if int.from_bytes(data[:4], "little") * 4 + 4 == len(data) else ">"
    theirs = np.frombuffer(data, f"{order}f4", offset=4).reshape(-1, 13)
    ours = features(sound, 16_000)[0]
    spoken = slice(20, min(len(ours), len(theirs)) - 60)
    for coefficient in range(4):
        assert np.corrcoef(ours[spoken, coefficient], theirs[spoken, coefficient])[0, 1] > 0.85
    assert len(english().phones) == 42
