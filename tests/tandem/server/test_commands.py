"""`kame-data tandem` and `kame-data talk` as processes of their own: the whole chain, signals and exit codes."""

import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from clusters import wait_for
from kame_data.cli.main import app
from kame_data.errors import KameError
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.tandem.events import read_log

COMMAND = (sys.executable, "-m", "kame_data.cli")


@pytest.fixture(scope="module")
def question(tmp_path_factory):
    """A recording of a bundled question at its voice's own rate, user right of a silent left side."""
    path = tmp_path_factory.mktemp("sound") / "question.wav"
    with open_synthesizer("espeak") as synthesizer:
        (clip,) = synthesizer.synthesize([Utterance("What is the capital of Australia?", "en-us")])
    sides = np.stack([np.zeros_like(clip.samples), clip.samples], axis=1)
    soundfile.write(path, sides, clip.sample_rate)
    return path


def talk(*flags, **options):
    return subprocess.run([*COMMAND, "talk", *map(str, flags)], capture_output=True, text=True, timeout=120, **options)


@pytest.fixture
def server(tmp_path):
    """A server of the tiny model as a process; gives its address and the process."""
    log = tmp_path / "server.log"
    command = [*COMMAND, "tandem", "untrained-tiny", "--port", "0", "--drain", "20"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        found = wait_for(lambda: process.poll() is not None or re.search(r"http://\S+\d", log.read_text()))
        assert found is not True, log.read_text()
        yield found.group(), process, log
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_recording_talks_to_a_server_and_sigterm_ends_it_in_good_order(server, question, tmp_path):
    url, process, log = server
    out, events = tmp_path / "answer.wav", tmp_path / "events.jsonl"
    done = talk(url, "--in", question, "--out", out, "--events", events, "--set", "tail=8")
    assert done.returncode == 0, done.stderr
    assert "capital" in done.stdout and "oracle" in done.stdout and str(out) in done.stdout
    read = read_log(events)
    assert read.whole and any(event.kind == "user_final" and event.ended for event in read.events)
    sound, rate = soundfile.read(out, always_2d=True)
    assert rate == 24_000 and sound.shape[1] == 2 and len(sound) == read.events[-1].frames * 1920
    assert np.abs(sound[:, 1]).max() > 0.05, "the user is right"

    talking = subprocess.Popen([*COMMAND, "talk", url, "--in", question, "--out", tmp_path / "b.wav"], text=True)
    wait_for(lambda: '"talking": 1' in curl(f"{url}/readyz"))
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: "1 still talking" in log.read_text())
    second = talk(url, "--in", question)
    assert second.returncode == 1 and "is full or closing; try again in" in second.stderr
    talking.send_signal(signal.SIGINT)
    assert talking.wait(60) == 130 and (tmp_path / "b.wav").is_file()
    assert process.wait(30) == 0
    assert "Traceback" not in log.read_text() and "rror" not in log.read_text()


def curl(url):
    return subprocess.run(["curl", "-s", url], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_port_in_use_is_one_line_before_the_model_is_loaded(server):
    url, _, _ = server
    port = url.rpartition(":")[2]
    done = subprocess.run(
        [*COMMAND, "tandem", "untrained-tiny", "--port", port], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr == f"kame-data: --port {port}: is in use on 127.0.0.1; name another one (0 takes a free one)\n"


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["http://127.0.0.1:1", "--in", "QUESTION"], 1, "nobody answers there (connection refused)"),
        (["nowhere", "--in", "QUESTION"], 2, "URL nowhere: is no address"),
        (["http://127.0.0.1:1"], 2, "--in"),
        (["http://127.0.0.1:1", "--in", "QUESTION", "--mic"], 2, "one of them"),
        (["http://127.0.0.1:1", "--in", "/nowhere.wav"], 2, "--in /nowhere.wav: is no sound"),
        (["http://127.0.0.1:1", "--in", "QUESTION", "--out", "/no/where/a.wav"], 2, "its folder is not there"),
        (["http://127.0.0.1:1", "--in", "QUESTION", "--events", "/no/where"], 1, "cannot be written"),
    ],
)
def test_what_is_wrong_with_a_talk_is_one_line(flags, code, says, question):
    done = CliRunner().invoke(app, ["talk", *(str(question) if flag == "QUESTION" else flag for flag in flags)])
    assert isinstance(done.exception, KameError) and done.exception.exit_code == code and done.output == ""
    assert says in str(done.exception) and "\n" not in str(done.exception)
