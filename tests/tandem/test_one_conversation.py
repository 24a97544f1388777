"""One conversation without a server, and the demo as a user runs it."""

import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from kame_data.errors import UsageError
from kame_data.settings.tandem import TandemSettings
from kame_data.speech import espeak_accents as espeak_voices
from kame_data.tandem.events import read_log
from kame_data.tandem.one_conversation import user_sound


def test_what_is_said_as_the_user_is_the_same_sound_each_time():
    said = [user_sound(TandemSettings(say="What is the capital of Australia?", seed=seed)) for seed in (1, 1, 2)]
    assert said[0].dtype == np.float32 and 1.5 < len(said[0]) / 24_000 < 5
    assert np.array_equal(said[0], said[1]) and not np.array_equal(said[0], said[2])
    assert not said[0][: 24_000 // 4].any() and np.abs(said[0]).max() > 0.1


def test_the_voice_is_of_no_training_split():
    assert not set(espeak_voices.user_voices("validation", "en")) & set(espeak_voices.user_voices("train", "en"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"say": "Hello", "sound_in": "q.wav"}, "--say 'Hello': goes without --in"),
        ({}, "--in: is missing"),
        ({"say": "...", "language": "en"}, "--say '...': cannot be spoken"),
        ({"say": "Hello", "language": "xx"}, "--language xx: "),
    ],
)
def test_a_user_without_sound_is_said_in_a_line(given, why):
    with pytest.raises(UsageError, match=re.escape(why)):
        user_sound(TandemSettings(**given))


@pytest.mark.slow
def test_the_demo_hears_asks_reads_and_speaks_in_real_time(tmp_path):
    pytest.importorskip("moonshine_voice", reason="needs the extra tandem")
    answer, events, page = tmp_path / "answer.wav", tmp_path / "events.jsonl", tmp_path / "session.html"
    flags = ["--config", "demo", "--out", answer, "--events", events, "--page", page]
    command = [sys.executable, "-m", "kame_data.cli", "tandem", *map(str, flags)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    log = read_log(events)
    assert log.whole and log.session.clock == "wall" and len(log.session.stand_ins) == 4
    oracles = [event.text for event in log.events if event.kind == "oracle"]
    said = " ".join(event.text for event in log.events if event.kind == "word")
    assert oracles and oracles[-1].strip().endswith(said.split()[-1]) and "Canberra" in said
    sound, rate = soundfile.read(answer)
    assert rate == 24_000 and (np.abs(sound).max(0) > 0.05).all()
    # In real time: what the log says took as long as the sound.
    assert log.events[-1].wall - log.session.wall > len(sound) / rate - 3
    assert "Canberra" in page.read_text() and "oracle" in done.stdout and "user" in done.stdout
