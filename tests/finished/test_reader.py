import json

import pytest

import dummies
from kame_data.errors import KameError, UsageError
from kame_data.finished.reader import FACET_COLUMNS, Finished, sample


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    rows = [dummies.row(n, duplex=n == 17, spoken=False) for n in range(40)]
    return dummies.finish(tmp_path_factory.mktemp("read") / "out", rows, a_shard=15, refused=[("speech", "clipped")])


def test_rows_come_from_all_shards_and_alone(build):
    found = Finished.open(build)
    assert len(found.shards()) == 4
    assert {row.id for row in found.rows(["id"])} == {f"dummy-{n:05d}-v0" for n in range(40)}
    assert [row.id for row in found.rows(["id"], {"dummy-00031-v0"})] == ["dummy-00031-v0"]
    assert next(found.refusals())["reason"] == "clipped"


def test_unknown_ids_name_near_ones(build):
    with pytest.raises(UsageError, match=r"dummy-00003: no dialogue.*near it: dummy-00003-v0"):
        Finished.open(build).row("dummy-00003")


def test_a_folder_without_a_build_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"no manifest.json.*kame-data build --out"):
        Finished.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(KameError, match=r"manifest.json: is damaged \(it is no JSON"):
        Finished.open(tmp_path)


def test_missing_and_damaged_shards_are_named(build, tmp_path):
    manifest = json.loads((build / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(KameError, match="is not there"):
        list(Finished.open(tmp_path).rows())
    path = tmp_path / manifest["shards"][0]["path"]
    path.parent.mkdir()
    path.write_bytes(b"PAR1 but no more")
    with pytest.raises(KameError, match="is damaged"):
        list(Finished.open(tmp_path).rows())


def test_whatever_byte_of_a_shard_is_another_one_the_shard_is_named(tmp_path):
    out = dummies.finish(tmp_path / "out", [dummies.row(n, spoken=False) for n in range(40)])
    (path,) = (out / "shards").glob("train-*")
    whole = path.read_bytes()
    for at in range(4, len(whole) - 8, len(whole) // 40):
        path.write_bytes(whole[:at] + bytes(byte ^ 255 for byte in whole[at : at + 8]) + whole[at + 8 :])
        try:
            list(Finished.open(out).rows())
        except KameError as error:
            assert str(path) in str(error) and "is damaged" in str(error)


@pytest.mark.parametrize("line", ['{"stage": "dialogues"}', "[]", "3", "{", pytest.param("[" * 100_000, id="deep")])
def test_a_line_that_is_no_refusal_is_named(tmp_path, line):
    out = dummies.finish(tmp_path / "out", [dummies.row(0, spoken=False)])
    (out / "rejected" / "dialogues.jsonl").write_text(f"{line}\n")
    with pytest.raises(KameError, match=r"dialogues.jsonl line 1: is no"):
        list(Finished.open(out).refusals())


@pytest.mark.parametrize("name", ["sources", "stand_ins", "kame_data"])
def test_a_manifest_of_another_kind_is_one_line(tmp_path, name):
    out = dummies.finish(tmp_path / "out", [dummies.row(0, spoken=False)])
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest[name]
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(KameError, match=name):
        Finished.open(out)


def test_a_sample_shows_every_facet_and_does_not_hang_on_order(build):
    rows = list(Finished.open(build).rows(FACET_COLUMNS))
    chosen = sample(rows, 12)
    assert len(chosen) == 12 and sample(rows[::-1], 12) == chosen
    assert "dummy-00017-v0" in chosen  # the only one with situations
    assert {row.split for row in rows if row.id in chosen} == {"train", "validation"}
    assert sample(rows, 2, ["dummy-00020-v0"])[0] == "dummy-00020-v0"
    assert len(sample(rows, 100)) == 40
