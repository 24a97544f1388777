"""Mimi's network with seeded random weights: a stand-in for machines without the real ones, and for tests.

Every weight comes from the raw bits of a seeded PCG64, scaled to its fan-in (He et al. 2015), so it hangs on no
library's idea of a random number. Codebooks are directions around the mean of what the network makes of a synthetic
voice: so silence has one code, and sounds have many.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.token_schema import CARD, CODEBOOKS
from kame_data.records import FRAME_RATE, SAMPLE_RATE

if TYPE_CHECKING:
    import torch

SEED = 0
VERSION = 1
"""Raised when the weights change."""

_DIMENSION = 64
SMALL: dict[str, Any] = {
    "sample_rate": SAMPLE_RATE,
    "channels": 1,
    "frame_rate": FRAME_RATE,
    "seanet": {
        "channels": 1,
        "dimension": _DIMENSION,
        "causal": True,
        "n_filters": 4,
        "n_residual_layers": 1,
        "compress": 2,
        "dilation_base": 2,
        "kernel_size": 7,
        "residual_kernel_size": 3,
        "last_kernel_size": 3,
        "norm": "none",
        "pad_mode": "constant",
        "ratios": [8, 6, 5, 4],
        "true_skip": True,
    },
    "transformer": {
        "d_model": _DIMENSION,
        "num_heads": 4,
        "num_layers": 2,
        "causal": True,
        "layer_scale": 0.01,
        "context": 250,
        "conv_layout": True,
        "max_period": 10000,
        "gating": "none",
        "norm": "layer_norm",
        "positional_embedding": "rope",
        "dim_feedforward": 2 * _DIMENSION,
        "input_dimension": _DIMENSION,
        "output_dimensions": [_DIMENSION],
    },
    "quantizer": {
        "dimension": _DIMENSION // 2,
        "n_q": CODEBOOKS,
        "bins": CARD,
        "input_dimension": _DIMENSION,
        "output_dimension": _DIMENSION,
    },
}
"""Mimi's shape in small: the same strides, frames, codebooks and entries; 4 filters for 64, 2 layers of 64 for 8."""


def untrained_mimi(*, small: bool) -> Any:
    """A `MimiModel` of Mimi's own size, or of `SMALL`."""
    import torch
    from moshi.models import loaders
    from moshi.utils.compile import no_compile

    model: Any = loaders.get_mimi(None, SMALL if small else None, num_codebooks=CODEBOOKS)
    bits = np.random.PCG64(SEED)
    for name, weight in sorted(model.named_parameters()):
        if weight.ndim > 1:
            # The encoder's ELUs halve what goes through, the rest is linear or next to it.
            gain = 2.0 if name.startswith("encoder.") else 1.0
            bound = np.float32(np.sqrt(3 * gain / weight[0].numel()))
            weight.data.copy_(torch.from_numpy(_uniform(bits, tuple(weight.shape)) * bound))
        elif name.endswith("bias"):
            weight.data.zero_()
    with torch.inference_mode(), no_compile():
        latent = model._encode_to_unquantized_latent(torch.from_numpy(_voice())[None, None])
        for quantizer in (model.quantizer.rvq_first, model.quantizer.rvq_rest):
            _set_codebooks(quantizer, quantizer.input_proj(latent)[0].T, bits)
    return model


def _uniform(bits: np.random.PCG64, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers in [-1, 1) from the upper 24 bits of each draw."""
    raw = np.asarray(bits.random_raw(int(np.prod(shape))), np.uint64)
    return ((raw >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)).reshape(shape)


def _voice(seconds: int = 4) -> NDArray[np.float32]:
    """A gliding buzz with some noise that comes and goes like syllables, (samples,)."""
    time = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(110 + 60 * np.sin(2 * np.pi * 0.7 * time)) / SAMPLE_RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12))
    noise = _uniform(np.random.PCG64(SEED + 1), time.shape)
    loudness = 0.2 * np.clip(np.sin(2 * np.pi * 1.5 * time), 0, 1)
    return np.asarray(loudness * (0.5 * buzz + 0.2 * noise), np.float32)


def _set_codebooks(quantizer: Any, latent: "torch.Tensor", bits: np.random.PCG64) -> None:
    """Codebooks for latents like these, (frames, dimension): equal steps in random directions, from their mean.

    Of 2,048 directions in d dimensions the best lies at a cosine of about sqrt(2 ln(2048) / d); a step of that share of
    the latent's length takes most off it, and what is left is the next codebook's.
    """
    import torch

    mean = latent.mean(dim=0)
    # Rounded, so that the weights do not hang on the last bits of a machine's sums.
    scale = float(f"{float((latent - mean).square().sum(dim=1).mean().sqrt()):.2g}")
    mean = torch.round(mean / scale, decimals=2) * scale
    cosine = min(0.8, float(np.sqrt(2 * np.log(CARD) / latent.shape[1])))
    step = scale * cosine
    for number, layer in enumerate(quantizer.vq.layers):
        book = layer._codebook
        directions = torch.from_numpy(_uniform(bits, tuple(book.embedding_sum.shape)))
        directions /= directions.norm(dim=1, keepdim=True)
        book.embedding_sum.copy_(directions * step + (mean if number == 0 else 0))
        book.cluster_usage.fill_(1)
        book._initialized.fill_(1)
        step *= float(np.sqrt(1 - cosine**2))
