"""Gates that keep a build from being published: damage always, stand-ins and a falling level curve unless allowed."""

from collections.abc import Iterable
from pathlib import Path

from kame_data.engine.note import noted_settings
from kame_data.errors import KameError
from kame_data.finished.reader import Finished
from kame_data.publish.facts import Facts
from kame_data.storage.paths import AnyPath
from kame_data.verify.check_build import verify

ALLOW = "--allow-stand-ins"


def check_finished(finished: Finished) -> None:
    """Raise KameError where a build of other settings has begun in OUT since, or where it holds no dialogue."""
    out, manifest = finished.out, finished.manifest
    if (out / "build.json").exists() and (begun := manifest.begun_since(noted_settings(out))):
        raise KameError(f"{out}: {begun}")
    if not manifest.dialogues.accepted or not manifest.shards:
        raise KameError(f"{out}: holds no dialogues, so there is nothing to publish; see {out / 'rejected'}")


def check_files(out: AnyPath) -> None:
    """Raise KameError where `kame-data verify` finds anything wrong with the files of a build."""
    problems = [problem for check in verify(out) for problem in check.problems]
    if problems:
        more = f" (and {len(problems) - 1} more: `kame-data verify {out}`)" if problems[1:] else ""
        raise KameError(f"{problems[0]}{more}")


def stand_ins_of(build: Iterable[str], tokens: Iterable[str] = (), *, audio: bool) -> list[str]:
    """The parts of an upload that only stand in for the real thing, of those of the build and of its tokens; voices and
    tokens do not count without audio."""
    return [*build, *tokens] if audio else [name for name in build if not name.startswith("voice:")]


def check_stand_ins(where: Path | AnyPath, stand_ins: list[str], allowed: bool) -> None:
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
    if allowed and any(name.startswith("simulator:") for name in finished.manifest.stand_ins):
        return
    if falls := facts.curve.falls():
        raise KameError(
            f"{finished.out}: {falls[0]}; `kame-data quality {finished.out}` shows it: mend the prompts (--prompts), "
            "or use another --simulator"
        )
