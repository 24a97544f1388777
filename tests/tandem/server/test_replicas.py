"""Two replicas on Ray Serve, of which one is killed: conversations stay where they began, and new ones find a place."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest

from clusters import Processes, free_port, wait_for

ray = pytest.importorskip("ray", reason="no Ray: the extra ray")
HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        int(version("protobuf").split(".")[0]) > 6,
        reason="Ray Serve 2.53 needs protobuf 6 (constraints.txt)",
    ),
]


@pytest.fixture
def processes(tmp_path):
    paths = [str(HERE.parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    servers = Processes(tmp_path, environment)
    try:
        yield servers
    finally:
        servers.close()


async def begin(http, port):
    """A conversation that has begun; its websocket, and the replica that has it."""
    socket = await http.ws_connect(f"ws://127.0.0.1:{port}/ws")
    first = json.loads((await asyncio.wait_for(socket.receive(), 20)).data)
    assert first["kind"] == "ready", first
    return socket, json.loads((await socket.receive()).data)["model"]


async def lives(socket):
    """Tell whether a conversation goes on: sound comes back for sound."""
    await socket.send_bytes(bytes(3840 * 3))
    frames = 0
    while frames < 3:
        message = await asyncio.wait_for(socket.receive(), 20)
        if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return False
        frames += message.type == aiohttp.WSMsgType.BINARY
    return True


def test_one_of_two_replicas_is_killed(processes):
    port = free_port()
    processes.start("server", sys.executable, str(HERE / "replicated.py"), str(port), "2")
    wait_for(lambda: "2 replicas with 2 conversations each" in processes.log("server"), 180)

    async def run():
        async with aiohttp.ClientSession() as http:
            talks = []
            for _ in range(3):
                talks.append(await begin(http, port))
                await asyncio.sleep(1.0)  # Ray learns who is busy
            replicas = {model for _, model in talks}
            assert len(replicas) == 2, "both have work"
            assert all([await lives(socket) for socket, _ in talks])
            victim = talks[0][1]
            os.kill(int(victim.split()[1]), signal.SIGKILL)
            for socket, model in talks:
                with contextlib.suppress(ConnectionError):
                    assert await lives(socket) == (model != victim), "nobody but the killed one's users notices"
            until = time.monotonic() + 60
            while True:  # the next one begins within a minute, on the other replica or on a new one
                with contextlib.suppress(aiohttp.ClientError, AssertionError, TimeoutError):
                    socket, model = await begin(http, port)
                    assert model != victim and await lives(socket)
                    break
                assert time.monotonic() < until
                await asyncio.sleep(1.0)
            left = [socket for socket, model in talks if model != victim]
            assert all([await lives(socket) for socket in left])
            # Who talks may go on for a while, and nobody new is let in.
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(wait_for, lambda: "closing" in processes.log("server"))
            await asyncio.sleep(1.0)
            assert all([await lives(socket) for socket in left])
            with pytest.raises((aiohttp.ClientError, AssertionError)):
                await begin(http, port)

    process = processes.running["server"]
    asyncio.run(run())
    assert process.wait(90) == 0 and "Traceback" not in processes.log("server")
