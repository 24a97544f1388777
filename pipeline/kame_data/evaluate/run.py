"""The run of an evaluation: what is found out before any work, then all parts, then what was made of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kame_data.engine.local_runner import LocalRunner
from kame_data.engine.pool import cores
from kame_data.engine.scheduler import Progress, Runner
from kame_data.errors import KameError, UsageError
from kame_data.evaluate.benches import bench_of
from kame_data.evaluate.judging import judge_of
from kame_data.evaluate.judging.judge import channels_of
from kame_data.evaluate.records import Asked, Conversation, Heard, Item, Rating
from kame_data.evaluate.systems import system_of
from kame_data.evaluate.tasks import Task, Tasks, Versions
from kame_data.evaluate.work import EvaluationWork, close_systems
from kame_data.interrupts import stoppable
from kame_data.llm.session import close_session, session_of, stop_session
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.speech.recognisers.engines import engine_of
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.storage.lock import hold

THREADS = 8
"""Conversations with systems elsewhere, and answers that are rated, at once."""
Cluster = Callable[[EvaluationWork, Callable[[Runner], None]], None]
"""Calls its second argument with a runner of the work on a cluster."""


@dataclass(frozen=True)
class Held:
    """A conversation with what was heard and rated of it. `task` is that of the conversation, for its sound."""

    task: Task
    conversation: Conversation
    heard: Heard
    ratings: tuple[Rating, ...]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation that is done. Conversations are without their sound, which `sound` reads."""

    settings: EvaluationSettings
    items: tuple[Item, ...]
    held: tuple[Held, ...]
    notes: tuple[str, ...]
    tasks: Tasks
    asked: dict[str, Task]

    def sound(self, held: Held) -> bytes:
        """The FLAC of a conversation; empty where it has none."""
        (conversation,) = self.tasks.read(held.task)
        return bytes(conversation.flac)

    def question(self, item: Item) -> Asked:
        """The item as it was spoken."""
        (asked,) = self.tasks.read(self.asked[item.id])
        assert isinstance(asked, Asked)
        return asked


def prepared(settings: EvaluationSettings) -> tuple[Tasks, list[Item], list[str]]:
    """The tasks' maker, the items, and notes about them. Raises UsageError or KameError, in one line, for whatever no
    evaluation could come of."""
    if (settings.out / "manifest.json").exists():
        raise UsageError(f"--out {settings.out}: is a build; name a folder of its own for the evaluation")
    doubled = [spec for spec in settings.systems if settings.systems.count(spec) > 1]
    if doubled:
        raise UsageError(f"--systems {doubled[0]}: is given twice; name each once")
    opened = {spec: system_of(spec) for spec in settings.systems}
    judges = {
        name: judge_of(name, settings.prompts, lambda: session_of(settings), settings.judge_tokens).version
        for name in settings.judges
    }
    bench, location = bench_of(settings.bench)
    notes: list[str] = []
    own = settings.out.here / "sounds"
    items = bench.items(location, settings.limit, language=settings.language, sounds=own, note=notes.append)
    engine = engine_of(settings.asr)
    recogniser = engine.version()
    if silent := next((item for item in items if not engine.hears(item.language)), None):
        raise UsageError(f"--asr {settings.asr}: does not hear '{silent.language}', which question '{silent.id}' is in")
    systems = {spec: found.version(rest, settings) for spec, (found, rest) in opened.items()}
    voice = EspeakSynthesizer(1)
    try:
        versions = Versions(systems, recogniser, judges, voice.version)
    finally:
        voice.close()
    return Tasks(settings, versions), items, notes


def evaluate(settings: EvaluationSettings, progress: Progress, cluster: Cluster | None = None) -> Evaluation:
    """The evaluation, made or gone on with. Raises StoppedError at the budget; what was made is kept."""
    with hold(settings.out, "evaluation"):
        tasks, items, notes = prepared(settings)
        work = EvaluationWork(tasks, progress)
        _drop_broken(tasks)
        try:
            with stoppable(work):
                if cluster is not None:
                    made: list[Evaluation] = []
                    cluster(work, lambda runner: made.append(_run(work, runner, items, notes, progress)))
                    return made[0]
                processes = min(settings.workers or cores(), cores())
                threads = max(settings.workers or 0, THREADS)
                with LocalRunner(work, settings.runner.task_seconds, threads, processes) as runner:
                    return _run(work, runner, items, notes, progress)
        except BaseException as error:
            stop_session(settings, error if isinstance(error, KameError) else KameError("the evaluation has failed"))
            raise
        finally:
            close_session(settings)
            close_systems()


def _run(work: EvaluationWork, runner: Runner, items: list[Item], notes: list[str], progress: Progress) -> Evaluation:
    settings, tasks = work.settings, work.tasks
    asked = {item.id: tasks.asked(item) for item in items}
    number = len(items) * len(settings.systems) * settings.repeats
    for stage, parts in (("asked", len(items)), ("conversations", number), ("heard", number)):
        progress.total(stage, parts, 0)
    heard: list[Task] = []

    def follow(task: Task) -> Iterable[Task]:
        if task.stage == "asked":
            wanted = [(system, repeat) for system in settings.systems for repeat in range(settings.repeats)]
            return _unmade(work, (tasks.conversation(task, *one) for one in wanted), follow)
        if task.stage == "conversations":
            return _unmade(work, [tasks.heard(task)], follow)
        heard.append(task)
        return ()

    work.drain(runner, list(_unmade(work, asked.values(), follow)), follow)
    held = {task.reads[0]: replace(task, stage="conversations", name=task.reads[0], reads=()) for task in heard}
    talks = {name: _soundless(tasks, task) for name, task in held.items()}
    channels = {
        system: channels_of(talks[name] for name, task in held.items() if task.system == system)
        for system in settings.systems
    }
    ratings = [
        tasks.ratings(task, judge, channels[task.system])
        for task in heard
        for judge in settings.judges
        if channels[task.system] and task.item.kind == "questions"
    ]
    progress.total("ratings", len(ratings), 0)
    work.drain(runner, list(_unmade(work, ratings, lambda task: ())), lambda task: ())
    rated: dict[str, list[Rating]] = defaultdict(list)
    for task in ratings:
        rated[task.reads[0]] += tasks.read(task)
    order = {item.id: n for n, item in enumerate(items)}
    found = [
        Held(held[task.reads[0]], talks[task.reads[0]], tasks.read(task)[0], tuple(rated[task.reads[0]]))
        for task in sorted(heard, key=lambda t: (settings.systems.index(t.system), order[t.item.id], t.repeat))
    ]
    return Evaluation(settings, tuple(items), tuple(found), tuple(notes), tasks, asked)


def _unmade(work: EvaluationWork, tasks: Iterable[Task], follow: Callable[[Task], Iterable[Task]]) -> Iterable[Task]:
    """The tasks that are to be made yet: of one that is made, those that follow from it."""
    for task in tasks:
        made = work.made(task.job)
        if made is None:
            yield task
        else:
            work.progress.advance(task.stage, 0, 0)
            yield from follow(task)


def _drop_broken(tasks: Tasks) -> None:
    """Forget the conversations that broke off before: they are held again."""
    store = tasks.stores["conversations"]
    for name, marker in store.finished().items():
        if marker is not None and marker.rejected:
            store.drop(name)


def _soundless(tasks: Tasks, task: Task) -> Conversation:
    (conversation,) = tasks.read(task)
    assert isinstance(conversation, Conversation)
    return replace(conversation, flac=b"sound" if conversation.flac else b"")
