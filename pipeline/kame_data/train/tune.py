"""The choice of the parameters that are trained, and of the precision in which they are kept.

What is trained is kept in f32, what is frozen in the precision that is computed in. LoRA is Moshi's own
(`moshi.modules.lora`), so its factors go under Moshi's names.
"""

import math
from collections.abc import Iterator

import torch
from moshi.modules.lora import LoRALinear, replace_all_linear_with_lora
from torch import nn

from kame_data.model.four_streams import FourStreams
from kame_data.settings.training import OptimizerSettings, TuneSettings

DEPTH = ("depformer", "linears")
"""The depth transformer: its layers, embeddings and projections, and the heads of the codebooks."""

HEARD = "emb."
"""The tables of the audio codes of both speakers, which the temporal transformer is fed."""


def is_depth(name: str) -> bool:
    """True where a parameter of this name belongs to the depth transformer."""
    return name.startswith(DEPTH)


def is_trained(name: str, tune: TuneSettings) -> bool:
    """True where a parameter of this name is trained."""
    if tune.what == "lora":
        return ".lora_" in name or name.startswith(("oracle_emb.", "text_emb."))
    if name.startswith(HEARD) and not tune.audio_embeddings:
        return False
    return tune.what == "full" or not is_depth(name)


def prepare(model: FourStreams, tune: TuneSettings, computed_in: torch.dtype, seed: int) -> None:
    """Put LoRA in where it is wanted, freeze what is not trained, and set every parameter's precision.

    The factors of LoRA start as usual: the first random (seeded, one draw after the other), the second zero.
    """
    if tune.what == "lora":
        here = model.text_emb.weight.device
        replace_all_linear_with_lora(model, tune.rank, tune.scaling, device="meta", dtype=torch.float32)
        generator = torch.Generator().manual_seed(seed)
        for module in lora_modules(model):
            module.lora_A.to_empty(device=here)
            module.lora_B.to_empty(device=here)
            if here.type != "meta":
                nn.init.kaiming_uniform_(module.lora_A.weight, a=math.sqrt(5), generator=generator)
                nn.init.zeros_(module.lora_B.weight)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_trained(name, tune))
        parameter.data = parameter.data.to(torch.float32 if parameter.requires_grad else computed_in)


def lora_modules(model: nn.Module) -> Iterator[LoRALinear]:
    """All linear maps with LoRA, in the model's order."""
    return (module for module in model.modules() if isinstance(module, LoRALinear))


def groups(model: nn.Module, settings: OptimizerSettings) -> list[dict[str, object]]:
    """The trained parameters for the optimizer; those of the depth transformer have a learning rate of their own."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    depth = [p for name, p in named if is_depth(name)]
    others = [p for name, p in named if not is_depth(name)]
    rates = ((others, settings.lr), (depth, settings.depth_lr or settings.lr))
    return [{"params": parameters, "lr": lr} for parameters, lr in rates if parameters]


def learning_rate_factor(step: int, steps: int, settings: OptimizerSettings) -> float:
    """The factor on the learning rate of update `step` (from 0): linear warm-up, then cosine or constant."""
    if step < settings.warmup:
        return (step + 1) / (settings.warmup + 1)
    if settings.schedule == "constant":
        return 1.0
    share = (step - settings.warmup) / max(1, steps - settings.warmup)
    return settings.min_lr + (1 - settings.min_lr) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
