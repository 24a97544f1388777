"""The espeak voice on the real engine: its words, its determinism, and what happens when a helper fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kame_data.errors import KameError, Refusal, UsageError
from kame_data.speech import espeak_accents as espeak_voices
from kame_data.speech.espeak_engine import HELPER
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words

FAULTY = Path(__file__).with_name("faulty_helper.py")
TEXTS = (
    "What is the sum of the numbers in the list, if it is one hundred and five?",
    "Hi.",
    "A well-known one, for example: the end of the day. Is that it?",
    "It was in 1984, or 3.5 years before, that Dr. Smith paid $20 for it.",
    "of the in the to the at the by the for a",
    "— one of the two —",
    "naïve café œuvre",
)


@pytest.fixture(scope="module")
def espeak() -> Iterator[EspeakSynthesizer]:
    with EspeakSynthesizer(2) as synthesizer:
        yield synthesizer


def said(synthesizer: EspeakSynthesizer, text: str, voice: str = "en-us", language: str = "en") -> Clip:
    (clip,) = synthesizer.synthesize([Utterance(text, voice, language)])
    assert isinstance(clip, Clip), clip
    return clip


@pytest.mark.parametrize("text", TEXTS)
def test_every_word_has_its_time(espeak: EspeakSynthesizer, text: str) -> None:
    clip = said(espeak, text)
    assert len(clip.words) == len(split_words(text))
    assert clip.samples.dtype == np.int16 and clip.sample_rate == 22_050
    end = 0.0
    for start, stop in clip.words:
        assert end <= start < stop
        end = stop
    assert end <= clip.duration


LONG_WORDS = (
    "The standard deviation of the corporation's annual investment is approximately seventy-three percent, "
    "according to an international organization."
)
SHORT_WORDS = "So it was just me and him at the end of the day, and we had no idea what to do with it all."


@pytest.mark.parametrize("voice", ["en-us", "en-gb+f5", "en-gb-x-rp+m3", "en-us+adam"])
def test_the_pace_is_that_of_the_words_that_are_there(espeak: EspeakSynthesizer, voice: str) -> None:
    for wanted in (150, 180):
        jobs = [Utterance(text, voice, "en", wanted) for text in (LONG_WORDS, SHORT_WORDS, TEXTS[0])]
        clips = [clip for clip in espeak.synthesize(jobs) if isinstance(clip, Clip)]
        seconds = sum(clip.words[-1][1] - clip.words[0][0] for clip in clips)
        words = sum(len(clip.words) for clip in clips)
        assert words / seconds * 60 == pytest.approx(wanted, rel=0.07)


def test_a_few_long_words_are_not_rushed() -> None:
    rate = espeak_voices.engine_rate(165)
    assert espeak_voices.paced_rate(rate, 1, 0.7, 165) < 1.15 * rate
    assert espeak_voices.paced_rate(rate, 50, 60.0, 165) == round(1.25 * rate)
    assert espeak_voices.paced_rate(rate, 50, 50 / 165 * 60, 165) == rate


def test_words_without_spaces(espeak: EspeakSynthesizer) -> None:
    text = "一个长方形的长是十二厘米，宽是五厘米。"
    clip = said(espeak, text, "cmn", "zh")
    assert len(clip.words) == len(split_words(text, "zh")) == 17


def test_a_merged_word_is_cut_at_a_phoneme(espeak: EspeakSynthesizer) -> None:
    # 'of the' has one event; each half must still be long enough to be a word.
    clip = said(espeak, "The cost of the house is the sum of the parts.")
    lengths = [stop - start for start, stop in clip.words]
    assert min(lengths) > 0.04


def test_words_have_sound_and_pauses_have_none(espeak: EspeakSynthesizer) -> None:
    clip = said(espeak, "First we add the two numbers. Then, after that, we divide by four.")
    samples = clip.samples.astype(np.float64)
    for start, stop in clip.words:
        word = samples[round(start * 22_050) : round(stop * 22_050)]
        assert np.sqrt(np.mean(word**2)) > 100
    pause = samples[round(clip.words[5][1] * 22_050) : round(clip.words[6][0] * 22_050)]
    assert len(pause) > 0.2 * 22_050 and np.abs(pause).max() <= 32


def test_the_same_for_any_number_of_helpers_and_any_order(espeak: EspeakSynthesizer) -> None:
    voices = espeak.user_voices("train")
    jobs = [Utterance(text, voice) for voice in voices[::9] for text in TEXTS]
    with EspeakSynthesizer(1) as other:
        backwards = list(other.synthesize(reversed(jobs)))[::-1]
    for ours, theirs in zip(espeak.synthesize(jobs), backwards, strict=True):
        assert isinstance(ours, Clip) and isinstance(theirs, Clip)
        assert ours.samples.tobytes() == theirs.samples.tobytes() and ours.words == theirs.words


def test_pace_is_what_was_asked_for(espeak: EspeakSynthesizer) -> None:
    text = (
        "A train leaves the station at noon and travels at sixty miles an hour. How far has it gone by three in the "
        "afternoon, if it stopped on the way for a quarter of an hour?"
    )
    for pace in (150, 180):
        (clip,) = espeak.synthesize([Utterance(text, "en-us", "en", pace)])
        assert isinstance(clip, Clip)
        assert len(clip.words) / (clip.words[-1][1] - clip.words[0][0]) * 60 == pytest.approx(pace, rel=0.12)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty_text"),
        ("   ", "empty_text"),
        ("... — !", "empty_text"),
        ("word " * 5000, "too_long"),
        ("a" * 5000, "too_long"),
        ("so happy 😀 today", "unspeakable"),
        ("a <b>bold</b> word", "unspeakable"),
        ("the `code` here", "unspeakable"),
        ("שלום to all", "foreign_script"),
        ("مرحبا", "foreign_script"),
        ("a\x00b", "control_characters"),
        ("one\ttwo", "control_characters"),
        ("bell\x07", "control_characters"),
        ("turn\u202eover", "control_characters"),
        ("\ud800", "empty_text"),
        ("one \ud800 two", "unspeakable"),
    ],
)
def test_bad_text_is_refused(espeak: EspeakSynthesizer, text: str, reason: str) -> None:
    (refusal,) = espeak.synthesize([Utterance(text, "en-us")])
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    refusal.detail.encode()  # it goes into a file


def test_unknown_voice_and_language(espeak: EspeakSynthesizer) -> None:
    for voice in ("en-xx", "en-us+nobody", "", "../../etc/passwd"):
        (refusal,) = espeak.synthesize([Utterance("Hello there.", voice)])
        assert isinstance(refusal, Refusal) and refusal.reason == "voice"
    with pytest.raises(Refusal, match="language"):
        espeak.assistant_voice("tlh")


@pytest.mark.parametrize("language", espeak_voices.ACCENTS)
def test_voices_speak_and_are_in_one_split(espeak: EspeakSynthesizer, language: str) -> None:
    train, validation = espeak.user_voices("train", language), espeak.user_voices("validation", language)
    timbres = [{voice.partition("+")[2] for voice in voices} for voices in (train, validation)]
    assert timbres[0] and timbres[1] and not timbres[0] & timbres[1]
    voices = [*train, *validation, espeak.assistant_voice(language)]
    assert len(set(voices)) == len(voices)
    clips = list(espeak.synthesize(Utterance("Berlin, Paris.", voice, language) for voice in voices))
    assert all(isinstance(clip, Clip) for clip in clips)
    assert len({clip.samples.tobytes() for clip in clips if isinstance(clip, Clip)}) == len(voices)


def test_a_killed_helper_costs_nothing() -> None:
    jobs = [Utterance(f"This is sentence number {'one ' * n}of the test.", "en-us") for n in range(12)]
    with EspeakSynthesizer(2) as synthesizer:
        undisturbed = [clip.samples.tobytes() for clip in synthesizer.synthesize(jobs) if isinstance(clip, Clip)]
        heard = []
        for number, clip in enumerate(synthesizer.synthesize(jobs)):
            if number in (0, 3):
                for pid in synthesizer.helper_ids():
                    os.kill(pid, signal.SIGKILL)
            assert isinstance(clip, Clip)
            heard.append(clip.samples.tobytes())
    assert len(undisturbed) == 12 and heard == undisturbed


def test_a_crash_or_hang_loses_one_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "stumbled"
    monkeypatch.setenv("STUMBLED", str(mark))
    texts = [
        "All is well.",
        "Now crash here.",
        "Still well.",
        "Now hang here.",
        "Stumble once.",
        "Only silence.",
        "Well.",
    ]
    with EspeakSynthesizer(2, time_limit_s=1.0, helper=FAULTY) as synthesizer:
        results = list(synthesizer.synthesize(Utterance(text, "en-us") for text in texts))
    outcome = [result.reason if isinstance(result, Refusal) else "clip" for result in results]
    assert outcome == ["clip", "speech_failed", "clip", "speech_failed", "clip", "silence", "clip"]
    assert "time limit" in str(results[3]) and mark.exists()


def test_a_helper_that_is_stopped_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A stopped process hears no alarm: whoever waits for it must keep the time.
    monkeypatch.setattr("kame_data.speech.espeak_engine.GRACE_S", 0.5)
    monkeypatch.setenv("STUMBLED", str(tmp_path / "stumbled"))
    with EspeakSynthesizer(1, time_limit_s=1.0, helper=FAULTY) as synthesizer:
        before = said(synthesizer, "All is well.")
        (pid,) = synthesizer.helper_ids()
        os.kill(pid, signal.SIGSTOP)
        after = said(synthesizer, "All is well.")
        assert np.array_equal(before.samples, after.samples) and not running(pid)
        (refused, fine) = synthesizer.synthesize(Utterance(text, "en-us") for text in ("Now halt here.", "Well."))
    assert isinstance(refused, Refusal) and refused.reason == "speech_failed" and "time limit" in str(refused)
    assert isinstance(fine, Clip)


def test_a_helper_that_is_killed_while_it_starts_is_started_again(tmp_path: Path) -> None:
    mark, helper = tmp_path / "started", tmp_path / "helper.py"
    helper.write_text(
        "import os, pathlib, signal, sys, runpy\n"
        f"mark = pathlib.Path({str(mark)!r})\n"
        "if not mark.exists():\n    mark.touch(); os.kill(os.getpid(), signal.SIGKILL)\n"
        f"runpy.run_path({str(HELPER)!r}, run_name='__main__')\n"
    )
    with EspeakSynthesizer(1, helper=helper) as synthesizer:
        assert said(synthesizer, "All is well.").duration > 0.3 and mark.exists()


def test_helpers_end_with_close_and_with_their_parent() -> None:
    synthesizer = EspeakSynthesizer(1)
    said(synthesizer, "Hello there.")
    (pid,) = synthesizer.helper_ids()
    synthesizer.close()
    assert not running(pid)
    with pytest.raises(KameError):
        list(synthesizer.synthesize([Utterance("Hello again.", "en-us")]))

    script = (
        "import sys, time; from kame_data.speech.voices.espeak import *\n"
        "s = EspeakSynthesizer(1); next(s.synthesize([Utterance('Hello there.', 'en-us')]))\n"
        "print(s.helper_ids()[0], flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert running(pid)
        parent.kill()
    for _ in range(100):
        if not running(pid):
            return
        time.sleep(0.05)
    pytest.fail("the helper outlived its parent")


def running(pid: int) -> bool:
    """Whether the process lives; one that nobody has reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not Path("/proc/self").exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("spec", ["espeak:en", "coqui:xtts", "festival", ""])
def test_a_spec_that_names_no_voice(spec: str) -> None:
    with pytest.raises(UsageError) as error:
        open_synthesizer(spec)
    assert f"--tts {spec}" in str(error.value) and "\n" not in str(error.value)


def test_version_names_the_engine(espeak: EspeakSynthesizer) -> None:
    assert espeak.version.startswith("espeak-ng 1.")


def test_reads_only_a_little_ahead(espeak: EspeakSynthesizer) -> None:
    read = []

    def jobs() -> Iterator[Utterance]:
        for number in range(1000):
            read.append(number)
            yield Utterance("Hello there.", "en-us")

    stream = espeak.synthesize(jobs())
    for _ in range(10):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(read) < 30
