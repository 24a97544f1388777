"""Moshi's language model with the oracle stream, and a training forward of our own over the same parameters.

`FourStreams` is `moshi.models.lm.LMModel` with one table more: `oracle_emb` is added to the text embedding of the same
step. Its parameters are Moshi's, under Moshi's names. `LMModel.forward` still works and is Moshi's arithmetic; calling
`FourStreams(inputs)` is the training forward, which computes the same with causal attention instead of a mask that each
layer builds anew, the codebooks of the depth transformer in one product instead of one each, and logits only of frames
that have a target, a few thousand at a time.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from moshi.models.lm import LMModel, LMOutput
from moshi.models.lm_utils import ScaledEmbedding
from moshi.modules.lora import LoRALinear
from moshi.modules.transformer import RMSNorm, StreamingTransformerLayer
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from kame_data.errors import UsageError
from kame_data.model.inputs import Inputs, Layout

LOGITS_AT_ONCE = 1 << 27
"""Logits that are held at a time, in f32: 512 MiB."""


class Attend:
    """The frames that each frame attends to, worked out once for all layers; no mask where causal attention is
    enough."""

    def __init__(self, rotation: tuple[torch.Tensor, torch.Tensor], mask: torch.Tensor | None) -> None:
        self.rotation = rotation
        self.mask = mask

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Attention of (B, heads, T, d) to (B, heads, T, d)."""
        q, k = rotate(q, *self.rotation), rotate(k, *self.rotation)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask, is_causal=self.mask is None)


def rotation_of(time: torch.Tensor, width: int, max_period: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine, f32 (T, width / 2), of Moshi's rotary embedding at the times (T,)."""
    # As in moshi.modules.rope, so that both round alike.
    half = torch.arange(width // 2, device=time.device, dtype=torch.float32)
    frequency = torch.exp(half * (-math.log(max_period) * 2 / width))
    angle = frequency * time.float()[:, None]
    return torch.cos(angle), torch.sin(angle)


def rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Rotary embedding of (B, heads, T, d), real and imaginary parts interleaved, computed in f32."""
    pairs = x.reshape(*x.shape[:-1], -1, 2)
    real, imaginary = pairs[..., 0].float(), pairs[..., 1].float()
    turned = (real * cosine - imaginary * sine, real * sine + imaginary * cosine)
    return torch.stack([part.to(x.dtype) for part in turned], dim=-1).flatten(-2)


def normed(norm: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Moshi's norm of whatever shape; its RMS norm without the compilation of its own."""
    if not isinstance(norm, RMSNorm):
        return norm(x)  # type: ignore[no-any-return]
    y = x.to(norm.dtype) if norm.dtype is not None else x
    variance = norm.eps + torch.mean(y**2, dim=-1, keepdim=True)
    return (y * (norm.alpha.view(-1).to(variance) * torch.rsqrt(variance))).to(x.dtype)


def stacked(linears: Iterable[Any]) -> tuple[torch.Tensor, ...]:
    """The weights (K, out, in) of K linear maps; with LoRA also its factors (K, rank, in), (K, out, rank), scaled."""
    linears = list(linears)
    if not isinstance(linears[0], LoRALinear):
        return (torch.stack([linear.weight for linear in linears]),)
    frozen = torch.stack([linear.frozen_W.weight for linear in linears])
    down = torch.stack([linear.lora_A.weight for linear in linears])
    up = torch.stack([linear.lora_B.weight for linear in linears])
    return frozen, down, up * linears[0].scaling


def product(x: torch.Tensor, weights: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """(K, M, in) by `stacked` weights: (K, M, out)."""
    y = torch.bmm(x, weights[0].mT)
    if len(weights) == 1:
        return y
    return y + torch.bmm(torch.bmm(x, weights[1].mT), weights[2].mT)


class Spreadable:
    """The first base of what FSDP2 spreads over processes.

    It gives a module another class, which Python allows only where the first bases of both come from `object` alone;
    Moshi's come from `abc.ABC`.
    """


class TrainingLayer(Spreadable):
    """A layer of Moshi with a second forward for training; `checkpointing` recomputes it in the backward pass."""

    checkpointing = False

    def forward(self, x: torch.Tensor, attend: Attend | None = None, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Moshi's own without `attend`."""
        if attend is None:
            return super().forward(x, *args, **kwargs)  # type: ignore[misc, no-any-return]
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(self.train_forward, x, attend, use_reentrant=False)  # type: ignore[no-any-return]
        return self.train_forward(x, attend)

    def train_forward(self, x: torch.Tensor, attend: Attend) -> torch.Tensor:
        """(B, T, D) to (B, T, D)."""
        raise NotImplementedError


class TemporalLayer(TrainingLayer, StreamingTransformerLayer):  # type: ignore[misc]
    """A layer of the temporal transformer."""

    def train_forward(self, x: torch.Tensor, attend: Attend) -> torch.Tensor:
        """(B, T, D) to (B, T, D)."""
        attention, gating = self.self_attn, cast(Any, self.gating)
        projected = attention.in_projs[0](normed(self.norm1, x))
        q, k, v = projected.view(*x.shape[:2], 3, attention.num_heads, -1).unbind(2)
        heads = attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        update = attention.out_projs[0](heads.transpose(1, 2).flatten(2))
        x = x.to(update) + self.layer_scale_1(update)
        gate, value = gating.linear_in(normed(self.norm2, x)).chunk(2, dim=-1)
        update = gating.linear_out(gating.activation(gate) * value)
        return x.to(update) + self.layer_scale_2(update)  # type: ignore[no-any-return]


class DepthLayer(TrainingLayer, StreamingTransformerLayer):  # type: ignore[misc]
    """A layer of the depth transformer: weights of its own for each of K codebooks, attention over the codebooks."""

    def train_forward(self, x: torch.Tensor, attend: Attend) -> torch.Tensor:
        """(K, M, D) to (K, M, D): the steps of the M frames' codebooks, those of one codebook together."""
        attention, gates = self.self_attn, list(cast(Any, self.gating))
        projected = product(normed(self.norm1, x), stacked(attention.in_projs))
        q, k, v = projected.view(*x.shape[:2], 3, attention.num_heads, -1).permute(2, 1, 3, 0, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        update = product(heads.permute(2, 0, 1, 3).flatten(2), stacked(attention.out_projs))
        x = x.to(update) + self.layer_scale_1(update)
        gate, value = product(normed(self.norm2, x), stacked(g.linear_in for g in gates)).chunk(2, dim=-1)
        update = product(gates[0].activation(gate) * value, stacked(g.linear_out for g in gates))
        return x.to(update) + self.layer_scale_2(update)  # type: ignore[no-any-return]


class FourStreams(Spreadable, LMModel):
    """Moshi with the oracle stream. `lm` are `LMModel`'s own arguments.

    Raises UsageError for other kinds of Moshi (with conditioners, shared weights of codebooks, ...).
    """

    def __init__(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None, **lm: Any) -> None:
        check_kind(lm)
        super().__init__(device=device, dtype=dtype, layer_class=TemporalLayer, depformer_layer_class=DepthLayer, **lm)
        self.oracle_emb = ScaledEmbedding(
            self.text_card + 1, self.dim, norm=lm.get("norm_emb", False), device=device, dtype=dtype
        )
        with torch.no_grad():
            self.oracle_emb.weight.copy_(self.text_emb.weight)

    def embed(self, streams: torch.Tensor, oracle: torch.Tensor | None) -> torch.Tensor:
        """The sum (B, T, D) of the embeddings of the streams (B, n_q + 1, T) and of the oracle (B, T)."""
        audio = self.emb[0](streams[:, 1])
        for index in range(1, self.n_q):
            audio = audio + self.emb[index](streams[:, index + 1])
        text = self.text_emb(streams[:, 0])
        return audio + (text if oracle is None else text + self.oracle_emb(oracle))  # type: ignore[no-any-return]

    def forward_text(
        self,
        sequence: torch.Tensor,
        sum_condition: torch.Tensor | None = None,
        cross_attention_src: torch.Tensor | None = None,
        oracle_tokens: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Moshi's own, with the oracle (B, T) or (B, 1, T) if there is one: what generation calls step by step."""
        if oracle_tokens is not None and oracle_tokens.dim() == 3:
            oracle_tokens = oracle_tokens[:, 0]
        out = self.out_norm(self.transformer(self.embed(sequence, oracle_tokens)))
        return out, self.text_linear(out)[:, None]

    def forward(self, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        """Cross-entropies, f32, of text (M,) and codebooks (K, M) at the M real frames; 0 where no target is."""
        hidden = self.embed(inputs.streams, inputs.oracle)
        attend = self.attend(hidden.shape[1], hidden.device)
        for layer in self.transformer.layers:
            hidden = layer(hidden, attend)
        hidden = normed(self.out_norm, hidden).flatten(0, 1)[inputs.real]
        steps = self.depth_steps(hidden, inputs.depth)
        for layer in self.depformer.layers:
            steps = layer(steps, attend)
        steps = torch.stack([normed(n, s) for n, s in zip(self.depformer_norms, steps, strict=True)])
        heads = stacked(self.linears)
        text = cross_entropies(self.text_linear, hidden[None], inputs.text[None], self.text_card)[0]
        return text, cross_entropies(lambda x: product(x, heads), steps, inputs.audio, self.card)

    def moshi_forward(self, codes: torch.Tensor) -> LMOutput:
        """`LMModel.forward` without an oracle, Moshi's own code."""
        return super().forward(codes)

    def depth_steps(self, hidden: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The inputs of the depth transformer, (K, M, d): the hidden states (M, D) projected, plus its tokens (K,
        M)."""
        tables = [self.depformer_text_emb, *self.depformer_emb]
        fed = torch.stack([table(ids) for table, ids in zip(tables, tokens, strict=True)])
        if not self.depformer_multi_linear:
            return fed + cast(torch.Tensor, self.depformer_in[0](hidden))
        weights = stacked(self.depformer_in)
        y = F.linear(hidden, weights[0].flatten(0, 1)).view(len(hidden), self.dep_q, -1).transpose(0, 1)
        if len(weights) > 1:
            low = F.linear(hidden, weights[1].flatten(0, 1)).view(len(hidden), self.dep_q, -1).transpose(0, 1)
            y = y + torch.bmm(low, weights[2].mT)
        return fed + y

    def attend(self, length: int, device: torch.device) -> Attend:
        """The frames that each of `length` frames attends to: those before them, `context` frames back at most."""
        time = torch.arange(length, device=device)
        attention = cast(StreamingTransformerLayer, self.transformer.layers[0]).self_attn
        rotation = rotation_of(time, self.dim // attention.num_heads, float(cast(Any, self.transformer).max_period))
        if self.context is None or length <= self.context:
            return Attend(rotation, None)
        behind = time[:, None] - time
        return Attend(rotation, (behind >= 0) & (behind < self.context))

    @property
    def layout(self) -> Layout:
        """The layout of batches for this model."""
        return Layout(
            tuple(self.delays),
            self.dep_q,
            self.text_initial_token_id,
            self.initial_token_id,
            self.text_padding_token_id,
        )


def cross_entropies(
    head: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, targets: torch.Tensor, card: int
) -> torch.Tensor:
    """Cross-entropy, f32 (K, M), of `head` of x (K, M, D) with the targets (K, M); -1 is none and gives 0.

    Logits are made a slice of the frames at a time and made again in the backward pass, never all at once.
    """

    def some(x: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logits = head(x).float()
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none").view_as(
            targets
        )

    frames = max(1, LOGITS_AT_ONCE // (card * x.shape[0]))
    if x.shape[1] <= frames:
        return some(x, targets)
    parts = zip(torch.split(x, frames, 1), torch.split(targets, frames, 1), strict=True)
    return torch.cat([checkpoint(some, *part, use_reentrant=False) for part in parts], dim=1)


def check_kind(lm: dict[str, Any]) -> None:
    """Raise UsageError where `LMModel` would be of a kind whose training forward is not written here."""
    wrong = {
        "conditioners": bool(lm.get("conditioners") or lm.get("condition_provider") or lm.get("fuser")),
        "cross_attention": bool(lm.get("cross_attention")),
        "demux_second_stream": bool(lm.get("demux_second_text_stream") or lm.get("demux_second_stream")),
        "depformer_weights_per_step": not lm.get("depformer_weights_per_step"),
        "depformer_weights_per_step_schedule": lm.get("depformer_weights_per_step_schedule") is not None,
        "depformer_pos_emb": lm.get("depformer_pos_emb", "sin") != "none",
        "positional_embedding": lm.get("positional_embedding", "sin") != "rope",
        "gating": lm.get("gating", "none") == "none" or lm.get("depformer_gating", lm.get("gating", "none")) == "none",
        "kv_repeat": lm.get("kv_repeat", 1) != 1 or lm.get("depformer_kv_repeat", 1) != 1,
        "bias_proj": bool(lm.get("bias_proj")),
        "quantize": bool(lm.get("quantize")),
        "dep_q": lm.get("dep_q", 8) < 1,
    }
    if name := next((name for name, is_wrong in wrong.items() if is_wrong), None):
        raise UsageError(
            f"{name} {lm.get(name)!r}: such Moshis are neither trained nor run here; give one of the 7B kind"
        )
