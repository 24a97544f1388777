"""The list of the voice engines. A new one is a file here and a name in this list."""

from kame_data.errors import UsageError
from kame_data.speech.voices.base import Synthesizer, VoiceEngine
from kame_data.speech.voices.coqui import COQUI
from kame_data.speech.voices.espeak import ESPEAK

ENGINES = {engine.name: engine for engine in (ESPEAK, COQUI)}


def engine_of(spec: str) -> VoiceEngine:
    """The engine of a spec of `--tts`. Raises UsageError for one that names none."""
    name = spec.partition(":")[0]
    if name not in ENGINES:
        raise UsageError(f"--tts {spec}: no such voice; use {' or '.join(e.form for e in ENGINES.values())}")
    return ENGINES[name]


def open_synthesizer(spec: str, workers: int = 1, batch: int = 0) -> Synthesizer:
    """The synthesizer that `--tts SPEC` names: espeak in `workers` processes, Coqui `batch` sentences at a time.

    Raises UsageError for a spec that names none.
    """
    return engine_of(spec).open(spec.partition(":")[2], workers, batch)
