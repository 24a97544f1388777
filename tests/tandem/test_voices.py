"""The voice of the assistant, heard back."""

import os
import signal
from itertools import chain

import numpy as np
import pytest
import soxr

from kame_data.errors import KameError, UsageError
from kame_data.speech.recognisers.moonshine import MOONSHINE
from kame_data.tandem.frames import FRAME, RATE, SAMPLES, FrameOut
from kame_data.tandem.voices import LONGEST, SILENT, ModelVoice, SpeakingVoice, open_voice

WORD, PADDING = 77, 3
TEXTS = [
    "You need to add the numbers together, and then divide the sum by two.",
    "The heart pumps blood through the lungs, where it takes up oxygen.",
    "A transistor works as a switch, and it can also make a small signal larger.",
    "Well, that depends on how much money you want to save every month.",
]


@pytest.fixture(scope="module")
def voice():
    with SpeakingVoice(patient=True) as speaking:
        yield speaking


def spoken(voice, text, every, after=40, language="en"):
    """The sound of a text of which a word is whole every so many frames, and what was dropped."""
    stream, words = voice.open(language), text.split()
    sounds, dropped = [], 0
    for frame in range(len(words) * every + after):
        number, rest = divmod(frame, every)
        whole = words[number : number + 1] if rest == 0 else []
        made = stream.next(FrameOut(WORD if number < len(words) else PADDING, None), whole)
        assert made.sound.shape == (SAMPLES,) and made.sound.dtype == np.float32
        sounds.append(made.sound)
        dropped += made.dropped
    stream.close()
    return np.concatenate(sounds), dropped


def heard(sound):
    """The seconds at which there is sound, first and last."""
    loud = np.flatnonzero(np.abs(sound) > 1e-3) / RATE
    return loud[0], loud[-1]


def test_a_word_sounds_a_frame_behind_its_end_and_no_delay_grows(voice):
    for every in (3, 4, 6):  # 4.2 to 2.1 words a second
        text = " ".join(chain.from_iterable(text.split() for text in TEXTS))
        sound, dropped = spoken(voice, text, every, after=30)
        first, last = heard(sound)
        assert dropped == 0 and first < 2 * FRAME
        assert last - (len(text.split()) - 1) * every * FRAME < 1.2  # the last word takes some 0.5 s itself


@pytest.mark.slow
def test_the_words_are_understood(voice):
    """At most as many words are heard wrongly as of whole sentences of this voice: one in three at most here."""
    from jiwer import process_words

    ear, wrong = MOONSHINE.open(""), 0
    for text in TEXTS:
        sound, _ = spoken(voice, text, every=4)
        back = ear.hear(soxr.resample(sound, RATE, 16_000).astype(np.float32), "en")
        found = process_words(*(line.lower().replace(",", "").replace(".", "") for line in (text, back)))
        wrong += found.substitutions + found.deletions + found.insertions
    assert wrong <= sum(len(text.split()) for text in TEXTS) / 3


def test_the_sound_does_not_jump(voice):
    """Steps from one sample to the next are those of speech, also where a word begins or ends in the middle of a
    frame."""
    sound, _ = spoken(voice, TEXTS[0], every=4)
    assert np.abs(np.diff(sound)).max() < 0.25 and 0.2 < np.abs(sound).max() < 1


def test_text_that_outruns_the_voice_is_spoken_faster(voice):
    slow, _ = spoken(voice, TEXTS[1], every=6, after=60)
    fast, dropped = spoken(voice, TEXTS[1], every=2, after=60)  # 6 words a second

    def seconds(sound):
        return np.mean(np.abs(sound) > 1e-3) * len(sound) / RATE

    assert dropped == 0 and seconds(fast) < 0.8 * seconds(slow)


def test_a_sentence_that_has_ended_is_said_to_its_end(voice):
    sound, dropped = spoken(voice, TEXTS[1], every=1, after=100)  # 12.5 words a second: no voice keeps up
    assert dropped == 0 and heard(sound)[1] > len(TEXTS[1].split()) * FRAME + 1


def test_where_the_model_falls_silent_in_a_sentence_at_most_a_word_is_still_said(voice):
    text = TEXTS[1].removesuffix("oxygen.") + "the"
    words = text.split()
    sound, dropped = spoken(voice, text, every=1, after=60)
    assert dropped >= 2
    silent = (len(words) + SILENT) * FRAME
    assert heard(sound)[1] < silent + 1.5  # the word that sounds, and one
    whole, none = spoken(voice, text, every=6, after=30)
    assert none == 0 and heard(whole)[1] > len(words) * 6 * FRAME - 1


def test_a_voice_that_is_far_behind_drops_what_comes(voice):
    stream, behind, dropped = voice.open("en"), [], 0
    for number in range(100):  # 12.5 words a second, for 8 s
        dropped += stream.next(FrameOut(WORD, None), [TEXTS[number % 2].split()[number % 12]]).dropped
        behind.append(stream.behind)
    stream.close()
    assert 2 < max(behind) < LONGEST + 1 and 10 < dropped < 80


def test_the_same_words_have_the_same_sound(voice):
    one, other = (spoken(voice, TEXTS[2], every=3)[0] for _ in range(2))
    assert np.array_equal(one, other)


def test_conversations_at_the_same_time_do_not_mix(voice):
    alone = [spoken(voice, text, every=4)[0] for text in TEXTS[:2]]
    streams, sounds = [voice.open("en") for _ in TEXTS[:2]], [[], []]
    for frame in range(len(alone[0]) // SAMPLES):
        for stream, text, sound in zip(streams, TEXTS, sounds, strict=False):
            number, rest = divmod(frame, 4)
            words = text.split()[number : number + 1] if rest == 0 else []
            sound.append(
                stream.next(FrameOut(WORD if words or number < len(text.split()) else PADDING, None), words).sound
            )
    for mine, its in zip(sounds, alone, strict=True):
        made = np.concatenate(mine)
        length = min(len(made), len(its))
        assert np.array_equal(made[:length], its[:length])


def test_what_has_no_sound_is_passed_over(voice):
    sound, dropped = spoken(voice, "Yes - ... [ no.", every=5)
    assert dropped == 0 and heard(sound)[1] - heard(sound)[0] > 0.3


@pytest.mark.parametrize(("language", "text"), [("zh", "答案 是 四十二 。"), ("fr", "C'est la Seine.")])
def test_other_languages_are_spoken(voice, language, text):
    sound, _ = spoken(voice, text, every=5, language=language)
    assert heard(sound)[1] > 0.8


def test_a_language_without_a_voice_is_told(voice):
    with pytest.raises(KameError, match=r"^--voice tts: espeak is set up for en, .*, not for 'fi'$"):
        voice.open("fi")


def test_in_real_time_no_frame_waits_for_the_engine():
    with SpeakingVoice() as voice:
        assert len(voice.synthesizer.helper_ids()) == 2  # the engine has started
        stream = voice.open("en")
        stream.next(FrameOut(WORD, None), ["Certainly."])
        made = [stream.next(FrameOut(PADDING, None), []).sound]
        while not np.any(made[-1]):
            made.append(stream.next(FrameOut(PADDING, None), []).sound)
        assert len(made) > 1 and not np.any(made[0])


def test_a_process_that_is_killed_takes_no_word_with_it():
    text = TEXTS[0].split()

    def speak(voice, kill):
        stream, sounds = voice.open("en"), []
        for number in range(4 * len(text)):
            if kill and number in (9, 21):
                for helper in voice.synthesizer.helper_ids():
                    os.kill(helper, signal.SIGKILL)
            sounds.append(stream.next(FrameOut(WORD, None), [] if number % 4 else [text[number // 4]]).sound)
        return np.concatenate(sounds)

    with SpeakingVoice(patient=True) as voice:
        assert np.array_equal(speak(voice, kill=True), speak(voice, kill=False))


def test_a_voice_that_is_closed_says_so():
    voice = SpeakingVoice(patient=True)
    stream = voice.open("en")
    stream.next(FrameOut(WORD, None), ["One"])
    stream.next(FrameOut(PADDING, None), [])
    helpers = voice.synthesizer.helper_ids()
    assert helpers
    voice.close()
    for helper in helpers:
        with pytest.raises(ProcessLookupError):
            os.kill(helper, 0)
    with pytest.raises(KameError, match="closed"):
        stream.next(FrameOut(WORD, None), ["two"])


def test_the_models_own_sound_is_passed_on():
    voice = open_voice("model", speaks=True)
    sound = np.full(SAMPLES, 0.5, np.float32)
    stream = voice.open("en")
    assert stream.next(FrameOut(WORD, sound), ["word"]) == (sound, 0)
    with pytest.raises(KameError, match=r"^--voice model: the model's codec cannot speak; use --voice tts$"):
        stream.next(FrameOut(WORD, None), [])
    with pytest.raises(UsageError, match=r"^--voice model: the model's codec cannot speak; use --voice tts$"):
        open_voice("model", speaks=False)
    assert isinstance(voice, ModelVoice)
