"""Settings from their four places: defaults, a YAML file, the environment (KAME_DATA_...), flags; the later wins."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.resources import bundled
from pipeline.settings_room import Room

Tree = TypeVar("Tree", bound=Room)


def recipe_path(name: str, folder: str = "data/recipes", given_as: str = "--config ") -> Path:
    """A YAML file by its path, or a shipped recipe (in `folder`) by its name; `given_as` is what stood before it."""
    path = Path(name)
    if path.is_file():
        return path
    shipped = bundled(folder) / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    known = ", ".join(sorted(p.stem for p in bundled(folder).glob("*.yaml")))
    raise UsageError(f"{given_as}{name}: no such file, and no shipped recipe of that name ({known})")


def load_settings(config: str | None, flags: dict[str, Any]) -> Settings:
    """The settings of a build. Raises UsageError, one line, for whatever is wrong with them."""
    return layered(Settings, recipe_path(config) if config else None, flags, "KAME_DATA_")


def layered(tree: type[Tree], file: Path | None, flags: dict[str, Any], prefix: str) -> Tree:
    """The settings of a tree: a YAML file over its defaults, the environment (`prefix`) over that, flags over all.

    Raises UsageError, one line, for whatever is wrong with them.
    """

    class Layered(tree, BaseSettings):  # type: ignore[valid-type, misc]
        model_config = SettingsConfigDict(
            env_prefix=prefix, env_nested_delimiter="__", enable_decoding=False, extra="forbid", frozen=True
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
            layers = (init_settings, env_settings)
            return (*layers, YamlConfigSettingsSource(settings_cls, file)) if file else layers

    try:
        return tree.model_validate(Layered(**flags).model_dump())
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # of several settings together: the message names them, and the input is the whole tree
            raise UsageError(message) from None
        value = "" if first["type"] == "missing" else f" {first.get('input')!r}"
        raise UsageError(f"{'.'.join(map(str, first['loc']))}{value}: {message}") from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise UsageError(f"--config {file}: is no YAML of settings ({' '.join(str(error).split())})") from None
