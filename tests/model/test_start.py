"""Models that are opened to be run."""

import json
import sys
from subprocess import run

import pytest
import torch
from safetensors.torch import save_file

from kame_data.errors import KameError, UsageError
from kame_data.model.four_streams import FourStreams
from kame_data.model.lora import LORA_NAME
from kame_data.model.start import UNTRAINED, find_start, moshi_arguments

NAME = "transformer.layers.0.gating.linear_in"


def export(folder, **config):
    """A checkpoint of a tiny model; its state."""
    arguments = moshi_arguments(90, UNTRAINED["untrained-tiny"])
    state = FourStreams(device="cpu", dtype=torch.float32, **arguments).state_dict()
    folder.mkdir()
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(arguments | config))
    return state


def test_a_model_to_run_is_not_to_be_trained(tmp_path):
    state = export(tmp_path / "whole")
    model = find_start(str(tmp_path / "whole"), 90).for_inference("cpu")
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_factors_beside_the_weights_are_worked_in(tmp_path):
    state = export(tmp_path / "lora", lora=True, lora_rank=2, lora_scaling=0.5, lora_name=LORA_NAME)
    out, in_ = state[f"{NAME}.weight"].shape
    down, up = torch.randn(2, in_), torch.randn(out, 2)
    factors = {f"{NAME}.lora_A.weight": down, f"{NAME}.lora_B.weight": up}
    save_file(factors, tmp_path / "lora" / LORA_NAME)
    found = find_start(str(tmp_path / "lora"), 90).model(0).state_dict()
    torch.testing.assert_close(found.pop(f"{NAME}.weight"), state.pop(f"{NAME}.weight") + 0.5 * up @ down)
    assert all(torch.equal(value, state[name]) for name, value in found.items())


@pytest.mark.parametrize(
    "names",
    [[f"{NAME}.lora_A.weight"], [f"{NAME}.lora_B.weight"], ["nowhere.lora_A.weight", "nowhere.lora_B.weight"]],
    ids=["A alone", "B alone", "no weight"],
)
def test_factors_that_do_not_fit_are_named_with_their_file(tmp_path, names):
    export(tmp_path / "lora", lora=True, lora_rank=2, lora_scaling=0.5, lora_name=LORA_NAME)
    save_file({name: torch.zeros(2, 2) for name in names}, tmp_path / "lora" / LORA_NAME)
    with pytest.raises(KameError, match=rf"^\S*/{LORA_NAME}: these factors are not those of \S*model\.safetensors: "):
        find_start(str(tmp_path / "lora"), 90).model(0)


def test_what_is_not_there_is_named_by_its_flag(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"^--model .*/empty: no model\.safetensors there"):
        find_start(str(tmp_path / "empty"), 90, "--model")


def test_the_room_needs_no_trainer():
    rooms = "kame_data.model.start, kame_data.model.inputs, kame_data.model.oracle_queue"
    code = f"import sys, {rooms}; print([m for m in sys.modules if m.startswith('kame_data.train')])"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
