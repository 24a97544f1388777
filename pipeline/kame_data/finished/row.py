"""A row of a shard, typed: its columns as plain values, and what follows from them, each stated once.

Only the columns that were read have values; any other raises AttributeError. Times are seconds from the start of the
sound. They are typed as those of a row that has them: of a row without speech all are None, until
`kame_data.finished.reckoned` gives it times.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Self

import pyarrow as pa

from kame_data.errors import KameError
from kame_data.records import Form, Role, SituationKind, Split, StartKind, is_cut_off
from kame_data.shards.holes import holes_of
from kame_data.shards.schema import EARLY, SHARD


class RowTurn(NamedTuple):
    """A turn: what was said, and what would have been said had nobody interrupted and it had not begun early."""

    role: Role
    text: str
    intended_text: str
    start: float
    end: float

    @property
    def interrupted(self) -> bool:
        """Tell whether the other side barged in, so that only the beginning was said."""
        return is_cut_off(self.text, self.intended_text)


class RowWord(NamedTuple):
    """A word of turn `turn`, as it stands in the turn's text."""

    turn: int
    role: Role
    word: str
    start: float
    end: float


class RowOracle(NamedTuple):
    """An oracle; `heard`: when its prefix had been heard, `time`: when its first token came (None: never)."""

    turn: int
    prefix_words: int
    ratio: float
    level: int
    text: str
    heard: float
    time: float | None


class RowClaim(NamedTuple):
    """The short answer that turn `turn` of the assistant's gives, in spoken words."""

    turn: int
    text: str


class RowStart(NamedTuple):
    """See `kame_data.records.Start`."""

    turn: int
    asked: int
    kind: StartKind
    words: int
    lead: int
    mend: int
    prefix_words: int
    level: int


class RowTranscript(NamedTuple):
    """The transcript that the recogniser had of a prefix, where that is not what was said."""

    turn: int
    prefix_words: int
    text: str


class RowSituation(NamedTuple):
    """See `kame_data.records.Situation`."""

    kind: SituationKind
    turn: int
    start: float
    end: float


class Arrival(NamedTuple):
    """A moment at which oracles came: `oracles` are indices (several where levels are a grid); `until`: when the next
    ones came, or the dialogue ended if that was before (never before `time`)."""

    time: float
    until: float
    oracles: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Row:
    """A row of `kame_data.shards.schema.SHARD`; `audio` is its FLAC (b"" where the file lies elsewhere).

    Rows are the same where the same columns were read and hold the same. `starts` is () where it was not read, as most
    builds have no column for it.
    """

    id: str
    source: str
    question_id: str
    category: str
    language: str
    split: Split
    source_split: str
    form: Form
    answer: str
    choices: list[str]
    variant: int
    turns: tuple[RowTurn, ...]
    claims: tuple[RowClaim, ...]
    starts: tuple[RowStart, ...]
    words: tuple[RowWord, ...]
    oracles: tuple[RowOracle, ...]
    transcripts: tuple[RowTranscript, ...]
    situations: tuple[RowSituation, ...]
    audio: bytes | None
    duration: float | None
    audio_checks: dict[str, float | None] | None
    provenance: dict[str, str | None]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """The row of a mapping of its columns, or of some of them."""
        schema = pa.schema([field for field in SHARD if field.name in told])
        return next(iter(cls.of_table(pa.Table.from_pylist([told], schema=schema))))

    @classmethod
    def of_table(cls, table: pa.Table) -> Iterator[Self]:
        """The rows of a table of columns of SHARD, in order. Raises KameError for a row with a hole, see
        `kame_data.shards.holes`."""
        if holes := holes_of(table):
            number, hole = next(iter(holes.items()))
            name = table.column("id")[number].as_py() if "id" in table.column_names else f"number {number}"
            raise KameError(f"row {name}: {hole} is null or no number; build it again")
        lacking = [] if EARLY in table.column_names else [(EARLY, ())]
        for batch in table.combine_chunks().to_batches():
            columns = [_values(name, batch.column(name)) for name in batch.schema.names]
            for values in zip(*columns, strict=True):
                yield cls._holding([*zip(batch.schema.names, values, strict=True), *lacking])

    @classmethod
    def _holding(cls, columns: Iterable[tuple[str, Any]]) -> Self:
        row = object.__new__(cls)
        for name, value in columns:
            object.__setattr__(row, name, value)
        return row

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that were read."""
        return {name: getattr(self, name) for name in SHARD.names if hasattr(self, name)}

    def __eq__(self, other: object) -> bool:
        """See the class."""
        return isinstance(other, Row) and self.columns == other.columns

    def __repr__(self) -> str:
        """The columns that were read."""
        return f"Row({', '.join(f'{name}={value!r}' for name, value in self.columns.items())})"

    def having(self, **changed: Any) -> Self:
        """The row with other values of some columns."""
        return self._holding((self.columns | changed).items())

    @property
    def spoken(self) -> bool:
        """Tell whether it has speech, and so times."""
        return self.duration is not None

    @property
    def back_channels(self) -> frozenset[int]:
        """The turns that take no floor."""
        return frozenset(s.turn for s in self.situations if s.kind == "back_channel")

    @property
    def floor(self) -> list[int]:
        """The turns that take the floor, in order."""
        aside = self.back_channels
        return [number for number in range(len(self.turns)) if number not in aside]

    @property
    def answers(self) -> list[int]:
        """The turns of the assistant that are answers."""
        return [number for number in self.floor if self.turns[number].role == "assistant"]

    @property
    def answered_by(self) -> dict[int, int]:
        """By turn of the user's: the answer that follows; no entry where none does."""
        found: dict[int, int] = {}
        after: int | None = None
        for number in reversed(self.floor):
            if self.turns[number].role == "assistant":
                after = number
            elif after is not None:
                found[number] = after
        return found

    @property
    def truths(self) -> dict[int, str]:
        """By turn of the user's: what the assistant would say next, had nobody interrupted and it not begun early."""
        return {turn: self.turns[answer].intended_text for turn, answer in self.answered_by.items()}

    @property
    def right_answers(self) -> dict[int, str]:
        """By turn of the user's that is answered: the right answer, in short; "" where none is known."""
        claims = {claim.turn: claim.text for claim in self.claims}
        return {turn: claims.get(answer, self.answer) for turn, answer in self.answered_by.items()}

    @property
    def words_by_turn(self) -> dict[int, list[RowWord]]:
        """The words of each turn that has any, in order. Raises KameError for words of a turn that there is not."""
        found: dict[int, list[RowWord]] = {}
        for word in self.words:
            found.setdefault(word.turn, []).append(word)
        if strange := found.keys() - set(range(len(self.turns))):
            raise KameError(f"row {self.id}: has words of a turn {min(strange)}, which there is not; build it again")
        return found

    def words_of(self, role: Role) -> dict[int, list[RowWord]]:
        """The words of each of a speaker's turns that has any, in order of time."""
        own = [(turn, words) for turn, words in self.words_by_turn.items() if self.turns[turn].role == role]
        return dict(sorted(own, key=lambda item: item[1][0].start))

    @property
    def heard_as(self) -> dict[tuple[int, int], str]:
        """By (turn, words of the prefix): what the recogniser had made of it, where that is not what was said."""
        return {(t.turn, t.prefix_words): t.text for t in self.transcripts}

    @property
    def arrivals(self) -> list[Arrival]:
        """The arrivals of a row with times, in order of time."""
        at: dict[float, list[int]] = {}
        for number, oracle in enumerate(self.oracles):
            if oracle.time is not None:
                at.setdefault(oracle.time, []).append(number)
        times, end = sorted(at), self.duration or 0.0
        following = [*times[1:], end]
        return [
            Arrival(time, max(time, min(until, end)), tuple(at[time]))
            for time, until in zip(times, following, strict=False)
        ]


_STRUCTS: dict[str, Any] = {
    "turns": RowTurn,
    "claims": RowClaim,
    "starts": RowStart,
    "words": RowWord,
    "oracles": RowOracle,
    "transcripts": RowTranscript,
    "situations": RowSituation,
}


def _values(name: str, array: pa.Array) -> list[Any]:
    """The values of a column, a row each. A list of structs is read field by field, which is quick."""
    if name in _STRUCTS:
        offsets = array.offsets.to_numpy().tolist()
        flat = array.values.slice(offsets[0], offsets[-1] - offsets[0])
        fields = dict(zip((field.name for field in flat.type), flat.flatten(), strict=True))
        kind = _STRUCTS[name]
        made = list(map(kind, *(_plain(fields[field]) for field in kind._fields)))
        return [tuple(made[a - offsets[0] : b - offsets[0]]) for a, b in pairwise(offsets)]
    if name == "audio":
        return [None if value is None else value["bytes"] or b"" for value in array.to_pylist()]
    return _plain(array)


def _plain(array: pa.Array) -> list[Any]:
    if array.null_count == 0 and (pa.types.is_floating(array.type) or pa.types.is_integer(array.type)):
        return list(array.to_numpy(zero_copy_only=False).tolist())
    return list(array.to_pylist())
