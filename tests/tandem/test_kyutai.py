"""Kyutai's recogniser at work: Moshi's classes with a tiny model of random weights, and the rules on scripted steps.

The tiny model hears nonsense; what is tested with it is that its rows are what Moshi's own loop gives.
"""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moshi")
import sentencepiece
import torch
from moshi.models import loaders
from moshi.models.lm import LMGen
from moshi.utils.compile import no_compile

from kame_data.errors import KameError
from kame_data.tandem.frames import SAMPLES
from kame_data.tandem.streaming_recognisers import kyutai, streaming_recogniser
from kame_data.tandem.streaming_recognisers.kyutai import KyutaiModel, KyutaiRecogniser, Step, open_kyutai
from tandem.hearing import check_order, hear, silence, texts
from tandem.tiny_kyutai import DELAY, PREFIX, TOKENIZER, make
from tandem.tones import WORDS, said


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return {heads: make(tmp_path_factory.mktemp(f"heads{heads}"), heads) for heads in (0, 4)}


def reference(folder: Path, sound: np.ndarray) -> str:
    """The words that Moshi's own loop (`moshi.run_inference`) writes, one conversation by itself."""
    info = loaders.CheckpointInfo.from_hf_repo(
        "none",
        moshi_weights=folder / "model.safetensors",
        mimi_weights=folder / "mimi.safetensors",
        tokenizer=folder / "tokenizer.model",
        config_path=folder / "config.json",
        mimi_config_path=folder / "mimi.json",
    )
    mimi, lm = info.get_mimi(), info.get_moshi(dtype=torch.float32)
    padded = np.concatenate([silence(PREFIX), sound, silence(DELAY + 0.16)])
    frames = padded[: len(padded) // SAMPLES * SAMPLES].reshape(-1, SAMPLES)
    ids = []
    generation = LMGen(lm, temp=0, temp_text=0, use_sampling=False)
    with torch.no_grad(), no_compile(), mimi.streaming(1), generation.streaming(1):
        for number, frame in enumerate(frames):
            codes = mimi.encode(torch.from_numpy(frame.copy())[None, None])
            if number == 0:
                generation.step(codes)
            tokens = generation.step(codes)
            if number >= round(PREFIX / 0.08) and tokens is not None and tokens[0, 0, 0].item() not in (0, 3):
                ids.append(tokens[0, 0, 0].item())
    return " ".join(sentencepiece.SentencePieceProcessor(str(TOKENIZER)).decode(ids).split())


def sound(n: int) -> np.ndarray:
    return np.concatenate([silence(0.24), said(*WORDS[n : n + 3]), silence(0.32)])


@pytest.mark.slow
@pytest.mark.parametrize("heads", [0, 4])
def test_rows_hear_what_moshis_own_loop_hears(folders: dict[int, Path], heads: int) -> None:
    recogniser = streaming_recogniser(f"kyutai:{folders[heads]}")
    assert recogniser is not None
    found: dict[int, list] = {}
    streams = {n: recogniser.open("en") for n in range(3)}
    threads = [threading.Thread(target=lambda n=n: found.update({n: hear(streams[n], sound(n))})) for n in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, events in found.items():
        check_order(events)
        assert " ".join(texts(events, "end")) == reference(folders[heads], sound(n))
    assert len({texts(events, "end")[0] for events in found.values()}) == 3, "it does hear the sound"
    assert hear(recogniser.open("en"), sound(0)) == found[0], "a row that was used before has nothing left of it"


class Scripted:
    """A model whose steps are written down: a word, `.` for none, `|` for a pause that is foretold."""

    def __init__(self, script: str, heads: bool) -> None:
        self.tokenizer = sentencepiece.SentencePieceProcessor(str(TOKENIZER))
        self.script, self.heads, self.rows = script.split(), heads, 0

    def open(self) -> int:
        self.rows += 1
        return 0

    def close(self, row: int) -> None:
        self.rows -= 1

    def hear(self, row: int, frames: list) -> list[Step]:
        return [step for _ in frames for step in [self._step(self.script.pop(0) if self.script else ".")]]

    def _step(self, word: str) -> Step:
        pause = float(word == "|") if self.heads else None
        return Step(self.tokenizer.encode(word)[0] if word.isalpha() else None, pause)


def run(script: str, heads: bool, delay: float = 0.48) -> list:
    model = Scripted(script, heads)
    stream = KyutaiRecogniser(model, model.tokenizer, "kyutai:scripted", delay, 0.0).open("en")
    events = hear(stream, silence(0.08 * len(script.split())))
    check_order(events)
    assert model.rows == 0 and stream.close() == []
    return events


@pytest.mark.parametrize("heads", [False, True])
def test_lines_and_turns(heads: bool) -> None:
    dots = ". " * 20
    script = f"{'. ' * 12} the . of . | {'. ' * 7} and {'| ' * 4} {dots} to . in {dots} {dots}"
    events = run(script, heads)
    assert texts(events, "end") == ["the of and", "to in"]
    assert texts(events, "final") == ["the of", "the of and", "to in"]
    starts = [event.time for _, event in events if event.kind == "start"]
    assert starts[0] == pytest.approx(0.08 * 12 - 0.48), "times are those of the sound, not of the text behind it"
    assert all(event.stable == len(event.text) for _, event in events), "it is never rewritten"
    first_final = next(at for at, event in events if event.kind == "final")
    assert first_final == pytest.approx(0.08 * (17 if heads else 15 + 8))


def test_a_line_does_not_grow_without_end() -> None:
    events = run("the " * (2 * kyutai.MOST_TOKENS + 5), heads=True)
    finals = [text.split() for text in texts(events, "final")]
    assert [len(words) for words in finals] == [300, 600, 605]


def test_what_is_wrong_is_one_clear_line(folders: dict[int, Path], tmp_path: Path) -> None:
    for spec, line in ((str(tmp_path), "config.json"), ("no such/re po", "Repo id")):
        with pytest.raises(
            KameError, match=rf"--recogniser kyutai:{spec}: the model cannot be had \(.*{line}"
        ) as error:
            open_kyutai(spec, 0.8)
        assert "\n" not in str(error.value)
    for name in folders[0].iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "stt_config": {}}))
    with pytest.raises(KameError, match="it is no recogniser"):
        open_kyutai(str(tmp_path), 0.8)
    (tmp_path / "config.json").write_text(json.dumps({**config, "stt_config": {"audio_delay_seconds": 1e9}}))
    with pytest.raises(KameError, match=r"audio_delay_seconds is 1e\+09"):
        open_kyutai(str(tmp_path), 0.8)


@pytest.mark.slow
def test_rows_that_are_taken_and_a_model_that_fails(folders: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser = open_kyutai(str(folders[4]), 0.8)
    streams = [recogniser.open("en") for _ in range(kyutai.ROWS)]
    with pytest.raises(KameError, match="all 8 conversations of its model are taken"):
        recogniser.open("en")
    streams[3].close()
    other = recogniser.open("en")
    with pytest.raises(KameError, match="NaN"):
        other.push(np.full(10, np.nan, np.float32))

    def fails(self: KyutaiModel, *_: object) -> None:
        raise RuntimeError("CUDA error:\nout of memory")

    monkeypatch.setattr(KyutaiModel, "_stepped", fails)
    for stream in (other, streams[0]):
        with pytest.raises(KameError, match=r"kyutai: its model fails \(CUDA error: out of memory\); it hears no more"):
            stream.push(silence(0.08))
    recogniser._model.close(streams[2]._row)
    for _ in range(2):  # a conversation that does not begin leaves its row
        with pytest.raises(KameError, match="its model fails"):
            recogniser.open("en")
    monkeypatch.setattr(kyutai, "STEP_LIMIT_S", 0.1)
    model = recogniser._model
    with model._turn(), pytest.raises(KameError, match=r"not free within 0\.1 s"):
        streams[1].push(silence(0.08))
