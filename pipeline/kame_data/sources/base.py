"""The base of every source: facts about a data set, and the way from one of its rows to a Question."""

import ast
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from kame_data import seeds
from kame_data.errors import Refusal
from kame_data.records import Picture, Question

Row = Mapping[str, Any]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Source(ABC):
    """One data set. A subclass fills in the facts and `question`, and is listed in `kame_data.engine.sources`.

    `hub_id` is "" where there is no data set on the Hub (the rows then come from a file); `config` is its
    configuration there ("" is every one it has); `splits` are the splits to read, in this order (empty is all).
    `columns` must be there; `optional` ones are read where they are. `multilingual` gives rows without a `language` the
    one that their file or configuration is named after. `pictures`: rows may name pictures that lie beside them.
    `whole` rows are not questions to be asked but dialogues in a folder that were spoken already. `licence` and
    `citation` (BibTeX, "" where there is none) are for a data set's card.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    hub_id: ClassVar[str] = ""
    config: ClassVar[str] = ""
    splits: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    multilingual: ClassVar[bool] = False
    pictures: ClassVar[bool] = False
    whole: ClassVar[bool] = False
    licence: ClassVar[str]
    citation: ClassVar[str]

    def own_rows(self, location: str | None) -> Iterator[Row] | None:
        """The rows of a source that reads its location itself, each with its `split`; None where they stand in files or
        on the Hub. Raises UsageError for a location that will not do."""
        return None

    def own_fingerprint(self, location: str | None) -> str | None:
        """One text for all that `own_rows` depend on; None, and errors, as there."""
        return None

    def picture(self, row: Row) -> Picture | None:
        """The picture of a row, for a source that has `pictures`. Raises Refusal(`bad_row`)."""
        return None

    @abstractmethod
    def question(self, row: Row, split: str) -> Question:
        """The row as a Question; `split` is the split of the source that it came from ("" if unknown).

        Raises Refusal: `bad_row` for a row of another shape, `missing_answer`, `several_answers`,
        `contradictory_answer`.
        """

    def own_id(self, row: Row) -> str:
        """The source's own id of the row, or a hash of its content; also for rows that are refused."""
        return seeds.digest(json.dumps(row, sort_keys=True, default=str))[:16]

    def record_id(self, row: Row) -> str:
        """The id of the row's Question: safe in file names, `<source>-<own id>`."""
        return f"{self.name}-{seeds.safe_id(self.own_id(row))}"


def text(row: Row, column: str, *, default: str | None = None) -> str:
    """The text in a column, stripped. None and a missing column are `default` where one is given.

    Raises Refusal `bad_row` for anything but text that can be written as UTF-8.
    """
    value = row.get(column)
    if (value is None or value != value) and default is not None:
        return default  # an empty cell is NaN where pandas wrote it
    if not isinstance(value, str):
        raise Refusal("bad_row", f"column '{column}' holds {_kind(value)}, not text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal("bad_row", f"column '{column}' holds half a character (a lone surrogate)") from None
    return value.replace("\0", "").strip()


def stem(row: Row, column: str = "question") -> str:
    """The question's text. Raises Refusal `bad_row` where there is none."""
    found = text(row, column)
    if not found:
        raise Refusal("bad_row", f"column '{column}' is empty")
    return found


def scalar(row: Row, column: str, *, default: str | None = None) -> str:
    """A column of text or whole numbers, as text. Raises Refusal `bad_row` for anything else."""
    value = row.get(column)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(row, column, default=default)


def integer(row: Row, column: str) -> int:
    """A whole number, also where it is written as text (CSV). Raises Refusal `bad_row` for anything else."""
    value = row.get(column)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Refusal("bad_row", f"column '{column}' holds {_kind(value)}, not a whole number")


def nested(row: Row, column: str) -> Any:
    """A list or object, also where it is written as JSON or as Python text (CSV files hold such).

    Returns the value as it stands where it is neither.
    """
    value = row.get(column)
    if isinstance(value, list) and value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
        return dict(value)  # an Arrow map
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        for parse in (json.loads, ast.literal_eval):
            try:
                return parse(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
    return value


def options(row: Row, column: str) -> tuple[str, ...]:
    """A list of at least one non-empty text. Raises Refusal `bad_row` for anything else."""
    value = nested(row, column)
    if not isinstance(value, list | tuple) or not value:
        raise Refusal("bad_row", f"column '{column}' holds {_kind(value)}, not a list of options")
    found = tuple(text({column: item}, column) for item in value)
    if not all(found):
        raise Refusal("bad_row", f"column '{column}' has an empty option")
    return found


def distinct(choices: tuple[str, ...]) -> tuple[str, ...]:
    """The choices without repetitions; none where fewer than two remain, for then there is nothing to choose."""
    kept = tuple(dict.fromkeys(choices))
    return kept if len(kept) > 1 else ()


def letter_index(letter: str) -> int:
    """0 for A or a, and so on; decorations as in `(B).` are ignored.

    Raises Refusal: `missing_answer` for nothing, `several_answers` for `C,D`, `bad_row` for anything else.
    """
    bare = letter.strip().strip("().:[]").strip().upper()
    if not bare:
        raise Refusal("missing_answer", "no letter says which option is right")
    if len(bare) == 1 and bare in LETTERS:
        return LETTERS.index(bare)
    if re.fullmatch(r"[A-Z](\s*([,;/&+]|AND)?\s*[A-Z]){1,9}", bare) and (len(bare) < 5 or not bare.isalpha()):
        raise Refusal("several_answers", f"'{letter.strip()}' names several options as right")
    raise Refusal("bad_row", f"the right answer is '{letter.strip()[:40]}', not the letter of an option")


def _kind(value: object) -> str:
    """The kind of a value, in words for a person."""
    names = {type(None): "nothing", str: "text", bool: "true or false", int: "a number", float: "a number"}
    names |= {list: "a list", dict: "an object", bytes: "bytes"}
    return names.get(type(value), f"a {type(value).__name__}")
