"""The same application on Ray Serve, in several replicas: each has a model of its own, and Ray's proxy hands a
connection to one of them, where it stays to its end.

A replica reads its token and keys from the environment of its own machine; none of them travels through Ray.
"""

import asyncio
import logging
import os
import signal
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from kame_data.errors import KameError, UsageError
from kame_data.settings.server import ServerSettings
from kame_data.tandem.live import Tandem
from kame_data.tandem.server.access import token_of
from kame_data.tandem.server.app import Server
from kame_data.tandem.server.serving import check_tls, listen_at

NAME = "kame-tandem"
PAGES = 8
"""Requests besides conversations that a replica takes at once."""
ENDING = 10.0
"""Seconds that Ray has for the end of a replica, besides those of its conversations."""
Open = Callable[[], AbstractAsyncContextManager[Tandem]]


def run_replicas(settings: ServerSettings, open_: Open, slots: int, gpu: bool, say: Callable[[str], None]) -> None:
    """Run `settings.replicas` of a server on Ray Serve until a signal comes.

    `open_` makes the tandem of one, with `slots`; on a machine's GPU of its own where `gpu` is true and the cluster has
    that many. Raises UsageError or KameError where Ray or a replica does not begin.
    """
    if not settings.port:
        raise UsageError("--port 0: Ray Serve takes no free port by itself; name one")
    token_of(settings.host, os.environ)
    check_tls(settings)
    listen_at(settings).close()
    ray, serve = _ray()
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # Ray's, about itself
            # Ray would join whatever cluster runs on this machine, or wait for one that is dead.
            ray.init(address=settings.address or "local", include_dashboard=False, log_to_driver=False)
    except Exception as error:
        where = f"--address {settings.address}" if settings.address else f"--replicas {settings.replicas}"
        raise KameError(f"{where}: Ray does not begin there ({_short(error)}); name a running cluster") from None
    signal.signal(signal.SIGTERM, on_sigterm)  # Ray's own would abort this process
    try:
        gpus = gpu and ray.cluster_resources().get("GPU", 0) >= settings.replicas
        _begin(serve, settings, open_, slots, {"num_gpus": 1} if gpus else {})
        say(f"{settings.replicas} replicas with {slots} conversations each answer at {settings.host}:{settings.port}")
        asyncio.run(_until_signal())
        say(f"closing: conversations may go on for {settings.drain:g} s; another signal ends them")
        _drain(serve, settings.drain)
    finally:
        serve.shutdown()
        ray.shutdown()


def replica(settings: ServerSettings, open_: Open) -> Starlette:
    """The application of one replica: its tandem is opened when the replica begins, and closed with it."""

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        async with open_() as tandem:
            server = Server(tandem, settings, token_of(settings.host, os.environ))
            app.router.routes.extend(server.app.routes)
            yield
            server.closing = True

    return Starlette(lifespan=living)


def _begin(serve: Any, settings: ServerSettings, open_: Open, slots: int, resources: dict[str, int]) -> None:
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    tls = {"ssl_certfile": str(settings.tls_cert), "ssl_keyfile": str(settings.tls_key)} if settings.tls_cert else {}
    try:
        serve.start(http_options={"host": settings.host, "port": settings.port, "location": "HeadOnly", **tls})
        deployment = serve.deployment(
            serve.ingress(lambda: replica(settings, open_))(type("Tandem", (), {})),
            name=NAME,
            num_replicas=settings.replicas,
            max_ongoing_requests=slots + settings.waiting + PAGES,
            graceful_shutdown_timeout_s=settings.drain,
            health_check_period_s=2,
            health_check_timeout_s=10,
            ray_actor_options=resources,
        )
        serve.run(deployment.bind(), name=NAME, route_prefix="/")
    except Exception as error:
        raise KameError(f"--replicas {settings.replicas}: they do not begin ({_short(error)})") from None


def _drain(serve: Any, seconds: float) -> None:
    """Let conversations end; the replicas take no new ones."""
    serve.delete(NAME, _blocking=False)
    ends = time.monotonic() + seconds + ENDING
    while NAME in serve.status().applications and time.monotonic() < ends:
        time.sleep(0.2)


async def _until_signal() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def _ray() -> tuple[Any, Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise UsageError(f"--replicas: missing for Ray Serve: {error.name}; pip install 'kame-data[ray]'") from None
    return ray, serve


def _short(error: Exception) -> str:
    """The end of what Ray says, where the cause stands."""
    return " ".join(str(error).split())[-300:]
