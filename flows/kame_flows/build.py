"""The build as a Prefect flow: tasks of some parts each; what is done is decided by the parts alone."""

from typing import Any

from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from kame_data.engine.build import Build
from kame_data.engine.build_work import BuildWork, gpus_of, processes_of, workers_of
from kame_data.engine.pilot import Pilot
from kame_data.engine.run import BuildProgress, run
from kame_data.finished.manifest import Manifest
from kame_data.interrupts import stoppable
from kame_flows.here import run_as_flow
from kame_flows.runners import RUNNERS, PrefectRunner
from kame_flows.server import prefect_server


class Artifacts:
    """Passes progress on, and keeps Prefect's progress artifacts up to date, one for each stage."""

    def __init__(self, inner: BuildProgress) -> None:
        self._inner = inner
        self._counts: dict[str, list[int]] = {}
        self._ids: dict[str, Any] = {}

    def total(self, stage: str, parts: int, done: int) -> None:
        """See `kame_data.engine.scheduler.Progress`."""
        self._inner.total(stage, parts, done)
        self._counts[stage] = [done, parts]
        self._show(stage)

    def advance(self, stage: str, rows: int, refused: int) -> None:
        """See `kame_data.engine.scheduler.Progress`."""
        self._inner.advance(stage, rows, refused)
        self._counts[stage][0] += 1
        self._show(stage)

    def pilot(self, found: Pilot) -> None:
        """See `kame_data.engine.run.BuildProgress`."""
        self._inner.pilot(found)

    def _show(self, stage: str) -> None:
        done, parts = self._counts[stage]
        percent = 100.0 * done / parts if parts else 100.0
        # A call to the server each time it is worth seeing, not each part.
        if stage not in self._ids:
            self._ids[stage] = create_progress_artifact(percent, key=f"kame-{stage}", description=f"{parts} parts")
        elif done == parts or done % max(parts // 20, 1) == 0:
            update_progress_artifact(self._ids[stage], percent, description=f"{done} of {parts} parts")


def runner_of(build: Build) -> PrefectRunner:
    """The runner that the build's settings name."""
    settings, work, threads = build.settings, BuildWork(build), workers_of(build.settings)
    if settings.runner.kind == "local":
        return PrefectRunner(work, settings.runner, threads, processes_of(settings))
    return RUNNERS[settings.runner.kind](work, settings.runner, threads, gpus_of(settings))


def build_flow(build: Build, progress: BuildProgress, *, accept_fewer: bool = False) -> Manifest:
    """Run the build under Prefect, see `kame_data.engine.run.run`; returns the manifest. Needs no server that runs
    already."""
    runner = runner_of(build)

    def work() -> Manifest:
        # Inside the flow, for Prefect sets a handler of its own when the flow starts.
        with stoppable(build), runner:
            manifest = run(build, runner, Artifacts(progress), accept_fewer=accept_fewer)
        create_table_artifact(manifest.source_rows(), key="kame-sources", description="What was built, by source")
        return manifest

    try:
        with stoppable(build):  # a process that is half begun when its parent leaves prints a traceback
            runner.start()
        with prefect_server(for_workers=runner.kind != "local"):
            return run_as_flow("build", str(build.out.resolve()), runner.task_runner(), work)
    finally:
        runner.close()
