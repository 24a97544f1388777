"""The settings that a tree declares, by their dotted paths, with their flags: what flags and forms are made from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kame_data.errors import UsageError
from kame_data.settings.branch import Branch, Distribution, Flag

SHOWN = 3
"""The most names that are suggested for an unknown one."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a tree: its dotted path, its declaration, and its flag if it has one."""

    path: str
    field: FieldInfo
    flag: Flag | None

    @property
    def name(self) -> str:
        """The name in a form, and of the function's parameter that takes the flag."""
        if "." not in self.path or self.flag is None:
            return self.path
        return self.flag.name.split("/")[0].removeprefix("--").replace("-", "_")

    @property
    def help(self) -> str:
        """The explanation, as a sentence."""
        return self.field.description or ""

    @property
    def types(self) -> list[Any]:
        """The types of its values, without bounds and without None."""
        return [kind for kind in _types(self.field.annotation) if kind is not type(None)]

    @property
    def default(self) -> Any:
        """The default; None where it has none."""
        return None if self.field.is_required() else self.field.get_default(call_default_factory=True)


def _types(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        yield from _types(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for inner in get_args(kind):
            yield from _types(inner)
    else:
        yield kind


def settings_in(tree: type[BaseModel], above: str = "") -> Iterator[Setting]:
    """All settings of a tree, branches too, in the order in which they are declared."""
    for name, field in tree.model_fields.items():
        path = f"{above}{name}"
        yield Setting(path, field, next((mark for mark in field.metadata if isinstance(mark, Flag)), None))
        for kind in _types(field.annotation):
            if isinstance(kind, type) and issubclass(kind, Branch):
                yield from settings_in(kind, f"{path}.")


def flagged(tree: type[BaseModel], command: str = "") -> Iterator[Setting]:
    """The settings of a tree that have a flag in a command."""
    for setting in settings_in(tree):
        if (flag := setting.flag) and flag.only in ("", command) and command not in flag.never:
            yield setting


def check_known(tree: type[BaseModel], path: str, given_as: str) -> None:
    """Raise UsageError for a path that the tree has no setting at; it names the nearest that there are."""
    known = [setting.path for setting in settings_in(tree)]
    if path in known:
        return
    leaf = path.rpartition(".")[2]
    near = [name for name in known if name.rpartition(".")[2] == leaf and not _drawn(tree, name)]
    near += [name for name in get_close_matches(path, known, SHOWN) if name not in near]
    hint = f"; the nearest: {', '.join(near[:SHOWN])}" if near else ""
    raise UsageError(f"{given_as}: there is no setting {path}{hint}")


def _drawn(tree: type[BaseModel], path: str) -> bool:
    """Tell whether the path is of a number within a distribution."""
    above = path.rpartition(".")[0]
    return any(s.path == above and Distribution in s.types for s in settings_in(tree))


def plain(kind: Any) -> bool:
    """Tell whether a form can ask for a type of setting as it is: a choice, a number, yes or no."""
    if get_origin(kind) is Literal:
        return True
    return all(inner in (int, float, bool, type(None)) or get_origin(inner) is Literal for inner in _types(kind))


def at(settings: Branch, path: str) -> Any:
    """The value that the settings have at a dotted path."""
    value: Any = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


def as_given(setting: Setting, value: Any) -> Any:
    """The value of a setting as its flag takes it: a number, yes or no, a text, or a list of texts."""
    if isinstance(value, list | tuple):
        texts = [str(one) for one in value]
        return texts if setting.flag and setting.flag.many else ",".join(texts)
    return value if isinstance(value, int | float) else str(value)


def as_flags(settings: Branch) -> Iterator[str]:
    """The command line that gives the settings which were set; those that have no flag by --set. Positional arguments
    are left out."""
    for setting in settings_in(type(settings)):
        above, _, leaf = setting.path.rpartition(".")
        branch = at(settings, above) if above else settings
        if isinstance(branch, Distribution) or leaf not in branch.model_fields_set:
            continue
        value = getattr(branch, leaf)
        if value is None or (isinstance(value, Branch) and not isinstance(value, Distribution)):
            continue
        yield from _as_flag(setting, value, branch.model_dump(mode="json", include={leaf})[leaf])


def _as_flag(setting: Setting, value: Any, plain_value: Any) -> Iterator[str]:
    if setting.flag is None:
        yield from ("--set", as_set(setting.path, plain_value))
    elif isinstance(value, bool):
        yes, _, no = setting.flag.name.partition("/")
        yield from [yes] if value else [no] if no else []
    elif setting.flag.name.startswith("-"):
        given = as_given(setting, value)
        for one in given if setting.flag.many else [given]:
            yield from (setting.flag.name, str(one))


def as_set(path: str, plain_value: Any) -> str:
    """The text of a `--set` that gives a value, which is as in JSON, to the setting at a path."""
    return f"{path}={json.dumps(plain_value, ensure_ascii=False)}"
