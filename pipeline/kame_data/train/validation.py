"""Validation: losses by stream and hint level, and whether the model reads its oracles.

Text losses of answers are means over the frames of answers that have a word (its tokens, and the frame that announces
them): padding between words says little and is left out. They are taken with the true oracle, with that of another
dialogue in its place, and with none. A model that reads its oracles does worse with the second and third.
"""

from collections import defaultdict
from collections.abc import Callable
from itertools import islice

import numpy as np
import torch

from kame_data.levels import ALL_LEVELS
from kame_data.model.inputs import Inputs
from kame_data.model.streams import Batch
from kame_data.settings.training import LossSettings
from kame_data.train.batches import Loader
from kame_data.train.loss import Kinds, counts, means, weighted_sums
from kame_data.train.oracle_stream import OracleMode

Model = Callable[[Inputs], tuple[torch.Tensor, torch.Tensor]]
MODES: tuple[OracleMode, ...] = ("true", "shuffled", "none")
LEVELS = len(ALL_LEVELS)


def evaluate(
    model: Model,
    loader: Loader,
    inputs_of: Callable[[Batch], Inputs],
    total: Callable[[torch.Tensor], torch.Tensor],
    settings: LossSettings,
    text_padding: int,
    limit: int | None = None,
) -> dict[str, float]:
    """The numbers `val/...` of the model on the first `limit` batches of a process; `total` adds up over processes.

    `val/text`, `val/audio` and `val/loss` are weighed as in training; `val/audio_0` ... are plain means for each
    codebook; `val/text_true_oracle`, `val/text_shuffled_oracle`, `val/text_no_oracle` and, with the true oracle,
    `val/text_level_0` ... (by the hint level that is current at a frame) are those of answers. What there is nothing of
    is left out: oracles cannot be shuffled where all rows are of one question.
    """
    found: dict[str, torch.Tensor] = {}
    for mode in MODES:
        if mode == "shuffled" and not loader.shuffles_oracles:
            continue
        adds: dict[str, torch.Tensor] = defaultdict(lambda: torch.zeros(1))
        for batch in islice(loader.with_(oracle=mode).epoch(0), limit):
            inputs = inputs_of(batch)
            text, audio = model(inputs)
            kinds = Kinds.of(inputs, text_padding, counted=not batch.repeated)
            answers = _masks(batch, inputs.text.device)
            answer = answers[0] * kinds.word
            adds[f"text_{mode}"] = adds[f"text_{mode}"].to(text.device) + _pair(text, answer)
            if mode != "true":
                continue
            levels = answers[1:] * kinds.word
            parts = {
                "sums": weighted_sums(text, audio, kinds, settings),
                "counts": counts(kinds, settings),
                "codebooks": torch.stack([(audio * kinds.code).sum(1), kinds.code.sum(1)]),
                "levels": torch.stack([(text * levels).sum(1), levels.sum(1)]),
            }
            for name, value in parts.items():
                adds[name] = adds[name].to(value.device) + value
        found |= adds
    found = {name: total(value) for name, value in sorted(found.items())}
    return _numbers(found, settings)


def _masks(batch: Batch, device: torch.device) -> torch.Tensor:
    """Bool (1 + LEVELS, M): frames of answers, and of those the ones where each hint level is current."""
    inside = np.arange(batch.oracle.shape[1]) < batch.frames[:, None]
    answer, level = batch.answer[inside], batch.level[inside]
    return torch.from_numpy(np.stack([answer, *(answer & (level == n) for n in range(LEVELS))])).to(device)


def _pair(loss: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return torch.stack([(loss * mask).sum(), mask.sum()])


def _numbers(found: dict[str, torch.Tensor], settings: LossSettings) -> dict[str, float]:
    text, audio = means(found["sums"], found["counts"], settings)
    numbers = {"val/loss": (text + audio).item(), "val/text": text.item(), "val/audio": audio.item()}
    names = {"true": "true_oracle", "shuffled": "shuffled_oracle", "none": "no_oracle"}
    for mode in MODES:
        if (pair := found.get(f"text_{mode}")) is not None and pair[1] > 0:
            numbers[f"val/text_{names[mode]}"] = (pair[0] / pair[1]).item()
    for name, key in (("audio", "codebooks"), ("text_level", "levels")):
        for index, (loss, count) in enumerate(found[key].T.tolist()):
            if count:
                numbers[f"val/{name}_{index}"] = loss / count
    return numbers
