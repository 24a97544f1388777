"""Model FLOPs of training by formula; docs/TRAINING.md writes it out.

Only products count: 2 FLOPs for each weight and frame forwards, as much again for the gradient of what goes in, and as
much again for the gradient of a weight that is trained. Attention has no weights, and costs forwards and twice
backwards.
"""

from typing import Any, Literal

Tune = Literal["full", "lora", "frozen_depth"]


def hidden_of(dim: int, feed_forward: int) -> int:
    """Width of Moshi's gated feed-forward (moshi.modules.gating)."""
    return 21 * dim // 8 if feed_forward == 4 * dim else 2 * feed_forward // 3


def weights_in_products(lm: dict[str, Any]) -> tuple[dict[str, list[tuple[int, int]]], int, int]:
    """The linear maps that a frame goes through, (in, out) each, of the temporal transformer and of the depth
    transformer; and their widths."""
    dim, depth, codebooks = int(lm["dim"]), int(lm["depformer_dim"]), int(lm["dep_q"])
    hidden = hidden_of(dim, int(lm["hidden_scale"] * dim))
    inner = hidden_of(depth, lm["depformer_dim_feedforward"])

    def layer(width: int, gated: int) -> list[tuple[int, int]]:
        return [(width, 3 * width), (width, width), (width, 2 * gated), (gated, width)]

    temporal = layer(dim, hidden) * lm["num_layers"] + [(dim, lm["text_card"])]
    step = layer(depth, inner) * lm["depformer_num_layers"] + [(dim, depth), (depth, lm["card"])]
    return {"temporal": temporal, "depth": step * codebooks}, dim, depth


def flops_per_frame(lm: dict[str, Any], frames: int, tune: Tune = "full", rank: int = 128) -> float:
    """FLOPs for each frame of an example of so many frames: forward and backward, nothing computed twice.

    `lm`: the arguments of the model. With LoRA the frozen weights have no gradient, their factors have.
    """
    maps, dim, depth = weights_in_products(lm)
    total = 0.0
    for part, linears in maps.items():
        weights = float(sum(into * out for into, out in linears))
        trained = tune == "full" or (tune == "frozen_depth" and part == "temporal")
        total += (6 if trained else 4) * weights
        if tune == "lora":
            total += 6 * rank * sum(into + out for into, out in linears)
    # Scores and their use: 2 products of (width) a pair; half of the pairs are in the past.
    total += 3 * lm["num_layers"] * 2 * 2 * dim * min(frames, lm["context"]) / 2
    total += 3 * lm["depformer_num_layers"] * 2 * 2 * depth * lm["dep_q"] * lm["dep_q"] / 2
    return float(total)
