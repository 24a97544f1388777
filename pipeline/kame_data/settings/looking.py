"""The settings of the commands that look at a finished build: report, replay, export."""

from typing import Annotated, ClassVar

from pydantic import Field

from kame_data.settings.branch import Flag, Tree


class ReplaySettings(Tree):
    """The settings of a dialogue that is shown second by second."""

    environment: ClassVar[str] = "KAME_DATA_REPORT_"
    example: ClassVar[str] = "tokenizer=sample"

    tokenizer: Annotated[
        str | None,
        Flag("--tokenizer", metavar="SPEC"),
        Field(description="Counts tokens: kyutai, sample or a SentencePiece model; by default that of OUT/tokens."),
    ] = None


class ReportSettings(ReplaySettings):
    """The settings of a report. `dialogue`: ids that are in it with their sound before any is drawn."""

    dialogues: Annotated[int, Flag("--dialogues"), Field(ge=0, description="Dialogues to draw into the page.")] = 1000
    audio: Annotated[
        int, Flag("--audio"), Field(ge=0, description="Dialogues of these to embed with their sound, as far as fits.")
    ] = 48
    dialogue: Annotated[
        tuple[str, ...],
        Flag("--dialogue", metavar="ID", many=True),
        Field(description="Dialogue to embed with its sound; repeatable."),
    ] = ()


class ExportSettings(Tree):
    """The settings of an export in another layout."""

    environment: ClassVar[str] = "KAME_DATA_EXPORT_"
    example: ClassVar[str] = "level=3"

    layout: Annotated[
        str,
        Flag("--to", metavar="LAYOUT"),
        Field(description="kame-finetune, kame-finetune-parquet, moshi-finetune, webdataset or jsonl."),
    ]
    times: Annotated[
        str | None,
        Flag("--times", metavar="heard|arrival"),
        Field(
            description="Where kame-finetune's oracles stand: where their prefix had been heard (all of them), or "
            "where they arrived (those that did)."
        ),
    ] = None
    level: Annotated[
        int | None,
        Flag("--level"),
        Field(description="Of a grid build, the one level; by the progressive schedule unless told so."),
    ] = None
