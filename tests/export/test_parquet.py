"""kame_finetune's training Parquet, against the shards, the tokens, and its own stream builder's rules."""

import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from building import rows_of
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError, UsageError
from kame_data.export.write_export import export
from kame_data.finished.row import Row

RAGGED = ("pred_values", "pred_offsets", "hint_values", "hint_offsets")


@pytest.fixture(scope="module")
def done(built, tmp_path_factory):
    return export(built, tmp_path_factory.mktemp("parquet") / "x", "kame-finetune-parquet")


@pytest.fixture(scope="module")
def found(done):
    return {r["dialogue_id"]: r for p in done.folder.glob("*.parquet") for r in pq.read_table(p).to_pylist()}


def test_files_and_columns(built, done):
    shards = [p.name for p in (built / "shards").iterdir()]
    for split in ("train", "validation"):
        count = sum(name.startswith(split) for name in shards)
        names = {f"{split}-{n:03d}-of-{count:03d}.parquet" for n in range(1, count + 1)}
        assert {p.name for p in done.folder.glob(f"{split}-*")} == names
    schema = pq.read_schema(next(done.folder.glob("train-*")))
    events = ["event_frame_pos", "event_ratio", "event_skip_forbid", *RAGGED]
    assert schema.names == ["dialogue_id", "A", "B", *(f"{s}_oracle_{name}" for s in "AB" for name in events)]
    assert schema.field("A").type == schema.field("B").type == pa.list_(pa.list_(pa.int32()))
    assert {str(schema.field(f"A_oracle_{name}").type.value_type) for name in events} == {"int32", "float", "int8"}


def test_nine_streams_of_both_speakers(built, found):
    rows = {r["id"]: r for p in sorted((built / "tokens").glob("*.parquet")) for r in pq.read_table(p).to_pylist()}
    assert set(rows) == set(found)
    for name, row in rows.items():
        for speaker, text, codes in (("A", "text", "assistant_codes"), ("B", "user_text", "user_codes")):
            streams = np.array(found[name][speaker])
            assert streams.shape == (9, row["frames"])
            assert np.array_equal(streams[0], row[text])
            assert np.array_equal(streams[1:].ravel(), row[codes])


def test_events_are_the_assistants_with_hints_behind_the_half(built, found):
    tokenizer = Tokenizer.of(str(built / "tokens" / "tokenizer.model"))
    for name, row in rows_of(built).items():
        events = {k.removeprefix("A_oracle_"): v for k, v in found[name].items() if k.startswith("A_oracle_")}
        oracles = row["oracles"]
        assert events["event_frame_pos"] == [int(round(o["heard"] * 1000) // 80) for o in oracles]
        assert np.allclose(events["event_ratio"], [o["ratio"] for o in oracles])
        last = {o["turn"]: i for i, o in enumerate(oracles)}
        assert events["event_skip_forbid"] == [int(i in last.values()) for i in range(len(oracles))]
        for i, oracle in enumerate(oracles):
            parts = {k: events[f"{k}_values"][slice(*events[f"{k}_offsets"][i : i + 2])] for k in ("pred", "hint")}
            assert parts["pred"] == tokenizer.encode(oracle["text"])
            wanted = Row.of(row).truths.get(oracle["turn"], "") if oracle["ratio"] > 0.5 else ""
            assert parts["hint"] == (tokenizer.encode(wanted) if wanted else [])
        nothing = {k: v for k, v in found[name].items() if k.startswith("B_oracle_")}
        assert all(v == ([0] if k.endswith("offsets") else []) for k, v in nothing.items())


def test_arrival_has_only_what_came(built, tmp_path):
    done = export(built, tmp_path / "x", "kame-finetune-parquet", times="arrival")
    found = {r["dialogue_id"]: r for p in done.folder.glob("*.parquet") for r in pq.read_table(p).to_pylist()}
    for name, row in rows_of(built).items():
        came = [o["time"] for o in row["oracles"] if o["time"] is not None and o["time"] < row["duration"]]
        assert found[name]["A_oracle_event_frame_pos"] == [int(round(t * 1000) // 80) for t in came]
        assert sum(found[name]["A_oracle_event_skip_forbid"]) == len({o["turn"] for o in row["oracles"]})


def test_stand_ins_are_named(done):
    assert {"writer: offline rules", "voice: espeak", "codec: untrained"} <= set(done.note["stand_ins"])


@pytest.mark.parametrize("name", ["train-00000-of-*.parquet", "tokenizer.model"])
def test_damaged_or_missing_tokens_are_named(built, tmp_path, name):
    out = shutil.copytree(built, tmp_path / "out")
    (path,) = (out / "tokens").glob(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(KameError, match=rf"tokens/{path.name}: is damaged .*`kame-data tokens .*` writes it anew"):
        export(out, tmp_path / "x", "kame-finetune-parquet")
    path.unlink()
    with pytest.raises(KameError, match=rf"tokens/{path.name}: is not there; `kame-data tokens"):
        export(out, tmp_path / "x", "kame-finetune-parquet")
    assert not (tmp_path / "x").exists()


def test_without_tokens_or_with_others(built, spoken, tmp_path):
    with pytest.raises(UsageError, match=r"holds no tokens; `kame-data tokens .*` makes them"):
        export(spoken, tmp_path / "x", "kame-finetune-parquet")
    out = shutil.copytree(built, tmp_path / "out")
    manifest = out / "manifest.json"
    manifest.write_text(re.sub('"sha256": "[^"]+"', f'"sha256": "{0:064}"', manifest.read_text(), count=1))
    with pytest.raises(UsageError, match="made of other shards than the build's; `kame-data tokens"):
        export(out, tmp_path / "x", "kame-finetune-parquet")
    assert not (tmp_path / "x").exists()
