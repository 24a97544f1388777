"""Anything that speaks like OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, Ollama, LiteLLM, ..."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

from kame_data.llm.provider import BadBody, Delta, JobLimits, JobState, Provider, Reply, Taken, count
from kame_data.llm.providers.base import (
    JOB_TRIES,
    Quirks,
    SdkClient,
    as_json,
    data_url,
    load_object,
    messages_of,
    moment,
    read_results,
    refused_parameter,
)
from kame_data.llm.request import Answer, PicturePart, Request, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MARK = "kame_data_job"  # our name for a job, in its metadata
OPTIONAL = (
    "temperature",
    "top_p",
    "seed",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "stream_options",
)
_ABOUT_SCHEMA = ("json_schema", "json_object", "structured output", "guided", "strict")
# llama-cpp-python calls a parameter that it does not know an internal error.
SCHEMA_PARAMETERS = {400: _ABOUT_SCHEMA, 422: _ABOUT_SCHEMA, 500: ("response_format",)}
"""Words by which an error of that status tells that it is about the schema."""
FINISH = {"content_filter": "refusal", "max_tokens": "length", "end_turn": "stop", None: "stop", "eos": "stop"}


class OpenAIClient(SdkClient):
    """OpenAI's official async client."""

    path = "/chat/completions"

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        import openai

        super().__init__(openai, openai.AsyncOpenAI, openai.OpenAIError, url, key, timeout)

    def body(self, request: Request) -> dict[str, Any]:
        """See `Client.body`. A seed is moved on by the sample, or all samples would be one."""
        quirks = self.quirks(request.model)
        messages = messages_of(request, quirks)
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": role, "content": _content(parts)} for role, parts in messages],
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_tokens": request.max_tokens,
            "seed": None if request.seed is None else request.seed + request.sample,
            "stop": list(request.stop) or None,
        }
        if request.schema is not None and quirks.schema_mode < len(_FORMS):
            body["response_format"] = _FORMS[quirks.schema_mode](request)
        return quirks.apply({name: value for name, value in body.items() if value is not None})

    def learn(self, request: Request, sent: Mapping[str, Any], reply: Reply) -> str | None:
        """See `Client.learn`."""
        name = refused_parameter(reply, sent, OPTIONAL)
        if name is None and "response_format" in sent:
            telling = SCHEMA_PARAMETERS.get(reply.status, ())
            name = "response_format" if any(word in reply.body.lower() for word in telling) else None
        if name is None:
            return None
        quirks, at = self.quirks(request.model), f"{request.provider}:{request.model}"
        if name == "response_format":
            return _weaker_schema(quirks, sent, at)
        if name == "max_tokens" and "max_completion_tokens" in reply.body:
            known = quirks.renamed.get(name) is not None
            quirks.renamed[name] = "max_completion_tokens"
            return "" if known else f"{at} wants max_completion_tokens for max_tokens; sent so from now on"
        if name in ("max_tokens", "max_completion_tokens"):
            return None
        return quirks.drop(name, at)

    def stream_body(self, request: Request) -> dict[str, Any]:
        """See `SdkClient.stream_body`; unless it is asked for them, such a provider tells no tokens."""
        options = {"stream_options": {"include_usage": True}}
        return self.quirks(request.model).apply({**super().stream_body(request), **options})

    async def streamed(self, body: Mapping[str, Any]) -> Any:
        """See `SdkClient.streamed`."""
        from openai import AsyncStream
        from openai.types.chat import ChatCompletionChunk

        kind = AsyncStream[ChatCompletionChunk]
        sent = dict(body)
        return await self.client.post(self.path, cast_to=ChatCompletionChunk, body=sent, stream=True, stream_cls=kind)

    def delta(self, event: Any) -> Delta:
        """See `SdkClient.delta`. What a model thinks before it speaks comes under other names, and is left out."""
        usage = _usage(event.usage.model_dump()) if event.usage else None
        if not event.choices:
            return Delta(usage=usage)
        choice = event.choices[0]
        finish = FINISH.get(choice.finish_reason, choice.finish_reason) if choice.finish_reason else ""
        refusal = getattr(choice.delta, "refusal", None) or ""
        text = _text(choice.delta.content) if choice.delta else ""
        return Delta(refusal or text, usage, str(finish), bool(refusal) or finish == "refusal")

    def jobs(self) -> "OpenAIJobs":
        """See `Client.jobs`."""
        return OpenAIJobs(self.client)


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


def _strict(request: Request) -> dict[str, Any]:
    schema = {"name": request.schema_name, "schema": request.schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema}


# The ways to ask for JSON, the best one first; behind the last one the schema stands in words alone.
_FORMS: tuple[Callable[[Request], dict[str, Any]], ...] = (
    _strict,
    lambda request: {"type": "json_object", "schema": request.schema},  # llama.cpp's own way
    lambda request: {"type": "json_object"},
)
_FORM_NAMES = ("a JSON schema", "a schema for its JSON objects", "response_format")


def _weaker_schema(quirks: Quirks, sent: Mapping[str, Any], at: str) -> str:
    form = sent["response_format"]
    was = 0 if form["type"] == "json_schema" else 1 if "schema" in form else 2
    if quirks.schema_mode > was:
        return ""
    quirks.schema_mode = was + 1
    return f"{at} does not take {_FORM_NAMES[was]}; the schema is put into words from now on"


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


class OpenAIJobs:
    """OpenAI's Batch API: a file of requests in, a file of answers and a file of errors out."""

    limits = JobLimits(50_000, 200 * 10**6)

    def __init__(self, client: "AsyncOpenAI") -> None:
        self._client, self._once = client.with_options(max_retries=JOB_TRIES), client

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """See `Jobs.line`."""
        return as_json({"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}) + b"\n"

    async def submit(self, name: str, lines: list[bytes]) -> str:
        """See `Jobs.submit`."""
        with tempfile.TemporaryFile() as file:
            file.writelines(lines)
            file.seek(0)
            upload: tuple[str, IO[bytes], str] = (f"{name}.jsonl", file, "application/jsonl")
            uploaded = await self._client.files.create(file=upload, purpose="batch")
        job = await self._once.batches.create(
            input_file_id=uploaded.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={MARK: name},
        )
        return job.id

    async def find(self, note: Mapping[str, Any], known: set[str]) -> str | None:
        """See `Jobs.find`: our name for the job is in its metadata."""
        async for job in self._client.batches.list(limit=100):
            if (job.metadata or {}).get(MARK) == note["job"]:
                return job.id
            if job.created_at and job.created_at < moment(note["at"]) - 86_400:
                # Newest first: older ones can't be it.
                return None
        return None

    async def look(self, job: str) -> JobState:
        """See `Jobs.look`."""
        found = await self._client.batches.retrieve(job)
        files = tuple(name for name in (found.output_file_id, found.error_file_id) if name)
        if found.status == "failed":
            errors = (found.errors.data if found.errors else None) or []
            return JobState("failed", "; ".join(filter(None, (e.message for e in errors[:3]))) or "no reason given")
        ended = found.status in ("completed", "expired", "cancelled")
        return JobState("ended" if ended else "live", found.status, files)

    async def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        """See `Jobs.take`."""
        for name in state.files:
            async with self._client.files.with_streaming_response.content(name) as response:
                async for taken in read_results(response.iter_lines(), _result):
                    yield taken


def _result(line: Any) -> Taken:
    response, error = line.get("response"), line.get("error") or {}
    if not response or not response.get("body"):
        return Taken(line["custom_id"], None, str(error.get("message") or error.get("code") or "no response"))
    return Taken(line["custom_id"], Reply(int(response.get("status_code") or 0), as_json(response["body"]).decode()))


OPENAI = Provider(
    name="openai",
    company="OpenAI",
    url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    url_variable="OPENAI_BASE_URL",
    client=OpenAIClient,
    parse=parse,
    rate_headers={name: f"x-ratelimit-{{}}-{name}" for name in ("requests", "tokens")},
    path_hint=lambda url: "" if url.endswith("/v1") else ", which mostly ends in /v1",
)
