"""kame_finetune's folders: what its own tools expect of them."""

import io
import json

import numpy as np
import pytest
import soundfile

from building import rows_of
from kame_data.errors import UsageError
from kame_data.export.write_export import export
from kame_data.levels import LevelSchedule


def read(folder, name):
    return json.loads((folder / name).read_text("utf-8"))


@pytest.fixture(scope="module", params=["spoken", "built"])
def pair(request, tmp_path_factory):
    """The rows of a build, and its export."""
    out = request.getfixturevalue(request.param)
    done = export(out, tmp_path_factory.mktemp("kame") / "new" / "x", "kame-finetune")
    return rows_of(out), done


def test_three_files_a_dialogue_in_the_folder_of_its_split(pair):
    rows, done = pair
    assert {p.name for p in done.folder.iterdir()} == {"export.json", *(r["split"] for r in rows.values())}
    for split in {r["split"] for r in rows.values()}:
        names = {r["id"] for r in rows.values() if r["split"] == split}
        for kind, suffix in (("audio", "wav"), ("text", "json"), ("oracle_raw", "json")):
            assert {p.name for p in (done.folder / split / kind).iterdir()} == {f"{n}.{suffix}" for n in names}
    assert done.note["files"] == 3 * len(rows) and sum(done.note["dialogues"].values()) == len(rows)


def test_sound_is_the_rows_with_the_assistant_left(pair):
    rows, done = pair
    for name, row in rows.items():
        path = done.folder / row["split"] / "audio" / f"{name}.wav"
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 24000, 2)
        wanted, _ = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
        assert np.array_equal(soundfile.read(path, dtype="int16")[0], wanted)


def test_every_word_with_its_times_in_order(pair):
    rows, done = pair
    for name, row in rows.items():
        words = read(done.folder, f"{row['split']}/text/{name}.json")
        assert all(list(w) == ["speaker", "word", "start", "end"] for w in words)
        assert [w["end"] for w in words] == sorted(w["end"] for w in words)
        whose = {"assistant": "A", "user": "B"}
        assert sorted((w["start"], w["end"], w["speaker"], w["word"]) for w in words) == sorted(
            (w["start"], w["end"], whose[w["role"]], w["word"]) for w in row["words"]
        )


def test_oracles_say_what_was_heard_and_whose_answer_is_meant(pair):
    rows, done = pair
    count = 0
    for name, row in rows.items():
        entries = read(done.folder, f"{row['split']}/oracle_raw/{name}.json")
        oracles = sorted(row["oracles"], key=lambda o: o["heard"])
        assert [e["prediction"] for e in entries] == [o["text"] for o in oracles]  # also those that never arrived
        assert [e["timestamp_ms"] for e in entries] == [round(o["heard"] * 1000) for o in oracles]
        assert [e["current_spoken_ratio"] for e in entries] == [o["ratio"] for o in oracles]
        noted = {(t["turn"], t["prefix_words"]): t["text"] for t in row["transcripts"]}
        aside = {s["turn"] for s in row["situations"] if s["kind"] == "back_channel"}
        for entry, oracle in zip(entries, oracles, strict=True):
            count += 1
            answer = next(
                t["intended_text"]
                for n, t in enumerate(row["turns"])
                if n > oracle["turn"] and t["role"] == "assistant" and n not in aside
            )
            assert entry["hint"] == (answer if oracle["ratio"] > 0.5 else "")
            assert entry["channel"] == 0
            own = [w for w in row["words"] if w["turn"] == oracle["turn"]][: oracle["prefix_words"]]
            lines = entry["conversation_context"].split("\n")
            assert all(line.startswith(("A: ", "B: ")) for line in lines) and lines[-1].startswith("B: ")
            said = [word for line in lines for word in line[3:].split()]
            assert len(said) == entry["total_word_count"]
            assert said[-5:] == entry["recent_words"].split() and said[-1] == entry["trigger_word"]
            transcript = noted.get((oracle["turn"], oracle["prefix_words"]))
            if transcript:
                assert lines[-1].endswith(transcript)
            else:
                assert entry["trigger_word"] == own[-1]["word"]
                assert entry["total_word_count"] == sum(w["end"] <= own[-1]["end"] for w in row["words"])
    assert done.note["oracles"] == count and done.note["left_out"] == 0


def test_arrival_leaves_out_what_never_came(spoken, tmp_path):
    done = export(spoken, tmp_path / "x", "kame-finetune", times="arrival")
    rows = rows_of(spoken)
    came = {name: sorted(o["time"] for o in row["oracles"] if o["time"] is not None) for name, row in rows.items()}
    for name, row in rows.items():
        entries = read(done.folder, f"{row['split']}/oracle_raw/{name}.json")
        assert [e["timestamp_ms"] for e in entries] == [round(t * 1000) for t in came[name]]
    everything = sum(len(row["oracles"]) for row in rows.values())
    assert 0 < done.note["left_out"] == everything - done.note["oracles"]


def test_a_grid_has_one_level_at_a_prefix(grid, tmp_path):
    done = export(grid, tmp_path / "x", "kame-finetune")
    schedule = LevelSchedule()
    for name, row in rows_of(grid).items():
        entries = read(done.folder, f"{row['split']}/oracle_raw/{name}.json")
        total = sum(w["turn"] == 0 for w in row["words"])
        assert len(entries) == len({(o["turn"], o["prefix_words"]) for o in row["oracles"]})
        for entry in entries:
            level = schedule.level(round(entry["current_spoken_ratio"] * total), total)
            assert f"level {level} says" in entry["prediction"]
    alone = export(grid, tmp_path / "y", "kame-finetune", level=2)
    texts = [e["prediction"] for p in alone.folder.rglob("oracle_raw/*.json") for e in json.loads(p.read_text())]
    assert texts and all("level 2 says" in text for text in texts)


def test_levels_and_times_that_there_are_not(grid, spoken, tmp_path):
    with pytest.raises(UsageError, match=r"--level 6: .* has levels 0, 1, 2, 3, 4, 5"):
        export(grid, tmp_path / "x", "kame-finetune", level=6)
    with pytest.raises(UsageError, match="one level at a prefix"):
        export(spoken, tmp_path / "x", "kame-finetune", level=2)
    with pytest.raises(UsageError, match="--times said: use heard or arrival"):
        export(spoken, tmp_path / "x", "kame-finetune", times="said")
    for layout in ("moshi-finetune", "webdataset", "jsonl"):
        with pytest.raises(UsageError, match=r"--times: .*leave --times out"):
            export(spoken, tmp_path / "x", layout, times="heard")
    assert not (tmp_path / "x").exists()


def test_texts_of_languages_without_spaces_have_none(tmp_path):
    import dummies

    row = dummies.row(1, duplex=True, language="zh")
    out = dummies.finish(tmp_path / "out", [row])
    done = export(out, tmp_path / "x", "kame-finetune")
    entry = read(done.folder, f"train/oracle_raw/{row['id']}.json")[-1]
    assert " " not in entry["recent_words"]
    assert entry["conversation_context"].splitlines()[-1].startswith("B: Imeant")
