"""The parts of the tokens stage on a cluster, as a Prefect flow."""

from typing import Any

from prefect import flow

from flows.runners import RUNNERS, ClusterRunner
from flows.server import prefect_server
from pipeline.clusters import check_runner
from pipeline.codec.orders import TokenWork
from pipeline.codec.parts import Part, Recipe, Told
from pipeline.codec.stage import TokenSettings
from pipeline.config import RunnerSettings
from pipeline.errors import Interrupted, UsageError
from pipeline.interrupts import GO_ON, stoppable
from pipeline.parts import PartStore
from pipeline.spread import GPU, Job, Made, drain

_AT_WORK: dict[str, tuple[TokenWork, ClusterRunner, Told]] = {}


@flow(name="tokens", flow_run_name="tokens {folder}", validate_parameters=False, persist_result=False)
def _tokens_flow(folder: str) -> None:
    _run(folder)


def _run(folder: str) -> None:
    work, runner, told = _AT_WORK[folder]
    store = PartStore(work.recipe.folder)

    def made(job: Job) -> Made | None:
        marker = store.marker(job.label)
        return (len(marker.rows), marker.rejected) if marker else None

    def done(job: Job, made: Made) -> tuple[()]:
        told(*made)
        return ()

    def check_stop() -> None:
        if work.stop.is_set():
            raise Interrupted(GO_ON)

    with stoppable(work), runner:
        if work.recipe.device == "auto":
            work.on("cuda" if runner.offered()[GPU] else "cpu")
        drain([Job("tokens", name) for name in work.parts], runner, made, done, check_stop=check_stop)


class Spread:
    """Makes token parts on a cluster, as `pipeline.codec.parts.make_parts` makes them on this machine."""

    def __init__(self, runner: RunnerSettings, settings: TokenSettings) -> None:
        if settings.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"--device {settings.device}: on a cluster give auto, cpu or cuda")
        check_runner(runner)
        self.runner, self.settings = runner, settings

    def __call__(self, parts: list[Part], recipe: Recipe, workers: int, told: Told) -> None:
        """Make the parts; `told` hears of each."""
        if not parts:
            return
        work, key = TokenWork(parts, recipe, self.settings), str(recipe.folder)
        gpus = 1.0 if self.runner.gpus is None else self.runner.gpus
        runner = RUNNERS[self.runner.kind](work, self.runner, 1, gpus)
        _AT_WORK[key] = work, runner, told
        options: dict[str, Any] = {"task_runner": runner.task_runner()}
        try:
            with prefect_server(for_workers=True):
                _tokens_flow.with_options(**options)(key)
        finally:
            del _AT_WORK[key]
