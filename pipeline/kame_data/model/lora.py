"""LoRA's factors, as a checkpoint holds them: worked into the weights, or beside these in a file of their own."""

import torch

LORA_NAME = "lora.safetensors"

State = dict[str, torch.Tensor]


def split(state: State) -> tuple[State, State]:
    """The weights of a state dict under the names that they have without LoRA, and LoRA's factors."""
    factors = {name: value for name, value in state.items() if ".lora_" in name}
    weights = {name.replace(".frozen_W.", "."): value for name, value in state.items() if name not in factors}
    return weights, factors


def merged(weights: State, factors: State, scaling: float) -> State:
    """The weights with the factors worked in, computed in f32, each in its own precision.

    Raises KeyError with the name of a factor whose other one, or of a weight, is not there.
    """
    found = dict(weights)
    for stem in dict.fromkeys(name.partition(".lora_")[0] for name in factors):
        down, up = (factors[f"{stem}.lora_{factor}.weight"].float() for factor in "AB")
        weight = weights[f"{stem}.weight"]
        found[f"{stem}.weight"] = (weight.float() + scaling * (up @ down)).to(weight.dtype)
    return found
