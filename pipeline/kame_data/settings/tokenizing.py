"""The settings of the tokens stage."""

from typing import Annotated, ClassVar

from pydantic import Field

from kame_data.settings.branch import Branch, Flag, Spec, Tree
from kame_data.settings.tree import AtLeastOne, RunnerSettings


class CodecSettings(Branch):
    """The codec and the tokenizer of token shards, and where the codec runs."""

    codec: Annotated[
        Spec,
        Flag("--codec"),
        Field(
            description="mimi (from the Hub), a file of Mimi's weights, or, with random weights, untrained or "
            "untrained-small."
        ),
    ] = "mimi"
    tokenizer: Annotated[
        Spec,
        Flag("--tokenizer"),
        Field(description="kyutai (from the Hub), sample (a small one, bundled), or a SentencePiece model file."),
    ] = "kyutai"
    device: Annotated[str, Flag("--device"), Field(description="Where the codec runs: auto, cpu, cuda or cuda:N.")] = (
        "auto"
    )


class TokenSettings(CodecSettings, Tree):
    """All settings of the tokens stage."""

    environment: ClassVar[str] = "KAME_DATA_TOKENS_"
    example: ClassVar[str] = "runner.task_seconds=20"
    of_builds: ClassVar[tuple[str, ...]] = ("runner", "progress")

    workers: Annotated[
        AtLeastOne | None, Flag("--workers"), Field(description="Processes on the CPU; a core each by default.")
    ] = None
    runner: RunnerSettings = RunnerSettings()
    progress: Annotated[bool, Flag("--progress/--no-progress"), Field(description="Show how the work goes on.")] = True
