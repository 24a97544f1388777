"""The outcome of a finished run in plain words: whether the model reads its oracles, by the losses of validation."""

import json

from kame_data.settings.training import TrainSettings
from kame_data.train.logs import METRICS

CLEAR = 0.1
"""Nats by which wrong oracles must cost more than the true ones to be spoken of: beyond what validation varies by."""
MODES = {
    "val/text_true_oracle": "with its own oracles",
    "val/text_shuffled_oracle": "with those of another dialogue in their place",
    "val/text_no_oracle": "with none",
}


def outcome(settings: TrainSettings) -> list[str]:
    """Lines for a person on the weights that were exported, from `RUN/metrics.jsonl`."""
    path = settings.run / METRICS
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    validated = [line for line in lines if all(name in line for name in MODES)]
    trained = [line for line in validated if line["step"] > 0]
    if not trained:
        return ["no two answers in validation to exchange oracles of: whether the model reads them is not known"]
    found = trained[-1] if settings.export == "last" else min(trained, key=lambda line: float(line["val/loss"]))
    texts = [line["loss/text"] for line in lines if "loss/text" in line and line["step"] <= found["step"]]
    true, shuffled, _ = (float(found[name]) for name in MODES)
    gap = shuffled - true
    said = "The model reads its oracles" if gap > CLEAR else "The model does not read its oracles (yet)"
    return [
        f"text loss in training: {texts[0]:.2f} at the first update, {texts[-1]:.2f} at update {found['step']}",
        "text loss on the answers of dialogues that it was not trained on, in nats a token:",
        *(f"  {float(found[name]):.2f} {how}" for name, how in MODES.items()),
        f"{said}: wrong ones cost it {gap:.2f} more than the true ones.",
    ]
