"""The process that a Coqui model lives in: `python -m kame_data.speech.voices.coqui_helper FACTS`.

FACTS is JSON: `model` (a listed name, or ""), `path` and `config` (a local model's), `device` (`cpu`, `cuda:0`, ...),
`batch` (the most sentences said at once). A line of JSON on stdout, then `bytes` bytes, is an answer; the first says
what the model is, or its `error`. A line of JSON on stdin is a request, `bytes` bytes may follow it:

- `speak`: `items`, each with `id`, `sentences` (lists of words), `joiner` (between words), `language`, `speaker`,
  `reference` (file of a voice to clone), `pace` (1 is the model's own), `seed`. Each is answered by itself, with its
  sound (int16 mono), `words` (spans in samples, null where the model does not say) or an `error`.
- `align`: `words` (each romanised), `sample_rate`, and int16 mono sound; answered with `words`.
"""

import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kame_data.speech.child import channel, error_line, write_frame
from kame_data.speech.timing.durations import NOBODY, letters_of, owners, word_spans
from kame_data.speech.voices.coqui_hooks import Recorder, RowNoise

PAUSE_S = 0.3
# What the API puts behind every sentence; taken off again, for the pause is ours.
API_PADDING = 10_000
LOUDEST = 0.98


class Unspeakable(Exception):
    """The model cannot say it: (reason, detail)."""


class Voice:
    """A loaded model and how it speaks and times itself."""

    def __init__(self, facts: dict[str, Any]) -> None:
        import torch
        from TTS.api import TTS

        _read_audio_with_soundfile()
        self.torch = torch
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        self.device, self.batch = _device(torch, facts["device"]), int(facts["batch"] or 0)
        self.batch = self.batch or (16 if self.device.startswith("cuda") else 1)
        self.folder = tempfile.TemporaryDirectory(prefix="kame-voices-")
        if facts["path"]:
            config = _mended_config(Path(facts["config"]), Path(self.folder.name))
            self.api = TTS(model_path=facts["path"], config_path=str(config), progress_bar=False)
        else:
            self.api = TTS(facts["model"], progress_bar=False)
        self.api.to(self.device)
        self.api.synthesizer.use_cuda = self.device.startswith("cuda")
        self.model = self.api.synthesizer.tts_model
        self.model.eval()
        self.recorder = self.model.inference = Recorder(self.model.inference)
        self.aligner: Any = None

    def facts(self) -> dict[str, Any]:
        """The facts that the parent process needs about the model."""
        torch = self.torch
        return {
            "speakers": sorted(self.api.speakers or []),
            "languages": list(self.model.language_manager.language_names),
            "cloning": bool(self.model.config.supports_cloning),
            "device": self.device,
            "devices": torch.cuda.device_count() if self.device.startswith("cuda") else 1,
        }

    def speak(self, items: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], bytes]]:
        """An answer for every item. Where the model allows it, sentences of like length are said together."""
        batched = self.batch > 1 and type(self.model).__name__ == "Vits"
        sentences = [(n, k) for n, item in enumerate(items) for k in range(len(item["sentences"]))]
        said: dict[tuple[int, int], tuple[NDArray[np.float32], Any] | Unspeakable] = {}
        if batched:
            sentences.sort(key=lambda at: len(_text(items[at[0]], at[1])))
            for first in range(0, len(sentences), self.batch):
                some = sentences[first : first + self.batch]
                said |= dict(zip(some, self._together([(items[n], k) for n, k in some]), strict=True))
        for n, item in enumerate(items):
            try:
                parts = []
                for k in range(len(item["sentences"])):
                    part = said[n, k] if batched else self._alone(item, k)
                    if isinstance(part, Unspeakable):
                        raise part
                    parts.append(part)
                yield self._answer(item, parts)
            except Unspeakable as problem:
                reason, detail = problem.args
                yield {"id": item["id"], "refused": reason, "detail": detail}, b""
            except Exception as error:  # whatever a model raises loses one clip
                yield {"id": item["id"], "error": error_line(error)}, b""

    def _alone(self, item: dict[str, Any], number: int) -> tuple[NDArray[np.float32], Any]:
        """One sentence through the API."""
        self._seed(item, number)
        self._pace([item["pace"]])
        with RowNoise(self.torch, [_seed_of(item, number)]):
            wav = self.api.tts(_text(item, number), split_sentences=False, **self._manner(item))
        samples: NDArray[np.float32] = np.asarray(wav, np.float32).reshape(-1)
        if len(samples) >= API_PADDING and not samples[-API_PADDING:].any():
            samples = samples[:-API_PADDING]
        return samples, self._spans(item, number, self.recorder.symbols, self.recorder.frames(), samples)

    def _together(self, some: Sequence[tuple[dict[str, Any], int]]) -> list[Any]:
        """Sentences through one call of a VITS model, padded to the longest."""
        torch, model = self.torch, self.model
        tokens = [self._tokens(_text(item, k), self._manner(item).get("language")) for item, k in some]
        lengths = torch.tensor([len(ids) for ids in tokens], device=model.device)
        x = torch.zeros(len(tokens), int(lengths.max()), dtype=torch.long, device=model.device)
        for row, ids in enumerate(tokens):
            x[row, : len(ids)] = torch.as_tensor(ids)
        speakers, vectors, languages = zip(*(self._conditions(item) for item, _ in some), strict=True)
        aux = {
            "x_lengths": lengths,
            "speaker_ids": None if speakers[0] is None else torch.cat(speakers),
            "d_vectors": None if vectors[0] is None else torch.cat(vectors),
            "language_ids": None if languages[0] is None else torch.tensor(languages, device=model.device),
        }
        self._pace([item["pace"] for item, _ in some])
        with RowNoise(torch, [_seed_of(item, k) for item, k in some]):
            outputs = model.inference(x, aux)
        results: list[Any] = []
        hop = outputs["model_outputs"].shape[-1] // outputs["y_mask"].shape[-1]
        for row, (item, k) in enumerate(some):
            frames = outputs["durations"][row].reshape(-1)[: len(tokens[row])].double().cpu().numpy()
            samples = outputs["model_outputs"][row, 0, : int(frames.sum()) * hop].float().cpu().numpy()
            try:
                results.append((samples, self._spans(item, k, tokens[row], frames, samples)))
            except Unspeakable as problem:
                results.append(problem)
        return results

    def _manner(self, item: dict[str, Any]) -> dict[str, Any]:
        """The API's arguments beside the text."""
        manner: dict[str, Any] = {}
        if self.api.is_multi_lingual:
            manner["language"] = item["language"]
        if item["reference"]:  # cloned once, then known by its name
            manner |= {"speaker": item["speaker"], "voice_dir": self.folder.name}
            if item["speaker"] not in self.model.get_voices(self.folder.name):
                manner["speaker_wav"] = item["reference"]
        elif item["speaker"]:
            manner["speaker"] = item["speaker"]
        if not hasattr(self.model, "length_scale") and "xtts" in str(self.model.config.model):
            manner["speed"] = item["pace"]
        return manner

    def _conditions(self, item: dict[str, Any]) -> tuple[Any, Any, Any]:
        manner = self._manner(item)
        speaker, vector = self.model._get_speaker_id_or_dvector(
            manner.get("speaker"), manner.get("speaker_wav"), manner.get("voice_dir")
        )
        return speaker, vector, self.model._get_language_id(manner.get("language"))

    def _tokens(self, text: str, language: str | None) -> list[int]:
        names = self.model.language_manager.language_names
        return list(self.model.tokenizer.text_to_ids(text, language=language or (names[0] if names else None)))

    def _pace(self, paces: Sequence[float]) -> None:
        if not hasattr(self.model, "length_scale"):
            return
        self.own_length = getattr(self, "own_length", self.model.length_scale)
        scales = [self.own_length / pace for pace in paces]
        if len(scales) == 1:
            self.model.length_scale = scales[0]
        else:
            self.model.length_scale = self.torch.tensor(scales, device=self.model.device).reshape(-1, 1, 1)

    def _seed(self, item: dict[str, Any], number: int) -> None:
        self.torch.manual_seed(_seed_of(item, number))
        np.random.seed(_seed_of(item, number) % 2**32)

    def _spans(
        self,
        item: dict[str, Any],
        number: int,
        symbols: list[int],
        frames: NDArray[np.float64] | None,
        samples: NDArray[np.float32],
    ) -> list[tuple[int, int]] | None:
        if frames is None or not frames.sum():
            return None
        words, tokenizer = item["sentences"][number], self.model.tokenizer
        language = self._manner(item).get("language")
        alone = [self._core(self._tokens(word.strip(), language)) for word in words]
        owner = owners(self._core(symbols), alone, tokenizer.encode(item["joiner"]) if item["joiner"] else [])
        owner = letters_of(self._core(symbols), owner, lambda symbol: str(tokenizer.decode([symbol])))
        for place, word in enumerate(words):
            if any(c.isalnum() for c in word) and place not in owner:
                raise Unspeakable("unspeakable", f"the model has no letters for '{word}'")
        everywhere = [NOBODY] * len(symbols)
        at = range(int(tokenizer.use_eos_bos), len(symbols) - int(tokenizer.use_eos_bos))
        for symbol, word in zip(at[1::2] if tokenizer.add_blank else at, owner, strict=True):
            everywhere[symbol] = word
        hop = len(samples) / float(frames.sum())
        rate = self.api.synthesizer.output_sample_rate
        return word_spans(frames * hop, everywhere, len(words), samples, rate)

    def _core(self, symbols: Sequence[int]) -> list[int]:
        """The symbols without the marks around and the blanks between them."""
        tokenizer = self.model.tokenizer
        inner = list(symbols[1:-1] if tokenizer.use_eos_bos else symbols)
        return inner[1::2] if tokenizer.add_blank else inner

    def _answer(self, item: dict[str, Any], parts: Sequence[tuple[NDArray[np.float32], Any]]) -> tuple[Any, bytes]:
        rate = int(self.api.synthesizer.output_sample_rate)
        pause = np.zeros(round(PAUSE_S * rate), np.float32)
        sound: list[NDArray[np.float32]] = []
        words: list[tuple[int, int]] | None = []
        length = 0
        for samples, spans in parts:
            if sound:
                sound.append(pause)
                length += len(pause)
            words = None if words is None or spans is None else words + [(a + length, b + length) for a, b in spans]
            sound.append(samples)
            length += len(samples)
        wave = np.concatenate(sound)
        peak = float(np.abs(wave).max(initial=0.0))
        if not np.isfinite(peak):
            raise Unspeakable("speech_failed", "the model's sound is not finite")
        wave = wave * (LOUDEST / peak) if peak > LOUDEST else wave
        reply = {"id": item["id"], "sample_rate": rate, "words": words, "by": self._timed_by() if words else None}
        return reply, np.round(wave * 32767.0).astype("<i2").tobytes()

    def _timed_by(self) -> str:
        return f"{type(self.model).__name__.lower()}-durations"

    def align(self, words: list[str], samples: NDArray[np.float32], rate: int) -> list[tuple[int, int]]:
        """Spans in samples of romanised words, by CTC forced alignment."""
        from kame_data.speech.timing.ctc import CtcAligner

        self.aligner = self.aligner or CtcAligner(self.device)
        return self.aligner.align(words, samples, rate)  # type: ignore[no-any-return]


def _text(item: dict[str, Any], number: int) -> str:
    return str(item["joiner"].join(item["sentences"][number])).strip()


def _seed_of(item: dict[str, Any], number: int) -> int:
    return (int(item["seed"]) + 7919 * number) % 2**63


def _device(torch: Any, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda:0" if torch.cuda.is_available() else "cpu"


def _mended_config(config: Path, folder: Path) -> Path:
    """A copy of a local model's settings in which files that stood elsewhere are found beside it."""

    def mended(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: mended(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [mended(inner) for inner in value]
        if isinstance(value, str) and value and len(value) < 1000 and not Path(value).exists():
            beside = config.parent / Path(value).name
            return str(beside) if beside.is_file() else value
        return value

    copy = folder / "config.json"
    copy.write_text(json.dumps(mended(json.loads(config.read_text("utf-8")))), "utf-8")
    return copy


def _read_audio_with_soundfile() -> None:
    """torchaudio reads sound by FFmpeg's libraries, which many machines lack; a reference clip needs none of them."""
    import soundfile
    import torch
    import torchaudio

    def load(path: Any, **_: Any) -> tuple[Any, int]:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    torchaudio.load = load


def serve(voice: Voice, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers until `requests` ends."""
    while line := requests.readline():
        request = json.loads(line)
        if request["op"] == "speak":
            for reply, sound in voice.speak(request["items"]):
                write_frame(answers, reply, sound)
            continue
        samples = np.frombuffer(requests.read(request["bytes"]), "<i2").astype(np.float32) / 32768.0
        try:
            write_frame(answers, {"words": voice.align(request["words"], samples, request["sample_rate"])})
        except Exception as error:  # loses one clip
            write_frame(answers, {"error": error_line(error)})


def main(arguments: list[str]) -> int:
    """Loads the model, says what it is, serves."""
    requests, answers = channel()
    logging.disable(logging.WARNING)
    try:
        voice = Voice(json.loads(arguments[0]))
        greeting = voice.facts()
    except BaseException as error:
        write_frame(answers, {"error": error_line(error)})
        return 1
    with suppress(BrokenPipeError):
        write_frame(answers, greeting)
        serve(voice, requests, answers)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
