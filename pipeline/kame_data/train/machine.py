"""The processes and devices of a run: accelerate starts them and adds up over them, FSDP2 spreads the model over them.

accelerate shards on accelerators alone; `torch.distributed.fsdp.fully_shard`, which it calls there, is called here
itself, so that two processes on a CPU go the way of many GPUs.
"""

import os
import warnings
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from kame_data.errors import UsageError
from kame_data.model.four_streams import FourStreams, TrainingLayer
from kame_data.model.start import Start
from kame_data.settings.training import TrainSettings
from kame_data.train.tune import prepare


class Machine:
    """The device and the group of processes that this process computes with. Raises UsageError for a device or a way to
    share that there is not."""

    def __init__(self, settings: TrainSettings) -> None:
        if settings.device == "cuda" and not torch.cuda.is_available():
            raise UsageError("--device cuda: no CUDA device is to be found here; use --device cpu for a trial")
        cpu = settings.device == "cpu" or not torch.cuda.is_available()
        wanted = settings.precision if settings.precision != "auto" else ("f32" if cpu else "bf16")
        self.computed_in = torch.bfloat16 if wanted == "bf16" else torch.float32
        self.fsdp = settings.fsdp if settings.fsdp is not None else int(os.environ.get("WORLD_SIZE", "1")) > 1
        # FSDP casts by itself, to the same precision.
        autocast = "bf16" if wanted == "bf16" and not self.fsdp else "no"
        self._accelerator = Accelerator(cpu=cpu, mixed_precision=autocast)
        self.device: torch.device = self._accelerator.device
        self.rank: int = self._accelerator.process_index
        self.world_size: int = self._accelerator.num_processes
        if self.world_size > 1 and not self.fsdp:
            raise UsageError(f"fsdp false: {self.world_size} processes share one model by FSDP alone; leave it out")
        if self.fsdp and not dist.is_initialized():
            raise UsageError("fsdp true: start it with torchrun or accelerate launch, with one process or more")
        self.checkpointing = settings.checkpointing if settings.checkpointing is not None else not cpu

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which the forward pass is run."""
        return self._accelerator.autocast()  # type: ignore[no-any-return]

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        return self._accelerator.reduce(value, "sum") if self.world_size > 1 else value

    def end(self) -> None:
        """Part from the other processes."""
        if dist.is_initialized():
            dist.destroy_process_group()

    def model(self, start: Start, settings: TrainSettings) -> FourStreams:
        """The model on its device, its layers compiled, checkpointed and spread over the processes as settings say."""
        whole = start.model(settings.seed) if self.rank == 0 or not self.fsdp else start.model(settings.seed, "meta")
        prepare(whole, settings.tune, self.computed_in, settings.seed)
        layers: list[Any] = [module for module in whole.modules() if isinstance(module, TrainingLayer)]
        for layer in layers:
            layer.checkpointing = self.checkpointing
            if settings.compile:
                layer.train_forward = torch.compile(layer.train_forward)
        return self._spread(whole, layers) if self.fsdp else whole.to(self.device)

    def _spread(self, model: FourStreams, layers: list[Any]) -> FourStreams:
        """Weights are on the first process alone, which gives each its share."""
        state = model.state_dict() if self.rank == 0 else {}
        model.to("meta")
        precision = MixedPrecisionPolicy(param_dtype=self.computed_in, reduce_dtype=torch.float32)
        for module in (*layers, model):
            fully_shard(module, mp_policy=precision)
        model.to_empty(device=self.device)
        options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            set_model_state_dict(model, state, options=options)
        return model


def add_up_gradients(model: torch.nn.Module, now: bool) -> None:
    """Tell FSDP whether the next backward pass is the last of its update, after which processes add up gradients."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(now)
