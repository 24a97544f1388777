"""A finished build in another layout, in a folder of its own."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kame_data import __version__
from kame_data.errors import KameError, UsageError
from kame_data.export.exported_rows import Oracles, Tally
from kame_data.export.kame_parquet import tokens_of
from kame_data.export.layout import Layout
from kame_data.export.layouts import LAYOUTS
from kame_data.export.whole_folder import WholeFolder
from kame_data.finished.reader import Finished
from kame_data.seeds import digest
from kame_data.storage.paths import AnyPath
from kame_data.storage.stores import split_url


@dataclass(frozen=True, slots=True)
class Exported:
    """An export: its folder, the note that lies there, and whether it was there before."""

    folder: Path
    note: dict[str, Any]
    before: bool


def export(out: AnyPath, folder: Path, name: str, *, times: str | None = None, level: int | None = None) -> Exported:
    """Write the finished build in OUT to a folder in one of `LAYOUTS`, whole or not at all.

    `times`, `level`: see `Oracles`. Raises UsageError for what cannot be had of this build, or where something else
    lies in the folder.
    """
    if name not in LAYOUTS:
        raise UsageError(f"--to {name}: no such layout; use {', '.join(LAYOUTS)}")
    if split_url(str(folder).replace(":/", "://", 1))[0]:
        raise UsageError(f"--out {folder}: is a URL; give a folder of this machine")
    layout = LAYOUTS[name]
    build = Finished.open(out)
    if not layout.oracles and (times is not None or level is not None):
        given = "--times" if times is not None else "--level"
        raise UsageError(f"{given}: {name} has every oracle with all its times, or none; leave {given} out")
    if layout.sound and not build.manifest.settings.speak:
        raise UsageError(f"{out}: its shards hold no audio (--no-speech), which {name} is made of; use --to jsonl")
    oracles = Oracles.of(build, times or "heard", level)
    identity = {
        "layout": name,
        "shards": digest(*(shard.sha256 for shard in build.manifest.shards)),
        **({"tokens": digest(*(f.sha256 for f in tokens_of(build).files))} if layout.tokens else {}),
        **({"times": oracles.times, "level": level} if layout.oracles else {}),
    }
    target = WholeFolder(folder, identity)
    with target.locked():
        note = target.done()
        if note is not None:
            return Exported(target.folder, note, True)
        check_files(build, tokens=layout.tokens)
        tally = Tally()
        with target.writing() as (partial, note):
            layout.write(build, partial, oracles, tally)
            note |= _facts(build, layout, tally)
        return Exported(target.folder, note, False)


def check_files(build: Finished, *, tokens: bool) -> None:
    """Raise KameError where a shard, or, with `tokens`, what the tokens are read from, is not as it was written."""
    for shard in build.manifest.shards:
        path = build.out / shard.path
        if path.exists() and not path.intact(shard.sha256, shard.bytes):
            raise KameError(
                f"{path}: is damaged (its checksum or its size is not the manifest's); `kame-data build` writes it anew"
            )
    if tokens:
        made, model = tokens_of(build), build.out / "tokens" / "tokenizer.model"
        for file in made.files:
            _check_tokens(build, build.out / file.path, file.sha256, file.bytes)
        _check_tokens(build, model, made.tokenizer.sha256, model.stat().st_size if model.exists() else 0)


def _check_tokens(build: Finished, path: AnyPath, sha256: str, size: int) -> None:
    if not path.intact(sha256, size):
        what = "is damaged (its checksum or its size is not the manifest's)" if path.exists() else "is not there"
        raise KameError(f"{path}: {what}; `kame-data tokens {build.out}` writes it anew")


def _facts(build: Finished, layout: Layout, tally: Tally) -> dict[str, Any]:
    """Facts of an export that are known without the build: how much, and what its sound and texts are."""
    made = tokens_of(build) if layout.tokens else None
    counts = asdict(tally) if layout.oracles else {"dialogues": tally.dialogues}
    return {
        "kame_data": __version__,
        **counts,
        **({"dialogues_without_tokens": sum(made.refused.values())} if made else {}),
        "stand_ins": [*build.manifest.stand_ins, *(made.stand_ins if made else ())],
        "terms": list(build.manifest.terms),
    }
