"""`kame-data verify`: what a build's files hold is what they should. Each check looks at one kind of files.

A check is a function of OUT that yields what is wrong, one line a problem, and reports what it looked at; to add one,
list it in `CHECKS`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.codec.hub import checksum
from pipeline.codec.verify import check_tokens
from pipeline.errors import UsageError


@dataclass(slots=True)
class Checked:
    """What a check looked at, in words, and the problems that it found; None where there was nothing to look at."""

    name: str
    looked_at: str
    problems: list[str] = field(default_factory=list)


Check = Callable[[Path, Callable[[str], None]], Iterator[str]]


def check_shards(out: Path, report: Callable[[str], None]) -> Iterator[str]:
    """Every shard that the manifest lists is there, with its checksum, and no other."""
    path = out / "manifest.json"
    try:
        shards = json.loads(path.read_text("utf-8"))["shards"]
        listed = {out / s["path"]: s["sha256"] for s in shards}
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError):
        report("its manifest")
        yield f"{path}: is damaged; the same build command as before writes it again"
        return
    report(f"{len(listed)} shards")
    for shard, sha256 in listed.items():
        if not shard.exists():
            yield f"{shard}: is missing; the same build command as before makes it again"
        elif checksum(shard) != sha256:
            yield f"{shard}: its checksum is not the manifest's; the same build command as before mends it"
    for stranger in sorted(set((out / "shards").glob("*.parquet")) - set(listed)):
        yield f"{stranger}: is not in the manifest; delete it"


CHECKS: dict[str, Check] = {"shards": check_shards, "tokens": check_tokens}


def verify(out: Path) -> list[Checked]:
    """Run all checks that find something to look at. Raises UsageError where none does."""
    found = []
    for name, check in CHECKS.items():
        looked: list[str] = []
        problems = list(check(out, looked.append))
        if looked:
            found.append(Checked(name, looked[0], problems))
    if not found:
        raise UsageError(f"{out}: holds no finished build; `kame-data build --out {out}` makes or finishes one")
    return found
