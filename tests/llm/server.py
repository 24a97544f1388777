"""A scripted server on loopback that speaks like OpenAI and Anthropic, batch jobs included.

In a test: `with ScriptedServer(reply=..., faults=[...]) as server: ...; server.url`. As a process of its own:
`python tests/llm/server.py --latency 0.5 --p500 0.05 --log FILE` prints its port on the first line.

A fault is asked for each request before it is answered; it gets the parsed body and the count of times that this body
was seen (from 1) and returns a `Do`, or None for an ordinary answer. `server.log` holds an entry for each request:
path, body digest, body, and whether the whole answer was handed to the connection (`delivered`).
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

Body = dict[str, Any]


@dataclass
class Do:
    """What to do instead of answering: a status with a body and headers, a cut, or a hang (seconds)."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""  # "before" any byte, or "middle" of the answer
    hang: float = 0.0


def error(status: int, message: str = "scripted", headers: dict[str, str] | None = None, **more: Any) -> Do:
    """An error in the form that both providers use."""
    return Do(status, {"type": "error", "error": {"message": message, "type": "scripted", **more}}, headers or {})


Fault = Callable[[Body, int], Do | None]


def echo(body: Body) -> str:
    """The default answer: says back the last user message."""
    return f"Answer to: {prompt(body)[:200]}"


def prompt(body: Body) -> str:
    """The last message's text in either form."""
    content = body["messages"][-1]["content"]
    if isinstance(content, list):
        return " ".join(part.get("text", "[picture]") for part in content)
    return str(content)


def openai_answer(body: Body, text: str, **choice: Any) -> Body:
    """A whole chat completion."""
    tokens = {
        "prompt_tokens": 20,
        "completion_tokens": max(1, len(text) // 4),
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-" + hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12],
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", **choice}],
        "usage": {**tokens, "total_tokens": tokens["prompt_tokens"] + tokens["completion_tokens"]},
    }


def anthropic_answer(body: Body, text: str, **more: Any) -> Body:
    """A whole message."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "cache_read_input_tokens": 8,
            "cache_creation_input_tokens": 0,
            "output_tokens": max(1, len(text) // 4),
        },
        **more,
    }


class ScriptedServer:
    """Runs in a thread of its own; see the module's docstring."""

    def __init__(
        self,
        reply: Callable[[Body], str] = echo,
        faults: list[Fault] | None = None,
        latency: float = 0.0,
        log: Path | None = None,
        keep: bool = True,
    ) -> None:
        from llm.batches import BatchQueue

        self.reply, self.faults, self.latency = reply, faults or [], latency
        self.log: list[dict[str, Any]] = []
        self.headers: Callable[[], dict[str, str]] = dict
        self.seen: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.desk = BatchQueue(self)
        self._file = log.open("a") if log else None
        self._keep = keep
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self.port = 0

    @property
    def url(self) -> str:
        """The address for OpenAI-style clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def root(self) -> str:
        """The address for Anthropic-style clients."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "ScriptedServer":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def delivered(self) -> list[dict[str, Any]]:
        """The log's entries of answers that went out whole."""
        return [entry for entry in self.log if entry["delivered"]]

    async def start(self) -> web.AppRunner:
        """Listens on a free port."""
        app = web.Application(client_max_size=300 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/messages", self._chat)
        self.desk.add_routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    def answer(self, path: str, body: Body) -> Body:
        """The whole answer to a body, in the form of the path."""
        form = anthropic_answer if path.endswith("/messages") else openai_answer
        return form(body, self.reply(body))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self.start())
        self._started.set()
        self._loop.run_forever()
        with contextlib.suppress(Exception):
            self._loop.run_until_complete(asyncio.wait_for(runner.cleanup(), 2))
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _chat(self, http: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._handle(http)
        finally:
            self.at_once -= 1

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        raw = await http.read()
        body: Body = json.loads(raw)
        digest = hashlib.sha256(raw).hexdigest()[:16]
        self.seen[digest] += 1
        entry = {
            "path": http.path,
            "digest": digest,
            "prompt": prompt(body),
            "at": time.monotonic(),
            "status": 0,
            "delivered": False,
        }
        if self._keep:
            self.log.append({**entry, "body": body, "headers": dict(http.headers)})
            entry = self.log[-1]
        do = next((found for fault in self.faults if (found := fault(body, self.seen[digest])) is not None), None)
        if do is not None and do.hang:
            await asyncio.sleep(do.hang)
        elif self.latency:
            await asyncio.sleep(self.latency)
        return await self._send(http, entry, body, do)

    async def _send(self, http: web.Request, entry: dict[str, Any], body: Body, do: Do | None) -> web.StreamResponse:
        headers = {**self.headers(), **(do.headers if do else {})}
        entry["status"] = do.status if do else 200
        if do is not None and do.body is not None:
            text = do.body if isinstance(do.body, str) else json.dumps(do.body)
        else:
            text = json.dumps(self.answer(http.path, body))
        if do is not None and do.cut:
            response = web.StreamResponse(
                headers={"Content-Length": str(len(text)), "Content-Type": "application/json"}
            )
            if do.cut == "middle":
                await response.prepare(http)
                await response.write(text[: len(text) // 2].encode())
            assert http.transport is not None
            http.transport.abort() if do.cut == "before" else http.transport.close()
            return response
        response = web.Response(text=text, status=entry["status"], headers=headers, content_type="application/json")
        await response.prepare(http)
        await response.write_eof()
        entry["delivered"] = entry["status"] == 200
        if self._file and entry["delivered"]:
            self._file.write(json.dumps({"prompt": entry["prompt"], "at": entry["at"]}) + "\n")
            self._file.flush()
        return response


def scattered(p500: float = 0.0, p429: float = 0.0, pcut: float = 0.0, seed: int = 1, after: str = "") -> Fault:
    """Faults at random, from a seed."""
    rng = random.Random(seed)

    def fault(_: Body, __: int) -> Do | None:
        x = rng.random()
        if x < p500:
            return error(500)
        if x < p500 + p429:
            return error(429, "slow down", {"Retry-After": after} if after else {})
        return Do(cut="middle") if x < p500 + p429 + pcut else None

    return fault


def first(times: int, do: Do) -> Fault:
    """The first `times` tries of each body meet this fault."""
    return lambda _, seen: do if seen <= times else None


@contextlib.contextmanager
def process(*flags: str) -> Iterator[str]:
    """The server in a process of its own; gives its OpenAI-style address."""
    import subprocess

    run = subprocess.Popen([sys.executable, __file__, *flags], stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        yield f"http://127.0.0.1:{int(run.stdout.readline())}/v1"
    finally:
        run.kill()
        run.wait()


def main() -> None:
    """Serves until killed."""
    parser = argparse.ArgumentParser()
    for name in ("latency", "p500", "p429", "pcut"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    parser.add_argument("--after", default="")
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    faults = [scattered(args.p500, args.p429, args.pcut, after=args.after)]
    server = ScriptedServer(faults=faults, latency=args.latency, log=args.log, keep=False)

    async def serve() -> None:
        await server.start()
        print(server.port, flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
