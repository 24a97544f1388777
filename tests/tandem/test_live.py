"""Conversations in real time: what comes out, how they end, and that nothing is left of them."""

import asyncio
import gc
import threading
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kame_data.errors import KameError
from kame_data.settings.latency import LatencySettings
from kame_data.settings.tandem import AnswerSettings, TandemSettings
from kame_data.tandem.answers import answers_of
from kame_data.tandem.events import read_log
from kame_data.tandem.live import MOST_OUTPUTS, Full, Tandem
from kame_data.tandem.live_hearing import MOST_UNHEARD
from kame_data.tandem.opening import open_tandem
from tandem.scripted import Hearing, OwnVoice, ReadingRows, Script, Stepping
from tandem.streaming_server import StreamingServer
from tandem.telling import setup_of
from tandem.virtual_loop import run

SPEECH = [(0.2, "start", ""), (0.8, "interim", "how many moons"), (1.6, "end", "how many moons has Mars?")]
ANSWER = ["Two ", 0.05, "moons ", "circle Mars."]
SECOND = np.zeros(24_000, np.float32)


def tandem_of(script=lambda question: ANSWER, hearing=None, count=2, delay=0.0, rows=None, **more):
    rows = rows or ReadingRows(count)
    hearing = Hearing(SPEECH) if hearing is None else hearing
    return Tandem(setup_of(), Stepping(rows, delay), Script(script), OwnVoice(), hearing or None, **more)


async def speak(session, seconds=6.0, piece=0.1):
    """The user's sound, at real time, until the conversation ends."""
    for _ in range(round(seconds / piece)):
        try:
            await session.push(np.zeros(round(24_000 * piece), np.float32))
        except KameError:
            return
        await asyncio.sleep(piece)


async def taken(session, into=None):
    found = [] if into is None else into
    async for output in session.outputs():
        found.append(output)
    return found


async def talk(tandem, seconds=6.0, **opening):
    session = await tandem.open(**opening)
    reading = asyncio.create_task(taken(session))
    await speak(session, seconds)
    await session.close()
    return session, await reading


def kinds(outputs):
    return [output.event.kind for output in outputs if output.event is not None]


def events(outputs, kind):
    return [output.event for output in outputs if output.event is not None and output.event.kind == kind]


def test_a_conversation_from_sound_to_sound(tmp_path):
    tandem = tandem_of()
    (session, outputs), left = run(talk(tandem, events=tmp_path / "e.jsonl"))
    sounds = [output for output in outputs if output.sound is not None]
    assert len(sounds) == pytest.approx(75, abs=2)
    assert "".join(output.text for output in sounds).endswith(" Two moons circle Mars.")
    assert any(output.sound.any() for output in sounds)
    log = read_log(tmp_path / "e.jsonl")
    assert [log.session, *log.events] == [output.event for output in outputs if output.event], "page and file are one"
    assert log.events[-1].reason == session.reason == "the user left"
    assert not left and not tandem.sessions and tandem.free == 2


def test_the_frames_of_the_model_are_the_sound_in_order():
    tandem = tandem_of()

    async def work():
        session = await tandem.open()
        ramp = (np.arange(1920 * 20) / 1e6).astype(np.float32)
        for piece in np.split(ramp, [7, 3000, 3001, 20_000]):
            await session.push(piece)
        await asyncio.sleep(3)
        frames = tandem.stepper.rows.seen[0]
        await session.close()
        return np.array_equal(np.concatenate([frame.sound for frame in frames]), ramp)

    assert run(work())[0]


def test_full_says_so_and_a_row_is_free_again_behind_a_conversation():
    tandem = tandem_of(count=1)

    async def work():
        session = await tandem.open()
        with pytest.raises(Full, match="all 1 conversations are taken"):
            await tandem.open()
        await session.close()
        await (await tandem.open()).close()
        await tandem.close()
        with pytest.raises(Full, match="closing"):
            await tandem.open()

    run(work())


def test_a_row_is_free_again_whatever_fails_at_the_end():
    tandem = tandem_of(count=1)

    def fails(event):
        if event.kind == "closed":
            raise RuntimeError("a listener that fails")

    async def work():
        session = await tandem.open(listeners=[fails])
        with pytest.raises(RuntimeError, match="a listener that fails"):
            await session.close()
        await (await tandem.open()).close()

    run(work())


@pytest.mark.parametrize(("opening", "says"), [({"language": "xx"}, "does not speak"), ({}, "no ears")])
def test_a_part_that_will_not_begin_leaves_nothing_held(opening, says, tmp_path):
    tandem = tandem_of(hearing=Hearing(fails_at=None if opening else "open"), count=1)

    async def work():
        for _ in range(3):
            with pytest.raises(KameError, match=says):
                await tandem.open(events=tmp_path / "e.jsonl", **opening)
        assert not tandem.stepper.rows.open_rows and tandem.free == 1

    _, left = run(work())
    assert not left and tandem.recogniser.opened == tandem.recogniser.closed
    assert not (tmp_path / "e.jsonl").exists(), "what did not begin has no log"


@pytest.mark.parametrize("bad", [np.full(10, np.nan, np.float32), "junk", np.zeros((2, 5), np.float32)])
def test_sound_that_is_none_ends_its_conversation_and_no_other(bad):
    tandem = tandem_of()

    async def work():
        one, other = await tandem.open(), await tandem.open()
        reading = asyncio.create_task(taken(other))
        await one.push(SECOND)
        with pytest.raises(KameError):
            await one.push(bad)
        await asyncio.sleep(0.1)
        assert one.reason.startswith("sound ") or "NaN" in one.reason
        with pytest.raises(KameError, match="is over"):
            await one.push(SECOND)
        await speak(other)
        await other.close()
        return await reading

    outputs, left = run(work())
    assert not left and len([output for output in outputs if output.sound is not None]) >= 70


def test_sound_that_comes_too_fast_waits_and_is_not_lost():
    tandem = tandem_of()

    async def work():
        loop = asyncio.get_running_loop()
        session = await tandem.open()
        reading = asyncio.create_task(taken(session))
        for _ in range(60):
            await session.push(SECOND)
        lasted = loop.time()
        await session.close()
        return lasted, [output for output in await reading if output.event and output.event.kind == "late_frame"]

    (lasted, late), _ = run(work())
    assert 45 < lasted < 61, "an hour cannot be pushed in a second"
    assert not late


def test_a_stall_of_the_network_is_caught_up():
    tandem = tandem_of()

    async def work():
        session = await tandem.open()
        await speak(session, 1.0)
        await asyncio.sleep(1.5)
        await session.push(np.tile(SECOND, 2)[: 24_000 * 3 // 2])
        await asyncio.sleep(0.2)
        frames = session.session.frames
        await session.close()
        return frames

    assert run(work())[0] == pytest.approx(31, abs=1)


def test_a_model_that_is_late_skips_the_oldest_frames_and_says_so():
    tandem = tandem_of(delay=0.2)

    async def work():
        session = await tandem.open()
        reading = asyncio.create_task(taken(session))
        await speak(session, 60.0)
        behind = len(session._waiting)
        at = session.session.frames * 0.08
        await session.close()
        return behind, at, events(await reading, "late_frame")

    (behind, at, late), _ = run(work())
    assert behind <= 28 * 1920 and at > 56, "the delay does not grow"
    assert late[-1].total == sum(event.skipped for event in late) > 300


def test_a_client_that_takes_nothing_is_sent_away_and_memory_does_not_grow():
    tandem = tandem_of()

    async def work():
        session = await tandem.open()
        await speak(session, 600.0)
        await asyncio.sleep(1)
        return session, session._outputs.qsize()

    (session, waiting), left = run(work())
    assert "does not take" in session.reason and waiting <= MOST_OUTPUTS + 1 and not left and tandem.free == 2


def test_a_superseded_answer_and_the_end_close_the_requests():
    def script(question):
        return ["word ", 100, "late"]

    tandem = tandem_of(script)

    async def work():
        session = await tandem.open()
        await speak(session, 3.0)
        begun, left = tandem.answers.begun, tandem.answers.left
        await session.close()
        return begun, left

    (begun, given_up), left = run(work())
    assert begun == 2 and given_up == 1, "the second request gave up the first"
    assert tandem.answers.left == 2 and not left


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (lambda question: [KameError("it is down")], "it is down"),
        (lambda question: ["Two ", ValueError("odd")], "ValueError: odd"),
    ],
)
def test_a_back_end_that_fails_is_an_event(script, says):
    tandem = tandem_of(script)
    (session, outputs), left = run(talk(tandem))
    assert session.reason == "the user left" and not left
    assert all(says in event.message for event in events(outputs, "error")) and events(outputs, "error")


@pytest.mark.parametrize("fails_at", [0.5, 2.0])
def test_a_recogniser_that_fails_is_an_event_and_the_model_goes_on(fails_at):
    tandem = tandem_of(hearing=Hearing(SPEECH, fails_at=fails_at))
    (_, outputs), left = run(talk(tandem))
    assert [event.message for event in events(outputs, "error")] == ["deaf"]
    assert len([output for output in outputs if output.sound is not None]) > 70
    assert not left and tandem.recogniser.closed == 1


def test_a_model_that_fails_ends_the_conversation_with_its_reason():
    tandem = tandem_of(rows=ReadingRows(2, fails_at=10))

    async def work():
        session = await tandem.open()
        reading = asyncio.create_task(taken(session))
        await speak(session)
        outputs = await reading
        await session.close()
        return session.reason, events(outputs, "closed")

    (reason, closed), left = run(work())
    assert reason == closed[0].reason == "the model broke" and not left and tandem.free == 2


def test_a_recording_gets_each_frame_of_both_sides_and_its_fault_ends_it_alone():
    tandem, frames = tandem_of(), []

    def tap(user, assistant):
        frames.append((user, assistant))
        if len(frames) == 30:
            raise OSError("disk full")

    (session, outputs), _ = run(talk(tandem, tap=tap))
    assert len(frames) == 30 and session.reason == "the user left"
    assert "the recording ends here" in events(outputs, "error")[0].message


def test_a_tandem_that_closes_ends_every_conversation_and_tells_why():
    tandem = tandem_of()

    async def work():
        sessions = [await tandem.open() for _ in range(2)]
        readings = [asyncio.create_task(taken(session)) for session in sessions]
        await asyncio.gather(*(speak(session, 1.0) for session in sessions))
        await tandem.close("maintenance")
        await tandem.close()
        return [kinds(await reading)[-1] for reading in readings], [session.reason for session in sessions]

    (last, reasons), left = run(work())
    assert last == ["closed"] * 2 and reasons == ["maintenance"] * 2 and not left


def test_a_user_who_leaves_while_it_opens_leaves_nothing():
    blocks = threading.Event()

    class Slow(Hearing):
        def open(self, language):
            blocks.wait(20)
            return super().open(language)

    tandem = tandem_of(hearing=Slow())

    async def work():
        opening = asyncio.create_task(tandem.open())
        await asyncio.sleep(0.2)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        blocks.set()
        async with asyncio.timeout(20):
            while tandem.recogniser.closed < 1:
                await asyncio.sleep(0.01)
        assert tandem.free == 2 and not tandem.stepper.rows.open_rows
        await tandem.close()

    asyncio.run(work())


def test_a_recogniser_that_hangs_holds_up_nobody(monkeypatch):
    monkeypatch.setattr("kame_data.tandem.live_hearing.PATIENCE", 0.3)
    blocks = threading.Event()
    tandem = tandem_of(hearing=Hearing(SPEECH, blocks=blocks))

    async def work():
        session = await tandem.open()
        reading = asyncio.create_task(taken(session))
        await speak(session, 0.5)
        session._hearing.push(np.zeros(MOST_UNHEARD, np.float32))
        await speak(session, 0.5)
        assert not session._hearing._unheard
        await session.close()
        await tandem.close()
        return await reading

    began = time.monotonic()
    outputs = asyncio.run(work())
    assert time.monotonic() - began < 30 and tandem.recogniser.closed == 0
    blocks.set()
    messages = [event.message for event in events(outputs, "error")]
    assert len(messages) == 2 and "30 s late" in messages[0] and "did not end" in messages[1]


def test_a_recogniser_that_is_late_and_fails_then_is_told_of_once():
    blocks = threading.Event()
    tandem = tandem_of(hearing=Hearing(SPEECH, fails_at=0.0, blocks=blocks))

    async def work():
        session = await tandem.open()
        reading = asyncio.create_task(taken(session))
        await speak(session, 0.5)
        while session._hearing._call is None:
            await asyncio.sleep(0.01)
        session._hearing.push(np.zeros(MOST_UNHEARD, np.float32))
        blocks.set()
        await asyncio.wait([session._hearing._call])
        await speak(session, 0.5)
        await session.close()
        await tandem.close()
        return await reading

    (error,) = events(asyncio.run(work()), "error")
    assert "30 s late" in error.message


def held():
    """Bytes, threads and files of this process."""
    return tracemalloc.get_traced_memory()[0], threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_many_conversations_leave_no_task_thread_file_or_memory(count, tmp_path):
    tandem = tandem_of(count=4)

    async def one(number):
        await asyncio.sleep(number * 0.3)
        session = await tandem.open(events=tmp_path / f"{number}.jsonl")
        reading = asyncio.create_task(taken(session))
        await speak(session, 0.8 + 0.4 * (number % 3))
        await (session.close() if number % 2 else asyncio.sleep(0))
        if not number % 2:
            session._finish("gone")  # as a client that hangs up
            await session.close()
        await reading

    async def rounds(count):
        for begin in range(0, count, 4):
            await asyncio.gather(*(one(n % 4) for n in range(begin, begin + 4)))

    async def work():
        await rounds(12)
        gc.collect()
        tracemalloc.start()
        before = (
            tracemalloc.get_traced_memory()[0],
            threading.active_count(),
            len(list(Path("/proc/self/fd").iterdir())),
        )
        await rounds(count)
        gc.collect()
        after = held()
        tracemalloc.stop()
        return before, after, len(asyncio.all_tasks())

    (before, after, tasks), left = run(work())
    assert not left and tasks == 1 and tandem.free == 4
    assert after[1:] == before[1:]
    assert after[0] - before[0] < 2**20
    assert tandem.recogniser.opened == tandem.recogniser.closed == 12 + count == tandem.voice.closed


@pytest.mark.slow
def test_an_hour_of_one_conversation_is_flat_in_memory():
    tandem = tandem_of(hearing=Hearing([(20.0 * n, "end", f"question {n} of many") for n in range(1, 180)]))

    async def work():
        session = await tandem.open()

        async def read():
            async for _ in session.outputs():
                pass

        reading = asyncio.create_task(read())
        sizes = []
        for _ in range(3):
            await speak(session, 1200.0, piece=0.4)
            tandem.stepper.rows.seen[0].clear()
            gc.collect()
            sizes.append((len(gc.get_objects()), int(Path("/proc/self/statm").read_text().split()[1]) * 4096))
        await session.close()
        await reading
        return sizes, session.session.frames

    (sizes, frames), _ = run(work())
    assert frames > 44_000
    assert sizes[2][0] - sizes[1][0] < 500 and sizes[2][1] - sizes[1][1] < 20 * 2**20


def test_a_recogniser_that_comes_back_late_is_closed_then(monkeypatch):
    monkeypatch.setattr("kame_data.tandem.live_hearing.PATIENCE", 0.2)
    blocks = threading.Event()
    tandem = tandem_of(hearing=Hearing(SPEECH, blocks=blocks))

    async def work():
        session = await tandem.open()
        await speak(session, 0.3)
        await session.close()
        assert tandem.free == 2 and tandem.recogniser.closed == 0
        blocks.set()
        async with asyncio.timeout(20):
            while tandem.recogniser.closed < 1:
                await asyncio.sleep(0.01)
        await tandem.close()

    asyncio.run(work())


def test_a_real_model_in_its_thread_talks_to_two_at_once(tmp_path):
    settings = TandemSettings(model="untrained-tiny", recogniser="none", voice="model")

    async def work():
        async with open_tandem(settings, 2) as tandem:
            sessions = [await tandem.open(events=tmp_path / f"{number}") for number in range(2)]
            with pytest.raises(Full):
                await tandem.open()
            readings = [asyncio.create_task(taken(session)) for session in sessions]
            while min(session.session.frames for session in sessions) < 12:  # as long as a busy machine takes
                await asyncio.gather(*(session.push(np.zeros(1920, np.float32)) for session in sessions))
                await asyncio.sleep(0.08)
            await sessions[0].close()
            found = await readings[0]
        return found, await readings[1], sessions[1].reason

    before = threading.active_count()
    one, other, reason = asyncio.run(work())
    assert threading.active_count() <= before
    for outputs in (one, other):
        sounds = [output.sound for output in outputs if output.sound is not None]
        assert len(sounds) > 10 and all(sound.shape == (1920,) and np.isfinite(sound).all() for sound in sounds)
        assert kinds(outputs)[0] == "session" and kinds(outputs)[-1] == "closed"
    assert reason == "the tandem is closing" and read_log(tmp_path / "1").whole


def test_superseded_requests_close_their_connections_and_a_dead_server_stops_nobody():
    """A real client and a real server: each question's answer is slower than the next question."""

    def slowly(body):
        for _ in range(200):
            yield "word "
            yield 0.05

    script = [(0.1 * n, "interim", " ".join(["word"] * 2 * n)) for n in range(1, 8)]
    outputs = []

    async def work(server):
        answers = answers_of(server.spec(), AnswerSettings(first=60, whole=120))
        setup = replace(setup_of(), loop=LatencySettings(preset="ideal", policy="overlap", start_interval=0.3))
        tandem = Tandem(setup, Stepping(ReadingRows(1)), answers, OwnVoice(), Hearing(script))
        session = await tandem.open()
        reading = asyncio.create_task(taken(session, outputs))
        await speak(session, 2.0)
        async with asyncio.timeout(8):
            while server.open != 1:  # only the newest answer still comes
                await asyncio.sleep(0.02)
        asked = len(server.bodies)
        assert 1 < asked <= 7
        server.kill()
        await speak(session, 1.0)
        await session.close()
        await reading
        await tandem.close()
        await tandem.close()
        return asked, session.reason

    with StreamingServer(slowly) as server:
        asked, reason = asyncio.run(work(server))
    assert reason == "the user left" and len(server.broken) == asked and server.whole == 0
    assert [event.id for event in events(outputs, "cancelled")] == list(range(asked - 1))
    assert [event.part for event in events(outputs, "error")] == ["back_end"]
    assert events(outputs, "oracle")[-1].finish == "error"
