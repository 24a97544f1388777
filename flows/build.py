"""The build as a Prefect flow: one task a part, named by stage and part; what is done is decided by the parts alone."""

import ctypes
import signal
import subprocess
import sys
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.settings import get_current_settings
from prefect.task_runners import ThreadPoolTaskRunner

from pipeline.build import Build
from pipeline.config import Settings
from pipeline.errors import KameError
from pipeline.run import Job, Progress, perform, run, stoppable, workers_of

# Tasks run in this process's threads and find their build by its folder: data never goes through Prefect.
_BUILDS: dict[str, Build] = {}


def _worth_a_retry(task: Any, task_run: Any, state: Any) -> bool:
    try:
        state.result()
    except KameError:
        return False
    except Exception:
        return True
    return False


@task(
    name="part",
    task_run_name="{stage} {label}",
    retries=2,
    retry_delay_seconds=[1, 10],
    retry_condition_fn=_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def make_part(out: str, stage: str, label: str) -> tuple[int, int]:
    """Make one part; returns (rows, refusals)."""
    return perform(_BUILDS[out], Job(stage, label))


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
def _build_flow(out: str, workers: int, progress_key: str) -> dict[str, Any]:
    build, progress = _BUILDS[out], _PROGRESS[progress_key]

    def submit(job: Job) -> Any:
        return make_part.submit(out, job.stage, job.label)

    # Inside the flow, for Prefect sets a handler of its own when the flow starts.
    with stoppable(build):
        manifest = run(build, submit, Artifacts(progress), window=2 * workers)
    create_table_artifact(summary_rows(manifest), key="kame-sources", description="What was built, by source")
    return manifest


_PROGRESS: dict[str, Progress] = {}


class _Apart:
    """The module `subprocess` for Prefect's embedded server, which is to outlive signals that are meant for the build
    (it is told to stop when the flow has ended), and never the build itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, *args: Any, **options: Any) -> "subprocess.Popen[Any]":
        """See subprocess.Popen."""
        popen: Any = subprocess.Popen
        process: subprocess.Popen[Any] = popen(*args, start_new_session=True, preexec_fn=_end_with_parent, **options)
        return process


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def build_flow(settings: Settings, progress: Progress, build: Build | None = None) -> dict[str, Any]:
    """Build the dialogues of `settings` under Prefect; returns the manifest. Needs no server that runs already."""
    build = build or Build(settings)
    key = str(settings.out.resolve())
    workers = workers_of(settings)
    _BUILDS[key], _PROGRESS[key] = build, progress
    if get_current_settings().api.url is None:
        from prefect.server.api import server as embedded

        vars(embedded)["subprocess"] = _Apart()
    try:
        runner: Any = ThreadPoolTaskRunner(max_workers=workers)
        configured = _build_flow.with_options(task_runner=runner)
        return configured(key, workers, key)
    finally:
        del _BUILDS[key], _PROGRESS[key]
