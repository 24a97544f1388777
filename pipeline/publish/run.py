"""`kame-data publish`: what is asked for, and how it is done. Nothing leaves the machine before all gates are open."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.codec.stage import token_manifest
from pipeline.errors import UsageError
from pipeline.publish import gates
from pipeline.publish.build import build_files
from pipeline.publish.check import check_loads
from pipeline.publish.configs import Config, configs_of
from pipeline.publish.facts import Facts, gather
from pipeline.publish.files import LISTING, File, listed_files, listed_paths
from pipeline.publish.hub import Target, token_of
from pipeline.publish.model import check_model, model_files
from pipeline.publish.upload import Progress, Published, published, upload
from pipeline.report.read import Finished
from pipeline.storage.files import checksum, forget_copy
from pipeline.storage.lock import hold
from pipeline.storage.paths import AnyPath, RemotePath


@dataclass(frozen=True)
class Request:
    """What is to be published. `out`: a build's folder; `model`: a run's, whose export is published instead, and `out`
    the build it was trained on, if that is to be looked at elsewhere than where the run found it. `dry_run`: a folder
    to write it all to instead of the Hub. `dataset`: the data set of a model, as ORG/NAME, for its card."""

    repo: str
    out: AnyPath | None = None
    private: bool = False
    dry_run: Path | None = None
    allow_stand_ins: bool = False
    audio: bool = True
    model: Path | None = None
    dataset: str | None = None


@dataclass(frozen=True)
class Written:
    """What a dry run wrote: the folder, its files, and the rows of each configuration and split that were read."""

    folder: Path
    files: int
    bytes: int
    rows: dict[str, dict[str, int]]


def publish(request: Request, progress: Progress) -> Published | Written:
    """Publish a build or a model, or write what would be published.

    Raises UsageError for what cannot be asked for, KameError where a gate is shut or the Hub does not take it.
    """
    if request.model is None and request.dataset is not None:
        raise UsageError("--dataset: names the data set of a model; it goes with --model RUN")
    if request.model is not None and not request.audio:
        raise UsageError("--no-audio: a model has none to leave out; it goes with a build")
    target = Target.of("dataset" if request.model is None else "model", request.repo)
    if request.dataset is not None:
        Target.of("dataset", request.dataset)
    if request.dry_run is None:
        token_of()  # said now and not after minutes of checking
    if request.model is not None:
        check_model(request.model, request.out, request.allow_stand_ins)
        return _deliver(
            request, target, model_files(request.model, request.out, target.name, request.dataset), [], progress
        )
    return _publish_build(request, target, progress)


def _publish_build(request: Request, target: Target, progress: Progress) -> Published | Written:
    with hold(request.out or Path("out")):
        checked = check_build(request)
        check_levels(checked, request)
        return deliver(checked, request, target, progress)


@dataclass(frozen=True)
class Checked:
    """A build that may be published: its tokens' manifest if they go with it, its stand-ins, and its facts."""

    finished: Finished
    tokens: dict[str, Any] | None
    stand_ins: list[str]
    facts: Facts


def check_build(request: Request) -> Checked:
    """Look at all of a build: its settings, every file, its stand-ins. Raises KameError where it may not be published;
    the level curve is left to `check_levels`."""
    out = request.out or Path("out")
    finished = Finished.open(out)
    gates.check_finished(finished)
    gates.check_files(out)
    tokens = token_manifest(out) if request.audio else None
    stand_ins = gates.stand_ins_of(finished.manifest, tokens, audio=request.audio)
    gates.check_stand_ins(out, stand_ins, request.allow_stand_ins)
    return Checked(finished, tokens, stand_ins, gather(finished))


def check_levels(checked: Checked, request: Request) -> None:
    """See `gates.check_levels`."""
    gates.check_levels(checked.finished, checked.facts, request.allow_stand_ins)


def deliver(checked: Checked, request: Request, target: Target, progress: Progress) -> Published | Written:
    """Publish a build that all gates have let through, or write what would be published. Hold its folder meanwhile."""
    finished, tokens, facts = checked.finished, checked.tokens, checked.facts
    with _workshop(finished.out) as folder:
        configs = configs_of(finished, tokens, folder, audio=request.audio)
        files = build_files(
            finished, tokens, configs, facts, repo=target.name, stand_ins=checked.stand_ins, audio=request.audio
        )
        outcome = _deliver(request, target, files, configs, progress)
        for listed in (*finished.manifest["shards"], *(tokens["files"] if tokens else ())):
            forget_copy(finished.out / listed["path"], listed["sha256"])
        return outcome


def last_published(request: Request, target: Target, progress: Progress) -> dict[str, Any] | None:
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
    told = listed_files(data)
    return data, all(
        (folder / path).is_file() and checksum(folder / path) == f.get("sha256") for path, f in told.items()
    )


@contextmanager
def _workshop(out: AnyPath) -> Iterator[Path]:
    """A folder for shards without their audio, on the disk of the build; a run that was killed may have left it. Of a
    build in an object store, it is a temporary one."""
    if isinstance(out, RemotePath):
        with TemporaryDirectory(prefix="kame-data-") as temporary:
            yield Path(temporary)
        return
    folder = out / "parts" / "publish"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deliver(
    request: Request, target: Target, files: Sequence[File], configs: list[Config], progress: Progress
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
