"""Anthropic's Messages API, and servers that speak like it."""

import base64
from collections.abc import Mapping
from typing import Any

from pipeline.llm.backend import BadBody, Quirks, Reply, count, load_object, plain, refused_parameter, with_schema_words
from pipeline.llm.openai_backend import connection_error, is_local
from pipeline.llm.request import Answer, PicturePart, Request, Usage

OPTIONAL = ("temperature", "top_p", "stop_sequences", "output_config")
MAX_TOKENS = 1024  # the API wants a number; this one where the request names none
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


class AnthropicBackend:
    """The official async client on aiohttp; its own retries are off."""

    provider = "anthropic"

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        import anthropic
        import httpx2

        self.url = url
        self.client = anthropic.AsyncAnthropic(
            api_key=key or "none",
            base_url=url,
            max_retries=0,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 15.0)),
            http_client=anthropic.DefaultAioHttpClient(trust_env=not is_local(url)),
        )
        self._response = httpx2.Response
        self._status_error = anthropic.APIStatusError
        self._errors = (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError, OSError)
        self._quirks: dict[str, Quirks] = {}

    def quirks(self, model: str) -> Quirks:
        """What is known of a model."""
        return self._quirks.setdefault(model, Quirks())

    async def send(self, request: Request) -> Reply:
        """See `Backend.send`."""
        return await self.post("/v1/messages", self.body(request))

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Posts JSON; any status is a Reply."""
        import aiohttp

        try:
            response = await self.client.post(path, cast_to=self._response, body=dict(body))
        except self._status_error as error:
            response = error.response
        except TimeoutError:
            raise
        except (*self._errors, aiohttp.ClientError) as error:
            raise connection_error(error) from error
        return Reply(response.status_code, response.text, plain(response.headers.raw))

    def body(self, request: Request) -> dict[str, Any]:
        """See `Backend.body`. The system prompt is a field of its own; there is no seed in this API."""
        quirks = self.quirks(request.model)
        structured = request.schema is not None
        plain = [(m.role, m.parts) for m in request.messages]
        messages = with_schema_words(request) if structured and quirks.schema_mode > 0 else plain
        system = [part for role, parts in messages if role == "system" for part in parts if isinstance(part, str)]
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens or MAX_TOKENS,
            "messages": [{"role": role, "content": _content(parts)} for role, parts in messages if role != "system"],
            "system": "\n\n".join(system) or None,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop_sequences": list(request.stop) or None,
        }
        if structured and quirks.schema_mode == 0:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
        return quirks.apply({name: value for name, value in body.items() if value is not None})

    def parse(self, raw: str) -> Answer:
        """See `Backend.parse`."""
        return parse(raw)

    def learn(self, request: Request, sent: Mapping[str, Any], reply: Reply) -> str | None:
        """See `Backend.learn`."""
        name = refused_parameter(reply, sent, OPTIONAL)
        if name is None and "output_config" in sent and reply.status == 400:
            words = reply.body.lower()
            name = "output_config" if "output_format" in words or "structured output" in words else None
        if name is None:
            return None
        quirks, at = self.quirks(request.model), f"{self.provider}:{request.model}"
        if name == "output_config":
            known, quirks.schema_mode = quirks.schema_mode > 0, 2
            return "" if known else f"{at} does not take a JSON schema; it is put into words from now on"
        known = name in quirks.dropped
        quirks.dropped.add(name)
        return "" if known else f"{at} does not take {name}; left out from now on"

    async def close(self) -> None:
        """See `Backend.close`."""
        await self.client.close()


def parse(raw: str) -> Answer:
    """The answer in a response body; raises BadBody."""
    body = load_object(raw)
    content = body.get("content")
    if not isinstance(content, list):
        raise BadBody(f"no content: {raw[:80]!r}")
    text = "".join(
        str(part.get("text") or "") for part in content if isinstance(part, dict) and part.get("type") == "text"
    )
    finish = str(body.get("stop_reason") or "stop")
    refused = finish == "refusal"
    return Answer(
        text=text,
        raw=raw,
        usage=_usage(body.get("usage")),
        finish=FINISH.get(finish, finish),
        refused=refused,
        model=str(body.get("model") or ""),
    )


def _content(parts: tuple[str | PicturePart, ...]) -> str | list[dict[str, Any]]:
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return [{"type": "text", "text": part} if isinstance(part, str) else _picture(part) for part in parts]


def _picture(picture: PicturePart) -> dict[str, Any]:
    data = base64.b64encode(picture.data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": picture.media_type, "data": data}}


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    # This API leaves what the cache holds out of input_tokens.
    cached = count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    return Usage(count(usage.get("input_tokens")) + cached + written, count(usage.get("output_tokens")), cached)
