"""The files of an upload, one by one, and the limits that the Hub sets to them."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kame_data import __version__
from kame_data.errors import KameError
from kame_data.storage.files import checksum

LISTING = "kame-data.json"
"""Listing of what was published: every other file with its checksum. A repository that has it is one of ours."""
CARD = "README.md"

# https://huggingface.co/docs/hub/storage-limits: recommended, but for the files of a folder, which is a limit.
FILE_BYTES = 200 * 10**9
FOLDER_FILES = 10_000
COMMIT_FILES = 100


@dataclass(frozen=True, slots=True)
class File:
    """A file to be uploaded: its path in the repository, and where its content is."""

    path: str
    source: Path | bytes
    size: int
    sha256: str

    @classmethod
    def of(cls, path: str, source: Path | bytes, sha256: str = "") -> "File":
        """A file on disk, or its bytes; `sha256` where it is known already."""
        if isinstance(source, bytes):
            return cls(path, source, len(source), hashlib.sha256(source).hexdigest())
        return cls(path, source, source.stat().st_size, sha256 or checksum(source))

    def content(self) -> bytes:
        """All of it; for small files."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    def git_id(self) -> str:
        """Its id as a blob of git."""
        data = self.content()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def with_listing(kind: str, files: Sequence[File], about: dict[str, Any]) -> list[File]:
    """The files and their listing; `kind` is dataset or model, `about` what else the listing says.

    Raises KameError where the Hub would not have them.
    """
    check_limits(files)
    listing = {
        "kame_data": __version__,
        "kind": kind,
        **about,
        "files": {file.path: {"bytes": file.size, "sha256": file.sha256} for file in files},
    }
    data = (json.dumps(listing, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    return [*files, File.of(LISTING, data)]


def listed_paths(data: bytes, kind: str) -> list[str] | None:
    """The paths that a listing names; None where it is no listing of this kind."""
    try:
        found = json.loads(data)
        return [*map(str, found["files"])] if found["kind"] == kind else None
    except (ValueError, KeyError, TypeError):
        return None


def listed_files(data: bytes) -> dict[str, dict[str, Any]]:
    """The facts of each file in a listing, by its path; empty where it is no listing."""
    try:
        return {str(path): dict(entry) for path, entry in json.loads(data)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def digest_of(files: Iterable[File]) -> str:
    """A short digest of what is uploaded."""
    lines = sorted(f"{file.sha256} {file.path}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def check_limits(files: Sequence[File]) -> None:
    """Raise KameError for a file or a folder that is larger than the Hub wants it."""
    for file in files:
        if file.size > FILE_BYTES:
            raise KameError(
                f"{file.path}: has {file.size / 1e9:.0f} GB, the Hub wants {FILE_BYTES / 1e9:.0f} GB at most; "
                "build again with fewer rows a shard (shards.rows)"
            )
    for folder, count in Counter(file.path.rpartition("/")[0] for file in files).items():
        if count > FOLDER_FILES:
            raise KameError(
                f"{folder}: would have {count} files, and the Hub has at most {FOLDER_FILES} in a folder; build again "
                "with more rows a shard (shards.rows)"
            )
