"""The way to a server: its address, the token, and what went wrong in a line."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from kame_data.errors import KameError, UsageError
from kame_data.settings.server import TOKEN_VARIABLE
from kame_data.settings.talk import TalkSettings

MOST_MESSAGE = 4 * 2**20
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def address(settings: TalkSettings) -> URL:
    """The address of the websocket. Raises UsageError for what is none."""
    try:
        url = URL(settings.url)
        scheme, host = _SCHEMES.get(url.scheme), url.host
    except ValueError:
        scheme = host = None
    if not scheme or not host:
        raise UsageError(f"URL {settings.url}: is no address of a server; give one as in http://127.0.0.1:8998")
    if url.user or url.password or url.query:
        raise UsageError(f"URL {url.host}: holds a user, password or query; the token comes from {TOKEN_VARIABLE}")
    query = {"format": settings.form} | ({"language": settings.language} if settings.language else {})
    return url.with_scheme(scheme).with_path("/ws" if url.path in ("", "/") else url.path).with_query(query)


@asynccontextmanager
async def connected(settings: TalkSettings) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The websocket of a server. Raises KameError where there is none, or it lets nobody in."""
    url = address(settings)
    shown = f"{url.scheme}://{url.authority}{url.path}"
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as http:
        try:
            async with asyncio.timeout(settings.connect):
                socket = await http.ws_connect(url, headers=headers, max_msg_size=MOST_MESSAGE, autoclose=False)
        except aiohttp.WSServerHandshakeError as error:
            raise KameError(f"{shown}: {_refused(error)}") from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise KameError(f"{shown}: its certificate is not trusted ({_short(error)})") from None
        except TimeoutError:
            raise KameError(f"{shown}: did not answer within {settings.connect:g} s; is a server there?") from None
        except (aiohttp.ClientError, OSError) as error:
            raise KameError(f"{shown}: nobody answers there ({_short(error)}); start `kame-data tandem`") from None
        try:
            yield socket
        finally:
            await socket.close()


def message_of(text: str) -> dict[str, Any]:
    """A text message of a server. Raises KameError where it is none of this protocol."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise KameError("the server sends what is none of this protocol; is it `kame-data tandem`, of this version?")
    return message


def _refused(error: aiohttp.WSServerHandshakeError) -> str:
    match error.status:
        case 401:
            return f"wants a token; set {TOKEN_VARIABLE} to the server's"
        case 403:
            return "does not let this client in"
        case 404:
            return "is no tandem; give the address that `kame-data tandem` prints"
        case 503:
            later = error.headers.get("Retry-After", "") if error.headers else ""
            return "is full or closing; try again" + (f" in {later[:6]} s" if later else " later")
    return f"refused the connection with HTTP status {error.status}"


def _short(error: BaseException) -> str:
    """The message of a library, without addresses that the line has already."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return " ".join(str(getattr(cause, "strerror", None) or cause).split())[:120] or type(cause).__name__
