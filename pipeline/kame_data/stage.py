"""A stage: how a part of its inputs becomes a part of its output, and all that the output depends on.

A stage stands beside the generator that it runs: over records, it yields records or refusals, and knows nothing of
files or of other stages. `kame_data.engine.stages` lists them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kame_data.records import Dialogue, Question, Split

Settings = Any
"""`kame_data.settings.tree.Settings`, which this module stands before."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The records that a slice's stages may read: its questions with their splits, and, after the first stage, its
    dialogues.

    `keep` is False where nothing may be written, not even what a stage makes on its way.
    """

    variant: int
    questions: Sequence[Question]
    splits: Sequence[Split]
    dialogues: Sequence[Dialogue] = ()
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `version` is raised when its output for the same input changes; what else of the settings the output
    depends on is its `key`. `reads` is what the output comes from: "questions" or "dialogues"; `record` is the class of
    the rows that `run` yields between refusals (`Rejected`)."""

    name: str
    version: int
    reads: str
    record: type
    key: Callable[[Settings], dict[str, Any]]
    run: Callable[[Settings, Inputs], Iterator[Any]]
    wants_splits: bool = False

    def __post_init__(self) -> None:
        if self.reads not in ("questions", "dialogues"):
            raise ValueError(f"stage {self.name}: a stage reads questions or dialogues")


def id_of(record: Any) -> str:
    """The dialogue that a row of any stage belongs to."""
    return record.id if isinstance(record, Dialogue) else str(record.dialogue_id)
