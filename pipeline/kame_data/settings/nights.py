"""The settings of a build that grows night by night, and of the schedule of its nights."""

from typing import Annotated

from pydantic import Field

from kame_data.settings.branch import Flag, Spec
from kame_data.settings.publication import PublishSettings, Repo
from kame_data.settings.tokenizing import CodecSettings
from kame_data.settings.tree import Settings

LONGEST_INTERVAL_S = 366 * 86_400.0
"""The most seconds from one night to the next: a year."""

NightCodec = Annotated[
    Spec | None,
    Flag("--codec"),
    Field(description="Make token shards, too, by this codec: as for `kame-data tokens`."),
]


class NightTokens(CodecSettings):
    """The token shards that are made of each night's build; none without a codec."""

    codec: NightCodec = None  # type: ignore[assignment]


class NightSettings(Settings):
    """All settings of a night: those of the build that grows, and what becomes of it."""

    repo: Repo
    more: Annotated[
        int,
        Flag("--more"),
        Field(ge=1, description="Questions of each source that a run adds; with --target, dialogues in all."),
    ] = 100
    report_url: Annotated[
        str | None,
        Flag("--report-url", metavar="URL"),
        Field(description="Where a browser finds OUT/report.html, for the link to it."),
    ] = None
    tokens: NightTokens = NightTokens()
    publish: PublishSettings = PublishSettings()


class ScheduleSettings(NightSettings):
    """All settings of a schedule: those of its nights, and when they begin."""

    cron: Annotated[
        str | None,
        Flag("--cron", metavar="CRON"),
        Field(description="When runs begin: '0 3 * * *' is every night at three."),
    ] = None
    interval: Annotated[
        Annotated[float, Field(ge=1, le=LONGEST_INTERVAL_S)] | None,
        Flag("--interval", metavar="SECONDS"),
        Field(description="Seconds from one run to the next, instead of --cron."),
    ] = None
    timezone: Annotated[
        str | None,
        Flag("--timezone", metavar="ZONE"),
        Field(description="Of --cron, as in Europe/Berlin; this machine's by default."),
    ] = None
    name: Annotated[str, Flag("--name"), Field(description="The deployment's name in Prefect, behind 'nightly/'.")] = (
        "kame-data"
    )
