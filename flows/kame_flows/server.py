"""Prefect's server for one command: the one that PREFECT_API_URL names, or the embedded one."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from kame_data.engine.clusters import is_here
from kame_data.errors import KameError
from kame_data.safe_path import environment


class _Apart:
    """The module `subprocess` for Prefect's embedded server, which is to outlive signals that are meant for the build
    (it is told to stop when the flow has ended), and never the build itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, *args: Any, **options: Any) -> "subprocess.Popen[Any]":
        """See subprocess.Popen."""
        popen: Any = subprocess.Popen
        options["env"] = environment() | (options.get("env") or {})
        process: subprocess.Popen[Any] = popen(*args, start_new_session=True, preexec_fn=_end_with_parent, **options)
        return process


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def prefect_server(*, for_workers: bool) -> Iterator[None]:
    """While it is open there is a Prefect server; `for_workers`: one that workers on this machine are told of too."""
    if get_current_settings().api.url is not None:
        yield
        return
    from prefect.server.api import server as embedded

    vars(embedded)["subprocess"] = _Apart()
    if not for_workers:
        yield  # Prefect starts it when the flow begins
        return
    server = embedded.SubprocessASGIServer()
    server.start()
    try:
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield
    finally:
        server.stop()


@contextmanager
def answered() -> Iterator[None]:
    """Around a flow: raise KameError, one line, where its Prefect server does not answer."""
    try:
        yield
    except RuntimeError as error:
        if "reach API" not in str(error):
            raise
        raise KameError(
            f"PREFECT_API_URL {os.environ.get('PREFECT_API_URL', '')}: no Prefect server answers there; "
            "start it, or unset the variable to use the embedded one"
        ) from None
    finally:
        # What Prefect has to say of its own ending is no news to the user, whose last line is ours.
        logging.disable(logging.CRITICAL)


def check_reach(hosts: Iterable[str]) -> None:
    """Raise KameError where workers on other machines would look for the server on theirs."""
    server = urlsplit(PREFECT_API_URL.value() or "").hostname or ""
    if server not in ("127.0.0.1", "localhost", "::1"):
        return
    if far := next((host for host in hosts if not is_here(host)), None):
        raise KameError(
            f"a worker is at {far}, which does not reach Prefect's server on this machine's {server}; give one that it "
            "reaches: `prefect server start --host 0.0.0.0`, and PREFECT_API_URL=http://THIS_MACHINE:4200/api"
        )
