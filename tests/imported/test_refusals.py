"""What of a folder cannot be imported: one line, before anything is written; one bad dialogue among many is refused."""

import json
import math
import shutil
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from building import build, rows_of
from kame_data.engine.build import Build
from kame_data.errors import Refusal, UsageError
from kame_data.imported.layout import entries
from kame_data.imported.recordings import Recordings
from recorded import ASSISTANT, USER, plain, put, settings_of, sound, words_of


def refusal(folder):
    """(reason, detail) of the folder's only dialogue, as an import would say before it writes anything."""
    with pytest.raises(UsageError) as caught:
        Build(settings_of(folder, folder.parent / "out")).check()
    assert not (folder.parent / "out").exists()
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{folder}: 1 of 1 dialogues cannot be imported (")
    return message.split("(")[1].split(" 1)")[0], message.split("as in: ")[1]


def changed(number, **values):
    words = plain()
    words[number] |= values
    return words


NAN, INF = math.nan, math.inf
BAD = {
    "a word without end": ("bad_words", [{"speaker": "A", "word": "x", "start": 1}]),
    "no object": ("bad_words", ["hello"]),
    "an object": ("bad_words", {"words": []}),
    "an empty word": ("bad_words", changed(2, word="  ")),
    "a number for a word": ("bad_words", changed(2, word=7)),
    "half a character": ("bad_words", changed(2, word="\ud800x")),
    "a bell": ("bad_words", changed(2, word="x\x07")),
    "a third speaker": ("unknown_speaker", changed(2, speaker="C")),
    "no speaker": ("unknown_speaker", changed(2, speaker=None)),
    "NaN": ("bad_times", changed(2, start=NAN)),
    "infinity": ("bad_times", changed(2, end=INF)),
    "a time as text": ("bad_times", changed(2, start="1.0")),
    "true as a time": ("bad_times", changed(2, start=True)),
    "a time before all": ("bad_times", changed(0, start=-0.5)),
    "an end before the start": ("bad_times", changed(2, start=1.2, end=1.1)),
    "an endless number": ("bad_times", changed(2, end=10**400)),
    "overlapping words": ("overlapping_words", changed(2, end=1.6)),
    "a word twice": ("overlapping_words", [*plain(), plain()[3]]),
    "beyond the sound": ("beyond_audio", changed(-1, end=99.0)),
    "no words": ("missing_words", []),
    "one speaker alone": ("missing_words", words_of(("B", USER, 0.5))),
    "nothing is answered": ("no_answer", words_of(("A", ASSISTANT, 0.5), ("B", USER, 4.0))),
}


@pytest.mark.parametrize("case", BAD)
def test_words_that_will_not_do(case, tmp_path):
    reason, words = BAD[case]
    put(tmp_path / "in", "bad", words, samples=sound(plain(), 9.0))
    found, detail = refusal(tmp_path / "in")
    assert found == reason and len(detail) < 250
    assert "text/bad.json" in detail or reason == "no_answer"


# A pause before it and behind it, none behind it, none before it, none at all, the first and the last.
@pytest.mark.parametrize("case", ["between", "before", "behind", "within", "first", "last"])
def test_a_word_of_no_length_gets_a_sliver(case, tmp_path):
    words = plain()
    own = [n for n, word in enumerate(words) if word["speaker"] == "B"]
    first, second, third = (words[n] for n in own[:3])
    match case:
        case "first":
            first["end"] = first["start"]
        case "last":
            words[own[-1]]["start"] = words[own[-1]]["end"]
        case "between":
            middle = (second["start"] + second["end"]) / 2
            second |= {"start": middle, "end": middle}
        case "before":
            second["start"] = second["end"] = third["start"]
        case "behind":
            second["start"] = second["end"] = first["end"]
        case "within":
            first["end"] = second["start"] = second["end"] = third["start"]
    put(tmp_path / "in", "good", words, samples=sound(plain()))
    rows = build(settings_of(tmp_path / "in", tmp_path / "out"))[0]["dialogues"]
    assert rows["accepted"] == 1
    (row,) = rows_of(tmp_path / "out").values()
    assert all(word["end"] - word["start"] > 0.001 for word in row["words"])
    times = [(w["start"], w["end"]) for w in row["words"] if w["role"] == "user"]
    assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_a_suffix_in_capitals_is_read(folder):
    (folder / "audio" / "good.wav").rename(folder / "audio" / "good.WAV")
    (folder / "text" / "good.json").rename(folder / "text" / "good.Json")
    build(settings_of(folder, folder / "out"))
    assert len(rows_of(folder / "out")) == 1


@pytest.mark.parametrize("text", [b"\xff\xfe[", "[{}]".encode("utf-16"), b"[{", b"[" * 100_000, b""])
def test_text_that_cannot_be_read(text, tmp_path):
    put(tmp_path / "in", "bad", text=text)
    assert refusal(tmp_path / "in")[0] == "unreadable_text"


def test_a_byte_order_mark_is_no_fault(folder):
    path = folder / "text" / "good.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    Build(settings_of(folder, folder / "out")).check()


def test_mono(tmp_path):
    put(tmp_path / "in", "bad", samples=sound(plain())[:, 0])
    assert refusal(tmp_path / "in") == (
        "channels",
        "audio/bad.wav has one channel; stereo is wanted, speaker A left and B right",
    )


def test_another_rate(tmp_path):
    put(tmp_path / "in", "bad", rate=16000)
    reason, detail = refusal(tmp_path / "in")
    assert reason == "sample_rate" and "16000 Hz; 24000 is wanted (--resample" in detail
    Build(settings_of(tmp_path / "in", tmp_path / "out", imported={"resample": True})).check()


@pytest.mark.parametrize("data", [b"", b"no sound", b"RIFF\x24\x00\x00\x00WAVEfmt "])
def test_what_is_no_sound(data, folder):
    (folder / "audio" / "good.wav").write_bytes(data)
    assert refusal(folder)[0] == "unreadable_audio"


def test_a_file_without_its_pair(folder):
    (folder / "audio" / "good.wav").unlink()
    assert refusal(folder) == ("no_audio", "audio/good.wav is missing")
    put(folder, "good")
    (folder / "text" / "good.json").unlink()
    assert refusal(folder) == ("no_text", "text/good.json is missing")


def test_folders_of_another_layout(tmp_path):
    def problem(folder):
        with pytest.raises(UsageError) as caught:
            Build(settings_of(folder, tmp_path / "out")).check()
        assert not (tmp_path / "out").exists()
        return str(caught.value)

    assert "is no folder; give one" in problem(tmp_path / "none")
    (tmp_path / "in").mkdir()
    assert "holds no folders audio and text" in problem(tmp_path / "in")
    (tmp_path / "in" / "audio").mkdir()
    assert "holds no folder 'text'" in problem(tmp_path / "in")
    (tmp_path / "in" / "text").mkdir()
    assert "holds no dialogue" in problem(tmp_path / "in")
    (tmp_path / "in" / "audio" / "a.mp3").write_bytes(b"x")
    assert "holds no dialogue" in problem(tmp_path / "in")
    put(tmp_path / "both" / "train", "same")
    put(tmp_path / "both" / "validation", "same")
    assert "'same' is in train and in validation" in problem(tmp_path / "both")


def test_sound_that_is_not_what_the_words_say(tmp_path):
    def reason(samples, subtype="PCM_16"):
        folder = put(tmp_path / "in", "bad", samples=samples, subtype=subtype)
        recordings = Recordings(folder)
        manifest_settings = settings_of(folder, tmp_path / "out")
        found = Build(manifest_settings)
        question = found.questions.accepted["imported"][0]
        with pytest.raises(Refusal) as caught:
            recordings.speech(recordings.dialogue(question), question)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return caught.value.reason

    good = sound(plain())
    assert reason(np.repeat(good.sum(axis=1, keepdims=True), 2, axis=1)) == "channels"
    assert reason(good[:, ::-1]) == "silent_channel"
    crossed = good[:, ::-1] + 0.01 * good
    assert reason(crossed) == "channel_swap"
    assert reason(good * [0, 1]) == "silent_channel"
    assert reason(good * 0) == "silent_channel"
    tone = 0.3 * np.sin(np.arange(20 * 24000) / 24000 * 2 * np.pi * 300)
    assert reason(np.r_[good, np.stack([tone, 0 * tone], axis=1)]) == "missing_words"
    broken = good.copy()
    broken[5000, 0] = np.nan
    assert reason(broken, "FLOAT") == "unreadable_audio"
    assert reason(good * 30, "FLOAT") == "clipping"


def test_one_bad_dialogue_among_many_is_refused_and_listed(tmp_path):
    for n in range(9):
        words = words_of(("B", [*USER, "number", f"x{n}"], 0.5), ("A", ASSISTANT, 5.0))
        put(tmp_path / "in", f"d{n}", words, samples=sound(words))
    put(tmp_path / "in", "mono", samples=sound(plain())[:, 1])
    swapped = sound(plain())
    put(tmp_path / "in", "swapped", samples=swapped[:, ::-1] + 0.01 * swapped)
    manifest, _ = build(settings_of(tmp_path / "in", tmp_path / "out"))
    assert manifest["dialogues"]["accepted"] == 9
    source = manifest["sources"]["imported"]
    assert {name: source[name] for name in ("rows", "kept", "refused")} == {
        "rows": 11,
        "kept": 10,
        "refused": {"channels": 1},
    }
    assert manifest["refused"]["speech"] == {"channel_swap": 1}
    lines = (tmp_path / "out" / "rejected" / "questions.jsonl").read_text().splitlines()
    (refused,) = map(json.loads, lines)
    assert (refused["question_id"], refused["reason"]) == ("imported-mono", "channels")
    assert refused["detail"].startswith("audio/mono.wav has one channel")


def test_the_command_says_it_in_one_line(tmp_path):
    put(tmp_path / "in", "bad", samples=sound(plain())[:, 0])

    def kame(*args):
        command = [sys.executable, "-m", "kame_data.cli", "import", *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2 and done.stderr.startswith("kame-data: ") and done.stderr.count("\n") == 1
        assert not (tmp_path / "out").exists()
        return done.stderr

    out = ("--out", tmp_path / "out")
    assert "audio/bad.wav has one channel" in kame(tmp_path / "in", "--from", "kame-finetune", *out)
    assert "--from moshi: no such layout; use kame-finetune" in kame(tmp_path / "in", "--from", "moshi", *out)
    assert "assistant 'C'" in kame(tmp_path / "in", "--from", "kame-finetune", "--assistant", "C", *out)


def test_odd_names_stay_within_the_build(tmp_path):
    names = ["a b", "ü", "..x", "-rf", "x" * 120, "%2e%2e", "dot.in.name"]
    for n, name in enumerate(names):
        words = words_of(("B", [*USER, f"x{n}"], 0.5), ("A", ASSISTANT, 5.0))
        put(tmp_path / "in", name, words, samples=sound(words))
    soundfile.write(tmp_path / "in" / "audio" / ".hidden.wav", sound(plain()), 24000)
    found = [e.name for e in entries(tmp_path / "in")]
    assert sorted(found) == sorted(n for n in names if not n.startswith("."))
    manifest, _ = build(settings_of(tmp_path / "in", tmp_path / "out"))
    assert manifest["dialogues"]["accepted"] == len(found)
    assert all(p.is_relative_to(tmp_path / "out") or p.is_relative_to(tmp_path / "in") for p in tmp_path.rglob("*.*"))
