"""The manifest of a build as all commands read it: of this version, of an earlier one, damaged, or not there."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from building import Build, build, settings_of
from kame_data.cli.main import app
from kame_data.engine.note import noted_settings
from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Manifest
from kame_data.finished.reader import Finished
from kame_data.settings.tree import Settings
from kame_data.storage.files import checksum
from kame_data.storage.self_checksum import summed
from kame_data.verify.check_build import verify

EARLIER = Path(__file__).parent / "manifest_of_an_earlier_version.json"
"""Written by the version whose packages were called pipeline and flows."""
READERS = ("quality", "report", "verify", "export", "publish", "replay", "diff", "tokens", "status")
SLOW = ("publish", "tokens")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("manifest") / "out"
    build(settings_of(out, limit=1, sources=("gsm8k=sample", "mmlu_pro=sample"), speak=True))
    return out


@pytest.fixture
def out(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "out"))


def change(path, changed, checksum="manifest_sha256"):
    held = json.loads(path.read_text())
    changed(held)
    path.write_text(json.dumps(summed(held, checksum), indent=1))


def as_earlier(out):
    """The build as the earlier version left it: settings of latency, columns, other fingerprints of shards."""

    def latency(held):
        held["settings"]["latency"] = json.loads(EARLIER.read_text())["settings"]["latency"]

    def shards(held):
        latency(held)
        for shard in held["shards"]:
            path = out / shard["path"]
            pq.write_table(pq.read_table(path).drop_columns(["claims", "form"]), path)
            shard |= {"sha256": checksum(path), "bytes": path.stat().st_size, "fingerprint": shard["path"]}

    change(out / "manifest.json", shards)
    change(out / "build.json", latency, "note_sha256")
    for path in (out / "parts" / "shards").glob("*.sha256"):
        path.unlink()
    return out


def told(command, out, folder):
    """What a command says of the build, one line where it fails."""
    more = {
        "export": ["--to", "jsonl", "--out", folder / "x"],
        "publish": ["--repo", "ORG/NAME", "--dry-run", folder / "dry", "--allow-stand-ins"],
        "replay": ["gsm8k-2c2443fe3493a97d-v0"],
        "diff": [out],
        "tokens": ["--codec", "untrained-small", "--tokenizer", "sample", "--device", "cpu", "--workers", "1"],
    }
    done = CliRunner().invoke(app, [command, *map(str, [out, *more.get(command, [])])])
    if done.exception is not None:
        assert isinstance(done.exception, KameError), done.exception
        assert "\n" not in str(done.exception)
    return f"{done.stdout}{done.exception or ''}"


def test_a_manifest_of_the_version_before_is_read_as_it_was_meant(tmp_path):
    shutil.copy(EARLIER, tmp_path / "manifest.json")
    found = Manifest.read(tmp_path)
    assert found.as_written and (found.dialogues.accepted, len(found.shards)) == (12, 2)
    assert not found.settings.speak and found.settings.limit == 4
    latency = found.settings.latency
    assert (latency.policy, latency.preset, latency.poll, latency.min_growth) == ("poll", "typical", 0.25, 2)
    assert Settings().latency.poll == 0.5 and latency.first_token == Settings().latency.first_token


@pytest.mark.parametrize(
    ("preset", "poll", "seconds"), [("ideal", None, 0.0), ("slow", None, 0.25), ("fast", 0.4, 0.4)]
)
def test_a_back_end_of_the_version_before_keeps_its_poll(tmp_path, preset, poll, seconds):
    shutil.copy(EARLIER, tmp_path / "manifest.json")
    change(tmp_path / "manifest.json", lambda held: held["settings"]["latency"].update(preset=preset, poll=poll))
    assert Finished.open(tmp_path).reckoner.latency.poll == seconds


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in READERS]
)
def test_every_command_reads_a_build_of_the_version_before(out, tmp_path, command):
    if command == "tokens":
        pytest.importorskip("moshi")
    as_earlier(out)
    said = told(command, out, tmp_path)
    expected = {
        "status": "finished: 2 dialogues in",
        "verify": "shards: ",
        "quality": "chrF consumed",
        "diff": "the same",
    }
    assert expected.get(command, "") in said and "damaged" not in said and "not finished" not in said, said
    if command == "status":
        assert "an earlier version made it" in said


def test_the_same_build_command_makes_one_of_the_version_before_anew(out, whole):
    as_earlier(out)
    build(noted_settings(out).model_copy(update={"latency": Settings().latency}))
    assert (out / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "holds no finished build"),
        (lambda path: path.write_text("{"), "is damaged (it is no JSON of a manifest)"),
        (lambda path: path.write_text("[" * 100_000), "is damaged (it is no JSON of a manifest)"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory; make it readable, or delete it"),
        (lambda path: path.write_bytes(b"\xff"), "is damaged (it is no JSON of a manifest)"),
        (lambda path: change(path, lambda held: held.pop("dialogues"), ""), "is damaged (dialogues is missing)"),
        (
            lambda path: change(path, lambda held: held["settings"].update(new=1)),
            "was written by another version of kame-data (settings.new 1: Extra inputs are not permitted)",
        ),
    ],
)
def test_every_command_says_in_the_same_line_that_there_is_no_manifest_to_read(out, tmp_path, command, spoil, said):
    path = out / "manifest.json"
    spoil(path)
    line = told(command, out, tmp_path)
    if command == "status" and not path.exists():
        assert "not finished; `kame-data build` with the same settings goes on" in line
    else:
        assert said in line and ("`kame-data build " in line or "the same build command" in line), line


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (lambda held: held["shards"][0].update(rows=-1), r"shards.0.rows -1"),
        (lambda held: held["shards"][0].update(rows="2"), r"shards.0.rows '2'"),
        (lambda held: held["shards"][0].update(path="shards/../../x.parquet"), r"shards.0.path"),
        (lambda held: held["shards"][0].update(path="shards/a\0.parquet"), r"shards.0.path"),
        (lambda held: held["shards"][0].update(path="shards/a\nb.parquet"), r"shards.0.path"),
        (lambda held: held["shards"][0].update(path=f"shards/{'a' * 300}.parquet"), r"shards.0.path"),
        (lambda held: held["shards"][0].update(rows=10**400), r"shards.0.rows 1000"),
        (lambda held: held["shards"].append(held["shards"][0]), r"shards: lists shards/.*parquet twice"),
        (lambda held: held["rejected"].update({"../../etc/passwd": "0" * 64}), r"rejected\.\.\./"),
        (lambda held: held["refused"].update({"../x": {}}), r"refused\.\.\./"),
        (lambda held: held["shards"][0].update(sha256="0"), r"shards.0.sha256"),
        (lambda held: held.update(seconds=float("nan")), r"seconds nan"),
        (lambda held: held["oracles"].update(x=1), r"oracles.x"),
        (lambda held: held["settings"].update(seed="x"), r"settings.seed 'x'"),
        (lambda held: held.update(spend={"dollars": 1.0, "by": [{"stage": "oracles"}]}), r"spend.by.0: does not say"),
    ],
)
def test_a_field_out_of_bounds_is_named(out, changed, field):
    change(out / "manifest.json", changed, "other")
    with pytest.raises(KameError, match=rf"manifest.json: is damaged \({field}") as found:
        Manifest.read(out)
    [check] = verify(out)
    assert check.problems == [str(found.value)]


def test_what_is_read_is_what_was_written(out):
    path = out / "manifest.json"
    before = path.read_bytes()
    Manifest.read(out).write(out)
    assert path.read_bytes() == before


def test_a_build_that_was_begun_since_is_named_by_its_setting(out):
    Build(settings_of(out, limit=2, sources=("gsm8k=sample", "mmlu_pro=sample"), speak=True)).claim()
    said = told("status", out, out)
    assert "not finished: a build with limit 2 has begun there since the one of 1 was finished" in " ".join(
        said.split()
    )


def test_a_note_of_another_version_is_one_line(out):
    change(out / "build.json", lambda held: held["settings"].update(new=1), "note_sha256")
    with pytest.raises(UsageError, match=r"build.json: was written by another version of kame-data \(new 1"):
        noted_settings(out)
