"""Builds with Coqui voices, from the command to the shards, on tiny models."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from checkout import PYTHONPATH
from kame_data.engine.build import Build
from kame_data.engine.note import noted_settings
from kame_data.engine.status import finished
from kame_data.errors import UsageError
from kame_data.settings.speech import VoiceSettings

pytestmark = pytest.mark.slow
building = pytest.importorskip("building")
ROOT = Path(__file__).resolve().parents[2]
LOOSE = {"max_refused": 1.0, "sources": ("gsm8k=sample",), "limit": 3, "speak": True}


# Random weights say noise, in which no aligner finds a word.
NOISE = {"alignment": -1e9}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def rows(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((out / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]


def kept(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "parts" / "clips").rglob("*.clip")}


def test_a_build_and_a_new_timing_that_says_nothing_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, tts = tmp_path / "out", f"coqui:{tiny / 'three'}"
    manifest, _ = building.build(building.settings_of(out, speech={"tts": tts, "checks": NOISE}, **LOOSE))
    assert manifest["terms"] == ["three: a local model; its licence is not known here"]
    assert "voice: espeak" not in manifest["stand_ins"]
    first, clips = rows(out), kept(out)
    assert len(first) == 3 and len(clips) == sum(len(row["turns"]) for row in first)
    for row in first:
        told = row["provenance"]
        assert told["assistant_voice"] == "coqui:three/s0" and told["word_times"] == "vits-durations"
        assert told["user_voice"] in ("coqui:three/s1", "coqui:three/s2")
        assert [w["word"] for w in row["words"]] == [w for turn in row["turns"] for w in turn["text"].split()]
    voices = {row["split"]: set() for row in first}  # type: ignore[var-annotated]
    for row in first:
        voices[row["split"]].add(row["provenance"]["user_voice"])
    assert all(len(found) == 1 for found in voices.values()) and len(set.union(*voices.values())) == len(voices)

    again, made = building.build(
        building.settings_of(out, speech={"tts": tts, "checks": NOISE, "answer_gap": (0.9, 0.9)}, **LOOSE)
    )
    assert "speech" in made and "dialogues" not in made
    assert kept(out) == clips and again["seconds"] != manifest["seconds"]
    # From another folder, and with the model somewhere else, it is still the same build.
    moved = tmp_path / "moved" / "three"
    moved.parent.mkdir()
    moved.symlink_to(tiny / "three")
    assert finished(Build(noted_settings(out))) is not None
    speech = {"tts": f"coqui:{moved}", "checks": NOISE, "answer_gap": (0.9, 0.9)}
    _, made = building.build(building.settings_of(out, speech=speech, **LOOSE))
    assert "speech" not in made


def test_bad_voices_stop_a_build_before_it_writes_dialogues(tiny: Path, tmp_path: Path) -> None:
    silent = tmp_path / "not-audio.wav"
    silent.write_bytes(b"no sound")
    for speech, told in (
        ({"tts": f"coqui:{tiny / 'one'}"}, "no user's voice is left for train"),
        ({"tts": f"coqui:{tiny / 'three'}", "assistant_voice": "s7"}, "it has s0, s1, s2"),
        ({"tts": "espeak", "user_voices": (VoiceSettings(voice=str(silent)),)}, "is not audio"),
        ({"tts": "coqui:tts_models/en/vctk/witz"}, "lists no such model"),
    ):
        out = tmp_path / f"out-{len(told)}"
        with pytest.raises(UsageError, match=r"speech|--tts") as error:
            building.build(building.settings_of(out, speech=speech, **LOOSE))
        assert told in str(error.value) and "\n" not in str(error.value)
        assert not (out / "parts" / "dialogues").exists()


def test_the_command_says_what_a_licence_forbids_and_passes_no_noise_off_as_speech(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    two = tmp_path / "two.jsonl"
    two.write_text("".join((ROOT / "data/samples/gsm8k.jsonl").read_text().splitlines(keepends=True)[:2]))
    command = [sys.executable, "-m", "kame_data.cli", "build", "--source", f"gsm8k={two}", "--limit", "2"]
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"max_refused": 1.0, "progress": False}))
    command += ["--config", str(config), "--tts", f"coqui:{tiny / 'three'}", "--out", str(out)]
    env = {**os.environ, "PYTHONPATH": PYTHONPATH}
    told = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and "no dialogue was accepted" in told.stderr, told.stderr
    assert "licence: three: a local model" in told.stderr and "Traceback" not in told.stderr
    reasons = {json.loads(line)["reason"] for line in (out / "rejected" / "speech.jsonl").read_text().splitlines()}
    assert reasons <= {"alignment", "truncated"}
