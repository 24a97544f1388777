"""The work of a build: where its parts are made, how a worker is told them, and how it makes them.

An order holds the settings of the build and the parts to make. The worker opens the build once and keeps it. Each part
comes with the name that its files are to have: a worker whose voices or prompts are others would give it another one,
and says so.
"""

import json
import socket
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from kame_data.engine.assemble import Shard, ShardFolder
from kame_data.engine.build import Build
from kame_data.engine.kinds import Kind
from kame_data.engine.makers import ask_models
from kame_data.engine.note import portable
from kame_data.engine.pool import cores
from kame_data.engine.scheduler import CPU, GPU, HERE, Job, patiently
from kame_data.engine.selection import Slice
from kame_data.engine.stages import STAGES
from kame_data.engine.worker import STOP, signed, timed
from kame_data.errors import KameError
from kame_data.settings.tree import Settings
from kame_data.speech.voices.coqui_worker import close_workers
from kame_data.speech.voices.engines import engine_of

KEPT_BUILDS = 2


def perform(build: Build, job: Job) -> None:
    """Do one job, which makes a part, here and now."""
    # What waited for a thread while the build was stopped must not begin, nor ask a model.
    build.check_stop()
    if job.stage == "shards":
        ShardFolder(build.out).make(build, job.what)
    else:
        build.parts.make(job.stage, Slice.parse(job.label))


def place_of(settings: Settings, stage: str) -> str:
    """The place where the parts of a stage are made. What asks models stays in one process; a voice model is loaded
    once on one machine."""
    local = settings.runner.kind == "local"
    if settings.asks(stage):
        return HERE
    if stage == "speech" and local:
        return HERE if model_speaks(settings) else CPU
    return GPU if stage == "speech" and gpus_of(settings) else CPU


def workers_of(settings: Settings) -> int:
    """Parts in work at once in threads of this process: a core each; where parts wait for models, or for whole batch
    jobs, more."""
    if settings.workers is not None:
        return settings.workers
    if not ask_models(settings):
        return cores()
    return max(cores(), 128 if settings.llm.mode == "batch" else 8)


def processes_of(settings: Settings) -> int:
    """Processes of this machine for what is worked out here: as many as `workers`, but no more than there are cores
    where that counts parts that wait for models; none for a build that is in this one's memory."""
    if settings.out.in_this_process:
        return 0
    wanted = settings.workers or cores()
    return min(wanted, cores()) if ask_models(settings) else wanted


def model_speaks(settings: Settings) -> bool:
    """Tell whether the voice is a model that would use a GPU."""
    return engine_of(settings.speech.tts).is_model


def gpus_of(settings: Settings) -> float:
    """The GPUs that a task of the speech stage asks for."""
    gpus = settings.runner.gpus
    return gpus if gpus is not None else float(model_speaks(settings))


class BuildWork:
    """The jobs of a build; is a `kame_data.engine.kinds.Work`."""

    kind = "build"

    def __init__(self, build: Build) -> None:
        self.build = build
        self._settings: dict[str, Any] | None = None

    def place(self, job: Job) -> str:
        """See `kame_data.engine.scheduler.Runner`."""
        return place_of(self.build.settings, job.stage)

    def here(self, jobs: Sequence[Job]) -> list[float]:
        """Do the jobs in this thread; the seconds that each took."""
        return [timed(perform, self.build, job) for job in jobs]

    def order(self, jobs: Sequence[Job]) -> str:
        """The jobs as a worker is told them."""
        if self._settings is None:
            out = str(self.build.out.resolve())
            self._settings = portable(self.build.settings) | {"out": out}
        parts = [{"stage": job.stage, "label": job.label} | self._facts(job) for job in jobs]
        order = {"settings": self._settings, "identity": self.build.identity, "parts": parts}
        return signed(self.kind, order)

    def _facts(self, job: Job) -> dict[str, Any]:
        if job.stage == "shards":
            shard: Shard = job.what
            pieces = [(slice_.label, ids) for slice_, ids in shard.pieces]
            return {"split": shard.split, "number": shard.number, "pieces": pieces, "fingerprint": shard.fingerprint}
        return {"name": self.build.parts.name(STAGES[job.stage], Slice.parse(job.label))}


def perform_parts(order: dict[str, Any]) -> list[float]:
    """Make the parts of an order; the seconds that each took."""
    build = _opened(order)
    return [timed(_perform, build, part) for part in order["parts"]]


def _perform(build: Build, part: dict[str, Any]) -> None:
    job = Job(part["stage"], part["label"])
    _see_questions(build)
    if job.stage in STAGES:
        _same_name(build, job, part["name"])
    elif job.stage == "shards":
        pieces = tuple((Slice.parse(label), tuple(ids)) for label, ids in part["pieces"])
        shard = Shard(part["split"], part["number"], pieces, part["fingerprint"])
        ShardFolder(build.out).make(build, shard)
        return
    perform(build, job)


def _see_questions(build: Build) -> None:
    if build in _seen:
        return
    for source in build.settings.sources:
        if patiently(lambda: build.questions.marker(source), build.check_stop, 10.0) is None:  # noqa: B023
            path = build.questions.store.path(build.questions.name(source))
            raise KameError(
                f"{path}: worker {socket.gethostname()} does not see it; --out must be one folder for all workers and "
                "the command's machine (docs/CLUSTERS.md)"
            )
    _seen.add(build)


def _same_name(build: Build, job: Job, name: str) -> None:
    ours = patiently(lambda: build.parts.name(STAGES[job.stage], Slice.parse(job.label)), build.check_stop)
    if ours != name:
        raise KameError(
            f"{job.stage} {job.label}: worker {socket.gethostname()} would make {ours}, not {name}; install the same "
            "version of kame-data, of the voices and of the prompts on all machines"
        )


_seen: WeakSet[Build] = WeakSet()
_builds: OrderedDict[str, Build] = OrderedDict()
_lock = threading.Lock()


def _opened(order: dict[str, Any]) -> Build:
    """The build of an order, opened once and kept."""
    key = json.dumps([order["settings"], order["identity"]])
    with _lock:
        build = _builds.pop(key, None)
        if build is None:
            build = Build(Settings.model_validate(order["settings"]), order["identity"], stop=STOP)
        _builds[key] = build
        while len(_builds) > KEPT_BUILDS:
            _builds.popitem(last=False)
        return build


KIND = Kind(perform_parts, close_workers)
