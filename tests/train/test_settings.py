"""Settings of a run as they are given: what is wrong is told in one line, by its name."""

import pytest

from kame_data.errors import UsageError
from kame_data.settings.layers import load
from kame_data.settings.training import TrainSettings


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["tune=lora", "tune.rank=4"], r"tune\.rank 4: tune was set to lora as a whole"),
        (["optimizer=3", "optimizer.lr=1"], r"optimizer\.lr 1: optimizer was set to 3 as a whole"),
        (["init=["], r"--set init=\[: '\[' is no value"),
        (["=1"], "--set =1: write NAME=VALUE"),
        (["optimizer.=1"], "write NAME=VALUE"),
        (["seed=100000000000000000000"], "seed"),
        (["optimizer.lr=.inf"], r"optimizer\.lr inf"),
        (["optimizer.betas=1,1"], r"optimizer\.betas"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(given, told):
    with pytest.raises(UsageError, match=told):
        load(TrainSettings, None, {}, given)


def test_flags_go_into_what_a_set_began():
    with pytest.raises(UsageError, match="tune was set to lora"):
        load(TrainSettings, None, {"rank": 4}, ["tune=lora"])
    assert load(TrainSettings, None, {"rank": 4}, ["tune.what=lora"]).tune.rank == 4


def test_two_numbers_may_come_as_the_shell_gives_them():
    found = load(TrainSettings, None, {}, ["augmentation.drop=0.2,0.4", "augmentation.shift_left=2,3"]).augmentation
    assert (found.drop, found.shift_left) == ((0.2, 0.4), (2, 3))
    assert load(TrainSettings, None, {}, ["augmentation.drop=null"]).augmentation.drop is None
