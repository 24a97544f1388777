"""The one settings tree: defaults, a YAML file over them, the environment over that, flags over all.

What a setting does to a build follows from the stage that reads it: a part's fingerprint holds just the settings its
stage reads (`pipeline.stages`), so `out`, `limit`, `workers` and the like change no part.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.levels import ALL_LEVELS, CUTS, LevelSchedule, parse_levels
from pipeline.settings_room import Distribution, Place, Room
from pipeline.speech.settings import SpeechSettings


class SourceSettings(Room):
    """Where a source's rows are: `location` is a Hub id or a local file; None is the source's own Hub id."""

    name: str
    location: str | None = None

    @classmethod
    def parse(cls, text: str) -> "SourceSettings":
        """`gsm8k` or `gsm8k=HUB_ID_OR_FILE`."""
        name, equals, location = text.partition("=")
        return cls(name=name.strip(), location=location.strip() if equals else None)


IMPORTED = "imported"
"""The source of dialogues that were recorded already: nothing of it is written or spoken."""


class ImportedSettings(Room):
    """How a folder of recorded dialogues is read.

    `assistant`: the speaker, of `A` (left) and `B` (right), whose side the model is to learn. `language` None is the
    one of `languages`. `resample`: bring sound of another rate to 24 kHz, where it is refused otherwise.
    """

    assistant: Literal["A", "B"] = "A"
    language: str | None = None
    resample: bool = False


class LatencySettings(Room):
    """The delays of the replayed back end, in seconds; see `pipeline.backend` for where the presets come from.

    `preset` names the numbers; each can be set by itself over it (None keeps the preset's).
    """

    preset: Literal["ideal", "fast", "typical", "slow"] = "typical"
    stt_lag: Distribution | None = None
    stt_final: float | None = None
    poll: float | None = None
    first_token: Distribution | None = None


class DuplexSettings(Room):
    """What of a duplex conversation is decided in words, with the dialogue; all are off by themselves.

    `hesitation`: the share of the places in a user's turn where a person might hesitate that get a hesitation word.
    `user_back_channel`, `assistant_back_channel`: the share of the other side's longer turns in which one says a
    back-channel. `barge_in`: the share of dialogues in which the user interrupts the assistant.
    """

    hesitation: Annotated[float, Field(ge=0, le=1)] = 0.0
    user_back_channel: Annotated[float, Field(ge=0, le=1)] = 0.0
    assistant_back_channel: Annotated[float, Field(ge=0, le=1)] = 0.0
    barge_in: Annotated[float, Field(ge=0, le=1)] = 0.0


class SttSettings(Room):
    """How well the user is transcribed: `noise` is the share of words heard wrong, `revised` the share of those that
    the transcript puts right a few words later."""

    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    revised: Annotated[float, Field(ge=0, le=1)] = 0.6


class ShardSettings(Room):
    """How shards are cut: rows a file, rows a row group (small, as the Hub's viewer reads whole groups)."""

    rows: Annotated[int, Field(ge=1)] = 2000
    row_group: Annotated[int, Field(ge=1)] = 100


class LlmSettings(Room):
    """How models are asked. What can change an answer comes first; the rest says only how the work is run.

    `temperature` None is the model's own. `writer_tokens`, `oracle_tokens`: the most that an answer may have.
    `pictures`: whether the writer can see; None goes by its name. Times are seconds; `budget` is in dollars, for all
    runs of the build together; `prices` are dollars a million tokens, over the table's: {model: {input, output[,
    cached][, batch]}}. `rpm`, `tpm`: requests and tokens a minute for a model; None keeps to what its headers say.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.8
    writer_tokens: Annotated[int, Field(ge=1)] = 1200
    oracle_tokens: Annotated[int, Field(ge=1)] = 120
    pictures: bool | None = None

    mode: Literal["online", "batch"] = "online"
    budget: Annotated[float, Field(ge=0)] | None = None
    prices: dict[str, dict[str, float]] = Field(default_factory=dict)
    concurrency: Annotated[int, Field(ge=1)] = 128
    rpm: Annotated[float, Field(gt=0)] | None = None
    tpm: Annotated[float, Field(gt=0)] | None = None
    timeout: Annotated[float, Field(gt=0)] = 120.0
    attempts: Annotated[int, Field(ge=1)] = 8
    stall: Annotated[float, Field(gt=0)] = 300.0
    poll: Annotated[float, Field(gt=0)] = 60.0


class RunnerSettings(Room):
    """Where parts are made; of no influence on what they hold.

    `kind`: processes of this machine, or the workers of a Dask or Ray cluster. `address`: the cluster's, as in
    tcp://HOST:8786 (Dask), HOST:6379 or ray://HOST:10001 (Ray). `task_seconds`: about how long a task should take; it
    makes as many parts as fill that time. `gpus`: GPUs that a task asks for whose work a model on a GPU does; None is 1
    for a voice of Coqui's, none for espeak.
    """

    kind: Literal["local", "dask", "ray"] = "local"
    address: str | None = None
    task_seconds: Annotated[float, Field(gt=0)] = 5.0
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


class Settings(Room):
    """All settings of a build."""

    out: Place = Path("out")
    seed: int = 0
    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1)] = tuple(
        SourceSettings(name=n) for n in ("mmlu_pro", "gsm8k", "hssbench")
    )
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    limit: Annotated[int, Field(ge=1)] | None = None
    target: Annotated[int, Field(ge=1)] | None = None
    max_variants: Annotated[int, Field(ge=1)] = 10
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.02
    imported: ImportedSettings = ImportedSettings()

    levels: tuple[int, ...] = ALL_LEVELS
    schedule: Literal["progressive", "grid"] = "progressive"
    cuts: tuple[float, ...] = CUTS
    prefix_every: Annotated[int, Field(ge=1)] = 2

    writer: str = "offline"
    simulator: str = "offline"
    prompts: Path | None = None
    ledger: Path | None = None
    llm: LlmSettings = LlmSettings()

    duplex: DuplexSettings = DuplexSettings()
    stt: SttSettings = SttSettings()
    speak: bool = True
    speech: SpeechSettings = SpeechSettings()
    latency: LatencySettings = LatencySettings()
    shards: ShardSettings = ShardSettings()

    part_size: Annotated[int, Field(ge=1)] = 128
    workers: Annotated[int, Field(ge=1)] | None = None
    runner: RunnerSettings = RunnerSettings()
    pilot: Annotated[int, Field(ge=1)] | None = None
    max_refused: Annotated[float, Field(ge=0, le=1)] = 0.2
    progress: bool = True

    @field_validator("levels", mode="before")
    @classmethod
    def _levels(cls, value: Any) -> Any:
        items = (value,) if isinstance(value, str | int) else value
        return parse_levels(",".join(str(item) for item in items))

    @field_validator("sources", mode="before")
    @classmethod
    def _sources(cls, value: Any) -> Any:
        if isinstance(value, dict):
            value = [SourceSettings(name=name, location=location) for name, location in value.items()]
        return tuple(SourceSettings.parse(i) if isinstance(i, str) else i for i in value)

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        self.level_schedule()
        names = [source.name for source in self.sources]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"source {twice} is given twice; give each once (a folder of files is one source)")
        if IMPORTED in names:
            self._check_imported()
        return self

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
        """Whether any source's dialogues are to be written and spoken, and not all are imported."""
        return any(source.name != IMPORTED for source in self.sources)

    @property
    def imported_language(self) -> str:
        """The language of the imported dialogues."""
        return self.imported.language or self.languages[0]

    def level_schedule(self) -> LevelSchedule:
        """The prefixes and levels that these settings call for."""
        return LevelSchedule(self.levels, self.schedule, self.prefix_every, self.cuts)
