"""Kyutai's streaming recogniser (`kyutai/stt-1b-en_fr` and its kind) at work, by Moshi's own classes.

A model of one text stream writes what it hears, a fixed delay behind the sound and never rewritten. All conversations
are rows of one batch. Models with pause heads tell where a line ends; of others a line ends where no word comes for
`PAUSE_S`.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.tandem.frames import FRAME, RATE, SAMPLES, whole_frames
from kame_data.tandem.sounds import Sound, checked
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.streaming_recognisers.bounded import one_line
from kame_data.tandem.streaming_recognisers.turns import SILENCE, Turns

NAME = "kyutai"
ROWS = 8
"""Conversations that one model hears at once."""
PAUSE_S = 0.64
PAUSE_HEAD, PAUSE_AT = 2, 0.5
"""The head that foretells two seconds without a word, and the probability at which it is believed."""
MOST_TOKENS = 300
"""Tokens of a line, so that no line grows without end."""
MOST_AHEAD_S = 60.0
"""Seconds of delay, and of silence before the sound, that a model may want."""
STEP_LIMIT_S = 20.0
"""Seconds that a conversation waits for the steps of the others."""


class Step(NamedTuple):
    """The outcome of one frame: a text token (None: none), and the probability of a pause (None: no such head)."""

    token: int | None
    pause: float | None


class _Waiting:
    """A row that is taken: frames that wait, and what came of those before. `fresh`: it was not stepped yet."""

    def __init__(self) -> None:
        self.frames: deque[Sound] = deque()
        self.steps: list[Step] = []
        self.fresh = True


class KyutaiModel:
    """A language model (`moshi.models.LMModel` without audio of its own) and Mimi, in `count` rows."""

    def __init__(self, lm: Any, mimi: Any, count: int = ROWS) -> None:
        from moshi.models.lm import LMGen

        self.count = count
        self._lm, self._mimi = lm, mimi
        self._generation = LMGen(lm, temp=0.0, temp_text=0.0, use_sampling=False, support_out_of_sync=True)
        self._streaming = (self._generation.streaming(count), mimi.streaming(count))
        self._rows: dict[int, _Waiting] = {}
        self._lock, self._rows_lock = threading.Lock(), threading.Lock()
        self._broken: str | None = None

    def open(self) -> int:
        """A free row. Raises KameError where all are taken."""
        with self._turn(), self._rows_lock:
            row = next((row for row in range(self.count) if row not in self._rows), None)
            if row is None:
                raise KameError(f"recogniser {NAME}: all {self.count} conversations of its model are taken")
            self._rows[row] = _Waiting()
            mask = self._mask([row])
            self._generation.reset_streaming(mask)
            self._mimi.reset_streaming(mask)
            return row

    def close(self, row: int) -> None:
        """The conversation of a row has ended."""
        with self._rows_lock:
            self._rows.pop(row, None)

    def hear(self, row: int, frames: Sequence[Sound]) -> list[Step]:
        """The outcomes of a row's next frames, each f32 (1920,). Whoever has his turn steps what waits in all rows.

        Raises KameError where the model has failed, or is not free in time.
        """
        waiting = self._rows[row]
        waiting.frames.extend(frames)
        with self._turn():
            while waiting.frames:
                self._step()
            steps, waiting.steps = waiting.steps, []
            return steps

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=STEP_LIMIT_S):
            raise KameError(f"recogniser {NAME}: its model is not free within {STEP_LIMIT_S:g} s; it hears no more")
        try:
            yield
        finally:
            self._lock.release()

    def _step(self) -> None:
        """One step of the rows that have a frame."""
        if self._broken is not None:
            raise KameError(f"recogniser {NAME}: {self._broken}; it hears no more")
        with self._rows_lock:
            rows = {row: waiting for row, waiting in self._rows.items() if waiting.frames}
        try:
            fresh = [row for row, waiting in rows.items() if waiting.fresh]
            steps = self._stepped({row: waiting.frames.popleft() for row, waiting in rows.items()}, fresh)
        except Exception as error:  # of the GPU, of memory
            self._broken = f"its model fails ({one_line(error)})"
            raise KameError(f"recogniser {NAME}: {self._broken}; it hears no more") from error
        for row, waiting in rows.items():
            waiting.steps.append(steps[row])
            waiting.fresh = False

    def _stepped(self, frames: dict[int, Sound], fresh: list[int]) -> dict[int, Step]:
        import torch
        from moshi.utils.compile import no_compile

        sound = np.zeros((self.count, 1, SAMPLES), np.float32)
        for row, frame in frames.items():
            sound[row, 0] = frame
        compiling = nullcontext() if self._lm.device.type == "cuda" else no_compile()
        with torch.no_grad(), compiling:
            self._mimi.set_exec_mask(self._mask(frames))
            codes = self._mimi.encode(torch.from_numpy(sound).to(self._lm.device))
            if fresh:
                # In its first step a row sees its initial tokens in place of the sound, which so comes twice.
                self._generation.set_exec_mask(self._mask(fresh))
                self._generation.step(codes)
            self._generation.set_exec_mask(self._mask(frames))
            made = self._generation.step_with_extra_heads(codes)
        assert made is not None  # Moshi gives None only where all rows begin at once
        tokens, heads = made
        text = tokens[:, 0, 0].tolist()
        pauses = heads[PAUSE_HEAD][:, 0, 0].tolist() if len(heads) > PAUSE_HEAD else None
        silent = (self._lm.text_padding_token_id, self._lm.end_of_text_padding_id)
        return {
            row: Step(
                text[row] if 0 <= text[row] < self._lm.text_card and text[row] not in silent else None,
                None if pauses is None else pauses[row],
            )
            for row in frames
        }

    def _mask(self, rows: Any) -> Any:
        import torch

        mask = torch.zeros(self.count, dtype=torch.bool)
        mask[list(rows)] = True
        return mask.to(self._lm.device)


class KyutaiRecogniser:
    """Hears with one model. `delay`: seconds that its text is behind the sound; `prefix`: seconds of silence that it
    wants to hear first; `silence`: seconds that end a turn."""

    def __init__(
        self, model: KyutaiModel, tokenizer: Any, name: str, delay: float, prefix: float, silence: float = SILENCE
    ) -> None:
        self.name = name
        self._model, self._tokenizer, self._silence = model, tokenizer, silence
        self._delay, self._prefix = delay, prefix

    def open(self, language: str) -> "KyutaiStream":
        """A row of its own. Raises KameError where all are taken."""
        return KyutaiStream(self._model, self._tokenizer, Turns(language, self._silence), self._delay, self._prefix)


class KyutaiStream:
    """The hearing of one conversation; see `HearingStream`. For one thread at a time."""

    def __init__(self, model: KyutaiModel, tokenizer: Any, turns: Turns, delay: float, prefix: float) -> None:
        self._model, self._tokenizer, self._turns, self._delay = model, tokenizer, turns, delay
        self._row = model.open()
        self._waiting: Sound = np.zeros(0, np.float32)  # less than a frame
        self._ids: list[int] = []  # of the open line
        self._word_end = 0.0
        self._closed = False
        self._steps = self._samples = 0
        try:
            model.hear(self._row, [np.zeros(SAMPLES, np.float32)] * ceil(prefix / FRAME))
        except KameError:
            model.close(self._row)
            raise

    def push(self, sound: NDArray[Any]) -> list[SpeechEvent]:
        """Take sound, and give what has become known. Raises KameError where the model has failed."""
        if self._closed:
            raise KameError(f"recogniser {NAME}: the stream is closed")
        taken = checked(sound)
        self._samples += len(taken)
        return self._hear(taken)

    def close(self) -> list[SpeechEvent]:
        """The sound is over; the words that its end still holds are heard, and the row is given back."""
        if self._closed:
            return []
        self._closed = True
        try:
            events = self._hear(np.zeros(round((self._delay + 2 * FRAME) / FRAME) * SAMPLES, np.float32))
            return events + self._end_line() + self._turns.end()
        finally:
            self._model.close(self._row)

    def _hear(self, sound: Sound) -> list[SpeechEvent]:
        frames, self._waiting = whole_frames(np.concatenate([self._waiting, sound]))
        events: list[SpeechEvent] = []
        for step in self._model.hear(self._row, list(frames)):
            self._steps += 1
            at = min(self._steps * FRAME - self._delay, self._samples / RATE)
            events += self._note(step, max(0.0, at))
        return events

    def _note(self, step: Step, at: float) -> list[SpeechEvent]:
        """The events of a step whose text is about the sound until `at`."""
        if step.token is not None:
            self._ids.append(step.token)
            self._word_end = at
            if len(self._ids) >= MOST_TOKENS:
                return self._end_line()
            text = self._text()
            # Bytes of a character that is not whole yet are decoded to this sign.
            return self._turns.line_changes(at, text, len(text.rstrip("\ufffd")), max(0.0, at - FRAME))
        silent = at - self._word_end >= PAUSE_S if step.pause is None else step.pause > PAUSE_AT
        return (self._end_line() if silent else []) + self._turns.passes(at)

    def _end_line(self) -> list[SpeechEvent]:
        if not self._ids:
            return []
        text, self._ids = self._text(), []
        return self._turns.line_ends(self._word_end, text)

    def _text(self) -> str:
        return " ".join(str(self._tokenizer.decode(self._ids)).split())


def open_kyutai(repo: str, silence: float) -> KyutaiRecogniser:
    """The recogniser of a repository on the Hub, or of a folder that holds the same files. Raises KameError."""
    name = f"{NAME}:{repo}"
    try:
        import torch
        from moshi.models import loaders

        device = "cuda" if torch.cuda.is_available() else "cpu"
        files: Any = _local(Path(repo))
        info = loaders.CheckpointInfo.from_hf_repo(repo, **files)
        if info.lm_config is None or info.lm_config.get("dep_q") or not info.stt_config:
            raise ValueError("it is no recogniser: its config.json has no stt_config")
        delay, prefix = (_seconds(info.stt_config, f"audio_{name}_seconds") for name in ("delay", "silence_prefix"))
        lm = info.get_moshi(device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
        model = KyutaiModel(lm.requires_grad_(False), info.get_mimi(device=device).requires_grad_(False))
        return KyutaiRecogniser(model, info.get_text_tokenizer(), name, delay, prefix, silence)
    except Exception as error:  # of the Hub, of strange files, of memory
        raise KameError(f"--recogniser {name}: the model cannot be had ({one_line(error)})") from error


def _seconds(config: dict[str, Any], name: str) -> float:
    found = float(config.get(name, 0.0))
    if not 0 <= found <= MOST_AHEAD_S:
        raise ValueError(f"{name} is {found:g}, and not from 0 to {MOST_AHEAD_S:g}")
    return found


def _local(folder: Path) -> dict[str, Path]:
    """The files of a folder, as the loader takes them in place of a repository's; none for a repository."""
    if not folder.is_dir():
        return {}
    config = folder / "config.json"
    named = json.loads(config.read_text("utf-8"))
    files = {"moshi_weights": "moshi_name", "mimi_weights": "mimi_name", "tokenizer": "tokenizer_name"}
    found = {argument: folder / Path(named[key]).name for argument, key in files.items()}
    if "mimi_config_name" in named:
        found["mimi_config_path"] = folder / Path(named["mimi_config_name"]).name
    return {"config_path": config, **found}
