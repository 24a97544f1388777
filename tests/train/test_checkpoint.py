"""Checkpoints of a small model: damage, a full disk, what a kill leaves, and runs that are not the same any more."""

import shutil
import subprocess

import pytest
import torch

from kame_data.errors import KameError, UsageError
from kame_data.settings.training import TrainSettings
from kame_data.train.checkpoint import STATE, Checkpoints, Progress
from kame_data.train.loop import check_numbers, difference, resume


def model_and_optimizer(width=64):
    torch.manual_seed(0)
    model = torch.nn.Linear(width, width)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, width)).sum().backward()
    optimizer.step()
    return model, optimizer


@pytest.fixture
def saved(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=5, rank=0)
    for step in (2, 4):
        checkpoints.save(Progress(step=step, settings={}), *model_and_optimizer())
    return checkpoints


@pytest.mark.parametrize("file", ["random-0.pt", ".metadata", "__0_0.distcp"])
def test_damage_is_one_short_line_that_names_the_checkpoint(saved, file):
    path = saved.path(4) / file
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(KameError, match="step-0000004: is damaged") as told:
        saved.load(4, *model_and_optimizer())
    assert "\n" not in str(told.value) and "Traceback" not in str(told.value)
    shutil.rmtree(saved.path(4))
    saved.load(saved.steps()[-1], *model_and_optimizer())


def test_what_a_kill_leaves_is_swept_and_what_is_no_checkpoint_stays(saved):
    half_dropped, half_written, strange = (saved.folder / n for n in ("step-0000001", ".step-0000006.tmp", "step-mine"))
    for folder in (half_dropped, half_written, strange):
        folder.mkdir()
        (folder / "data").touch()
    (strange / STATE).write_text("{}")
    saved.sweep()
    assert saved.steps() == [2, 4]
    assert {p.name for p in saved.folder.iterdir()} == {"step-0000002", "step-0000004", "step-mine"}


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own takes root to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_leaves_the_checkpoint_before(disk):
    checkpoints = Checkpoints(disk / "checkpoints", keep=1, rank=0)
    checkpoints.save(Progress(step=1), *model_and_optimizer(32))
    with pytest.raises(KameError, match=r"of step 2 could not be written .* MiB are free there") as told:
        checkpoints.save(Progress(step=2), *model_and_optimizer(400))
    assert "\n" not in str(told.value)
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-0000001"]
    checkpoints.load(1, *model_and_optimizer(32))


def settings(tmp_path, **given):
    return TrainSettings(run=tmp_path, **given)


@pytest.mark.parametrize(
    ("changes", "data", "told"),
    [
        ({"steps": 150}, "rows", "--steps 150: .* is at step 200 already"),
        ({"optimizer": {"lr": 1e-4}}, "rows", r"with optimizer\.lr 3e-05, and this is 0\.0001"),
        ({"tune": {"what": "lora"}}, "rows", r"with tune\.what full, and this is lora"),
        ({}, "other rows", "with tokens rows, and this is other rows"),
    ],
)
def test_a_run_that_goes_on_says_what_is_not_as_it_was(changes, data, told, tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=5, rank=0)
    model, optimizer = model_and_optimizer()
    begun = resume(checkpoints, settings(tmp_path), "rows", model, optimizer)
    begun.step = 200
    checkpoints.save(begun, model, optimizer)
    assert resume(checkpoints, settings(tmp_path, steps=300), "rows", model, optimizer).step == 200
    with pytest.raises(UsageError, match=told):
        resume(checkpoints, settings(tmp_path, **changes), data, model, optimizer)


def test_differences_are_found_where_they_are():
    before = {"a": 1, "b": {"c": [1, 2], "d": None}}
    assert difference(before, before) is None
    assert difference(before, {"a": 1, "b": {"c": [1, 3], "d": None}}) == ("b.c", [1, 2], [1, 3])
    assert difference({}, {"a": 1}) == ("a", None, 1)


@pytest.mark.parametrize("name", ["loss/text", "grad_norm", "val/loss"])
def test_no_weights_are_kept_whose_numbers_are_none(name, tmp_path):
    """A gradient that is no number makes weights that are none, while the loss before it still was one."""
    check_numbers(3, {"loss/text": 1.0, "grad_norm": 2.0, "val/loss": 3.0}, settings(tmp_path))
    with pytest.raises(KameError, match=f"step 3: {name} is no number any more .* begin another --run"):
        check_numbers(3, {"loss/text": 1.0, name: float("nan")}, settings(tmp_path))
