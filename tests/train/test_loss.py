import numpy as np
import pytest
import torch

from kame_data.model.inputs import lay_out
from kame_data.settings.training import LossSettings
from kame_data.train.loss import Kinds, counts, means, weighted_sums
from train.models import batch, pair

SETTINGS = LossSettings()


def by_hand(text, audio, inputs, settings):
    """What kame_finetune computes: means of words' and of padding frames; one weighted mean of all codes."""
    text, audio, wanted = text.numpy(), audio.numpy(), inputs.text.numpy()
    words, padding = text[(wanted != 3) & (wanted != -1)], text[wanted == 3]
    weights = np.array([settings.first_codebook, *[settings.other_codebooks] * 7])[:, None] * (
        inputs.audio.numpy() != -1
    )
    return words.mean() + settings.text_padding * padding.mean(), (audio * weights).sum() / weights.sum()


@pytest.mark.parametrize(
    "settings", [SETTINGS, LossSettings(text_padding=0.0, first_codebook=1.0, other_codebooks=0.25)]
)
def test_the_weights_are_kame_finetunes(settings):
    _, ours = pair()
    inputs = lay_out(batch((40, 30), holes=0.1), ours.layout)
    with torch.no_grad():
        text, audio = ours(inputs)
    kinds = Kinds.of(inputs, 3)
    found = means(weighted_sums(text, audio, kinds, settings), counts(kinds, settings), settings)
    assert [loss.item() for loss in found] == pytest.approx(by_hand(text, audio, inputs, settings), rel=1e-5)


def test_the_defaults_are_those_of_the_reference():
    assert (SETTINGS.text_padding, SETTINGS.first_codebook, SETTINGS.other_codebooks) == (0.5, 100.0, 1.0)


def test_how_an_update_is_cut_into_batches_changes_nothing():
    _, ours = pair()
    whole = batch((40, 31, 22, 13))
    parts = [lay_out(whole, ours.layout)]
    halves = []
    for rows in (slice(0, 1), slice(1, 4)):
        length = int(whole.frames[rows].max())
        halves.append(
            lay_out(
                type(whole)(
                    whole.codes[rows, :, :length], whole.oracle[rows, :length], whole.answer[rows, :length],
                    whole.level[rows, :length], whole.ids[rows], whole.frames[rows],
                ),
                ours.layout,
            )
        )  # fmt: skip
    found = []
    for inputs in (parts, halves):
        ours.zero_grad()
        kinds = [Kinds.of(part, 3) for part in inputs]
        count = torch.stack([counts(kind, SETTINGS) for kind in kinds]).sum(0)
        losses = []
        for part, kind in zip(inputs, kinds, strict=True):
            loss = sum(means(weighted_sums(*ours(part), kind, SETTINGS), count, SETTINGS))
            loss.backward()
            losses.append(loss.item())
        found.append((sum(losses), ours.text_linear.weight.grad.clone(), ours.oracle_emb.weight.grad.clone()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for one, other in zip(found[0][1:], found[1][1:], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_batch_that_does_not_count_has_no_loss():
    _, ours = pair()
    inputs = lay_out(batch(), ours.layout)
    kinds = Kinds.of(inputs, 3, counted=False)
    assert not counts(kinds, SETTINGS).any() and not weighted_sums(*ours(inputs), kinds, SETTINGS).any()
    assert [loss.item() for loss in means(torch.zeros(3), torch.zeros(3), SETTINGS)] == [0, 0]
