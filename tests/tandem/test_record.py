"""Conversations that are kept, and the rows that an import makes of them."""

import asyncio
import json
import signal
import subprocess
import sys

import aiohttp
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import soxr

from kame_data.errors import KameError
from kame_data.imported.recorded_oracles import GivenOracles, oracles_of
from kame_data.imported.turns_of_words import TimedWord, turns_of
from kame_data.records import Dialogue
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.tandem.events import event_of
from kame_data.tandem.record import Recording, assistant_stretches, keep_whole
from tandem.server.scripted import left_nothing, running, spoken
from tandem.server.test_own import talk

QUESTION = "A bus starts with thirty-two passengers, and eleven get off. How many are left?"
ANSWER = "Twenty-one are left, for eleven got off."
SESSION = {
    "kind": "session", "time": 0, "wall": 0, "format": 1, "id": "talk-1", "clock": "virtual", "language": "en",
    "model": "m", "tokenizer": "sample", "start_id": 2000, "recogniser": "moonshine", "back_end": "openai:some-model",
    "policy": "poll", "oracle_mode": "contract", "voice": "tts",
}  # fmt: skip


@pytest.fixture(scope="module")
def said():
    """The sound of question and answer, f32 at 24 kHz, and the espeak's own times of their words."""
    with_times = []
    voice = EspeakSynthesizer(1)
    for text, name in ((QUESTION, voice.user_voices("validation")[0]), (ANSWER, voice.assistant_voice())):
        clip = voice.begin(Utterance(text, name)).result()
        sound = soxr.resample(clip.samples.astype(np.float32) / 32768, clip.sample_rate, 24_000)
        with_times.append((sound, clip.words))
    voice.close()
    return with_times


def conversation(said):
    """The sound of both sides, f32 (n, 2), and the events of a conversation in which an oracle came too early, was
    asked for again, and was read."""
    (question, _), (answer, times) = said
    begin, reply = 0.4, 0.4 + len(question) / 24_000 + 0.5
    sound = np.zeros((int((reply + 1) * 24_000) + len(answer), 2), np.float32)
    sound[int(begin * 24_000) :][: len(question), 1] = question
    sound[int(reply * 24_000) :][: len(answer), 0] = answer
    end = begin + len(question) / 24_000
    words = ANSWER.split()
    rows = [
        SESSION,
        {"kind": "speech_start", "time": 0.5, "side": "user", "at": begin},
        {"kind": "user_partial", "time": 2.5, "turn": 0, "text": "A bus starts with thirty", "stable": 0, "at": 2.4},
        {"kind": "ask", "time": 2.5, "id": 0, "turn": 0, "prefix_words": 5, "heard": "A bus starts with thirty"},
        {"kind": "first_token", "time": 3.0, "id": 0},
        {"kind": "oracle", "time": 3.2, "id": 0, "text": "It has thirty.", "tokens": [5], "finish": "stop"},
        {"kind": "ask", "time": 3.5, "id": 1, "turn": 0, "prefix_words": 9, "heard": "A bus starts"},
        {"kind": "cancelled", "time": 3.6, "id": 1},
        {"kind": "user_final", "time": end, "turn": 0, "text": QUESTION, "ended": True, "at": end},
        {"kind": "ask", "time": end, "id": 2, "turn": 0, "prefix_words": 14, "heard": QUESTION},
        {"kind": "first_token", "time": end + 0.3, "id": 2},
        {"kind": "oracle", "time": end + 0.4, "id": 2, "text": f" {ANSWER}", "tokens": [6], "finish": "stop"},
    ]
    for word, (start, _) in zip(words, times, strict=True):
        rows.append({"kind": "word", "time": reply + start, "text": word, "at": max(0.0, reply + start - 0.24)})
    rows.append({"kind": "word", "time": reply + 3, "text": "Never", "at": reply + 2.6})
    rows.append({"kind": "words_dropped", "time": reply + 3.2, "count": 1})
    rows.append({"kind": "closed", "time": reply + 4, "reason": "the sound is over", "frames": 99})
    return sound, [event_of(json.dumps({"wall": 0, **row})) for row in rows], begin, reply


def kame(*arguments):
    command = [sys.executable, "-m", "kame_data.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def test_a_kept_conversation_becomes_a_row_with_the_oracles_that_came(said, tmp_path):
    sound, events, begin, reply = conversation(said)
    assert "21 words, 2 oracles" in keep_whole(tmp_path / "kept", sound, events)
    made = kame("import", "--from", "kame-finetune", tmp_path / "kept", "--out", tmp_path / "out")
    assert made.returncode == 0, made.stderr
    (row,) = pq.read_table(tmp_path / "out/shards").to_pylist()
    assert [(turn["role"], turn["text"]) for turn in row["turns"]] == [("user", QUESTION), ("assistant", ANSWER)]
    early, late = row["oracles"]
    assert (early["turn"], early["prefix_words"], early["level"], early["text"]) == (0, 5, 0, "It has thirty.")
    assert (early["heard"], early["time"]) == (2.5, 3.0)
    assert (late["prefix_words"], late["text"], late["ratio"]) == (14, ANSWER, 1.0)
    assert row["transcripts"] == [{"turn": 0, "prefix_words": 5, "text": "A bus starts with thirty"}]
    assert row["provenance"]["simulator"] == "openai:some-model" and row["provenance"]["latency"] == "as it came"
    # Where the words are in the sound: espeak's own times, a tenth of a second or so.
    own = [begin + start for start, _ in said[0][1]] + [reply + start for start, _ in said[1][1]]
    assert np.median(np.abs(np.array([word["start"] for word in row["words"]]) - own)) < 0.1
    verified = kame("verify", tmp_path / "out")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.slow
def test_oracles_that_were_changed_are_another_source(said, tmp_path):
    sound, events, _, _ = conversation(said)
    keep_whole(tmp_path / "kept", sound, events)
    flags = ("import", "--from", "kame-finetune", tmp_path / "kept", "--out", tmp_path / "out")
    assert kame(*flags).returncode == 0
    path = tmp_path / "kept/oracles/talk-1.json"
    path.write_text(path.read_text().replace("It has thirty.", "Thirty of them."))
    changed = kame(*flags)
    assert changed.returncode == 2 and "began with; give another --out" in changed.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda o: o.replace('"words": 5', '"words": 999'), "asks about word 999 of 14"),
        (lambda o: o.replace('"time": 3.0', '"time": 1.0'), "before it was asked"),
        (lambda o: o.replace('"time": 3.0', '"time": 1e300'), "one came at 1e+300 s, and the sound ends at"),
        (lambda o: o.replace('"time": 3.0', '"time": NaN'), "oracles/talk-1.json"),
        (lambda o: o.replace("It has thirty.", "  "), "one is blank"),
        (lambda o: o[:50], "oracles/talk-1.json"),
        (lambda o: "[]", "oracles/talk-1.json"),
        (lambda o: o.replace('"words"', '"word"', 1), "oracles.0.words"),
    ],
)
def test_oracles_that_are_none_refuse_their_dialogue(said, tmp_path, change, why):
    sound, events, _, _ = conversation(said)
    keep_whole(tmp_path / "kept", sound, events)
    path = tmp_path / "kept/oracles/talk-1.json"
    path.write_text(change(path.read_text()))
    kame("import", "--from", "kame-finetune", tmp_path / "kept", "--out", tmp_path / "out", "--set", "max_refused=1")
    (refused,) = (tmp_path / "out/rejected/oracles.jsonl").read_text().splitlines()
    assert why in json.loads(refused)["detail"]


def test_an_oracle_of_words_that_the_transcript_lost_then_has_no_place():
    user = [TimedWord(f"word{n}", n, n + 0.9) for n in range(6)]
    spoken = turns_of({"user": user, "assistant": [TimedWord("right", 8.0, 8.5)]}, "en")
    turns = tuple(one.turn for one in spoken)
    dialogue = Dialogue("q-v0", "q", 0, "en", turns, answer="", writer="recorded")
    asked = [(3, 3.0), (5, 5.0), (4, 6.0), (6, 7.0)]  # of five words, and then of four
    given = GivenOracles(
        back_end="some",
        oracles=[{"words": n, "transcript": "x", "heard": at, "time": at, "text": f"of {n}"} for n, at in asked],
    )
    made = oracles_of(dialogue, spoken, given, "talk", 9.0)
    assert [oracle.prefix_words for oracle in made.oracles] == [3, 4, 6]
    assert [came.time for came in made.came] == [3.0, 6.0, 7.0]


def test_a_conversation_of_one_side_is_not_kept(said, tmp_path):
    sound, events, _, _ = conversation(said)
    silent = [event for event in events if event.kind != "word" and event.kind != "words_dropped"]
    assert "the assistant said nothing" in keep_whole(tmp_path / "kept", sound, silent)
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]


def test_words_of_a_language_without_spaces_have_times_of_their_own():
    pieces = ["光", "的", "速度", "是"]
    rows = [{"kind": "word", "text": text, "at": n / 2, "glued": True} for n, text in enumerate(pieces)]
    rows.append({"kind": "words_dropped", "count": 1})
    events = [event_of(json.dumps({"time": 9, "wall": 0, **row})) for row in rows]
    (stretch,) = assistant_stretches(events, "zh")
    assert stretch.words == ("光", "的", "速度") and stretch.at == (0.0, 0.5, 1.0)
    (stretch,) = assistant_stretches(events, "en")
    assert stretch.words == ("光的速度",)


def test_a_process_that_is_killed_leaves_nothing_that_an_import_takes(tmp_path):
    code = (
        "import os, signal, sys, numpy as np; from pathlib import Path; from kame_data.tandem.record import Recording\n"
        "made = Recording(Path(sys.argv[1])); frame = np.zeros(1920, np.float32)\n"
        "for _ in range(50): made.tap(frame, frame)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "kept"], check=False)
    assert done.returncode == -signal.SIGKILL
    made = kame("import", "--from", "kame-finetune", tmp_path / "kept", "--out", tmp_path / "out")
    assert made.returncode == 2 and "holds no dialogue" in made.stderr


def test_a_folder_that_cannot_be_written_is_said_in_a_line(tmp_path):
    (tmp_path / "kept").write_text("no folder")
    with pytest.raises(KameError, match=r"--record .*kept: cannot be written"):
        Recording(tmp_path / "kept")


def test_conversations_over_ws_are_kept_and_said_to_be_and_no_others_are(tmp_path):
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            server.server.record = tmp_path / "kept"
            events, _, _ = await talk(http, server.ws, spoken(3, after=3.0))
            async with http.ws_connect(f"{server.ws}/api/chat", autoclose=False) as moshi:
                await moshi.receive()
            await left_nothing(server)
            return events[0]["id"]

    name = asyncio.run(run())
    kept = sorted(path.name for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert kept == sorted([f"{name}.json", f"{name}.json", f"{name}.jsonl", f"{name}.wav"])
    sound, rate = soundfile.read(tmp_path / f"kept/audio/{name}.wav")
    assert rate == 24_000 and (np.abs(sound).max(0) > 0.05).all()
    words = json.loads((tmp_path / f"kept/text/{name}.json").read_text())
    said = {side: " ".join(w["word"] for w in words if w["speaker"] == side) for side in "AB"}
    assert said == {"A": "You said that number, three", "B": "This is number three"}
    assert [path.name for path in (tmp_path / "kept/audio").iterdir()] == [f"{name}.wav"]
