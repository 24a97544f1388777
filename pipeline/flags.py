"""The flags of the commands that take settings, and how they become settings."""

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.storage.paths import path_of

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.storage.paths import AnyPath

    BuildFolder = AnyPath
    FirstFolder = AnyPath
    SecondFolder = AnyPath
else:  # no type of typer's, but parsed by ours

    def _folder(name: str, help_: str) -> Any:
        return Annotated[Any, typer.Argument(metavar=name, parser=path_of, help=help_)]

    BuildFolder = _folder("OUT", "Folder of a build, or its URL: s3://bucket/folder.")
    FirstFolder = _folder("OUT1", "Folder or URL of a build.")
    SecondFolder = _folder("OUT2", "Folder or URL of another one.")

Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")]
# Flags that set a leaf: branch of the settings tree, name there, flag.
BRANCHES = (
    ("speech", "tts", "tts"),
    ("speech.checks", "asr", "asr"),
    ("latency", "preset", "latency"),
    ("stt", "noise", "stt_noise"),
    ("llm", "mode", "llm_mode"),
    ("llm", "budget", "budget"),
    ("runner", "kind", "runner"),
    ("runner", "address", "address"),
)


def _flags(
    out: Annotated[
        str | None,
        typer.Option("--out", help="Folder or URL (s3://bucket/folder) of the build; 'out' unless told otherwise."),
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", help="YAML file of settings, or the name of a shipped recipe.")
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="NAME[=HUB_ID_OR_FILE]",
            help="mmlu_pro, gsm8k, hssbench, questions or imported, repeatable; '=sample' takes the bundled sample.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Accepted questions a source.")] = None,
    target: Annotated[int | None, typer.Option(help="Accepted dialogues in all, by adding variants.")] = None,
    levels: Annotated[str | None, typer.Option(help="Hint levels, as in 0-5 or 0,3,5.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="progressive: each prefix its level; grid: every level at every prefix.")
    ] = None,
    prefix_every: Annotated[int | None, typer.Option(help="Words from one prefix to the next.")] = None,
    llm: Annotated[
        str | None,
        typer.Option(help="Writer and simulator at once: offline, openai:MODEL[@URL] or anthropic:MODEL[@URL]."),
    ] = None,
    writer: Annotated[str | None, typer.Option(help="Writes the dialogues; over --llm.")] = None,
    simulator: Annotated[str | None, typer.Option(help="Writes the oracles; over --llm.")] = None,
    llm_mode: Annotated[
        str | None, typer.Option(help="online: one by one; batch: by the provider's batch jobs, at half the price.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Dollars that all runs of this build may spend on models together.")
    ] = None,
    pilot: Annotated[
        int | None,
        typer.Option(help="Dialogues to build and judge first; goes on if they hold and the cost fits --budget."),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Folder of own prompts, which go before the bundled ones of the same name.")
    ] = None,
    tts: Annotated[
        str | None, typer.Option(help="The voice: espeak, or coqui:MODEL (a listed name or a folder).")
    ] = None,
    speak: Annotated[
        bool | None, typer.Option("--speech/--no-speech", help="Speak the dialogues, or write text alone.")
    ] = None,
    asr: Annotated[
        str | None, typer.Option(help="Recogniser whose word error rate is checked: faster-whisper:MODEL.")
    ] = None,
    latency: Annotated[
        str | None, typer.Option(help="Delays of the replayed back end: ideal, fast, typical or slow.")
    ] = None,
    stt_noise: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of the user's words that the back end hears wrong.")
    ] = None,
    languages: Annotated[str | None, typer.Option(help="Languages to keep, as in en or en,fr.")] = None,
    max_variants: Annotated[int | None, typer.Option(help="Most variants of a question for --target.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every draw.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Folder of the paid answers, outside OUT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Parts in work at once; a core each by default.")] = None,
    runner: Annotated[
        str | None, typer.Option(help="Where parts are made: local, or the workers of a cluster: dask, ray.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="The cluster: tcp://HOST:8786 (Dask), HOST:6379 or ray://HOST:10001 (Ray).")
    ] = None,
    debug: Debug = False,
) -> None:
    """The flags of every command that takes settings; a name here is the name in the settings tree."""


def settings_of(config: str | None, flags: dict[str, Any]) -> "Settings":
    """The settings that the flags of `_flags` ask for, with a `--config`. Raises UsageError as `load_settings` does."""
    from pipeline.settings_file import load_settings

    given = dict(flags)
    if (llm := given.pop("llm", None)) is not None:
        given = {"writer": llm, "simulator": llm} | given
    for branch, name, flag in BRANCHES:
        if flag in given:
            room, *rooms = branch.split(".")
            leaves = given.setdefault(f"{room}.", {})
            for inner in rooms:
                leaves = leaves.setdefault(inner, {})
            leaves[name] = given.pop(flag)
    return load_settings(config, {name.removesuffix("."): value for name, value in given.items()})


def flag_parameters() -> list[inspect.Parameter]:
    """The flags of every command that takes settings: names, types, and their help as the option's of typer."""
    return list(inspect.signature(_flags).parameters.values())


def takes_settings(
    command: Callable[["Settings"], None],
    *,
    own: Callable[..., None] | None = None,
    without: Collection[str] = (),
    rename: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Callable[..., None]:
    """Give a command of settings all of `_flags` but those `without`, behind flags of its `own`, which `rename` turns
    into settings."""

    def settle(config: str | None, flags: dict[str, Any]) -> None:
        command(settings_of(config, rename(flags)))

    return takes_flags(settle, command, own=(own,) if own else (), without=without)


def takes_flags(
    call: Callable[[str | None, dict[str, Any]], None],
    named: Callable[..., None],
    *,
    own: Collection[Callable[..., None]] = (),
    without: Collection[str] = (),
) -> Callable[..., None]:
    """The command of the name and help of `named`: `call` gets its `--config` and whatever flags are given, of all of
    `_flags` but those `without`, and of its `own`."""

    def wrapped(config: str | None, debug: bool, **flags: Any) -> None:
        call(config, {name: value for name, value in flags.items() if value is not None})

    ahead = [p for flags in own for p in inspect.signature(flags).parameters.values()]
    behind = [p for p in flag_parameters() if p.name not in without]
    wrapped.__name__, wrapped.__doc__ = named.__name__, named.__doc__
    wrapped.__annotations__ = {p.name: p.annotation for p in (*ahead, *behind)}
    wrapped.__signature__ = inspect.Signature(sorted((*ahead, *behind), key=_has_default))  # type: ignore[attr-defined]
    return wrapped


def _has_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty
