import json
import os
import shutil
import signal
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kame_data.codec.token_shards import write_token_shard
from kame_data.settings.training import TrainSettings
from kame_data.storage.lock import Busy, hold
from kame_data.train.loop import open_loaders
from kame_data.train.loop import train as train_here
from kame_data.train.run_outcome import outcome
from token_dummies import dummy_facts
from train.runs import SMALL, dummy, losses, metrics, start, train
from train.runs import train_here as command_here

# What they share takes long to make, so they stay on one worker.
pytestmark = pytest.mark.xdist_group("runs")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    return dummy(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def undisturbed(tokens, tmp_path_factory):
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    code, out, error = train(tokens, "--run", run, *SMALL, "--steps=8", "--set=checkpoints.every=3")
    assert code == 0, error
    assert str(run / "export") in out and "Traceback" not in error and "Warning" not in error
    return run


def killed_at(run, step, *arguments):
    """Begin the command and kill it, as the machine might, once the line of this step is written."""
    process = start(*arguments)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        if (run / "metrics.jsonl").is_file() and any(line["step"] >= step for line in metrics(run)):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_killed_and_gone_on_with_the_losses_are_those_of_an_undisturbed_run(tokens, undisturbed, tmp_path):
    run = tmp_path / "run"
    arguments = (tokens, "--run", run, *SMALL, "--steps=8", "--set=checkpoints.every=3")
    killed_at(run, 2, *arguments)  # before there is a checkpoint
    killed_at(run, 5, *arguments)  # behind one
    code, _, error = train(*arguments)
    assert code == 0, error
    assert losses(run) == losses(undisturbed)
    for name in ("model.safetensors", "config.json"):
        assert (run / "export" / name).read_bytes() == (undisturbed / "export" / name).read_bytes()


def test_the_metrics_have_what_was_promised(undisturbed):
    lines = metrics(undisturbed)
    assert [line["step"] for line in lines] == list(range(9))
    assert all(
        {"loss/text", "loss/audio", "loss/total", "lr", "grad_norm", "tokens_per_second"} <= set(line)
        for line in lines[1:]
    )
    promised = {
        "val/text_true_oracle",
        "val/text_shuffled_oracle",
        "val/text_no_oracle",
        "val/text",
        "val/audio",
        "val/loss",
    }
    promised |= {f"val/audio_{n}" for n in range(8)} | {"val/text_level_5"}
    assert all(promised <= set(lines[step]) for step in (0, 4, 8))
    assert not promised & set(lines[3])


def test_the_last_checkpoints_and_the_best_are_kept(undisturbed):
    found = sorted(int(path.name.removeprefix("step-")) for path in (undisturbed / "checkpoints").iterdir())
    state = json.loads((undisturbed / "checkpoints" / f"step-{found[-1]:07d}" / "state.json").read_text())
    validated = {line["step"]: line["val/loss"] for line in metrics(undisturbed) if "val/loss" in line and line["step"]}
    best = min(validated, key=validated.get)
    assert (state["best_step"], state["best"]) == (best, validated[best])
    assert found[-1] == 8 and best in found and len(found) <= 3 and found[-2:] == sorted({*found, 6, 8})[-2:]


def test_a_run_that_is_done_is_done(tokens, undisturbed, tmp_path):
    run = shutil.copytree(undisturbed, tmp_path / "run")
    before = losses(run)
    code, _, error = train(tokens, "--run", run, *SMALL, "--steps=8", "--set=checkpoints.every=3")
    assert code == 0, error
    assert losses(run) == before


def test_a_run_does_not_change_under_way(tokens, undisturbed, tmp_path, capfd):
    run = shutil.copytree(undisturbed, tmp_path / "run")
    code, _, error = command_here(capfd, tokens, "--run", run, *SMALL, "--steps=10", "--seed=1")
    assert code == 2 and len(error.splitlines()) == 1 and "seed 0" in error and str(run) in error


def test_a_damaged_checkpoint_is_named(tokens, undisturbed, tmp_path, capfd):
    run = shutil.copytree(undisturbed, tmp_path / "run")
    (data,) = (run / "checkpoints" / "step-0000008").glob("*.distcp")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    code, _, error = command_here(capfd, tokens, "--run", run, *SMALL, "--steps=10")
    assert code == 1 and len(error.splitlines()) == 1 and "step-0000008: is damaged" in error


@pytest.mark.slow
def test_two_processes_share_a_model_and_learn_what_one_learns(tokens, tmp_path):
    """FSDP over gloo on the CPU, against one process that takes two batches an update."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "--"]
    arguments = (*SMALL, "--steps=4", "--set=checkpoints.every=2", "--set=validation.batches=null")
    code, out, error = train(tokens, "--run", tmp_path / "two", *arguments, launcher=launcher)
    assert code == 0, error
    assert out.count("export") == 1
    code, _, error = train(tokens, "--run", tmp_path / "one", *arguments, "--accumulate=2")
    assert code == 0, error
    two, one = losses(tmp_path / "two"), losses(tmp_path / "one")
    assert [line["step"] for line in two] == [line["step"] for line in one] == list(range(5))
    for mine, theirs in zip(two, one, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)
    # What two processes left off, they go on with.
    shutil.rmtree(tmp_path / "two" / "checkpoints" / "step-0000004")
    code, _, error = train(tokens, "--run", tmp_path / "two", *arguments, launcher=launcher)
    assert code == 0, error
    assert losses(tmp_path / "two") == two


FAULTS = {
    "a shard is missing": (2, "1 of 2"),
    "no shards": (2, "holds no token shards"),
    "another tokenizer": (2, "tokenizer"),
    "another codec": (2, "codec"),
    "no shard at all": (2, "cannot be read"),
    "not a number": (1, "no number"),
    "no such weights": (2, "--init"),
    "wrong setting": (2, "optimizer.lr"),
    "unknown setting": (2, "optimizer.rate"),
    "no GPU": (2, "--device cuda"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_is_one_line_and_an_exit_code(fault, tmp_path, capfd):
    out = dummy(tmp_path / "out")
    more = []
    first = out / "tokens" / "train-00000-of-00002.parquet"
    if fault == "a shard is missing":
        first.unlink()
    elif fault == "no shards":
        shutil.rmtree(out / "tokens")
    elif fault.startswith("another"):
        import dataclasses

        import pyarrow.parquet as pq

        changed = {f"{fault.split()[1]}_sha256": "1" * 64}
        write_token_shard(first, [pq.read_table(first)], dataclasses.replace(dummy_facts(), **changed))
    elif fault == "no shard at all":
        first.write_bytes(b"not parquet")
    elif fault == "not a number":
        more = ["--lr=1e30", "--set=optimizer.warmup=0"]
    elif fault == "no such weights":
        more = ["--init", str(tmp_path / "nowhere")]
    elif fault == "wrong setting":
        more = ["--lr=-1"]
    elif fault == "unknown setting":
        more = ["--set=optimizer.rate=1"]
    elif fault == "no GPU":
        if torch.cuda.is_available():
            pytest.skip("there is a GPU here")
        more = ["--device=cuda"]
    code, told = FAULTS[fault]
    found, _, error = command_here(
        capfd, out, "--run", tmp_path / "run", *SMALL, "--steps=6", *more, "--set=progress=false"
    )
    assert found == code, error
    assert error.startswith("kame-data: ") and len(error.splitlines()) == 1 and told in error


def test_builds_with_little_or_nothing_to_validate_on_are_trained_all_the_same(tmp_path):
    """One dialogue has no other to take an oracle from; a split whose rows were all refused has none."""
    one = dummy(tmp_path / "one", validation=1)
    code, out, error = train(one, "--run", tmp_path / "run", *SMALL, "--steps=3")
    assert code == 0 and "not known" in out, error
    assert "val/text_true_oracle" in metrics(tmp_path / "run")[-1]
    assert "val/text_shuffled_oracle" not in metrics(tmp_path / "run")[-1]
    write_token_shard(one / "tokens" / "validation-00000-of-00001.parquet", [], dummy_facts())
    loader, validation = open_loaders(TrainSettings(tokens=one), SimpleNamespace(rank=0, world_size=1))
    assert len(loader.files) == 40 and validation is None


def test_the_first_batches_of_validation_are_of_all_lengths(tmp_path):
    out = dummy(tmp_path, rows=4, validation=400, frames=(30, 300), files=1)
    settings = TrainSettings(tokens=out, data={"batch_frames": 1500})
    _, validation = open_loaders(settings, SimpleNamespace(rank=0, world_size=1))
    frames = [batch.frames for batch in validation.epoch(0)]
    some = np.concatenate(frames[: len(frames) // 4])
    assert sum(map(len, frames)) == 400 and some.min() < 120 and some.max() > 210
    again = [batch.frames for batch in validation.epoch(0)]
    assert all(np.array_equal(one, other) for one, other in zip(frames, again, strict=True))


def test_a_run_has_one_command_at_a_time(tokens, tmp_path):
    with hold(tmp_path / "run", "training"), pytest.raises(Busy, match="run: another training is at work there"):
        train_here(TrainSettings(tokens=tokens, run=tmp_path / "run", init="untrained-tiny", device="cpu"))


def test_a_finished_run_without_its_numbers_says_that_it_knows_nothing(tmp_path):
    (line,) = outcome(TrainSettings(run=tmp_path))
    assert "not known" in line


@pytest.mark.slow
def test_out_of_memory_is_one_line(tmp_path):
    """The process may have a GB more of addresses than its libraries take, for eight rows of 3,000 frames at once."""
    import resource

    out = dummy(tmp_path / "out", rows=8, validation=0, frames=(3000, 3000), files=1)
    limit = 15 << 29
    found, _, error = train(
        out, "--run", tmp_path / "run", *SMALL, "--steps=6", "--batch-frames=24000", "--set=progress=false",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert found == 1, error
    assert "data.batch_frames 24000: out of memory" in error.splitlines()[-1]


def test_interrupted_it_says_so(tokens, tmp_path):
    process = start(tokens, "--run", tmp_path / "run", *SMALL, "--steps=5000", "--set=progress=false")
    while process.poll() is None and not (tmp_path / "run" / "metrics.jsonl").is_file():
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in error.splitlines()[-1]


def test_torch_is_not_needed_to_say_what_the_command_takes():
    import subprocess
    import sys

    from train.runs import ENVIRONMENT

    code = "import sys, kame_data.cli.main, kame_data.train.needs; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=False).returncode == 0
