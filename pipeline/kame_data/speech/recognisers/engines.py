"""The list of the recognisers. A new one is a file here and a name in this list."""

from kame_data.errors import UsageError
from kame_data.speech.recognisers.base import RecogniserEngine
from kame_data.speech.recognisers.moonshine import MOONSHINE
from kame_data.speech.recognisers.whisper import WHISPER

ENGINES = {engine.name: engine for engine in (WHISPER, MOONSHINE)}


def engine_of(spec: str) -> RecogniserEngine:
    """The recogniser of a spec of `--asr`. Raises UsageError for one that names none."""
    name, _, rest = spec.partition(":")
    if name not in ENGINES:
        forms = " or ".join(engine.form for engine in ENGINES.values())
        raise UsageError(f"--asr {spec}: no such recogniser; use {forms}")
    ENGINES[name].check(rest)
    return ENGINES[name]
