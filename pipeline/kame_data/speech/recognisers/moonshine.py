"""Moonshine: the recogniser whose small English model is in its package, so that nothing is downloaded."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError, UsageError
from kame_data.speech.recognisers.base import SAMPLE_RATE, Recogniser, RecogniserEngine

NAME = "moonshine"
MODEL = "tiny-en"
# No search for speech: a clip is heard as a whole. Cut at its pauses, one word in four of espeak's voices is heard
# wrong, uncut one in five.
OPTIONS = {"vad_threshold": "0.0"}
# Of more than some 45 s at once the model loses the thread and says one sentence over and over. Longer sound is cut
# where it is quietest over so long.
LONGEST_S, QUIET_S = 20.0, 0.1


def load_model(options: Mapping[str, str]) -> Any:
    """The library's transcriber with the model of the package, and the library's own `options`."""
    from moonshine_voice import ModelArch, Transcriber, get_assets_path

    return Transcriber(str(get_assets_path() / MODEL), ModelArch.TINY, options=dict(options))


class _Moonshine:
    def __init__(self) -> None:
        self._transcriber = load_model(OPTIONS)

    def hear(self, sound: NDArray[np.float32], language: str) -> str:
        heard = (self._transcriber.transcribe_without_streaming(p.tolist(), SAMPLE_RATE) for p in _pieces(sound))
        return " ".join(line.text.strip() for found in heard for line in found.lines)


def _pieces(sound: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The sound in pieces of at most `LONGEST_S`."""
    longest, window = round(LONGEST_S * SAMPLE_RATE), round(QUIET_S * SAMPLE_RATE)
    while len(sound) > longest:
        energy = np.concatenate([[0.0], np.cumsum(np.square(sound[longest // 2 : longest], dtype=np.float64))])
        cut = longest // 2 + int(np.argmin(energy[window:] - energy[:-window])) + window // 2
        yield sound[:cut]
        sound = sound[cut:]
    yield sound


def _check(rest: str) -> None:
    if rest:
        raise UsageError(f"--asr {NAME}:{rest}: it has one model; use --asr {NAME}")


def _open(rest: str) -> Recogniser:
    try:
        return _Moonshine()
    except Exception as error:  # a library that does not load, a model that is damaged
        reason = " ".join(str(error).split())[:200]
        raise KameError(f"--asr {NAME}: the model cannot be loaded ({reason}); reinstall moonshine-voice") from error


MOONSHINE = RecogniserEngine(NAME, NAME, "moonshine", "moonshine-voice", _check, _open, frozenset({"en"}))
