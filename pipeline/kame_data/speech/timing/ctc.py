"""Forced alignment in any language by torchaudio's MMS model; runs in the process that has torch.

The model (Pratap et al., "Scaling Speech Technology to 1,000+ Languages") reads Latin letters, so words come romanised.
Its weights are downloaded by torchaudio when they are first asked for.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The model's letter for "anything"; stands for a word that romanises to nothing.
STAR = "*"


def mms(device: str) -> tuple[Any, dict[str, int], int]:
    """The model, its letters, and its sample rate in Hz. Downloads the weights on first use."""
    from torchaudio.pipelines import MMS_FA

    return MMS_FA.get_model().to(device).eval(), MMS_FA.get_dict(), MMS_FA.sample_rate


class CtcAligner:
    """Finds words in sound by the letters that a CTC model hears in each frame."""

    def __init__(self, device: str, load: Callable[[str], tuple[Any, dict[str, int], int]] = mms) -> None:
        self.device = device
        self.model, self.letters, self.sample_rate = load(device)

    def align(self, words: Sequence[str], samples: NDArray[np.float32], rate: int) -> list[tuple[int, int]]:
        """[start, end) in samples for every word. Raises ValueError where the sound is too short for its letters."""
        import torch
        from torchaudio.functional import forced_align, merge_tokens, resample

        spelt = [[self.letters[c] for c in word.lower() if c in self.letters and c not in "-|"] for word in words]
        spelt = [letters or [self.letters[STAR]] for letters in spelt]
        wave = resample(torch.from_numpy(np.ascontiguousarray(samples)), rate, self.sample_rate).to(self.device)
        with torch.inference_mode():
            emission, _ = self.model(wave.unsqueeze(0))
            emission = torch.log_softmax(emission, -1)
        targets = torch.tensor([[letter for word in spelt for letter in word]], dtype=torch.int32, device=self.device)
        frames = emission.shape[1]
        if frames < targets.shape[1]:
            raise ValueError(f"{frames} frames of sound are too few for {targets.shape[1]} letters")
        path, scores = forced_align(emission, targets, blank=0)
        tokens = merge_tokens(path[0], scores[0].exp())
        spans: list[tuple[int, int]] = []
        at, step = 0, len(samples) / frames
        for word in spelt:
            own, at = tokens[at : at + len(word)], at + len(word)
            spans.append((round(own[0].start * step), round(own[-1].end * step)))
        return spans
