"""The flags of the commands, made of the settings that they take; each setting is declared in `kame_data.settings`."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kame_data.errors import UsageError
from kame_data.resources import bundled
from kame_data.settings.branch import Tree
from kame_data.settings.declared import Setting, flagged
from kame_data.settings.tree import LLM_HELP
from kame_data.storage.local import LocalPath
from kame_data.storage.paths import path_of

if TYPE_CHECKING:
    from kame_data.storage.paths import AnyPath

    BuildFolder = AnyPath
    FirstFolder = AnyPath
    SecondFolder = AnyPath
else:  # no type of typer's, but parsed by ours

    def _folder(name: str, help_: str) -> Any:
        return Annotated[Any, typer.Argument(metavar=name, parser=path_of, help=help_)]

    BuildFolder = _folder("OUT", "Folder of a build, or its URL: s3://bucket/folder.")
    FirstFolder = _folder("OUT1", "Folder or URL of a build.")
    SecondFolder = _folder("OUT2", "Folder or URL of another one.")

OUT = LocalPath("out")
"""The folder of a build unless another is given."""
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object; docs/CLI.md says what is in it.")]

Resolve = Callable[[type[Any], str | None, dict[str, Any], tuple[str, ...]], Any]
"""Makes a command's settings of its tree, its `--config`, the flags that were given, and its `--set`."""


def _load(tree: type[Tree], config: str | None, flags: dict[str, Any], sets: tuple[str, ...]) -> Tree:
    from kame_data.settings.layers import load

    return load(tree, config, flags, sets)


def takes(
    tree: type[Tree], *, resolve: Resolve = _load, also: Callable[..., dict[str, Any]] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command that takes settings: its parameter `settings` becomes the flags of the tree, `--config`,
    `--set` and `--debug`; its other parameters stay as they are. `also` gives the settings that follow from those
    parameters, which no `--set` may give then."""

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]

        def wrapped(config: str | None, set: list[str] | None, debug: bool, **values: Any) -> None:
            mine = {p.name: values.pop(p.name) for p in own}
            given = {name: value for name, value in values.items() if value is not None and value != []}
            fixed = also(**mine) if also else {}
            if fixed_too := [text for text in set or () if text.partition("=")[0] in fixed]:
                raise UsageError(f"--set {fixed_too[0]}: `kame-data {name}` sets that itself; leave it out")
            command(settings=resolve(tree, config, given | fixed, tuple(set or ())), **mine)

        name = command.__name__.strip("_")
        kept = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        parameters = [*kept, *_parameters(tree, name)]
        parameters.sort(key=lambda p: p.name == "json")
        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return wrapped

    return wrap


def _parameters(tree: type[Tree], command: str) -> list[inspect.Parameter]:
    """The parameters of the flags of a tree, as typer reads them; None stands for what was not given."""
    found = [_parameter(setting, command) for setting in flagged(tree, command)]
    if "simulator" in tree.model_fields:
        found.append(_option("llm", str | None, typer.Option("--llm", help=escape(LLM_HELP))))
    shipped = sorted(path.stem for path in bundled(tree.recipes).glob("*.yaml")) if tree.recipes else []
    config = "YAML file of settings" + (f", or a shipped recipe: {', '.join(shipped)}." if shipped else ".")
    set_ = f"Any setting by its name, as in {tree.example}; repeatable."
    return [
        *found,
        _option("config", str | None, typer.Option("--config", metavar="FILE", help=config)),
        _option("set", list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=set_)),
        _option("debug", Debug, None, False),
    ]


def _option(name: str, kind: Any, option: Any, default: Any = None) -> inspect.Parameter:
    annotation = kind if option is None else Annotated[kind, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _parameter(setting: Setting, command: str) -> inspect.Parameter:
    flag = setting.flag
    assert flag is not None
    kinds = setting.types
    kind: Any = next((k for k in (bool, int, float, Path) if k in kinds), str)
    if flag.many:
        kind = list[str]
    default = setting.default
    shown = str(default) if isinstance(default, str | int | float | Path) and not isinstance(default, bool) else False
    options: dict[str, Any] = {"metavar": flag.metavar, "help": escape(setting.help), "show_default": shown}
    if not flag.name.startswith("-"):
        return _option(setting.name, kind | None, typer.Argument(**options | {"metavar": flag.name}))
    return _option(setting.name, kind | None, typer.Option(flag.name, **options))
