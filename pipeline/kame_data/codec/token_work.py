"""The work of the tokens stage: how a worker is told token parts, and how it makes them. It loads its codec once."""

import json
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from kame_data.codec.mimi import Mimi
from kame_data.codec.token_parts import Part, TokenSpec, device_of, read_part, write_part
from kame_data.engine.kinds import Kind
from kame_data.engine.local_runner import LocalRunner
from kame_data.engine.parts import PartStore
from kame_data.engine.scheduler import CPU, GPU, HERE, Job, Made, Progress, Runner, drain, patiently
from kame_data.engine.worker import STOP, signed, timed
from kame_data.errors import Interrupted, KameError
from kame_data.interrupts import GO_ON, stoppable
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.tree import RunnerSettings
from kame_data.storage.paths import path_of

AT_ONCE = 3
"""Parts in threads of this process: one on the accelerator, and two that are read meanwhile."""

MakeParts = Callable[[list[Part], TokenSpec, int, Progress], None]
"""The way to make parts, as `make_parts` does."""


def make_parts(parts: list[Part], spec: TokenSpec, workers: int, progress: Progress) -> None:
    """Make the parts on this machine: on the CPU by `workers` processes, elsewhere in this one, in batches.

    A process has one thread, however many there are, so that sums are always rounded the same way.
    """
    if not parts:
        return
    spec = replace(spec, device=device_of(spec.device))
    in_processes = spec.device == "cpu" and not spec.folder.in_this_process
    work = TokenWork(parts, spec, progress, accelerator=HERE)
    processes = min(workers, len(parts)) if in_processes else 0
    # A process that is half begun when its parent leaves prints a traceback.
    try:
        with stoppable(work), LocalRunner(work, RunnerSettings().task_seconds, AT_ONCE, processes) as runner:
            work.drain(runner)
    finally:
        _close()  # the accelerator's memory is not this command's any more


class TokenWork:
    """The jobs of the tokens stage; is a `kame_data.engine.kinds.Work`. `accelerator` is the place of one."""

    kind = "tokens"

    def __init__(self, parts: Sequence[Part], spec: TokenSpec, progress: Progress, accelerator: str = GPU) -> None:
        self.parts = {part.name: part for part in parts}
        self.spec = spec
        self.stop = threading.Event()
        self._progress, self._accelerator = progress, accelerator
        self._store, self._decoders = PartStore(spec.folder), ThreadPoolExecutor()

    def settle_device(self, device: str) -> None:
        """Settle what `auto` is, once it is known what the workers have."""
        if self.spec.device == "auto":
            self.spec = replace(self.spec, device=device)

    def drain(self, runner: Runner) -> None:
        """Have all parts made by the runner."""
        drain([Job("tokens", name) for name in self.parts], runner, self._made, self._done, check_stop=self._check_stop)

    def place(self, job: Job) -> str:
        """See `kame_data.engine.kinds.Work`."""
        return CPU if self.spec.device == "cpu" else self._accelerator

    def here(self, jobs: Sequence[Job]) -> list[float]:
        """See `kame_data.engine.kinds.Work`; while one thread has the codec, others read and decode."""
        return [timed(self._make, self.parts[job.label]) for job in jobs]

    def order(self, jobs: Sequence[Job]) -> str:
        """See `kame_data.engine.kinds.Work`."""
        spec, parts = self.spec, [self.parts[job.label] for job in jobs]
        return signed(
            self.kind,
            {
                "codec": [_anywhere(spec.settings.codec), spec.codec.sha256],
                "tokenizer": [_anywhere(spec.settings.tokenizer), spec.tokenizer.sha256],
                "device": spec.device,
                "folder": str(spec.folder.resolve()),
                "parts": [[p.name, str(p.shard.resolve()), p.sha256, p.group, p.start, p.stop] for p in parts],
            },
        )

    def _make(self, part: Part) -> None:
        self._check_stop()
        rows, sounds = read_part(part, self._decoders.map)
        with _one_at_a_time:
            self._check_stop()
            write_part(part, rows, sounds, _codec(self.spec), self.spec)

    def _made(self, job: Job) -> Made | None:
        marker = self._store.marker(job.label)
        return (len(marker.rows), marker.rejected) if marker else None

    def _done(self, job: Job, made: Made) -> tuple[()]:
        self._progress.advance("tokens", *made)
        return ()

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise Interrupted(GO_ON)


def _anywhere(spec: str) -> str:
    return str(Path(spec).resolve()) if Path(spec).is_file() else spec


def perform_parts(order: dict[str, Any]) -> list[float]:
    """Make the parts of an order; the seconds that each took."""
    spec = _opened(json.dumps([order["codec"], order["tokenizer"], order["device"], order["folder"]]))
    parts = [Part(name, path_of(shard), *rows) for name, shard, *rows in order["parts"]]
    return [timed(_perform, part, spec) for part in parts]


def _perform(part: Part, spec: TokenSpec) -> None:
    if STOP.is_set():
        raise Interrupted(GO_ON)
    if patiently(lambda: part.shard.exists() or None, lambda: None, 10.0) is None:
        raise KameError(
            f"{part.shard}: worker {socket.gethostname()} does not see it; OUT must be one folder for all workers "
            "and the command's machine (docs/CLUSTERS.md)"
        )
    rows, sounds = read_part(part)
    with _one_at_a_time:
        write_part(part, rows, sounds, _codec(spec), spec)


_one_at_a_time = threading.Lock()


@cache
def _opened(order: str) -> TokenSpec:
    """The codec and tokenizer of an order, as this machine has them. Raises KameError where it has others."""
    (codec, codec_sha256), (tokenizer, tokenizer_sha256), device, folder = json.loads(order)
    settings = TokenSettings(codec=codec, tokenizer=tokenizer, device=device)
    found = TokenSpec.of(settings, path_of(folder))
    for name, ours, theirs in (
        (codec, found.codec.sha256, codec_sha256),
        (tokenizer, found.tokenizer.sha256, tokenizer_sha256),
    ):
        if ours != theirs:
            raise KameError(f"{name}: worker {socket.gethostname()} has another one; put the same on all machines")
    return found


_codecs: dict[tuple[str, str], Mimi] = {}


def _codec(spec: TokenSpec) -> Mimi:
    """The codec of this process, loaded once; its caller holds `_one_at_a_time`."""
    key = spec.codec.sha256, spec.device
    if key not in _codecs:
        import torch

        if spec.device == "cpu":
            torch.set_num_threads(1)  # sums are rounded the same way on every machine
        _codecs.clear()
        _codecs[key] = Mimi(spec.codec, spec.device)
    return _codecs[key]


def _close() -> None:
    """Give back the codec."""
    with _one_at_a_time:
        _codecs.clear()
        _opened.cache_clear()


KIND = Kind(perform_parts, _close, preload=("torch", "moshi.models.loaders"))
