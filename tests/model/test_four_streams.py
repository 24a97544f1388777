import dataclasses

import numpy as np
import pytest
import torch
from moshi.models import loaders
from moshi.models.lm import LMModel
from moshi.models.lm_utils import _delay_sequence
from torch.nn import functional as F

from kame_data.errors import UsageError
from kame_data.model import four_streams as module
from kame_data.model.four_streams import FourStreams
from kame_data.model.inputs import lay_out
from kame_data.model.start import MOSHI_7B, moshi_arguments
from train.models import CARD, TEXT_CARD, arguments, batch, pair

SILENT = -1


def without_oracle(inputs):
    return dataclasses.replace(inputs, oracle=torch.full_like(inputs.oracle, SILENT))


def moshi_losses(reference, codes):
    """Cross-entropies of Moshi's own forward at its own masks: text (B, T), codebooks (B, K, T), 0 outside."""
    out = reference(codes)
    text = F.cross_entropy(out.text_logits[:, 0].transpose(1, 2).float(), codes[:, 0].clamp(min=0), reduction="none")
    wanted = codes[:, 1 : 1 + reference.dep_q].clamp(min=0)
    audio = F.cross_entropy(out.logits.nan_to_num().permute(0, 3, 1, 2).float(), wanted, reduction="none")
    return text * out.text_mask[:, 0], audio * out.mask


def undelayed(audio, inputs, model):
    """Losses (K, M) of whole rows, put back to the frames of their codes as Moshi does: (B, K, T)."""
    rows, _, length = inputs.streams.shape
    audio = audio.unflatten(1, (rows, length)).transpose(0, 1)
    lines = []
    for index, delay in enumerate(model.delays[1 : 1 + model.dep_q]):
        line = audio[:, index].roll(-delay, dims=1)
        assert not delay or not line[:, -delay:].any()  # an initial token is no target
        lines.append(line)
    return torch.stack(lines, 1)


@torch.no_grad()
def test_without_an_oracle_it_is_moshis_own_forward_bit_for_bit():
    for seed in range(3):
        reference, ours = pair(seed)
        codes = torch.from_numpy(batch(seed=seed, holes=0.05).codes.astype(np.int64))
        theirs, mine = reference(codes), ours.moshi_forward(codes)
        for name in ("logits", "mask", "text_logits", "text_mask"):
            a, b = getattr(theirs, name), getattr(mine, name)
            assert torch.equal(a, b) or torch.equal(a.nan_to_num(), b.nan_to_num())
            assert torch.equal(a.isnan(), b.isnan())


@torch.no_grad()
def test_the_oracle_is_added_to_the_text_of_the_same_step_bit_for_bit():
    reference, ours = pair()
    inputs = lay_out(batch(), ours.layout)
    # The reference, word for word of its description: the sum of the audio, plus text and oracle together.
    embedded = sum(
        (reference.emb[n](inputs.streams[:, n + 1]) for n in range(1, 16)), reference.emb[0](inputs.streams[:, 1])
    )
    embedded = embedded + (reference.text_emb(inputs.streams[:, 0]) + ours.oracle_emb(inputs.oracle))
    expected = reference.out_norm(reference.transformer(embedded))
    hidden, logits = ours.forward_text(inputs.streams, oracle_tokens=inputs.oracle)
    assert torch.equal(hidden, expected)
    assert torch.equal(logits[:, 0], reference.text_linear(expected))


@torch.no_grad()
@pytest.mark.parametrize("length", [1, 2, 50])
def test_delays_initial_tokens_and_masks_are_moshis(length):
    reference, ours = pair()
    made = batch((length,) * 3, holes=0.1)
    inputs, codes = lay_out(made, ours.layout), torch.from_numpy(made.codes.astype(np.int64))
    initial = reference._get_initial_token().expand(3, -1, -1)
    delayed = torch.cat([initial, _delay_sequence(reference.delays, codes, initial)], dim=2)
    assert torch.equal(inputs.streams, delayed[:, :, :-1])
    assert torch.equal(inputs.depth.unflatten(1, (3, length)).transpose(0, 1), delayed[:, :8, 1:])
    assert torch.equal(inputs.oracle[:, 1:], torch.from_numpy(made.oracle[:, :-1].astype(np.int64)))
    assert (inputs.oracle[:, 0] == 3).all()
    masks = reference(codes)
    assert torch.equal((inputs.text != -1).view(3, length), masks.text_mask[:, 0])
    has = undelayed((inputs.audio != -1).float(), inputs, ours)
    assert torch.equal(has.bool(), masks.mask)


@torch.no_grad()
def test_the_training_forward_computes_what_moshis_does_in_f32():
    """Stated tolerance: 1e-5 on cross-entropies of 3 to 5, which is rounding."""
    reference, ours = pair()
    made = batch(holes=0.05)
    inputs, codes = without_oracle(lay_out(made, ours.layout)), torch.from_numpy(made.codes.astype(np.int64))
    text, audio = ours(inputs)
    text_, audio_ = moshi_losses(reference, codes)
    torch.testing.assert_close(text.view(3, -1), text_, atol=1e-5, rtol=0)
    torch.testing.assert_close(undelayed(audio, inputs, ours), audio_, atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_low_precision_it_is_as_near_to_the_truth_as_moshi_is(dtype):
    """Stated tolerance: a mean error of at most 1.25 times that of Moshi's own forward in the same precision."""
    made = batch((60,) * 4)
    codes = torch.from_numpy(made.codes.astype(np.int64))
    truth, _ = pair()
    reference, ours = pair(dtype=dtype)
    inputs = without_oracle(lay_out(made, ours.layout))
    text, audio = ours(inputs)
    for mine, theirs, true in zip(
        (text.view(4, -1), undelayed(audio, inputs, ours)),
        moshi_losses(reference, codes),
        moshi_losses(truth, codes),
        strict=True,
    ):
        assert (mine - true).abs().mean() <= 1.25 * (theirs - true).abs().mean()


@torch.no_grad()
def test_beyond_the_context_the_past_is_forgotten_as_in_moshi():
    reference, ours = pair(context=20)
    made = batch((64,) * 2)
    inputs, codes = without_oracle(lay_out(made, ours.layout)), torch.from_numpy(made.codes.astype(np.int64))
    text, audio = ours(inputs)
    text_, audio_ = moshi_losses(reference, codes)
    torch.testing.assert_close(text.view(2, -1), text_, atol=1e-5, rtol=0)
    torch.testing.assert_close(undelayed(audio, inputs, ours), audio_, atol=1e-5, rtol=0)
    _, endless = pair(context=3000)
    assert (endless(inputs)[0] - text).abs().max() > 1e-3


@torch.no_grad()
def test_an_example_costs_the_same_alone_and_beside_longer_ones():
    _, ours = pair()
    made = batch((30, 50, 41))
    text, audio = ours(lay_out(made, ours.layout))
    starts = np.r_[0, np.cumsum(made.frames)]
    for row, length in enumerate(made.frames):
        alone = dataclasses.replace(
            made,
            codes=made.codes[row : row + 1, :, :length],
            oracle=made.oracle[row : row + 1, :length],
            frames=made.frames[row : row + 1],
        )
        text_, audio_ = ours(lay_out(alone, ours.layout))
        mine = slice(starts[row], starts[row + 1])
        torch.testing.assert_close(text[mine], text_, atol=1e-5, rtol=0)
        torch.testing.assert_close(audio[:, mine], audio_, atol=1e-5, rtol=0)


def losses_and_gradients(model, inputs):
    model.zero_grad()
    text, audio = model(inputs)
    (text.sum() + audio.sum()).backward()
    return text.detach(), audio.detach(), {name: p.grad.clone() for name, p in model.named_parameters()}


def test_gradients_are_those_of_moshis_forward():
    reference, ours = pair()
    made = batch()
    inputs, codes = without_oracle(lay_out(made, ours.layout)), torch.from_numpy(made.codes.astype(np.int64))
    text, audio = moshi_losses(reference, codes)
    (text.sum() + audio.sum()).backward()
    *_, mine = losses_and_gradients(ours, inputs)
    assert not mine.pop("oracle_emb.weight").any()
    for name, parameter in reference.named_parameters():
        scale = parameter.grad.abs().max()
        torch.testing.assert_close(mine[name], parameter.grad, atol=float(1e-4 * scale), rtol=1e-4, msg=name)


@pytest.mark.parametrize("way", ["checkpointing", "logits in slices", "compiled"])
def test_memory_and_speed_change_no_number(way, monkeypatch):
    _, ours = pair()
    inputs = lay_out(batch(), ours.layout)
    expected = losses_and_gradients(ours, inputs)
    layers = [*ours.transformer.layers, *ours.depformer.layers]
    if way == "checkpointing":
        for layer in layers:
            layer.checkpointing = True
    elif way == "logits in slices":
        monkeypatch.setattr(module, "LOGITS_AT_ONCE", 7 * TEXT_CARD)
    else:
        for layer in layers:
            layer.train_forward = torch.compile(layer.train_forward, backend="aot_eager")
    found = losses_and_gradients(ours, inputs)
    tolerance = {"atol": 1e-4, "rtol": 1e-4}
    for mine, theirs in zip(found[:2], expected[:2], strict=True):
        torch.testing.assert_close(mine, theirs, **tolerance)
    for name, gradient in expected[2].items():
        torch.testing.assert_close(found[2][name], gradient, **tolerance, msg=name)


def test_what_has_no_loss_has_no_gradient():
    _, ours = pair()
    made = batch((40, 25), holes=0.1)
    inputs = lay_out(made, ours.layout)
    *_, gradients = losses_and_gradients(ours, inputs)

    def unused(table, used):
        rows = sorted(set(range(len(table))) - set(np.asarray(used).ravel().tolist()))
        assert rows and not table[rows].any()

    # Rows of tables that are not fed, among them those of ids that stand only where an example is over.
    unused(gradients["oracle_emb.weight"], inputs.oracle)
    unused(gradients["text_emb.weight"], inputs.streams[:, 0])
    for index in range(16):
        unused(gradients[f"emb.{index}.weight"], inputs.streams[:, 1 + index])
    for index in range(7):
        unused(gradients[f"depformer_emb.{index}.weight"], inputs.depth[index + 1])
    # With no target of a stream its head learns nothing; with no target at all nothing does.
    mute = dataclasses.replace(inputs, text=torch.full_like(inputs.text, -1))
    text, audio, gradients = losses_and_gradients(ours, mute)
    assert not text.any() and audio.any() and not gradients["text_linear.weight"].any()
    mute = dataclasses.replace(mute, audio=torch.full_like(mute.audio, -1))
    *_, gradients = losses_and_gradients(ours, mute)
    assert not any(gradient.any() for gradient in gradients.values())


@torch.no_grad()
def test_no_loss_hangs_on_what_comes_later_or_on_what_lies_behind_the_end():
    """By finite differences: a code, or a word of the oracle, moves no loss before it and none of another example."""
    _, ours = pair()
    made = batch((40, 25))
    text, audio = ours(lay_out(made, ours.layout))
    for where in ("oracle", "codes"):
        changed = getattr(made, where).copy()
        changed[0, ..., 20] = (changed[0, ..., 20] + 1) % CARD
        text_, audio_ = ours(lay_out(dataclasses.replace(made, **{where: changed}), ours.layout))
        moved = ((text_ - text).abs() > 0) | ((audio_ - audio).abs() > 0).any(0)
        # The oracle of frame 20 is fed at step 21; a code of it is a target at step 20, with what follows from that.
        assert not moved[: 21 if where == "oracle" else 20].any() and moved[20:40].any() and not moved[40:].any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kv_repeat": 2},
        {"depformer_weights_per_step": False},
        {"positional_embedding": "sin"},
        {"cross_attention": True},
    ],
)
def test_another_kind_of_moshi_is_refused_by_name(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        FourStreams(device="meta", **arguments(**wrong))


def test_the_7b_shape_is_moshis_key_by_key():
    ours = FourStreams(device="meta", dtype=torch.bfloat16, **moshi_arguments(32_000, MOSHI_7B)).state_dict()
    theirs = LMModel(device="meta", dtype=torch.bfloat16, **loaders._lm_kwargs).state_dict()
    assert ours.pop("oracle_emb.weight").shape == theirs["text_emb.weight"].shape == (32_001, 4096)
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in theirs.items()}
