"""The build as a Prefect flow: tasks of some parts each; what is done is decided by the parts alone."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from flows.runners import RUNNERS, LocalRunner
from flows.server import prefect_server
from pipeline.build import Build
from pipeline.config import Settings
from pipeline.interrupts import stoppable
from pipeline.orders import BuildWork, gpus_of, processes_of, workers_of
from pipeline.run import run
from pipeline.spread import Progress

# The flow runs in this process and finds what it works on by the build's folder: data never goes through Prefect.
_AT_WORK: dict[str, tuple[Build, LocalRunner, Progress]] = {}


class Artifacts:
    """Passes progress on, and keeps Prefect's progress artifacts up to date, one a stage."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._counts: dict[str, list[int]] = {}
        self._ids: dict[str, Any] = {}

    def total(self, stage: str, parts: int, done: int) -> None:
        """See `pipeline.run.Progress`."""
        self._inner.total(stage, parts, done)
        self._counts[stage] = [done, parts]
        self._show(stage)

    def advance(self, stage: str, rows: int, refused: int) -> None:
        """See `pipeline.run.Progress`."""
        self._inner.advance(stage, rows, refused)
        self._counts[stage][0] += 1
        self._show(stage)

    def _show(self, stage: str) -> None:
        done, parts = self._counts[stage]
        percent = 100.0 * done / parts if parts else 100.0
        # A call to the server each time it is worth seeing, not each part.
        if stage not in self._ids:
            self._ids[stage] = create_progress_artifact(percent, key=f"kame-{stage}", description=f"{parts} parts")
        elif done == parts or done % max(parts // 20, 1) == 0:
            update_progress_artifact(self._ids[stage], percent, description=f"{done} of {parts} parts")


def summary_rows(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The sources of a finished build as rows of a table."""
    by_source = manifest["dialogues"]["by_source"]
    return [
        {"source": name, "rows": s["rows"], "kept": s["kept"], "dialogues": by_source.get(name, 0)}
        for name, s in manifest["sources"].items()
    ]


@flow(name="build", flow_run_name="build {out}", validate_parameters=False, persist_result=False)
def _build_flow(out: str) -> dict[str, Any]:
    # Nothing but a call: a cluster's workers are sent the flow, by value, with whatever it names.
    return _run(out)


def _run(out: str) -> dict[str, Any]:
    build, runner, progress = _AT_WORK[out]
    # Inside the flow, for Prefect sets a handler of its own when the flow starts.
    with stoppable(build), runner:
        manifest = run(build, runner, Artifacts(progress))
    create_table_artifact(summary_rows(manifest), key="kame-sources", description="What was built, by source")
    return manifest


def runner_of(build: Build) -> LocalRunner:
    """The runner that the build's settings name."""
    settings, work, threads = build.settings, BuildWork(build), workers_of(build.settings)
    if settings.runner.kind == "local":
        return LocalRunner(work, settings.runner, threads, processes_of(settings))
    return RUNNERS[settings.runner.kind](work, settings.runner, threads, gpus_of(settings))


def build_flow(settings: Settings, progress: Progress, build: Build | None = None) -> dict[str, Any]:
    """Build the dialogues of `settings` under Prefect; returns the manifest. Needs no server that runs already."""
    build = build or Build(settings)
    key = str(settings.out.resolve())
    runner = runner_of(build)
    _AT_WORK[key] = build, runner, progress
    try:
        with stoppable(build):  # a process that is half begun when its parent leaves prints a traceback
            runner.start()
        with prefect_server(for_workers=settings.runner.kind != "local"):
            manifest: dict[str, Any] = _build_flow.with_options(task_runner=runner.task_runner())(key)
            return manifest
    finally:
        runner.close()
        del _AT_WORK[key]
