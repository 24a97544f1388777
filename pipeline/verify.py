"""`kame-data verify`: what a build's files hold is what they should. Each check looks at one kind of files.

A check is a function of OUT and its manifest that yields what is wrong, one line a problem, and reports what it looked
at; to add one, list it in `CHECKS`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pipeline.build import noted
from pipeline.codec.verify import check_tokens
from pipeline.errors import UsageError
from pipeline.manifest import reasons
from pipeline.parts import PartStore
from pipeline.records import Rejected
from pipeline.shards.verify import check_shards
from pipeline.stages import STAGES
from pipeline.storage.files import files
from pipeline.storage.paths import AnyPath
from pipeline.sums import as_written

AGAIN = "the same build command as before makes it again"


@dataclass(slots=True)
class Checked:
    """What a check looked at, in words, and the problems that it found; None where there was nothing to look at."""

    name: str
    looked_at: str
    problems: list[str] = field(default_factory=list)


Manifest = dict[str, Any]
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
    from pipeline.speech.clips import damaged

    number, found = damaged(out / "parts" / "clips")
    for path in found:
        yield f"{path}: is damaged; delete it, and {AGAIN}, where it is needed"
    if number:
        report(f"{number} clips")


def check_rejected(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """The refusals in rejected/ are those that the manifest counts."""
    told = {stage: dict(counts) for stage, counts in manifest["refused"].items()}
    questions, sums = Counter[str](), manifest.get("rejected", {})
    for name, source in manifest["sources"].items():
        questions.update(source["refused"])
        if source["rows"] != source["kept"] + sum(source["refused"].values()):
            yield f"{out / 'manifest.json'}: the rows of {name} are not those kept and those refused; {AGAIN}"
    told["questions"] = dict(questions)
    read = 0
    for stage, counts in told.items():
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
        if sums and path.name not in {f"{stage}.jsonl" for stage in told}:
            yield f"{path}: is not of this build; delete it"
    report(f"{read} refusals")


def check_notes(out: AnyPath, manifest: Manifest, report: Callable[[str], None]) -> Iterator[str]:
    """The manifest is as it was written, and build.json, which stands beside the parts, is of the same build."""
    report("manifest.json and build.json")
    path = out / "manifest.json"
    if not as_written(manifest, "manifest_sha256"):
        yield f"{path}: is not as it was written; {AGAIN}"
    path, settings = out / "build.json", manifest["settings"]
    if not path.exists():
        if (out / "parts" / "questions").exists():
            yield f"{path}: is missing; {AGAIN}"
        return
    try:
        found = noted(path)["identity"]
    except UsageError as error:
        yield str(error)
        return
    told = {name: settings.get(name) for name in ("seed", "languages", "validation_share")}
    told["sources"] = sorted(manifest["sources"])
    is_ = found | {"sources": sorted(found.get("sources", ()))}
    if other := next((name for name, value in told.items() if value is not None and is_.get(name) != value), None):
        yield (
            f"{path}: is of a build with {other} {is_.get(other)}, and the manifest's has {told[other]}; "
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


def manifest_of(out: AnyPath) -> Manifest | None:
    """The manifest of a finished build; None where it is damaged. Raises UsageError where there is none."""
    path = out / "manifest.json"
    try:
        manifest: Manifest = json.loads(path.read_text("utf-8"))
        _ = [(s["path"], s["sha256"], s["rows"], s["split"]) for s in manifest["shards"]]
        _ = manifest["settings"]["levels"], manifest["settings"]["speak"], manifest["seconds"], manifest["oracles"]
        _ = manifest["dialogues"]["accepted"], manifest["dialogues"]["by_source"]
        _ = [s["refused"].items() for s in manifest["sources"].values()], manifest["refused"].items()
    except FileNotFoundError:
        raise UsageError(
            f"{out}: holds no finished build; `kame-data build --out {out}` makes or finishes one"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest


def verify(out: AnyPath) -> list[Checked]:
    """Run all checks that find something to look at. Raises UsageError where OUT holds no finished build."""
    manifest = manifest_of(out)
    if manifest is None:
        return [Checked("manifest", str(out / "manifest.json"), [f"{out / 'manifest.json'}: is damaged; {AGAIN}"])]
    found = []
    for name, check in CHECKS.items():
        looked, problems = list[str](), list[str]()
        try:
            problems += check(out, manifest, looked.append)
        except OSError as error:  # as of a folder where a file should be
            why = f"cannot be read ({error.strerror or error}); mend that, and {AGAIN}"
            problems.append(f"{error.filename or out}: {why}")
        except (LookupError, TypeError, ValueError, AttributeError):
            # Of a manifest that is not as it was written, anything may be missing; that it is not, a check says.
            if as_written(manifest, "manifest_sha256"):
                raise
            problems.append(f"{out / 'manifest.json'}: is not as it was written; {AGAIN}")
        if looked or problems:
            found.append(Checked(name, ", ".join(looked), problems))
    return found
