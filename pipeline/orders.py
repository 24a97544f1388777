"""What a worker is told, and how it does it, in whatever process or machine that is.

An order is a line of JSON: the settings of a build, small, and the parts to make. No data and no key is in it. The
worker opens the build once and keeps it; what it reads and makes lies in OUT, which it must see. Each part comes with
the name that its files are to have: a worker whose code, voices or prompts are others would give it another one, and
says so.
"""

import json
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from pipeline import __version__
from pipeline.build import Build
from pipeline.config import Settings
from pipeline.errors import Interrupted, KameError, StoppedError, UsageError
from pipeline.pool import cores
from pipeline.shards.assemble import Shard, ShardFolder
from pipeline.speech.coqui_worker import close_workers
from pipeline.spread import CPU, GPU, HERE, Job, patiently
from pipeline.stages import STAGES, ask_models
from pipeline.storage.paths import RemotePath
from pipeline.wanted import Slice

STOP = threading.Event()
"""Set in a worker that is to stop."""

KEPT_BUILDS = 2
IDLE_S = 120.0
"""After so long without an order a worker gives back the memory of its voice model."""


def perform(build: Build, job: Job) -> None:
    """Do one job, which makes a part, here and now."""
    # What waited for a thread while the build was stopped must not begin, nor ask a model.
    build.check_stop()
    if job.stage == "questions":
        build.gather(next(s for s in build.settings.sources if s.name == job.label))
    elif job.stage == "shards":
        ShardFolder(build.out).make(build, next(s for s in build.shard_plan if s.label == job.label))
    else:
        build.make(job.stage, Slice.parse(job.label))


def place_of(settings: Settings, stage: str) -> str:
    """Where the parts of a stage are made. What asks models stays in one process, and so does what reads sources, for
    they lie where the command is given; a voice model is loaded once on one machine."""
    local = settings.runner.kind == "local"
    models = {"dialogues": settings.writer, "oracles": settings.simulator}
    if models.get(stage, "offline") != "offline" or (stage == "questions" and not local):
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
    if isinstance(settings.out, RemotePath) and settings.out.scheme == "memory":
        return 0
    wanted = settings.workers or cores()
    return min(wanted, cores()) if ask_models(settings) else wanted


def model_speaks(settings: Settings) -> bool:
    """Whether the voice is a model that would use a GPU."""
    return settings.speech.tts.startswith("coqui:")


def gpus_of(settings: Settings) -> float:
    """The GPUs that a task of the speech stage asks for."""
    gpus = settings.runner.gpus
    return gpus if gpus is not None else float(model_speaks(settings))


class BuildWork:
    """The jobs of a build: where each belongs, and how they are told to a worker."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self._settings: dict[str, Any] | None = None

    def place(self, job: Job) -> str:
        """See `pipeline.spread.Runner`."""
        return place_of(self.build.settings, job.stage)

    def here(self, jobs: Sequence[Job]) -> list[float]:
        """Do the jobs in this thread; the seconds that each took."""
        return [_timed(perform, self.build, job) for job in jobs]

    def order(self, jobs: Sequence[Job]) -> str:
        """The jobs as a worker is told them."""
        if self._settings is None:
            out = str(self.build.out.resolve())
            self._settings = self.build.settings_from_anywhere() | {"out": out}
        parts = [{"stage": job.stage, "label": job.label} | self._facts(job) for job in jobs]
        told = {"settings": self._settings, "identity": self.build.identity, "parts": parts}
        return json.dumps({"version": __version__} | told)

    def _facts(self, job: Job) -> dict[str, Any]:
        if job.stage == "questions":
            return {}
        if job.stage == "shards":
            shard = next(s for s in self.build.shard_plan if s.label == job.label)
            pieces = [(slice_.label, ids) for slice_, ids in shard.pieces]
            return {"split": shard.split, "number": shard.number, "pieces": pieces, "fingerprint": shard.fingerprint}
        return {"name": self.build.name(STAGES[job.stage], Slice.parse(job.label))}


def perform_order(order: str) -> list[float]:
    """Do an order; the seconds that each of its parts took. Raises KameError, and whatever else went wrong."""
    told = json.loads(order)
    try:
        with _idle:
            if told["version"] != __version__:
                where = socket.gethostname()
                raise KameError(f"worker {where} has kame-data {__version__}, not {told['version']}; install the same")
            if "codec" in told:
                from pipeline.codec.orders import perform_tokens

                made: list[float] = perform_tokens(told)
                return made
            build = _opened(told)
            return [_timed(_perform, build, part) for part in told["parts"]]
    except KameError as error:
        raise _plain(error) from None


def _perform(build: Build, part: dict[str, Any]) -> None:
    job = Job(part["stage"], part["label"])
    if job.stage != "questions":
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
        name, store = build.questions_name(source), build.store("questions")
        if patiently(lambda: store.marker(name), build.check_stop, 10.0) is None:  # noqa: B023
            raise KameError(
                f"{store.path(name)}: worker {socket.gethostname()} does not see it; --out must be one folder for all "
                "workers and the command's machine (docs/CLUSTERS.md)"
            )
    _seen.add(build)


def _same_name(build: Build, job: Job, name: str) -> None:
    ours = patiently(lambda: build.name(STAGES[job.stage], Slice.parse(job.label)), build.check_stop)
    if ours != name:
        raise KameError(
            f"{job.stage} {job.label}: worker {socket.gethostname()} would make {ours}, not {name}; install the same "
            "version of kame-data, of the voices and of the prompts on all machines"
        )


def _timed(work: Callable[..., None], *args: Any) -> float:
    started = time.perf_counter()
    work(*args)
    return time.perf_counter() - started


_seen: WeakSet[Build] = WeakSet()
_builds: OrderedDict[str, Build] = OrderedDict()
_lock = threading.Lock()


def _opened(told: dict[str, Any]) -> Build:
    """The build of an order, opened once and kept."""
    key = json.dumps([told["settings"], told["identity"]])
    with _lock:
        build = _builds.pop(key, None)
        if build is None:
            build = Build(Settings.model_validate(told["settings"]), told["identity"])
            build.stop = STOP
        _builds[key] = build
        while len(_builds) > KEPT_BUILDS:
            _builds.popitem(last=False)
        return build


def _plain(error: KameError) -> KameError:
    """The error as one that travels: with nothing but its message."""
    kinds: tuple[type[KameError], ...] = (UsageError, StoppedError, Interrupted)
    return next((kind for kind in kinds if isinstance(error, kind)), KameError)(str(error))


class _Idle:
    """Open while an order is worked on; closes the voice models when none has been for a while."""

    def __init__(self) -> None:
        self._lock, self._orders = threading.Lock(), 0
        self._timer: threading.Timer | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._orders += 1
            if self._timer is not None:
                self._timer.cancel()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._orders -= 1
            if not self._orders:
                self._timer = threading.Timer(IDLE_S, self._close)
                self._timer.daemon = True
                self._timer.start()

    def _close(self) -> None:
        with self._lock:
            if not self._orders:
                close_workers()


_idle = _Idle()
