"""Settings as others may see them: without what is of one machine."""

import re
from typing import Any

# From the root, from home, from a folder of Windows or above; also behind a spec's colon (coqui:/models/mine).
_PLACE = re.compile(r"(?:(?<=^)|(?<=[:=]))(?:/(?!/)|~|[A-Za-z]:\\|\.\.?/)[^\n]*?([^/\\\n]+)[/\\]?$")


def without_places(value: Any) -> Any:
    """The value with the last part alone of every path in it that leads somewhere on this machine."""
    if isinstance(value, dict):
        return {name: without_places(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(inner) for inner in value]
    return _PLACE.sub(r"\1", value) if isinstance(value, str) else value
