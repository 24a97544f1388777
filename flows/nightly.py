"""A build that grows night by night, as a Prefect flow: grow, build, verify, report, judge, publish.

Each step is what the command of its name does; what stops one stops the night, and the last good version stays where it
was published.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.build import build_flow, summary_rows
from flows.tokens import Spread
from pipeline.build import Build
from pipeline.codec.parts import make_parts
from pipeline.codec.stage import TokenSettings, make_tokens, token_manifest
from pipeline.config import Settings
from pipeline.errors import KameError, UsageError
from pipeline.flags import settings_of
from pipeline.forms import BuildForm, PublishForm, TokensForm
from pipeline.growth import Goal, goal_of, take_in
from pipeline.interrupts import as_interrupt, check, heard
from pipeline.llm.session import SpendNotes
from pipeline.llm.spec import parse_spec
from pipeline.publish import gates
from pipeline.publish.build import build_digest
from pipeline.publish.hub import Target, token_of
from pipeline.publish.run import (
    Checked,
    Request,
    Written,
    check_build,
    check_levels,
    deliver,
    last_published,
)
from pipeline.publish.show import Uploads
from pipeline.publish.upload import Published
from pipeline.quality import table
from pipeline.report.page import write_report
from pipeline.show import Bars
from pipeline.stages import stand_ins, terms
from pipeline.status import finish
from pipeline.storage.lock import hold
from pipeline.storage.paths import RemotePath, path_of

# Prefect's own loggers are quiet, for they would print tracebacks; `flows/__init__` has this one sent to its server.
log = logging.getLogger(__name__)
log.setLevel(logging.INFO)
_BUILD, _TOKENS, _PUBLISH = BuildForm(), TokensForm(), PublishForm()
P = ParamSpec("P")
R = TypeVar("R")


def _step(name: str, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A step of a night as a task, which raises Interrupted where Prefect's engine has lost an interrupt before it."""

    def wrap(work: Callable[P, R]) -> Callable[P, R]:
        step: Callable[P, R] = task(name=name, cache_policy=NO_CACHE, persist_result=False, **options)(work)

        @wraps(work)
        def done(*args: P.args, **told: P.kwargs) -> R:
            check()
            return step(*args, **told)

        return done

    return wrap


@dataclass(frozen=True)
class Night:
    """What a night is told, checked: the settings that it may grow to, and what it publishes where."""

    settings: Settings
    request: Request
    target: Target
    more: int
    tokens: TokensForm
    report_url: str | None

    @classmethod
    def of(
        cls,
        repo: str,
        out: str,
        more: int,
        build: BuildForm,
        tokens: TokensForm,
        publish: PublishForm,
        report_url: str | None,
    ) -> "Night":
        """Raises UsageError or KameError, one line, for what no night could be done with."""
        given = build.given()
        settings = settings_of(given.pop("config", None), given | {"out": path_of(out)})
        told = publish.model_dump() | {"dry_run": Path(publish.dry_run) if publish.dry_run else None}
        request = Request(repo, settings.out, **told)
        target = Target.of("dataset", repo)
        # Before Prefect's server is told of them: an address with a password is none.
        for spec in (settings.writer, settings.simulator):
            parse_spec(spec)
        if report_url is not None and "@" in urlsplit(report_url).netloc:
            raise UsageError("--report-url: holds a user or a password (not shown here); Prefect would show it to all")
        if request.dry_run is None:
            token_of()
        names = gates.stand_ins_of({"stand_ins": stand_ins(settings)}, None, audio=request.audio)
        gates.check_stand_ins(settings.out, names, request.allow_stand_ins)
        return cls(settings, request, target, more, tokens, report_url)


@_step("grow")
def grow(night: Night) -> tuple[Build, Goal, dict[str, Any] | None]:
    """How far this night is to go: its build, and the listing of the last one that was published."""
    build = Build(night.settings)
    if taken := take_in(build):
        log.info("%s: has new rows", ", ".join(taken))
    build.check()
    with Uploads(False) as uploads:
        listing = last_published(night.request, night.target, uploads)
    goal = goal_of(build, listing, night.more)
    grown = Build(goal.of(night.settings), build.identity)
    grown.less_will_do = True
    return grown, goal, listing


def build_on(build: Build) -> dict[str, Any]:
    """Build as far as the settings say; returns the manifest."""
    for line in terms(build.settings):
        log.info("licence: %s", line)

    def make() -> dict[str, Any]:
        with Bars(build.settings.progress) as bars:
            return build_flow(build.settings, bars, build)

    return finish(build, make)


@_step("tokens")
def tokens_of(night: Night) -> None:
    """Make the token shards."""
    form = night.tokens
    if form.codec is not None:
        with Bars(night.settings.progress) as bars:
            settings = TokenSettings(form.codec, form.tokenizer, form.device, night.settings.workers)
            where = night.settings.runner
            make = make_parts if where.kind == "local" else Spread(where, settings)
            make_tokens(night.settings.out, settings, bars, make)


@_step("verify")
def verify(night: Night) -> Checked:
    """See that every file is as it should be."""
    return check_build(night.request)


@_step("report")
def report(night: Night) -> str:
    """Write the report, and link it."""
    done = write_report(night.settings.out)
    path = done.path if isinstance(done.path, RemotePath) else done.path.resolve().as_uri()
    link = night.report_url or str(path)
    create_link_artifact(link, link_text="report.html", key="kame-report", description=f"{done.of} dialogues")
    return link


@_step("quality")
def quality(night: Night, checked: Checked) -> None:
    """See that the oracles of every level say more of the answer than those of the one below."""
    create_table_artifact(levels_of(checked), key="kame-levels", description="The level curve")
    check_levels(checked, night.request)


@_step("publish", task_run_name="publish {night.target.name}")
def publish_night(night: Night, checked: Checked) -> Published | Written:
    """Publish the build."""
    with Uploads(night.settings.progress) as uploads:
        return deliver(checked, night.request, night.target, uploads)


def levels_of(checked: Checked) -> list[dict[str, str]]:
    """The level curve as rows of a table."""
    head, *lines = table(checked.facts.quality)
    return [dict(zip(head, line, strict=True)) for line in lines]


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
    try:
        with heard():
            return Completed(message=_night(Night.of(repo, out, more, build, tokens, publish, report_url)))
    except KameError as found:
        error = as_interrupt(found)
        log.error("%s", error)
        _tell(f"**Failed**: {error}\n\nNothing was published; what was published last stays.")
        return Failed(message=str(error), data=error)


def _night(night: Night) -> str:
    out, notes = night.settings.out, SpendNotes(night.settings.out)
    with hold(out, for_steps=True):
        build, goal, listing = grow(night)
        log.info("%s: %s", out, goal)
        before = notes.total()
        manifest = build_on(build)
        tokens_of(night)
        spent = {"this night": notes.total() - before, "in all": notes.total()}
        made = token_manifest(out) if night.request.audio else None
        counts = _counts(manifest, listing)
        if listing is not None and listing.get("build") == build_digest(manifest, made, audio=night.request.audio):
            why = f"no more than {goal}" if goal.reached else "nothing was accepted of what is new"
            said = f"nothing new: {why}; what was published last stays"
            _tell(f"{said.capitalize()}.\n\n{counts}\n\n{_spend(spent)}")
            return said
        checked = verify(night)
        link = report(night)
        quality(night, checked)
        done = publish_night(night, checked)
    where = str(done.folder) if isinstance(done, Written) else done.url
    said = f"{manifest['dialogues']['accepted']} dialogues published to {where}"
    create_table_artifact(
        [{"dialogues": manifest["dialogues"]["accepted"]} | row for row in notes.rows()] or [{"dollars": 0.0}],
        key="kame-spend",
        description=_spend(spent),
    )
    curve = "\n".join(f"| {row['level']} | {row['count']} | {row['chrF']} |" for row in levels_of(checked))
    _tell(
        f"{said} ({goal}).\n\n{counts}\n\n| level | oracles | chrF |\n| --- | --- | --- |\n{curve}\n\n"
        f"{_spend(spent)}\n\n[report]({link})"
    )
    return said


def _counts(manifest: dict[str, Any], listing: dict[str, Any] | None) -> str:
    before = listing["dialogues"]["by_source"] if listing else {}
    lines = [
        f"| {row['source']} | {row['kept']} | {before.get(row['source'], 0)} | {row['dialogues']} |"
        for row in summary_rows(manifest)
    ]
    return "\n".join(["| source | questions | published before | dialogues now |", "| --- " * 4 + "|", *lines])


def _spend(spent: dict[str, float]) -> str:
    return ", ".join(f"${dollars:.4f} {when}" for when, dollars in spent.items()) + " spent on models"


def _tell(text: str) -> None:
    create_markdown_artifact(text, key="kame-night", description="What the night came to")
