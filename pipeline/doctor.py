"""What this machine has of what kame-data needs, and how to get the rest."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import KameError
from pipeline.storage.paths import AnyPath


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


def _espeak() -> Finding:
    from pipeline.speech.voices import Clip, Utterance, open_synthesizer

    cure = "pip install espeakng-loader (it holds the engine; no system package is needed)"
    try:
        synthesizer = open_synthesizer("espeak")
        try:
            voice = synthesizer.assistant_voice("en")
            (clip,) = synthesizer.synthesize([Utterance("One two three.", voice, "en", 170)])
        finally:
            synthesizer.close()
    except Exception as error:  # whatever is wrong with an engine is a finding, not a crash
        return Finding("voice: espeak", False, True, f"{type(error).__name__}: {error}", cure)
    spoke = isinstance(clip, Clip)
    return Finding("voice: espeak", spoke, True, synthesizer.version if spoke else str(clip), cure)


def _coqui() -> Finding:
    missing = [m for m in ("TTS", "torch", "torchaudio", "torchcodec", "six") if importlib.util.find_spec(m) is None]
    found = (
        f"missing: {', '.join(missing)}" if missing else f"coqui-tts {_version('coqui-tts')}, torch {_version('torch')}"
    )
    return Finding("voice: coqui:MODEL", not missing, False, found, "pip install 'kame-data[coqui]'")


def _cluster(kind: str) -> Finding:
    cure = f"pip install 'kame-data[{kind}]'"
    return _package(f"prefect-{kind}", f"prefect_{kind}", needed=False, what=f"--runner {kind}", cure=cure)


def _phonemes() -> Finding:
    path = shutil.which("espeak-ng") or shutil.which("espeak")
    cure = "install espeak-ng with the system's packages, for Coqui's models that read phonemes"
    return Finding("Coqui's phonemes", path is not None, False, path or "no espeak-ng on the PATH", cure)


def _room(folder: AnyPath) -> Finding:
    if isinstance(folder, Path):
        return _disk(folder)
    try:
        there, found = folder.bucket.exists(), f"{len(folder.listing())} names in {folder}"
    except KameError as error:
        return Finding("room for a build", False, True, str(error), "docs/STORAGE.md says how to reach an object store")
    if not there:
        return Finding("room for a build", False, True, f"no bucket {folder.bucket}", "make the bucket first")
    return Finding("room for a build", True, True, found)


def _disk(folder: Path) -> Finding:
    at = next((p for p in (folder.resolve(), *folder.resolve().parents) if p.exists()), Path("/"))
    free = shutil.disk_usage(at).free / 1e9
    writable = os.access(at, os.W_OK)
    found = f"{free:.0f} GB free at {at}" + ("" if writable else ", not writable")
    return Finding(
        "room for a build", writable and free > 1, True, found, "give --out on a disk that is writable and has room"
    )


def _key(name: str, use: str) -> Finding:
    there = bool(os.environ.get(name))
    return Finding(f"key: {name}", there, False, "set" if there else "not set", f"set it in the environment for {use}")


def examine(out: AnyPath) -> list[Finding]:
    """Look at everything once; `out` is where a build would go."""
    checks: list[Callable[[], Finding]] = [
        _python,
        lambda: _package("prefect", "prefect", needed=True, what="flows", cure="pip install prefect"),
        lambda: _package("datasets", "datasets", needed=True, what="sources from the Hub", cure="pip install datasets"),
        lambda: _package("soundfile", "soundfile", needed=True, what="FLAC", cure="pip install soundfile"),
        _espeak,
        _coqui,
        _phonemes,
        lambda: _package(
            "moshi", "moshi", needed=False, what="tokens and training", cure="pip install 'kame-data[train]'"
        ),
        lambda: _cluster("dask"),
        lambda: _cluster("ray"),
        lambda: _room(out),
        lambda: _key("OPENAI_API_KEY", "OpenAI's models"),
        lambda: _key("ANTHROPIC_API_KEY", "Anthropic's models"),
        lambda: _key("HF_TOKEN", "private data sets on the Hub"),
    ]
    return [check() for check in checks]
