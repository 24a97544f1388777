"""`kame-data tandem --in`: the whole chain by the command line, with a model that has learnt nothing yet."""

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from kame_data.cli.main import app
from kame_data.errors import KameError
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.tandem.events import read_log
from tandem.streaming_server import StreamingServer


def command(*flags):
    """The command in this process, which has loaded torch already; its output, its exit code and its error."""
    done = CliRunner().invoke(app, ["tandem", "untrained-tiny", *map(str, flags)])
    if done.exception is not None and not isinstance(done.exception, KameError | SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def question(tmp_path_factory):
    """A recording of a bundled question, in a voice of espeak's."""
    path = tmp_path_factory.mktemp("sound") / "question.wav"
    with open_synthesizer("espeak") as synthesizer:
        (clip,) = synthesizer.synthesize([Utterance("What is the capital of Australia?", "en-us")])
    soundfile.write(path, clip.samples, clip.sample_rate)
    return path


SHORT = "--set", "virtual.tail=5"
QUICK = "--recogniser", "none", "--set", "virtual.tail=0.5"


def test_a_recording_becomes_an_answer_and_a_log_the_same_each_time(question, tmp_path):
    for number in range(2):
        out = "--out", tmp_path / f"{number}.wav", "--events", tmp_path / f"{number}"
        done = command("--in", question, *out, *QUICK)
        assert done.exception is None
    assert "stand-ins: weights: untrained-tiny, codec: untrained" in done.output
    sound, rate = soundfile.read(tmp_path / "0.wav", always_2d=True)
    said = soundfile.info(str(question)).duration
    assert rate == 24_000 and sound.shape[1] == 2 and len(sound) / rate == pytest.approx(said + 0.5, abs=0.2)
    assert np.abs(sound[:, 1]).max() > 0.05, "the user is right"
    for end in (".wav", ""):
        assert (tmp_path / f"0{end}").read_bytes() == (tmp_path / f"1{end}").read_bytes()
    log = read_log(tmp_path / "0")
    assert log.whole and log.session.recogniser == "none" and log.session.model == "untrained-tiny"
    assert any("knows no others" in stand_in for stand_in in log.session.stand_ins)
    starts = [event for event in log.events if event.kind == "speech_start" and event.side == "user"]
    assert starts and starts[0].at < 0.5


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "a.wav"], 2, "--out a.wav: goes with --in"),
        (["--host", "0.0.0.0"], 2, "KAME_DATA_TOKEN"),
        (["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"], 2, "--tls-cert /nowhere.pem: no such file"),
        (["--in", "/nowhere.wav"], 2, "--in /nowhere.wav: is no sound"),
        (["--in", "QUESTION", "--recogniser", "bogus"], 2, "no such recogniser"),
        (["--in", "QUESTION", "--events", "/nowhere/e", *QUICK], 1, "--events /nowhere/e: cannot be written"),
        # A folder that cannot be written is told before the fault of another part, and not behind the conversation.
        (
            ["--in", "QUESTION", "--record", "/dev/null/kept", "--recogniser", "bogus"],
            1,
            "--record /dev/null/kept: can",
        ),
        (["--port", "0", "--record", "/dev/null/kept", "--recogniser", "bogus"], 1, "--record /dev/null/kept: cannot"),
        (["--in", "QUESTION", "--back-end", "bogus", *QUICK], 2, "use offline"),
        (["--in", "QUESTION", "--device", "toaster", *QUICK], 2, "--device toaster"),
        (["--in", "QUESTION", "--tokenizer", "/nowhere", *QUICK], 2, "--tokenizer /nowhere"),
        (["--in", "QUESTION", "--policy", "sometimes", *QUICK], 2, "'sometimes'"),
        (["--in", "QUESTION", "--language", "xx", "--voice", "tts", *QUICK], 1, "xx"),
    ],
)
def test_what_is_wrong_is_one_line(flags, code, says, question):
    done = command(*[str(question) if flag == "QUESTION" else flag for flag in flags])
    assert isinstance(done.exception, KameError) and done.exception.exit_code == code
    assert says in str(done.exception) and "\n" not in str(done.exception)


@pytest.mark.slow
def test_the_whole_chain_hears_asks_and_reads(question, tmp_path):
    done = command("--in", question, "--out", tmp_path / "a.wav", "--events", tmp_path / "e", "--voice", "tts", *SHORT)
    assert done.exception is None
    log = read_log(tmp_path / "e")
    finals = [event.text for event in log.events if event.kind == "user_final"]
    assert "capital of Australia" in finals[-1]
    oracles = [event for event in log.events if event.kind == "oracle"]
    assert "Canberra" in oracles[-1].text
    reads = [event for event in log.events if event.kind == "oracle_read" and event.id == oracles[-1].id]
    assert reads[-1].read == len(oracles[-1].tokens)
    assert "Canberra" in done.output and "tts" in log.session.voice


@pytest.mark.slow
def test_a_real_client_answers_on_the_virtual_clock(question, tmp_path):
    with StreamingServer(lambda body: ["It is ", "Canberra", ", of course."]) as server:
        flags = "--in", question, "--events", tmp_path / "e", "--back-end", server.spec(), "--delays", "measured"
        done = command(*flags, "--policy", "overlap", *SHORT)
        assert done.exception is None
    log = read_log(tmp_path / "e")
    assert log.session.back_end == server.spec()
    oracles = [event for event in log.events if event.kind == "oracle"]
    assert oracles and {event.text for event in oracles if event.finish == "stop"} == {"It is Canberra, of course."}
    assert len(server.bodies) == len([event for event in log.events if event.kind == "ask"])
