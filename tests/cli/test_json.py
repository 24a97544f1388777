"""What a script reads: one JSON object on standard output, and nothing else there."""

import json

import pytest
from typer.testing import CliRunner

from building import build, settings_of
from kame_data.cli.build_commands import build_summary
from kame_data.cli.main import app
from kame_data.errors import KameError
from kame_data.finished.manifest import Manifest


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("json") / "out"
    manifest, _ = build(settings_of(out))
    return out, manifest


def read(*args, fails=None):
    done = CliRunner().invoke(app, [*map(str, args), "--json"])
    assert (type(done.exception) is fails) if fails else done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_status_verify_and_quality_say_numbers(finished):
    out, manifest = finished
    status = read("status", out)
    assert status["finished"] and status["dialogues"] == manifest["dialogues"]["accepted"] and status["tokens"] is None
    assert {stage["stage"]: stage["done"] == stage["parts"] for stage in status["stages"]}["oracles"]
    verified = read("verify", out)
    assert verified["sound"] and all(check["problems"] == [] for check in verified["checks"])
    quality = read("quality", out)
    assert [level["level"] for level in quality["levels"]] == list(range(6)) and quality["rises"]
    curve = [level["chrf"] for level in quality["levels"]]
    assert curve == sorted(curve) and sum(level["oracles"] for level in quality["levels"]) == sum(
        manifest["oracles"].values()
    )


def test_verify_lists_the_problems_and_fails(finished, tmp_path):
    import shutil

    out = shutil.copytree(finished[0], tmp_path / "out")
    shard = next((out / "shards").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-9])
    told = read("verify", out, fails=KameError)
    assert not told["sound"] and any(check["problems"] for check in told["checks"])


def test_a_build_that_is_there_and_what_a_plan_foresees(finished, tmp_path):
    out, manifest = finished
    told = json.loads(json.dumps(build_summary(Manifest.read(out), out)))
    assert told["dialogues"] == manifest["dialogues"]["accepted"] and told["dollars"] == 0.0
    assert told["shards"][0]["path"].startswith(str(out)) and told["shards"][0]["rows"] > 0
    flags = ["--source", "gsm8k=sample", "--no-speech", "--limit", 3, "--out", tmp_path / "x"]
    plan = read("plan", *flags)
    assert plan["dialogues"] == {"gsm8k": 3} and plan["dollars"] == 0 and plan["models"] == []
    assert all(isinstance(stage["seconds"], int | float) for stage in plan["stages"])
    pulled = read("pull", *flags)
    assert pulled["questions"] == pulled["sources"]["gsm8k"]["kept"] > 0


def test_doctor_says_what_is_ready(tmp_path):
    told = read("doctor", tmp_path)
    assert told["ready"] and {"what", "ok", "needed", "found", "cure"} == set(told["findings"][0])


def test_an_export_says_what_it_wrote(finished, tmp_path):
    told = read("export", finished[0], "--out", tmp_path / "x", "--to", "jsonl")
    assert not told["was_there"] and sum(told["dialogues"].values()) == finished[1]["dialogues"]["accepted"]
