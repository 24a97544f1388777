"""A night: a build grows, is built, verified, reported, judged, and published where it holds.

Each step is what the command of its name does. What stops a step stops the night, and what was published last stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from kame_data.codec.token_manifest import TokenManifest
from kame_data.codec.token_work import MakeParts
from kame_data.codec.tokenize import make_tokens
from kame_data.engine.build import Build
from kame_data.engine.build_bars import BuildBars
from kame_data.engine.makers import stand_ins, terms
from kame_data.engine.run import BuildProgress, complete
from kame_data.errors import UsageError
from kame_data.finished.manifest import Manifest
from kame_data.llm.session import SpendNotes
from kame_data.llm.spec import parse_spec
from kame_data.publish import gates
from kame_data.publish.dataset import build_digest
from kame_data.publish.hub_errors import Target, token_of
from kame_data.publish.publish import Checked, Written, check_build, check_levels, deliver, last_published
from kame_data.publish.upload import Published
from kame_data.publish.upload_bar import Uploads
from kame_data.report.page import write_report
from kame_data.settings.layers import load
from kame_data.settings.prefect_forms import BuildForm, PublishForm, TokensForm
from kame_data.settings.publication import Publication
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.tree import RunnerSettings, Settings
from kame_data.storage.lock import hold
from kame_data.storage.paths import path_of
from kame_data.terminal import Bars
from kame_data.workflows.night_goal import Goal, goal_of, take_in_new_rows

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Night:
    """The settings of a night, checked: those that its build may grow to, and what it publishes where."""

    settings: Settings
    request: Publication
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
        """The night of these settings. Raises UsageError or KameError, one line, for what no night could be done
        with."""
        given = build.given()
        config, sets = given.pop("config", None), given.pop("set", ())
        settings = load(Settings, config, given | {"out": path_of(out)}, sets)
        request = Publication.model_validate({"repo": repo, "out": settings.out} | publish.given())
        target = Target.of("dataset", repo)
        # Before Prefect's server is told of them: an address with a password is none.
        for spec in (spec for specs in settings.asked.values() for spec in specs):
            parse_spec(spec)
        if report_url is not None and "@" in urlsplit(report_url).netloc:
            raise UsageError("--report-url: holds a user or a password (not shown here); Prefect would show it to all")
        if request.dry_run is None:
            token_of()
        names = gates.stand_ins_of(stand_ins(settings), audio=request.audio)
        gates.check_stand_ins(settings.out, names, request.allow_stand_ins)
        return cls(settings, request, target, more, tokens, report_url)


def check_night(parameters: dict[str, Any]) -> None:
    """Raise UsageError or KameError, one line, where no night could be done with these parameters of the flow."""
    Night.of(
        parameters["repo"],
        parameters["out"],
        parameters.get("more", 100),
        BuildForm(**parameters["build"]),
        TokensForm(**parameters["tokens"]),
        PublishForm(**parameters["publish"]),
        parameters.get("report_url"),
    )


class Hands(Protocol):
    """Carries a night out, and shows what comes of it: Prefect, by `kame_flows.nightly`."""

    def step(self, name: str, work: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
        """Do `work` with these arguments as the step of that name; returns its result."""

    def build(self, build: Build, progress: BuildProgress) -> Manifest:
        """Run a build that is prepared (`kame_data.engine.run.run`), and accept fewer dialogues than its target."""

    def token_maker(self, runner: RunnerSettings, settings: TokenSettings) -> MakeParts:
        """The function that makes token parts."""

    def say(self, line: str) -> None:
        """A line for the log of the night."""

    def show_text(self, key: str, description: str, markdown: str) -> None:
        """Show a text."""

    def show_table(self, key: str, description: str, rows: list[dict[str, Any]]) -> None:
        """Show a table."""

    def show_link(self, key: str, description: str, url: str, text: str) -> None:
        """Show a link."""


def run_night(night: Night, hands: Hands) -> str:
    """Do the night, and say in a line what it came to. Raises KameError for what stops it."""
    out, notes = night.settings.out, SpendNotes(night.settings.out)
    with hold(out, for_steps=True):
        build, goal, listing = hands.step("grow", grow, night, hands)
        hands.say(f"{out}: {goal}")
        before = notes.total()
        manifest = build_on(build, hands)
        hands.step("tokens", make_token_shards, night, hands)
        spent = f"${notes.total() - before:.4f} this night, ${notes.total():.4f} in all spent on models"
        tokens = TokenManifest.find(out) if night.request.audio else None
        counts = _counts(manifest, listing)
        if listing is not None and listing.get("build") == build_digest(manifest, tokens, audio=night.request.audio):
            why = f"no more than {goal}" if goal.reached else "nothing was accepted of what is new"
            outcome = f"nothing new: {why}; what was published last stays"
            _show_outcome(hands, f"{outcome.capitalize()}.\n\n{counts}\n\n{spent}")
            return outcome
        checked = hands.step("verify", check_build, night.request)
        link = hands.step("report", report, night, hands)
        hands.step("quality", judge, night, checked, hands)
        done = hands.step(f"publish {night.target.name}", publish, night, checked)
    accepted = manifest.dialogues.accepted
    outcome = f"{accepted} dialogues published to {done.folder if isinstance(done, Written) else done.url}"
    spend = [{"dialogues": accepted} | row for row in notes.rows()] or [{"dollars": 0.0}]
    hands.show_table("kame-spend", spent, spend)
    curve = "\n".join(f"| {row['level']} | {row['count']} | {row['chrF']} |" for row in level_rows(checked))
    _show_outcome(
        hands,
        f"{outcome} ({goal}).\n\n{counts}\n\n| level | oracles | chrF |\n| --- | --- | --- |\n{curve}\n\n"
        f"{spent}\n\n[report]({link})",
    )
    return outcome


def show_failure(hands: Hands, error: Exception) -> None:
    """Show why a night failed."""
    _show_outcome(hands, f"**Failed**: {error}\n\nNothing was published; what was published last stays.")


def grow(night: Night, hands: Hands) -> tuple[Build, Goal, dict[str, Any] | None]:
    """Find out how far this night is to go: its build, the goal, and the listing of what was published last."""
    build, taken = take_in_new_rows(Build(night.settings))
    if taken:
        hands.say(f"{', '.join(taken)}: has new rows")
    build.check()
    with Uploads(False) as uploads:
        listing = last_published(night.request, night.target, uploads)
    goal = goal_of(build, listing, night.more)
    return Build(goal.of(night.settings), build.identity), goal, listing


def build_on(build: Build, hands: Hands) -> Manifest:
    """Build as far as the settings say; returns the manifest."""
    for line in terms(build.settings):
        hands.say(f"licence: {line}")
    with BuildBars(build.settings.progress) as bars:
        return complete(build, bars, lambda: hands.build(build, bars))


def make_token_shards(night: Night, hands: Hands) -> None:
    """Make the token shards, where the night wants some."""
    given = night.tokens.given()
    if "codec" in given:
        settings = TokenSettings.model_validate(given | {"workers": night.settings.workers})
        with Bars(night.settings.progress) as bars:
            make_tokens(night.settings.out, settings, bars, hands.token_maker(night.settings.runner, settings))


def report(night: Night, hands: Hands) -> str:
    """Write the report, and show a link to it; returns the link."""
    done = write_report(night.settings.out)
    link = night.report_url or done.path.as_uri()
    hands.show_link("kame-report", f"{done.of} dialogues", link, "report.html")
    return link


def judge(night: Night, checked: Checked, hands: Hands) -> None:
    """Raise KameError where the oracles of a level do not say more of the answer than those of the one below."""
    hands.show_table("kame-levels", "The level curve", level_rows(checked))
    check_levels(checked, night.request)


def publish(night: Night, checked: Checked) -> Published | Written:
    """Publish the build."""
    with Uploads(night.settings.progress) as uploads:
        return deliver(checked, night.request, night.target, uploads)


def level_rows(checked: Checked) -> list[dict[str, Any]]:
    """The level curve as rows of a table."""
    head, *lines = checked.facts.curve.table()
    return [dict(zip(head, line, strict=True)) for line in lines]


def _counts(manifest: Manifest, listing: dict[str, Any] | None) -> str:
    before = listing["dialogues"]["by_source"] if listing else {}
    lines = [
        f"| {row['source']} | {row['kept']} | {before.get(row['source'], 0)} | {row['dialogues']} |"
        for row in manifest.source_rows()
    ]
    return "\n".join(["| source | questions | published before | dialogues now |", "| --- " * 4 + "|", *lines])


def _show_outcome(hands: Hands, markdown: str) -> None:
    hands.show_text("kame-night", "What the night came to", markdown)
