"""`kame-data publish`: its options and its steps. Nothing leaves the machine before all gates are open."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kame_data.codec.token_manifest import TokenManifest
from kame_data.errors import UsageError
from kame_data.finished.reader import Finished
from kame_data.publish import gates
from kame_data.publish.configs import Config, configs_of
from kame_data.publish.dataset import build_files
from kame_data.publish.facts import Facts, gather
from kame_data.publish.hub_errors import Target, token_of
from kame_data.publish.loads import check_loads
from kame_data.publish.model_upload import check_model, model_files
from kame_data.publish.upload import Progress, Published, published, upload
from kame_data.publish.upload_files import LISTING, File, listed_files, listed_paths
from kame_data.settings.publication import Publication
from kame_data.storage.files import checksum
from kame_data.storage.lock import hold
from kame_data.storage.paths import path_of


@dataclass(frozen=True)
class Written:
    """The result of a dry run: the folder, its files, and the rows of each configuration and split that were read."""

    folder: Path
    files: int
    bytes: int
    rows: dict[str, dict[str, int]]


def publish(request: Publication, progress: Progress) -> Published | Written:
    """Publish a build or a model, or write what would be published.

    Raises UsageError for what cannot be asked for, KameError where a gate is shut or the Hub does not take it.
    """
    if request.run is None and request.dataset is not None:
        raise UsageError("--dataset: names the data set of a model; it goes with --model RUN")
    if request.run is not None and not request.audio:
        raise UsageError("--no-audio: a model has none to leave out; it goes with a build")
    target = Target.of("dataset" if request.run is None else "model", request.repo)
    if request.dataset is not None:
        Target.of("dataset", request.dataset)
    if request.dry_run is None:
        token_of()  # said now and not after minutes of checking
    if request.run is not None:
        check_model(request.run, request.out, request.allow_stand_ins)
        return _deliver(
            request, target, model_files(request.run, request.out, target.name, request.dataset), [], progress
        )
    return _publish_build(request, target, progress)


def _publish_build(request: Publication, target: Target, progress: Progress) -> Published | Written:
    with hold(path_of(request.out or "out")):
        checked = check_build(request)
        check_levels(checked, request)
        return deliver(checked, request, target, progress)


@dataclass(frozen=True)
class Checked:
    """A build that may be published: its tokens' manifest if they go with it, its stand-ins, and its facts."""

    finished: Finished
    tokens: TokenManifest | None
    stand_ins: list[str]
    facts: Facts


def check_build(request: Publication) -> Checked:
    """Look at all of a build: its settings, every file, its stand-ins. Raises KameError where it may not be published;
    the level curve is left to `check_levels`."""
    out = path_of(request.out or "out")
    finished = Finished.open(out)
    gates.check_finished(finished)
    gates.check_files(out)
    tokens = TokenManifest.find(out) if request.audio else None
    stand_ins = gates.stand_ins_of(finished.manifest.stand_ins, tokens.stand_ins if tokens else (), audio=request.audio)
    gates.check_stand_ins(out, stand_ins, request.allow_stand_ins)
    return Checked(finished, tokens, stand_ins, gather(finished))


def check_levels(checked: Checked, request: Publication) -> None:
    """See `gates.check_levels`."""
    gates.check_levels(checked.finished, checked.facts, request.allow_stand_ins)


def deliver(checked: Checked, request: Publication, target: Target, progress: Progress) -> Published | Written:
    """Publish a build that all gates have let through, or write what would be published. Hold its folder meanwhile."""
    finished, tokens, facts = checked.finished, checked.tokens, checked.facts
    with (finished.out / "parts" / "publish").scratch() as folder:
        configs = configs_of(finished, tokens, folder, audio=request.audio)
        files = build_files(
            finished, tokens, configs, facts, repo=target.name, stand_ins=checked.stand_ins, audio=request.audio
        )
        outcome = _deliver(request, target, files, configs, progress)
        for listed in (*finished.manifest.shards, *(tokens.files if tokens else ())):
            (finished.out / listed.path).forget_near(listed.sha256)
        return outcome


def last_published(request: Publication, target: Target, progress: Progress) -> dict[str, Any] | None:
    """The listing of the build that was last published there (or written there by a dry run); None where none was.

    It names no `build` where files that it lists have gone, or are others, since: that build is not there any more.
    Raises KameError where the Hub does not answer.
    """
    if request.dry_run is None:
        found = published(target, progress)
    else:
        path = request.dry_run / LISTING
        found = _written(request.dry_run, path.read_bytes()) if path.is_file() else None
    if found is None or listed_paths(found[0], target.kind) is None:
        return None
    listing: dict[str, Any] = json.loads(found[0])
    return listing if found[1] else listing | {"build": None}


def _written(folder: Path, data: bytes) -> tuple[bytes, bool]:
    """A listing, and whether the files that it names are in the folder as it says."""
    listed = listed_files(data)
    return data, all(
        (folder / path).is_file() and checksum(folder / path) == f.get("sha256") for path, f in listed.items()
    )


def _deliver(
    request: Publication, target: Target, files: Sequence[File], configs: list[Config], progress: Progress
) -> Published | Written:
    if request.dry_run is None:
        return upload(target, files, progress, private=request.private)
    write(request.dry_run, files, target.kind)
    if configs:
        check_loads(request.dry_run, configs)
    return Written(request.dry_run, len(files), sum(f.size for f in files), {c.name: c.rows for c in configs})


def write(folder: Path, files: Sequence[File], kind: str) -> None:
    """Write files to a folder that is new, empty, or was written so before; what it had more than these goes.

    Raises UsageError for a folder that holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--dry-run {folder}: is a file; give a folder")
    there = [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()] if folder.exists() else []
    listing = folder / LISTING
    earlier = listed_paths(listing.read_bytes(), kind) if listing.is_file() else None
    if earlier is None and any(not _torn(path) for path in there):
        raise UsageError(f"--dry-run {folder}: holds something else; give a new or an empty folder")
    ours = {folder / file.path for file in files}
    known = ours | {folder / path for path in earlier or ()}
    if stranger := next((path for path in there if path not in known and not _torn(path)), None):
        raise UsageError(f"--dry-run {folder}: holds {stranger.name}, which is not ours; give a new or an empty folder")
    for path in there:
        if path not in ours:
            path.unlink()
    # The listing first: a folder that was left half written is known by it.
    for file in sorted(files, key=lambda file: file.path != LISTING):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        if isinstance(file.source, bytes):
            temporary.write_bytes(file.source)
        else:
            shutil.copyfile(file.source, temporary)
        temporary.replace(path)


def _torn(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".tmp")
