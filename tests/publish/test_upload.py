import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

import hub
import hub_faults
from checkout import PYTHONPATH
from kame_data.errors import KameError, UsageError
from kame_data.publish import upload as upload_module
from kame_data.publish import upload_files as files_module
from kame_data.publish.hub_errors import Target
from kame_data.publish.upload import upload
from kame_data.publish.upload_files import File, with_listing
from publish.conftest import Told, change, put

ROOT = Path(__file__).resolve().parents[2]


def small(**content):
    """Files of a data set; what ends in _parquet is a large one."""
    named = {name.replace("_parquet", ".parquet"): data for name, data in content.items()}
    return with_listing("dataset", [File.of(f"text/{name}", data) for name, data in named.items()], {})


def send(files, told=None, **more):
    return upload(Target.of("dataset", "ORG/NAME"), files, told or Told(), **{"private": False} | more)


def process(out, site, *more, home):
    """The command as a user gives it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_ENDPOINT": site.url, "HF_TOKEN": hub.TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home)}
    command = [sys.executable, "-m", "kame_data.cli", "publish", str(out), "--repo", "ORG/NAME", *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment | {"PYTHONPATH": PYTHONPATH}, **pipes)


def test_a_build_is_there_whole_and_the_second_time_nothing_is_sent(site, spoken):
    done = put(spoken)
    held = site.read("ORG/NAME")
    assert done.uploaded == 11 and done.commit == site.repos["dataset", "ORG/NAME"].at("main")[0]
    shards = {p.name: p.read_bytes() for p in (spoken / "shards").iterdir()}
    assert {name: held[f"speech/{name}"] for name in shards} == shards
    listing = json.loads(held["kame-data.json"])
    assert set(listing["files"]) == set(held) - {".gitattributes", "kame-data.json"}
    assert [title for *_, title in site.repos["dataset", "ORG/NAME"].revisions["main"]][1].startswith("kame-data ")
    before = len(site.log)
    again = put(spoken)
    assert (again.uploaded, again.bytes, again.deleted, again.commit) == (0, 0, 0, done.commit)
    assert {method for method, *_ in site.log[before:]} == {"GET", "HEAD"}
    assert not (spoken / "parts" / "publish").exists()


def test_what_has_changed_is_sent_and_what_is_left_over_goes_in_the_same_commit(site):
    send(small(a_parquet=b"one", b_parquet=b"two", c=b"three"))
    put_before = site.count("PUT", "/lfs/")
    done = send(small(a_parquet=b"one", d_parquet=b"four"))
    assert (done.uploaded, done.deleted) == (2, 2) and site.count("PUT", "/lfs/") == put_before + 1
    assert {p for p in site.read("ORG/NAME") if p.startswith("text/")} == {"text/a.parquet", "text/d.parquet"}
    assert len(site.repos["dataset", "ORG/NAME"].revisions["main"]) == 3


def test_a_renamed_file_is_not_sent_again(site):
    send(small(a_parquet=b"one"))
    before = site.count("PUT", "/lfs/")
    send(small(b_parquet=b"one"))
    assert site.count("PUT", "/lfs/") == before and "text/b.parquet" in site.read("ORG/NAME")


@pytest.mark.parametrize("name", ["text/a.parquet", "text/c"])
@pytest.mark.parametrize("there", [None, b"another one"])
def test_a_published_file_that_others_have_changed_is_not_published_any_more(site, name, there):
    target = Target.of("dataset", "ORG/NAME")
    assert upload_module.published(target, Told()) is None
    send(small(a_parquet=b"one", c=b"three"))
    assert upload_module.published(target, Told())[1]
    api = HfApi(token=hub.TOKEN)
    if there is None:
        api.delete_file(name, "ORG/NAME", repo_type="dataset")
    else:
        api.upload_file(path_or_fileobj=there, path_in_repo=name, repo_id="ORG/NAME", repo_type="dataset")
    data, whole = upload_module.published(target, Told())
    assert json.loads(data)["kind"] == "dataset" and not whole
    send(small(a_parquet=b"one", c=b"three"))
    assert upload_module.published(target, Told())[1]


def test_files_of_others_stay(site):
    send(small(a=b"one"))
    repo = site.repos["dataset", "ORG/NAME"]
    repo.commit("main", repo.files() | {"text/theirs.md": site.keep(b"mine"), "notes.md": site.keep(b"too")})
    send(small(b=b"two"))
    assert {"text/theirs.md", "notes.md", "text/b"} <= set(site.read("ORG/NAME"))


def test_a_repository_of_something_else_is_left_alone(site):
    site.hold("ORG/NAME", {".gitattributes": b"", "README.md": b"# mine", "data/rows.csv": b"a,b"})
    with pytest.raises(UsageError, match=r"holds something else .*\(data/rows.csv\); give another --repo"):
        send(small(a=b"one"))
    assert len(site.repos["dataset", "ORG/NAME"].revisions["main"]) == 1
    site.hold("ORG/NAME", {".gitattributes": b"", "README.md": b"# made in a browser"})
    send(small(a=b"one"))


def test_large_files_go_in_parts(site):
    site.part = 1 << 10
    data = bytes(range(256)) * 13
    send(small(a_parquet=data))
    assert site.read("ORG/NAME")["text/a.parquet"] == data
    assert site.count("PUT", r"/lfs/\w+/\d+") == 4


def test_a_connection_that_breaks_in_a_body_is_tried_again(site):
    site.faults = [hub_faults.cutting("PUT", "/lfs/", after=100)]
    data = b"x" * 500_000
    send(small(a_parquet=data))
    assert site.read("ORG/NAME")["text/a.parquet"] == data and site.waits
    assert ("PUT", "cut") in {(method, status) for method, _, status in site.log}


@pytest.mark.parametrize("pattern", ["/objects/batch", "/commit/main", "/preupload/"])
def test_a_connection_that_breaks_elsewhere_is_tried_again_by_us(site, pattern):
    site.faults = [hub_faults.cutting("POST", pattern, after=10)]
    told = Told()
    send(small(a_parquet=b"one", b=b"two"), told)
    assert "text/a.parquet" in site.read("ORG/NAME")
    assert len(told.waits) <= 1  # 2.x tries some of these again by itself
    assert len(site.repos["dataset", "ORG/NAME"].revisions["main"]) == 2


def test_a_commit_whose_answer_is_lost_is_not_made_twice(site, monkeypatch):
    def lost(handler):
        if handler.command == "POST" and "/commit/" in handler.path and not lost.done:
            lost.done = True
            sent = handler.send
            handler.send = lambda *_, **__: handler.connection.close()
            site.faults.remove(lost)
            handler.handle_any()
            handler.send, handler.close_connection = sent, True
            return True
        return False

    lost.done = False
    site.faults = [lost]
    assert send(small(a=b"one")).uploaded in (0, 2)
    assert len(site.repos["dataset", "ORG/NAME"].revisions["main"]) == 2


def test_what_breaks_all_the_time_is_a_line_and_main_shows_nothing(site):
    site.faults = [hub_faults.cutting("PUT", "/lfs/", times=10**6, after=100)]
    with pytest.raises(KameError, match="connection broke; check the network, the same command goes on"):
        send(small(a_parquet=b"x" * 10_000))
    assert set(site.read("ORG/NAME")) == {".gitattributes"}
    site.faults = []
    send(small(a_parquet=b"x" * 10_000))


def test_what_was_sent_before_it_broke_is_not_sent_again(site, monkeypatch):
    monkeypatch.setattr(upload_module, "AT_ONCE", 1)
    files = small(**{f"f{n}_parquet": f"{n}".encode() * 1000 for n in range(4)})
    site.faults = [hub_faults.cutting("PUT", f"/lfs/{files[2].sha256}", times=10**6, after=100)]
    with pytest.raises(KameError):
        send(files)
    assert set(site.large) == {files[0].sha256, files[1].sha256}
    site.faults, before = [], len(site.log)
    send(files)
    sent = [path for method, path, _ in site.log[before:] if method == "PUT"]
    assert len(sent) == 2 and all(files[2].sha256 in p or files[3].sha256 in p for p in sent)


def test_killed_in_the_middle_of_an_upload_and_again(spoken, site, tmp_path):
    stall = hub_faults.stalling("PUT", "/lfs/")
    site.faults = [stall]
    running = process(spoken, site, home=tmp_path)
    assert stall.reached.wait(60), running.communicate(timeout=5)
    running.send_signal(signal.SIGKILL)
    running.wait()
    stall.over.set()
    assert set(site.read("ORG/NAME")) == {".gitattributes"}
    kept = set(site.large)
    before = len(site.log)
    again = process(spoken, site, home=tmp_path)
    out, error = again.communicate(timeout=120)
    assert again.returncode == 0, error
    assert "11 files uploaded" in out and len(site.read("ORG/NAME")) == 12
    assert not any(oid in path for method, path, _ in site.log[before:] if method == "PUT" for oid in kept)
    assert hub.TOKEN not in out + error and "X-Amz" not in out + error


def test_many_files_come_by_a_pull_request_and_main_shows_all_or_nothing(site, monkeypatch):
    monkeypatch.setattr(upload_module, "COMMIT_FILES", 3)
    site.page = 3
    seen = []
    repo_files = lambda: set(site.read("ORG/NAME")) if ("dataset", "ORG/NAME") in site.repos else set()  # noqa: E731
    site.faults = [lambda handler: seen.append(len(repo_files()))]
    files = small(**{f"f{n}_parquet": b"%d" % n for n in range(8)})
    send(files)
    assert len(repo_files()) == 10 and set(seen) <= {0, 1, 10}
    repo = site.repos["dataset", "ORG/NAME"]
    assert [r["status"] for r in repo.requests] == ["merged"] and len(repo.revisions["main"]) == 2
    assert len(repo.revisions["refs/pr/1"]) == 4
    site.faults = []
    assert send(files).uploaded == 0 and len(repo.requests) == 1


def test_a_pull_request_that_was_left_is_gone_on_with_and_those_of_other_builds_are_closed(site, monkeypatch):
    monkeypatch.setattr(upload_module, "COMMIT_FILES", 3)
    other, files = (small(**{f"f{n}{x}_parquet": b"%d" % n for n in range(8)}) for x in ("a", "b"))
    for of in (other, files):
        site.faults = [hub_faults.answering(403, "POST", r"/commit/refs%2Fpr%2F\d+", times=10)]
        with pytest.raises(KameError, match="may not write there"):
            send(of)
    repo = site.repos["dataset", "ORG/NAME"]
    assert [r["status"] for r in repo.requests] == ["closed", "open"]
    site.faults = []
    send(files)
    assert [r["status"] for r in repo.requests] == ["closed", "merged"] and len(site.read("ORG/NAME")) == 10


def test_main_that_moves_before_the_merge_gets_a_new_pull_request(site, monkeypatch):
    monkeypatch.setattr(upload_module, "COMMIT_FILES", 3)
    send(small(a=b"one"))
    repo = site.repos["dataset", "ORG/NAME"]

    def moves(handler):
        if handler.path.endswith("/merge") and len(repo.revisions["main"]) == 2:
            repo.commit("main", repo.files() | {"notes.md": site.keep(b"theirs")})
        return False

    site.faults = [moves]
    send(small(**{f"f{n}_parquet": b"%d" % n for n in range(8)}))
    assert [r["status"] for r in repo.requests] == ["closed", "merged"]
    assert "notes.md" in site.read("ORG/NAME") and "text/f7.parquet" in site.read("ORG/NAME")


def test_private_is_private_and_never_made_public_in_silence(site):
    assert send(small(a=b"one"), private=True).private and site.repos["dataset", "ORG/NAME"].private
    assert send(small(a=b"one")).private
    site.repos["dataset", "ORG/NAME"].private = False
    with pytest.raises(UsageError, match="is there and public; make it private"):
        send(small(a=b"two"), private=True)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "does not know this token"),
        (403, "may not write there .* write access to ORG"),
        (404, "there is no data set ORG/NAME"),
        (409, "somebody else changes it"),
        (413, "takes no upload of this size"),
        (429, "wants fewer requests"),
        (500, "is in trouble"),
        (503, "is in trouble"),
        (400, "refuses it"),
    ],
)
def test_what_the_hub_says_is_one_line_with_the_way_out_and_no_token(site, status, told):
    site.faults = [hub_faults.answering(status, "POST", "/preupload/", times=100)]
    with pytest.raises(KameError, match=told) as caught:
        send(small(a_parquet=b"one"))
    line = str(caught.value)
    assert "\n" not in line and hub.TOKEN not in line and "ORG/NAME" in line
    assert caught.value.__suppress_context__
    assert bool(site.waits) == (status in (409, 429, 500, 503))


def test_the_hub_is_waited_for_as_long_as_it_asks_but_not_for_ever(site):
    site.faults = [hub_faults.answering(429, "POST", "/commit/", times=1, Retry_After=7)]
    send(small(a=b"one"))
    assert 7 in [round(wait) for wait in site.waits]
    site.faults = [hub_faults.answering(429, "POST", "/commit/", times=100, Retry_After=4000)]
    with pytest.raises(KameError, match="wait 4000 s"):
        send(small(a=b"two"))


@pytest.mark.parametrize("name", ["forbidden/NAME"])
def test_an_organization_of_others(site, name):
    with pytest.raises(KameError, match="write access to forbidden"):
        upload(Target.of("dataset", name), small(a=b"one"), Told(), private=False)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NAME", "write ORG/NAME"),
        ("a/b/c", "write ORG/NAME"),
        ("datasets/ORG/NAME", "a build is published as a data set"),
        ("https://huggingface.co/datasets/ORG/NAME", "without 'https://huggingface.co/datasets/'"),
        ("ORG/a b", "'a b' is no name"),
        ("ORG/..", "is no name"),
        ("ORG/x--y", "is no name"),
        ("ORG/" + "x" * 97, "is no name"),
        ("ORG/x.git", "does not end in .git"),
        ("/x", "'' is no name"),
        ("ORG/\u202ex", "is no name"),
    ],
)
def test_names_that_are_none(name, told):
    with pytest.raises(UsageError, match=told):
        Target.of("dataset", name)


def test_without_a_token_or_with_a_broken_one_nothing_is_begun(site, spoken, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_broken\x01token")
    with pytest.raises(UsageError, match="HF_TOKEN: holds characters") as caught:
        put(spoken)
    assert "broken" not in str(caught.value)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="set HF_TOKEN"):
        put(spoken)
    assert not site.log


def test_no_network(site, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(KameError, match="cannot be reached") as caught:
        send(small(a=b"one"))
    assert len(site.waits) >= 4 and "\n" not in str(caught.value)


def test_limits_of_the_hub(monkeypatch, spoken, site):
    monkeypatch.setattr(files_module, "FILE_BYTES", 10_000)
    with pytest.raises(KameError, match="fewer rows a shard"):
        put(spoken)
    monkeypatch.setattr(files_module, "FILE_BYTES", 10**9)
    monkeypatch.setattr(files_module, "FOLDER_FILES", 3)
    with pytest.raises(KameError, match="more rows a shard"):
        put(spoken)
    assert not [line for line in site.log if line[0] != "GET"]


def test_a_build_that_others_work_on_waits(spoken, site):
    from filelock import FileLock

    with FileLock(spoken / ".lock"), pytest.raises(KameError, match="is at work there"):
        put(spoken)


def test_what_is_said_anew_sends_no_shard_again(site, copy, spoken, rows):
    put(spoken)
    out = copy(spoken)
    before = site.count("PUT", "/lfs/")
    change(out, terms=["a new word on the voices"])
    done = put(out)
    assert done.uploaded == 3 and site.count("PUT", "/lfs/") == before  # card, licences and listing


def test_what_is_set_wrong_is_not_tried_again(site, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "nonsense")
    with pytest.raises(UsageError, match="HF_ENDPOINT: is no address"):
        send(small(a=b"one"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://name:secret@127.0.0.1:9")
    with pytest.raises(KameError, match="cannot be reached") as caught:
        send(small(a=b"one"))
    assert "secret" not in str(caught.value)


def test_no_word_of_the_token_whatever_the_hub_says_back(spoken, site, tmp_path):
    site.faults = [hub_faults.answering(403, "POST", "/preupload/", times=100)]
    running = process(spoken, site, "--debug", home=tmp_path)
    out, error = running.communicate(timeout=120)
    assert running.returncode == 1 and "may not write there" in error and "a fault of the test" in error
    assert hub.TOKEN not in out + error and "Traceback" in error
