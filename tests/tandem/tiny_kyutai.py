"""A recogniser of Kyutai's kind with random weights and all of its files: it hears nonsense, by Moshi's own code."""

import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch
from moshi.models.lm import LMModel
from safetensors.torch import save_file

from kame_data.codec.untrained import SMALL, untrained_mimi
from kame_data.model.start import UNTRAINED, moshi_arguments
from kame_data.resources import bundled

torch.set_num_threads(1)
TOKENIZER = bundled("data/tokenizers/sample.model")
DELAY, PREFIX = 0.48, 0.16


def make(folder: Path, heads: int) -> Path:
    """The folder of a model with so many pause heads."""
    import sentencepiece

    torch.manual_seed(0)
    card = sentencepiece.SentencePieceProcessor(str(TOKENIZER)).get_piece_size()
    shape = moshi_arguments(card, UNTRAINED["untrained-tiny"])
    shape |= {"n_q": 8, "dep_q": 0, "delays": [0] * 9, "extra_heads_num_heads": heads, "extra_heads_dim": 6}
    model = LMModel(device="cpu", dtype=torch.float32, **shape)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(1.5)  # so that what it hears decides what it writes
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / "model.safetensors")
    save_file(untrained_mimi(small=True).state_dict(), folder / "mimi.safetensors")
    shutil.copy(TOKENIZER, folder / "tokenizer.model")
    (folder / "mimi.json").write_text(json.dumps(SMALL))
    named = {"moshi_name": "model.safetensors", "mimi_name": "mimi.safetensors", "tokenizer_name": "tokenizer.model"}
    stt = {"audio_delay_seconds": DELAY, "audio_silence_prefix_seconds": PREFIX}
    config = {**shape, **named, "mimi_config_name": "mimi.json", "model_type": "stt", "stt_config": stt}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
