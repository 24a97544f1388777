"""The loss: cross-entropies of a step, weighted.

As kame_finetune weighs them. Text: the mean over words' frames (their tokens, and the frame 0 that announces them) plus
`text_padding` times the mean over padding frames. Audio: the mean over all codebooks, the first (semantic) one weighing
`first_codebook`, the others `other_codebooks`. The two are added. The means go over all batches and processes of an
update together, so how it is cut up changes nothing.
"""

from dataclasses import dataclass

import torch

from kame_data.model.inputs import Inputs
from kame_data.model.streams import NOTHING
from kame_data.settings.training import LossSettings


@dataclass(frozen=True)
class Kinds:
    """The kinds of a batch's targets: masks of 1 or 0, f32."""

    word: torch.Tensor  # (M,)
    padding: torch.Tensor  # (M,)
    code: torch.Tensor  # (K, M)

    @classmethod
    def of(cls, inputs: Inputs, text_padding: int, counted: bool = True) -> "Kinds":
        """The kinds of these inputs' targets, on their device; all 0 for a batch that does not count."""
        padding = inputs.text == text_padding
        word = (inputs.text != NOTHING) & ~padding
        return cls(*((kind & counted).float() for kind in (word, padding, inputs.audio != NOTHING)))


def codebook_weights(settings: LossSettings, codebooks: int, device: torch.device | str) -> torch.Tensor:
    """The weight of each codebook, f32 (K, 1)."""
    weights = torch.full((codebooks, 1), settings.other_codebooks, device=device)
    weights[0] = settings.first_codebook
    return weights


def counts(kinds: Kinds, settings: LossSettings) -> torch.Tensor:
    """The divisors for the sums of a batch, f32 (3,): word frames, padding frames, weight of the codes."""
    audio = kinds.code * codebook_weights(settings, len(kinds.code), kinds.code.device)
    return torch.stack([kinds.word.sum(), kinds.padding.sum(), audio.sum()])


def weighted_sums(text: torch.Tensor, audio: torch.Tensor, kinds: Kinds, settings: LossSettings) -> torch.Tensor:
    """The weighted sums of the cross-entropies (M,) and (K, M): f32 (3,), to be divided by `counts`."""
    weights = codebook_weights(settings, len(audio), audio.device)
    return torch.stack([(text * kinds.word).sum(), (text * kinds.padding).sum(), (audio * kinds.code * weights).sum()])


def means(total: torch.Tensor, count: torch.Tensor, settings: LossSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """The text loss and the audio loss of sums and counts; 0 of what there is none of."""
    word, padding, audio = (total / count.clamp(min=1e-6)).unbind()
    return word + settings.text_padding * padding, audio
