"""The server as an ASGI application: its addresses, and the way of a connection from the door to its end."""

import asyncio
import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from kame_data.errors import KameError
from kame_data.settings.server import ServerSettings
from kame_data.tandem.events import AnyEvent
from kame_data.tandem.live import Full, LiveSession, Tandem
from kame_data.tandem.page import live_page
from kame_data.tandem.record import Recording
from kame_data.tandem.server.access import Access, Refused, spoken_protocol
from kame_data.tandem.server.admission import Admission
from kame_data.tandem.server.conversation import Dialect, Ear, converse
from kame_data.tandem.server.metrics import Metrics
from kame_data.tandem.server.moshi_chat import MoshiChat
from kame_data.tandem.server.own import OwnDialect
from kame_data.tandem.server.queueing import wait_for_place
from kame_data.tandem.server.realtime import Realtime
from kame_data.tandem.server.wire import FAILED, GOING_AWAY, LATER, Goodbye, Left, Wire
from kame_data.tandem.sounds import FORMS
from kame_data.tandem.stepper import ThreadStepper

log = logging.getLogger(__name__)

RETRY_AFTER = 15
"""Seconds behind which a client may try again."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:; worker-src blob:; connect-src 'self' ws: wss: blob: data:; frame-ancestors 'none'"
)
Make = Callable[[Wire, Ear], Dialect]


class Server:
    """A tandem with its doors. `closing`: nobody is let in any more. `record`: the folder in which conversations over
    `/ws` are kept; the other protocols have no way to say so to a user."""

    def __init__(self, tandem: Tandem, settings: ServerSettings, token: str | None, record: Path | None = None) -> None:
        self.record = record
        self.tandem, self.settings = tandem, settings
        self.access = Access(token, settings.origins)
        self.admission = Admission(tandem.slots, settings.waiting)
        self.metrics = Metrics(tandem, self.admission)
        self.closing = False
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/metrics", self._figures),
                WebSocketRoute("/ws", self._own),
                WebSocketRoute("/api/chat", self._moshi_chat),
                WebSocketRoute("/v1/realtime", self._realtime),
            ]
        )

    # Pages.

    async def _page(self, request: Request) -> Response:
        if refused := self.access.check_host(request):
            return self._no(refused)
        return Response(
            live_page(), media_type="text/html", headers={**_NO_STORE, "Content-Security-Policy": _PAGE_POLICY}
        )

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    async def _ready(self, request: Request) -> Response:
        """Ready where a conversation may begin, or at least wait for its turn."""
        stepper = self.tandem.stepper
        broken = isinstance(stepper, ThreadStepper) and stepper.broken
        ready = not self.closing and not broken and not (self.admission.is_full and self.admission.queue_is_full)
        shown = {
            "ready": ready,
            "slots": self.admission.slots,
            "talking": len(self.tandem.sessions),
            "waiting": self.admission.waiting,
        }
        return _json(shown, 200 if ready else 503)

    async def _figures(self, request: Request) -> Response:
        if refused := self.access.check_token(request):
            return self._no(refused)
        return Response(self.metrics.page(), media_type="text/plain; version=0.0.4", headers=_NO_STORE)

    # Conversations.

    async def _own(self, socket: WebSocket) -> None:
        form = socket.query_params.get("format", "s16")
        if form not in FORMS:
            await self._deny(socket, Refused(400, f"format {form[:20]!r}: is none of {', '.join(FORMS)}"))
            return
        notes: dict[str, Any] = {"recorded": self.record is not None}
        await self._talk(socket, "ws", lambda wire, ear: OwnDialect(wire, ear, form, notes), waits=True)

    async def _moshi_chat(self, socket: WebSocket) -> None:
        await self._talk(socket, "moshi", MoshiChat)

    async def _realtime(self, socket: WebSocket) -> None:
        name = socket.query_params.get("model", "")[:200] or self.tandem.stepper.name
        await self._talk(socket, "realtime", lambda wire, ear: Realtime(wire, ear, name))

    async def _talk(self, socket: WebSocket, protocol: str, make: Make, waits: bool = False) -> None:
        """The way of a connection: it is let in or not, waits for its turn, talks, and is ended with a reason."""
        if refused := self._refusal(socket, waits):
            await self._deny(socket, refused)
            return
        has_place = self.admission.enter()
        wire = Wire(socket, self.settings)
        end: Goodbye | None = None
        try:
            await socket.accept(spoken_protocol(socket))
            if not has_place:
                await wait_for_place(wire, self.admission, lambda: self.closing)
                has_place = True
            end = await self._converse(socket, wire, protocol, make)
        except Goodbye as error:
            end = error
        except (Left, WebSocketDisconnect):
            pass
        except Exception as error:  # nothing of one conversation reaches another one
            log.error("a connection has failed: %s: %s", type(error).__name__, error, exc_info=error)
            end = Goodbye(FAILED, "the server has failed here; its log says why")
        finally:
            if has_place:
                self.admission.leave()
        if end is not None:
            self.metrics.closed.labels(end.code).inc()
            await wire.close(end.code, end.reason)

    async def _converse(self, socket: WebSocket, wire: Wire, protocol: str, make: Make) -> Goodbye | None:
        recording = await self._recording(protocol)
        try:
            session = await self._open(socket.query_params.get("language"), recording)
        except BaseException:
            if recording is not None:
                recording.drop()
            raise
        try:
            self.metrics.conversations.labels(protocol).inc()
            ear = Ear(session)
            return await converse(wire, session, make(wire, ear), ear, self.settings, self._leaving)
        finally:
            await session.close()
            if recording is not None:
                await asyncio.shield(self._keep(recording))

    async def _recording(self, protocol: str) -> Recording | None:
        if self.record is None or protocol != "ws":
            return None
        try:
            return await asyncio.to_thread(Recording, self.record)
        except KameError as error:
            log.error("%s", error)
            raise Goodbye(FAILED, "this server records conversations, and cannot at present") from None

    async def _keep(self, recording: Recording) -> None:
        try:
            log.info("%s", await asyncio.to_thread(recording.keep))
        except KameError as error:
            log.error("%s", error)

    async def _open(self, language: str | None, recording: Recording | None) -> LiveSession:
        if language is not None and not _LANGUAGE.fullmatch(language):
            raise Goodbye(FAILED, f"language {language[:20]!r}: is none, as en or pt-BR are")
        listeners: list[Callable[[AnyEvent], None]] = [self.metrics.watch()]
        if recording is not None:
            listeners.append(recording.take)
        tap = None if recording is None else recording.tap
        try:
            return await self.tandem.open(language=language, listeners=listeners, tap=tap)
        except Full as error:
            raise Goodbye(LATER, str(error)) from None
        except KameError as error:
            raise Goodbye(FAILED, str(error)) from None

    def _leaving(self) -> int:
        """The close code of a conversation that ends by itself."""
        return GOING_AWAY if self.closing else FAILED

    # The door.

    def _refusal(self, socket: WebSocket, waits: bool) -> Refused | None:
        if refused := self.access.check(socket):
            return refused
        if self.closing:
            return Refused(503, "the server is closing")
        if self.admission.is_full and (self.admission.queue_is_full or not waits):
            return Refused(503, f"all {self.admission.slots} conversations are taken; try again later")
        return None

    async def _deny(self, socket: WebSocket, refused: Refused) -> None:
        self.metrics.refused.labels(refused.status).inc()
        with suppress(WebSocketDisconnect, RuntimeError):
            await socket.send_denial_response(_denial(refused))

    def _no(self, refused: Refused) -> Response:
        self.metrics.refused.labels(refused.status).inc()
        return _denial(refused)


def _denial(refused: Refused) -> Response:
    headers = dict(_NO_STORE)
    if refused.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    elif refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return PlainTextResponse(f"{refused.reason}\n", refused.status, headers)


def _json(values: dict[str, Any], status: int) -> Response:
    headers = dict(_NO_STORE)
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return Response(json.dumps(values) + "\n", status, headers, "application/json")
