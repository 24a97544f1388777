"""`kame-data verify`, `quality` and `doctor`: is a build sound, are its oracles good, is this machine ready."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from kame_data.cli.flags import OUT, BuildFolder, Debug, Json
from kame_data.errors import KameError
from kame_data.terminal import console, plain_table, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kame_data.cli.doctor import Finding
    from kame_data.finished.level_figures import LevelCurve
    from kame_data.verify.check_build import Checked


def verify(out: BuildFolder = OUT, json: Json = False, debug: Debug = False) -> None:
    """Check that the shards and token shards of a build hold what they should; fails where one does not."""
    from kame_data.verify.check_build import verify as look

    found = look(out)
    problems = [problem for check in found for problem in check.problems]
    if json:
        print_json({"out": str(out), "sound": not problems, "checks": [asdict(check) for check in found]})
    else:
        print_verified(found)
    if problems:
        raise KameError(f"{out}: {len(problems)} problem(s); the first: {problems[0]}")


def quality(out: BuildFolder = OUT, json: Json = False, debug: Debug = False) -> None:
    """Say how much of the answer the oracles hold, level by level; fails where that does not rise with every level."""
    from kame_data.codec.tokenizer import pieces_of
    from kame_data.engine.build_bars import print_levels
    from kame_data.finished.level_figures import measure
    from kame_data.finished.reader import Finished
    from kame_data.finished.voices import COLUMNS, Voices

    build = Finished.open(out)
    found, voices = measure(build, pieces_of(None, out)), Voices(build.rows(COLUMNS))
    falls = found.falls()
    if json:
        print_json(
            {
                "out": str(out),
                "spoken": found.spoken,
                "consumed": found.reckoned,
                "rises": not falls,
                "levels": _level_figures(found),
                "voices": voices.figures(),
                "guesses": [
                    {"heard": tenth / 10, "oracles": all_, "right": right / all_}
                    for tenth, (right, all_) in sorted(found.guesses.items())
                ],
                "early": {
                    "starts": found.early.early,
                    "mended": found.early.mended,
                    "newest_oracle": found.early.newest,
                    "before_end": found.early.before_end,
                    "seconds_before_end": list(found.early.ahead),
                    "fillers": found.early.fillers,
                },
            }
        )
    else:
        print_levels(console(), found)
        if voices.heard:
            head, *lines = voices.table()
            console().print(plain_table(head, lines, left=2))
    if falls:
        raise KameError(f"{out}: {falls[0]}; mend the prompts (--prompts), or use another --simulator")


def _level_figures(found: "LevelCurve") -> list[dict[str, Any]]:
    """The means of each level; None where no oracle of it can have the figure."""
    return [
        {
            "level": level,
            "oracles": q.count,
            "words": q.mean_words,
            "chrf": q.mean_whole,
            "chrf_consumed": q.mean_consumed,
            "holds_answer": q.holds,
            "holds_answer_consumed": q.holds_consumed,
            "asked_again": found.asked_again(level),
        }
        for level, q in sorted(found.levels.items())
    ]


def doctor(out: BuildFolder = OUT, json: Json = False, debug: Debug = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from kame_data.cli.doctor import examine

    findings = examine(out)
    missing = [f.what for f in findings if f.needed and not f.ok]
    if json:
        print_json({"ready": not missing, "findings": [asdict(finding) for finding in findings]})
    else:
        print_findings(findings)
    if missing:
        raise KameError(f"missing: {', '.join(missing)}")


def print_verified(checks: "Sequence[Checked]", most: int = 10) -> None:
    """A line a check: what was looked at, and the first problems."""
    to = console()
    for check in checks:
        outcome = f"{len(check.problems)} problems" if check.problems else "sound"
        to.print(f"{check.name}: {check.looked_at}: {outcome}")
        for problem in check.problems[:most]:
            to.print(f"  {problem}")
        if len(check.problems) > most:
            to.print(f"  and {len(check.problems) - most} more")


def print_findings(findings: "list[Finding]") -> None:
    """A line a finding; the way out behind what is missing."""
    to = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for f in findings:
        state = "ok" if f.ok else "MISSING" if f.needed else "absent"
        table.add_row(state, f.what, f.found, "" if f.ok else f.cure)
    to.print(table)
