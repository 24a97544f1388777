"""The commands. Each reads its settings, calls `pipeline` (or a flow), and prints for a person.

Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 stopped by a budget or a limit, 130 interrupted.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import __version__
from pipeline.errors import KameError
from pipeline.export.command import export
from pipeline.flags import BuildFolder, Debug, FirstFolder, SecondFolder, takes_flags, takes_settings
from pipeline.imported.command import NOT_OF_IMPORTS, import_flags, imported_settings
from pipeline.interrupts import as_interrupt, listen, over
from pipeline.llm.command import ledger_app
from pipeline.publish.command import publish
from pipeline.schedule import FLAGS, nightly, serve
from pipeline.train.command import train

if TYPE_CHECKING:
    from pipeline.config import Settings

app = typer.Typer(
    name="kame-data",
    help="From benchmark questions to the spoken, oracle-annotated dialogues that train a KAME front end.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Tokenizer = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        metavar="SPEC",
        help="Counts tokens: kyutai, sample or a SentencePiece model; that of OUT/tokens unless told otherwise.",
    ),
]


def _run_build(settings: "Settings") -> dict[str, Any]:
    from pipeline.build import Build
    from pipeline.show import Bars
    from pipeline.stages import terms
    from pipeline.status import finish

    build_ = Build(settings)
    build_.check()
    for line in terms(settings):
        typer.echo(f"licence: {line}", err=True)

    def make() -> dict[str, Any]:
        from flows.build import build_flow
        from flows.server import answered

        with answered(), Bars(settings.progress) as bars:
            return build_flow(settings, bars, build_)

    return finish(build_, make)


@app.command()
@takes_settings
def build(settings: "Settings") -> None:
    """Build the dialogues: questions to shards. The same command again goes on where the last one stopped."""
    from pipeline.show import print_summary

    print_summary(_run_build(settings), settings.out)


def import_(settings: "Settings") -> None:
    """Build from dialogues that were recorded already: oracles for them, shards. The same command again goes on."""
    from pipeline.show import print_summary

    print_summary(_run_build(settings), settings.out)


app.command("import")(takes_settings(import_, own=import_flags, without=NOT_OF_IMPORTS, rename=imported_settings))


@app.command()
@takes_settings
def pull(settings: "Settings") -> None:
    """Fetch the sources and judge their rows: what a build starts with. It then reads none of them again."""
    from pipeline.build import Build
    from pipeline.manifest import refused_questions, source_table
    from pipeline.run import most_frequent, pull_alone
    from pipeline.show import Bars, print_pulled
    from pipeline.storage.lock import hold

    build_ = Build(settings)
    build_.check()
    with hold(settings.out), Bars(settings.progress) as bars:
        pull_alone(build_, bars)
    print_pulled(source_table(build_), settings.out)
    if not any(build_.questions.values()):
        why = most_frequent(refused_questions(build_))
        raise KameError(f"{settings.out}: no row of the sources can be asked aloud{why}")


@app.command()
@takes_settings
def plan(settings: "Settings") -> None:
    """Say what a build would make and take, from a small sample made now. Spends and writes nothing."""
    from pipeline.plan import plan as foresee
    from pipeline.show import print_plan

    print_plan(foresee(settings), settings)


@app.command()
@takes_settings
def preview(settings: "Settings") -> None:
    """Show three dialogues of a build with their oracles. Writes nothing."""
    from pipeline.plan import preview as look
    from pipeline.show import print_preview

    print_preview(look(settings))


@app.command()
def status(out: BuildFolder = Path("out"), debug: Debug = False) -> None:
    """Say how far a build is."""
    from pipeline.build import Build, noted_settings
    from pipeline.codec.stage import stale, token_manifest
    from pipeline.llm.session import SpendNotes
    from pipeline.show import print_spend, print_status, print_tokens
    from pipeline.status import finished, stage_table

    found, spent = Build(noted_settings(out)), SpendNotes(out)
    print_spend(spent.rows(), spent.total())
    manifest = finished(found)
    print_status(stage_table(found), manifest, out)
    if manifest is not None and (made := token_manifest(out)) is not None:
        print_tokens(made, out, stale(out, made))


@app.command()
def tokens(
    out: BuildFolder = Path("out"),
    codec: Annotated[
        str,
        typer.Option(
            help="mimi (from the Hub), a file of Mimi's weights, or, with random weights, untrained or untrained-small."
        ),
    ] = "mimi",
    tokenizer: Annotated[
        str, typer.Option(help="kyutai (from the Hub), sample (a small one, bundled), or a SentencePiece model file.")
    ] = "kyutai",
    device: Annotated[str, typer.Option(help="Where the codec runs: auto, cpu, cuda or cuda:N.")] = "auto",
    workers: Annotated[int | None, typer.Option(help="Processes on the CPU; a core each by default.")] = None,
    runner: Annotated[str | None, typer.Option(help="Where parts are made: local, or a cluster: dask, ray.")] = None,
    address: Annotated[str | None, typer.Option(help="The cluster, as in tcp://HOST:8786 or HOST:6379.")] = None,
    progress: Annotated[bool, typer.Option("--progress/--no-progress", help="Show how the work goes on.")] = True,
    debug: Debug = False,
) -> None:
    """Make token shards of a finished build: Mimi codes, text streams, oracle events. Goes on where it stopped."""
    from pipeline.codec.parts import Make, make_parts
    from pipeline.codec.stage import TokenSettings, build_manifest, make_tokens
    from pipeline.config import RunnerSettings
    from pipeline.settings_file import layered
    from pipeline.show import Bars, print_tokens
    from pipeline.storage.lock import hold

    settings = TokenSettings(codec, tokenizer, device, workers)
    flags = {name: value for name, value in (("kind", runner), ("address", address)) if value is not None}
    where = layered(RunnerSettings, None, flags, "KAME_DATA_RUNNER__")
    build_manifest(out)
    make: Make = make_parts
    if where.kind != "local":
        from flows.tokens import Spread

        make = Spread(where, settings)
    with hold(out), Bars(progress) as bars:
        print_tokens(make_tokens(out, settings, bars, make), out)


@app.command()
def verify(out: BuildFolder = Path("out"), debug: Debug = False) -> None:
    """Check that the shards and token shards of a build hold what they should; fails where one does not."""
    from pipeline.show import print_verified
    from pipeline.verify import verify as look

    found = look(out)
    print_verified(found)
    if problems := [problem for check in found for problem in check.problems]:
        raise KameError(f"{out}: {len(problems)} problem(s); the first: {problems[0]}")


@app.command()
def quality(out: BuildFolder = Path("out"), debug: Debug = False) -> None:
    """Say how much of the answer the oracles hold, level by level; fails where that does not rise with every level."""
    from pipeline.build import Build, noted_settings
    from pipeline.quality import measure, table
    from pipeline.show import print_quality

    found = measure(Build(noted_settings(out)))
    print_quality(table(found), found.spoken)
    if falls := found.falls():
        low, high = falls[0]
        raise KameError(
            f"{out}: the oracles of level {high} do not say more of the answer than those of level {low} (mean chrF); "
            "mend the prompts (--prompts), or use another --simulator"
        )


@app.command()
def report(
    out: BuildFolder = Path("out"),
    dialogues: Annotated[int, typer.Option(min=0, help="Dialogues to draw into the page.")] = 1000,
    audio: Annotated[
        int, typer.Option(min=0, help="Dialogues of these to embed with their sound, as far as fits.")
    ] = 48,
    dialogue: Annotated[
        list[str] | None, typer.Option("--dialogue", metavar="ID", help="Dialogue to embed with its sound; repeatable.")
    ] = None,
    tokenizer: Tokenizer = None,
    debug: Debug = False,
) -> None:
    """Write OUT/report.html: figures of a finished build, and its dialogues to look at and to hear."""
    from pipeline.report.page import write_report

    done = write_report(out, dialogues=dialogues, audio=audio, first=dialogue or (), tokenizer=tokenizer)
    typer.echo(
        f"{done.path}  {done.bytes / 1e6:.1f} MB: {done.dialogues} of {done.of} dialogues, {done.sounds} with sound"
    )


@app.command()
def replay(
    out: BuildFolder,
    wanted: Annotated[str, typer.Argument(metavar="ID", help="The id of a dialogue.")],
    tokenizer: Tokenizer = None,
    debug: Debug = False,
) -> None:
    """Show a dialogue second by second: what was said, which oracle was read and how far, what was answered."""
    from pipeline.report.read import Finished
    from pipeline.report.replay import print_replay
    from pipeline.report.seen import open_tokenizer
    from pipeline.show import console

    print_replay(console(), Finished.open(out).row(wanted), open_tokenizer(tokenizer, out))


@app.command()
def diff(
    first: FirstFolder,
    second: SecondFolder,
    debug: Debug = False,
) -> None:
    """Say what differs between two builds: settings, rows, the level curve, durations, refusals, spend."""
    from pipeline.report.diff import compare, print_diff
    from pipeline.show import console

    print_diff(console(), compare(first, second))


app.command()(train)
app.command()(publish)
app.command()(takes_flags(nightly, nightly, own=FLAGS["nightly"]))
app.command()(takes_flags(serve, serve, own=FLAGS["serve"]))
app.command()(export)
app.add_typer(ledger_app, name="ledger")


@app.command("run")
def run_recipe(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="YAML file, or the name of a shipped one: demo.")],
    out: Annotated[str | None, typer.Option("--out", help="Folder or URL of the build, over the recipe's.")] = None,
    skip: Annotated[list[str] | None, typer.Option("--skip", help="One of these steps; repeatable.")] = None,
    debug: Debug = False,
) -> None:
    """Go from questions to a checkpoint: pull, build, tokens, train, publish. The same command again goes on."""
    from pipeline.recipe import steps_of

    steps = steps_of(recipe, out, skip or [])
    from flows.pipeline import pipeline_flow

    pipeline_flow(steps)


@app.command()
def doctor(out: BuildFolder = Path("out"), debug: Debug = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from pipeline.doctor import examine
    from pipeline.show import print_findings

    findings = examine(out)
    print_findings(findings)
    missing = [f.what for f in findings if f.needed and not f.ok]
    if missing:
        raise KameError(f"missing: {', '.join(missing)}")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kame-data {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _fail(message: str, code: int) -> NoReturn:
    print(f"kame-data: {' '.join(message.split())}", file=sys.stderr)
    sys.stderr.flush()
    raise SystemExit(code)


def _told(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    error = as_interrupt(error)
    if isinstance(error, KameError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; mend that and give the same command again", 1
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object!a}: is no UTF-8, as the name of a file here has to be; rename it", 1
    return f"{type(error).__name__}: {error} (--debug shows where)", 1


def main() -> None:
    """Run the command line; errors are one line on standard error, a traceback only with --debug."""
    debug = "--debug" in sys.argv
    listen()
    try:
        app()
    except Exception as error:
        if debug:
            raise
        over()
        _fail(*_told(error))
    finally:
        over()


if __name__ == "__main__":
    main()
