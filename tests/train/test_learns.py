"""That the whole of it learns what it is for: to say what the oracle says."""

import pytest
from train.runs import dummy, metrics, train

SETTINGS = [
    "--init=untrained-tiny",
    "--device=cpu",
    "--batch-frames=600",
    "--lr=3e-3",
    "--steps=120",
    "--set=optimizer.warmup=10",
    "--set=optimizer.schedule=constant",
    "--set=optimizer.weight_decay=0",
    "--set=augmentation.jitter=0",
    "--set=augmentation.drop=null",
    "--set=loss.first_codebook=1",
    "--set=validation.every=120",
    "--set=checkpoints.every=120",
]


@pytest.mark.timeout(600)  # some 40 s of a core, more where others are at work
@pytest.mark.slow
def test_the_model_learns_to_read_the_oracle_stream(tmp_path):
    """The answers of dummy shards say what their last oracles say, which nothing but the oracle stream tells."""
    out = dummy(tmp_path / "out", rows=2000, validation=24, files=1)
    code, _, error = train(out, "--run", tmp_path / "run", *SETTINGS)
    assert code == 0, error
    first, begun, *_, last = metrics(tmp_path / "run")
    assert last["loss/text"] < begun["loss/text"] - 1.5
    assert last["val/text_true_oracle"] < first["val/text_true_oracle"] - 0.3
    assert last["val/text_shuffled_oracle"] - last["val/text_true_oracle"] > 0.5
    assert last["val/text_no_oracle"] - last["val/text_true_oracle"] > 0.5
    assert abs(first["val/text_shuffled_oracle"] - first["val/text_true_oracle"]) < 0.2
