"""The path of what the user gave: `path_of` makes a `LocalPath` or a `RemotePath` of it."""

from pathlib import Path

from kame_data.errors import UsageError
from kame_data.storage.any_path import AnyPath
from kame_data.storage.local import LocalPath
from kame_data.storage.remote import RemotePath
from kame_data.storage.stores import EXTRAS, check_url, split_url

__all__ = ["AnyPath", "path_of"]


def path_of(text: str | Path | AnyPath) -> AnyPath:
    """A path of what the user gave: a URL of fsspec or a path of this machine. Raises UsageError for a bad URL."""
    if isinstance(text, AnyPath):
        return text
    if isinstance(text, Path):
        return LocalPath(text)
    check_url(text)
    scheme, rest = split_url(text)
    if not scheme:
        return LocalPath(text)
    if scheme in ("file", "local"):
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise UsageError(f"{text}: names a host; give file:///folder or a plain path")
        return LocalPath(slash + path)
    names = [name for name in rest.split("/") if name]
    if not names or (rest.startswith("/") and scheme in EXTRAS):
        raise UsageError(f"{text}: names no bucket; give {scheme}://bucket/folder")
    if ".." in names or "." in names:
        raise UsageError(f"{text}: an object store knows no '.' or '..'; write the names out")
    remote = RemotePath(f"{scheme}://{'/'.join(names)}")
    _ = remote.fs  # a scheme that is not known, or a package that is missing, is said now
    return remote
