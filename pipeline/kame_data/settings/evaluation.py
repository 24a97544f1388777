"""The settings of an evaluation: the bench, the systems, who hears and who judges."""

from typing import Annotated, ClassVar

from pydantic import Field

from kame_data.settings.branch import Branch, Flag, MachinePath, Place
from kame_data.settings.tandem import ConversationSettings
from kame_data.settings.tree import AtLeastOne, LlmSettings, RunnerSettings
from kame_data.storage.local import LocalPath

Seconds = Annotated[float, Field(gt=0, le=3600)]


class TurnSettings(Branch):
    """Settings of when the user of an evaluation speaks, in seconds.

    `lead`: silence before the first question. An answer has ended after `silence` of the system; a system that has not
    spoken at all is waited for `patience`, and one that goes on is asked the next question after `cap`.
    """

    lead: Annotated[float, Field(ge=0, le=60)] = 0.5
    silence: Seconds = 2.0
    patience: Seconds = 10.0
    cap: Seconds = 60.0


class EvaluationSettings(ConversationSettings):
    """All settings of an evaluation.

    `samples`: ratings that each judge gives to an answer. `judge_tokens`: the most that a reply of a judge may have.
    """

    environment: ClassVar[str] = "KAME_DATA_EVALUATE_"
    example: ClassVar[str] = "turns.cap=30"
    recipes: ClassVar[str | None] = "data/recipes/evaluate"
    of_builds: ClassVar[tuple[str, ...]] = ("runner", "progress", "ledger")

    systems: Annotated[
        tuple[str, ...],
        Flag("--systems"),
        Field(min_length=1, description="Who answers: tandem, front-end, cascade, last-oracle, recordings:DIR."),
    ] = ("tandem", "front-end", "cascade", "last-oracle")
    bench: Annotated[
        str, Flag("--bench", metavar="NAME[:PLACE]"), Field(description="The questions: mt-bench, questions:FILE, ...")
    ] = "mt-bench"
    out: Annotated[Place, Flag("--out"), Field(description="Folder of the evaluation, or its URL.")] = LocalPath("eval")
    limit: Annotated[
        AtLeastOne | None, Flag("--limit"), Field(description="Questions at the most, some of each category.")
    ] = None
    repeats: Annotated[
        AtLeastOne, Flag("--repeats"), Field(le=100, description="Conversations of each system about each question.")
    ] = 1
    judges: Annotated[
        tuple[str, ...],
        Flag("--judge"),
        Field(min_length=1, description="Who rates: offline (rules), openai:MODEL[@URL] or anthropic:MODEL[@URL]."),
    ] = ("offline",)
    samples: Annotated[int, Field(ge=1, le=100)] = 1
    judge_tokens: AtLeastOne = 400
    asr: Annotated[
        str, Flag("--asr", metavar="SPEC"), Field(description="Who hears the answers: moonshine, faster-whisper:MODEL.")
    ] = "moonshine"
    ledger: Annotated[
        MachinePath | None, Flag("--ledger"), Field(description="Folder of the paid answers of judges, outside OUT.")
    ] = None
    workers: Annotated[
        AtLeastOne | None,
        Flag("--workers"),
        Field(description="Conversations at once; a core each by default."),
    ] = None
    turns: TurnSettings = TurnSettings()
    llm: LlmSettings = LlmSettings()
    runner: RunnerSettings = RunnerSettings()
    progress: Annotated[bool, Flag("--progress/--no-progress"), Field(description="Show how the work goes on.")] = True
