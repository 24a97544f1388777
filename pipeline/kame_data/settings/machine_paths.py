"""Paths of this machine in settings: named from the root, and left out of what others may see."""

import re
from pathlib import Path
from typing import Any

# From the root, from home, from a folder of Windows or above; also behind a spec's colon (coqui:/models/mine).
_PLACE = re.compile(r"(?:(?<=^)|(?<=[:=]))(?:/(?!/)|~|[A-Za-z]:\\|\.\.?/)[^\n]*?([^/\\\n]+)[/\\]?$")


def without_machine_paths(value: Any) -> Any:
    """The value with the last part alone of every path in it that leads somewhere on this machine."""
    if isinstance(value, dict):
        return {name: without_machine_paths(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_machine_paths(inner) for inner in value]
    return _PLACE.sub(r"\1", value) if isinstance(value, str) else value


def absolute(path: str | Path) -> str:
    """The path from the root."""
    return str(Path(path).expanduser().resolve())


def location_from_root(location: str) -> str:
    """The location of rows, from the root where it is an existing file or folder."""
    return absolute(location) if location and Path(location).expanduser().exists() else location


def spec_from_root(spec: str) -> str:
    """A spec, such as a voice's, in which an existing file or folder is named from the root."""
    kind, colon, name = spec.rpartition(":")
    return f"{kind}{colon}{location_from_root(name)}"
