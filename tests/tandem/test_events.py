"""The event log: written as it happens, read back to the last whole line, and nothing wrong taken in."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kame_data.errors import KameError
from kame_data.tandem import events as of
from kame_data.tandem.events import EventLog, read_log

BEGIN = of.SessionBegins(
    time=0.0,
    wall=1.0,
    id="a",
    clock="virtual",
    language="en",
    model="m",
    tokenizer="sample",
    start_id=1000,
    recogniser="r",
    back_end="b",
    policy="poll",
    oracle_mode="contract",
    voice="v",
    stand_ins=("b",),
    versions={"python": "3"},
)
ALL = [
    BEGIN,
    of.SpeechStart(time=0.0, wall=1.1, side="user", at=0.0),
    of.UserPartial(time=0.08, wall=1.1, turn=0, text="how many", stable=1, at=0.05),
    of.Asked(time=0.16, wall=1.2, id=0, turn=0, prefix_words=2, heard="how many"),
    of.FirstToken(time=0.24, wall=1.3, id=0),
    of.OracleDelta(time=0.24, wall=1.3, id=0, text="Two", tokens=(5, 6)),
    of.OracleRead(time=0.32, wall=1.4, id=0, read=0),
    of.OracleEnds(time=0.4, wall=1.5, id=0, text="Two", tokens=(5, 6), finish="stop"),
    of.Asked(time=0.4, wall=1.5, id=1, turn=0, prefix_words=2, heard="how many"),
    of.Cancelled(time=0.48, wall=1.6, id=1),
    of.NoAnswer(time=0.48, wall=1.6, id=1, text="答案"),
    of.UserFinal(time=0.48, wall=1.6, turn=0, text="how many", ended=True, at=0.4),
    of.SpeechEnd(time=0.48, wall=1.6, side="user", at=0.4),
    of.WordSaid(time=0.56, wall=1.7, text="two", at=0.48),
    of.WordDropped(time=0.56, wall=1.7, count=1),
    of.LateFrame(time=0.64, wall=1.8, skipped=2, total=2),
    of.Failed(time=0.72, wall=1.9, part="back_end", message="gone", id=1),
    of.SessionEnds(time=0.8, wall=2.0, reason="over", frames=10),
]


def written(path, events):
    with EventLog(path) as log:
        for event in events:
            log.add(event)
    return path


def test_what_is_written_is_read_and_every_kind_is_there(tmp_path):
    path = written(tmp_path / "e.jsonl", ALL)
    log = read_log(path)
    assert [log.session, *log.events] == ALL and log.whole
    kinds = {json.loads(line)["kind"] for line in path.read_text().splitlines()}
    every = {kind.model_fields["kind"].default for kind in of.Event.__subclasses__()}
    assert kinds == every


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_that_was_cut_off_is_left_out(tmp_path, cut):
    path = written(tmp_path / "e.jsonl", ALL)
    path.write_bytes(path.read_bytes()[:-cut])
    log = read_log(path)
    assert list(log.events) == ALL[1:-1] and not log.whole


def test_the_log_of_a_killed_process_ends_with_its_last_line(tmp_path):
    path = tmp_path / "e.jsonl"
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from tandem import test_events as t
from kame_data.tandem.events import EventLog
log = EventLog(t.Path({str(path)!r}))
for event in t.ALL[:5]:
    log.add(event)
print("written", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().strip() == "written"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert list(read_log(path).events) == ALL[1:5]


def lines(*events, **changed):
    last = {**json.loads(events[-1].model_dump_json()), **changed}
    return [*(event.model_dump_json() for event in events[:-1]), json.dumps(last)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "no event log"),
        (lines(ALL[1]), "no event log"),
        (lines(BEGIN, ALL[3], time=float("nan")), "line 2"),
        (lines(BEGIN, ALL[3], kind="bogus"), "line 2"),
        (lines(BEGIN, ALL[3], more=1), "line 2"),
        (lines(BEGIN, ALL[3], heard="x" * 30_000), "line 2"),
        (lines(BEGIN, ALL[3], ALL[1]), "line 3: its time 0.0 is before 0.16"),
        (lines(BEGIN, ALL[3], time=1e300), "line 2: it is later than"),
        (lines(BEGIN, ALL[-1], frames=10**15), "line 2: it is later than"),
        (lines(BEGIN, ALL[4]), "nobody asked for answer 0"),
        (lines(BEGIN, ALL[3], ALL[6]), "answer 0 has not begun"),
        (lines(BEGIN, BEGIN), "a second session"),
        (lines(BEGIN, ALL[-1], ALL[-1]), "behind the end"),
        (["[" * 100_000], "line 1"),
        (["\x00\x01"], "line 1"),
        (["x" * (2**20 + 5)], "longer than"),
    ],
)
def test_a_file_that_is_no_log_is_refused_in_one_line(tmp_path, content, says):
    path = tmp_path / "e.jsonl"
    path.write_text("".join(line + "\n" for line in content))
    with pytest.raises(KameError, match=says) as error:
        read_log(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file_and_a_place_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(KameError, match=r"nothing\.jsonl: cannot be read"):
        read_log(tmp_path / "nothing.jsonl")
    with pytest.raises(KameError, match="cannot be written"):
        EventLog(tmp_path / "no" / "folder.jsonl")


def test_a_log_is_bounded_and_the_listeners_hear_so(tmp_path, monkeypatch):
    monkeypatch.setattr(EventLog, "most_bytes", 2000)
    heard = []
    with EventLog(tmp_path / "e.jsonl", [heard.append]) as log:
        for event in [BEGIN, *ALL[1:4] * 10]:
            log.add(event)
    assert (tmp_path / "e.jsonl").stat().st_size <= 2000
    assert [event.part for event in heard if isinstance(event, of.Failed)] == ["log"]
    assert len(heard) == 32, "the listeners hear everything, and once that the file is full"


def test_a_full_disk_ends_the_log_and_nothing_else(tmp_path, mount):
    heard = []
    with EventLog(mount(64) / "e.jsonl", [heard.append]) as log:
        for event in ALL[:4] * 500:
            log.add(event)
    assert any(isinstance(event, of.Failed) and "the rest is not logged" in event.message for event in heard)


def test_odd_text_is_written_and_read(tmp_path):
    text = of.clipped("\ud83d half a pair, \x00, \u2028, " + "x" * 30_000)
    event = of.Failed(time=0.0, wall=1.0, part="back_end", message=text)
    assert read_log(written(tmp_path / "e.jsonl", [BEGIN, event])).events == (event,)
