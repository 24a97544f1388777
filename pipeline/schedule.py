"""`kame-data nightly` and `kame-data serve`: their flags, and what a run is told by them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.publish.command import AllowStandIns, Audio, DryRun, Private, Repo
from pipeline.storage.paths import RemotePath, path_of


def _of_a_night(
    repo: Repo,
    more: Annotated[
        int, typer.Option(min=1, help="Questions of each source that a run adds; with --target, dialogues in all.")
    ] = 100,
    private: Private = False,
    audio: Audio = True,
    allow_stand_ins: AllowStandIns = False,
    dry_run: DryRun = None,
    codec: Annotated[
        str | None, typer.Option(help="Make token shards, too, by this codec: as for `kame-data tokens`.")
    ] = None,
    tokenizer: Annotated[str | None, typer.Option(help="Tokenizer of the token shards; kyutai by default.")] = None,
    device: Annotated[str | None, typer.Option(help="Where the codec runs: auto, cpu, cuda or cuda:N.")] = None,
    report_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where a browser finds OUT/report.html, for the link to it.")
    ] = None,
) -> None:
    """The flags of a night, before those of a build."""


def _of_a_schedule(
    cron: Annotated[
        str | None, typer.Option(metavar="CRON", help="When runs begin: '0 3 * * *' is every night at three.")
    ] = None,
    interval: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Seconds from one run to the next, instead of --cron.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of --cron, as in Europe/Berlin; this machine's by default.")
    ] = None,
    name: Annotated[str, typer.Option(help="The deployment's name in Prefect, behind 'nightly/'.")] = "kame-data",
) -> None:
    """The flags of `serve` alone."""


def told(config: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    """What a run is told by the flags of `_of_a_night` and of a build: the parameters of the flow, as JSON. No path
    hangs on the folder that the command is given in."""
    given, found = dict(flags), dict[str, Any]()
    for name in ("repo", "more", "report_url"):
        if name in given:
            found[name] = given.pop(name)
    out = path_of(given.pop("out", None) or "out")
    found["out"] = str(out if isinstance(out, RemotePath) else out.resolve())
    for room, names in (
        ("publish", ("private", "audio", "allow_stand_ins", "dry_run")),
        ("tokens", ("codec", "tokenizer", "device")),
    ):
        found[room] = {name: _rooted(name, given.pop(name)) for name in names if name in given}
    found["build"] = {name: _rooted(name, value) for name, value in given.items()}
    if config is not None:
        found["build"]["config"] = str(Path(config).resolve()) if Path(config).is_file() else config
    return found


def _rooted(name: str, value: Any) -> Any:
    """A flag's value as JSON, paths from the root."""
    from pipeline.build import absolute

    if isinstance(value, Path):
        return str(value.expanduser().resolve())
    if name == "sources":
        parts = [spec.partition("=") for spec in value]
        return [f"{source}{equals}{absolute(place) if place else ''}" for source, equals, place in parts]
    return absolute(value) if name in ("tts", "codec", "tokenizer") else value


def nightly(config: str | None, flags: dict[str, Any]) -> None:
    """Let a build grow by --more questions, judge it, and publish it where it holds; `serve` does so on a schedule."""
    from flows.serving import run_now

    typer.echo(run_now(told(config, flags)))


def serve(config: str | None, flags: dict[str, Any]) -> None:
    """Run `nightly` on a schedule until stopped; wants a Prefect server (docs/SCHEDULES.md)."""
    from flows.serving import serve as serve_

    own = {name: flags.pop(name) for name in ("cron", "interval", "timezone", "name") if name in flags}
    serve_(told(config, flags), **own)


FLAGS = {"nightly": (_of_a_night,), "serve": (_of_a_schedule, _of_a_night)}
