"""The server at work: its socket and certificate, its limits, wires that are cut, and its end."""

import asyncio
import base64
import contextlib
import gc
import json
import os
import signal
import ssl
import subprocess
import tracemalloc
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from kame_data.errors import KameError, UsageError
from kame_data.settings.server import ServerSettings
from kame_data.tandem.server.serving import MORE_CONNECTIONS, check_tls, listen_at
from tandem.server.scripted import as_s16, close_of, left_nothing, running, spoken, tandem
from tandem.server.test_own import talk, words

# Socket and certificate.


def test_a_port_in_use_and_a_host_of_others_are_one_line():
    with contextlib.closing(listen_at(ServerSettings(port=0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(KameError, match=rf"--port {port}: is in use on 127.0.0.1; name another one"):
            listen_at(ServerSettings(port=port))
    with pytest.raises(KameError, match=r"--host 203\.0\.113\.7"):
        listen_at(ServerSettings(host="203.0.113.7", port=0))
    with pytest.raises(KameError, match=r"--host no\.such\.invalid"):
        listen_at(ServerSettings(host="no.such.invalid", port=0))


@pytest.fixture
def certificate(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def test_tls_by_files(certificate):
    cert, key = certificate

    async def run():
        settings = {"tls_cert": cert, "tls_key": key}
        async with running(**settings) as server:
            context = ssl.create_default_context(cafile=cert)
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(f"wss://127.0.0.1:{server.port}/ws", ssl=context) as socket,
            ):
                assert json.loads((await socket.receive()).data)["kind"] == "ready"

    asyncio.run(run())


def test_files_that_are_no_certificate_are_named(certificate, tmp_path):
    cert, key = certificate
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    for pair, says in (
        ((tmp_path / "none.pem", key), "--tls-cert .*none.pem: no such file"),
        ((other, key), "no pair of PEM files"),
        ((cert, other), "no pair of PEM files"),
    ):
        with pytest.raises(UsageError, match=says):
            check_tls(ServerSettings(tls_cert=pair[0], tls_key=pair[1]))
    with pytest.raises(ValueError, match="give both"):
        ServerSettings(tls_cert=cert)


# Limits.


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"idle": 0.5}, "nothing came for 0.5 s"), ({"longest": 0.5}, "may last 0.5 s")],
)
@pytest.mark.parametrize("path", ["/ws", "/api/chat", "/v1/realtime"])
def test_who_sends_nothing_and_who_talks_too_long_is_sent_away_with_a_reason(settings, says, path):
    async def run():
        async with running(**settings) as server, aiohttp.ClientSession() as http:
            code, reason = await close_of(await http.ws_connect(f"{server.ws}{path}"))
            assert code == 1008 and says in reason
            page = await (await http.get(f"{server.url}/metrics")).text()
            assert 'kame_closed_total{code="1008"} 1.0' in page

    asyncio.run(run())


@pytest.mark.parametrize("drip", [b"", b"GET / HTTP/1.1\r\nX-Slow: "])
def test_a_connection_that_asks_for_nothing_or_byte_by_byte_is_hung_up_on(monkeypatch, drip):
    monkeypatch.setattr("kame_data.tandem.server.serving.REQUEST_WITHIN", 0.5)

    async def run():
        async with running() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            reading = asyncio.create_task(reader.read())
            for byte in drip:
                if not reading.done():
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.1)
            assert await asyncio.wait_for(reading, 5) == b""
            writer.close()

    asyncio.run(run())


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@pytest.mark.parametrize("frame", [b"\x89\x80" + bytes(4), b"\x00\x80" + bytes(4)], ids=["pings", "pieces"])
@pytest.mark.parametrize("waits", [False, True])
def test_frames_that_are_no_message_are_counted_as_messages(frame, waits):
    async def run():
        made = tandem(1)
        async with running(made, burst=100, messages=1.0) as server, aiohttp.ClientSession() as http:
            other = await http.ws_connect(f"{server.ws}/ws") if waits else None
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(UPGRADE + b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            begins = b"\x02\x80" + bytes(4)  # the first piece of a message
            writer.write(begins + frame * 99)
            await writer.drain()
            while made.slots > len(made.sessions):
                await asyncio.sleep(0.01)
            assert not reader.at_eof()
            writer.write(frame * 300)
            end = await asyncio.wait_for(reader.read(), 10)
            assert b"more than 100 messages at once" in end and (1008).to_bytes(2, "big") in end
            writer.close()
            if other is not None:
                await other.close()
            await left_nothing(server)

    asyncio.run(run())


def test_pings_of_a_client_that_reads_nothing_wait_nowhere():
    async def run():
        async with running(burst=100_000, messages=1e6) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
            writer.write(UPGRADE + b"\r\n")
            while not server.tandem.sessions:
                await asyncio.sleep(0.01)
            writer.transport.pause_reading()
            ping = b"\x89\xfd" + bytes(4 + 125)
            tracemalloc.start()
            for _ in range(50):
                writer.write(ping * 1500)
                await asyncio.wait_for(writer.drain(), 10)
            held = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            assert held < 2_000_000, f"{held} bytes are held of {50 * 1500 * len(ping)}"
            writer.transport.abort()

    asyncio.run(run())


def test_websockets_whose_headers_are_not_ascii_are_refused_and_take_nobodys_place(caplog):
    async def run():
        async with running(waiting=0) as server, aiohttp.ClientSession() as http:
            for _ in range(server.tandem.slots + MORE_CONNECTIONS + 1):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(UPGRADE + b"Sec-WebSocket-Protocol: token.\xff\xfe, x\r\n\r\n")
                assert not (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 101")
                writer.close()
            assert (await http.get(f"{server.url}/healthz")).status == 200

    asyncio.run(run())
    assert "Traceback" not in caplog.text and not caplog.records


@pytest.mark.slow
def test_a_client_that_takes_nothing_is_sent_away_and_others_do_not_notice(monkeypatch):
    monkeypatch.setattr("kame_data.tandem.live.MOST_OUTPUTS", 20)

    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
            writer.transport.pause_reading()
            writer.write(UPGRADE.replace(b"/ws", b"/ws?format=f32") + b"\r\n")
            while not server.tandem.sessions:
                await asyncio.sleep(0.01)
            greedy = next(iter(server.tandem.sessions))
            frame = b"\x82\xfe" + (1920 * 4).to_bytes(2, "big") + bytes(4) + bytes(1920 * 4)
            other = asyncio.create_task(talk(http, server.ws, spoken(6, after=2.5)))
            while greedy.reason is None:
                writer.write(frame)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    await asyncio.wait_for(writer.drain(), 0.5)
                await asyncio.sleep(0.005)
            assert greedy.reason == "the client does not take what is sent to it"
            events, _, code = await other
            assert code == 1000 and words(events).endswith("six")
            await left_nothing(server, within=60)
            writer.transport.abort()

    asyncio.run(run())


# Wires that are cut.


async def cut(http, url, path, when):
    """Connect, and cut the wire at a moment, without a word."""
    socket = await http.ws_connect(f"{url}{path}", autoclose=False)
    if when == "connected":
        pass
    elif when == "greeted":
        await socket.receive()
    else:
        sound = spoken(3, before=0.0, speech=0.4, after=0.4)
        for start in range(0, len(sound), 1920):
            piece = sound[start : start + 1920]
            if path == "/ws":
                await socket.send_bytes(as_s16(piece))
            elif path == "/v1/realtime":
                audio = base64.b64encode(as_s16(piece)).decode()
                await socket.send_json({"type": "input_audio_buffer.append", "audio": audio})
            await asyncio.sleep(0.02)
        if when == "answered":
            await asyncio.sleep(0.8)
    socket._response.connection.transport.abort()


@pytest.mark.parametrize("path", ["/ws", "/api/chat", "/v1/realtime"])
def test_a_wire_may_be_cut_at_any_moment_and_nothing_is_left(path):
    async def run():
        async with running(tandem(4)) as server, aiohttp.ClientSession() as http:
            for when in ("connected", "greeted", "spoken", "answered"):
                await asyncio.gather(*(cut(http, server.ws, path, when) for _ in range(4)))
                await left_nothing(server)

    asyncio.run(run())


def test_two_hundred_conversations_leave_no_task_no_file_and_no_memory():
    async def run():
        async with running(tandem(24)) as server, aiohttp.ClientSession() as http:

            async def some(path, count):
                for _ in range(count):
                    async with http.ws_connect(f"{server.ws}{path}") as socket:
                        await socket.receive()
                        if path == "/ws":
                            await socket.send_bytes(bytes(3840 * 5))
                            await socket.receive()

            async def round_(count):
                await asyncio.gather(
                    *(some(path, count) for path in ("/ws", "/api/chat", "/v1/realtime") for _ in "ab")
                )
                await left_nothing(server)

            def held():
                return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())

            await round_(5)
            tracemalloc.start()
            files, tasks = held()
            await round_(6)
            gc.collect()
            first = tracemalloc.get_traced_memory()[0]
            await round_(30)
            # uvicorn lets go of a closed connection some seconds later, and of its circles when they are collected.
            for _ in range(40):
                gc.collect()
                last = tracemalloc.get_traced_memory()[0]
                if last - first < 400_000:
                    break
                await asyncio.sleep(0.5)
            tracemalloc.stop()
            assert held()[0] <= files + 4 and held()[1] <= tasks + 2
            assert last - first < 400_000, f"{(last - first) / 180:.0f} bytes a conversation stay"

    asyncio.run(run())


# A model that fails or hangs, and the end of the server.


def test_a_model_that_fails_ends_conversations_with_its_reason_and_the_server_stays():
    async def run():
        made = tandem(2)
        async with running(made) as server, aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"{server.ws}/ws")
            await socket.receive()
            made.rows.fails = True
            await socket.send_bytes(as_s16(np.zeros(1920 * 3, np.float32)))
            code, reason = await close_of(socket)
            assert code == 1011 and "no memory" in reason
            made.rows.fails = False
            events, _, code = await talk(http, server.ws, spoken(2, after=2.5))
            assert code == 1000 and words(events).endswith("two")

    asyncio.run(run())


def test_a_model_that_hangs_ends_the_conversation_in_the_end(monkeypatch):
    monkeypatch.setattr("kame_data.tandem.server.conversation.STALLED", 0.5)

    async def run():
        made = tandem(1)
        async with running(made) as server, aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"{server.ws}/ws")
            made.rows.stuck = True
            await socket.send_bytes(as_s16(np.zeros(24000 * 9, np.float32)))
            code, reason = await close_of(socket)
            assert code == 1011 and "taken no sound" in reason

    asyncio.run(run())


def test_sigterm_lets_conversations_end_and_lets_nobody_in():
    async def run():
        async with running(tandem(1), drain=20.0) as server, aiohttp.ClientSession() as http:
            talking = asyncio.create_task(talk(http, server.ws, spoken(7, after=2.5)))
            await asyncio.sleep(0.5)
            waiting = await http.ws_connect(f"{server.ws}/ws")
            await waiting.receive()
            os.kill(os.getpid(), signal.SIGTERM)
            assert await close_of(waiting) == (1001, "the server is closing")
            ready = await http.get(f"{server.url}/readyz")
            assert ready.status == 503 and (await http.get(f"{server.url}/healthz")).status == 200
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"{server.ws}/ws")
            assert refused.value.status == 503
            events, _, code = await talking
            assert code == 1000 and words(events).endswith("seven")
            await server.ended()
            assert "1 still talking, for 20 s at most" in server.said[0]

    asyncio.run(run())


@pytest.mark.parametrize("signals", [1, 2])
def test_what_goes_on_behind_the_drain_or_a_second_signal_is_ended_with_a_reason(signals):
    async def run():
        async with running(tandem(1), drain=1.0 if signals == 1 else 60.0) as server, aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"{server.ws}/ws")
            for _ in range(signals):
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(0.2)
            assert await close_of(socket) == (1001, "the server is closing")
            await server.ended()

    asyncio.run(run())
