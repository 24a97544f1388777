"""The one settings tree: defaults, a YAML file over them, the environment over that, flags over all.

What a setting does to a build follows from the stage that reads it: a part's fingerprint holds just the settings its
stage reads (`kame_data.engine.stages`), so `out`, `limit`, `workers` and the like change no part.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from kame_data.levels import ALL_LEVELS, CUTS, TRUTH, LevelSchedule, parse_levels
from kame_data.settings.branch import Branch, Distribution, Flag, Location, MachinePath, Place, Tree, uniform
from kame_data.settings.latency import LatencySettings
from kame_data.settings.speech import SpeechSettings
from kame_data.settings.writing import WritingSettings
from kame_data.storage.local import LocalPath

AtLeastOne = Annotated[int, Field(ge=1)]
Wait = Annotated[float, Field(gt=0, le=86_400)]
"""Seconds to wait or to work: a day at the most, which every clock and timer can count."""
LLM_HELP = "Writer and simulator at once: offline, openai:MODEL[@URL] or anthropic:MODEL[@URL]."
"""The explanation of `llm`, which is short for both settings of that value."""


class SourceSettings(Branch):
    """The place of a source's rows: `location` is a Hub id or a local file; None is the source's own Hub id."""

    name: str
    location: Location | None = None

    @classmethod
    def parse(cls, text: str) -> "SourceSettings":
        """`gsm8k` or `gsm8k=HUB_ID_OR_FILE`."""
        name, equals, location = text.partition("=")
        return cls(name=name.strip(), location=location.strip() if equals else None)

    def __str__(self) -> str:
        """The text that `parse` takes."""
        return self.name if self.location is None else f"{self.name}={self.location}"


IMPORTED = "imported"
"""The source of dialogues that were recorded already: nothing of it is written or spoken."""


class ImportedSettings(Branch):
    """Settings of reading a folder of recorded dialogues.

    `assistant`: the speaker, of `A` (left) and `B` (right), whose side the model is to learn. `language` None is the
    one of `languages`. `resample`: bring sound of another rate to 24 kHz, where it is refused otherwise.
    """

    assistant: Annotated[
        Literal["A", "B"],
        Flag("--assistant", metavar="A|B", only="import"),
        Field(description="Whose side the model is to learn: A is left, B is right."),
    ] = "A"
    language: str | None = None
    resample: Annotated[
        bool,
        Flag("--resample", only="import"),
        Field(description="Bring sound of another rate to 24 kHz; it is refused otherwise."),
    ] = False


class EarlySettings(Branch):
    """Settings of answers that begin before the true answer is known; off by themselves.

    `share`: the share of dialogues in which the assistant begins one answer early, with the oracle that has come by
    then, and mends it where that was wrong. `unheard`: the words at the end of the user's turn that this oracle has not
    heard (half of the turn at the most). `unsure`: the share of early starts that begin in doubt ("I think").
    `filler`: the share of the other answers that wait for the true answer behind a few words ("let me think").
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    unheard: Distribution = uniform(2, 10)
    unsure: Annotated[float, Field(ge=0, le=1)] = 0.4
    filler: Annotated[float, Field(ge=0, le=1)] = 0.0

    @field_validator("unheard")
    @classmethod
    def _within_a_turn(cls, words: Distribution) -> Distribution:
        if not 1 <= words.low <= words.high <= 200:
            raise ValueError("give words, from 1 to 200")
        return words

    @property
    def wanted(self) -> bool:
        """Tell whether any answer is to begin so."""
        return bool(self.share or self.filler)


class DuplexSettings(Branch):
    """Settings of what is decided in words of a duplex conversation, with the dialogue; all are off by themselves.

    `hesitation`: the share of the places in a user's turn where a person might hesitate that get a hesitation word.
    `user_back_channel`, `assistant_back_channel`: the share of the other side's longer turns in which one says a
    back-channel. `barge_in`: the share of dialogues in which the user interrupts the assistant.
    """

    hesitation: Annotated[float, Field(ge=0, le=1)] = 0.0
    user_back_channel: Annotated[float, Field(ge=0, le=1)] = 0.0
    assistant_back_channel: Annotated[float, Field(ge=0, le=1)] = 0.0
    barge_in: Annotated[float, Field(ge=0, le=1)] = 0.0
    early: EarlySettings = EarlySettings()


class SttSettings(Branch):
    """Settings of the recogniser: `noise` is the share of words heard wrong, `revised` the share of those that
    the transcript puts right a few words later."""

    noise: Annotated[
        float,
        Flag("--stt-noise", metavar="SHARE"),
        Field(ge=0, le=0.5, description="Share of the user's words that the back end hears wrong."),
    ] = 0.0
    revised: Annotated[float, Field(ge=0, le=1)] = 0.6


class ShardSettings(Branch):
    """Settings of shards: rows in a file, rows in a row group (small, as the Hub's viewer reads whole groups)."""

    rows: Annotated[int, Field(ge=1)] = 2000
    row_group: Annotated[int, Field(ge=1)] = 100


class LlmSettings(Branch):
    """Settings of asking models. What can change an answer comes first; the rest says only how the work is run.

    `temperature` None is the model's own. `writer_tokens`, `oracle_tokens`: the most that an answer may have.
    `pictures`: whether the writer can see; None goes by its name. Times are seconds; `budget` is in dollars, for all
    runs of the build together; `prices` are dollars a million tokens, over the table's: {model: {input, output[,
    cached][, batch]}}. `rpm`, `tpm`: requests and tokens a minute for a model; None keeps to what its headers say.
    `trial`: the build stops when the first so many texts (dialogues, or requests for oracles) that a stage wants of a
    model are all refused, three samples of each; until one is kept, no more are asked for.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.8
    writer_tokens: Annotated[int, Field(ge=1)] = 1200
    oracle_tokens: Annotated[int, Field(ge=1)] = 120
    pictures: bool | None = None

    mode: Annotated[
        Literal["online", "batch"],
        Flag("--llm-mode"),
        Field(description="online: one by one; batch: by the provider's batch jobs, at half the price."),
    ] = "online"
    budget: Annotated[
        Annotated[float, Field(ge=0)] | None,
        Flag("--budget"),
        Field(description="Dollars that all runs of this build may spend on models together."),
    ] = None
    prices: dict[str, dict[str, float]] = Field(default_factory=dict)
    concurrency: Annotated[int, Field(ge=1)] = 128
    rpm: Annotated[float, Field(gt=0)] | None = None
    tpm: Annotated[float, Field(gt=0)] | None = None
    timeout: Wait = 120.0
    attempts: Annotated[int, Field(ge=1)] = 8
    stall: Wait = 300.0
    poll: Wait = 60.0
    trial: AtLeastOne = 30


class RunnerSettings(Branch):
    """Settings of where parts are made; they change nothing in the parts.

    `kind`: processes of this machine, or the workers of a Dask or Ray cluster. `address`: the cluster's, as in
    tcp://HOST:8786 (Dask), HOST:6379 or ray://HOST:10001 (Ray). `task_seconds`: about how long a task should take; it
    makes as many parts as fill that time. `gpus`: GPUs that a task asks for whose work a model on a GPU does; None is 1
    for a voice of Coqui's, none for espeak.
    """

    kind: Annotated[
        Literal["local", "dask", "ray"],
        Flag("--runner"),
        Field(description="Where parts are made: local, or the workers of a cluster: dask, ray."),
    ] = "local"
    address: Annotated[
        str | None,
        Flag("--address"),
        Field(description="The cluster: tcp://HOST:8786 (Dask), HOST:6379 or ray://HOST:10001 (Ray)."),
    ] = None
    task_seconds: Wait = 5.0
    gpus: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "RunnerSettings":
        if self.kind == "local" and self.address:
            raise ValueError("an address is of a cluster; give --runner dask or --runner ray with it")
        if self.kind != "local" and not self.address:
            raise ValueError(f"--runner {self.kind} wants the --address of a cluster that runs; see docs/CLUSTERS.md")
        return self


OF_THE_ANSWERS = {"temperature", "writer_tokens", "oracle_tokens", "pictures"}
"""The settings of `LlmSettings` that can change what a model answers."""


class Settings(Tree):
    """All settings of a build."""

    environment: ClassVar[str] = "KAME_DATA_"
    example: ClassVar[str] = "latency.poll=0.5"
    recipes: ClassVar[str | None] = "data/recipes"

    out: Annotated[Place, Flag("--out"), Field(description="Folder of the build, or its URL: s3://bucket/folder.")] = (
        LocalPath("out")
    )
    seed: Annotated[int, Flag("--seed"), Field(description="Seed of every draw.")] = 0
    sources: Annotated[
        tuple[SourceSettings, ...],
        Flag("--source", metavar="NAME[=HUB_ID_OR_FILE]", many=True, never=("import",)),
        Field(
            min_length=1,
            description="mmlu_pro, gsm8k, hssbench, questions or imported, repeatable; '=sample' takes the bundled "
            "sample.",
        ),
    ] = tuple(SourceSettings(name=n) for n in ("mmlu_pro", "gsm8k", "hssbench"))
    languages: Annotated[
        tuple[str, ...],
        Flag("--languages"),
        Field(min_length=1, description="Languages to keep, as in en or en,fr."),
    ] = ("en",)
    limit: Annotated[AtLeastOne | None, Flag("--limit"), Field(description="Accepted questions a source.")] = None
    target: Annotated[
        AtLeastOne | None,
        Flag("--target", never=("import",)),
        Field(description="Accepted dialogues in all, by adding variants."),
    ] = None
    max_variants: Annotated[
        int,
        Flag("--max-variants", never=("import",)),
        Field(ge=1, description="Most variants of a question for --target."),
    ] = 10
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.02
    imported: ImportedSettings = ImportedSettings()

    levels: Annotated[tuple[int, ...], Flag("--levels"), Field(description="Hint levels, as in 0-5 or 0,3,5.")] = (
        ALL_LEVELS
    )
    schedule: Annotated[
        Literal["progressive", "grid"],
        Flag("--schedule"),
        Field(description="progressive: each prefix its level; grid: every level at every prefix."),
    ] = "progressive"
    cuts: tuple[float, ...] = CUTS
    prefix_every: Annotated[
        int, Flag("--prefix-every"), Field(ge=1, description="Words from one prefix to the next.")
    ] = 2

    writer: Annotated[
        str, Flag("--writer", never=("import",)), Field(description="Writes the dialogues; over --llm.")
    ] = "offline"
    simulator: Annotated[str, Flag("--simulator"), Field(description="Writes the oracles; over --llm.")] = "offline"
    back_end: Annotated[
        str | None,
        Flag("--back-end", metavar="SPEC"),
        Field(description="Answers at level 0, without a hint: the model of run time; else --simulator."),
    ] = None
    prompts: Annotated[
        MachinePath | None,
        Flag("--prompts"),
        Field(description="Folder of own prompts, which go before the bundled ones of the same name."),
    ] = None
    ledger: Annotated[
        MachinePath | None, Flag("--ledger"), Field(description="Folder of the paid answers, outside OUT.")
    ] = None
    llm: LlmSettings = LlmSettings()

    writing: WritingSettings = WritingSettings()
    duplex: DuplexSettings = DuplexSettings()
    stt: SttSettings = SttSettings()
    speak: Annotated[
        bool, Flag("--speech/--no-speech"), Field(description="Speak the dialogues, or write text alone.")
    ] = True
    speech: SpeechSettings = SpeechSettings()
    latency: LatencySettings = LatencySettings()
    shards: ShardSettings = ShardSettings()

    part_size: Annotated[int, Field(ge=1)] = 128
    workers: Annotated[
        AtLeastOne | None,
        Flag("--workers"),
        Field(description="Parts in work at once; a core each by default."),
    ] = None
    runner: RunnerSettings = RunnerSettings()
    pilot: Annotated[
        AtLeastOne | None,
        Flag("--pilot"),
        Field(description="Dialogues to build and judge first; goes on if they hold and the cost fits --budget."),
    ] = None
    max_refused: Annotated[float, Field(ge=0, le=1)] = 0.2
    progress: bool = True

    @field_validator("levels", mode="before")
    @classmethod
    def _levels(cls, value: Any) -> Any:
        items = (value,) if isinstance(value, str | int) else value
        if not isinstance(items, list | tuple):
            raise ValueError("give levels, as in 0-5")
        return parse_levels(",".join(str(item) for item in items))

    @field_validator("sources", mode="before")
    @classmethod
    def _sources(cls, value: Any) -> Any:
        if isinstance(value, dict):
            value = [SourceSettings(name=name, location=location) for name, location in value.items()]
        if not isinstance(value, list | tuple):
            raise ValueError("give a list of sources")
        return tuple(SourceSettings.parse(i) if isinstance(i, str) else i for i in value)

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        self.level_schedule()
        names = [source.name for source in self.sources]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"source {twice} is given twice; give each once (a folder of files is one source)")
        if IMPORTED in names:
            self._check_imported()
        self._check_early()
        return self

    def _check_early(self) -> None:
        early, policy = self.duplex.early, self.latency.policy
        share, filler = f"duplex.early.share {early.share:g}", f"duplex.early.filler {early.filler:g}"
        if early.share and self.levels[0] == TRUTH:
            raise ValueError(f"{share}: there is no early oracle in level {TRUTH} alone; add a lower level")
        if early.share and policy in ("final", "none"):
            raise ValueError(
                f"{share}: no oracle comes before the turn's end by latency.policy {policy}; use poll or overlap"
            )
        if early.filler and policy == "none":
            raise ValueError(f"{filler}: no oracle comes to wait for by latency.policy none; use another one")

    def _check_imported(self) -> None:
        language = self.imported.language
        if language is None and len(self.languages) > 1:
            raise ValueError(f"languages {', '.join(self.languages)}: set imported.language to the dialogues' own")
        if language is not None and language not in self.languages:
            raise ValueError(f"imported.language {language}: is none of the languages {', '.join(self.languages)}")
        if self.target is not None:
            raise ValueError(f"target {self.target}: recorded dialogues have no further variants; use limit")

    @property
    def writes(self) -> bool:
        """Tell whether any source's dialogues are to be written and spoken, and not all are imported."""
        return any(source.name != IMPORTED for source in self.sources)

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """The specs of what makes the text of each stage that may ask models; of `oracles`, level 0's comes last."""
        oracles = (self.simulator, self.back_end or self.simulator)
        return ({"dialogues": (self.writer,)} if self.writes else {}) | {"oracles": oracles}

    def asks(self, stage: str) -> bool:
        """Tell whether the stage asks a model at all."""
        return any(spec != "offline" for spec in self.asked.get(stage, ()))

    @property
    def imported_language(self) -> str:
        """The language of the imported dialogues."""
        return self.imported.language or self.languages[0]

    def level_schedule(self) -> LevelSchedule:
        """The prefixes and levels that these settings call for."""
        return LevelSchedule(self.levels, self.schedule, self.prefix_every, self.cuts)
