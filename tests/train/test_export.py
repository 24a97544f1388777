import json
import shutil

import pytest
import torch
from moshi.models import loaders
from moshi.models.lm import LMModel
from safetensors.torch import load_file, save_file

from kame_data.errors import KameError, UsageError
from kame_data.model.four_streams import FourStreams
from kame_data.model.inputs import lay_out
from kame_data.model.start import find_start
from kame_data.publish.publish import publish
from kame_data.settings.publication import Publication
from publish.conftest import Told
from train.models import arguments, batch, pair
from train.runs import SMALL, dummy, losses, train

# What they share takes long to make, so they stay on one worker.
pytestmark = pytest.mark.xdist_group("exports")


def folder_of(path, model, **config):
    """A checkpoint of the model as others write them: weights, and the arguments in config.json."""
    path.mkdir()
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(arguments() | {"model_type": "moshi"} | config))
    return path


WAYS = {
    "merged": ["--tune=lora", "--rank=4"],
    "factors": ["--tune=lora", "--rank=4", "--set=merge=false"],
    "full": [],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each way that is asked for: the same LoRA exported merged and not, and a whole one; by name."""
    here = tmp_path_factory.mktemp("runs")
    out = dummy(here / "out")

    def run(way):
        if not (here / way).exists():
            code, _, error = train(out, "--run", here / way, *SMALL, "--steps=4", *WAYS[way])
            assert code == 0, error
        return here / way

    return run


def loaded(folder, monkeypatch, **given):
    """As `kame` and `moshi` load a Hub repository, by their loaders' own code, from local files."""
    # kame's LMModel is Moshi's with oracle_emb; its loaders are otherwise Moshi's.
    monkeypatch.setattr(loaders, "LMModel", FourStreams)
    (folder / "mimi").touch()
    info = loaders.CheckpointInfo.from_hf_repo(
        "nobody/nothing",
        moshi_weights=folder / "model.safetensors",
        mimi_weights=folder / "mimi",
        tokenizer=folder / "tokenizer_of_dummy",
        config_path=folder / "config.json",
        lora_weights=given.pop("lora_weights", None),
    )
    return info, info.get_moshi(dtype=torch.float32, **given)


def test_the_export_has_moshis_keys_and_the_oracles(runs):
    state = load_file(runs("full") / "export" / "model.safetensors")
    raw = json.loads((runs("full") / "export" / "moshi_lm_kwargs.json").read_text())
    theirs = LMModel(device="meta", **raw).state_dict()
    oracle = state.pop("oracle_emb.weight")
    assert oracle.shape == theirs["text_emb.weight"].shape
    assert {name: value.shape for name, value in state.items()} == {name: value.shape for name, value in theirs.items()}


@pytest.mark.parametrize("way", ["full", pytest.param("merged", marks=pytest.mark.slow)])
def test_the_loaders_of_kame_and_moshi_read_it(runs, way, monkeypatch):
    folder = runs(way) / "export"
    info, model = loaded(folder, monkeypatch)
    assert info.model_type == "moshi" and info.raw_config["model_id"]["trained_on"]["codec"] == "untrained dummy"
    state = load_file(folder / "model.safetensors")
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    # It generates, step by step, with Moshi's own generation.
    generation = loaders_generation(model)
    with torch.no_grad(), generation.streaming(1):
        steps = [generation.step(torch.zeros(1, 8, 1, dtype=torch.long)) for _ in range(4)]
    assert steps[-1].shape == (1, 9, 1)


def loaders_generation(model):
    from moshi.models.lm import LMGen

    return LMGen(model, use_sampling=False)


@pytest.mark.slow
def test_factors_that_are_not_merged_load_by_themselves(runs, monkeypatch):
    folder = runs("factors") / "export"
    raw = json.loads((folder / "config.json").read_text())
    assert (raw["lora"], raw["lora_rank"], raw["lora_name"]) == (True, 4, "lora.safetensors")
    _, fused = loaded(folder, monkeypatch, lora_weights=folder / "lora.safetensors", fuse_lora=True)
    merged = load_file(runs("merged") / "export" / "model.safetensors")
    assert losses(runs("factors")) == losses(runs("merged"))
    for name, value in fused.state_dict().items():
        torch.testing.assert_close(value, merged[name], atol=1e-6, rtol=1e-5)
    ours = find_start(str(folder), raw["text_card"]).for_inference("cpu")
    for name, value in ours.state_dict().items():
        assert torch.equal(value, merged[name]), name


def test_an_export_goes_to_the_hub_and_moshis_loaders_get_it_from_there(runs, site, monkeypatch):
    with pytest.raises(KameError, match="weights: untrained-tiny, codec: untrained"):
        publish(Publication(repo="ORG/MODEL", run=runs("full")), Told())
    publish(Publication(repo="ORG/MODEL", run=runs("full"), allow_stand_ins=True), Told())
    held = site.read("ORG/MODEL", "model")
    for path in (runs("full") / "export").iterdir():
        assert held[path.name] == path.read_bytes()
    monkeypatch.setattr(loaders, "LMModel", FourStreams)
    here = runs("full") / "export"  # an untrained codec has no file
    info = loaders.CheckpointInfo.from_hf_repo("ORG/MODEL", mimi_weights=here, tokenizer=here)
    state = load_file(here / "model.safetensors")
    model = info.get_moshi(dtype=torch.float32)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    card = held["README.md"].decode()
    last = losses(runs("full"))[-1]
    assert f"| its own oracle | {last['val/text_true_oracle']:.3f} |" in card and "step 4 of 4" in card
    training = json.loads(held["training.json"])
    assert training["step"] == 4 and training["settings"]["init"] == "untrained-tiny"
    assert str(runs("full").parent) not in held["training.json"].decode() + held["config.json"].decode() + card


@pytest.mark.slow
def test_training_goes_on_from_an_export(runs, tmp_path):
    out = runs("full").parent / "out"
    code, _, error = train(out, "--run", tmp_path / "run", *SMALL, f"--init={runs('full') / 'export'}", "--steps=3")
    assert code == 0, error
    last = losses(runs("full"))[-1]
    assert losses(tmp_path / "run")[0]["val/loss"] == pytest.approx(last["val/loss"], rel=1e-5)
    # Where it comes from stays known, and where it lay does not.
    made_by = json.loads((tmp_path / "run" / "export" / "config.json").read_text())["model_id"]
    assert made_by["from"] == "export" and "weights: untrained-tiny" in made_by["stand_ins"]


def test_a_checkpoint_without_the_oracles_table_starts_it_as_the_texts(tmp_path):
    reference, _ = pair()
    model = find_start(str(folder_of(tmp_path / "plain", reference)), 90).model(0)
    assert torch.equal(model.oracle_emb.weight, reference.text_emb.weight)
    assert model.oracle_emb.weight.data_ptr() != model.text_emb.weight.data_ptr()


def test_a_checkpoint_with_it_keeps_it(tmp_path):
    _, ours = pair()
    model = find_start(str(folder_of(tmp_path / "kame", ours)), 90).model(0)
    inputs = lay_out(batch(), ours.layout)
    for one, other in zip(ours(inputs), model(inputs), strict=True):
        assert torch.equal(one, other)


def test_old_names_of_moshis_weights_are_known(tmp_path):
    """Kyutai's own file has the projections of all codebooks in one tensor."""
    reference, _ = pair()
    folder = folder_of(tmp_path / "old", reference)
    state = load_file(folder / "model.safetensors")
    for kind in ("in", "out"):
        for layer in range(2):
            stem = f"depformer.layers.{layer}.self_attn.{kind}_proj"
            state[f"{stem}_weight" if kind == "in" else f"{stem}.weight"] = torch.cat(
                [state.pop(f"{stem}s.{index}.weight") for index in range(8)]
            )
    save_file(state, folder / "model.safetensors")
    model = find_start(str(folder), 90).model(0)
    for name, value in reference.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_what_cannot_be_started_from_is_told(tmp_path):
    _, ours = pair()
    folder = folder_of(tmp_path / "a", ours)
    with pytest.raises(UsageError, match="its text vocabulary has 90 pieces, that of the tokens 32000"):
        find_start(str(folder), 32_000)
    (folder / "config.json").write_text(json.dumps(arguments(num_layers=4)))
    with pytest.raises(KameError, match="are not those of its config"):
        find_start(str(folder), 90).model(0)
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(KameError, match="no readable safetensors file"):
        find_start(str(folder), 90).model(0)
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"no model\.safetensors there"):
        find_start(str(folder), 90)
    shutil.rmtree(folder)


def test_without_a_config_it_is_moshi_7b(tmp_path):
    (tmp_path / "model.safetensors").touch()
    assert find_start(str(tmp_path), 32_000).arguments == {**loaders._lm_kwargs}
