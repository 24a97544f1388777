"""Recordings become questions, dialogues and speech, with oracles, shards and tokens behind them."""

import io
import json
import os
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

import dummies
from building import build, rows_of, shard_bytes
from building import settings_of as sample_settings
from kame_data.codec.tokenize import make_tokens
from kame_data.engine.build import Build
from kame_data.engine.plan import plan, preview
from kame_data.engine.status import finished
from kame_data.errors import KameError, UsageError
from kame_data.export.write_export import export
from kame_data.settings.tokenizing import TokenSettings
from kame_data.verify.check_build import verify
from recorded import ASSISTANT, USER, plain, put, settings_of, sound, words_of


class Quiet:
    def total(self, stage, parts, done):
        pass

    def advance(self, stage, rows, refused):
        pass


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Rows, plain and with back-channels and overlaps, and their export in both splits."""
    rows = [dummies.row(n, duplex=n % 3 == 1) for n in range(12)]
    folder = tmp_path_factory.mktemp("exported")
    out = dummies.finish(folder / "out", rows)
    return {r["id"]: r for r in rows}, export(out, folder / "x", "kame-finetune").folder


@pytest.fixture(scope="module")
def imported(exported, tmp_path_factory):
    out = tmp_path_factory.mktemp("imported") / "out"
    manifest, made = build(settings_of(exported[1], out))
    return out, manifest, made


def test_a_round_trip_keeps_sound_words_turns_and_splits(exported, imported):
    rows, found = exported[0], rows_of(imported[0])
    assert len(found) == len(rows)
    for name, row in rows.items():
        back = found[f"imported-{name}-v0"]
        assert back["split"] == row["split"] == back["source_split"]
        sounds = [soundfile.read(io.BytesIO(r["audio"]["bytes"]), dtype="int16")[0] for r in (row, back)]
        assert np.array_equal(*sounds) and back["duration"] == pytest.approx(row["duration"])
        assert [(t["role"], t["text"]) for t in back["turns"]] == [(t["role"], t["text"]) for t in row["turns"]]
        names = ("turn", "role", "word")
        assert [[w[k] for k in names] for w in back["words"]] == [[w[k] for k in names] for w in row["words"]]
        times = [[(w["start"], w["end"]) for w in r["words"]] for r in (back, row)]
        assert np.allclose(*times, rtol=0, atol=1e-9)
        aside = [{s["turn"] for s in r["situations"] if s["kind"] == "back_channel"} for r in (row, back)]
        assert aside[0] == aside[1]


def test_a_round_trip_keeps_prefixes_ratios_and_hints(tmp_path):
    """Of a real build: the export of what was imported from its export says the same."""
    first = tmp_path / "first"
    build(sample_settings(first, speak=True, limit=1, sources=("gsm8k=sample",), duplex={"hesitation": 0.5}))
    one = export(first, tmp_path / "one", "kame-finetune").folder
    build(settings_of(one, tmp_path / "second"))
    two = export(tmp_path / "second", tmp_path / "two", "kame-finetune").folder
    rows = rows_of(first)
    for name, row in rows.items():
        before, after = (
            {k: json.loads((folder / row["split"] / k / f"{n}.json").read_text()) for k in ("text", "oracle_raw")}
            for folder, n in ((one, name), (two, f"imported-{name}-v0"))
        )
        assert before["text"] == after["text"]
        # When each prefix was heard is drawn by the dialogue's id, and what a simulator guesses is its own.
        kept = ("conversation_context", "total_word_count", "trigger_word", "recent_words", "current_spoken_ratio")
        for key in (*kept, "channel", "hint"):
            assert [e[key] for e in before["oracle_raw"]] == [e[key] for e in after["oracle_raw"]], key


def test_rows_say_where_they_come_from(imported):
    out, manifest, _ = imported
    for row in rows_of(out).values():
        assert (row["source"], row["answer"], row["choices"], row["variant"]) == ("imported", "", [], 0)
        assert row["provenance"] == row["provenance"] | {
            "writer": "imported",
            "user_voice": "recorded",
            "assistant_voice": "recorded",
            "word_times": "given",
        }
        assert row["audio_checks"]["alignment"] is None and row["audio_checks"]["user_lufs"] < 0
    assert manifest["stand_ins"] == ["simulator: offline rules"] and manifest["terms"] == []


def test_every_answered_turn_has_oracles_up_to_the_answer(imported):
    for row in rows_of(imported[0]).values():
        aside = {s["turn"] for s in row["situations"] if s["kind"] == "back_channel"}
        floor = [(n, t) for n, t in enumerate(row["turns"]) if n not in aside]
        for (n, turn), (_, following) in pairwise(floor):
            if turn["role"] == "user":
                last = [o for o in row["oracles"] if o["turn"] == n][-1]
                assert (last["ratio"], last["level"], last["text"]) == (1.0, 5, following["text"])


def test_tokens_checks_and_exports_follow(imported, tmp_path):
    out = Path(shutil.copytree(imported[0], tmp_path / "out"))
    made = make_tokens(
        out, TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1), Quiet()
    )
    assert made.rows == 12
    checks = verify(out)
    assert [p for check in checks for p in check.problems] == [] and "tokens" in {check.name for check in checks}
    assert export(out, tmp_path / "x", "kame-finetune-parquet").note["dialogues"] == {"train": 11, "validation": 1}


def test_the_same_again_is_no_work_and_the_same_bytes(exported, imported, tmp_path):
    assert {"dialogues", "oracles", "speech", "shards"} <= set(imported[2])
    settings = settings_of(exported[1], imported[0])
    assert finished(Build(settings)) is not None
    assert build(settings)[1] == ["questions"]
    elsewhere = Path(shutil.copytree(exported[1], tmp_path / "moved"))
    build(settings_of(elsewhere, tmp_path / "out", part_size=5))
    assert shard_bytes(tmp_path / "out") == shard_bytes(imported[0])


def test_a_changed_folder_is_another_build(folder, tmp_path):
    build(settings_of(folder, tmp_path / "out"))
    put(folder, "good", samples=sound(plain()) * 0.5)
    with pytest.raises(UsageError, match="its rows are not those that the build in"):
        Build(settings_of(folder, tmp_path / "out")).check()


def test_words_that_change_while_it_builds(folder, tmp_path):
    settings = settings_of(folder, tmp_path / "out")
    found = Build(settings)
    (slice_,) = found.parts.slices(found.selection().counts)
    found.parts.make("dialogues", slice_)
    put(folder, "good", words_of(("B", USER[:4], 0.5), ("A", ASSISTANT, 4.0)))
    with pytest.raises(KameError, match=r"good.json: has changed since this build read it"):
        found.parts.make("speech", slice_)


def test_the_other_speaker_may_be_the_assistant(folder, tmp_path):
    words = words_of(("A", USER, 0.5), ("B", ASSISTANT, 4.0))
    put(folder, "good", words)
    build(settings_of(folder, tmp_path / "out", imported={"assistant": "B"}))
    (row,) = rows_of(tmp_path / "out").values()
    assert [t["role"] for t in row["turns"]] == ["user", "assistant"]
    left = soundfile.read(io.BytesIO(row["audio"]["bytes"]))[0][:, 0]
    assert not left[: 3 * 24000].any() and left[4 * 24000 :].any()  # the assistant's side
    with pytest.raises(UsageError, match="no_answer"):
        Build(settings_of(folder, tmp_path / "other")).check()


@pytest.mark.parametrize(("rate", "subtype"), [(8000, "PCM_16"), (48000, "PCM_24"), (24000, "FLOAT")])
def test_other_forms_of_sound(rate, subtype, tmp_path):
    words = plain()
    put(tmp_path / "in", "good", words, rate=rate, subtype=subtype)
    build(settings_of(tmp_path / "in", tmp_path / "out", imported={"resample": True}))
    (row,) = rows_of(tmp_path / "out").values()
    samples, found = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
    wanted = sound(words)
    assert found == 24000 and abs(len(samples) - len(wanted)) <= 3
    count = min(len(samples), len(wanted))
    assert np.corrcoef(samples[:count, 1], wanted[:count, 1])[0, 1] > 0.99


def test_sox_writes_what_is_read(folder, tmp_path):
    sox = shutil.which("sox")
    if sox is None:
        pytest.skip("no sox on the PATH")
    path = folder / "audio" / "good.wav"
    os.system(f"{sox} {path} -r 44100 -b 24 {tmp_path}/a.wav && {sox} {tmp_path}/a.wav -r 24000 -b 16 {path}")
    manifest, _ = build(settings_of(folder, tmp_path / "out"))
    assert manifest["dialogues"]["accepted"] == 1


def test_without_speech_the_text_alone(folder, tmp_path):
    build(settings_of(folder, tmp_path / "out", speak=False))
    (row,) = rows_of(tmp_path / "out").values()
    assert row["audio"] is None and row["words"][0]["start"] is None and row["oracles"]


def test_beside_written_dialogues(folder, tmp_path):
    sources = ("gsm8k=sample", {"name": "imported", "location": str(folder)})
    changes = {"sources": sources, "limit": 1, "duplex": {"hesitation": 1.0}}
    manifest, _ = build(sample_settings(tmp_path / "out", **changes))
    assert manifest["dialogues"]["by_source"] == {"gsm8k": 1, "imported": 1}
    assert "writer: offline rules" in manifest["stand_ins"]
    row = next(r for r in rows_of(tmp_path / "out").values() if r["source"] == "imported")
    assert [t["text"] for t in row["turns"]] == [" ".join(USER), " ".join(ASSISTANT)]  # nothing is put in


def test_plan_and_preview_see_it(folder, tmp_path):
    settings = settings_of(folder, tmp_path / "out")
    assert plan(settings).dialogues == {"imported": 1}
    ((dialogue, oracles),) = preview(settings)
    assert dialogue.turns[1].text == " ".join(ASSISTANT) and oracles.oracles
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"target": 5}, "recorded dialogues have no further variants"),
        ({"languages": "en,zh"}, "set imported.language"),
        ({"imported": {"language": "fr"}}, "is none of the languages en"),
    ],
)
def test_settings_that_mean_nothing_here(folder, tmp_path, changes, problem):
    with pytest.raises(ValueError, match=problem):
        settings_of(folder, tmp_path / "out", **changes)


def test_a_chinese_dialogue(tmp_path):
    words = words_of(("B", ["请问", "十二", "排", "有", "多少", "座位？"], 0.5), ("A", ["一共", "二百", "个。"], 4.0))
    put(tmp_path / "in", "zh", words)
    build(settings_of(tmp_path / "in", tmp_path / "out", languages=("zh",)))
    (row,) = rows_of(tmp_path / "out").values()
    assert [t["text"] for t in row["turns"]] == ["请问十二排有多少座位？", "一共二百个。"]
    assert [w["word"] for w in row["words"]][:3] == ["请", "问", "十"] and row["language"] == "zh"
