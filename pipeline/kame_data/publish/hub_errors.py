"""The Hub's answers as one line each, and which of them are worth another try; the token, which is never shown.

`huggingface_hub` 0.36 speaks through requests, 1 and 2 through httpx: errors are known here by what they say, not by
their class.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kame_data.errors import KameError, UsageError

Kind = Literal["dataset", "model"]
AGAIN = "the same command goes on from what is there"
_PREFIX = re.compile(r"(?:https?://[^/]+/)?(?:datasets|models|spaces)/(?=[^/]+/[^/]+/?$)|https?://[^/]+/")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
# Classes of errors that carry no answer of the Hub: the connection failed, or broke.
_BROKEN = {"ConnectionError", "Timeout", "TransportError", "ChunkedEncodingError", "RemoteProtocolError"}
_BAD_ADDRESS = {"InvalidSchema", "MissingSchema", "InvalidURL", "UnsupportedProtocol", "LocationParseError"}
_FINAL = _BAD_ADDRESS | {"OfflineModeIsEnabled"}
_WORTH = {408, 409, 412, 429, 500, 502, 503, 504}
LONGEST_WAIT = 120.0
"""Seconds that the Hub may ask us to wait; more is for the user to decide."""


@dataclass(frozen=True)
class Target:
    """A repository on the Hub: its kind, and its name as ORG/NAME."""

    kind: Kind
    name: str

    @classmethod
    def of(cls, kind: Kind, name: str) -> "Target":
        """Raises UsageError, with what to write instead, for what is no name of a repository."""
        if prefix := _PREFIX.match(name):
            what = "a build is published as a data set" if kind == "dataset" else "a run is published as a model"
            raise UsageError(f"--repo {name}: write ORG/NAME alone, without '{prefix[0]}'; {what}")
        parts = name.split("/")
        if len(parts) != 2:
            raise UsageError(f"--repo {name}: write ORG/NAME, whose it is and what it is called")
        for bad in (p for p in parts if not _NAME.fullmatch(p) or len(p) > 96 or "--" in p or ".." in p):
            raise UsageError(
                f"--repo {name}: '{bad}' is no name on the Hub; use letters, digits, '-', '_' and '.', no two of "
                "'-' or '.' in a row, none at the ends, 96 at most"
            )
        if name.endswith(".git"):
            raise UsageError(f"--repo {name}: a name does not end in .git; write {name.removesuffix('.git')}")
        return cls(kind, name)

    @property
    def url(self) -> str:
        """Its address for a browser."""
        from huggingface_hub import constants

        return f"{_without_user(constants.ENDPOINT)}/{'datasets/' if self.kind == 'dataset' else ''}{self.name}"


def _without_user(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def token_of() -> str:
    """The token of the environment or of the Hub's own login. Raises UsageError where there is none that can be one."""
    from huggingface_hub import get_token

    token = get_token()
    if not token:
        raise UsageError(
            "no token for the Hub: set HF_TOKEN to one that may write, or log in with `hf auth login`; --dry-run DIR "
            "needs none"
        )
    # What else it holds would show in the errors of whatever sends it.
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        where = "HF_TOKEN" if os.environ.get("HF_TOKEN") else "the token of the Hub's login"
        raise UsageError(f"{where}: holds characters that no token has (not shown here); copy it anew")
    return token


def wait_for(error: BaseException, attempt: int) -> float | None:
    """Seconds to wait before another try (`attempt` counts from 1); None where there is no use in one."""
    for cause in _chain(error):
        if _names(cause) & _FINAL:
            return None
        status = _status(cause)
        if status is not None:
            asked = _asked_to_wait(cause)
            if status not in _WORTH or (asked or 0) > LONGEST_WAIT:
                return None
            return asked if asked is not None else 2.0 ** (attempt - 1)
    return 2.0 ** (attempt - 1) if _broken(error) else None


def explain(error: BaseException, target: Target, token: str, doing: str) -> KameError | None:
    """The error as a line for a person; None where it is no word of the Hub or of the network."""
    line = _line(error, target, doing)
    return line and type(line)(str(line).replace(token, "(token)") if token else str(line))


def _line(error: BaseException, target: Target, doing: str) -> KameError | None:
    at = f"{target.url}: {doing}"
    if any("OfflineModeIsEnabled" in _names(cause) for cause in _chain(error)):
        return UsageError(f"{at}: HF_HUB_OFFLINE is set; unset it to publish, or use --dry-run DIR")
    if any(_names(cause) & _BAD_ADDRESS for cause in _chain(error)):
        return UsageError("HF_ENDPOINT: is no address; unset it for the Hub itself, or write it as https://HOST")
    for cause in _chain(error):
        status = _status(cause)
        if status is not None:
            return KameError(f"{at}: {_of_status(status, cause, target)}{_said(cause)}")
    if _broken(error):
        return KameError(f"{at}: the Hub cannot be reached, or the connection broke; check the network, {AGAIN}")
    if isinstance(error, ValueError | RuntimeError) and _of_the_client(error):
        return KameError(f"{at}: {' '.join(str(error).split())[:300]}; mend that, {AGAIN}")
    return None


def _of_status(status: int, cause: BaseException, target: Target) -> str:
    kind = "data set" if target.kind == "dataset" else target.kind
    owner = target.name.partition("/")[0]
    if status == 401:
        return "the Hub does not know this token (401); set HF_TOKEN to a valid one, or `hf auth login`"
    if status == 403:
        return f"this token may not write there (403); use one with write access to {owner}, or another --repo"
    if status == 404:
        return (
            f"there is no {kind} {target.name}, or not for this token (404); check --repo, and that {owner} is yours "
            "or your organization's"
        )
    if status in (409, 412):
        return f"somebody else changes it at the same time ({status}); wait for that, {AGAIN}"
    if status == 413:
        return "the Hub takes no upload of this size (413); build again with fewer rows a shard (shards.rows)"
    if status == 429:
        asked = _asked_to_wait(cause)
        wait = f"wait {asked:.0f} s" if asked else "wait a while"
        return f"the Hub wants fewer requests (429); {wait}, {AGAIN}"
    if status >= 500:
        return f"the Hub is in trouble ({status}); try again later, {AGAIN}"
    return f"the Hub refuses it ({status}); mend what it says, {AGAIN}"


def _said(cause: BaseException) -> str:
    message = getattr(cause, "server_message", None)
    return f" [it says: {' '.join(str(message).split())[:200]}]" if message else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _asked_to_wait(error: BaseException) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = str(headers.get("Retry-After", ""))
    return float(value) if re.fullmatch(r"\d{1,6}", value) else None


def _broken(error: BaseException) -> bool:
    return any(_names(cause) & _BROKEN for cause in _chain(error))


def _of_the_client(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace else ""
    return module.partition(".")[0] in ("huggingface_hub", "hf_xet")
