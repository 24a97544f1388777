"""Settings from their four places: defaults, a YAML file, the environment, the command line; the later wins."""

from collections.abc import Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kame_data.errors import UsageError
from kame_data.resources import bundled
from kame_data.settings.branch import Tree
from kame_data.settings.declared import at, check_known, flagged, settings_in
from kame_data.settings.tree import Settings

T = TypeVar("T", bound=Tree)


def shipped_path(name: str, folder: str | None, given_as: str) -> Path:
    """A YAML file by its path, or a shipped one (in `folder`) by its name; `given_as` is what stood before it."""
    path = Path(name)
    if path.is_file():
        return path
    if folder is None:
        raise UsageError(f"{given_as}{name}: no such file")
    shipped = bundled(folder) / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    known = ", ".join(sorted(p.stem for p in bundled(folder).glob("*.yaml")))
    kind = folder.split("/")[1].removesuffix("s")
    raise UsageError(f"{given_as}{name}: no such file, and no shipped {kind} of that name ({known})")


def load(tree: type[T], config: str | None, flags: dict[str, Any], sets: Sequence[str] = ()) -> T:
    """The settings of a command: its `--config`, its flags by name, and its `--set` in the order given.

    Raises UsageError, one line, for whatever is wrong with them, and where a flag and a `--set` contradict each other.
    """
    file = shipped_path(config, tree.recipes, "--config ") if config else None
    settings = layered(tree, file, from_command_line(tree, flags, sets))
    _check_agreement(tree, file, settings, flags, sets)
    return settings


def _check_agreement(tree: type[T], file: Path | None, settings: T, flags: dict[str, Any], sets: Sequence[str]) -> None:
    """Raise UsageError where a `--set` gives a setting another value than its flag does."""
    by_set = from_command_line(tree, {}, sets)
    for setting in (s for s in settings_in(tree) if s.flag and s.name in flags):
        try:
            said = reduce(getitem, setting.path.split("."), by_set)
        except (KeyError, TypeError):  # no --set gives it
            continue
        try:
            other = layered(tree, file, from_command_line(tree, flags | {setting.name: said}, sets))
        except UsageError:
            other = None
        if other is None or at(other, setting.path) != at(settings, setting.path):
            given = f"{setting.flag and setting.flag.name} {flags[setting.name]}"
            raise UsageError(f"{given}: --set {setting.path}={said} says otherwise; give one of the two")


def from_command_line(tree: type[Tree], flags: dict[str, Any], sets: Sequence[str] = ()) -> dict[str, Any]:
    """Flags by name and `--set` as one nested mapping. Of two `--set` of a setting the later wins.

    `llm` is short for writer and simulator, which go before it. Raises UsageError for an unknown name.
    """
    found: dict[str, Any] = {}
    for text in sets:
        path, value = parsed_set(tree, text)
        put(found, path, value)
    given = dict(flags)
    short = given.pop("llm", None)
    paths = {setting.name: setting.path for setting in settings_in(tree) if setting.flag}
    for name, value in given.items():
        put(found, paths[name], value)
    if short is not None:
        found = {"writer": short, "simulator": short} | found
    return found


def parsed_set(tree: type[Tree] | None, text: str) -> tuple[str, Any]:
    """The dotted path and the value of `NAME=VALUE`. Raises UsageError for what is none, or a name that the tree, if
    one is given, does not know."""
    path, equals, value = text.partition("=")
    if not equals or not all(path.split(".")):
        raise UsageError(f"--set {text}: write NAME=VALUE" + (f", as in {tree.example}" if tree is not None else ""))
    if tree is not None:
        check_known(tree, path, f"--set {text}")
    try:
        return path, yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"--set {text}: '{value}' is no value in YAML; quote what is a text") from None


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at its dotted path. Raises UsageError where something on the way is no mapping."""
    *branches, leaf = path.split(".")
    for branch in branches:
        tree = tree.setdefault(branch, {})
        if not isinstance(tree, dict):
            raise UsageError(f"{path} {value}: {branch} was set to {tree} as a whole; set what is in it, one by one")
    tree[leaf] = value


def layered(tree: type[T], file: Path | None, given: dict[str, Any]) -> T:
    """The settings of a tree: a YAML file over its defaults, the environment over that, what is given over all.

    Raises UsageError, one line, for whatever is wrong with them.
    """
    of_file = _read(file) if file else {}

    class Layered(tree, BaseSettings):  # type: ignore[valid-type, misc]
        model_config = SettingsConfigDict(
            env_prefix=tree.environment, env_nested_delimiter="__", enable_decoding=False, extra="forbid", frozen=True
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            shared = _OfBuilds(settings_cls, env_prefix=Settings.environment)
            return init_settings, env_settings, shared, InitSettingsSource(settings_cls, of_file)

    try:
        return tree.model_validate(Layered(**given).model_dump(exclude_unset=True))
    except ValidationError as error:
        raise UsageError(_line(tree, error)) from None


def _read(file: Path) -> dict[str, Any]:
    """The names and values in a YAML file. Raises UsageError where it is none of settings."""
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {file}: is no YAML of settings ({' '.join(str(error).split())})") from None
    if not isinstance(found or {}, dict) or not all(isinstance(name, str) for name in found or {}):
        raise UsageError(f"--config {file}: is no YAML of settings (it holds no names with values)")
    return found or {}


class _OfBuilds(EnvSettingsSource):
    """The environment variables of a build, for the settings that a command shares with it."""

    def __call__(self) -> dict[str, Any]:
        shared = getattr(self.settings_cls, "of_builds", ())
        return {name: value for name, value in super().__call__().items() if name in shared}


def _line(tree: type[Tree], error: ValidationError) -> str:
    """The first thing that is wrong, in one line: the setting, its value, and why."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:  # of several settings together: the message names them, and the input is the whole tree
        return message
    path = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        flag = next((s.flag.name for s in flagged(tree) if s.path == path and s.flag), "")
        return f"{flag}: is missing; give it" if flag else f"{path}: {message}"
    return f"{path} {first.get('input')!r}: {message}"
