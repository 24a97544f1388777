"""The places where tasks run: threads of this process, and behind them processes of this machine; or a cluster's
workers.

A task makes some parts, told by an order of names (`kame_data.engine.worker`): no data goes through Prefect.
"""

import itertools
import logging
import socket
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from kame_data.engine.clusters import LIMIT_S, host_and_port
from kame_data.engine.kinds import Work
from kame_data.engine.local_runner import LocalRunner
from kame_data.engine.scheduler import CPU, GPU, HERE, Future, Job
from kame_data.engine.worker import perform_order
from kame_data.errors import KameError
from kame_data.settings.tree import RunnerSettings
from kame_flows.server import check_reach

PATIENCE_S = 60.0
"""Seconds that tasks wait for a worker where there is none that could do them."""

LOOK_S = 2.0


def _worth_a_retry(task: Any, task_run: Any, state: Any) -> bool:
    try:
        state.result()
    except KameError:
        return False
    except Exception:
        return True
    return False


_OPTIONS: dict[str, Any] = {
    "name": "parts",
    "task_run_name": "{label}",
    "retries": 2,
    "retry_delay_seconds": [1, 10],
    "retry_condition_fn": _worth_a_retry,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
_CALLS: dict[str, Callable[[], list[float]]] = {}


@task(**_OPTIONS)
def make_here(label: str, call: str) -> list[float]:
    """Make parts by a call of this process, in one of its threads."""
    return _CALLS[call]()


@task(**_OPTIONS)
def make_parts(label: str, order: str) -> list[float]:
    """Make the parts of an order, on a worker of a cluster."""
    return perform_order(order)


def _label(jobs: Sequence[Job]) -> str:
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"{jobs[0].stage} {jobs[0].label}{more}"


class PrefectRunner(LocalRunner):
    """A `LocalRunner` whose calls are tasks of a Prefect flow."""

    kind: ClassVar[str] = "local"

    def __init__(self, work: Work, settings: RunnerSettings, threads: int, processes: int) -> None:
        super().__init__(work, settings.task_seconds, threads, processes)
        self.settings, self._numbers = settings, itertools.count()
        self._runner: Any = ThreadPoolTaskRunner(max_workers=self._most_calls)

    def task_runner(self) -> Any:
        """The flow's own task runner."""
        return ThreadPoolTaskRunner(max_workers=1)

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._runner.__exit__(*error)

    def begin(self, jobs: Sequence[Job], call: Callable[[], list[float]]) -> Future:
        """Begin the call, which does the jobs, as a task."""
        name = f"{id(self)}-{next(self._numbers)}"
        _CALLS[name] = call
        future: Future = self._runner.submit(make_here, {"label": _label(jobs), "call": name})
        future.add_done_callback(lambda _: _CALLS.pop(name, None))
        return future


class ClusterRunner(PrefectRunner):
    """Parts on the workers of a cluster, by its Prefect task runner; what asks models in threads of this process."""

    def __init__(self, work: Work, settings: RunnerSettings, threads: int, gpus: float) -> None:
        super().__init__(work, settings, threads, 0)
        self.gpus = gpus
        self._used: set[str] = set()
        self._looked, self._offered = 0.0, dict[str, int]()
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        check_reach(self.hosts())
        return super().__enter__()

    def hosts(self) -> list[str]:
        """The machines that workers are on by now."""
        raise NotImplementedError

    @property
    def where(self) -> str:
        """The cluster, for a person."""
        return f"the {self.kind.capitalize()} cluster at {self.settings.address}"

    def offered(self) -> dict[str, int]:
        """The number of tasks that the workers can have at work by now, by place. Raises where the cluster is gone."""
        raise NotImplementedError

    def resources(self, place: str) -> AbstractContextManager[Any]:
        """While it is open, tasks ask for what their place wants."""
        raise NotImplementedError

    def slots(self, place: str) -> int:
        """See `scheduler.Runner`; one at the least, for a cluster may grow when there is something to do."""
        if place == HERE:
            return self._threads
        if time.monotonic() > self._looked + LOOK_S:
            self._offered, self._looked = self.offered(), time.monotonic()
        return max(self._offered.get(place, 0), 1)

    def submit(self, place: str, jobs: Sequence[Job]) -> Future:
        """See `kame_data.engine.scheduler.Runner`."""
        if place == HERE:
            return super().submit(place, jobs)
        self._used.add(place)
        with self.resources(place):
            future: Any = make_parts.submit(_label(jobs), self.work.order(jobs))
        return future  # type: ignore[no-any-return]

    def check(self) -> None:
        """See `kame_data.engine.scheduler.Runner`."""
        self.slots(CPU)
        if all(self._offered.get(place) for place in self._used):
            self._since = time.monotonic()
        if time.monotonic() > self._since + PATIENCE_S:
            place = next(p for p in sorted(self._used) if not self._offered.get(p))
            what = f"offers {self.gpus:g} GPU" if place == GPU else "is there"
            else_ = ", or set runner.gpus to 0" if place == GPU else ""
            raise KameError(
                f"no worker of {self.where} {what}; start some as docs/CLUSTERS.md says{else_}, and give the same "
                "command again"
            )

    def lost(self) -> KameError:
        """That the cluster is gone."""
        return KameError(
            f"{self.where} does not answer any more; start it again and give the same command, or go on with "
            "--runner local: what is done stays"
        )

    def explained(self, error: BaseException) -> BaseException:
        """See `kame_data.engine.scheduler.Runner`."""
        if isinstance(error, ModuleNotFoundError):
            return KameError(f"a worker of {self.where} lacks {error.name}; install the same kame-data on all machines")
        if "reach API" in str(error):
            return KameError(
                f"a worker of {self.where} does not reach Prefect's server; start one that it reaches and set "
                "PREFECT_API_URL (docs/CLUSTERS.md)"
            )
        if type(error).__name__ in ("KilledWorker", "WorkerCrashedError", "OutOfMemoryError", "NodeDiedError"):
            return KameError(
                f"workers of {self.where} were killed again and again while they made the same parts (out of memory?); "
                "give each more, or set a smaller part_size"
            )
        return error


class DaskRunner(ClusterRunner):
    """On a Dask cluster; GPUs are the workers' resource `GPU`."""

    kind = "dask"

    def task_runner(self) -> Any:
        """The flow's own task runner."""
        from prefect_dask.task_runners import DaskTaskRunner

        # What it logs of a lost connection, with a traceback, the command says in a line.
        for name in [n for n in logging.root.manager.loggerDict if n.split(".")[0] == "distributed"]:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        return DaskTaskRunner(address=self.settings.address, client_kwargs={"timeout": 10})

    def __enter__(self) -> Self:
        from prefect.context import FlowRunContext

        flow = FlowRunContext.get()
        assert flow is not None
        dask_runner: Any = flow.task_runner
        self._client: Any = dask_runner.client
        return super().__enter__()

    def _workers(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return found

    def hosts(self) -> list[str]:
        """See ClusterRunner."""
        return [urlsplit(address).hostname or "" for address in self._workers()]

    def offered(self) -> dict[str, int]:
        """See ClusterRunner."""
        if self._client.status != "running":
            raise self.lost()
        workers = self._workers().values()
        gpus = sum(w["resources"].get("GPU", 0) for w in workers)
        return {CPU: sum(w["nthreads"] for w in workers), GPU: int(gpus / self.gpus) if self.gpus else 0}

    def resources(self, place: str) -> AbstractContextManager[Any]:
        """See ClusterRunner."""
        from dask.base import annotate

        return annotate(resources={"GPU": self.gpus}) if place == GPU else nullcontext()

    def explained(self, error: BaseException) -> BaseException:
        """See ClusterRunner."""
        gone = "Cancelled" in type(error).__name__ or type(error).__name__ == "CommClosedError"
        if gone or (not isinstance(error, KameError) and self._client.status != "running"):
            return self.lost()
        return super().explained(error)


class RayRunner(ClusterRunner):
    """On a Ray cluster."""

    kind = "ray"

    def __enter__(self) -> Self:
        known = self.settings.address != "auto"
        self._head = host_and_port(self.settings) if known else None
        return super().__enter__()

    def task_runner(self) -> Any:
        """The flow's own task runner."""
        from prefect_ray.task_runners import RayTaskRunner

        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        quiet = {"logging_level": "CRITICAL", "log_to_driver": False}
        if self.settings.address == "auto":
            return RayTaskRunner(init_kwargs=quiet | {"address": "auto"})
        return RayTaskRunner(address=self.settings.address, init_kwargs=quiet)

    def hosts(self) -> list[str]:
        """See ClusterRunner."""
        import ray

        return [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]]

    def offered(self) -> dict[str, int]:
        """See ClusterRunner."""
        import ray

        try:
            # Asked itself, Ray waits for a minute and then ends the process.
            if self._head is not None:
                socket.create_connection(self._head, LIMIT_S).close()
            found = ray.cluster_resources()
        except Exception:
            raise self.lost() from None
        return {CPU: int(found.get("CPU", 0)), GPU: int(found.get("GPU", 0) / self.gpus) if self.gpus else 0}

    def resources(self, place: str) -> AbstractContextManager[Any]:
        """See ClusterRunner."""
        from prefect_ray.context import remote_options

        options: AbstractContextManager[Any] = remote_options(num_cpus=1, num_gpus=self.gpus if place == GPU else 0)
        return options


RUNNERS: dict[str, type[ClusterRunner]] = {"dask": DaskRunner, "ray": RayRunner}
