"""What keeps a build from being published: damage always, stand-ins and a level curve that falls unless allowed."""

from typing import Any

from pipeline.build import noted_settings
from pipeline.errors import KameError
from pipeline.manifest import rows_settings
from pipeline.publish.facts import Facts
from pipeline.report.read import Finished
from pipeline.storage.paths import AnyPath
from pipeline.verify import verify

ALLOW = "--allow-stand-ins"


def check_finished(finished: Finished) -> None:
    """Raise KameError where a build of other settings has begun in OUT since, or where it holds no dialogue."""
    out, manifest = finished.out, finished.manifest
    if (out / "build.json").exists():
        begun, made = rows_settings(noted_settings(out)), manifest["settings"]
        # Where the sources lay is no matter; a setting that the version which built did not have is none of its rows.
        if other := next((name for name in made if name != "sources" and begun.get(name) != made[name]), None):
            raise KameError(
                f"{out}: a build with {other} {begun.get(other)} has begun there since the one of {made[other]} was "
                "finished; the same build command finishes it"
            )
    if not manifest["dialogues"]["accepted"] or not manifest["shards"]:
        raise KameError(f"{out}: holds no dialogues, so there is nothing to publish; see {out / 'rejected'}")


def check_files(out: AnyPath) -> None:
    """Raise KameError where `kame-data verify` finds anything wrong with the files of a build."""
    problems = [problem for check in verify(out) for problem in check.problems]
    if problems:
        more = f" (and {len(problems) - 1} more: `kame-data verify {out}`)" if problems[1:] else ""
        raise KameError(f"{problems[0]}{more}")


def stand_ins_of(manifest: dict[str, Any], tokens: dict[str, Any] | None, *, audio: bool) -> list[str]:
    """What only stands in for the real thing in what would be published; voices do not count without audio."""
    found = [name for name in manifest["stand_ins"] if audio or not name.startswith("voice:")]
    return found + (tokens["stand_ins"] if tokens and audio else [])


def check_stand_ins(where: AnyPath, stand_ins: list[str], allowed: bool) -> None:
    """Raise KameError where there are stand-ins that were not allowed."""
    if stand_ins and not allowed:
        raise KameError(
            f"{where}: was made with stand-ins ({', '.join(stand_ins)}), which nobody should train on; "
            f"make it with the real ones, or publish it with {ALLOW}, labelled as it is"
        )


def check_levels(finished: Finished, facts: Facts, allowed: bool) -> None:
    """Raise KameError where the oracles of a level do not say more of the answer than those of the one below.

    Stand-ins that were allowed excuse the simulator by rules, and no other.
    """
    if allowed and any(name.startswith("simulator:") for name in finished.manifest["stand_ins"]):
        return
    if falls := facts.quality.falls():
        low, high = falls[0]
        raise KameError(
            f"{finished.out}: the oracles of level {high} do not say more of the answer than those of level {low} "
            f"(`kame-data quality {finished.out}` shows it); mend the prompts (--prompts), or use another --simulator"
        )
