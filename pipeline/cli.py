"""The commands. Each reads its settings, calls `pipeline` (or a flow), and prints for a person.

Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 stopped by a budget or a limit, 130 interrupted.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import __version__
from pipeline.errors import KameError

if TYPE_CHECKING:
    from pipeline.build import Build
    from pipeline.config import Settings

app = typer.Typer(
    name="kame-data",
    help="From benchmark questions to the spoken, oracle-annotated dialogues that train a KAME front end.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Out = Annotated[Path, typer.Option("--out", help="Folder of the build.")]
Config = Annotated[str | None, typer.Option("--config", help="YAML file of settings, or the name of a shipped recipe.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME[=HUB_ID_OR_FILE]", help="mmlu_pro, gsm8k, hssbench or questions; repeatable."),
]
Limit = Annotated[int | None, typer.Option(help="Accepted questions a source.", min=1)]
Target = Annotated[int | None, typer.Option(help="Accepted dialogues in all, by adding variants.", min=1)]
Levels = Annotated[str | None, typer.Option(help="Hint levels, as in 0-5 or 0,3,5.")]
Schedule = Annotated[str | None, typer.Option(help="progressive: a level a prefix; grid: every level at every prefix.")]
PrefixEvery = Annotated[int | None, typer.Option(help="Words from one prefix to the next.", min=1)]
Llm = Annotated[str | None, typer.Option("--llm", help="Writer and simulator: offline.")]
Writer = Annotated[str | None, typer.Option(help="Writes the dialogues; over --llm.")]
Simulator = Annotated[str | None, typer.Option(help="Writes the oracles; over --llm.")]
Tts = Annotated[str | None, typer.Option(help="The voice: espeak.")]
Speak = Annotated[bool | None, typer.Option("--speech/--no-speech", help="Speak the dialogues, or write text alone.")]
Latency = Annotated[str | None, typer.Option(help="Delays of the replayed back end: ideal or typical.")]
Languages = Annotated[str | None, typer.Option(help="Languages to keep, as in en or en,fr.")]
Seed = Annotated[int | None, typer.Option(help="Seed of every draw.")]
Ledger = Annotated[Path | None, typer.Option(help="Folder of the paid answers, outside OUT.")]
Workers = Annotated[int | None, typer.Option(help="Parts in work at once; a core each by default.", min=1)]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")]


def _settings(config: str | None, out: Path | None, **flags: Any) -> "Settings":
    from pipeline.settings_file import load_settings

    given: dict[str, Any] = {k: v for k, v in flags.items() if v is not None}
    if out is not None:
        given["out"] = out
    llm = given.pop("llm", None)
    if llm is not None:
        given = {"writer": llm, "simulator": llm} | given
    for branch, name in (("speech", "tts"), ("latency", "preset")):
        if name in given:
            given[branch] = {name: given.pop(name)}
    return load_settings(config, given)


@app.command()
def build(
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the build  [default: out]")] = None,
    config: Config = None,
    source: Sources = None,
    limit: Limit = None,
    target: Target = None,
    levels: Levels = None,
    schedule: Schedule = None,
    prefix_every: PrefixEvery = None,
    llm: Llm = None,
    writer: Writer = None,
    simulator: Simulator = None,
    tts: Tts = None,
    speech: Speak = None,
    latency: Latency = None,
    languages: Languages = None,
    seed: Seed = None,
    ledger: Ledger = None,
    workers: Workers = None,
    debug: Debug = False,
) -> None:
    """Build the dialogues: questions to shards. The same command again goes on where the last one stopped."""
    settings = _settings(
        config,
        out,
        sources=source,
        limit=limit,
        target=target,
        levels=levels,
        schedule=schedule,
        prefix_every=prefix_every,
        llm=llm,
        writer=writer,
        simulator=simulator,
        tts=tts,
        speak=speech,
        preset=latency,
        languages=languages,
        seed=seed,
        ledger=ledger,
        workers=workers,
    )
    from pipeline.show import print_summary

    print_summary(_run_build(settings), settings.out)


def _run_build(settings: "Settings") -> dict[str, Any]:
    from filelock import FileLock, Timeout

    from pipeline.build import Build
    from pipeline.show import Bars
    from pipeline.status import finished

    build_ = Build(settings)
    build_.check()
    settings.out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.out / ".lock", timeout=0), _stoppable(build_):
            manifest = finished(build_)
            if manifest is not None:
                return manifest
            from flows.build import build_flow

            with Bars(settings.progress) as bars:
                return build_flow(settings, bars, build_)
    except Timeout:
        raise KameError(f"--out {settings.out}: another build is at work there; wait for it, or give another folder") from None


class _stoppable:
    """While it is open, Ctrl-C and SIGTERM ask the build to stop in good order; a second one stops it at once."""

    def __init__(self, build: "Build") -> None:
        self._build = build
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        def ask(number: int, frame: FrameType | None) -> None:
            if self._build.stop.is_set():
                os._exit(130)
            self._build.stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, ask)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kame-data {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    pass


def _fail(message: str, code: int) -> NoReturn:
    print(f"kame-data: {' '.join(message.split())}", file=sys.stderr)
    sys.stderr.flush()
    raise SystemExit(code)


def main() -> None:
    """Run the command line; errors are one line on standard error, a traceback only with --debug."""
    debug = "--debug" in sys.argv
    try:
        app()
    except KameError as error:
        if debug:
            raise
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on from what is done", 130)
    except OSError as error:
        if debug:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}; mend that and give the same command again", 1)
    except Exception as error:
        if debug:
            raise
        _fail(f"{type(error).__name__}: {error} (--debug shows where)", 1)


if __name__ == "__main__":
    main()
