"""Anything that speaks like OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, Ollama, LiteLLM, ..."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pipeline.llm.backend import (
    BadBody,
    Cut,
    Quirks,
    Reply,
    Unreachable,
    count,
    data_url,
    load_object,
    plain,
    refused_parameter,
    with_schema_words,
)
from pipeline.llm.request import Answer, PicturePart, Request, Usage

OPTIONAL = ("temperature", "top_p", "seed", "stop", "max_tokens", "max_completion_tokens", "response_format")
SCHEMA_PARAMETERS = ("json_schema", "json_object", "structured output", "guided", "strict")
FINISH = {"content_filter": "refusal", "max_tokens": "length", "end_turn": "stop", None: "stop", "eos": "stop"}


def connection_error(error: BaseException) -> Cut | Unreachable:
    """Whether the request had gone out, from the causes beneath a client's error."""
    import aiohttp

    seen: BaseException | None = error
    text = type(error).__name__
    while seen is not None:
        if isinstance(seen, aiohttp.ClientConnectorError | ConnectionRefusedError | aiohttp.InvalidURL):
            return Unreachable(str(seen) or type(seen).__name__)
        text = str(seen) or type(seen).__name__
        seen = seen.__cause__ or seen.__context__
    return Cut(text)


class OpenAIBackend:
    """The official async client on aiohttp, which costs much less of the processor than httpx does.

    Its own retries are off: when to ask again is the engine's to decide. `key` None is for servers without keys.
    """

    provider = "openai"

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        import httpx2
        import openai

        self.url = url
        self.client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=url,
            max_retries=0,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 15.0)),
            http_client=openai.DefaultAioHttpClient(trust_env=not is_local(url)),
        )
        self._response = httpx2.Response
        self._status_error = openai.APIStatusError
        self._errors = (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, OSError)
        self._quirks: dict[str, Quirks] = {}

    def quirks(self, model: str) -> Quirks:
        """What is known of a model."""
        return self._quirks.setdefault(model, Quirks())

    async def send(self, request: Request) -> Reply:
        """See `Backend.send`."""
        return await self.post("/chat/completions", self.body(request))

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Posts JSON; any status is a Reply."""
        import aiohttp

        try:
            response = await self.client.post(path, cast_to=self._response, body=body)
        except self._status_error as error:
            response = error.response
        except TimeoutError:
            raise
        except (*self._errors, aiohttp.ClientError) as error:
            raise connection_error(error) from error
        return Reply(response.status_code, response.text, plain(response.headers.raw))

    def body(self, request: Request) -> dict[str, Any]:
        """See `Backend.body`. A seed is moved on by the sample, or all samples would be one."""
        quirks = self.quirks(request.model)
        structured = request.schema is not None
        plain = [(m.role, m.parts) for m in request.messages]
        messages = with_schema_words(request) if structured and quirks.schema_mode > 0 else plain
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": role, "content": _content(parts)} for role, parts in messages],
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_tokens": request.max_tokens,
            "seed": None if request.seed is None else request.seed + request.sample,
            "stop": list(request.stop) or None,
        }
        if structured and quirks.schema_mode == 0:
            schema = {"name": request.schema_name, "schema": request.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif structured and quirks.schema_mode == 1:
            body["response_format"] = {"type": "json_object"}
        return quirks.apply({name: value for name, value in body.items() if value is not None})

    def parse(self, raw: str) -> Answer:
        """See `Backend.parse`."""
        return parse(raw)

    def learn(self, request: Request, sent: Mapping[str, Any], reply: Reply) -> str | None:
        """See `Backend.learn`."""
        name = refused_parameter(reply, sent, OPTIONAL)
        if name is None and "response_format" in sent and reply.status in (400, 422):
            words = reply.body.lower()
            name = "response_format" if any(word in words for word in SCHEMA_PARAMETERS) else None
        if name is None:
            return None
        quirks, at = self.quirks(request.model), f"{self.provider}:{request.model}"
        if name == "response_format":
            return _weaker_schema(quirks, sent, at)
        if name == "max_tokens" and "max_completion_tokens" in reply.body:
            known = quirks.renamed.get(name) is not None
            quirks.renamed[name] = "max_completion_tokens"
            return "" if known else f"{at} wants max_completion_tokens for max_tokens; sent so from now on"
        if name in ("max_tokens", "max_completion_tokens"):
            return None
        known = name in quirks.dropped
        quirks.dropped.add(name)
        return "" if known else f"{at} does not take {name}; left out from now on"

    async def close(self) -> None:
        """See `Backend.close`."""
        await self.client.close()


def parse(raw: str) -> Answer:
    """The answer in a response body; raises BadBody."""
    body = load_object(raw)
    try:
        choice = body["choices"][0]
        message = choice["message"]
    except (KeyError, IndexError, TypeError):
        raise BadBody(f"no choices: {raw[:80]!r}") from None
    if not isinstance(message, dict):
        raise BadBody(f"no message: {raw[:80]!r}")
    finish = choice.get("finish_reason")
    finish = FINISH.get(finish, str(finish))
    refusal = message.get("refusal") or ""
    text = _text(message.get("content"))
    refused = bool(refusal) or finish == "refusal"
    return Answer(
        text=refusal or text,
        raw=raw,
        usage=_usage(body.get("usage")),
        finish="refusal" if refused else finish,
        refused=refused,
        model=str(body.get("model") or ""),
    )


def _weaker_schema(quirks: Quirks, sent: Mapping[str, Any], at: str) -> str:
    was = 0 if sent["response_format"]["type"] == "json_schema" else 1
    if quirks.schema_mode > was:
        return ""
    quirks.schema_mode = was + 1
    what = "a JSON schema" if was == 0 else "response_format"
    return f"{at} does not take {what}; the schema is put into words from now on"


def _content(parts: tuple[str | PicturePart, ...]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, str) for part in parts):
        return "\n\n".join(part for part in parts if isinstance(part, str))
    return [{"type": "text", "text": part} if isinstance(part, str) else _picture(part) for part in parts]


def _picture(picture: PicturePart) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(picture)}}


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Usage(count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")), cached)


def is_local(url: str) -> bool:
    """True for this machine's own addresses, which no proxy of the environment is for."""
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")
