import pytest
import torch
from moshi.modules.lora import replace_lora_with_linear

from kame_data.model.four_streams import FourStreams
from kame_data.model.inputs import lay_out
from kame_data.model.lora import merged, split
from kame_data.settings.training import OptimizerSettings, TuneSettings
from kame_data.train.tune import groups, learning_rate_factor, lora_modules, prepare
from train.models import arguments, batch, pair

LORA = TuneSettings(what="lora", rank=4, scaling=2.0)


def shaken(model):
    """As if trained: LoRA's second factor is no longer zero."""
    for module in lora_modules(model):
        torch.nn.init.normal_(module.lora_B.weight, std=0.05)
    return model


def trained(model):
    return {name for name, p in model.named_parameters() if p.requires_grad}


def test_lora_starts_as_the_model_that_it_is_put_in():
    _, plain = pair()
    _, ours = pair()
    inputs = lay_out(batch(), ours.layout)
    prepare(ours, LORA, torch.float32, seed=0)
    for one, other in zip(plain(inputs), ours(inputs), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_lora_in_the_training_forward_is_moshis_lora():
    _, ours = pair()
    inputs = lay_out(batch(), ours.layout)
    prepare(ours, LORA, torch.float32, seed=0)
    before = shaken(ours)(inputs)
    # Moshi's own way to work it in, then the plain training forward.
    replace_lora_with_linear(ours)
    assert not list(lora_modules(ours))
    for one, other in zip(before, ours(inputs), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_merged_weights_do_what_the_factors_did():
    _, ours = pair()
    inputs = lay_out(batch(), ours.layout)
    prepare(ours, LORA, torch.float32, seed=0)
    before = shaken(ours)(inputs)
    plain = FourStreams(**arguments())
    plain.load_state_dict(merged(*split(ours.state_dict()), LORA.scaling))
    for one, other in zip(before, plain(inputs), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_lora_trains_its_factors_and_both_text_tables_and_no_more():
    _, ours = pair()
    names = {name for name, p in ours.named_parameters() if p.dim() == 2 and "emb" not in name}
    prepare(ours, LORA, torch.bfloat16, seed=0)
    expected = {f"{name.removesuffix('weight')}lora_{f}.weight" for name in names for f in "AB"}
    assert trained(ours) == expected | {"oracle_emb.weight", "text_emb.weight"}
    for name, parameter in ours.named_parameters():
        assert parameter.dtype == (torch.float32 if name in trained(ours) else torch.bfloat16)


def test_a_frozen_depth_transformer_stays_as_it_was():
    _, ours = pair()
    prepare(ours, TuneSettings(what="frozen_depth"), torch.float32, seed=0)
    assert not {name for name in trained(ours) if name.startswith(("depformer", "linears"))}
    before = {name: p.clone() for name, p in ours.named_parameters()}
    optimizer = torch.optim.AdamW(groups(ours, OptimizerSettings(lr=1e-2)))
    text, audio = ours(lay_out(batch(), ours.layout))
    (text.mean() + audio.mean()).backward()  # audio losses still teach the temporal transformer
    optimizer.step()
    moved = {name for name, p in ours.named_parameters() if not torch.equal(p, before[name])}
    assert moved == trained(ours)


def test_the_tables_of_the_audio_codes_can_stay_as_they_were():
    _, ours = pair()
    everything = {name for name, _ in ours.named_parameters()}
    for what, others in (
        ("full", set()),
        ("frozen_depth", {n for n in everything if n.startswith(("dep", "linears"))}),
    ):
        prepare(ours, TuneSettings(what=what, audio_embeddings=False), torch.float32, seed=0)
        tables = everything - others - trained(ours)
        assert tables == {f"emb.{stream}.weight" for stream in range(16)}


def test_the_depth_transformer_has_a_rate_of_its_own():
    _, ours = pair()
    prepare(ours, TuneSettings(), torch.float32, seed=0)
    found = groups(ours, OptimizerSettings(lr=1e-3, depth_lr=1e-4))
    assert [group["lr"] for group in found] == [1e-3, 1e-4]
    assert sum(len(group["params"]) for group in found) == len(list(ours.parameters()))
    assert [group["lr"] for group in groups(ours, OptimizerSettings(lr=1e-3))] == [1e-3, 1e-3]


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_rate_warms_up_and_then_falls_or_stays(schedule):
    settings = OptimizerSettings(warmup=10, schedule=schedule, min_lr=0.1)
    factors = [learning_rate_factor(step, 110, settings) for step in range(111)]
    assert factors[:11] == pytest.approx([(n + 1) / 11 for n in range(11)])
    if schedule == "constant":
        assert set(factors[10:]) == {1.0}
    else:
        assert factors[60] == pytest.approx(0.55) and factors[110] == pytest.approx(0.1)
        assert factors[10:] == sorted(factors[10:], reverse=True)
