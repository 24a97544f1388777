"""The checksum that a JSON file holds of itself, which tells whether it is as it was written."""

import json
from hashlib import sha256
from typing import Any


def summed(told: dict[str, Any], name: str) -> dict[str, Any]:
    """What a file is to say, with the SHA-256 of that under `name`, last."""
    rest = {key: value for key, value in told.items() if key != name}
    return rest | {name: sha256(json.dumps(rest, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()}


def as_written(told: dict[str, Any], name: str) -> bool:
    """Whether what a file says is what was written; also where it has no checksum, as from an earlier version."""
    return told.get(name) in (None, summed(told, name)[name])
