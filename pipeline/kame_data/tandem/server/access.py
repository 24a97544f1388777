"""The rules of admittance: by a token, by where a web page comes from, and by the name that this server is called by.

The token is a secret of the environment. A client shows it as a bearer, as the password of an address
(`ws://user:TOKEN@host`), as `?token=` or Moshi's `?worker_auth_id=`, or among the websocket's subprotocols: as OpenAI's
browser clients do (`openai-insecure-api-key.TOKEN`), or `token.` and its base64url without padding.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from kame_data.errors import UsageError
from kame_data.settings.server import TOKEN_VARIABLE

SHORTEST_TOKEN = 16
OPENAI_PREFIX, OWN_PREFIX = "openai-insecure-api-key.", "token."


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_of(host: str, environment: Mapping[str, str]) -> str | None:
    """The token of the environment, None where none is set and `host` needs none.

    Raises UsageError where one is needed, or is too short to be a secret.
    """
    token = environment.get(TOKEN_VARIABLE, "").strip()
    if not token and not is_loopback(host):
        raise UsageError(
            f"--host {host}: others than this machine reach it; set {TOKEN_VARIABLE} to a secret that clients show, "
            "or leave --host out"
        )
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise UsageError(f"{TOKEN_VARIABLE}: is no secret; set {SHORTEST_TOKEN} ASCII characters or more, no spaces")
    return token or None


@dataclass(frozen=True, slots=True)
class Refused:
    """The reason for which a connection is not let in: an HTTP status and a line."""

    status: int
    reason: str


class Access:
    """The check of connections. `token` None lets in everybody who comes from this machine."""

    def __init__(self, token: str | None, origins: Sequence[str] = ()) -> None:
        self._token = token.encode() if token is not None else None
        self._origins = {_origin(origin) for origin in origins}

    def check(self, connection: HTTPConnection) -> Refused | None:
        """The reason to refuse a connection, None where it is let in."""
        return self.check_host(connection) or self._foreign(connection) or self.check_token(connection)

    def check_host(self, connection: HTTPConnection) -> Refused | None:
        """The same by the name that this server is called by: a page of another site may have given its own name this
        machine's address. Whoever shows a token is no such page."""
        host = connection.headers.get("host", "").lower()
        named = any(origin.partition("://")[2] == host for origin in self._origins)
        if self._token is not None or named or is_loopback(_hostname(host)):
            return None
        return Refused(403, "this server is called by another name than its own; name that page with --origin")

    def check_token(self, connection: HTTPConnection) -> Refused | None:
        """The same by the token alone."""
        if self._token is None:
            return None
        shown = [hmac.compare_digest(token.encode(), self._token) for token in _shown(connection)]
        return None if any(shown) else Refused(401, f"show the token of this server ({TOKEN_VARIABLE})")

    def _foreign(self, connection: HTTPConnection) -> Refused | None:
        """A page of another site must not come in through its visitor's browser."""
        origin = connection.headers.get("origin")
        host = connection.headers.get("host", "").lower()
        if origin is None or _origin(origin) in self._origins or _origin(origin).partition("://")[2] == host:
            return None
        return Refused(403, "pages of this origin are not let in; name it with --origin")


def spoken_protocol(connection: HTTPConnection) -> str | None:
    """The subprotocol to confirm: the first that is no token, None where none is offered."""
    offered: list[str] = connection.scope.get("subprotocols", [])
    return next((name for name in offered if not name.startswith((OPENAI_PREFIX, OWN_PREFIX))), None)


def _shown(connection: HTTPConnection) -> Iterator[str]:
    scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield credentials.strip()
    elif scheme.lower() == "basic":
        yield _decoded(credentials).partition(":")[2]
    for name in ("token", "worker_auth_id"):
        if (token := connection.query_params.get(name)) is not None:
            yield token
    for name in connection.scope.get("subprotocols", []):
        if name.startswith(OPENAI_PREFIX):
            yield name.removeprefix(OPENAI_PREFIX)
        elif name.startswith(OWN_PREFIX):
            yield _decoded(name.removeprefix(OWN_PREFIX))


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return ""


def _origin(text: str) -> str:
    """The origin in lower case, without a path."""
    return text.strip().rstrip("/").lower()


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
