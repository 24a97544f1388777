"""`/ws`: sound and events both ways, the queue, and what is no message."""

import asyncio
import contextlib
import json

import aiohttp
import numpy as np
import pytest

from tandem.server.scripted import as_s16, close_of, left_nothing, running, spoken, tandem


async def talk(http, url, sound, paced=True, piece=1920, query=""):
    """Speak to a server; its events, its sound, and its close code."""
    events, heard = [], []
    async with http.ws_connect(f"{url}/ws?format=s16{query}", autoclose=False) as socket:
        first = json.loads((await socket.receive()).data)
        while first["kind"] == "queue":
            events.append(first)
            first = json.loads((await socket.receive()).data)
        assert first["kind"] == "ready" and first["format"] == "s16" and first["rate"] == 24000

        async def send():
            for start in range(0, len(sound), piece):
                await socket.send_bytes(as_s16(sound[start : start + piece]))
                await asyncio.sleep(piece / 24000 * 0.98 if paced else 0)
            await socket.send_str('{"kind": "end"}')

        sending = asyncio.create_task(send())
        while True:
            message = await asyncio.wait_for(socket.receive(), 30)
            if message.type == aiohttp.WSMsgType.BINARY:
                heard.append(np.frombuffer(message.data, "<i2"))
            elif message.type == aiohttp.WSMsgType.TEXT:
                events.append(json.loads(message.data))
            else:
                break
        await sending
        return events, np.concatenate(heard or [np.zeros(0, "<i2")]), socket.close_code


def words(events):
    return " ".join(event["text"] for event in events if event["kind"] == "word")


def test_a_question_is_answered_over_ws_with_all_events():
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            events, sound, code = await talk(http, server.ws, spoken(3, after=3.0))
            assert code == 1000
            assert events[0]["kind"] == "session"
            assert events[-1]["kind"] == "closed" and events[-1]["reason"] == "the user left"
            assert {"user_partial", "user_final", "ask", "first_token", "oracle", "oracle_read", "word"} <= {
                event["kind"] for event in events
            }
            assert words(events) == "You said that number, three"
            assert np.abs(sound).max() > 5000 and len(sound) % 1920 == 0
            page = await (await http.get(f"{server.url}/metrics")).text()
            assert 'kame_conversations_total{protocol="ws"} 1.0' in page
            assert "kame_oracles_read_total 1.0" in page and "kame_first_token_seconds_count 1.0" in page
            steps = next(line for line in page.splitlines() if line.startswith("kame_step_seconds_count"))
            assert float(steps.split()[1]) >= 50

    asyncio.run(run())


def test_nobody_sees_another_ones_words():
    async def run():
        async with running(tandem(4)) as server, aiohttp.ClientSession() as http:
            talks = [talk(http, server.ws, spoken(number, after=3.0)) for number in (2, 5, 7, 9)]
            for word, (events, _, code) in zip(
                ("two", "five", "seven", "nine"), await asyncio.gather(*talks), strict=True
            ):
                assert code == 1000 and words(events) == f"You said that number, {word}"
                others = {"two", "five", "seven", "nine"} - {word}
                assert not [other for other in others if other in json.dumps(events)]

    asyncio.run(run())


@pytest.mark.slow
def test_sound_that_comes_all_at_once_is_taken_as_it_is_spoken():
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            sound = spoken(4, after=8.0)
            began = asyncio.get_running_loop().time()
            events, heard, code = await talk(http, server.ws, sound, paced=False, piece=len(sound))
            assert code == 1000 and words(events).endswith("four")
            assert asyncio.get_running_loop().time() - began > 3
            assert len(heard) >= 24000 * 4

    asyncio.run(run())


@pytest.mark.slow
def test_the_queue_shows_places_and_the_next_one_talks():
    async def run():
        async with running(tandem(1), waiting=2) as server, aiohttp.ClientSession() as http:
            first = asyncio.create_task(talk(http, server.ws, spoken(1, after=2.0)))
            await asyncio.sleep(0.3)
            second = asyncio.create_task(talk(http, server.ws, spoken(2, after=2.5)))
            await asyncio.sleep(0.2)
            third = await http.ws_connect(f"{server.ws}/ws")
            assert json.loads((await third.receive()).data) == {"kind": "queue", "place": 2}
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"{server.ws}/ws")
            assert refused.value.status == 503 and int(refused.value.headers["Retry-After"]) > 0
            ready = await http.get(f"{server.url}/readyz")
            assert ready.status == 503
            events, _, _ = await second
            assert events[0] == {"kind": "queue", "place": 1} and words(events).endswith("two")
            assert json.loads((await third.receive()).data) == {"kind": "queue", "place": 1}
            assert json.loads((await third.receive()).data)["kind"] == "ready"
            await third.close()
            await first

    asyncio.run(run())


def test_who_waits_may_leave_and_who_is_next_moves_up():
    async def run():
        async with running(tandem(1), waiting=4) as server, aiohttp.ClientSession() as http:
            talking = await http.ws_connect(f"{server.ws}/ws")
            waiting = [await http.ws_connect(f"{server.ws}/ws") for _ in range(3)]
            for place, socket in enumerate(waiting, 1):
                assert json.loads((await socket.receive()).data)["place"] == place
            await waiting[0].close()
            assert json.loads((await waiting[1].receive()).data)["place"] == 1
            assert json.loads((await waiting[2].receive()).data)["place"] == 2
            waiting[1]._response.connection.transport.abort()  # as a wire that is cut
            assert json.loads((await asyncio.wait_for(waiting[2].receive(), 5)).data)["place"] == 1
            await talking.close()
            assert json.loads((await waiting[2].receive()).data)["kind"] == "ready"
            await waiting[2].close()

    asyncio.run(run())


BAD = [
    ([b"abc"], 1007, "3 bytes are no whole number of s16 samples"),
    (["{"], 1007, "no JSON"),
    (["[" * 100_000], 1007, "no JSON"),
    (['{"kind": "bogus"}'], 1003, "'bogus'"),
    (["7"], 1003, "None"),
    ([b""] * 10_000, 1008, "messages at once"),
    ([b"\0" * 200_000], 1009, "exceeds limit"),
]


def test_what_is_no_message_ends_its_own_conversation_with_a_reason():
    async def misbehave(http, url, messages):
        socket = await http.ws_connect(f"{url}/ws")
        with contextlib.suppress(aiohttp.ClientConnectionResetError):
            for message in messages:
                await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        return await close_of(socket)

    async def run():
        limits = {"burst": 1000, "messages": 50.0, "message_bytes": 100_001}
        async with running(tandem(8), **limits) as server, aiohttp.ClientSession() as http:
            other = asyncio.create_task(talk(http, server.ws, spoken(6, after=2.5)))
            await asyncio.sleep(0.3)
            ends = await asyncio.gather(*(misbehave(http, server.ws, messages) for messages, _, _ in BAD))
            for (code, reason), (_, expected, says) in zip(ends, BAD, strict=True):
                assert code == expected and says in reason
            events, _, closed = await other
            assert closed == 1000 and words(events) == "You said that number, six"

    asyncio.run(run())


def test_sound_with_nan_ends_the_conversation_in_a_line():
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"{server.ws}/ws?format=f32")
            await socket.send_bytes(np.full(1920, np.nan, "<f4").tobytes())
            code, reason = await close_of(socket)
            assert code == 1007 and "NaN" in reason

    asyncio.run(run())


@pytest.mark.parametrize(("query", "status"), [("?format=mp3", 400), ("?format=", 400)])
def test_a_form_that_is_none_is_refused_at_the_door(query, status):
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"{server.ws}/ws{query}")
            assert refused.value.status == status

    asyncio.run(run())


@pytest.mark.parametrize(("language", "says"), [("xx", "cannot speak it"), ("../../etc", "is none")])
def test_a_language_that_cannot_be_spoken_is_said(language, says):
    async def run():
        async with running() as server, aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"{server.ws}/ws?language={language}")
            code, reason = await close_of(socket)
            assert code == 1011 and says in reason
            await left_nothing(server)

    asyncio.run(run())
