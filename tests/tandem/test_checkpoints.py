"""Checkpoints as the tandem opens them: what stands beside the weights, and what cannot be talked to."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError, UsageError
from kame_data.model.start import UNTRAINED, moshi_arguments
from kame_data.tandem.checkpoints import Checkpoint
from kame_data.tandem.frames import SAMPLES, FrameIn
from kame_data.tandem.front_end import GREEDY
from tandem.front_ends import model

SAMPLE = Tokenizer.of("sample")
ARGUMENTS = moshi_arguments(SAMPLE.text_card, UNTRAINED["untrained-tiny"]) | {"context": 12}
TRAINED_ON = {"model_id": {"trained_on": {"codec": "untrained small seed=0"}, "stand_ins": ["voice: espeak"]}}


@pytest.fixture(scope="module")
def weights():
    return model(text_card=SAMPLE.text_card).state_dict()


def checkpoint(folder, weights, config=None, tokenizer=True, oracle=True):
    folder.mkdir(parents=True)
    save_file({n: w for n, w in weights.items() if oracle or n != "oracle_emb.weight"}, folder / "model.safetensors")
    if tokenizer:
        shutil.copy(SAMPLE.path, folder / "tokenizer.model")
        config = {"tokenizer_name": "tokenizer.model"} | (config or {})
    (folder / "config.json").write_text(json.dumps(ARGUMENTS | (config or {})))
    return folder


def said(found):
    """The tokens and the sound of some frames with an oracle."""
    with found.front_end(1, "cpu", GREEDY) as rows:
        row = rows.open()
        made = [rows.step({row: FrameIn(np.zeros(SAMPLES, np.float32), 40 + n)})[row] for n in range(8)]
    return [out.text for out in made], made[-1].sound


def test_an_export_is_opened_with_what_lies_beside_it(tmp_path, weights):
    folder = checkpoint(tmp_path / "export", weights, TRAINED_ON)
    found = Checkpoint.find(str(folder))
    assert (found.tokenizer.path, found.codec, found.reads_oracles) == (
        folder / "tokenizer.model",
        "untrained-small",
        True,
    )
    assert found.stand_ins == ("codec: untrained", "voice: espeak") and found.name == str(folder)
    texts, sound = said(found)
    assert len(set(texts)) > 2 and sound.std() > 1e-3


def test_a_run_is_opened_by_its_export(tmp_path, weights):
    checkpoint(tmp_path / "run" / "export", weights, TRAINED_ON)
    (tmp_path / "run" / "checkpoints").mkdir()
    assert said(Checkpoint.find(str(tmp_path / "run"))) is not None
    shutil.rmtree(tmp_path / "run" / "export")
    with pytest.raises(UsageError, match=r"^MODEL .*/run: this run has no export yet"):
        Checkpoint.find(str(tmp_path / "run"))


def test_weights_without_an_oracle_stream_are_the_baseline(tmp_path, weights):
    whole = Checkpoint.find(str(checkpoint(tmp_path / "whole", weights, TRAINED_ON)))
    moshi = Checkpoint.find(str(checkpoint(tmp_path / "moshi", weights, TRAINED_ON, oracle=False)))
    assert not moshi.reads_oracles and moshi.name.endswith("/moshi (it has no oracle stream)")
    assert said(moshi)[0] != said(whole)[0]


def test_weights_in_low_precision_compute_in_f32_on_a_cpu(tmp_path, weights):
    low = {name: value.to(torch.bfloat16) for name, value in weights.items()}
    found = Checkpoint.find(str(checkpoint(tmp_path / "low", low, TRAINED_ON)))
    with found.front_end(1, "cpu", GREEDY) as rows:
        assert rows._model.dtype == torch.float32


@pytest.mark.parametrize("name", ["SakanaAI/kame", "kyutai/moshiko-pytorch-bf16"])
def test_repositories_of_the_hub_are_opened_by_their_layout(site, tmp_path, weights, name):
    """Both name Mimi and the tokenizer in `config.json`; Kyutai's weights have no oracle stream."""
    kame = name == "SakanaAI/kame"
    names = {"mimi_name": "mimi.safetensors", "tokenizer_name": "tokenizer_spm.model", "model_type": "moshi"}
    folder = checkpoint(tmp_path / "made", weights, names, tokenizer=False, oracle=kame)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files |= {"tokenizer_spm.model": SAMPLE.path.read_bytes(), "mimi.safetensors": b"mimi"}
    site.hold(name, files, "model")
    found = Checkpoint.find(name)
    assert found.reads_oracles is kame and found.stand_ins == ()
    assert found.tokenizer.sha256 == SAMPLE.sha256
    assert Path(found.codec).read_bytes() == b"mimi"
    assert len(said(Checkpoint.find(name, codec="untrained-small"))[0]) == 8
    with pytest.raises(UsageError, match=r"^--codec .*: does not hold Mimi's weights"):
        found.front_end(1, "cpu")


def test_a_tokenizer_in_another_repository_is_fetched(site, tmp_path, weights):
    site.hold("ORG/WORDS", {"spm/tokenizer.model": SAMPLE.path.read_bytes()}, "model")
    config = TRAINED_ON | {"tokenizer_name": "hf://ORG/WORDS/spm/tokenizer.model"}
    found = Checkpoint.find(str(checkpoint(tmp_path / "a", weights, config, tokenizer=False)))
    assert found.tokenizer.sha256 == SAMPLE.sha256
    config["tokenizer_name"] = "hf://ORG/WORDS/none.model"
    with pytest.raises(UsageError, match=r"^MODEL .*/b: ORG/WORDS/none\.model cannot be had from the Hub"):
        Checkpoint.find(str(checkpoint(tmp_path / "b", weights, config, tokenizer=False)))


BAD = {
    "another kind": ({"model_type": "hibiki"}, r"is a model of the kind 'hibiki'; give a Moshi"),
    "a recogniser": ({"dep_q": 0, "delays": [0] * 17}, r"dep_q 0: such Moshis are neither"),
    "no Moshi": ({"n_layer": 12, "dim": 96}, r"its config\.json is not that of a Moshi \(.*n_layer"),
    "no numbers": ({"dim": "wide"}, r"its config\.json is not that of a Moshi"),
    "unknown codec": ({"codec": "encodec"}, r"names the codec 'encodec'; this version has .*mimi"),
    "odd codec": ({"codec": {"name": 1}}, r"names the codec "),
    "tokenizer gone": ({"tokenizer_name": "gone.model"}, r"lacks gone\.model, which its config\.json names"),
    "no vocabulary": ({"text_card": 1999}, r"its text vocabulary has 1999 pieces, that of the tokenizer tokenizer"),
}


@pytest.mark.parametrize(("config", "told"), BAD.values(), ids=BAD)
def test_what_cannot_be_talked_to_is_told_in_a_line(tmp_path, weights, config, told):
    folder = checkpoint(tmp_path / "bad", weights, TRAINED_ON | config)
    with pytest.raises(UsageError, match=told) as error:
        Checkpoint.find(str(folder))
    assert "\n" not in str(error.value) and str(folder) in str(error.value)


def test_a_missing_tokenizer_is_asked_for(tmp_path, weights):
    folder = checkpoint(tmp_path / "bare", weights, TRAINED_ON, tokenizer=False)
    with pytest.raises(UsageError, match=r"names no tokenizer \(tokenizer_name\); give --tokenizer FILE$"):
        Checkpoint.find(str(folder))
    assert Checkpoint.find(str(folder), tokenizer="sample").tokenizer.name == "sample"


def test_damaged_weights_are_told_when_they_are_read(tmp_path, weights):
    folder = checkpoint(tmp_path / "torn", weights, TRAINED_ON)
    state = load_file(folder / "model.safetensors")
    state["out_norm.alpha"] = torch.ones(1, 1, 5)
    save_file(state, folder / "model.safetensors")
    with pytest.raises(KameError, match=r"these weights are not those of its config\.json"):
        Checkpoint.find(str(folder)).front_end(1, "cpu")
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(KameError, match="no readable safetensors file"):
        Checkpoint.find(str(folder))


@pytest.mark.parametrize("device", ["cuda", "tpu", "cuda:x"])
def test_a_device_that_is_not_there_is_told(device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match=rf"^--device {device}: .*; give cpu, cuda or mps$"):
        Checkpoint.find("untrained-tiny").front_end(1, device)


def test_an_untrained_model_says_what_it_is():
    found = Checkpoint.find("untrained-tiny")
    assert found.stand_ins == ("weights: untrained-tiny", "codec: untrained") and found.tokenizer.name == "sample"
    with found.stepper(2, "cpu") as stepper:
        assert (stepper.name, stepper.count, stepper.stand_ins) == ("untrained-tiny", 2, found.stand_ins)
