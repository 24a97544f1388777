"""OUT/manifest.json: what a finished build holds and how it came about. The one definition of its fields.

`kame_data.engine.manifest` makes it; whoever reads a build reads it here. A manifest that an earlier version wrote is
read as that version meant it, or told apart in one line.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
)

from kame_data.errors import KameError, UsageError
from kame_data.llm.accounts import SpendRow
from kame_data.records import Split
from kame_data.settings.earlier import as_now
from kame_data.settings.tree import OF_THE_ANSWERS, LlmSettings, Settings
from kame_data.storage.files import write_whole
from kame_data.storage.paths import AnyPath
from kame_data.storage.self_checksum import as_written, summed

_SUM = "manifest_sha256"
NOT_OF_THE_ROWS: dict[str, Any] = {
    **dict.fromkeys(("out", "workers", "runner", "progress", "max_refused", "ledger", "prompts", "pilot"), True),
    "llm": set(LlmSettings.model_fields) - OF_THE_ANSWERS,
}
"""Settings that say how the work is run, not what comes out."""


def rows_settings(settings: Settings) -> dict[str, Any]:
    """The settings that the rows come from, as the manifest states them."""
    return settings.model_dump(mode="json", exclude=NOT_OF_THE_ROWS)


def settings_table(settings: Settings) -> dict[str, str]:
    """`rows_settings` as text by dotted name; what is null is left out."""
    return dict(_flat(rows_settings(settings)))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{name}.{item.get('name', number) if isinstance(item, Mapping) else number}")
    elif isinstance(value, list):
        yield name, ", ".join(str(item) for item in value)
    elif value is not None:
        yield name, str(value)


Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Amount = Annotated[float, Field(ge=0, strict=True)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Stage = Annotated[str, Field(pattern="^[a-z_]{1,50}$")]
"""A stage by its name, which names files, too."""
Reasons = dict[str, Count]
"""Refusals by reason."""


class Held(BaseModel):
    """A piece of what a manifest holds: its values do not change, and its numbers are finite."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Listed(Held):
    """A file of a build; `frames` are those of a token shard."""

    path: Annotated[str, Field(pattern=r"^(shards|tokens)/[A-Za-z0-9_.-]{1,200}\.parquet$")]
    split: Split
    rows: Count
    frames: Count | None = None
    bytes: Count
    sha256: Sha256
    fingerprint: str


def _each_once(files: tuple[Listed, ...]) -> tuple[Listed, ...]:
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise ValueError(f"lists {file.path} twice")
        seen.add(file.path)
    return files


EachOnce = AfterValidator(_each_once)
"""The files of a build, none of them twice."""


class SourceFacts(Held):
    """Account of a source: its fingerprint, the one that it had `earlier` where new rows came to it, the rows that were
    read, the questions that were kept, and why the others were refused."""

    fingerprint: str = ""
    earlier: str = ""
    rows: Count
    kept: Count
    refused: Reasons


class DialogueCounts(Held):
    """Numbers of dialogues."""

    asked_for: Count
    accepted: Count
    by_split: dict[Split, Count]
    by_source: dict[str, Count]


class Spend(Held):
    """Spending of all runs of a build on models."""

    dollars: Amount
    by: tuple[SpendRow, ...]


class File(Held):
    """A manifest as a file that holds its own checksum; `as_written` tells whether the checksum is right."""

    name: ClassVar[str]
    missing: ClassVar[str]
    again: ClassVar[str]
    """Lines on a folder without it, and on the way to have it written again."""

    as_written: Annotated[bool, Field(exclude=True)] = True

    @classmethod
    def find(cls, out: AnyPath) -> Self | None:
        """The manifest of the build in OUT, None where there is none. Raises KameError, one line, for one that is
        damaged or that this version does not read."""
        try:
            held = json.loads((out / cls.name).read_text("utf-8"))
            written = as_written(held, _SUM)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            reason = error.strerror or str(error)
            raise KameError(
                f"{out / cls.name}: {reason}; make it readable, or delete it: {cls.again.format(out=out)}"
            ) from None
        except (ValueError, AttributeError, RecursionError):
            raise cls.damaged(out, "it is no JSON of a manifest") from None
        try:
            return cls.model_validate(held | {"as_written": written}, context={"out": out})
        except ValidationError as error:
            whole = written and "kame_data" in held
            fault = "was written by another version of kame-data" if whole else "is damaged"
            raise cls.damaged(out, first_fault(error), fault) from None

    @classmethod
    def read(cls, out: AnyPath) -> Self:
        """`find`, but raises UsageError where there is none."""
        if (found := cls.find(out)) is None:
            raise UsageError(cls.missing.format(out=out))
        return found

    @classmethod
    def damaged(cls, out: AnyPath, why: str, fault: str = "is damaged") -> KameError:
        """The error that says so, and the way out."""
        return KameError(f"{out / cls.name}: {fault} ({why}); {cls.again.format(out=out)}")

    def content(self) -> dict[str, Any]:
        """The fields that the file has, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True)

    def write(self, out: AnyPath) -> None:
        """Write it into OUT, with its checksum."""
        held = summed(self.content(), _SUM)
        write_whole(out / self.name, (json.dumps(held, indent=1, ensure_ascii=False) + "\n").encode())


def first_fault(error: ValidationError) -> str:
    """The first fault, and the field that has it."""
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{field} is missing"
    value = first["input"]
    shown = "" if isinstance(value, dict | list | tuple) else f" {value!r:.60}"
    return f"{field}{shown}: {first['msg'].removeprefix('Value error, ')}"


def _settings(held: Any, info: ValidationInfo) -> Any:
    return as_now(held, **(info.context or {}))


class Manifest(File):
    """Account of a finished build.

    `kame_data`: the version that made it. `terms`: of its voices' licences. `settings`: those that the rows come from
    (`rows_settings`); the others have their defaults. `oracles`: their number by level. `alignment`: the least, the
    fifth percentile and the median of the rows' scores. `refused`: by stage. `rejected`: checksums of the files of that
    folder, by stage. Where models were asked: `prompts`, their digests; `spend`; `asked_again`, drafts that were
    refused before one was accepted, by stage, and by level for oracles.
    """

    name = "manifest.json"
    missing = "{out}: holds no finished build (no manifest.json); `kame-data build --out {out}` makes or finishes one"
    again = "the same build command as before writes it again"

    kame_data: str
    stand_ins: tuple[str, ...]
    terms: tuple[str, ...] = ()
    settings: Annotated[Settings, BeforeValidator(_settings), PlainSerializer(rows_settings)]
    sources: dict[str, SourceFacts]
    dialogues: DialogueCounts
    oracles: dict[Annotated[int, Field(ge=0)], Count]
    seconds: Amount
    alignment: dict[str, float] = {}
    refused: dict[Stage, Reasons]
    shards: Annotated[tuple[Listed, ...], EachOnce]
    rejected: dict[Stage, Sha256] = {}
    prompts: dict[str, str] = {}
    spend: Spend | None = None
    asked_again: dict[str, Reasons] = {}

    @property
    def dollars(self) -> float:
        """Dollars that were spent on models."""
        return self.spend.dollars if self.spend else 0.0

    def source_rows(self) -> list[dict[str, Any]]:
        """The sources as rows of a table."""
        by_source = self.dialogues.by_source
        return [
            {"source": name, "rows": s.rows, "kept": s.kept, "dialogues": by_source.get(name, 0)}
            for name, s in self.sources.items()
        ]

    def begun_since(self, settings: Settings) -> str:
        """A line on the first setting of `settings`, of a later command in OUT, that is another than the build's; ""
        where the same rows come from both. The places of the sources are no matter, for their fingerprints tell."""
        made, begun = settings_table(self.settings), settings_table(settings)
        names = [name for name in made | begun if not name.startswith("sources.")]
        if (other := next((name for name in names if made.get(name) != begun.get(name)), None)) is None:
            return ""
        return (
            f"a build with {other} {begun.get(other, 'unset')} has begun there since the one of "
            f"{made.get(other, 'unset')} was finished; the same build command finishes it"
        )
