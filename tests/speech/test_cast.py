"""Who speaks: the pool of voices and the reference clips in it, with the real voices of espeak."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kame_data.errors import UsageError
from kame_data.records import Split
from kame_data.settings.speech import SpeechSettings, VoiceSettings
from kame_data.speech.voices.cast import SPLITS, VoicePool, split_speakers
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.speech.voices.references import Reference, read_reference

ESPEAK = EspeakSynthesizer()


class Cloner(EspeakSynthesizer):
    """espeak, if it could clone."""

    def clone(self, reference: Reference) -> str:
        return reference.label

    def speaker_of(self, voice: str) -> str:
        return voice


def pool(*voices: str | VoiceSettings, assistant: str | None = None) -> VoicePool:
    given = tuple(VoiceSettings.model_validate(voice) for voice in voices)
    return VoicePool(ESPEAK, SpeechSettings(user_voices=given, assistant_voice=assistant))


def names(found: Sequence[tuple[str, float]]) -> set[str]:
    return {voice for voice, _ in found}


def test_the_default_pool_is_the_synthesizers_own() -> None:
    own = pool()
    for split in SPLITS:
        assert own.user_voices(split) == [(voice, 1.0) for voice in ESPEAK.user_voices(split)]
    assert own.assistant_voice("fr") == "fr"
    own.check(["en", "zh", "fr"])


def test_no_speaker_is_in_both_splits_and_the_assistant_is_no_user() -> None:
    voices = [f"{accent}+{v}" for v in ("m1", "m2", "f1", "f2", "david") for accent in ("en-us", "en-gb", "fr")]
    named = pool(*voices, assistant="en-us+f2")
    by_split = {split: names(named.user_voices(split)) for split in SPLITS}
    speakers = [{ESPEAK.speaker_of(voice) for voice in by_split[split]} for split in SPLITS]
    assert speakers[0] and speakers[1] and not speakers[0] & speakers[1]
    assert speakers[0] | speakers[1] == {"m1", "m2", "f1", "david"}
    assert all(voice.startswith("en-") for found in by_split.values() for voice in found)
    # The same speakers in another language are in the same splits.
    for split in SPLITS:
        assert {ESPEAK.speaker_of(v) for v, _ in named.user_voices(split, "fr")} == {
            ESPEAK.speaker_of(v) for v in by_split[split]
        }


def test_weights_and_splits_as_they_are_given() -> None:
    named = pool(
        {"voice": "en-us+m1", "weight": 3, "split": "validation"},  # type: ignore[arg-type]
        "en-us+f1",
        "en-us+m2",
    )
    assert named.user_voices("validation") == [("en-us+m1", 3.0)]
    assert named.user_voices("train") == [("en-us+f1", 1.0), ("en-us+m2", 1.0)]


@pytest.mark.parametrize(
    ("voices", "assistant", "told"),
    [
        (["en-us+m1"], None, "validation"),
        (["en-us+m1", "en-gb+m1"], None, "validation"),
        (["en-us+m1", "en-us+f1"], "en-us+m1", "validation"),
        (["en-us+m1", "en-us+nobody"], None, "en-us, en-gb"),
        (["en-us+m1", "en-us+f1"], "de+nobody", "no voice 'de+nobody'"),
        (["en-us+m1", "en-us+m1", "en-us+f1"], None, "twice"),
        (["fr+m1", "fr+f1"], None, "'en'"),
        ([{"voice": "en-us+m1", "split": "train"}, {"voice": "en-gb+m1", "split": "validation"}], None, "same split"),
        (["./no-such-file.wav", "en-us+m1"], None, "cannot be read"),
    ],
)
def test_a_pool_that_will_not_do_says_so(voices: list[str], assistant: str | None, told: str) -> None:
    with pytest.raises(UsageError, match="speech") as error:
        pool(*voices, assistant=assistant).check(["en"])
    assert told in str(error.value) and "\n" not in str(error.value)


def test_without_validation_one_voice_will_do() -> None:
    pool("en-us+m1").check(["en"], ["train"])


def test_a_language_that_nobody_speaks() -> None:
    with pytest.raises(UsageError, match=r"--tts espeak: .*'tlh'"):
        pool().check(["en", "tlh"])


def test_speakers_stay_where_they_are() -> None:
    speakers: dict[str, Split | None] = {f"p{number}": None for number in range(100)}
    found = split_speakers(speakers)
    assert sum(split == "validation" for split in found.values()) == 15
    assert split_speakers(dict(reversed(speakers.items()))) == found
    assert set(split_speakers({"a": None, "b": None}).values()) == {"train", "validation"}
    assert split_speakers({"a": None}) == {"a": "train"}
    assert split_speakers({"a": "train", "b": None}) == {"a": "train", "b": "validation"}


def recording(path: Path, samples: np.ndarray, rate: int = 22_050) -> Path:  # type: ignore[type-arg]
    soundfile.write(path, samples, rate)
    return path


def voice(seconds: float, rate: int = 22_050) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(0).standard_normal(round(seconds * rate)) * 0.1


def test_reference_clips(tmp_path: Path) -> None:
    anna = recording(tmp_path / "anna.wav", voice(3))
    assert read_reference(anna).label.startswith("anna~")
    odd = read_reference(recording(tmp_path / "odd.flac", voice(3, 37_800), 37_800))
    twice = read_reference(recording(tmp_path / "twice.wav", np.stack([voice(3)] * 2, axis=1)))
    settings = SpeechSettings(
        user_voices=tuple(VoiceSettings(voice=str(r.path)) for r in (read_reference(anna), odd, twice))
    )
    cloned = VoicePool(Cloner(), settings)
    assert len(cloned.facts()["users"]) == 3 and str(tmp_path) not in str(cloned.facts())
    with pytest.raises(UsageError, match="espeak clones no voices"):
        VoicePool(ESPEAK, settings).check(["en"])


@pytest.mark.parametrize(
    ("name", "samples", "rate", "told"),
    [
        ("silent.wav", np.zeros(66_150), 22_050, "is silent"),
        ("short.wav", voice(0.5), 22_050, "0.5 s long"),
        ("empty.wav", np.zeros(0), 22_050, "0.0 s long"),
        ("long.wav", voice(130, 16_000), 16_000, "130 s long"),
        ("telephone.wav", voice(3, 8_000), 8_000, "8000 Hz"),
        ("two.wav", np.stack([voice(3), voice(3)[::-1]], axis=1), 22_050, "2 channels"),
    ],
)
def test_a_reference_clip_that_will_not_do(
    tmp_path: Path, name: str, samples: np.ndarray, rate: int, told: str
) -> None:  # type: ignore[type-arg]
    path = recording(tmp_path / name, samples, rate)
    with pytest.raises(UsageError) as error:
        read_reference(path)
    assert told in str(error.value) and name in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_audio_at_all(tmp_path: Path) -> None:
    for name, data in (("text.wav", b"hello, I am text"), ("empty.mp3", b""), ("cut.wav", b"RIFF\x10\0\0\0WAVEfmt ")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError, match="is not audio"):
            read_reference(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        read_reference(tmp_path / "nothing.wav")
    with pytest.raises(UsageError, match="cannot be read"):
        read_reference(tmp_path)
