"""Trains `demo`, the small model that reads oracles, on the dialogues of a text build and on drawn texts.

    kame-data build --config data/models/reader.yaml --no-speech --target 2000 --out out/text
    python data/models/train.py out/text
    python data/models/train.py --check out/text

What it learns stands in `reader_rule.py`, what it is given from the start in `reader_circuits.py`.
"""

import argparse
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from reader_check import check
from reader_circuits import HEARD, SAID, Circuits, arguments
from reader_dialogues import Conversations, Texts
from safetensors.torch import save_file

from kame_data.codec.tokenizer import Tokenizer
from kame_data.model.four_streams import FourStreams
from kame_data.model.inputs import lay_out

FOLDER = Path(__file__).with_name("demo")
ROWS, FRAMES = 4, 320
LEARNT = ("transformer.layers.2", "text_linear")
"""Parameters that are trained; the others are circuits and stay as they were laid."""
STAND_INS = [
    "model: the small bundled one, which says its oracles and cannot think",
    "codec: loudness, which cannot hear words",
]


def texts_of(out: Path, split: str) -> list[str]:
    """Turns and oracles of a build."""
    rows = [
        row
        for path in sorted((out / "shards").glob(f"{split}-*.parquet"))
        for row in pq.read_table(path, columns=["turns", "oracles"]).to_pylist()
    ]
    return sorted({said["text"] for row in rows for said in (*row["turns"], *row["oracles"])})


def keep_notes(model: FourStreams) -> None:
    """Nothing that is trained writes where the numbers stand that the model notes."""
    layer: Any = model.transformer.layers[2]
    for weight in (layer.self_attn.out_projs[0].weight, layer.gating.linear_out.weight):
        free = torch.ones(len(weight), 1)
        free[SAID], free[HEARD] = 0.0, 0.0
        weight.data.mul_(free)
        weight.register_hook(lambda gradient, free=free: gradient * free)


def train(conversations: Conversations, steps: int, rate: float) -> FourStreams:
    """A trained model."""
    torch.manual_seed(0)
    rng = random.Random(0)
    model = FourStreams(dtype=torch.float32, **arguments(conversations.texts.tokenizer.text_card))
    some = lay_out(conversations.batch(rng, 4, FRAMES), model.layout)
    Circuits(model, conversations.kinds, np.random.default_rng(0)).lay(some.streams, some.oracle)
    for name, value in model.named_parameters():
        value.requires_grad_(name.startswith(LEARNT))
    keep_notes(model)
    learnt = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 50) * max(0.02, 1 - step / steps)
    )
    began, seen = time.monotonic(), []
    for step in range(steps):
        inputs = lay_out(conversations.batch(rng, ROWS, FRAMES), model.layout)
        text, notes = model(inputs)
        loss = text.mean() + notes.mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        schedule.step()
        seen.append((float(text.detach().mean()), float(notes.detach().mean())))
        if step % 50 == 49 or step < 5:
            means = np.mean(seen[-50:], axis=0)
            print(
                f"step {step + 1}  text {means[0]:.4f}  notes {means[1]:.5f}  {time.monotonic() - began:.0f} s",
                flush=True,
            )
    return model


def save(model: FourStreams, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the checkpoint: weights in f16, the arguments, and the tokenizer."""
    folder.mkdir(exist_ok=True)
    weights = {name: value.to(torch.float16).contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    shutil.copyfile(tokenizer.path, folder / "tokenizer.model")
    config = arguments(tokenizer.text_card) | {
        "moshi_name": "model.safetensors",
        "tokenizer_name": "tokenizer.model",
        "codec": "loudness",
        "model_id": {"made_by": "data/models/train.py", "stand_ins": STAND_INS},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    """Train, or check what is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="a text build")
    parser.add_argument("--check", action="store_true", help="train nothing; print word error rates of what is there")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.check:
        tokenizer = Tokenizer.of("sample")
        model = train(Conversations(Texts(tokenizer, texts_of(args.out, "train"))), args.steps, args.rate)
        save(model, tokenizer, FOLDER)
    check(FOLDER, texts_of(args.out, "validation"))


if __name__ == "__main__":
    main()
