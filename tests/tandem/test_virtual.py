"""A conversation on a virtual clock: the same bytes each time, and every delay where it belongs."""

import asyncio
import time

import numpy as np
import pytest
import soundfile

from kame_data.errors import KameError, StoppedError, UsageError
from kame_data.settings.tandem import TandemLatency, VirtualSettings
from kame_data.tandem.events import EventLog, oracle_stream, read_log
from kame_data.tandem.parts import CutOff
from kame_data.tandem.session import Session
from kame_data.tandem.sounds import checked, read_sound, write_stereo
from kame_data.tandem.virtual import VirtualConversation
from tandem.scripted import Hearing, OwnVoice, ReadingRows, Script
from tandem.telling import SAMPLE, setup_of

WORDS = ["how", "many", "moons", "has", "Mars"]
SPEECH = [
    (0.2, "start", ""),
    *[(0.4 + 0.4 * n, "interim", " ".join(WORDS[:n])) for n in range(1, 6)],
    (2.9, "end", "How many moons has Mars?"),
]
ANSWER = "Two moons circle Mars."


def talk(
    path=None,
    script=lambda question: [ANSWER],
    hearing=None,
    seconds=3.2,
    seed=0,
    rows=None,
    by_position=False,
    **settings,
):
    latency = TandemLatency(**settings.pop("latency", {"preset": "typical"}))
    events = []
    setup = setup_of("poll", by_position=settings.pop("by_position", False))
    log = EventLog(path, [events.append])
    with log:
        session = Session(setup.__class__(**{**setup.__dict__, "loop": latency}), log, 0.0)
        answers = Script(script)
        rows = rows or ReadingRows()
        hearing = Hearing(SPEECH) if hearing is None else hearing
        conversation = VirtualConversation(
            session,
            rows,
            hearing.open("en"),
            answers,
            OwnVoice().open("en"),
            VirtualSettings(**settings),
            latency,
            seed,
        )
        sound = asyncio.run(conversation.run(np.zeros(round(seconds * 24_000), np.float32)))
    return sound, events, answers, rows


def of(events, kind):
    return [event for event in events if event.kind == kind]


def test_the_same_run_gives_the_same_bytes_and_another_seed_other_delays(tmp_path):
    sounds = [talk(tmp_path / f"{n}.jsonl", seed=n // 2)[0] for n in range(3)]
    logs = [(tmp_path / f"{n}.jsonl").read_bytes() for n in range(3)]
    assert logs[0] == logs[1] != logs[2] and np.array_equal(sounds[0], sounds[1])
    log = read_log(tmp_path / "0.jsonl")
    assert log.whole and log.session.clock == "virtual"


def test_what_is_asked_comes_after_the_drawn_delay_and_is_said_as_it_is_read():
    sound, events, answers, _ = talk()
    asked = {event.id: event.wall for event in of(events, "ask")}
    came = {event.id: event.wall for event in of(events, "first_token")}
    cancelled = {event.id for event in of(events, "cancelled")}
    assert asked.keys() == came.keys() | cancelled and came
    assert all(0.15 <= came[number] - asked[number] <= 4.0 for number in came)
    assert len(answers.questions) == len(came), "what was cancelled before its first token was never asked"
    last = of(events, "oracle")[-1]
    assert last.finish == "stop" and last.text == ANSWER
    assert " ".join(event.text for event in of(events, "word"))[-len(ANSWER) :] == ANSWER
    spoken = [event for event in events if event.kind.startswith("speech") and event.side == "assistant"]
    reads = [event for event in of(events, "oracle_read") if event.read == 1]
    assert spoken[0].at == reads[0].time, "the tone begins in the frame in which the first token is read"
    start = round(spoken[0].at * 24_000)
    assert not sound[:start, 0].any() and sound[start + 10, 0] != 0
    assert len(sound) == 1920 * of(events, "closed")[0].frames


@pytest.mark.parametrize("by_position", [False, True])
def test_the_log_holds_the_oracle_stream_that_the_model_was_fed(by_position, tmp_path):
    script = lambda question: [f"An answer to {question.heard} that is rather long."]  # noqa: E731
    *_, rows = talk(tmp_path / "e", script, pace=9.0, by_position=by_position)
    fed = [frame.oracle for frame in rows.seen[0]]
    assert oracle_stream(read_log(tmp_path / "e")) == fed and len(set(fed)) > 5


def test_the_pace_of_the_back_end_is_what_the_model_waits_for():
    def lasts(pace):
        _, events, _, _ = talk(pace=pace, script=lambda question: ["the " * 20])
        number = of(events, "oracle")[-1].id
        deltas = [event.wall for event in of(events, "oracle_delta") if event.id == number]
        return deltas[-1] - deltas[0]

    assert lasts(5.0) == pytest.approx(20 / 5, abs=0.6) and lasts(50.0) < 1


def test_measured_delays_are_those_of_the_back_end():
    _, events, _, _ = talk(script=lambda question: [0.2, "Two ", 0.1, "moons"], delays="measured")
    number = of(events, "oracle")[-1].id
    asked = next(event.wall for event in of(events, "ask") if event.id == number)
    first = next(event.wall for event in of(events, "first_token") if event.id == number)
    assert 0.2 <= first - asked < 1.0


def test_a_recogniser_that_is_slow_is_heard_late_where_delays_are_measured():
    class Slow(Hearing):
        def open(self, language):
            stream = super().open(language)
            push = stream.push
            stream.push = lambda sound: (time.sleep(0.1), push(sound))[1]
            return stream

    finals = {}
    for delays in ("drawn", "measured"):
        _, events, _, _ = talk(hearing=Slow(SPEECH), seconds=3.2, tail=4.0, delays=delays)
        finals[delays] = of(events, "user_final")[-1].wall
    assert finals["drawn"] == pytest.approx(2.96, abs=0.01)
    # 37 frames of 80 ms, each of which took 100 ms or more.
    assert finals["measured"] > 3.6


def test_it_runs_faster_than_real_time():
    began = time.perf_counter()
    sound, *_ = talk(seconds=120.0, tail=0.0)
    assert len(sound) / 24_000 == 120.0 and time.perf_counter() - began < 60


def test_it_goes_on_until_the_answer_is_said_and_no_longer():
    _, events, _, _ = talk(script=lambda question: ["word " * 30], pace=10.0)
    assert len(of(events, "oracle")[-1].tokens) == of(events, "oracle_read")[-1].read
    assert of(events, "closed")[0].time - of(events, "word")[-1].at == pytest.approx(2.5, abs=0.6)
    short, events, _, _ = talk(script=lambda question: ["word " * 60], pace=2.0, tail=3.0)
    assert len(short) / 24_000 == pytest.approx(6.2, abs=0.1)


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        (lambda question: [KameError("it is down")], "back_end", "it is down"),
        (lambda question: ["Two ", KameError("it broke")], "back_end", "it broke"),
        (lambda question: [StoppedError("the budget of $1 is spent")], "budget", "spent"),
    ],
)
def test_a_back_end_that_fails_is_an_event_and_the_conversation_goes_on(script, kind, says):
    sound, events, answers, _ = talk(script=script)
    errors = of(events, "error")
    assert errors and all(error.part == kind and says in error.message for error in errors)
    assert events[-1].kind == "closed" and events[-1].reason == "the sound is over"
    assert len(sound) / 24_000 > 3.2
    if kind == "budget":
        assert len(answers.questions) == len(errors) == 1, "nothing is asked behind it"


def test_a_back_end_that_says_nothing_is_an_event():
    _, events, answers, _ = talk(script=lambda question: [])
    assert len(of(events, "no_answer")) == len(answers.questions) > 1 and not of(events, "error")


def test_an_answer_that_is_too_long_is_cut_off():
    _, events, _, _ = talk(script=lambda question: ["word " * 5, CutOff("too long")])
    assert of(events, "oracle")[-1].finish == "length"


def test_a_model_or_recogniser_that_fails_ends_it_with_a_whole_log_and_a_free_row():
    rows = ReadingRows(fails_at=20)
    with pytest.raises(KameError, match="the model broke"):
        talk(rows=rows)
    assert not rows.open_rows
    with pytest.raises(KameError, match="deaf"):
        talk(hearing=Hearing(SPEECH, fails_at=1.0))


# Sound.


def wav(path, samples, rate=24_000, **more):
    soundfile.write(path, samples, rate, **more)
    return path


def test_sound_of_any_rate_comes_to_24_khz_and_of_stereo_the_right_side(tmp_path):
    for rate in (8000, 16_000, 22_050, 44_100, 48_000):
        time_ = np.arange(rate) / rate
        sound = read_sound(wav(tmp_path / f"{rate}.wav", 0.5 * np.sin(2 * np.pi * 440 * time_), rate))
        assert len(sound) == pytest.approx(24_000, abs=2) and sound.dtype == np.float32
        assert np.argmax(np.abs(np.fft.rfft(sound))) == pytest.approx(440, abs=2)
    stereo = np.stack([np.zeros(24_000), np.full(24_000, 0.5)], axis=1)
    assert read_sound(wav(tmp_path / "stereo.wav", stereo)).mean() == pytest.approx(0.5, abs=1e-3)


def test_sound_that_is_none_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    nan = np.zeros(2400)
    nan[7] = np.nan
    cases = {
        tmp_path / "missing.wav": "no such file",
        tmp_path / "text.wav": "is no sound",
        tmp_path: "is no sound",
        wav(tmp_path / "nan.wav", nan, subtype="FLOAT"): "NaN",
        wav(tmp_path / "empty.wav", np.zeros(0)): "holds no sound",
        wav(tmp_path / "many.wav", np.zeros((100, 6))): "6 channels",
        wav(tmp_path / "slow.wav", np.zeros(100), 1000): "1000 Hz",
        wav(tmp_path / "long.flac", np.zeros(4000 * 3700), 4000): "lasts 3700 s",
    }
    for path, says in cases.items():
        with pytest.raises(UsageError, match=says) as error:
            read_sound(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "sound",
    [
        [0.0],
        np.zeros((10, 1), np.float32),
        np.zeros(10),
        np.full(10, np.inf, np.float32),
        np.zeros(300_000, np.int16),
    ],
)
def test_pushed_sound_is_checked(sound):
    with pytest.raises(KameError):
        checked(sound)


def test_both_sides_are_written_left_and_right(tmp_path):
    sound = np.stack([np.full(2400, 0.25), np.full(2400, -0.5)], axis=1).astype(np.float32)
    write_stereo(tmp_path / "a.wav", sound)
    samples, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == 24_000 and samples[:, 0].mean() == pytest.approx(0.25, abs=1e-3)
    assert samples[:, 1].mean() == pytest.approx(-0.5, abs=1e-3)
    assert SAMPLE.text_card == 2000
