"""Object stores: their URLs, fsspec's filesystems, and what they say when something goes wrong.

No listing is cached, for another machine may write at the same time. Every error of a store becomes a
`StorageError` of one line. Only a missing file stays a FileNotFoundError, as with `Path`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from kame_data.errors import KameError, UsageError

PARTS_AT_ONCE = 4
"""Parts of one upload that are sent at the same time; an upload holds so many parts in memory."""
TRIES = 6
"""Number of times that botocore sends a request, a 503 and a broken connection alike, over some 15 s;
AWS_MAX_ATTEMPTS says otherwise."""
AGAIN = 2
"""Number of times that s3fs lets it do so, which also sees to answers that break off; its
own 5 would make 125 tries of a read."""
EXTRAS = {"s3": "kame-data[s3]", "s3a": "kame-data[s3]", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
STORES = {"botocore", "aiobotocore", "aiohttp", "s3fs", "gcsfs", "google", "azure", "adlfs", "fsspec", "requests"}
"""Packages whose exceptions are a store's; some of them are no OSError."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_LOGIN = re.compile(r"[^@/]*:[^@]*@")  # a secret key may have slashes
_filesystems: dict[tuple[str, int], Any] = {}
_lock = Lock()


class StorageError(KameError):
    """An object store refuses or fails. The message holds the URL, what the store said, and the way out."""


def redacted(text: str) -> str:
    """The text without the credentials that a URL in it may hold: user, password and query."""
    bare = re.sub(r"://([^/\s@]*|[^\s@:]*:[^\s@]*)@", "://...@", text)
    return re.sub(r"(://[^\s?\"']*)\?[^\s\"']*", r"\1?...", bare)


def check_url(text: str) -> None:
    """Raise UsageError for a URL that holds credentials or is not the URL of a store."""
    if "::" in text and "://" in text:
        raise UsageError(f"{redacted(text)}: is a chain of file systems; give a plain URL, as in s3://bucket/folder")
    scheme, rest = split_url(text)
    if scheme and ("@" in rest.partition("/")[0] or _LOGIN.match(rest) or "?" in rest):
        raise UsageError(
            f"{redacted(text)}: credentials do not belong into a URL; set them in the environment (docs/STORAGE.md)"
        )


def split_url(text: str) -> tuple[str, str]:
    """Scheme and rest of a URL; no scheme for a path. `s3:/bucket`, what a path makes of a URL, is none either."""
    found = _SCHEME.fullmatch(text)
    return (found[1].lower(), found[2]) if found else ("", text)


def _options(scheme: str) -> dict[str, Any]:
    """The options to open a filesystem with, laid over fsspec's own configuration."""
    options: dict[str, Any] = {"use_listings_cache": False}
    if scheme in ("s3", "s3a"):
        from fsspec.config import conf

        own = conf.get(scheme, {}).get("config_kwargs", {})
        retries: dict[str, Any] = {"mode": os.environ.get("AWS_RETRY_MODE", "standard")}
        if "AWS_MAX_ATTEMPTS" not in os.environ:
            retries["total_max_attempts"] = TRIES
        options |= {"config_kwargs": {"retries": retries} | own, "max_concurrency": PARTS_AT_ONCE}
    return options


def filesystem(scheme: str) -> Any:
    """The fsspec filesystem of a scheme, one for each process. Raises UsageError where there is none."""
    key = (scheme, os.getpid())
    with _lock:
        if key not in _filesystems:
            import fsspec

            try:
                opened = _filesystems[key] = fsspec.filesystem(scheme, **_options(scheme))
                if scheme in ("s3", "s3a"):
                    opened.retries = AGAIN
            except ImportError:
                package = EXTRAS.get(scheme, "fsspec's package for it")
                raise UsageError(f"{scheme}://: its package is missing; pip install '{package}'") from None
            except ValueError as error:
                raise UsageError(f"{scheme}://: {redacted(str(error))}; s3://bucket/folder is a URL, say") from None
        return _filesystems[key]


def _of_a_store(error: Exception) -> bool:
    where = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError | TimeoutError | NotImplementedError) or bool(where & STORES)


def way_out(error: Exception) -> str:
    """The advice for a person on an error of a store."""
    name = type(error).__name__
    if isinstance(error, PermissionError) or "Credentials" in name or "Forbidden" in name or "Token" in str(error):
        return "set credentials that may do this in the environment (docs/STORAGE.md)"
    if "Endpoint" in name or "Connect" in name:
        return "see to the network, and to AWS_ENDPOINT_URL where it is no AWS, and give the same command again"
    return "give the same command again; it goes on from what is done"


@contextmanager
def said(url: str) -> Iterator[None]:
    """Turn what a store raises about `url` into a StorageError. Errors that say "not there" or "there already" pass."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, KameError):
        raise
    except Exception as error:
        if not _of_a_store(error):
            raise
        reason = " ".join(redacted(getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
        raise StorageError(f"{url}: {reason[:200].rstrip('. ')}; {way_out(error)}") from error


@contextmanager
def written(url: str) -> Iterator[None]:
    """`said` for a block that writes: there "not found" means the bucket, and becomes a StorageError too."""
    try:
        with said(url):
            yield
    except FileNotFoundError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise StorageError(f"{url}: cannot be written ({reason}); make the bucket first, or name another") from error
