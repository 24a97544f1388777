"""A server on loopback that streams as OpenAI and Anthropic do, and does what a script says.

`with StreamingServer(script) as server`; a script gives, for each request's body, the pieces that the server sends:
text, a number of seconds to wait, `("status", code, message)`, `("raw", bytes)`, or `"CUT"` to break the connection.
"""

import asyncio
import json
import threading

from aiohttp import web


class StreamingServer:
    def __init__(self, script, reasoning=""):
        self.script, self.reasoning = script, reasoning
        self.bodies, self.headers = [], []
        self.broken = []  # how many pieces of each answer had gone out when the client hung up
        self.whole = 0
        self.open = 0
        self._transports = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def kill(self):
        """Break every connection, and listen no more."""

        async def end():
            await self._site.stop()
            for transport in list(self._transports):
                transport.abort()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def root(self):
        return f"http://127.0.0.1:{self.port}"

    def spec(self, provider="openai"):
        return f"{provider}:model@{self.url if provider == 'openai' else self.root}"

    def _run(self):
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(asyncio.wait_for(runner.cleanup(), 5))
        self._loop.close()

    async def _start(self):
        app = web.Application()
        app.router.add_post("/v1/chat/completions", lambda request: self._answer(request, OpenAI))
        app.router.add_post("/v1/messages", lambda request: self._answer(request, Anthropic))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        self._site = web.TCPSite(runner, "127.0.0.1", 0)
        await self._site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _answer(self, request, form):
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        sent, response = 0, None
        self.open += 1
        self._transports.add(request.transport)
        try:
            for piece in self.script(body):
                if isinstance(piece, int | float):
                    await asyncio.sleep(piece)
                    continue
                if isinstance(piece, tuple) and piece[0] == "status":
                    error = {"type": "error", "error": {"message": piece[2], "type": "scripted"}}
                    return web.json_response(error, status=piece[1])
                if response is None:
                    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                    await response.prepare(request)
                    await response.write(form.begin(self.reasoning))
                if piece == "CUT":
                    request.transport.abort()
                    return response
                await response.write(piece[1] if isinstance(piece, tuple) else form.piece(piece))
                sent += 1
            if response is None:
                response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                await response.prepare(request)
            await response.write(form.end(sent))
            await response.write_eof()
            self.whole += 1
            return response
        except (asyncio.CancelledError, ConnectionError):
            self.broken.append(sent)
            raise
        finally:
            self.open -= 1
            self._transports.discard(request.transport)


def event(data, name=""):
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


class OpenAI:
    @staticmethod
    def chunk(delta, finish=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event(
            {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
        )

    @classmethod
    def begin(cls, reasoning):
        return cls.chunk(
            {"role": "assistant", "content": "", **({"reasoning_content": reasoning} if reasoning else {})}
        )

    @classmethod
    def piece(cls, text):
        return cls.chunk({"content": text})

    @classmethod
    def end(cls, sent):
        usage = {"prompt_tokens": 100, "completion_tokens": sent, "total_tokens": 100 + sent}
        last = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}
        return cls.chunk({}, "stop") + event(last) + b"data: [DONE]\n\n"


class Anthropic:
    @staticmethod
    def begin(reasoning):
        message = {
            "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": {"input_tokens": 100, "output_tokens": 1},
        }  # fmt: skip
        begun = event({"type": "message_start", "message": message}, "message_start")
        if reasoning:
            delta = {"type": "thinking_delta", "thinking": reasoning}
            data = {"type": "content_block_delta", "index": 0, "delta": delta}
            begun += event(data, "content_block_delta")
        return begun

    @staticmethod
    def piece(text):
        data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        return event(data, "content_block_delta")

    @staticmethod
    def end(sent):
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        data = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": sent}}
        return event(data, "message_delta") + event({"type": "message_stop"}, "message_stop")
