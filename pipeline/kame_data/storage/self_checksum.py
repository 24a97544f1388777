"""The checksum that a JSON file holds of its own content, which tells whether the file is as it was written."""

import json
from hashlib import sha256
from typing import Any


def summed(content: dict[str, Any], name: str) -> dict[str, Any]:
    """The content of a JSON file, with the SHA-256 of the rest added as its last field, `name`."""
    rest = {key: value for key, value in content.items() if key != name}
    return rest | {name: sha256(json.dumps(rest, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()}


def as_written(content: dict[str, Any], name: str) -> bool:
    """True where the content of a file is what was written, and where it has no checksum, as in files of an earlier
    version."""
    return content.get(name) in (None, summed(content, name)[name])
