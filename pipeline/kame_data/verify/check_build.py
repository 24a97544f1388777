"""`kame-data verify`: what a build's files hold is what they should. Each check looks at one kind of files.

A check is a function of OUT and its manifest that yields what is wrong, one line a problem, and reports what it looked
at; to add one, list it in `CHECKS`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from kame_data.engine.note import Note
from kame_data.engine.outcome import reasons
from kame_data.engine.parts import PartStore
from kame_data.engine.stages import STAGES
from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Manifest
from kame_data.records import Rejected
from kame_data.speech.clips import damaged
from kame_data.storage.files import files
from kame_data.storage.paths import AnyPath, path_of
from kame_data.verify.check_shards import check_shards
from kame_data.verify.check_tokens import check_tokens

AGAIN = "the same build command as before makes it again"


@dataclass(slots=True)
class Checked:
    """The result of a check: what it looked at, in words, and the problems that it found; None where there was
    nothing to look at."""

    name: str
    looked_at: str
    problems: list[str] = field(default_factory=list)


Check = Callable[[AnyPath, Manifest, Callable[[str], None]], Iterator[str]]


def check_parts(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """Every part with a marker holds what the marker says: rows, checksum, refusals."""
    found = 0
    for stage in ("questions", *STAGES, "tokens"):
        store = PartStore(out / "parts" / stage)
        for name in store.names():
            found += 1
            if problem := store.problem(name):
                yield f"{problem}{AGAIN if stage != 'tokens' else '`kame-data tokens` makes it again'}"
    if found:
        report(f"{found} parts")


def check_clips(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """Every clip that was kept is as it was written."""
    number, found = damaged(out / "parts" / "clips")
    for path in found:
        yield f"{path}: is damaged; delete it, and {AGAIN}, where it is needed"
    if number:
        report(f"{number} clips")


def check_rejected(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """The refusals in rejected/ are those that the manifest counts."""
    questions, sums = Counter[str](), manifest.rejected
    for name, source in manifest.sources.items():
        questions.update(source.refused)
        if source.rows != source.kept + sum(source.refused.values()):
            yield f"{out / manifest.name}: the rows of {name} are not those kept and those refused; {AGAIN}"
    counted = manifest.refused | {"questions": dict(questions)}
    read = 0
    for stage, counts in counted.items():
        path = out / "rejected" / f"{stage}.jsonl"
        try:
            data = path.read_bytes()
            refused = [Rejected(**json.loads(line)) for line in data.split(b"\n") if line]
        except FileNotFoundError:
            yield f"{path}: is missing; {AGAIN}"
            continue
        except (ValueError, TypeError, RecursionError):
            yield f"{path}: is damaged; {AGAIN}"
            continue
        read += len(refused)
        if (is_ := reasons(refused)) != reasons_in_order(counts):
            yield f"{path}: has {is_}, and the manifest says {counts}; {AGAIN}"
        elif sums.get(stage) not in (None, sha256(data).hexdigest()):
            yield f"{path}: its checksum is not the manifest's; {AGAIN}"
    for path in files(out / "rejected", "[!.]*"):
        if sums and path.name not in {f"{stage}.jsonl" for stage in counted}:
            yield f"{path}: is not of this build; delete it"
    report(f"{read} refusals")


def check_notes(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """The manifest is as it was written, and build.json, which stands beside the parts, is of the same build."""
    report("manifest.json and build.json")
    if not manifest.as_written:
        yield f"{out / manifest.name}: is not as it was written; {AGAIN}"
    path = out / "build.json"
    if not path.exists():
        if (out / "parts" / "questions").exists():
            yield f"{path}: is missing; {AGAIN}"
        return
    try:
        found = Note.read(path.parent).identity
    except UsageError as error:
        yield str(error)
        return
    settings = manifest.settings.model_dump(mode="json", include={"seed", "languages", "validation_share"})
    manifests: dict[str, Any] = settings | {"sources": sorted(manifest.sources)}
    is_ = found | {"sources": sorted(found.get("sources", ()))}
    if other := next((name for name, value in manifests.items() if is_.get(name) != value), None):
        yield (
            f"{path}: is of a build with {other} {is_.get(other)}, and the manifest's has {manifests[other]}; "
            f"delete it, and {AGAIN}"
        )


def reasons_in_order(counts: dict[str, int]) -> dict[str, int]:
    """Counts by reason, as `reasons` orders them."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _tokens(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    return check_tokens(out, manifest, report)


CHECKS: dict[str, Check] = {
    "shards": check_shards,
    "rejected": check_rejected,
    "parts": check_parts,
    "clips": check_clips,
    "tokens": _tokens,
    "notes": check_notes,
}


def verify(out: Path | AnyPath) -> list[Checked]:
    """Run all checks that find something to look at. Raises UsageError where OUT holds no finished build."""
    out = path_of(out)
    try:
        manifest = Manifest.read(out)
    except UsageError:
        raise
    except KameError as error:
        return [Checked("manifest", str(out / Manifest.name), [str(error)])]
    found = []
    for name, check in CHECKS.items():
        looked, problems = list[str](), list[str]()
        try:
            problems += check(out, manifest, looked.append)
        except OSError as error:  # as of a folder where a file should be
            why = f"cannot be read ({error.strerror or error}); mend that, and {AGAIN}"
            problems.append(f"{error.filename or out}: {why}")
        if looked or problems:
            found.append(Checked(name, ", ".join(looked), problems))
    return found
