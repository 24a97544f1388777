"""The codec of the small bundled model: it hears how loud a voice is, and nothing more.

One code a frame: 0 for silence, 1 to 3 for a voice from soft to loud. It cannot speak. The two streams of the assistant
hold what that model notes for itself (docs/TANDEM.md), so they have the same number of codes, and no sound.
"""

import torch

CARD = 512
FLOOR_DBFS = -58.0
"""The quietest sound that can be a voice."""
ABOVE_NOISE = 8.0
"""Decibels by which a voice stands above the noise around it."""
STEP = 9.0
"""Decibels from one class to the next."""
SINKS, RISES = 0.5, 0.2
"""The noise's level goes this share of the way down to a quieter frame, and so many decibels a frame up to a louder
one: 2.5 a second, less than a voice pauses for."""
LOUDEST_NOISE = -35.0
"""The noise is never thought louder than this, so a voice without a pause stays a voice."""


class Loudness:
    """Classes of loudness of `count` rows at once; is a `kame_data.tandem.codecs.Codec`."""

    name = "loudness"
    heard, said, card = 1, 2, CARD

    def __init__(self, count: int, device: str) -> None:
        self._noise = torch.full((count,), FLOOR_DBFS, device=device)

    def reset(self, rows: torch.Tensor) -> None:
        """New conversations begin in the rows, bool (B,): nothing is known of their noise."""
        self._noise[rows] = FLOOR_DBFS

    def hear(self, sound: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Classes, int64 (B, 1) in 0 to 3, of one frame of each row's user, f32 (B, 1920)."""
        power = sound.float().square().mean(dim=1)
        level = 10.0 * torch.log10(power.clamp(min=1e-12))
        above = level - torch.clamp(self._noise + ABOVE_NOISE, min=FLOOR_DBFS)
        classes = torch.clamp(torch.floor(above / STEP) + 1, 0, 3).to(torch.int64)
        change = level - self._noise
        change = torch.where(change < 0, SINKS * change, change.clamp(max=RISES))
        noise = (self._noise + change).clamp(FLOOR_DBFS, LOUDEST_NOISE)
        self._noise = torch.where(rows, noise, self._noise)
        return torch.where(rows, classes, 0)[:, None]

    def say(self, codes: torch.Tensor, rows: torch.Tensor) -> None:
        """None: it cannot speak."""
        return None

    def close(self) -> None:
        """Nothing is held."""
