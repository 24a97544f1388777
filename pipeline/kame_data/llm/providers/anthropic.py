"""Anthropic's Messages API, and servers that speak like it."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from kame_data.llm.provider import BadBody, Delta, JobLimits, JobState, Provider, Reply, Taken, count
from kame_data.llm.providers.base import (
    JOB_TRIES,
    SdkClient,
    as_json,
    load_object,
    messages_of,
    moment,
    read_results,
    refused_parameter,
)
from kame_data.llm.request import Answer, PicturePart, Request, Usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

OPTIONAL = ("temperature", "top_p", "stop_sequences", "output_config")
MAX_TOKENS = 1024  # the API wants a number; this one where the request names none
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


class AnthropicClient(SdkClient):
    """Anthropic's official async client."""

    path = "/v1/messages"

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        import anthropic

        super().__init__(anthropic, anthropic.AsyncAnthropic, anthropic.AnthropicError, url, key, timeout)

    def body(self, request: Request) -> dict[str, Any]:
        """See `Client.body`. The system prompt is a field of its own; there is no seed in this API."""
        quirks = self.quirks(request.model)
        messages = messages_of(request, quirks)
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
        if request.schema is not None and quirks.schema_mode == 0:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
        return quirks.apply({name: value for name, value in body.items() if value is not None})

    def learn(self, request: Request, sent: Mapping[str, Any], reply: Reply) -> str | None:
        """See `Client.learn`."""
        name = refused_parameter(reply, sent, OPTIONAL)
        if name is None and "output_config" in sent and reply.status == 400:
            words = reply.body.lower()
            name = "output_config" if "output_format" in words or "structured output" in words else None
        if name is None:
            return None
        quirks, at = self.quirks(request.model), f"{request.provider}:{request.model}"
        if name == "output_config":
            known, quirks.schema_mode = quirks.schema_mode > 0, 2
            return "" if known else f"{at} does not take a JSON schema; it is put into words from now on"
        return quirks.drop(name, at)

    async def streamed(self, body: Mapping[str, Any]) -> Any:
        """See `SdkClient.streamed`."""
        from anthropic import AsyncStream
        from anthropic.types import Message, RawMessageStreamEvent

        kind = AsyncStream[RawMessageStreamEvent]
        return await self.client.post(self.path, cast_to=Message, body=dict(body), stream=True, stream_cls=kind)

    def delta(self, event: Any) -> Delta:
        """See `SdkClient.delta`; thoughts are deltas of another type, and left out."""
        if event.type == "message_start":
            return Delta(usage=_usage(event.message.usage.model_dump()))
        if event.type == "content_block_delta":
            return Delta(event.delta.text if event.delta.type == "text_delta" else "")
        if event.type == "message_delta":
            finish, output = str(event.delta.stop_reason or "stop"), count(event.usage.output_tokens)
            return Delta("", Usage(output=output), FINISH.get(finish, finish), finish == "refusal")
        return Delta()

    def jobs(self) -> "AnthropicJobs":
        """See `Client.jobs`."""
        return AnthropicJobs(self.client)


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


class AnthropicJobs:
    """Anthropic's Message Batches: requests in, a stream of results out."""

    limits = JobLimits(100_000, 256 * 10**6)

    def __init__(self, client: "AsyncAnthropic") -> None:
        self._client, self._once = client.with_options(max_retries=JOB_TRIES), client

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """See `Jobs.line`."""
        return as_json({"custom_id": key, "params": body})

    async def submit(self, name: str, lines: list[bytes]) -> str:
        """See `Jobs.submit`."""
        job = await self._once.messages.batches.create(requests=[json.loads(line) for line in lines])
        return job.id

    async def find(self, note: Mapping[str, Any], known: set[str]) -> str | None:
        """See `Jobs.find`: no name can be given to these, so time and number must do, and the keys once it ended."""
        since = moment(note["at"]) - 60
        async for job in self._client.messages.batches.list(limit=100):
            if job.created_at.timestamp() < since:
                return None
            counts = job.request_counts
            total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
            if job.id in known or total != len(note["requests"]):
                continue
            if job.processing_status != "ended" or await self._holds(job.id, set(note["requests"])):
                return job.id
        return None

    async def _holds(self, job: str, keys: set[str]) -> bool:
        async for taken in self._results(job):
            return taken.key in keys
        return False

    async def _results(self, job: str) -> AsyncIterator[Taken]:
        async with self._client.messages.batches.with_streaming_response.results(job) as response:
            async for taken in read_results(response.iter_lines(), _result):
                yield taken

    async def look(self, job: str) -> JobState:
        """See `Jobs.look`."""
        found = await self._client.messages.batches.retrieve(job)
        return JobState("ended" if found.processing_status == "ended" else "live", found.processing_status)

    async def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        """See `Jobs.take`."""
        async for taken in self._results(job):
            yield taken


def _result(line: Any) -> Taken:
    key, result = line["custom_id"], line["result"]
    if result["type"] == "succeeded":
        return Taken(key, Reply(200, as_json(result["message"]).decode()))
    if result["type"] == "errored":
        error = result["error"]
        status = 400 if error.get("error", {}).get("type") == "invalid_request_error" else 500
        return Taken(key, Reply(status, as_json(error).decode()))
    return Taken(key, None, str(result["type"]))


ANTHROPIC = Provider(
    name="anthropic",
    company="Anthropic",
    url="https://api.anthropic.com",
    key_variable="ANTHROPIC_API_KEY",
    url_variable="ANTHROPIC_BASE_URL",
    client=AnthropicClient,
    parse=parse,
    rate_headers={
        name: f"anthropic-ratelimit-{name}-{{}}" for name in ("requests", "tokens", "input-tokens", "output-tokens")
    },
    path_hint=lambda url: ": without /v1, which is added" if url.endswith("/v1") else "",
)
