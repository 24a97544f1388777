"""The parts of an evaluation: what each is made of, and what its name says.

A part is one record or the ratings of one conversation. Its name holds a digest of all that it depends on: versions,
settings, and the content of the parts that it reads. So a part that is there is done, and what changes is made anew.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from kame_data.engine.parts import DamagedPart, PartStore
from kame_data.engine.scheduler import Job
from kame_data.evaluate import asked as speaking
from kame_data.evaluate.hearing import listen, voiced
from kame_data.evaluate.records import Asked, Channel, Conversation, Heard, Item, Rating
from kame_data.seeds import digest
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.storage.any_path import AnyPath

RECORDS: dict[str, type] = {"asked": Asked, "conversations": Conversation, "heard": Heard, "ratings": Rating}
"""The stages, in their order, with the class of their records."""


@dataclass(frozen=True, slots=True)
class Task:
    """A part to make: of `stage`, about `item`, from the parts named `reads`. `system`, `judge`: as their flags name
    them. `seed` is the conversation's own; `channels` are those that are rated."""

    stage: str
    name: str
    item: Item
    reads: tuple[str, ...] = ()
    system: str = ""
    repeat: int = 0
    seed: int = 0
    judge: str = ""
    channels: tuple[Channel, ...] = ()

    @property
    def job(self) -> Job:
        """The job of the scheduler that makes it."""
        return Job(self.stage, self.name, self)


TASKS: TypeAdapter[list[Task]] = TypeAdapter(list[Task])


@dataclass(frozen=True)
class Versions:
    """The digests of what does the work: of each system, by its spec, of the recogniser, of each judge."""

    systems: dict[str, str]
    recogniser: str
    judges: dict[str, str]
    voice: str


class Tasks:
    """The tasks of an evaluation, and what their parts hold."""

    def __init__(self, settings: EvaluationSettings, versions: Versions) -> None:
        self.settings, self.versions = settings, versions
        self.stores = stores_of(settings.out)

    def asked(self, item: Item) -> Task:
        """The task that speaks an item."""
        made = digest(speaking.VERSION, voiced.VERSION, self.versions.voice, self.settings.seed, _content(item))
        return Task("asked", _name(item.id, made), item, seed=self.settings.seed)

    def conversation(self, asked: Task, system: str, repeat: int) -> Task:
        """The task that holds an item, which was `asked`, with a system."""
        seed = int(digest(self.settings.seed, asked.item.id, repeat)[:15], 16)
        made = digest(self.versions.systems[system], system, repeat, seed, _content(asked.item), self.content(asked))
        name = _name(f"{asked.item.id}-{system.partition(':')[0]}-{repeat}", made)
        return Task("conversations", name, asked.item, (asked.name,), system, repeat, seed)

    def heard(self, held: Task) -> Task:
        """The task that hears a conversation."""
        versions = listen.VERSION, voiced.VERSION, self.settings.asr, self.versions.recogniser
        made = digest(*versions, held.item.language, self.content(held))
        return Task("heard", _name(held.item.id, made), held.item, (held.name,), held.system, held.repeat)

    def ratings(self, heard: Task, judge: str, channels: Sequence[Channel]) -> Task:
        """The task that rates the answers of a conversation, which was `heard`."""
        (held,) = heard.reads
        item, content = _content(heard.item), (self._content("conversations", held), self.content(heard))
        made = digest(self.versions.judges[judge], judge, self.settings.samples, *channels, item, *content)
        name, reads = _name(heard.item.id, made), (held, heard.name)
        return replace(heard, stage="ratings", name=name, reads=reads, judge=judge, channels=tuple(channels))

    def content(self, task: Task) -> str:
        """The digest of the rows of a part that was made."""
        return self._content(task.stage, task.name)

    def read(self, task: Task) -> list[Any]:
        """The records of a part that was made; raises as `read_part` does."""
        return read_part(self.stores, task.stage, task.name)

    def _content(self, stage: str, name: str) -> str:
        marker = self.stores[stage].marker(name)
        assert marker is not None, f"{stage} {name} is not made"
        return digest(*sorted(marker.rows.items()))


def stores_of(out: AnyPath) -> dict[str, PartStore]:
    """The folder of each stage's parts."""
    return {stage: PartStore(out / "parts" / stage) for stage in RECORDS}


def read_part(stores: dict[str, PartStore], stage: str, name: str) -> list[Any]:
    """The records of a part. One that is not what was written is dropped, so that the same command makes it again;
    raises DamagedPart then."""
    try:
        return stores[stage].read(name, RECORDS[stage])
    except DamagedPart:
        stores[stage].drop(name)
        raise


def _content(item: Item) -> str:
    return digest(repr(asdict(item)))


def _name(label: str, made: str) -> str:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in label)[:60]
    return f"{plain}-{made[:20]}"
