"""The work of an evaluation: how a worker is told its parts, and how it makes them. Systems are opened once."""

import socket
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from kame_data.engine.kinds import Kind
from kame_data.engine.scheduler import CPU, GPU, HERE, Job, Made, Progress, Runner, drain, patiently
from kame_data.engine.worker import STOP, signed, timed
from kame_data.errors import Interrupted, KameError, StoppedError
from kame_data.evaluate.asked import asked_of
from kame_data.evaluate.hearing.listen import listen
from kame_data.evaluate.judging import judge_of
from kame_data.evaluate.judging.judge import judged_of
from kame_data.evaluate.records import Asked, Conversation
from kame_data.evaluate.sound import sound_of
from kame_data.evaluate.systems import system_of
from kame_data.evaluate.systems.base import System
from kame_data.evaluate.tasks import RECORDS, TASKS, Task, Tasks, read_part, stores_of
from kame_data.interrupts import GO_ON
from kame_data.llm.accounts import Account, Budget
from kame_data.llm.session import SpendNotes, session_of
from kame_data.records import Rejected
from kame_data.settings.branch import ROOTED
from kame_data.settings.evaluation import EvaluationSettings

BROKE_OFF = "broke_off"
"""The reason under which a conversation that broke off is counted; it is held again by the next command."""


Follow = Callable[[Task], Iterable[Task]]
"""Gives the tasks that follow from one that was done."""


class EvaluationWork:
    """The jobs of an evaluation; is a `kame_data.engine.kinds.Work`."""

    kind = "evaluation"

    def __init__(self, tasks: Tasks, progress: Progress) -> None:
        self.tasks, self.settings = tasks, tasks.settings
        self.stop = threading.Event()
        self.progress = progress
        self._orders = self.settings.model_dump(mode="json", exclude={"out", "runner"}, context=ROOTED) | {
            "out": str(self.settings.out.resolve())
        }

    def drain(self, runner: Runner, first: Sequence[Task], follow: "Follow") -> None:
        """Have the tasks made by the runner, and those that follow from each."""

        def done(job: Job, made: Made) -> list[Job]:
            self.progress.advance(job.stage, *made)
            return [task.job for task in follow(job.what)]

        drain([task.job for task in first], runner, self.made, done, check_stop=self.check_stop)

    def place(self, job: Job) -> str:
        """See `kame_data.engine.scheduler.Runner`."""
        if job.stage == "ratings":
            return HERE
        if job.stage != "conversations":
            return CPU
        place = system_of(job.what.system)[0].place
        if place == HERE or not on_gpu(self.settings):
            return place
        return HERE if self.settings.runner.kind == "local" else GPU

    def here(self, jobs: Sequence[Job]) -> list[float]:
        """See `kame_data.engine.kinds.Work`."""
        return [timed(self._perform, job.what) for job in jobs]

    def order(self, jobs: Sequence[Job]) -> str:
        """See `kame_data.engine.kinds.Work`."""
        tasks = TASKS.dump_python([job.what for job in jobs], mode="json")
        return signed(self.kind, {"settings": self._orders, "tasks": tasks})

    def made(self, job: Job) -> Made | None:
        """What a job has made, once it is there."""
        marker = self.tasks.stores[job.stage].marker(job.label)
        return (len(marker.rows), marker.rejected) if marker else None

    def check_stop(self) -> None:
        """Raise Interrupted where a signal came."""
        if self.stop.is_set():
            raise Interrupted(GO_ON)

    def _perform(self, task: Task) -> None:
        self.check_stop()
        perform(task, self.settings)


def perform(task: Task, settings: EvaluationSettings) -> None:
    """Make one part. Raises KameError, and StoppedError at the budget."""
    stores = stores_of(settings.out)

    def read(stage: str, name: str) -> Any:
        if patiently(lambda: stores[stage].marker(name), lambda: None) is None:
            path = stores[stage].path(name)
            raise KameError(f"{path}: worker {socket.gethostname()} does not see it; --out must be one folder for all")
        (record,) = read_part(stores, stage, name)
        return record

    rows: dict[str, Any]
    refused: list[Rejected] = []
    if task.stage == "asked":
        rows = {task.item.id: asked_of(task.item, task.seed)}
    elif task.stage == "conversations":
        asked = read("asked", task.reads[0])
        with _opened(task.system, settings) as system:
            held = hold(system, task, asked, settings)
        rows = {held.id: held}
        if held.failure:
            refused = [Rejected(task.stage, task.item.bench, task.item.id, held.id, BROKE_OFF, held.failure)]
    elif task.stage == "heard":
        held = read("conversations", task.reads[0])
        sound = sound_of(held.flac, held.id) if held.flac else np.zeros((0, 2), np.float32)
        rows = {held.id: listen(held, sound, task.item.language, settings.asr)}
    else:
        held, heard = read("conversations", task.reads[0]), read("heard", task.reads[1])
        judge = judge_of(task.judge, settings.prompts, lambda: session_of(settings), settings.judge_tokens)
        answers = judged_of(task.item, held, heard, task.channels)
        ratings = judge.rate_many(answers, settings.samples)
        rows = {f"{r.conversation}/{r.turn}/{r.channel}/{r.sample}": r for r in ratings}
    stores[task.stage].write(task.name, rows, RECORDS[task.stage], refused)


def hold(system: System, task: Task, asked: Asked, settings: EvaluationSettings) -> Conversation:
    """The conversation, which may spend what is left of the budget as it begins. What it costs is noted in OUT, so that
    the judges have the rest.

    Raises StoppedError where nothing is left, or too little for this one: the rating of what had no back end for want
    of money would be another system's.
    """
    notes, own, left = SpendNotes(settings.out), settings.answers.session_budget, settings.llm.budget
    if left is not None and (spent := notes.total()):
        left -= spent
        if left <= 0:
            raise _no_budget(settings, spent)
    budget = Budget(min((limit for limit in (own, left) if limit is not None), default=None))
    held = system.hold(task.item, asked, task.repeat, task.seed, budget)
    if budget.spent:
        row = {"stage": task.stage, "model": settings.back_end, "level": None}
        notes.write(uuid.uuid4().hex[:12], [row | asdict(Account(cost=budget.spent))])
    if budget.short and budget.limit == left:
        raise _no_budget(settings, notes.total())
    return held


def _no_budget(settings: EvaluationSettings, spent: float) -> StoppedError:
    return StoppedError(
        f"budget ${settings.llm.budget:g}: ${spent:.4f} spent, and another conversation may cost more than the rest; "
        "the same command with a larger --budget goes on from here"
    )


@dataclass
class _Opened:
    """A system that is held open, once it is there, and the lock of the one conversation that it holds at a time."""

    held: ExitStack = field(default_factory=ExitStack)
    alone: threading.Lock = field(default_factory=threading.Lock)
    system: System | None = None


_lock = threading.Lock()
_open: OrderedDict[str, _Opened] = OrderedDict()


def on_gpu(settings: EvaluationSettings) -> bool:
    """Tell whether the model of a tandem runs on a GPU, of which it takes the whole."""
    return settings.device.startswith("cuda")


@contextmanager
def _opened(spec: str, settings: EvaluationSettings) -> Iterator[System]:
    """The system for one conversation, opened once and kept: one for each thread, or the one that is on the GPU."""
    thread = 0 if on_gpu(settings) else threading.get_ident()
    key = f"{spec}\n{thread}\n{settings.model_dump_json(exclude={'out', 'runner', 'progress'})}"
    with _lock:
        found = _open.setdefault(key, _Opened())
    with found.alone:
        if found.system is None:
            engine, rest = system_of(spec)
            # A budget needs the price of the model, which is looked for where a budget is among the answers' settings.
            answers = settings.answers.model_copy(update={"budget": settings.llm.budget})
            found.system = found.held.enter_context(engine.open(rest, settings.model_copy(update={"answers": answers})))
        yield found.system


def close_systems() -> None:
    """Close the systems that this process holds open."""
    with _lock:
        opened = [*_open.values()]
        _open.clear()
    for one in opened:
        one.held.close()


def perform_parts(order: dict[str, Any]) -> list[float]:
    """Make the parts of an order; the seconds that each took."""
    settings = EvaluationSettings.model_validate(order["settings"])
    return [timed(_perform, task, settings) for task in TASKS.validate_python(order["tasks"])]


def _perform(task: Task, settings: EvaluationSettings) -> None:
    if STOP.is_set():
        raise Interrupted(GO_ON)
    perform(task, settings)


KIND = Kind(perform_parts, close_systems)
