"""The command line: its commands, what it says of errors, and its exit codes.

Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 stopped by a budget or a limit, 130 interrupted.
"""

import sys
from typing import Annotated, NoReturn

import typer

from kame_data import __version__
from kame_data.cli.build_commands import build, import_, pull
from kame_data.cli.check_commands import doctor, quality, verify
from kame_data.cli.evaluate_command import evaluate
from kame_data.cli.export_command import export
from kame_data.cli.ledger_commands import ledger_app
from kame_data.cli.look_commands import diff, replay, report
from kame_data.cli.plan_commands import plan, preview
from kame_data.cli.publish_command import publish
from kame_data.cli.schedule_commands import nightly, serve
from kame_data.cli.status_command import status
from kame_data.cli.tandem_commands import talk, tandem
from kame_data.cli.tokens_command import tokens
from kame_data.cli.train_command import train
from kame_data.cli.workflow_command import run
from kame_data.errors import KameError
from kame_data.interrupts import as_interrupt, listen, over
from kame_data.safe_path import protect

app = typer.Typer(
    name="kame-data",
    help="From benchmark questions to the spoken, oracle-annotated dialogues that train a KAME front end.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command()(build)
app.command("import")(import_)
for command in (pull, plan, preview, status, tokens, verify, quality, report, replay, diff):
    app.command()(command)
for command in (train, tandem, talk, evaluate, publish, nightly, serve, export, run, doctor):
    app.command()(command)
app.add_typer(ledger_app, name="ledger")


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


def _message(error: Exception) -> tuple[str, int]:
    """The line that says an error, and the exit code."""
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
    protect()
    try:
        app()
    except Exception as error:
        if debug:
            raise
        over()
        _fail(*_message(error))
    finally:
        over()
