"""The state of this machine: what kame-data needs, what is there, and how to get the rest."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kame_data.errors import KameError
from kame_data.settings.speech import SpeechSettings
from kame_data.storage.paths import AnyPath

if TYPE_CHECKING:
    from kame_data.speech.recognisers.base import RecogniserEngine
    from kame_data.speech.voices.base import VoiceEngine
    from kame_data.tandem.streaming_recognisers import StreamingEngine


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `needed` is False for what only some builds use."""

    what: str
    ok: bool
    needed: bool
    found: str
    cure: str = ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _python() -> Finding:
    return Finding(
        "Python", sys.version_info >= (3, 11), True, platform.python_version(), "install Python 3.11 or newer"
    )


def _package(package: str, module: str, *, needed: bool, what: str, cure: str) -> Finding:
    version = _version(package)
    there = bool(version) and importlib.util.find_spec(module) is not None
    return Finding(what, there, needed, f"{package} {version}" if there else "missing", cure)


def _voice(engine: "VoiceEngine") -> Finding:
    works, found = engine.examine()
    return Finding(f"voice: {engine.form}", works, engine.form == SpeechSettings().tts, found, engine.cure)


def _recogniser(engine: "RecogniserEngine") -> Finding:
    try:
        return Finding(f"recogniser: {engine.form}", True, False, f"{engine.package} {engine.version()}")
    except KameError:
        return Finding(f"recogniser: {engine.form}", False, False, "missing", engine.cure)


def _at_work(engine: "StreamingEngine") -> Finding:
    version = _version(engine.package)
    found = f"{engine.package} {version}" if version else "missing"
    return Finding(f"recogniser at work: {engine.form}", bool(version), False, found, engine.cure)


def _cluster(kind: str) -> Finding:
    cure = f"pip install 'kame-data[{kind}]'"
    return _package(f"prefect-{kind}", f"prefect_{kind}", needed=False, what=f"--runner {kind}", cure=cure)


def _phonemes() -> Finding:
    path = shutil.which("espeak-ng") or shutil.which("espeak")
    cure = "install espeak-ng with the system's packages, for Coqui's models that read phonemes"
    return Finding("Coqui's phonemes", path is not None, False, path or "no espeak-ng on the PATH", cure)


def _space(folder: AnyPath) -> Finding:
    enough, found, way_out = folder.space()
    return Finding("room for a build", enough, True, found, way_out)


def _key(name: str, use: str) -> Finding:
    there = bool(os.environ.get(name))
    return Finding(f"key: {name}", there, False, "set" if there else "not set", f"set it in the environment for {use}")


def examine(out: AnyPath) -> list[Finding]:
    """Look at everything once; `out` is where a build would go."""
    from kame_data.llm.providers import PROVIDERS
    from kame_data.speech.recognisers.engines import ENGINES as RECOGNISERS
    from kame_data.speech.voices.engines import ENGINES
    from kame_data.tandem.streaming_recognisers import ENGINES as AT_WORK

    checks: list[Callable[[], Finding]] = [
        _python,
        lambda: _package("prefect", "prefect", needed=True, what="flows", cure="pip install prefect"),
        lambda: _package("datasets", "datasets", needed=True, what="sources from the Hub", cure="pip install datasets"),
        lambda: _package("soundfile", "soundfile", needed=True, what="FLAC", cure="pip install soundfile"),
        *(partial(_voice, engine) for engine in ENGINES.values()),
        *(partial(_recogniser, engine) for engine in RECOGNISERS.values()),
        *(partial(_at_work, engine) for engine in AT_WORK.values()),
        _phonemes,
        lambda: _package(
            "moshi", "moshi", needed=False, what="tokens and training", cure="pip install 'kame-data[train]'"
        ),
        lambda: _cluster("dask"),
        lambda: _cluster("ray"),
        lambda: _space(out),
        *(partial(_key, of.key_variable, f"{of.company}'s models") for of in PROVIDERS.values()),
        lambda: _key("HF_TOKEN", "private data sets on the Hub"),
    ]
    return [check() for check in checks]
