"""The speech stage with the real voice."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from checkout import SOURCE_ROOTS
from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE, Dialogue, Rejected, Speech, Split, Turn
from kame_data.settings.speech import PauseSettings, SoundSettings, SpeechSettings
from kame_data.speech import sound
from kame_data.speech.checks import check_said, check_speech
from kame_data.speech.lines import MARGIN_S
from kame_data.speech.sound import loudness
from kame_data.speech.speak import speak_dialogues
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words
from talking import CHINESE, DUPLEX, EXPLAINED, QUESTION, dialogue_of, said, speak_dialogue

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = SpeechSettings()


def turn(role: str, text: str) -> Turn:
    return Turn(role, text, text)  # type: ignore[arg-type]


def dialogue(number: int = 0, *more: Turn, language: str = "en") -> Dialogue:
    turns = (
        turn("user", f"Hi there, what do you get when you add {'seven and ' * (number % 4)}five to nine?"),
        turn("assistant", "You add them one after the other, and that makes fourteen."),
        *more,
    )
    return Dialogue(f"gsm8k-{number}-v0", f"gsm8k-{number}", 0, language, turns, "fourteen")


FOUR_TURNS = dialogue(1, turn("user", "And what is half of the sum?"), turn("assistant", "Half of it is seven."))


@pytest.fixture(scope="module")
def espeak() -> Iterator[EspeakSynthesizer]:
    with EspeakSynthesizer(2) as synthesizer:
        yield synthesizer


def heard(speech: Speech) -> NDArray[np.float64]:
    samples, rate = soundfile.read(io.BytesIO(speech.flac), dtype="int16", always_2d=True)
    info = soundfile.info(io.BytesIO(speech.flac))
    assert (rate, samples.shape[1], info.format, info.subtype) == (SAMPLE_RATE, 2, "FLAC", "PCM_16")
    assert len(samples) == round(speech.duration * SAMPLE_RATE) == round(speech.duration * 1000) * 24
    return samples.astype(np.float64)


def position(seconds: float) -> int:
    sample = seconds * SAMPLE_RATE
    assert sample == pytest.approx(round(sample), abs=1e-6)
    return round(sample)


def test_words_are_those_of_the_turns_and_lie_in_the_sound(espeak: EspeakSynthesizer) -> None:
    speech = speak_dialogue(FOUR_TURNS, "train", espeak, SETTINGS, 0)
    expected = [(n, t.role, word) for n, t in enumerate(FOUR_TURNS.turns) for word in split_words(t.text)]
    assert [(word.turn, word.role, word.word) for word in speech.words] == expected
    assert (speech.dialogue_id, speech.word_times) == ("gsm8k-1-v0", "espeak-events")
    samples = heard(speech)
    end = 0.0
    for word in speech.words:
        assert end <= word.start < word.end <= speech.duration
        end = word.end
        own = samples[position(word.start) : position(word.end), 1 if word.role == "user" else 0]
        assert np.sqrt(np.mean(own**2)) > 100


def spans_of(speech: Speech) -> dict[int, tuple[float, float]]:
    """The start and end of every turn."""
    turns = sorted({word.turn for word in speech.words})
    own = {number: [word for word in speech.words if word.turn == number] for number in turns}
    return {number: (words[0].start, words[-1].end) for number, words in own.items()}


@pytest.mark.parametrize("spoken", [FOUR_TURNS, DUPLEX, CHINESE], ids=["plain", "duplex", "chinese"])
def test_each_side_has_its_channel_and_is_silent_when_the_other_speaks(espeak: EspeakSynthesizer, spoken: Dialogue):
    speech = speak_dialogue(spoken, "train", espeak, SETTINGS, 3)
    samples = heard(speech)
    silent = np.ones(samples.shape, bool)
    margin = round(MARGIN_S * SAMPLE_RATE)
    for number, (start, end) in spans_of(speech).items():
        turn = spoken.turns[number]
        after = 0 if turn.interrupted else margin
        silent[position(start) - margin : position(end) + after, 1 if turn.role == "user" else 0] = False
    assert not np.any(samples[silent])
    assert np.all(np.abs(samples).max(axis=0) > 3000)


def test_gaps_are_the_settings_own(espeak: EspeakSynthesizer) -> None:
    settings = SpeechSettings(lead_in=(0.5, 0.5), answer_gap=(0.25, 0.25), user_gap=(1.0, 1.0), tail=(0.75, 0.75))
    speech = speak_dialogue(FOUR_TURNS, "train", espeak, settings, 0)
    turns = spans_of(speech)
    assert turns[0][0] == 0.5
    for number, gap in enumerate((0.25, 1.0, 0.25)):
        # A turn starts on a whole millisecond, so up to one more than its gap.
        assert gap <= turns[number + 1][0] - turns[number][1] < gap + 0.001
        assert position(turns[number + 1][0]) % 24 == 0
    assert 0.75 <= speech.duration - turns[3][1] < 0.751


def test_duplex_dialogues_are_spoken_as_they_stand(espeak: EspeakSynthesizer) -> None:
    settings = SpeechSettings(pauses=PauseSettings(rate=0.5, within=0.1, long_rate=1.0))
    for spoken in (DUPLEX, CHINESE):
        speech = speak_dialogue(spoken, "train", espeak, settings, 0)
        expected = [(n, word) for n, t in enumerate(spoken.turns) for word in split_words(t.text, spoken.language)]
        assert [(word.turn, word.word) for word in speech.words] == expected
        kinds = {situation.kind for situation in speech.situations}
        assert kinds >= {"pause", "hesitation", "barge_in"}
        samples = heard(speech)
        (barged,) = [s for s in speech.situations if s.kind == "barge_in"]
        answer = next(n for n, t in enumerate(spoken.turns) if t.role == "assistant" and n > barged.turn)
        assert 0.1 < barged.end - barged.start <= 0.301
        # The assistant falls silent, and stays so until it answers.
        silent = samples[position(barged.end) : position(spans_of(speech)[answer][0]) - round(MARGIN_S * 24_000), 0]
        assert len(silent) > 24_000 and not np.any(silent)
        before = samples[position(barged.end) - 2400 : position(barged.end), 0]
        assert np.sqrt(np.mean(before**2)) > 100
        for pause in (s for s in speech.situations if s.kind == "pause"):
            quiet = samples[position(pause.start) : position(pause.end), 1]
            # What a synthesizer leaves between clauses is below what is heard.
            assert np.sqrt(np.mean(quiet**2)) < 60


def test_a_cut_turn_sounds_like_the_whole_one_up_to_its_cut(espeak: EspeakSynthesizer) -> None:
    whole = dialogue_of(QUESTION, said("assistant", EXPLAINED), *DUPLEX.turns[4:])
    cut = dialogue_of(QUESTION, DUPLEX.turns[2], *DUPLEX.turns[4:])
    lengths = []
    for spoken in (whole, cut):
        words = [w for w in speak_dialogue(spoken, "train", espeak, SETTINGS, 0).words if w.turn == 1]
        lengths.append([round(w.end - w.start, 3) for w in words])
    assert len(lengths[1]) == 11
    assert lengths[1] == pytest.approx(lengths[0][:11], abs=0.002)


def test_somebody_talks_in_the_background(espeak: EspeakSynthesizer) -> None:
    quiet = SpeechSettings()
    noisy = SpeechSettings(sound=SoundSettings(background=1.0, background_level=(-20.0, -20.0)))
    for spoken in (FOUR_TURNS, CHINESE):
        alone, behind = (speak_dialogue(spoken, "train", espeak, settings, 5) for settings in (quiet, noisy))
        assert alone.words == behind.words and alone.duration == behind.duration
        (found,) = [s for s in behind.situations if s.kind == "background"]
        assert found.turn == -1 and 0 <= found.start < found.end <= behind.duration
        difference = heard(behind) - heard(alone)
        assert not np.any(difference[:, 0])
        inside = difference[position(found.start) : position(found.end), 1]
        assert np.any(inside) and np.count_nonzero(np.abs(difference[:, 1]) > 1) == np.count_nonzero(np.abs(inside) > 1)
        loud = [heard(alone)[position(w.start) : position(w.end), 1] for w in alone.words if w.role == "user"]
        user = np.sqrt(np.mean(np.concatenate(loud) ** 2))
        # Its own silences count in the mean here.
        assert -27 < 20 * np.log10(np.sqrt(np.mean(inside**2)) / user) < -19


def test_both_sides_are_equally_loud_and_not_clipped(espeak: EspeakSynthesizer) -> None:
    speech = speak_dialogue(FOUR_TURNS, "validation", espeak, SETTINGS, 0)
    samples = heard(speech)
    for channel, role in enumerate(("assistant", "user")):
        own = [samples[position(w.start) : position(w.end), channel] for w in speech.words if w.role == role]
        assert loudness(np.concatenate(own).astype(np.float32) / np.float32(32768)) == pytest.approx(-23.0, abs=0.1)
    assert np.abs(samples).max() < 32700


def test_the_same_bytes_in_another_process_with_other_helpers(espeak: EspeakSynthesizer) -> None:
    import hashlib

    items: list[tuple[Dialogue, Split]] = [(dialogue(n), "train") for n in range(6)]
    ours = "".join(hashlib.sha256(s.flac + repr(s.words).encode()).hexdigest() for s in speak_all(items, espeak, 7))
    script = (
        "import hashlib, test_speak as t\n"
        "from kame_data.speech.voices.espeak import EspeakSynthesizer\n"
        "items = [(t.dialogue(n), 'train') for n in range(6)]\n"
        "speeches = t.speak_all(items, EspeakSynthesizer(1), 7)\n"
        "print(''.join(hashlib.sha256(s.flac + repr(s.words).encode()).hexdigest() for s in speeches))"
    )
    folders = (*SOURCE_ROOTS, str(ROOT / "tests"), str(Path(__file__).parent))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", script]
    theirs = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert theirs.returncode == 0, theirs.stderr
    assert theirs.stderr == ""
    assert theirs.stdout.strip() == ours
    # A dialogue's speech does not depend on its company.
    alone = speak_dialogue(dialogue(5), "train", espeak, SETTINGS, 7)
    assert hashlib.sha256(alone.flac + repr(alone.words).encode()).hexdigest() == ours[-64:]


def speak_all(items: Iterable[tuple[Dialogue, Split]], synthesizer: EspeakSynthesizer, seed: int) -> list[Speech]:
    speeches = list(speak_dialogues(items, synthesizer, SETTINGS, seed))
    assert all(isinstance(speech, Speech) for speech in speeches)
    return [speech for speech in speeches if isinstance(speech, Speech)]


def test_a_seed_changes_the_voice_and_the_gaps(espeak: EspeakSynthesizer) -> None:
    speeches = [speak_dialogue(dialogue(), "train", espeak, SETTINGS, seed) for seed in range(5)]
    assert len({speech.user_voice for speech in speeches}) > 1
    assert len({speech.words[0].start for speech in speeches}) == 5
    assert len({speech.assistant_voice for speech in speeches}) == 1


def test_users_have_the_voices_of_their_split(espeak: EspeakSynthesizer) -> None:
    items: list[tuple[Dialogue, Split]] = [(dialogue(n), ("train", "validation")[n % 2]) for n in range(24)]  # type: ignore[misc]
    speeches = speak_all(items, espeak, 0)
    for (_, split), speech in zip(items, speeches, strict=True):
        assert speech.user_voice in espeak.user_voices(split)
        assert speech.assistant_voice == "en-us"
    assert len({speech.user_voice for speech in speeches}) > 10


def test_refused_dialogues_keep_their_place(espeak: EspeakSynthesizer) -> None:
    emoji = dialogue(2, turn("user", "thanks 👍 bye"), turn("assistant", "Bye."))
    items: list[tuple[Dialogue, Split]] = [
        (dialogue(0, language="tlh"), "train"),
        (dialogue(1), "train"),
        (emoji, "train"),
        (replace(dialogue(3), turns=()), "train"),
        (dialogue(4), "validation"),
        (dialogue(5, turn("user", "word " * 5000)), "train"),
    ]
    results = list(speak_dialogues(items, espeak, SETTINGS, 0))
    assert [r.dialogue_id for r in results] == [d.id for d, _ in items]
    reasons = [r.reason if isinstance(r, Rejected) else "" for r in results]
    assert reasons == ["language", "", "unspeakable", "empty_text", "", "too_long"]
    rejected = results[2]
    assert isinstance(rejected, Rejected)
    assert (rejected.stage, rejected.source, rejected.question_id) == ("speech", "gsm8k", "gsm8k-2")
    with pytest.raises(Refusal, match="unspeakable"):
        speak_dialogue(emoji, "train", espeak, SETTINGS, 0)


def test_killed_helpers_change_nothing() -> None:
    items: list[tuple[Dialogue, Split]] = [(dialogue(n), "train") for n in range(10)]
    with EspeakSynthesizer(2) as synthesizer:
        undisturbed = speak_all(items, synthesizer, 0)
        speeches = []
        for number, speech in enumerate(speak_dialogues(items, synthesizer, SETTINGS, 0)):
            if number in (0, 4):
                for pid in synthesizer.helper_ids():
                    os.kill(pid, signal.SIGKILL)
            speeches.append(speech)
    assert speeches == undisturbed


def test_another_language(espeak: EspeakSynthesizer) -> None:
    turns = (
        turn("user", "一个长方形的长是十二厘米，宽是五厘米，面积是多少？"),
        turn("assistant", "面积是六十平方厘米。"),
    )
    speech = speak_dialogue(Dialogue("q-1-v0", "q-1", 0, "zh", turns, "六十"), "train", espeak, SETTINGS, 0)
    assert "".join(word.word for word in speech.words) == turns[0].text + turns[1].text
    assert speech.assistant_voice == "cmn" and speech.user_voice.startswith("cmn+")


class Broken:
    """A synthesizer whose clips are not speech."""

    name = version = word_times = "broken"

    def __init__(self, samples: NDArray[np.int16], words: int) -> None:
        self.clip = Clip(samples, 22_050, tuple((i * 0.2, i * 0.2 + 0.2) for i in range(words)))

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        return [split]

    def assistant_voice(self, language: str = "en") -> str:
        return "assistant"

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        return (self.clip for _ in jobs)

    def close(self) -> None: ...

    def __enter__(self) -> "Broken":
        return self

    def __exit__(self, *_: object) -> None: ...


def test_silence_is_never_passed_off_as_speech() -> None:
    two = replace(dialogue(), turns=(turn("user", "one two three"), turn("assistant", "four five six")))
    for samples in (np.zeros(22_050, np.int16), np.zeros(0, np.int16)):
        (result,) = speak_dialogues([(two, "train")], Broken(samples, 3), SETTINGS, 0)
        assert isinstance(result, Rejected) and result.reason in ("silence", "silent_channel", "word_times"), result
    (result,) = speak_dialogues([(two, "train")], Broken(np.full(22_050, 500, np.int16), 2), SETTINGS, 0)
    assert isinstance(result, Rejected) and result.reason == "word_times"


def test_sound_of_another_row_is_refused(espeak: EspeakSynthesizer) -> None:
    """The user's channel of another row, or the assistant's: its words are others, wherever its turns are."""
    texts = (
        ("How many eggs does the duck lay every day?", "She lays sixteen of them, and sells half."),
        ("Which planet is the largest of all?", "Jupiter is far larger than the others."),
        ("Can you tell me who wrote the first novel?", "Nobody knows that for certain, but many guess."),
    )
    turns = [(turn("user", asked), turn("assistant", answered)) for asked, answered in texts]
    items = [(replace(dialogue(number), turns=spoken), "train") for number, spoken in enumerate(turns)]
    rows = list(speak_dialogues(items, espeak, SETTINGS, 0))  # type: ignore[arg-type]
    sounds = [sound.decode_flac(row.flac) for row in rows if isinstance(row, Speech)]
    assert len(sounds) == len(rows)
    for number, row in enumerate(rows):
        assert isinstance(row, Speech)
        check_speech(sounds[number], row.words, "en")
        check_said(sounds[number], row.words, "en", SETTINGS.checks)
        for other in range(len(rows)):
            if other == number:
                continue
            for channel in (sound.ASSISTANT, sound.USER):
                samples, length = sounds[number].copy(), min(len(sounds[number]), len(sounds[other]))
                samples[:, channel] = 0
                samples[:length, channel] = sounds[other][:length, channel]
                with pytest.raises(Refusal, match="alignment"):
                    check_said(samples, row.words, "en", SETTINGS.checks)
