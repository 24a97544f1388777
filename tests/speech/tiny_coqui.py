"""Makes tiny Coqui models with random weights: `python tiny_coqui.py FOLDER` writes FOLDER/one and FOLDER/three.

What they say is noise, with silence at marks and between symbols, as at the end of speech; but they are whole VITS
models, saved as Coqui saves them: one voice, and three.
"""

import json
import sys
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyzéèàçœï"


def make(folder: Path, speakers: int) -> None:
    import torch
    from TTS.config.shared_configs import BaseAudioConfig
    from TTS.tts.configs.shared_configs import CharactersConfig
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    folder.mkdir(parents=True)
    small = dict.fromkeys(
        ("hidden_channels", "hidden_channels_ffn_text_encoder", "upsample_initial_channel_decoder"), 16
    )
    layers = dict.fromkeys(("num_layers_text_encoder", "num_layers_posterior_encoder", "num_layers_flow"), 1)
    blocks = {
        "resblock_type_decoder": "2",
        "resblock_kernel_sizes_decoder": [3],
        "resblock_dilation_sizes_decoder": [[1, 3]],
    }
    arguments = VitsArgs(
        init_discriminator=False, num_heads_text_encoder=2, length_scale=1.7, **small, **layers, **blocks
    )
    if speakers:
        names = folder / "speakers.json"
        names.write_text(json.dumps({f"s{n}": n for n in range(speakers)}))
        arguments.use_speaker_embedding, arguments.num_speakers = True, speakers
        arguments.speaker_embedding_channels, arguments.speakers_file = 8, str(names)
    characters = CharactersConfig(
        characters_class="TTS.tts.models.vits.VitsCharacters",
        pad="_", eos="", bos="", blank="_", characters=LETTERS, punctuations="!'(),-.:;?—–… ", phonemes="",
    )  # fmt: skip
    config = VitsConfig(
        model_args=arguments,
        audio=BaseAudioConfig(sample_rate=22050, hop_length=256, win_length=1024, fft_size=1024, num_mels=80),
        use_phonemes=False,
        text_cleaner="basic_cleaners",
        characters=characters,
        add_blank=True,
    )
    torch.manual_seed(0)
    model = Vits(config)
    for name, parameter in model.waveform_decoder.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()  # else all that is heard is their hum
    hush(model, [n for n, symbol in enumerate(model.tokenizer.characters.vocab) if symbol not in LETTERS])
    model.eval()
    loudness = model.synthesize("hello there, world", speaker="s0" if speakers else None)["wav"].std()
    model.waveform_decoder.conv_post.weight.data *= 0.1 / loudness  # random weights whisper
    config.save_json(folder / "config.json")
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    if speakers:  # as where a model was trained on another machine
        told = json.loads((folder / "config.json").read_text())
        told["model_args"]["speakers_file"] = "/somewhere/else/speakers.json"
        (folder / "config.json").write_text(json.dumps(told))


def hush(model: Any, symbols: list[int]) -> None:
    """Next to nothing is heard in the frames of these symbols.

    The first of a symbol's numbers says that it is one of them, and passes the encoder alone; the noise that the
    decoder makes sound of goes down by it. What a speaker adds to every frame is made small.
    """
    import torch

    encoder, width = model.text_encoder, model.args.hidden_channels
    encoder.emb.weight.data[:, 0] = 0
    encoder.emb.weight.data[symbols] = 0
    encoder.emb.weight.data[symbols, 0] = 1
    for layer in (*encoder.encoder.attn_layers, *encoder.encoder.ffn_layers):
        last = getattr(layer, "conv_o", None) or layer.conv_2
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    for part in (encoder.proj.weight, encoder.proj.bias):
        part.data.zero_()
    encoder.proj.weight.data[width:, 0] = -3  # the logarithm of the noise
    if hasattr(model.waveform_decoder, "cond_layer"):
        model.waveform_decoder.cond_layer.weight.data *= 0.02


if __name__ == "__main__":
    make(Path(sys.argv[1]) / "one", 0)
    make(Path(sys.argv[1]) / "three", 3)
