"""One night now, or nights on a schedule by Prefect's `serve`."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
import warnings
from contextlib import redirect_stdout, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx
from prefect import get_client
from prefect.client.schemas.objects import DeploymentStatus
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.schedules import Cron, Interval, Schedule
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_UI_URL, get_current_settings
from prefect.types.entrypoint import EntrypointType
from pydantic import ValidationError

from kame_data.engine.clusters import is_here
from kame_data.errors import Interrupted, KameError, UsageError
from kame_flows.nightly import nightly
from kame_flows.server import answered, prefect_server

START = "`prefect server start`, and PREFECT_API_URL=http://127.0.0.1:4200/api in the environment of this command"
TO_END_S = 8.0
"""Seconds for a night under way to end in good order when the command is stopped."""


class _Patient(Runner):
    """Prefect's runner, which waits for a server that went away, where Prefect's own would end with a traceback, and
    lets a night under way end in good order when it is stopped itself."""

    stopping = False

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        poller: Any = self._scheduled_run_poller
        ask, away = poller._get_and_submit_flow_runs, False

        async def patiently(*args: Any, **options: Any) -> Any:
            nonlocal away
            try:
                found = await ask(*args, **options)
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500:
                    raise
                if not away:
                    _say("the Prefect server does not answer; no run begins until it does")
                away = True
                return []
            if away:
                _say("the Prefect server answers again")
            away = False
            return found

        poller._get_and_submit_flow_runs = patiently
        return self

    def handle_sigterm(self, *args: Any, **options: Any) -> None:
        """Ctrl-C or SIGTERM: the schedule is paused, and what runs is stopped, in good order where it can be."""
        first, self.stopping = not self.stopping, True
        manager: Any = self._process_manager
        if first:
            # Prefect's own end kills them at once, and they are Running for ever; a night says why it ends.
            nights = list(manager._process_map.values())
            for night in nights:
                with suppress(OSError):
                    night.graceful_kill()
            end = time.monotonic() + TO_END_S
            while time.monotonic() < end and any(_runs(night.pid) for night in nights):
                time.sleep(0.1)
        raise KeyboardInterrupt


def _runs(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _say(line: str) -> None:
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {line}", file=sys.__stdout__, flush=True)


def run_now(parameters: dict[str, Any]) -> str:
    """Do one night, whose settings are checked, in this process; returns what it came to. Raises what ended it."""
    with answered(), prefect_server(for_workers=False):
        state: Any = nightly(**parameters, return_state=True)
    if state.is_completed():
        return str(state.message)
    ended = state.result(raise_on_failure=False)
    raise ended if isinstance(ended, KameError) else KameError(str(state.message))


def schedule_of(cron: str | None, interval: float | None, timezone: str | None) -> Schedule:
    """The times at which runs begin. Raises UsageError for what is no schedule."""
    if (cron is None) == (interval is None):
        raise UsageError("give a schedule: --cron '0 3 * * *' (every night at three), or --interval SECONDS")
    if interval is not None:
        if timezone is not None:
            raise UsageError(f"--timezone {timezone}: is of --cron; an interval has none")
        return Interval(timedelta(seconds=interval))
    assert cron is not None
    zone = timezone or local_zone()
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise UsageError(f"--timezone {zone}: is no time zone; give one as in Europe/Berlin or UTC") from None
    wrong = f"--cron '{cron}': is no cron line; give minute, hour, day, month and weekday, as in '0 3 * * *'"
    # A sixth field would be seconds; Prefect takes it, and a night each second is nobody's wish.
    if len(cron.split()) != 5 and not cron.startswith("@"):
        raise UsageError(wrong)
    try:
        asyncio.run(CronSchedule(cron=cron, timezone=zone).get_dates(1))
    except ValidationError:
        raise UsageError(wrong) from None
    except ValueError:
        raise UsageError(f"--cron '{cron}': is a day that never comes; name one of the calendar") from None
    return Cron(cron, timezone=zone)


def local_zone() -> str:
    """The name of this machine's time zone; UTC where it has none."""
    import tzlocal

    return str(tzlocal.get_localzone_name() or "UTC")


def serve(
    parameters: dict[str, Any],
    cron: str | None = None,
    interval: float | None = None,
    timezone: str | None = None,
    name: str = "kame-data",
) -> None:
    """Serve nights, whose settings are checked, on a schedule until stopped. Raises UsageError or KameError, one line,
    for what cannot be served."""
    when = schedule_of(cron, interval, timezone)
    url = get_current_settings().api.url
    if url is None:
        raise UsageError(f"no Prefect server: the embedded one starts no runs by schedule; start one: {START}")
    deployment: Any = nightly.to_deployment(
        name=name,
        schedule=when,
        parameters=parameters,
        tags=["kame-data"],
        version=f"{socket.gethostname()}:{os.getpid()}",
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    try:
        asyncio.run(_serve(deployment, str(url)))
    except KeyboardInterrupt:
        raise Interrupted("stopped; no runs begin by this schedule until it is served again") from None


async def _serve(deployment: RunnerDeployment, url: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What its loops have to say of an end in the middle of things.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    full = f"nightly/{deployment.name}"
    try:
        await _check_free(full)
    except httpx.HTTPError as error:
        raise KameError(
            f"PREFECT_API_URL {url}: no Prefect server answers there ({type(error).__name__}); start it: {START}"
        ) from None
    runner = _Patient(pause_on_shutdown=True)
    signal.signal(signal.SIGINT, runner.handle_sigterm)
    number: Any = await runner.aadd_deployment(deployment)
    print(f"{full}: {schedule_line(deployment)}; a run now: prefect deployment run {full}", flush=True)
    if ui := PREFECT_UI_URL.value():
        print(f"{ui}/deployments/deployment/{number}", flush=True)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # its loops print tracebacks
        await runner.start()


async def _check_free(full: str) -> None:
    """Raise KameError where another command serves the deployment."""
    async with get_client() as client:
        try:
            found = await client.read_deployment_by_name(full)
        except ObjectNotFound:
            return
    host, _, pid = (found.version or "").rpartition(":")
    if found.status != DeploymentStatus.READY or not pid.isdigit():
        return
    # Whoever serves no more pauses the schedule, and cannot where it was killed.
    if found.paused if not is_here(host) else not _alive(int(pid)):
        return
    raise KameError(
        f"{full}: is served by process {pid} on {host}; stop that one, or give this one another --name (one that was "
        "killed on another machine is forgotten after a minute)"
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def schedule_line(deployment: RunnerDeployment) -> str:
    """The schedule of a deployment and what it fills, for a person."""
    assert deployment.schedules
    when: Any = deployment.schedules[0].schedule
    rhythm = f"'{when.cron}' ({when.timezone})" if hasattr(when, "cron") else f"every {when.interval}"
    return f"{rhythm}, to {deployment.parameters['out']} and {deployment.parameters['repo']}"
