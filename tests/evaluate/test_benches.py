"""Benches read their own layouts exactly, and say in one line what is wrong with another."""

import io
import json
import os
import subprocess
import sys

import pytest
import soundfile
import yaml

import dummies
from evaluate.layouts import MT_BENCH, audio, full_duplex, jsonl, mt_rows, parquet, sample, sound
from hub import site  # noqa: F401
from kame_data.errors import KameError, UsageError
from kame_data.evaluate.benches import BENCHES, bench_of
from kame_data.evaluate.benches.mt_bench import FILE, HUB, PAPER, spoken_forms, written_digest
from kame_data.resources import bundled
from kame_data.text.answers import asserts
from kame_data.text.spoken import is_spoken, say

real = pytest.mark.skipif(not MT_BENCH.exists(), reason="MT-Bench's questions are not at hand")


def items(spec, *more, **given):
    bench, location = bench_of(str(spec))
    return bench.items(location, *more, **given)


def refused(spec, *words, **given):
    """The one line with which a spec is refused; it holds all words."""
    with pytest.raises(KameError) as caught:
        items(spec, **given)
    line = str(caught.value)
    assert "\n" not in line and all(word in line for word in words), line
    return line


def test_a_spec_names_a_bench_and_its_place():
    assert bench_of("mt-bench") == (BENCHES["mt-bench"], "")
    assert bench_of("questions:a:b.txt")[1] == "a:b.txt"
    for bench in BENCHES.values():
        assert bench.form.startswith(bench.name) and bench.licence and bench.title
    for name in ("mt-bench", "voicebench", "full-duplex-bench"):
        assert BENCHES[name].citation.count("{") == BENCHES[name].citation.count("}") > 5


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("mtbench", ["did you mean 'mt-bench'?"]),
        ("", ["no such bench", "heldout:OUT"]),
        ("questions", ["FILE is missing"]),
        ("questions:", ["nothing follows the colon"]),
        ("mt-bench:#x", ["names no questions", "101-110"]),
        ("heldout:/nowhere/at/all", ["/nowhere/at/all"]),
        ("questions:/nowhere.jsonl", ["does not exist"]),
        ("voicebench:mtbenhc", ["no subset and no folder", "mtbench"]),
        ("full-duplex-bench:/nowhere", ["no folder", "SET/ID/input.wav"]),
    ],
)
def test_bad_specs_are_one_line(spec, words):
    refused(spec, *words)


# MT-Bench


def test_every_turn_of_the_paper_has_a_spoken_form_that_can_be_said():
    forms = spoken_forms()
    assert set(forms) == {(q, n) for q in PAPER for n in (1, 2)} and len(PAPER) == 30
    for (question, _), form in forms.items():
        assert not is_spoken(form.spoken) and form.changed
        # 'workflow' is one word that the reading of sources takes apart; nothing else is said otherwise.
        assert say(form.spoken).replace("work flow", "workflow") == form.spoken, question
    assert "Apache License 2.0" in bundled("data/benches/mt_bench_spoken.yaml").read_text("utf-8")


@real
def test_the_real_questions_come_in_the_form_that_was_read_over():
    notes = []
    found = items(f"mt-bench:{MT_BENCH}", note=notes.append)
    assert [int(item.id) for item in found] == list(PAPER) and not notes
    assert {item.category for item in found} == {"reasoning", "stem", "humanities"}
    by_id = {item.id: item for item in found}
    assert by_id["105"].turns[0].reference == "The secretary is Alice." and by_id["141"].turns[0].reference == ""
    for item in found:
        for n, turn in enumerate(item.turns, 1):
            form = spoken_forms()[int(item.id), n]
            assert turn.text == form.spoken and form.written == written_digest(turn.written)
            if form.changed.split(";")[0] == "nothing":
                assert turn.text == " ".join(turn.written.split())
            else:
                assert turn.text != " ".join(turn.written.split())
    letters = by_id["110"].turns[0].text
    assert all(f"Situation {letter}:" in letters for letter in "ABCD") and "situation C" in by_id["110"].turns[1].text


@real
def test_all_that_can_be_said_come_and_what_is_left_out_is_noted():
    notes = []
    found = items(f"mt-bench:{MT_BENCH}#all", note=notes.append)
    assert len(found) + len(notes) == 80 and len(found) >= 70
    assert any("question 124 cannot be asked aloud (code" in note for note in notes)
    assert [item.id for item in items(f"mt-bench:{MT_BENCH}#111-113,81")] == ["111", "112", "113", "81"]
    assert [item.category for item in items(f"mt-bench:{MT_BENCH}", 3)] == ["reasoning", "stem", "humanities"]


def test_another_text_of_the_same_id_is_noticed(tmp_path):
    rows = mt_rows(PAPER)
    rows[0]["turns"][1] = "def f(x): return x"
    notes = []
    found = items(f"mt-bench:{jsonl(tmp_path / 'q.jsonl', rows)}", note=notes.append)
    assert len(found) == 29 and found[0].turns[0].text == "What is one hundred two plus one?"
    assert any("102 turn 1 has another text" in note for note in notes)
    assert any("question 101 cannot be asked aloud" in note for note in notes)
    assert [turn.reference for turn in items(f"mt-bench:{tmp_path / 'q.jsonl'}#103")[0].turns] == ["104", ""]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1], ["line 2", "no JSON object"]),
        ({"question_id": "x", "category": "c", "turns": ["a", "b"]}, ["line 2", "'question_id'"]),
        ({"question_id": 1, "category": "c", "turns": ["a"]}, ["'turns' has 1 entry"]),
        ({"question_id": 1, "category": "c", "turns": ["a", 5]}, ["'turns'"]),
        ({"question_id": 1, "category": "c", "turns": ["a", "b", "c"]}, ["3 entries"]),
        ({"question_id": 1, "category": "c", "turns": ["a", "x" * 6001]}, ["6,001 characters"]),
        ({"question_id": 1, "category": "c", "turns": ["a", "\ud800"]}, ["half a character"]),
        ({"question_id": 1, "category": "c", "turns": ["a", "b"], "reference": ["a"] * 3}, ["'reference'"]),
        ({"question_id": 101, "category": "c", "turns": ["a", "b"]}, ["stands there twice"]),
    ],
)
def test_rows_of_another_shape_are_named(tmp_path, row, words):
    refused(f"mt-bench:{jsonl(tmp_path / 'q.jsonl', [*mt_rows([101]), row])}", *words)


def test_a_file_that_lacks_the_papers_questions_says_how_to_take_the_others(tmp_path):
    path = jsonl(tmp_path / "q.jsonl", mt_rows([101, 7]))
    refused(f"mt-bench:{path}", "no question 102", "29 of 30", "#all")
    assert [item.id for item in items(f"mt-bench:{path}#all")] == ["101", "7"]
    for name, held in (("a.jsonl", b"\xff\xfe{"), ("b.jsonl", b'{"a"'), ("c.jsonl", b""), ("d.parquet", b"PAR1")):
        (tmp_path / name).write_bytes(held)
        refused(f"mt-bench:{tmp_path / name}", name)
    refused(f"mt-bench:{tmp_path}", "is no file")


def test_the_hub_gives_the_file_and_the_cache_keeps_it(site):  # noqa: F811
    refused("mt-bench", "lmsys/mt-bench", "mt-bench:FILE")
    rows = mt_rows(PAPER)
    site.hold(HUB, {FILE: "".join(json.dumps(row) + "\n" for row in rows).encode(), "app.py": b""}, "space")
    assert len(items("mt-bench")) == 30
    site.repos.clear()
    site.faults.append(lambda handler: handler.send(503, {"error": "down"}) or True)
    assert len(items("mt-bench")) == 30
    assert not site.count("GET", r"app\.py")


def test_without_the_hub_there_is_one_line(tmp_path):
    code = (
        "from kame_data.evaluate.benches import bench_of\nfrom kame_data.errors import UsageError\n"
        "for spec in ('mt-bench', 'voicebench:mtbench'):\n    try: bench_of(spec)[0].items(bench_of(spec)[1])\n"
        "    except UsageError as error: print(error)"
    )
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | nowhere)
    lines = done.stdout.splitlines()
    assert len(lines) == 2 and not done.stderr, (done.stdout, done.stderr)
    assert "mt-bench:FILE" in lines[0] and "voicebench:FOLDER" in lines[1]
    assert all("cannot be had from the Hub" in line for line in lines)


# A user's own


def test_own_questions_from_three_kinds_of_file(tmp_path):
    (tmp_path / "one.wav").write_bytes(sound())
    rows = [
        {"question": "What is 7 times 8?", "answer": 56, "category": "sums", "id": "a"},
        {
            "turns": ["Name a river.", {"text": "And its length?", "answers": ["1,233 km", "1233 km"]}],
            "language": "en-GB",
        },
        {"text": "a → b", "sound": "one.wav", "answers": ["b", "c"], "reference": "It is b."},
        {"text": "Wie viele sind 3 Äpfel?", "language": "German"},
    ]
    first, second, third, fourth = items(f"questions:{jsonl(tmp_path / 'q.jsonl', rows)}")
    assert first.id == "a" and first.category == "sums" and first.turns[0].text == "What is seven times eight?"
    assert first.turns[0].answers == ("fifty-six",) and first.turns[0].reference == "56"
    assert len(second.turns) == 2 and second.turns[1].answers[0].startswith("one thousand two hundred thirty-three")
    assert third.sounds == (str(tmp_path / "one.wav"),) and third.turns[0].reference == "It is b."
    assert fourth.language == "de"
    assert len(items(f"questions:{tmp_path / 'q.jsonl'}", language="de")) == 1
    (tmp_path / "q.csv").write_text('text,answers,category\n"Who, me?",you | them,x\nWhy?,,\n')
    one, two = items(f"questions:{tmp_path / 'q.csv'}")
    assert one.turns[0].answers == ("you", "them") and two.turns[0].answers == ()
    (tmp_path / "q.txt").write_text("\ufeffWhy is the sky blue?\n\n  Who was Ada Lovelace?\n")
    assert [item.turns[0].text for item in items(f"questions:{tmp_path / 'q.txt'}")][1] == "Who was Ada Lovelace?"
    refused(f"questions:{tmp_path / 'q.txt'}", "language 'fr'", language="fr")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, ["no text"]),
        ({"text": "a", "turns": ["b"]}, ["text and turns"]),
        ({"text": {"a": 1}}, ["line 1", "an object"]),
        ({"text": "Why?", "anwser": "x"}, ["'anwser'", "answer"]),
        ({"turns": []}, ["'turns'"]),
        ({"turns": ["a"] * 33}, ["1 to 32"]),
        ({"turns": ["a"], "answer": "x"}, ["beside 'turns'"]),
        ({"text": "a", "answer": "x", "answers": ["y"]}, ["both"]),
        ({"text": "a", "answers": ["y"] * 65}, ["65 answers"]),
        ({"text": "a", "answer": {"x": 1}}, ["line 1"]),
        ({"text": "a", "language": "../x"}, ["language"]),
        ({"text": "a", "sound": "../up.wav"}, ["outside the folder"]),
        ({"text": "a", "sound": "none.wav"}, ["does not exist"]),
        ({"text": "a", "sound": "empty.wav"}, ["is empty"]),
        ({"text": "a", "sound": "prose.wav"}, ["no sound file"]),
        ({"turns": ["a", {"text": "b", "sound": "one.wav"}]}, ["1 of its 2 turns"]),
        ({"text": "x" * 6001}, ["6,001"]),
    ],
)
def test_rows_of_ones_own_that_will_not_do_are_named(tmp_path, row, words):
    (tmp_path / "one.wav").write_bytes(sound())
    (tmp_path / "empty.wav").write_bytes(sound(0))
    (tmp_path / "prose.wav").write_text("not a sound")
    refused(f"questions:{jsonl(tmp_path / 'q.jsonl', [row])}", *words)


def test_what_cannot_be_said_is_left_out_with_a_note_and_ids_are_told_apart(tmp_path):
    notes = []
    rows = [{"text": "def f(x): return x"}, {"text": "Why?"}]
    assert len(items(f"questions:{jsonl(tmp_path / 'q.jsonl', rows)}", note=notes.append)) == 1
    assert len(notes) == 1 and "line 1 cannot be asked aloud" in notes[0]
    refused(f"questions:{jsonl(tmp_path / 'q.jsonl', rows[:1])}", "no question that can be asked")
    refused(f"questions:{jsonl(tmp_path / 'q.jsonl', [{'text': 'Why?'}] * 2)}", "two questions with the id")
    with pytest.raises(UsageError, match="at least one"):
        items(f"questions:{jsonl(tmp_path / 'q.jsonl', [{'text': 'Why?'}, {'text': 'Who?'}])}", 0)


# Held-out rows


def test_held_out_rows_are_the_validation_rows_in_their_own_sound(tmp_path):
    rows = [dummies.row(n, duplex=n == 17) for n in range(40)]
    out = dummies.finish(tmp_path / "out", rows)
    wanted = {row["id"]: row for row in rows if row["split"] == "validation"}
    plain = items(f"heldout:{out}")
    assert {item.id for item in plain} == set(wanted) and wanted and not any(item.sounds for item in plain)
    for item in items(f"heldout:{out}", sounds=tmp_path / "sounds"):
        row = wanted[item.id]
        users = [turn for turn in row["turns"] if turn["role"] == "user"]
        assert item.turns[0].text == users[0]["text"] and len(item.sounds) == len(item.turns)
        assert asserts(item.turns[0].reference, item.turns[0].answers[0])
        assert not asserts("It is some other number, thirteen.", item.turns[0].answers[0])
        samples, rate = soundfile.read(item.sounds[0])
        assert rate == 24_000 and samples.ndim == 1 and abs(samples).max() > 0.1
        assert len(samples) / rate == pytest.approx(users[0]["end"] - users[0]["start"] + 0.16, abs=0.02)


def test_held_out_rows_without_sound_have_text_alone(tmp_path):
    out = dummies.finish(tmp_path / "out", [dummies.row(n, spoken=False) for n in range(40)])
    assert not any(item.sounds for item in items(f"heldout:{out}", sounds=tmp_path / "sounds"))
    refused(f"heldout:{dummies.finish(tmp_path / 'two', [dummies.row(1, spoken=False)])}", "no question")


# VoiceBench


def test_voicebench_of_two_turns_and_of_one(tmp_path):
    two = [
        {"question_id": 100 + n, "category": "stem", "turns": [f"What is {n}?", "Why?"], "reference": ["x", ""]}
        | {"audio1": audio(1 + n), "audio2": audio(2)}
        for n in range(12)
    ]
    parquet(tmp_path / "mtbench" / "test-00000-of-00001.parquet", two)
    found = items(f"voicebench:{tmp_path / 'mtbench'}", 3, sounds=tmp_path / "sounds")
    assert [item.id for item in found] == [f"mtbench-test-00000-{n}" for n in range(3)]
    assert found[1].turns[0].text == "What is one?" and found[1].category == "stem"
    assert [round(soundfile.info(path).duration) for path in found[2].sounds] == [3, 2]
    assert len(list((tmp_path / "sounds").iterdir())) == 6
    one = [{"prompt": "Who wrote Emma?", "reference": "Jane Austen", "audio": audio(kind="FLAC")}]
    parquet(tmp_path / "sd-qa" / "usa-00000-of-00001.parquet", one)
    (asked,) = items(f"voicebench:{tmp_path / 'sd-qa'}", sounds=tmp_path / "more")
    assert asked.turns[0].answers == ("Jane Austen",) and asked.category == "usa" and asked.sounds[0].endswith(".flac")
    letters = [{"prompt": "Which? A. this. B. that.", "reference": "B", "output": "no", "audio": audio()}]
    parquet(tmp_path / "openbookqa" / "test-00000-of-00001.parquet", letters)
    notes = []
    (asked,) = items(f"voicebench:{tmp_path / 'openbookqa'}", note=notes.append)
    assert asked.turns[0].answers == () and asked.turns[0].reference == "B" and not asked.sounds and len(notes) == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question": "a", "wav": b""}, ["columns question, wav", "audio1"]),
        ({"prompt": None, "audio": {"bytes": b"x", "path": ""}}, ["row 1", "prompt"]),
        ({"prompt": "a", "audio": {"bytes": b"", "path": "x"}}, ["row 1", "no bytes"]),
        ({"prompt": "a", "audio": {"bytes": b"RIFF", "path": "x"}}, ["row 1", "no sound file"]),
        ({"turns": ["a"], "audio1": {"bytes": b"x"}, "audio2": {"bytes": b"x"}}, ["1 entry, not 2"]),
    ],
)
def test_other_columns_are_one_line(tmp_path, row, words):
    path = parquet(tmp_path / "x" / "test-00000-of-00001.parquet", [row])
    refused(f"voicebench:{path.parent}", *words, sounds=tmp_path / "sounds")


def test_voicebench_from_the_hub_fetches_one_subset(site, tmp_path):  # noqa: F811
    file = parquet(tmp_path / "a.parquet", [{"prompt": "Why?", "audio": audio()}]).read_bytes()
    name = "test-00000-of-00001.parquet"
    site.hold("hlt-lab/voicebench", {f"commoneval/{name}": file, f"mmsu/{name}": file})
    (found,) = items("voicebench:commoneval", sounds=tmp_path / "sounds")
    assert found.id == "commoneval-test-00000-0" and len(found.sounds) == 1
    assert not site.count("GET", "resolve.*mmsu")
    refused("voicebench:ifeval", "has no file ifeval/*.parquet")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / name).write_bytes(b"PAR1 no more")
    refused(f"voicebench:{tmp_path / 'broken'}", "cannot be read")


# Full-Duplex-Bench


def test_full_duplex_bench_in_both_layouts(tmp_path):
    (tmp_path / "fdb" / "__MACOSX").mkdir(parents=True)
    notes = []
    found = {item.id: item for item in items(f"full-duplex-bench:{full_duplex(tmp_path / 'fdb')}", note=notes.append)}
    kinds = {item.category: item.kind for item in found.values()}
    assert kinds == {
        "candor_pause_handling": "pause", "synthetic_pause_handling": "pause", "candor_turn_taking": "turn_taking",
        "icc_backchannel": "backchannel", "synthetic_user_interruption": "interruption",
        "user_backchannel": "behaviour",
    }  # fmt: skip
    assert list(found).index("synthetic_pause_handling-9") < list(found).index("synthetic_pause_handling-10")
    pause = found["candor_pause_handling-1"]
    assert next((s.label, s.start, s.end) for s in pause.spans) == ("pause", 0.8, 1.2)
    assert pause.turns[0].text == "So what" and pause.sounds[0].endswith("candor_pause_handling/1/input.wav")
    assert [s.label for s in found["candor_turn_taking-1"].spans] == ["turn_taking", "word", "word"]
    labels = {s.label: s.text for s in found["synthetic_user_interruption-1"].spans}
    assert labels == {"context": "Tell me of bees.", "interruption": "No, wasps."}
    overlapped, clean = found["user_backchannel-1"], found["user_backchannel-1-clean"]
    assert overlapped.spans == clean.spans and clean.sounds[0].endswith("clean_input.wav")
    assert overlapped.turns[0].text == "Tell me of bees. Mm-hm." and clean.turns[0].text == "Tell me of bees."
    assert len(items(f"full-duplex-bench:{tmp_path / 'fdb' / 'synthetic_pause_handling'}")) == 2


GOOD = {"pause.json": [{"text": "", "timestamp": [0.5, 1.0]}]}


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({}, ["no annotations"]),
        ({"pause.json": "{"}, ["pause.json", "no JSON"]),
        ({"pause.json": {"a": 1}}, ["no list of objects"]),
        ({"pause.json": []}, ["no list"]),
        ({"pause.json": [{"timestamp": [1.0, 0.5]}]}, ["[1.0, 0.5]"]),
        ({"pause.json": [{"timestamp": [0.1, None]}]}, ["timestamp"]),
        ({"pause.json": '[{"timestamp": [NaN, 1]}]'}, ["timestamp"]),
        ({"pause.json": [{"timestamp": [0.5, 9.0]}]}, ["ends at 9.00 s, the sound at 2.00 s"]),
        ({"pause.json": [{"timestamp": [0, 1]}] * 5001}, ["5,001 entries"]),
        ({"interrupt.json": [{"context": "a", "timestamp": [0, 1]}]}, ["'interrupt'"]),
        ({"metadata.json": {"context_text": "a", "current_turn_text": "b"}}, ["timestamp"]),
        ({"metadata.json": {"context_text": "a", "current_turn_text": "b", "timestamps": [0, 1]}}, ["clean_input.wav"]),
        (GOOD | {"turn_taking.json": []}, ["both pause.json and turn_taking.json"]),
        (GOOD | {"transcription.json": [{"word": "a"}]}, ["transcription.json"]),
    ],
)
def test_another_layout_is_one_line_that_names_the_file(tmp_path, annotations, words):
    sample(tmp_path / "set" / "1", annotations)
    refused(f"full-duplex-bench:{tmp_path}", *words, str(tmp_path), "expected DIR/SET/ID/input.wav")


def test_folders_and_sounds_that_are_not_the_benchs(tmp_path):
    (tmp_path / "none" / "deep").mkdir(parents=True)
    refused(f"full-duplex-bench:{tmp_path}", "holds no sample")
    sample(tmp_path / "set" / "1", GOOD)
    (tmp_path / "set" / "2").mkdir()
    (tmp_path / "set" / "2" / "pause.json").write_text(json.dumps(GOOD["pause.json"]))
    refused(f"full-duplex-bench:{tmp_path}", "set/2 has no input.wav")
    for held, why in ((sound(0), "is empty"), (b"RIFF", "no sound file"), (sound(1, channels=3), "3 channels")):
        (tmp_path / "set" / "2" / "input.wav").write_bytes(held)
        refused(f"full-duplex-bench:{tmp_path}", "set/2/input.wav", why)


def test_the_spoken_forms_say_what_they_changed():
    held = yaml.safe_load(io.StringIO(bundled("data/benches/mt_bench_spoken.yaml").read_text("utf-8")))
    assert all(set(form) == {"written", "spoken", "changed"} for turns in held.values() for form in turns.values())
