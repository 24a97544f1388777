"""The one protocol of every system: an item's sounds go in, a conversation about them comes out."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from kame_data.evaluate.records import Answered, Asked, Conversation, Item
from kame_data.evaluate.sound import flac_of
from kame_data.llm.accounts import Budget
from kame_data.llm.prompts import BACK_END, prompts_of
from kame_data.seeds import digest
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.tandem.sounds import Sound


class System(Protocol):
    """A system at work. `name` is the one in the figures; `stand_ins` names what stands in for a real part."""

    name: str
    stand_ins: tuple[str, ...]

    def hold(self, item: Item, asked: Asked, repeat: int, seed: int, budget: Budget) -> Conversation:
        """Hold one conversation, in which the back end spends of `budget`. One that breaks off is a conversation with a
        `failure`, and is no error.

        Raises KameError where the system cannot be used at all.
        """
        ...


@dataclass(frozen=True, slots=True)
class SystemEngine:
    """A system, as `--systems` names it.

    `form`: the whole spec, for a person (`ws:URL`). `place`: "cpu" where it works out its conversations itself, "here"
    where it waits for others. `check(rest)` raises UsageError for what cannot stand behind the colon.
    `version(rest, settings)` gives all that a conversation depends on beside the item, for fingerprints; raises
    UsageError or KameError where the system cannot be had. `open(rest, settings)` holds it open.
    """

    name: str
    form: str
    place: Literal["cpu", "here"]
    check: Callable[[str], None]
    version: Callable[[str, EvaluationSettings], str]
    open: Callable[[str, EvaluationSettings], AbstractContextManager[System]]


def conversation_of(
    item: Item,
    system: System,
    repeat: int,
    sound: Sound,
    turns: Sequence[Answered],
    *,
    log: str = "",
    failure: str = "",
    cost: float = 0.0,
) -> Conversation:
    """The record of a conversation whose sound is f32 (n, 2), the system left."""
    return Conversation(
        f"{item.id}/{system.name}/{repeat}",
        item.id,
        system.name,
        repeat,
        flac_of(sound) if len(sound) else b"",
        tuple(turns),
        log,
        failure,
        system.stand_ins,
        cost,
    )


def version_of(version: object, settings: EvaluationSettings, fields: set[str]) -> str:
    """The digest of a system's own version, the settings named in `fields`, and the prompt of the back end. Raises
    UsageError for a prompt that will not do."""
    prompt = prompts_of(settings.prompts)[BACK_END].digest
    return digest(version, prompt, sorted(settings.model_dump(mode="json", include=fields).items()))
