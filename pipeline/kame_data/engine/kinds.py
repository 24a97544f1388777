"""The kinds of work that the scheduler hands out and workers do: parts of a build, of token shards, of an evaluation.

A kind is a module with two things. A class of its jobs, a `Work`, says to the command where a job is done and how a
worker is told. `KIND` says to the worker how that is done. An order names its kind, and the worker imports the module
then, so that the engine knows no room above its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from kame_data.engine.scheduler import Job

MODULES = {
    "build": "kame_data.engine.build_work",
    "tokens": "kame_data.codec.token_work",
    "evaluation": "kame_data.evaluate.work",
}
"""The module of each kind, by the name that stands in orders."""


class Work(Protocol):
    """The jobs of one kind, for a runner."""

    @property
    def kind(self) -> str:
        """The name in `MODULES`."""

    def place(self, job: Job) -> str:
        """The place where the job is done, see `kame_data.engine.scheduler`."""

    def here(self, jobs: Sequence[Job]) -> list[float]:
        """Do the jobs in this thread; the seconds that each took."""

    def order(self, jobs: Sequence[Job]) -> str:
        """The jobs as a worker is told them, by `kame_data.engine.worker.signed`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work as a worker does it.

    `perform` does what an order says and returns the seconds of each part; `close` gives back the models it holds;
    `preload` are modules that processes need and that are imported once, before the processes begin.
    """

    perform: Callable[[dict[str, Any]], list[float]]
    close: Callable[[], None]
    preload: tuple[str, ...] = ()


def kind_of(name: str) -> Kind:
    """The kind of this name."""
    found: Kind = import_module(MODULES[name]).KIND
    return found


def preloaded(name: str) -> list[str]:
    """The modules that processes for this kind of work import before they begin."""
    return [MODULES[name], *kind_of(name).preload]
