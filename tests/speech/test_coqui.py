"""Coqui's voices: the real `TTS` API, on tiny models of random weights, in their real processes."""

import os
import signal
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from kame_data.errors import Refusal, UsageError
from kame_data.speech.studio import Studio
from kame_data.speech.voices.aligned import SettingsAligner
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.coqui import CoquiSynthesizer, sentences
from kame_data.speech.voices.coqui_worker import close_workers
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words

TEXTS = (
    "Hello there, world. And again: a second sentence!",
    "Hi.",
    "A well-known one, of course.",
    "— one of the two —",
    "naïve café œuvre",
)
FAULTY = "faulty_coqui"  # found beside this file, by PYTHONPATH


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several processes with a thread a core each would only wait for each other."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    yield
    close_workers()
    os.environ.pop("OMP_NUM_THREADS") if before is None else os.environ.update(OMP_NUM_THREADS=before)


@pytest.fixture(scope="module")
def three(tiny: Path) -> CoquiSynthesizer:
    return CoquiSynthesizer(str(tiny / "three"))


def said(synthesizer: CoquiSynthesizer, *texts: str, voice: str = "coqui:three/s1") -> list[Clip | Refusal]:
    return list(synthesizer.synthesize(Utterance(text, voice) for text in texts))


def sounds(results: list[Clip | Refusal]) -> list[bytes]:
    assert all(isinstance(clip, Clip) for clip in results), results
    return [clip.samples.tobytes() + repr(clip.words).encode() for clip in results if isinstance(clip, Clip)]


def test_every_word_has_its_time(three: CoquiSynthesizer) -> None:
    for text, clip in zip(TEXTS, said(three, *TEXTS), strict=True):
        assert isinstance(clip, Clip), clip
        assert len(clip.words) == len(split_words(text)) and clip.word_times == "vits-durations"
        assert clip.sample_rate == 22_050 and clip.samples.dtype == np.int16
        end = 0.0
        for start, stop in clip.words:
            assert end <= start < stop
            end = stop
        assert end <= clip.duration


def test_a_sentence_ends_before_the_pause_and_the_next_starts_behind_it(three: CoquiSynthesizer) -> None:
    (clip,) = said(three, TEXTS[0])
    assert isinstance(clip, Clip)
    pause = clip.samples[round(clip.words[2][1] * 22_050) : round(clip.words[3][0] * 22_050)]
    quiet = np.flatnonzero(pause == 0)
    assert len(quiet) >= round(0.3 * 22_050) and clip.words[3][0] - clip.words[2][1] >= 0.29


def test_the_same_bytes_in_any_company_order_and_process(tiny: Path, three: CoquiSynthesizer) -> None:
    ours = sounds(said(three, *TEXTS))
    assert sounds(said(three, *TEXTS[::-1]))[::-1] == ours
    assert sounds(said(three, TEXTS[2])) == ours[2:3]
    close_workers()
    other = CoquiSynthesizer(str(tiny / "three"))
    assert sounds(said(other, *TEXTS)) == ours
    assert len({*ours, *sounds(said(other, TEXTS[0], voice="coqui:three/s2"))}) == len(TEXTS) + 1


def test_what_is_said_together_sounds_as_it_does_alone(tiny: Path, three: CoquiSynthesizer) -> None:
    together = CoquiSynthesizer(str(tiny / "three"), batch=4)
    for alone, batched in zip(said(three, *TEXTS), said(together, *TEXTS), strict=True):
        assert isinstance(alone, Clip) and isinstance(batched, Clip)
        assert len(alone.samples) == len(batched.samples)
        # The last frames hear the padding behind them; all else is the same but for rounding.
        before = round(alone.words[0][1] * 22_050) // 2
        assert np.abs(alone.samples[:before].astype(int) - batched.samples[:before]).max() <= 2
        assert np.allclose(alone.words, batched.words, atol=0.012)


def test_a_slower_pace_takes_longer(three: CoquiSynthesizer) -> None:
    slow, fast = (next(three.synthesize([Utterance(TEXTS[0], "coqui:three/s1", "en", pace)])) for pace in (120, 200))
    assert isinstance(slow, Clip) and isinstance(fast, Clip) and slow.duration > 1.1 * fast.duration


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty_text"),
        ("... — !", "empty_text"),
        ("word " * 5000, "too_long"),
        ("so happy 😀 today", "unspeakable"),
        ("a <b>bold</b> word", "unspeakable"),
        ("שלום to all", "foreign_script"),
        ("one\ttwo", "control_characters"),
        ("turn\u202eover", "control_characters"),
        ("in 1984 it was", "unspeakable"),
        ("Zoë says ŵ", "unspeakable"),
    ],
)
def test_bad_text_is_refused(three: CoquiSynthesizer, text: str, reason: str) -> None:
    (refusal,) = said(three, text)
    assert isinstance(refusal, Refusal) and refusal.reason == reason


def test_voices_and_languages(tiny: Path, three: CoquiSynthesizer) -> None:
    assert three.assistant_voice() == "coqui:three/s0"
    users = [three.user_voices(split) for split in ("train", "validation")]
    assert sorted(users[0] + users[1]) == ["coqui:three/s1", "coqui:three/s2"] and all(users)
    assert three.voice("s1") == three.voice("coqui:three/s1") == "coqui:three/s1"
    with pytest.raises(UsageError, match="s0, s1, s2"):
        three.voice("s9")
    with pytest.raises(Refusal, match="speaks en, not 'fr'"):
        three.assistant_voice("fr")
    (refusal,) = said(three, "Hello.", voice="coqui:three/nobody")
    assert isinstance(refusal, Refusal) and refusal.reason == "voice"
    one = CoquiSynthesizer(str(tiny / "one"))
    assert one.assistant_voice() == "coqui:one" and one.user_voices("train") == []
    sounds(said(one, "Hello there.", voice="coqui:one"))


@pytest.mark.slow
def test_a_crash_or_hang_loses_one_clip(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUMBLED", str(tmp_path / "stumbled"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    texts = [
        "All is well.",
        "Now crash here.",
        "Still well.",
        "Now stumble.",
        "Only silence.",
        "Please raise.",
        "Well.",
    ]
    faulty = CoquiSynthesizer(str(tiny / "three"), helper=FAULTY, clip_limit_s=60.0)
    results = said(faulty, *texts)
    outcome = [result.reason if isinstance(result, Refusal) else "clip" for result in results]
    assert outcome == ["clip", "speech_failed", "clip", "clip", "silence", "speech_failed", "clip"]
    assert "twice" in str(results[1]) and "no such thing" in str(results[5]) and (tmp_path / "stumbled").exists()
    hasty = CoquiSynthesizer(str(tiny / "three"), helper=FAULTY, clip_limit_s=3.0, word_limit_s=0.0)
    results = said(hasty, "Now hang here.")
    assert isinstance(results[0], Refusal) and "time limit" in str(results[0])


def test_a_killed_process_costs_nothing_and_threads_share_one(three: CoquiSynthesizer) -> None:
    ours = sounds(said(three, *TEXTS))
    (pid,) = three.workers.process_ids()
    os.kill(pid, signal.SIGKILL)
    heard: list[list[bytes]] = []
    threads = [threading.Thread(target=lambda: heard.append(sounds(said(three, *TEXTS)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [ours] * 3
    assert len(three.workers.process_ids()) == 1 and three.workers.process_ids() != [pid]


def test_a_voice_that_does_not_time_its_words_is_aligned(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "In 1984 the well-known Dr. Smith, who had sold apples at the market, paid 20 dollars for it."
    with EspeakSynthesizer(1) as espeak:
        (spoken,) = espeak.synthesize([Utterance(text, "en-us")])
    assert isinstance(spoken, Clip)
    (sentence,) = sentences(split_words(text), "en")
    wave = spoken.samples.astype(np.float32) / 32768
    np.save(tmp_path / f"{sha256(' '.join(sentence).encode()).hexdigest()}.npy", wave)
    monkeypatch.setenv("STUMBLED", str(tmp_path / "stumbled"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("UNTIMED", str(tmp_path))
    untimed = CoquiSynthesizer(str(tiny / "three"), helper=FAULTY, clip_limit_s=61.0)
    (raw,) = said(untimed, text)
    assert isinstance(raw, Clip) and raw.words == ()
    studio = Studio(untimed, aligner=SettingsAligner("auto", lambda: untimed.workers))
    (clip,) = studio.synthesize([Utterance(text, "coqui:three/s1")])
    assert isinstance(clip, Clip) and clip.word_times == "pocketsphinx"
    assert len(clip.words) == len(split_words(text))
    errors = [abs(ours[0] - theirs[0]) for ours, theirs in zip(clip.words, spoken.words, strict=True)]
    assert np.median(errors) < 0.04 and np.mean(np.array(errors) < 0.08) > 0.9
    # Where the words are not in the sound, nothing is made up.
    other = text.replace("apples at the market", "a quarter of an ounce of photosynthesis")
    np.save(tmp_path / f"{sha256(other.encode()).hexdigest()}.npy", wave[: len(wave) // 8])
    (refusal,) = studio.synthesize([Utterance(other, "coqui:three/s1")])
    assert isinstance(refusal, Refusal) and refusal.reason == "alignment"


def test_a_model_that_does_not_load_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model": "vits"}')
    (tmp_path / "model.pth").write_bytes(b"nothing")
    broken = CoquiSynthesizer(str(tmp_path))
    with pytest.raises(UsageError, match="does not load") as error:
        broken.speakers()
    assert "\n" not in str(error.value)


def test_sentences_lose_no_word() -> None:
    words = split_words("Dr. Smith said: “Yes.” Then, " + "a very long tale, with many parts, " * 12 + "he left. — No?")
    pieces = sentences(words, "en")
    assert [word for piece in pieces for word in piece] == words
    assert all(len(" ".join(piece)) <= 200 for piece in pieces)
    assert sentences(split_words("你好。再见！", "zh"), "zh") == [["你", "好。"], ["再", "见！"]]
