"""A server at work in this process: its socket, its certificate, its signals, and how it ends."""

import asyncio
import errno
import logging
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from kame_data.errors import KameError, UsageError
from kame_data.settings.server import ServerSettings
from kame_data.tandem.server.app import Server
from kame_data.tandem.server.wire import CLOSING, Allowance, Goodbye, shortened

MORE_CONNECTIONS = 64
"""Connections besides those that talk or wait: pages, figures, clients at the door."""
REQUEST_WITHIN = 10
"""Seconds within which a connection must have asked for something."""


class _Http(H11Protocol):
    """HTTP that hangs up on who asks for nothing, or byte by byte, and opens websockets by headers of ASCII alone."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._asking = self.loop.call_later(REQUEST_WITHIN, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._asking.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        # The library of websockets fails when it would name other bytes, and uvicorn counts that connection for ever.
        if all(value.isascii() for _, value in self.headers):
            super().handle_websocket_upgrade(event)
        else:
            self.send_400_response("headers of a websocket are ASCII alone")

    def _hang_up(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self:  # a websocket has another protocol by now
            self.transport.close()


class _WebSocket(WebSocketsSansIOProtocol):
    """A websocket whose connection is dropped where the client does not take the end of it.

    Pings and pieces of messages, which no application sees, are as many as messages may be.
    """

    settings: ClassVar[ServerSettings]
    _dropping: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._allowance = Allowance(self.settings)

    def handle_ping(self) -> None:
        self._count()
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the client reads nothing; no answer more waits for it

    def handle_cont(self, event: Any) -> None:
        self._count()
        super().handle_cont(event)

    def _count(self) -> None:
        try:
            self._allowance.count()
        except Goodbye as goodbye:
            if not self.close_sent:
                self.conn.fail(goodbye.code, shortened(goodbye.reason))
                self.handle_parser_exception()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self._drop_later()
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # refused in good order; uvicorn would log an error

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._drop_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._dropping is not None:
            self._dropping.cancel()
        super().connection_lost(exc)

    def _drop_later(self) -> None:
        if self._dropping is None and not self.disconnected:
            self._dropping = self.loop.call_later(CLOSING, self.transport.abort)


class _Uvicorn(uvicorn.Server):
    """Uvicorn without signal handlers of its own."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield


def listen_at(settings: ServerSettings) -> socket.socket:
    """A socket that listens where the settings say. Raises KameError where that is not possible."""
    host, port = settings.host, settings.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=256)
    except socket.gaierror as error:
        raise KameError(f"--host {host}: is no address of this machine ({error.strerror})") from None
    except PermissionError:
        raise KameError(f"--port {port}: needs rights that this user has not; name one above 1023") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise KameError(f"--port {port}: is in use on {host}; name another one (0 takes a free one)") from None
        raise KameError(f"--host {host}: cannot be listened at ({error.strerror}); name an own address") from None


def check_tls(settings: ServerSettings) -> None:
    """Raise UsageError where the files of the certificate are none."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    for name, path in (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key)):
        if not path.is_file():
            raise UsageError(f"{name} {path}: no such file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key, _no_password)
    except (ssl.SSLError, ValueError) as error:
        said = getattr(error, "reason", None) or str(error)
        raise UsageError(f"--tls-cert {settings.tls_cert}, --tls-key: are no pair of PEM files ({said})") from None


async def serve(server: Server, listening: socket.socket, say: Callable[[str], None]) -> None:
    """Serve until a signal comes, then end in good order: nobody is let in, conversations may go on for
    `settings.drain` seconds, what goes on then is ended with a reason. A second signal ends them at once."""
    settings = server.settings
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        server.app,
        http=_Http,
        ws=type("WebSocket", (_WebSocket,), {"settings": settings}),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws_max_size=settings.message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        limit_concurrency=server.admission.slots + settings.waiting + MORE_CONNECTIONS,
        timeout_graceful_shutdown=int(CLOSING),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    uvicorn_server = _Uvicorn(config)
    asked, hurried = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurried if asked.is_set() else asked).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    serving = asyncio.create_task(uvicorn_server.serve([listening]))
    try:
        await asyncio.wait([serving, asyncio.ensure_future(asked.wait())], return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await _drain(server, hurried, say)
            uvicorn_server.should_exit = True
        await serving
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _drain(server: Server, hurried: asyncio.Event, say: Callable[[str], None]) -> None:
    server.closing = True
    loop = asyncio.get_running_loop()
    ends = loop.time() + server.settings.drain
    if talking := len(server.tandem.sessions):
        say(f"closing: {talking} still talking, for {server.settings.drain:g} s at most; another signal ends that")
    while server.admission.taken and loop.time() < ends and not hurried.is_set():
        await asyncio.sleep(0.1)
    await server.tandem.close("the server is closing")
    ends = loop.time() + CLOSING
    while server.admission.taken and loop.time() < ends:  # the last words go out
        await asyncio.sleep(0.05)


def _no_password() -> str:
    raise ValueError("the key is locked by a password; give one without")
