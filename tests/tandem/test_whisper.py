"""faster-whisper at work: agreement of passes and the bounded buffer on a recogniser of tones, and the real library
with a tiny model of random weights."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from kame_data.errors import KameError
from kame_data.tandem.streaming_recognisers import streaming_recogniser, whisper
from kame_data.tandem.streaming_recognisers.whisper import WhisperRecogniser
from tandem.hearing import check_order, hear, silence, texts
from tandem.tones import WORDS, ToneModel, said


def heard(sound: np.ndarray, model: ToneModel) -> list:
    return hear(WhisperRecogniser(model, "faster-whisper:tones").open("en"), sound)


@pytest.mark.parametrize("wavers", [False, True])
def test_words_are_committed_when_two_passes_agree(wavers: bool) -> None:
    spoken = [WORDS[n * n % 10] for n in range(16)]
    events = heard(np.concatenate([silence(0.7), said(*spoken), silence(1.5)]), ToneModel(wavers))
    check_order(events)
    (whole,) = texts(events, "end")
    assert whole.lower() == " ".join(spoken)
    (start,) = [event.time for _, event in events if event.kind == "start"]
    assert start == pytest.approx(0.7, abs=0.09)
    interims = [event for _, event in events if event.kind == "interim"]
    assert len(interims) >= 4 and interims[0].stable == 0
    assert interims[-1].stable > len(interims[-1].text) / 2
    assert all(event.text[: event.stable].lower() == whole[: event.stable].lower() for event in interims)


def test_a_long_turn_is_heard_in_a_buffer_that_moves_on() -> None:
    spoken = [WORDS[(n * 7 + n // 10) % 10] for n in range(220)]  # 70 s without a pause
    model = ToneModel()
    events = heard(np.concatenate([said(*spoken), silence(1.5)]), model)
    check_order(events)
    assert texts(events, "end") == [" ".join(spoken)]
    assert max(model.passes) < whisper.LONGEST_S and len(model.passes) > 60


def test_turns_end_by_silence_and_what_is_late_is_heard_in_one_pass() -> None:
    sound = np.concatenate([said("one", "two"), silence(0.6), said("three"), silence(1.5), said("four"), silence(1.5)])
    events = heard(sound, ToneModel())
    check_order(events)
    assert texts(events, "end") == ["one two three", "four"] and texts(events, "final")[0] == "one two"
    model = ToneModel()
    stream = WhisperRecogniser(model, "faster-whisper:tones").open("en")
    spoken = [WORDS[n % 10] for n in range(25)]
    assert stream.push(said(*spoken))[-1].text == " ".join(spoken), "eight seconds at once"
    assert len(model.passes) == 1
    assert texts([(9.0, event) for event in stream.close()], "end") == [" ".join(spoken)]
    assert stream.close() == []


def test_sound_without_words_does_not_fill_the_buffer() -> None:
    model = ToneModel()
    noise = np.random.default_rng(0).normal(0, 0.02, 24_000 * 60).astype(np.float32)
    heard(noise, model)
    assert max(model.passes) < whisper.LONGEST_S


def test_a_model_that_fails_or_hangs_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ToneModel):
        def transcribe(self, sound, **manner):
            raise RuntimeError("CUDA out of memory\nat line 3")

    class Hanging(ToneModel):
        def transcribe(self, sound, **manner):
            threading.Event().wait(30)

    monkeypatch.setattr(whisper, "PASS_LIMIT_S", 0.3)
    for model, line in (
        (Broken(), r"it fails \(CUDA out of memory at line 3\)"),
        (Hanging(), "it did not answer within"),
    ):
        stream = WhisperRecogniser(model, "faster-whisper:x").open("en")
        began = time.monotonic()
        with pytest.raises(KameError, match=f"recogniser faster-whisper:x: {line}"):
            stream.push(said("one", "two", "three", "four"))
        assert stream.close() == [], "and nobody waits for it again"
        assert time.monotonic() - began < 20
    with pytest.raises(KameError, match="it hears en, not 'zh'"):
        WhisperRecogniser(ToneModel(), "faster-whisper:x").open("zh")
    with pytest.raises(KameError, match="NaN"):
        WhisperRecogniser(ToneModel(), "x").open("en").push(np.full(10, np.nan, np.float32))


def test_a_model_that_cannot_be_had_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(KameError, match="the model cannot be had") as error:
        streaming_recogniser(f"faster-whisper:{tmp_path}")
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_the_real_library_with_a_tiny_model_of_random_weights(tmp_path: Path) -> None:
    """It hears nonsense; what is tested is that the real calls give words with times, and that the rules hold."""
    pytest.importorskip("faster_whisper")
    pytest.importorskip("transformers")
    from tandem.tiny_whisper import make

    recogniser = streaming_recogniser(f"faster-whisper:{make(tmp_path)}")
    assert recogniser is not None
    sound = np.concatenate([silence(0.5), said(*WORDS), silence(1.5)])
    one, other = recogniser.open("en"), recogniser.open("en-GB")
    found: dict[str, list] = {}
    threads = [
        threading.Thread(target=lambda n, s: found.update({n: hear(s, sound)}), args=of)
        for of in (("one", one), ("other", other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_order(found["one"])
    assert found["one"] == found["other"]
    assert found["one"][0][1].kind == "start" and texts(found["one"], "end")[0].strip()
