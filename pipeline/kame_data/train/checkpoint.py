"""Checkpoints of a run: written whole or not at all, the last few and the best kept, exact to go on from.

`RUN/checkpoints/step-0000200/` holds what is trained and the optimizer's state (PyTorch's distributed checkpoints,
which any number of processes reads), the random state of each process, and `state.json`, which is written last. Frozen
weights are not in it: they come from where the run started.
"""

import json
import os
import random
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors import SafetensorError
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from kame_data.errors import KameError

STATE = "state.json"


@dataclass
class Progress:
    """The progress of a run: updates done, the epoch and the batch in it that each process reads next, the best
    `val/loss` so far and the step that it was at; `settings` are those that a run must keep."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float | None = None
    best_step: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of a run in `folder`; `keep` of the last and the best stay."""

    def __init__(self, folder: Path, keep: int, rank: int) -> None:
        self.folder, self.keep, self.rank = folder, keep, rank

    def steps(self) -> list[int]:
        """The steps that have a whole checkpoint, rising."""
        names = (path.parent.name.removeprefix("step-") for path in self.folder.glob(f"step-*/{STATE}"))
        return sorted(int(name) for name in names if name.isdecimal())

    def path(self, step: int) -> Path:
        """The folder of a step's checkpoint."""
        return self.folder / f"step-{step:07d}"

    def progress(self, step: int) -> Progress:
        """The progress of the run at that checkpoint. Raises KameError where the checkpoint is damaged."""
        path = self.path(step) / STATE
        try:
            return Progress(**json.loads(path.read_text()))
        except (ValueError, TypeError, OSError):
            raise KameError(f"{path}: is damaged; delete {path.parent} to go on from the checkpoint before") from None

    def save(self, progress: Progress, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write a checkpoint; called by every process. What was there before is dropped when it is written."""
        target = self.path(progress.step)
        temporary = self.folder / f".{target.name}.tmp"
        if self.rank == 0:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
        _wait()
        with half_written(temporary, f"the checkpoint of step {progress.step}"), _quiet():
            save(_state(model, optimizer), checkpoint_id=temporary, no_dist=not dist.is_initialized())
            torch.save(random_state(), temporary / f"random-{self.rank}.pt")
        _wait()
        if self.rank == 0:
            (temporary / STATE).write_text(json.dumps(asdict(progress), indent=1))
            for path in temporary.iterdir():
                _sync(path)
            _sync(temporary)
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
            _sync(self.folder)
            self._drop(progress.best_step)
        _wait()

    def sweep(self) -> None:
        """Drop what a command that was killed left half written or half dropped."""
        if self.rank == 0:
            whole = {self.path(step) for step in self.steps()}
            for path in (*self.folder.glob(".step-*.tmp"), *self.folder.glob("step-" + "[0-9]" * 7)):
                if path not in whole:
                    shutil.rmtree(path)

    def load(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Take up what a checkpoint holds; called by every process. Raises KameError where it is damaged."""
        path = self.path(step)
        state = _state(model, optimizer)
        try:
            with _quiet():
                load(state, checkpoint_id=path, no_dist=not dist.is_initialized())
            mine = path / f"random-{self.rank}.pt"
            # With more processes than before the new ones keep the state of their seed.
            drawn = torch.load(mine, weights_only=False) if mine.is_file() else None
        except (CheckpointException, OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
            reason = " ".join(str(_cause(error)).split())[:200]
            raise KameError(f"{path}: is damaged ({reason}); delete it to go on from the checkpoint before") from None
        options = StateDictOptions(ignore_frozen_params=True, strict=False)
        set_model_state_dict(model, state["model"], options=options)
        set_optimizer_state_dict(model, optimizer, state["optimizer"], options=options)
        if drawn is not None:
            set_random_state(drawn)

    def _drop(self, best: int | None) -> None:
        steps = self.steps()
        for step in steps[: -self.keep]:
            if step != best:
                # Its mark first, so that half a checkpoint is none.
                (self.path(step) / STATE).unlink()
                shutil.rmtree(self.path(step))


@contextmanager
def half_written(folder: Path, what: str) -> Iterator[None]:
    """Drop the folder where what is written there fails. Raises KameError, which says how much room there is."""
    try:
        yield
    except (CheckpointException, SafetensorError, OSError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        free = shutil.disk_usage(folder.parent).free >> 20
        shutil.rmtree(folder, ignore_errors=True)
        reason = " ".join(str(_cause(error)).split())[:200]
        raise KameError(
            f"{folder.parent}: {what} could not be written ({reason}); {free} MiB are free there; make room, and the "
            "same command goes on"
        ) from None


def _cause(error: BaseException) -> BaseException:
    """The cause of an error that PyTorch reports for all processes at once."""
    return next(iter(error.failures.values()))[0] if isinstance(error, CheckpointException) else error


def random_state() -> dict[str, Any]:
    """The state of every random generator of this process."""
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state_all()} if torch.cuda.is_available() else {})


def set_random_state(state: dict[str, Any]) -> None:
    """Go on from a `random_state`."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def _state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    options = StateDictOptions(ignore_frozen_params=True)
    return {
        "model": get_model_state_dict(model, options=options),
        "optimizer": get_optimizer_state_dict(model, optimizer, options=options),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Without PyTorch's warnings to itself, and that a single process saves alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _wait() -> None:
    if dist.is_initialized():
        dist.barrier()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
