"""moshi-finetune's layout, tar shards as the webdataset package reads them, and JSON lines."""

import io
import json
import tarfile

import numpy as np
import pytest
import soundfile
import webdataset
from datasets import load_dataset

import dummies
from building import rows_of
from kame_data.errors import KameError, UsageError
from kame_data.export import plain
from kame_data.export.write_export import export


def samples(data):
    return soundfile.read(data if not isinstance(data, bytes) else io.BytesIO(data), dtype="int16")[0]


def test_moshi_finetune_lists_wavs_and_the_assistants_words(spoken, tmp_path):
    done = export(spoken, tmp_path / "x", "moshi-finetune")
    rows, seen = rows_of(spoken), 0
    for split in ("train", "validation"):
        lines = (done.folder / split / f"{split}.jsonl").read_text("utf-8").splitlines()
        for line in map(json.loads, lines):
            assert list(line) == ["path", "duration"]
            wav = done.folder / split / line["path"]
            row = rows[wav.stem]
            assert row["split"] == split and line["duration"] == row["duration"]
            assert line["duration"] == pytest.approx(soundfile.info(wav).duration)
            assert np.array_equal(samples(wav), samples(row["audio"]["bytes"]))
            words = json.loads(wav.with_suffix(".json").read_text("utf-8"))["alignments"]
            own = sorted((w for w in row["words"] if w["role"] == "assistant"), key=lambda w: w["start"])
            assert words == [[w["word"], [w["start"], w["end"]], "SPEAKER_MAIN"] for w in own]
            seen += 1
    assert seen == len(rows)


def test_the_webdataset_package_reads_the_tars(spoken, tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "ROWS_A_TAR", 4)
    done = export(spoken, tmp_path / "x", "webdataset")
    names = sorted(p.name for p in done.folder.glob("*.tar"))
    assert names == ["train-000000.tar", "train-000001.tar", "train-000002.tar", "validation-000000.tar"]
    rows, seen = rows_of(spoken), []
    urls = [str(done.folder / name) for name in names]
    for sample in webdataset.WebDataset(urls, shardshuffle=False).decode("l"):
        row = rows[sample["json"]["id"]]
        assert sample["json"] == {k: v for k, v in row.items() if k != "audio"}
        assert sample["flac"] == row["audio"]["bytes"]
        assert sample["__key__"] == row["id"]
        seen.append(row["id"])
    assert sorted(seen) == sorted(rows)


def test_a_key_has_no_dot(tmp_path):
    row = dummies.row(1) | {"id": "mine-1.5 b/../c-v0"}
    done = export(dummies.finish(tmp_path / "out", [row]), tmp_path / "x", "webdataset")
    (found,) = webdataset.WebDataset(str(done.folder / "train-000000.tar"), shardshuffle=False)
    assert found["__key__"] == "mine-1%2E5%20b%2F%2E%2E%2Fc-v0" and json.loads(found["json"])["id"] == row["id"]


def test_tars_are_the_same_each_time(spoken, tmp_path):
    one, two = (export(spoken, tmp_path / name, "webdataset").folder for name in "ab")
    assert (one / "train-000000.tar").read_bytes() == (two / "train-000000.tar").read_bytes()
    with tarfile.open(one / "train-000000.tar") as tar:
        assert {m.mtime for m in tar.getmembers()} == {0} and {m.mode for m in tar.getmembers()} == {0o644}


def test_json_lines_name_their_sound(spoken, tmp_path):
    done = export(spoken, tmp_path / "x", "jsonl")
    rows, seen = rows_of(spoken), 0
    for split in ("train", "validation"):
        for line in (done.folder / f"{split}.jsonl").read_text("utf-8").split("\n")[:-1]:
            row = json.loads(line)
            assert (done.folder / row["audio"]).read_bytes() == rows[row["id"]]["audio"]["bytes"]
            assert row | {"audio": None} == rows[row["id"]] | {"audio": None}
            seen += 1
    assert seen == len(rows)
    files = str(done.folder / "train.jsonl")
    assert load_dataset("json", data_files=files, split="train", cache_dir=str(tmp_path / "cache")).num_rows == 11


def test_a_build_without_speech_is_text_alone(silent, tmp_path):
    done = export(silent, tmp_path / "x", "jsonl")
    lines = [json.loads(line) for line in (done.folder / "train.jsonl").read_text("utf-8").splitlines()]
    assert [line["audio"] for line in lines] == [None] * 3 and not (done.folder / "audio").exists()
    for layout in ("kame-finetune", "kame-finetune-parquet", "moshi-finetune", "webdataset"):
        with pytest.raises(UsageError, match=rf"no audio \(--no-speech\), which {layout} is made of; use --to jsonl"):
            export(silent, tmp_path / "y", layout)
    assert not (tmp_path / "y").exists()


@pytest.mark.parametrize("layout", ["kame-finetune", "moshi-finetune", "webdataset", "jsonl"])
def test_hostile_texts_and_ids_stay_in_the_folder(layout, tmp_path):
    rows = [dummies.row(n, hostile=dummies.HOSTILE, duplex=n == 1) | {"id": f"{n} </x> \x01"} for n in range(2)]
    rows += [dummies.row(n) | {"id": name} for n, name in ((2, "../../evil"), (3, ".."), (4, ".hidden"))]
    out = dummies.finish(tmp_path / "out", rows)
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    done = export(out, tmp_path / "deep" / "x", layout)
    written = {p for p in tmp_path.rglob("*") if p.is_file()} - before
    assert all(p.is_relative_to(done.folder) for p in written) and sum(done.note["dialogues"].values()) == 5
    assert not any(p.name.startswith(".") for p in written)


def test_an_id_that_is_too_long_is_named(tmp_path):
    out = dummies.finish(tmp_path / "out", [dummies.row(1) | {"id": "long" * 60}])
    with pytest.raises(KameError, match="makes no file name"):
        export(out, tmp_path / "x", "jsonl")
    assert not (tmp_path / "x").exists()
