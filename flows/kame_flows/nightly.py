"""A night (`kame_data.workflows.night`) as a Prefect flow: its steps are tasks, what it shows are artifacts."""

import logging
from collections.abc import Callable
from typing import Annotated, Any, ParamSpec, TypeVar

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from kame_data.codec.token_work import MakeParts, make_parts
from kame_data.engine.build import Build
from kame_data.engine.run import BuildProgress
from kame_data.errors import KameError
from kame_data.finished.manifest import Manifest
from kame_data.interrupts import as_interrupt, check, heard
from kame_data.settings.prefect_forms import BuildForm, PublishForm, TokensForm
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.tree import RunnerSettings
from kame_data.workflows.night import Night, run_night, show_failure
from kame_flows.build import build_flow
from kame_flows.tokens import on_cluster

# Prefect's own loggers are quiet, for they would print tracebacks; `kame_flows/__init__` has this one sent to its
# server.
log = logging.getLogger(__name__)
log.setLevel(logging.INFO)
_BUILD, _TOKENS, _PUBLISH = BuildForm(), TokensForm(), PublishForm()
P = ParamSpec("P")
R = TypeVar("R")


class PrefectHands:
    """See `kame_data.workflows.night.Hands`."""

    def step(self, name: str, work: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
        """The work as a task. Raises Interrupted where Prefect's engine has lost an interrupt before it."""
        check()

        # Without parameters: Prefect would look into every field of them for futures, also into those that nobody read.
        def call() -> R:
            return work(*args, **options)

        return task(name=name.split()[0], task_run_name=name, cache_policy=NO_CACHE, persist_result=False)(call)()

    def build(self, build: Build, progress: BuildProgress) -> Manifest:
        """The build as a flow of its own."""
        return build_flow(build, progress, accept_fewer=True)

    def token_maker(self, runner: RunnerSettings, settings: TokenSettings) -> MakeParts:
        """Processes of this machine, or a cluster."""
        return make_parts if runner.kind == "local" else on_cluster(runner, settings)

    def say(self, line: str) -> None:
        """The line goes to the log of the flow's run."""
        log.info("%s", line)

    def show_text(self, key: str, description: str, markdown: str) -> None:
        """A text as an artifact."""
        create_markdown_artifact(markdown, key=key, description=description)

    def show_table(self, key: str, description: str, rows: list[dict[str, Any]]) -> None:
        """A table as an artifact."""
        create_table_artifact(rows, key=key, description=description)

    def show_link(self, key: str, description: str, url: str, text: str) -> None:
        """A link as an artifact."""
        create_link_artifact(url, link_text=text, key=key, description=description)


@flow(name="nightly", flow_run_name="nightly {out}", persist_result=False)
def nightly(
    repo: str,
    out: str = "out",
    more: Annotated[int, Field(ge=1)] = 100,
    build: BuildForm = _BUILD,
    tokens: TokensForm = _TOKENS,
    publish: PublishForm = _PUBLISH,
    report_url: str | None = None,
) -> State[None]:
    """Let a build grow, judge it, and publish it where it holds.

    Args:
        repo: The repository on the Hub, as ORG/NAME.
        out: Folder of the build, or its URL: s3://bucket/folder.
        more: So many questions of each source more than were published last; with a target, dialogues in all.
        build: The settings of the build; limit and target are the most that it grows to.
        tokens: The token shards that are made of it, if any.
        publish: How it is published.
        report_url: Where OUT/report.html can be seen by a browser; for the link in the artifacts.
    """
    hands = PrefectHands()
    try:
        with heard():
            night = Night.of(repo, out, more, build, tokens, publish, report_url)
            return Completed(message=run_night(night, hands))
    except KameError as found:
        error = as_interrupt(found)
        log.error("%s", error)
        show_failure(hands, error)
        return Failed(message=str(error), data=error)
