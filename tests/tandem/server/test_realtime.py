"""`/v1/realtime`, by openai's own client."""

import asyncio
import base64
import contextlib
import json
import sys

import aiohttp
import numpy as np
import openai
import pytest
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import TypeAdapter

from tandem.server.scripted import TOKENIZER, as_s16, left_nothing, running, spoken, tandem

TOKEN = "a-token-of-16-characters"
EVENT = TypeAdapter(RealtimeServerEvent)


@contextlib.asynccontextmanager
async def connected(server, key=TOKEN):
    client = openai.AsyncOpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0)
    async with client, client.realtime.connect(model="kame") as connection:
        yield connection


async def say(connection, sound, piece=2400):
    for start in range(0, len(sound), piece):
        audio = base64.b64encode(as_s16(sound[start : start + piece])).decode()
        await connection.input_audio_buffer.append(audio=audio)
        await asyncio.sleep(piece / 24000 * 0.98)


async def until(connection, *kinds, within=15):
    """The events until one of each kind has come; each is checked against openai's own types."""
    events, left = [], set(kinds)
    async with asyncio.timeout(within):
        while left:
            raw = await connection.recv_bytes()
            EVENT.validate_python(json.loads(raw))
            event = connection.parse_event(raw)
            events.append(event)
            left.discard(event.type)
    return events


def kinds(events):
    return [event.type for event in events]


@pytest.mark.slow
def test_openais_client_asks_by_voice_and_hears_the_answer():
    async def run():
        async with running(token=TOKEN) as server, connected(server) as connection:
            created = (await until(connection, "session.created"))[0]
            assert created.session.type == "realtime" and created.session.audio.output.format.rate == 24000
            await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
            updated = (await until(connection, "session.updated"))[-1]
            assert updated.session.instructions == "", "what is not read is not confirmed as if it were"
            # The client falls silent by sending nothing, as at push-to-talk.
            speaking = asyncio.create_task(say(connection, spoken(3, after=0.3)))
            events = await until(connection, "response.done")
            await speaking
            got = kinds(events)
            order = [
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.input_audio_transcription.completed",
                "response.created",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_audio_transcript.delta",
                "response.output_audio.delta",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.output_item.done",
                "response.done",
            ]
            assert [kind for kind in dict.fromkeys(got) if kind in order] == order
            by = {event.type: event for event in events}
            heard = by["conversation.item.input_audio_transcription.completed"].transcript
            assert heard == "This is number three"
            deltas = [e.delta for e in events if e.type == "conversation.item.input_audio_transcription.delta"]
            assert "".join(deltas) == heard and len(deltas) > 1
            said = by["response.output_audio_transcript.done"].transcript
            assert said == "You said that number, three"
            assert "".join(e.delta for e in events if e.type == "response.output_audio_transcript.delta") == said
            assert by["response.done"].response.status == "completed"
            assert by["response.done"].response.output[0].content[0].transcript == said
            sound = b"".join(base64.b64decode(e.delta) for e in events if e.type == "response.output_audio.delta")
            samples = np.frombuffer(sound, "<i2")
            loud = np.abs(samples.reshape(-1, 1920)).max(1) > 1000
            tokens = len(TOKENIZER.encode(said))  # a frame each
            assert loud[:tokens].all() and not loud[tokens:].any(), "the response begins where its sound begins"
            assert len({event.event_id for event in events}) == len(events)
            responses = {e.response_id for e in events if e.type.startswith("response.output_audio")}
            assert responses == {by["response.created"].response.id}

    asyncio.run(run())


@pytest.mark.slow
def test_a_response_that_is_cancelled_is_heard_no_more_and_no_part_of_the_history():
    async def run():
        async with running(token=TOKEN) as server, connected(server) as connection:
            speaking = asyncio.create_task(say(connection, spoken(5, after=0.3)))
            await until(connection, "response.output_audio.delta")
            session = next(iter(server.tandem.sessions))
            await connection.response.cancel()
            events = await until(connection, "response.done")
            assert events[-1].response.status == "cancelled"
            await speaking
            await asyncio.sleep(2)
            assert "five" not in session.session.history.context(float("inf")).split("assistant:")[-1]
            # The next answer is whole.
            speaking = asyncio.create_task(say(connection, spoken(6, after=0.3)))
            events = await until(connection, "response.done")
            assert events[-1].response.status == "completed"
            said = [e.transcript for e in events if e.type == "response.output_audio_transcript.done"]
            assert said == ["You said that number, six"]
            await speaking
            await connection.response.cancel()
            error = (await until(connection, "error"))[-1].error
            assert error.code == "response_cancel_not_active"

    asyncio.run(run())


@pytest.mark.slow
def test_what_was_not_played_is_cut_out_of_the_history():
    async def run():
        async with running(token=TOKEN) as server, connected(server) as connection:
            speaking = asyncio.create_task(say(connection, spoken(8, after=0.3)))
            events = await until(connection, "response.done")
            await speaking
            item = events[-1].response.output[0].id
            session = next(iter(server.tandem.sessions)).session
            assert "You said that number, eight" in session.history.context(float("inf"))
            await connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=250)
            await until(connection, "conversation.item.truncated")
            last = session.history.context(float("inf")).splitlines()[-1]
            assert last.startswith("assistant: You") and "eight" not in last
            await connection.conversation.item.truncate(item_id="item_of_nobody", content_index=0, audio_end_ms=1)
            assert (await until(connection, "error"))[-1].error.code == "item_truncate_invalid_item_id"

    asyncio.run(run())


@pytest.mark.slow
def test_a_user_who_wants_it_so_interrupts():
    async def run():
        async with running(token=TOKEN) as server, connected(server) as connection:
            detection = {"type": "server_vad", "interrupt_response": True}
            await connection.session.update(
                session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
            )
            updated = (await until(connection, "session.updated"))[-1]
            assert updated.session.audio.input.turn_detection.interrupt_response is True
            speaking = asyncio.create_task(say(connection, spoken(5, after=0.3)))
            await until(connection, "response.output_audio.delta")
            await speaking
            speaking = asyncio.create_task(say(connection, spoken(6, before=0.0, after=0.3)))
            done = (await until(connection, "response.done"))[-1].response
            assert done.status == "cancelled" and done.status_details.reason == "turn_detected"
            await speaking

    asyncio.run(run())


BAD = [
    ("{", "invalid_json"),
    ("[1]", "invalid_message"),
    ('{"type": 7}', "invalid_message"),
    ('{"type": "bogus", "event_id": "mine"}', "unknown_event"),
    ('{"type": "input_audio_buffer.append"}', "invalid_audio"),
    ('{"type": "input_audio_buffer.append", "audio": "%%%"}', "invalid_audio"),
    ('{"type": "input_audio_buffer.append", "audio": "AAAA"}', "invalid_audio"),
    ('{"type": "input_audio_buffer.append", "audio": {"a": 1}}', "invalid_audio"),
    ('{"type": "session.update"}', "invalid_session"),
    (
        '{"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}}',
        "invalid_format",
    ),
    ('{"type": "session.update", "session": {"type": "transcription"}}', "invalid_session"),
    ('{"type": "conversation.item.create", "item": []}', "invalid_item"),
    ('{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": "soon"}', "invalid_value"),
    (f'{{"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": {10**400}}}', "invalid_value"),
    ('{"type": "response.cancel"}', "response_cancel_not_active"),
    (b"\x00\x01", "invalid_message"),
]


def test_messages_that_are_none_are_answered_and_the_conversation_goes_on():
    async def run():
        async with running(token=TOKEN) as server, connected(server) as connection:
            await until(connection, "session.created")
            for message, code in BAD:
                await connection._connection.send(message)
                error = (await until(connection, "error"))[-1].error
                assert error.code == code, message
                assert error.event_id == ("mine" if "mine" in str(message) else None)
            for kind in ("input_audio_buffer.commit", "input_audio_buffer.clear", "response.create"):
                await connection._connection.send(json.dumps({"type": kind}))
            await until(connection, "input_audio_buffer.committed", "input_audio_buffer.cleared")
            text = [{"type": "input_text", "text": "Hello"}]
            await connection.conversation.item.create(item={"type": "message", "role": "user", "content": text})
            await until(connection, "conversation.item.added", "conversation.item.done")
            speaking = asyncio.create_task(say(connection, spoken(4, after=0.3)))
            done = (await until(connection, "response.done"))[-1].response
            assert done.output[0].content[0].transcript == "You said that number, four"
            await speaking

    asyncio.run(run())


def test_an_item_of_any_depth_is_confirmed_or_answered_with_an_error():
    limit = sys.getrecursionlimit()  # a library of another test may have raised it

    async def run():
        async with running(token=TOKEN) as server, connected(server) as connection:
            await until(connection, "session.created")
            found = []
            for depth in range(850, 1000):
                nested = "[" * depth + "]" * depth
                await connection._connection.send(
                    f'{{"type": "conversation.item.create", "item": {{"type": "m", "of": {nested}}}}}'
                )
                async with asyncio.timeout(15):
                    answer = connection.parse_event(await connection.recv_bytes())
                    if answer.type == "conversation.item.added":
                        await connection.recv_bytes()
                found.append(answer.error.code if answer.type == "error" else "added")
            assert list(dict.fromkeys(found)) == ["added", "invalid_message", "invalid_json"]

    try:
        sys.setrecursionlimit(1000)
        asyncio.run(run())
    finally:
        sys.setrecursionlimit(limit)


def test_without_a_recogniser_turns_go_by_the_sounds_energy():
    async def run():
        async with running(tandem(hears=False), token=TOKEN) as server, connected(server) as connection:
            speaking = asyncio.create_task(say(connection, spoken(4, after=0.3)))
            events = await until(connection, "input_audio_buffer.speech_stopped")
            started = next(e for e in events if e.type == "input_audio_buffer.speech_started")
            assert started.audio_start_ms == pytest.approx(200, abs=81)
            assert events[-1].audio_end_ms == pytest.approx(1200, abs=161)
            assert events[-1].item_id == started.item_id
            await speaking

    asyncio.run(run())


def test_a_wrong_key_is_refused_and_a_browsers_key_is_taken():
    async def run():
        async with running(token=TOKEN) as server:
            with pytest.raises(Exception, match="401"):
                async with connected(server, "another-token-of-16"):
                    pass
            protocols = ["realtime", f"openai-insecure-api-key.{TOKEN}"]
            async with aiohttp.ClientSession() as http:
                async with http.ws_connect(f"{server.ws}/v1/realtime?model=kame", protocols=protocols) as socket:
                    assert socket.protocol == "realtime"
                    assert json.loads((await socket.receive()).data)["type"] == "session.created"
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await http.ws_connect(f"{server.ws}/v1/realtime", protocols=["realtime"])
            await left_nothing(server)

    asyncio.run(run())
