import pytest
import yaml

from kame_data.errors import UsageError
from kame_data.workflows.workflow import steps_of
from train.runs import ENVIRONMENT, ROOT

RECIPE = {
    "build": {"sources": ["gsm8k=sample"], "limit": 6, "validation_share": 0.3, "progress": False},
    "tokens": {"codec": "untrained-small", "tokenizer": "sample", "workers": 1},
    "train": {"init": "untrained-tiny", "device": "cpu", "steps": 2, "optimizer": {"warmup": 1}, "tensorboard": False},
}


def written(path, **changes):
    path.write_text(yaml.safe_dump(RECIPE | changes))
    return str(path)


def test_steps_come_in_order_and_can_be_skipped(tmp_path):
    recipe = written(tmp_path / "r.yaml")
    assert [step.name for step in steps_of(recipe, str(tmp_path / "out"), [])] == [
        "pull", "build", "tokens", "train",
    ]  # fmt: skip
    assert [step.name for step in steps_of(recipe, str(tmp_path / "out"), ["pull", "build", "train"])] == ["tokens"]
    recipe = written(tmp_path / "r.yaml", train=RECIPE["train"] | {"processes": 4})
    (train,) = steps_of(recipe, str(tmp_path / "out"), ["pull", "build", "tokens"])
    assert "--nproc-per-node=4" in train.command
    publish = {"repo": "a/data", "model": "a/model", "private": True, "audio": False, "dry_run": "dry"}
    recipe = written(tmp_path / "r.yaml", publish=publish)
    data, model = steps_of(recipe, str(tmp_path / "out"), ["pull", "build", "tokens", "train"])
    out = str(tmp_path / "out")
    shared = ("--private", "--dry-run")
    assert data.command[4:] == (out, "--no-audio", *shared, "dry/dataset", "--repo", "a/data")
    named = ("--model", f"{out}/run", "--dataset", "a/data")
    assert model.command[4:] == (out, *shared, "dry/model", "--repo", "a/model", *named)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": {}}, "'model' is no part of a workflow"),
        ({"train": {"lr": 1}}, "lr"),
        ({"build": {"limit": 0}}, "limit"),
        ({"tokens": {"codecs": "mimi"}}, "tokens.codecs"),
        ({"publish": {"repos": "a/b"}}, "publish.repos"),
        ({"publish": {"repo": "a"}}, "write ORG/NAME"),
        ({"publish": {"private": True}}, "names nothing to publish"),
        ({"out": ["a"]}, "out .'a'.: give a folder"),
    ],
)
def test_a_wrong_recipe_is_told_before_any_step(changes, told, tmp_path):
    with pytest.raises(UsageError, match=told):
        steps_of(written(tmp_path / "r.yaml", **changes), str(tmp_path / "out"), [])
    with pytest.raises(UsageError, match=f"^{tmp_path}/nowhere: no such file, and no shipped workflow"):
        steps_of(f"{tmp_path}/nowhere", None, [])
    with pytest.raises(UsageError, match="--skip nap"):
        steps_of(written(tmp_path / "r.yaml"), str(tmp_path / "out"), ["nap"])


def test_set_goes_over_the_file_and_is_checked(tmp_path):
    recipe, out = written(tmp_path / "r.yaml"), str(tmp_path / "out")
    sets = ["train.steps=7", "build.latency.poll=0.25", "tokens.workers=2", "train.processes=2", "train.steps=9"]
    _, _, tokens, train = steps_of(recipe, out, [], sets)
    assert "--nproc-per-node=2" in train.command and tokens.command[-1] == "2"
    assert yaml.safe_load((tmp_path / "out.workflow" / "train.yaml").read_text())["steps"] == 9
    built = yaml.safe_load((tmp_path / "out.workflow" / "build.yaml").read_text())
    assert built["latency"] == {"poll": 0.25} and built["limit"] == 6
    for text, told in [
        ("steps=3", "write PART.NAME=VALUE"), ("train", "write PART.NAME=VALUE"), ("nap.x=3", "parts are build"),
        ("train.stepz=3", "steps"), ("train.steps=no", "train.steps"), ("train.processes=0", "processes 0"),
        ("train.processes={", "is no value"), ("build.latency.poll", "NAME=VALUE"),
    ]:  # fmt: skip
        with pytest.raises(UsageError, match=told):
            steps_of(recipe, out, [], [text])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_questions_to_a_checkpoint(tmp_path):
    """The whole way as its user goes it: build, tokens, train; then nothing is left to do."""
    import subprocess
    import sys

    recipe, out = written(tmp_path / "r.yaml"), tmp_path / "out"
    command = [sys.executable, "-m", "kame_data.cli", "run", recipe, "--out", str(out)]
    environment = ENVIRONMENT | {"PREFECT_HOME": str(tmp_path / "prefect")}
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (out / "run" / "export" / "model.safetensors").is_file()
    publish = {"repo": "a/data", "model": "a/model", "allow_stand_ins": True, "dry_run": str(tmp_path / "dry")}
    command[4] = written(tmp_path / "r.yaml", publish=publish)
    done = subprocess.run(
        [*command, *(f"--skip={name}" for name in ("build", "tokens", "train"))],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "load_dataset reads 'tokens'" in done.stdout
    assert "https://huggingface.co/datasets/a/data" in (tmp_path / "dry" / "model" / "README.md").read_text()
    # A step that fails ends it with its own code.
    wrong = {"init": str(tmp_path / "nowhere"), "run": str(tmp_path / "other")}
    command[4] = written(tmp_path / "r.yaml", train=RECIPE["train"] | wrong)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "the step train failed" in done.stderr.splitlines()[-1]
