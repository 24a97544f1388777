"""What a worker is told, and what it says where it cannot do that."""

import json
import shutil
from pathlib import Path

import pytest

from building import build, settings_of
from kame_data.engine import build_work as orders
from kame_data.engine.build import Build
from kame_data.engine.build_work import BuildWork, place_of, processes_of, workers_of
from kame_data.engine.scheduler import CPU, GPU, HERE, Job
from kame_data.engine.worker import perform_order
from kame_data.errors import KameError, UsageError
from kame_data.settings.tree import RunnerSettings

MODEL = "openai:gpt-4.1-nano"
DASK = {"kind": "dask", "address": "tcp://127.0.0.1:8786"}


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-found-anywhere")
    settings = settings_of(tmp_path / "out", sources=("gsm8k=sample",), runner=DASK)
    build(settings)
    return Build(settings)


def first(found):
    return found.parts.slices(found.selection().counts)[0]


def test_an_order_is_small_holds_no_key_and_hangs_on_no_folder(made, monkeypatch):
    monkeypatch.chdir(made.out.parent)
    order = BuildWork(Build(made.settings.model_copy(update={"out": Path("out")}))).order(
        [Job("dialogues", first(made).label)]
    )
    assert len(order) < 6000 and "sk-not" not in order
    assert json.loads(order)["settings"]["out"] == str(made.out.resolve())


def test_a_worker_does_without_the_sources_and_makes_the_same(made, monkeypatch):
    slice_ = first(made)
    jobs = [Job(stage, slice_.label) for stage in ("dialogues", "oracles")]
    order = BuildWork(made).order(jobs)
    before = {p: p.read_bytes() for p in made.out.glob("parts/*/*") if "spend" not in p.parts}
    for stage in ("dialogues", "oracles"):
        made.parts.store(stage).drop(made.parts.name(made_stage(stage), slice_) or "")
    monkeypatch.setattr("kame_data.engine.source_questions.pull", None)
    monkeypatch.setattr("kame_data.engine.note.fingerprint", None)
    orders._builds.clear()
    assert len(perform_order(order)) == 2
    assert {p: p.read_bytes() for p in before} == before


def made_stage(name):
    from kame_data.engine.stages import STAGES

    return STAGES[name]


def test_a_worker_that_would_name_a_part_otherwise_says_so(made):
    order = json.loads(BuildWork(made).order([Job("dialogues", first(made).label)]))
    order["parts"][0]["name"] = "gsm8k-v00-000000-000004-0123456789abcdef"
    with pytest.raises(KameError, match="the same version of kame-data"):
        perform_order(json.dumps(order))


@pytest.mark.parametrize("other", [{"version": "0.0.1"}, {"code": "0123456789abcdef"}])
def test_a_worker_of_other_code_refuses(made, other):
    order = json.loads(BuildWork(made).order([Job("dialogues", first(made).label)])) | other
    with pytest.raises(KameError, match=r"runs kame-data 0\.1\.0 \(code [0-9a-f]{8}\), and the command 0\."):
        perform_order(json.dumps(order))


def test_a_folder_that_is_not_shared_is_one_line(made, monkeypatch):
    order = BuildWork(made).order([Job("dialogues", first(made).label)])
    shutil.rmtree(made.out)
    monkeypatch.setattr(orders, "patiently", lambda look, check_stop, seconds=0: look())
    with pytest.raises(KameError, match="one folder for all workers"):
        perform_order(order)
    assert not made.out.exists()


def test_errors_travel_with_nothing_but_their_message(made, monkeypatch):
    class Odd(UsageError):
        def __init__(self, one, two):
            super().__init__(f"{one} {two}")

    def fail(*_):
        raise Odd("no", "voice")

    monkeypatch.setattr(orders, "_perform", fail)
    with pytest.raises(UsageError, match="no voice") as error:
        perform_order(BuildWork(made).order([Job("dialogues", first(made).label)]))
    assert type(error.value) is UsageError


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, {"dialogues": CPU, "oracles": CPU, "speech": CPU, "shards": CPU}),
        ({"writer": MODEL}, {"dialogues": HERE, "oracles": CPU}),
        ({"simulator": MODEL, "runner": DASK}, {"dialogues": CPU, "oracles": HERE, "shards": CPU}),
        ({"speech": {"tts": "coqui:xtts_v2"}}, {"speech": HERE, "dialogues": CPU}),
        ({"speech": {"tts": "coqui:xtts_v2"}, "runner": DASK}, {"speech": GPU, "shards": CPU}),
        ({"speech": {"tts": "coqui:xtts_v2"}, "runner": DASK | {"gpus": 0}}, {"speech": CPU}),
        ({"runner": DASK | {"gpus": 0.5}}, {"speech": GPU, "dialogues": CPU}),
    ],
)
def test_what_asks_models_stays_and_what_a_model_speaks_goes_to_a_gpu(tmp_path, changes, places):
    settings = settings_of(tmp_path, **changes)
    assert {stage: place_of(settings, stage) for stage in places} == places


def test_processes_are_no_more_than_cores_where_workers_count_what_waits(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert (workers_of(settings_of(tmp_path)), processes_of(settings_of(tmp_path))) == (4, 4)
    assert processes_of(settings_of(tmp_path, workers=6)) == 6
    asking = settings_of(tmp_path, writer=MODEL, workers=64)
    assert (workers_of(asking), processes_of(asking)) == (64, 4)


def test_where_it_ran_is_not_of_the_build(made):
    assert "runner" not in json.loads((made.out / "build.json").read_text())["settings"]
    assert "runner" not in json.loads((made.out / "manifest.json").read_text())["settings"]


@pytest.mark.parametrize("address", ["tcp://h:99999", "h:x", "http://a b/c", "tcp://user:pw@h:1", "tcp://h/path"])
def test_what_is_no_address_is_said_before_anything_is_tried(address):
    from kame_data.engine.clusters import host_and_port

    with pytest.raises(UsageError, match="no address of a cluster"):
        host_and_port(RunnerSettings(kind="dask", address=address))


def test_a_missing_package_is_named(monkeypatch):
    from kame_data.engine import clusters

    monkeypatch.setattr(clusters.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'kame-data\[ray\]'"):
        clusters.check_runner(RunnerSettings(kind="ray", address="auto"))
