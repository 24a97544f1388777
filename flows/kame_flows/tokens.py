"""The parts of the tokens stage on a cluster, as a Prefect flow."""

from kame_data.codec.token_parts import Part, TokenSpec
from kame_data.codec.token_work import MakeParts, TokenWork
from kame_data.engine.clusters import check_runner
from kame_data.engine.scheduler import GPU, Progress
from kame_data.errors import UsageError
from kame_data.interrupts import stoppable
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.tree import RunnerSettings
from kame_flows.here import run_as_flow
from kame_flows.runners import RUNNERS
from kame_flows.server import prefect_server


def on_cluster(runner: RunnerSettings, settings: TokenSettings) -> MakeParts:
    """The way to make token parts on a cluster, for `kame_data.codec.tokenize.make_tokens`."""
    if settings.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {settings.device}: on a cluster give auto, cpu or cuda")
    check_runner(runner)

    def make(parts: list[Part], spec: TokenSpec, workers: int, progress: Progress) -> None:
        if not parts:
            return
        work = TokenWork(parts, spec, progress)
        cluster = RUNNERS[runner.kind](work, runner, 1, 1.0 if runner.gpus is None else runner.gpus)

        def run() -> None:
            with stoppable(work), cluster:
                work.settle_device("cuda" if cluster.offered()[GPU] else "cpu")
                work.drain(cluster)

        with prefect_server(for_workers=True):
            run_as_flow("tokens", str(spec.folder), cluster.task_runner(), run)

    return make
