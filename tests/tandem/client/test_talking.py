"""A talk by recording or microphone with a real server over a scripted tandem."""

import asyncio
import sys
import threading
import time
import types

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from kame_data.errors import KameError, UsageError
from kame_data.settings.talk import TalkSettings
from kame_data.tandem import events as of
from kame_data.tandem.client import microphone
from kame_data.tandem.client.connecting import address, connected
from kame_data.tandem.client.microphone import Microphone
from kame_data.tandem.client.talking import Recording, Talk
from kame_data.tandem.frames import SAMPLES
from tandem.server.scripted import running, spoken, tandem

TOKEN = "a-token-of-16-characters"


def settings(url="http://127.0.0.1:1", **changed):
    return TalkSettings(**{"url": url, "sound_in": "question.wav", "quiet": 0.6, **changed})


async def by_recording(url, sound, **changed):
    """Talk with a recording; the events, both sides, and what was told."""
    chosen = settings(url, **changed)
    events, told = [], []
    async with connected(chosen) as socket:
        talk = Talk(socket, chosen, [events.append], told.append)
        await talk.run(Recording(sound, chosen, asyncio.Event()))
    return events, talk.sound(), told


@pytest.mark.parametrize(("form", "most"), [("s16", 1e-4), ("f32", 1e-7)])
def test_a_recording_is_answered_at_real_time_and_both_sides_are_kept(form, most):
    async def run():
        async with running() as server:
            question = spoken(3, after=0.3)
            began = time.monotonic()
            events, sound, _ = await by_recording(server.url, question, form=form)
            assert time.monotonic() - began >= len(question) / 24000
            assert isinstance(events[0], of.SessionBegins) and isinstance(events[-1], of.SessionEnds)
            words = [event for event in events if isinstance(event, of.WordSaid)]
            assert " ".join(word.text for word in words) == "You said that number, three"
            assert np.abs(sound[: len(question), 1] - question).max() <= most
            # The answer lies where the log says that it is spoken.
            start = next(
                event.at for event in events if isinstance(event, of.SpeechStart) and event.side == "assistant"
            )
            loud = np.abs(sound[:, 0]).reshape(-1, SAMPLES).max(1) > 0.1
            assert np.argmax(loud) * 0.08 == pytest.approx(start)
            assert events[-1].frames == len(sound) // SAMPLES

    asyncio.run(run())


@pytest.mark.slow
def test_frames_that_a_late_model_was_not_shown_are_silence_in_the_answer():
    async def run():
        made = tandem(1)
        async with running(made) as server:
            talking = asyncio.create_task(by_recording(server.url, spoken(2, after=4.0), quiet=1.0))
            await asyncio.sleep(1.0)
            made.rows.stuck = True
            await asyncio.sleep(2.6)
            made.rows.stuck = False
            events, sound, _ = await talking
            late = [event for event in events if isinstance(event, of.LateFrame)]
            assert late and late[-1].total > 0
            assert events[-1].frames == len(sound) // SAMPLES

    asyncio.run(run())


def test_who_waits_is_told_the_place_in_the_queue():
    async def run():
        async with running(tandem(1)) as server, aiohttp.ClientSession() as http:
            first = await http.ws_connect(f"{server.ws}/ws")
            talking = asyncio.create_task(by_recording(server.url, spoken(2, speech=0.4, after=0.1)))
            await asyncio.sleep(0.5)
            await first.close()
            events, _, told = await talking
            assert told == ["all conversations are taken; place 1 in the queue"]
            assert isinstance(events[-1], of.SessionEnds)

    asyncio.run(run())


def test_a_server_that_ends_the_talk_says_why():
    async def run():
        made = tandem(1)
        async with running(made) as server:
            talking = asyncio.create_task(by_recording(server.url, spoken(2, after=4.0)))
            await asyncio.sleep(0.5)
            made.rows.fails = True
            with pytest.raises(KameError, match=r"ended the talk: the model failed.*no memory.*code 1011"):
                await talking

    asyncio.run(run())


def test_the_token_comes_from_the_environment(monkeypatch):
    async def run():
        async with running(token=TOKEN) as server:
            monkeypatch.delenv("KAME_DATA_TOKEN", raising=False)
            with pytest.raises(KameError, match="wants a token; set KAME_DATA_TOKEN"):
                await by_recording(server.url, spoken(2))
            monkeypatch.setenv("KAME_DATA_TOKEN", TOKEN)
            events, _, _ = await by_recording(server.url, spoken(2, speech=0.3, after=0.1))
            assert isinstance(events[-1], of.SessionEnds)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("http://h:1", "ws://h:1/ws?format=s16"),
        ("https://my.site", "wss://my.site/ws?format=s16"),
        ("ws://h:1/ws", "ws://h:1/ws?format=s16"),
        ("wss://my.site/here/ws", "wss://my.site/here/ws?format=s16"),
    ],
)
def test_addresses(url, reached):
    assert str(address(settings(url))) == reached


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://h", "http://", "http://u:p@h", "http://h?token=x", "http://h:99999"]
)
def test_an_address_that_is_none_is_one_line(url):
    with pytest.raises(UsageError, match="URL"):
        address(settings(url))


def test_where_nobody_listens_it_is_one_line():
    async def run():
        with pytest.raises(KameError, match=r"ws://127.0.0.1:1/ws: nobody answers there .*refused") as error:
            await by_recording("http://127.0.0.1:1", spoken(1))
        assert "\n" not in str(error.value)

    asyncio.run(run())


JUNK = [
    ("7", "none of this protocol"),
    ("{", "none of this protocol"),
    ('{"kind": "bogus"}', "'bogus' that is no event"),
    ('{"kind": "word"}', "'word' that is no event"),
    (b"abc", "sends 3 bytes"),
    (np.full(SAMPLES, np.nan, "<f4").tobytes(), "no sound .*NaN"),
    ('{"kind": "late_frame", "time": 0, "wall": 0, "skipped": 1000000000000, "total": 0}', "none of this protocol"),
]


@pytest.mark.parametrize(("sent", "says"), JUNK)
def test_a_server_of_another_kind_is_one_line(sent, says):
    async def answer(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('{"kind": "ready"}')
        await (socket.send_bytes(sent) if isinstance(sent, bytes) else socket.send_str(sent))
        await socket.send_str("7")
        async for _ in socket:
            pass
        return socket

    async def run():
        app = web.Application()
        app.router.add_get("/ws", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        try:
            with pytest.raises(KameError, match=says):
                await by_recording(f"http://127.0.0.1:{port}", spoken(1), form="f32")
        finally:
            await runner.cleanup()

    asyncio.run(run())


class Devices(types.ModuleType):
    """The part of `sounddevice` that is used here, for there is no sound card: a microphone at 44,100 Hz that plays a
    question, and a loudspeaker at 48,000 Hz."""

    class PortAudioError(Exception):
        pass

    def __init__(self, question, refused=False):
        super().__init__("sounddevice")
        self.played = []
        devices = self

        class Stream:
            def __init__(self, samplerate, callback, channels, dtype):
                if refused:
                    raise devices.PortAudioError("Device unavailable")
                self.rate, self.callback, self.on = samplerate, callback, True
                self.thread = threading.Thread(target=self.run, daemon=True)

            def __enter__(self):
                self.thread.start()

            def __exit__(self, *_):
                self.on = False
                self.thread.join()

        class InputStream(Stream):
            def run(self):
                assert self.rate == 44100
                sound, size = (
                    np.interp(np.arange(0, len(question), 24 / 44.1), np.arange(len(question)), question),
                    1024,
                )
                for start in range(0, len(sound) - size, size):
                    if self.on:
                        self.callback(sound[start : start + size, None].astype(np.float32), size, None, None)
                        time.sleep(size / 44100 * 0.97)

        class OutputStream(Stream):
            def run(self):
                assert self.rate == 48000
                while self.on:
                    out = np.zeros((1024, 1), np.float32)
                    self.callback(out, 1024, None, None)
                    devices.played.append(out[:, 0])
                    time.sleep(1024 / 48000)

        self.InputStream, self.OutputStream = InputStream, OutputStream

    def query_devices(self, kind):
        return {"default_samplerate": {"input": 44100.0, "output": 48000.0}[kind]}


def test_a_microphone_and_a_loudspeaker_at_their_own_rates(monkeypatch):
    devices = Devices(spoken(5, after=3.0))
    monkeypatch.setitem(sys.modules, "sounddevice", devices)

    async def run():
        async with running() as server:
            chosen = settings(server.url, sound_in=None, mic=True)
            events = []
            async with connected(chosen) as socket:
                talk = Talk(socket, chosen, [events.append])
                user = Microphone(asyncio.Event())
                asyncio.get_running_loop().call_later(4.0, user.done.set)
                with user.open():
                    await talk.run(user)
            words = [event.text for event in events if isinstance(event, of.WordSaid)]
            assert " ".join(words) == "You said that number, five"

    asyncio.run(run())
    played = np.concatenate(devices.played)
    assert 0.25 < np.abs(played).max() < 0.35
    pitch = np.argmax(np.abs(np.fft.rfft(played))) * 48000 / len(played)
    assert pitch == pytest.approx(440, rel=0.02)


def test_a_microphone_that_is_refused_or_missing_is_one_line(monkeypatch):
    async def open_():
        with Microphone(asyncio.Event()).open():
            pass

    monkeypatch.setitem(sys.modules, "sounddevice", Devices(spoken(1), refused=True))
    with pytest.raises(KameError, match=r"--mic: no microphone .*Device unavailable.*--in"):
        asyncio.run(open_())
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UsageError, match=r"pip install 'kame-data\[mic\]'"):
        asyncio.run(open_())
    monkeypatch.undo()
    try:
        microphone._sounddevice()
    except UsageError as error:  # as on this machine, where the system's library is missing
        assert "portaudio" in str(error).lower() or "pip install" in str(error)
