"""faster-whisper: the model comes from its own downloader, or from a folder that holds one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError, UsageError
from kame_data.speech.recognisers.base import Recogniser, RecogniserEngine

NAME = "faster-whisper"


# One guess at temperature 0: the same sound is heard the same each time.
MANNER = {"beam_size": 1, "temperature": 0.0, "condition_on_previous_text": False}


class _Whisper:
    def __init__(self, model: Any) -> None:
        self._model = model

    def hear(self, sound: NDArray[np.float32], language: str) -> str:
        segments, _ = self._model.transcribe(sound, language=language.split("-")[0], **MANNER)
        return " ".join(segment.text.strip() for segment in segments)


def _check(model: str) -> None:
    if not model:
        raise UsageError(f"--asr {NAME}: name a model, as in {NAME}:base.en")


def load_model(model: str, **options: Any) -> Any:
    """faster-whisper's model of that name or folder. Raises whatever its downloader raises."""
    from faster_whisper import WhisperModel

    return WhisperModel(model, **options)


def _open(model: str) -> Recogniser:
    try:
        return _Whisper(load_model(model, cpu_threads=1))
    except Exception as error:  # its downloader has errors of many kinds
        reason = " ".join(str(error).split())[:200]
        raise KameError(f"--asr {NAME}:{model}: the model cannot be had ({reason})") from error


WHISPER = RecogniserEngine(NAME, f"{NAME}:MODEL", "asr", NAME, _check, _open)
