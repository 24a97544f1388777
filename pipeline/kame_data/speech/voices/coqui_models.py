"""The model that `coqui:MODEL` names, found without torch: a model of Coqui's own list or a folder, its licence, its
identity."""

import importlib.metadata
import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from kame_data.errors import UsageError

CHECKPOINTS = ("model.pth", "model_file.pth", "model_file.pth.tar", "best_model.pth", "checkpoint.pth")
FAIRSEQ_LICENCE = "CC BY-NC 4.0"
NOTES = {
    "cpml": "Coqui Public Model License: the model and what it says are for non-commercial use only",
    "nc-nd": "for non-commercial use only, and not to be changed; what that means for its speech is unsettled",
    "nc": "for non-commercial use only; what that means for its speech is unsettled",
    "sa": "what builds on the model has to carry the same licence",
    "openrail": "uses that its licence lists are forbidden",
    "custom": "read it before you publish",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model as it is opened: `name` is its label in voices and messages, `path` a local folder or file, else None.

    `licence` is what Coqui's list says (None for a local model), `agreement` whether its terms must be agreed to.
    """

    name: str
    path: Path | None = None
    config: Path | None = None
    licence: str | None = None
    agreement: bool = False

    def terms(self) -> str:
        """The limits that its licence sets, in one line; "" where none of them matters here."""
        if self.licence is None:
            return f"{self.name}: a local model; its licence is not known here"
        low = self.licence.lower().replace(" ", "-")
        for mark, note in NOTES.items():
            if mark in low.split("-") or (mark in low and mark in ("cpml", "nc-nd", "openrail", "custom")):
                return f"{self.name} ({self.licence}): {note}"
        return ""

    def check_agreed(self) -> None:
        """Raise UsageError where the model wants its terms agreed to and nobody has."""
        noted = _data_folder() / self.name.replace("/", "--") / "tos_agreed.txt"
        if self.agreement and os.environ.get("COQUI_TOS_AGREED") != "1" and not noted.exists():
            raise UsageError(
                f"--tts coqui:{self.name}: its licence ({self.licence}, non-commercial) must be agreed to; read "
                "https://tts-hub.github.io/cpml and set COQUI_TOS_AGREED=1 if you do"
            )

    def identity(self) -> str:
        """Names the weights: for a local model a digest of its files, for a listed one its name."""
        if self.path is None:
            return self.name
        folder = self.path if self.path.is_dir() else self.path.parent
        files = sorted(p for p in folder.iterdir() if p.suffix in (".pth", ".pt", ".tar", ".json"))
        return sha256("".join(f"{p.name} {_digest(p, *_state(p))} " for p in files).encode()).hexdigest()[:16]


def find_model(spec: str) -> Model:
    """The model that `coqui:SPEC` names. Raises UsageError with the names that come near where there is none."""
    path = Path(spec).expanduser()
    if path.exists() and (spec.startswith(("/", ".", "~")) or path.is_dir() or path.suffix == ".pth"):
        return _local(spec, path)
    if spec.startswith(("/", ".", "~")):
        raise UsageError(f"--tts coqui:{spec}: there is no such file or folder; give a model's folder or a name")
    table = listed()
    name = spec if spec in table else f"tts_models/{spec}" if f"tts_models/{spec}" in table else ""
    if not name:
        same = [known for known in table if known.rsplit("/", 1)[1] == spec]
        name = same[0] if len(same) == 1 else ""
    if not name and "/fairseq/" in spec:
        full = spec if spec.startswith("tts_models/") else f"tts_models/{spec}"
        return Model(full, licence=FAIRSEQ_LICENCE)
    if not name:
        last = get_close_matches(spec.rsplit("/", 1)[-1], {k.rsplit("/", 1)[1]: k for k in table}, 2)
        near = [k for k in table if k.rsplit("/", 1)[1] in last]
        shown = ", ".join(sorted(near or table, key=lambda k: ("/en/" not in k and "/multi" not in k, k))[:8])
        raise UsageError(f"--tts coqui:{spec}: Coqui lists no such model; of its {len(table)} there are {shown}")
    return Model(name, licence=table[name].get("license"), agreement=bool(table[name].get("tos_required")))


@cache
def listed() -> dict[str, dict[str, Any]]:
    """Coqui's own list of models that speak, by full name. Raises UsageError where the package is missing."""
    spec = importlib.util.find_spec("TTS")
    if spec is None or spec.origin is None:
        raise UsageError("--tts coqui: the package coqui-tts is missing; pip install 'kame-data[coqui]'")
    models = json.loads((Path(spec.origin).parent / ".models.json").read_text("utf-8"))["tts_models"]
    return {
        f"tts_models/{language}/{dataset}/{model}": facts
        for language, datasets in models.items()
        for dataset, names in datasets.items()
        for model, facts in names.items()
    }


def engine_version() -> str:
    """The versions that the sound depends on, or what is missing."""
    try:
        return f"coqui-tts {importlib.metadata.version('coqui-tts')}, torch {importlib.metadata.version('torch')}"
    except importlib.metadata.PackageNotFoundError as error:
        raise UsageError(f"--tts coqui: the package {error.name} is missing; pip install 'kame-data[coqui]'") from None


def _data_folder() -> Path:
    """The folder in which Coqui's downloader keeps models."""
    if home := os.environ.get("TTS_HOME") or os.environ.get("XDG_DATA_HOME"):
        return Path(home).expanduser() / "tts"
    place = "Library/Application Support" if sys.platform == "darwin" else ".local/share"
    return Path.home() / place / "tts"


def _local(spec: str, path: Path) -> Model:
    folder = path if path.is_dir() else path.parent
    config = folder / "config.json"
    if not config.is_file():
        raise UsageError(
            f"--tts coqui:{spec}: there is no config.json; give a folder with config.json and a checkpoint"
        )
    try:
        kind = json.loads(config.read_text("utf-8"))["model"]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"--tts coqui:{spec}: config.json is not that of a Coqui model; it names no 'model'") from None
    if path.is_file():
        return Model(path.resolve().parent.name, path.resolve(), config.resolve())
    if kind in ("xtts", "tortoise", "bark"):  # these read their folder themselves
        licence = "CPML, as Coqui's own weights of this kind" if kind == "xtts" else None
        return Model(path.resolve().name, path.resolve(), config.resolve(), licence)
    found = [folder / name for name in CHECKPOINTS if (folder / name).is_file()] or sorted(folder.glob("*.pth"))
    if not found or (found[0].name not in CHECKPOINTS and len(found) > 1):
        kinds = f"{len(found)} .pth files" if found else "no .pth file"
        raise UsageError(f"--tts coqui:{spec}: the folder has {kinds}; name the checkpoint's file itself")
    return Model(path.resolve().name, found[0].resolve(), config.resolve())


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    """SHA-256 of a file, read once while it stays as it is."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
