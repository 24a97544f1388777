"""`/api/chat`: Moshi's protocol to the byte, its own client, and what is no Opus."""

import argparse
import asyncio
import contextlib
import sys
import threading
import time
import types

import aiohttp
import numpy as np
import pytest
import sphn

from tandem.server.scripted import close_of, left_nothing, running, spoken, tandem


async def talk(http, url, sound):
    """What the server sends to somebody who speaks Moshi's protocol: all its messages."""
    writer = sphn.OpusStreamWriter(24000)
    messages = []
    async with http.ws_connect(f"{url}/api/chat") as socket:
        assert (await socket.receive()).data == b"\0"

        async def receive():
            async for message in socket:
                assert message.type == aiohttp.WSMsgType.BINARY
                messages.append(message.data)

        receiving = asyncio.create_task(receive())
        for start in range(0, len(sound) - 1919, 1920):
            await socket.send_bytes(b"\x01" + writer.append_pcm(sound[start : start + 1920]))
            await asyncio.sleep(0.078)
        await asyncio.sleep(0.2)
        await socket.close()
        await receiving
    return messages


def test_handshake_sound_and_text_are_moshis_and_nothing_else_goes_out():
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            messages = await talk(http, server.ws, spoken(3, after=3.0))
            assert {message[0] for message in messages} == {1, 2}
            text = b"".join(message[1:] for message in messages if message[0] == 2).decode()
            assert text == " You said that number, three"
            opus = [message[1:] for message in messages if message[0] == 1]
            assert opus[0].startswith(b"OggS") and b"OpusHead" in opus[0]
            reader = sphn.OpusStreamReader(24000)
            sound = np.concatenate([reader.append_bytes(page) for page in opus])
            assert 0.2 < np.abs(sound).max() < 0.6 and len(sound) / 24000 == pytest.approx(4.0, abs=0.4)

    asyncio.run(run())


@contextlib.asynccontextmanager
async def connected(server):
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{server.ws}/api/chat") as socket:
        yield socket


class Devices(types.ModuleType):
    """The part of `sounddevice` that moshi's client uses, for there is no sound card: a microphone that plays a
    question once, and a loudspeaker that keeps what it is given."""

    def __init__(self, question):
        super().__init__("sounddevice")
        self.question, self.played = question, []
        devices = self

        class Stream:
            def __init__(self, samplerate, channels, blocksize, callback):
                assert (samplerate, channels, blocksize) == (24000, 1, 1920)
                self.callback, self.on = callback, True
                self.thread = threading.Thread(target=self.run, daemon=True)

            def __enter__(self):
                self.thread.start()

            def __exit__(self, *_):
                self.on = False
                self.thread.join()

        class InputStream(Stream):
            def run(self):
                for start in range(0, len(devices.question) - 1919, 1920):
                    if self.on:
                        self.callback(devices.question[start : start + 1920, None], 1920, None, None)
                        time.sleep(0.078)

        class OutputStream(Stream):
            def run(self):
                while self.on:
                    out = np.zeros((1920, 1), np.float32)
                    self.callback(out, 1920, None, None)
                    devices.played.append(out[:, 0])
                    time.sleep(0.08)

        self.InputStream, self.OutputStream = InputStream, OutputStream


@pytest.mark.slow
def test_moshis_own_client_talks_and_prints_the_answer(monkeypatch, capsys):
    devices = Devices(spoken(7, after=3.0))
    monkeypatch.setitem(sys.modules, "sounddevice", devices)
    monkeypatch.delitem(sys.modules, "moshi.client", raising=False)
    from moshi import client

    async def run():
        token = "a-token-of-16-characters"
        async with running(token=token) as server:
            url = f"ws://anybody:{token}@127.0.0.1:{server.port}"
            args = argparse.Namespace(url=url, host="", port=0, https=False)
            talking = asyncio.create_task(client.run(client.RawPrinter(), args))
            out = err = ""
            async with asyncio.timeout(20):
                while "seven" not in out or not any(np.abs(piece).max() > 0.2 for piece in devices.played):
                    await asyncio.sleep(0.1)
                    printed = capsys.readouterr()
                    out, err = out + printed.out, err + printed.err
            assert not talking.done()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            return out, err

    out, err = asyncio.run(run())
    monkeypatch.delitem(sys.modules, "moshi.client", raising=False)
    assert "You said that number, seven" in out and "Lost connection" not in err


def test_a_client_that_sends_nothing_hears_something_every_ten_seconds():
    async def run():
        async with running() as server, connected(server) as socket:
            assert (await socket.receive()).data == b"\0"
            began = asyncio.get_running_loop().time()
            times = []
            while len(times) < 20:
                assert (await asyncio.wait_for(socket.receive(), 10)).data[0] == 1
                times.append(asyncio.get_running_loop().time() - began)
            assert times[-1] - times[0] > 1.0, "silence is put in as it passes"

    asyncio.run(run())


def whole_opus(seconds):
    writer = sphn.OpusStreamWriter(24000)
    frames = np.zeros((int(seconds / 0.08), 1920), np.float32)
    return b"".join(writer.append_pcm(frame) for frame in frames)


JUNK = np.random.default_rng(1).bytes(2000)
BROKEN = bytearray(whole_opus(1.0))
BROKEN[200::41] = bytes(byte ^ 0x55 for byte in BROKEN[200::41])


@pytest.mark.parametrize(
    ("message", "code", "says"),
    [
        (b"\x01" + b"junk" * 100, 1007, "no Ogg-Opus"),
        (b"\x01" + JUNK, 1007, "no Ogg-Opus"),
        (b"\x01" + bytes(BROKEN), 1007, "no Ogg-Opus"),
        (b"RIFF....WAVE", 1003, "kind 82"),
        ("text", 1003, "binary"),
        (b"\x01" + b"\0" * 70_000, 1009, "exceeds limit"),
    ],
)
def test_what_is_no_opus_is_said_and_nothing_is_left(message, code, says):
    async def run():
        async with running(message_bytes=65_536) as server, aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"{server.ws}/api/chat")
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
            got, reason = await close_of(socket)
            assert got == code and says in reason
            await left_nothing(server)

    asyncio.run(run())


def endless_page(number):
    """A page of Ogg in good order, of a packet that goes on and on: 255 segments of 255 bytes, and no end."""
    flags = 1 if number else 2
    head = b"OggS\0" + bytes([flags]) + b"\xff" * 8 + (7).to_bytes(4, "little") + number.to_bytes(4, "little")
    body = b"\xff" + b"\xff" * 255 + bytes(255 * 255)
    checksum = 0
    for byte in head + bytes(4) + body:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum & 0x80000000 else 0)) & 0xFFFFFFFF
    return head + checksum.to_bytes(4, "little") + body


def test_opus_that_never_holds_sound_does_not_pile_up(monkeypatch):
    monkeypatch.setattr("kame_data.tandem.server.moshi_chat.MOST_UNDECODED", 150_000)
    pages = [endless_page(number) for number in range(4)]

    async def run():
        async with running() as server, connected(server) as socket:
            with contextlib.suppress(ConnectionError):
                for page in pages:
                    await socket.send_bytes(b"\x01" + page)
            code, reason = await close_of(socket)
            assert code == 1007 and "hold no sound" in reason

    asyncio.run(run())


def test_kinds_of_moshis_protocol_that_say_nothing_here_are_let_be():
    async def run():
        async with running() as server, connected(server) as socket:
            for kind in (0, 2, 3, 4, 5, 6):
                await socket.send_bytes(bytes([kind]) + b"x")
            await socket.send_bytes(b"")
            await socket.send_bytes(b"\x01" + whole_opus(0.4))
            assert (await socket.receive()).data == b"\0"
            assert (await socket.receive()).data[0] == 1

    asyncio.run(run())


def test_a_second_client_of_one_slot_is_told_to_come_again():
    async def run():
        async with running(tandem(1)) as server, aiohttp.ClientSession() as http:
            async with http.ws_connect(f"{server.ws}/api/chat"):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await http.ws_connect(f"{server.ws}/api/chat")
                assert refused.value.status == 503 and int(refused.value.headers["Retry-After"]) > 0
            await left_nothing(server)
            async with http.ws_connect(f"{server.ws}/api/chat") as again:
                assert (await again.receive()).data == b"\0"

    asyncio.run(run())
