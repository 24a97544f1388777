"""A finished build in another layout, in a folder of its own."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.errors import KameError, UsageError
from pipeline.export.folder import WholeFolder
from pipeline.export.kame import write_folders
from pipeline.export.kame_parquet import tokens_of, write_parquet
from pipeline.export.plain import write_jsonl, write_moshi, write_webdataset
from pipeline.export.rows import Oracles, Tally
from pipeline.report.read import Finished
from pipeline.seeds import digest
from pipeline.storage.files import intact
from pipeline.storage.paths import AnyPath, split_url

# What each layout needs: sound, tokens, and whether it has oracles at times of its own.
LAYOUTS = {
    "kame-finetune": ("sound", "oracles"),
    "kame-finetune-parquet": ("sound", "tokens", "oracles"),
    "moshi-finetune": ("sound",),
    "webdataset": ("sound",),
    "jsonl": (),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """An export: its folder, the note that lies there, and whether it was there before."""

    folder: Path
    note: dict[str, Any]
    before: bool


def export(out: AnyPath, folder: Path, layout: str, *, times: str | None = None, level: int | None = None) -> Exported:
    """Write the finished build in OUT to a folder in one of `LAYOUTS`, whole or not at all.

    `times`, `level`: see `Oracles`. Raises UsageError for what cannot be had of this build, or where something else
    lies in the folder.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"--to {layout}: no such layout; use {', '.join(LAYOUTS)}")
    if split_url(str(folder).replace(":/", "://", 1))[0]:
        raise UsageError(f"--out {folder}: is a URL; give a folder of this machine")
    needs = LAYOUTS[layout]
    build = Finished.open(out)
    if "oracles" not in needs and (times is not None or level is not None):
        given = "--times" if times is not None else "--level"
        raise UsageError(f"{given}: {layout} has every oracle with all its times, or none; leave {given} out")
    if "sound" in needs and not build.manifest["settings"].get("speak", True):
        raise UsageError(f"{out}: its shards hold no audio (--no-speech), which {layout} is made of; use --to jsonl")
    oracles = Oracles.of(build, times or "heard", level)
    identity = {
        "layout": layout,
        "shards": digest(*(shard["sha256"] for shard in build.manifest["shards"])),
        **({"tokens": digest(*(f["sha256"] for f in tokens_of(build)["files"]))} if "tokens" in needs else {}),
        **({"times": oracles.times, "level": level} if "oracles" in needs else {}),
    }
    target = WholeFolder(folder, identity)
    with target.locked():
        note = target.done()
        if note is not None:
            return Exported(target.folder, note, True)
        check_files(build, tokens="tokens" in needs)
        tally = Tally()
        with target.writing() as (partial, note):
            _write(layout, build, partial, oracles, tally)
            note |= _facts(build, layout, tally)
        return Exported(target.folder, note, False)


def check_files(build: Finished, *, tokens: bool) -> None:
    """Raise KameError where a shard, or, with `tokens`, what the tokens are read from, is not as it was written."""
    for shard in build.manifest["shards"]:
        path = build.out / shard["path"]
        if path.exists() and not intact(path, shard["sha256"], shard["bytes"]):
            raise KameError(
                f"{path}: is damaged (its checksum is not the manifest's); `kame-data build` writes it anew"
            )
    made = tokens_of(build) if tokens else {"files": []}
    for file in made["files"]:
        _check_tokens(build, build.out / file["path"], file["sha256"], file["bytes"])
    if made["files"]:
        model = build.out / "tokens" / "tokenizer.model"
        _check_tokens(build, model, made["tokenizer"]["sha256"], model.stat().st_size if model.exists() else 0)


def _check_tokens(build: Finished, path: AnyPath, sha256: str, size: int) -> None:
    if not intact(path, sha256, size):
        what = "is damaged (its checksum is not the manifest's)" if path.exists() else "is not there"
        raise KameError(f"{path}: {what}; `kame-data tokens {build.out}` writes it anew")


def _write(layout: str, build: Finished, folder: Path, oracles: Oracles, tally: Tally) -> None:
    if layout == "kame-finetune":
        write_folders(build, folder, oracles, tally)
    elif layout == "kame-finetune-parquet":
        write_parquet(build, folder, oracles, tally)
    else:
        write = {"moshi-finetune": write_moshi, "webdataset": write_webdataset, "jsonl": write_jsonl}[layout]
        write(build, folder, tally)


def _facts(build: Finished, layout: str, tally: Tally) -> dict[str, Any]:
    """What is to be known of an export without the build: how much, and what its sound and texts are."""
    made = tokens_of(build) if "tokens" in LAYOUTS[layout] else {}
    counts = asdict(tally) if "oracles" in LAYOUTS[layout] else {"dialogues": tally.dialogues}
    refused = sum(made.get("refused", {}).values())
    return {
        "kame_data": __version__,
        **counts,
        **({"dialogues_without_tokens": refused} if made else {}),
        "stand_ins": [*build.manifest.get("stand_ins", []), *made.get("stand_ins", [])],
        "terms": build.manifest.get("terms", []),
    }
