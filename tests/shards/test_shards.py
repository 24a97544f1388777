import io
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from building import build, settings_of
from kame_data.engine.assemble import labels
from kame_data.engine.build import Build
from kame_data.shards.schema import EARLY, SHARD
from kame_data.text.words import join_words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    out = tmp_path_factory.mktemp("spoken") / "out"
    build(settings_of(out, speak=True, limit=4, shards={"rows": 5, "row_group": 2}))
    return out


@pytest.fixture(scope="module")
def rows(spoken):
    return [row for path in sorted((spoken / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_every_column_is_described_with_its_type():
    described = dict(
        re.findall(r"^\| `([\w.\[\]]+)` \| ([^|]+) \|", (ROOT / "docs/SCHEMA.md").read_text(), re.MULTILINE)
    )
    names = {pa.string(): "string", pa.int32(): "int32", pa.float64(): "float64"}

    def check(name, kind):
        if pa.types.is_list(kind):
            assert described[name].startswith("list of"), name
            if pa.types.is_struct(kind.value_type):
                for field in kind.value_type:
                    check(f"{name}[].{field.name}", field.type)
        elif pa.types.is_struct(kind):
            assert described[name].startswith("struct of"), name
            if name != "audio":
                for field in kind:
                    check(f"{name}.{field.name}", field.type)
        else:
            assert described[name].split(",")[0].strip() == names[kind], name

    for field in SHARD:
        check(field.name, field.type)


def test_shards_are_cut_and_grouped_as_set(spoken):
    sizes = {}
    for path in sorted((spoken / "shards").iterdir()):
        with pq.ParquetFile(path) as file:
            plain = SHARD.remove(SHARD.get_field_index(EARLY))
            assert file.schema_arrow.equals(plain, check_metadata=False)
            groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            assert max(g.num_rows for g in groups) <= 2
            assert {g.column(0).compression for g in groups} == {"ZSTD"}
            assert groups[0].column(0).has_offset_index and groups[0].column(0).has_column_index
            sizes.setdefault(path.name.split("-")[0], []).append(file.metadata.num_rows)
    assert sum(map(sum, sizes.values())) == 12
    assert all(n == 5 for counts in sizes.values() for n in counts[:-1])


def test_datasets_reads_the_audio_as_audio(spoken, tmp_path):
    from datasets import Audio, load_dataset

    files = [str(p) for p in sorted((spoken / "shards").glob("train-*.parquet"))]
    shards = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    assert shards.features["audio"] == Audio(sampling_rate=24000)
    row = shards.cast_column("audio", Audio(decode=False))[0]
    samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
    assert (rate, samples.shape[1]) == (24000, 2)
    assert row["audio"]["path"] == f"{row['id']}.flac"


def test_words_make_up_the_turns_and_lie_within_the_audio(rows):
    for row in rows:
        info = soundfile.info(io.BytesIO(row["audio"]["bytes"]))
        assert row["duration"] == pytest.approx(info.frames / info.samplerate, abs=1e-9)
        assert (info.format, info.subtype) == ("FLAC", "PCM_16")
        for number, turn in enumerate(row["turns"]):
            words = [w for w in row["words"] if w["turn"] == number]
            assert join_words([w["word"] for w in words], row["language"]) == turn["text"]
            assert (turn["start"], turn["end"]) == (words[0]["start"], words[-1]["end"])
            assert {w["role"] for w in words} == {turn["role"]}
        times = [t for w in row["words"] for t in (w["start"], w["end"])]
        assert times[0] >= 0 and times[-1] <= row["duration"]
        assert all(w["start"] < w["end"] for w in row["words"])


def test_the_right_side_speaks_at_the_right_time(rows):
    for row in rows:
        samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
        for turn in row["turns"]:
            piece = samples[int(turn["start"] * rate) : int(turn["end"] * rate)]
            assistant, user = (piece**2).mean(axis=0)
            assert (assistant > 100 * user) if turn["role"] == "assistant" else (user > 100 * assistant)


def test_oracles_come_in_order_and_in_time(rows):
    for row in rows:
        keys = [(o["turn"], o["prefix_words"], o["level"]) for o in row["oracles"]]
        assert keys == sorted(keys)
        for oracle in row["oracles"]:
            words = [w for w in row["words"] if w["turn"] == oracle["turn"]]
            assert oracle["ratio"] == oracle["prefix_words"] / len(words)
            assert oracle["heard"] >= words[oracle["prefix_words"] - 1]["end"] - 0.001
            assert oracle["time"] is None or oracle["time"] >= oracle["heard"]
            if oracle["level"] == 5:
                assert oracle["text"] == row["turns"][oracle["turn"] + 1]["intended_text"]
        arrivals = [o["time"] for o in row["oracles"] if o["time"] is not None]
        assert arrivals == sorted(arrivals) and arrivals


def test_latency_is_replayed_without_speaking_again(spoken, rows):
    _, made = build(
        settings_of(spoken, speak=True, limit=4, shards={"rows": 5, "row_group": 2}, latency={"preset": "ideal"})
    )
    assert set(made) == {"questions", "shards"}
    now = [row for path in sorted((spoken / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert [r["id"] for r in now] == [r["id"] for r in rows]
    assert all(o["time"] == o["heard"] for row in now for o in row["oracles"])
    assert {row["provenance"]["latency"] for row in now} == {"poll ideal"}


def test_the_rows_name_changed_delays(tmp_path):
    latency = {"preset": "fast", "poll": 0.25, "first_token": {"median": 0.2, "sigma": 0.5, "low": 0.1, "high": 3}}
    named = labels(Build(settings_of(tmp_path / "out", latency=latency)))["latency"]
    assert named == "poll fast poll=0.25 first_token=lognormal(0.2, 0.5) in 0.1..3"
    assert labels(Build(settings_of(tmp_path / "out", latency={"policy": "overlap"})))["latency"] == "overlap typical"


def test_the_rows_say_what_made_them(rows):
    for row in rows:
        made = row["provenance"]
        assert made["writer"] == made["simulator"] == "offline"
        assert made["word_times"] == "espeak-events"
        assert made["user_voice"] != made["assistant_voice"]
    voices = {
        split: {r["provenance"]["user_voice"] for r in rows if r["split"] == split} for split in ("train", "validation")
    }
    assert not voices["train"] & voices["validation"]
    assert len({r["provenance"]["assistant_voice"] for r in rows}) == 1
