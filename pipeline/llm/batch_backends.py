"""Batch jobs as each provider has them, behind one small protocol."""

import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Literal, Protocol

from pipeline.llm.anthropic_backend import AnthropicBackend
from pipeline.llm.backend import Reply
from pipeline.llm.openai_backend import OpenAIBackend

MARK = "kame_data_job"  # our name for a job, in the metadata of OpenAI's
TRIES = 5


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What one job may hold: requests, and bytes of all of them."""

    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class JobState:
    """`live`: not finished yet; `ended`: results may be taken (all, or a part); `failed`: none came of it, and why."""

    state: Literal["live", "ended", "failed"]
    why: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """One request's result: its key, and the reply, or None where it expired or was cancelled (`why`)."""

    key: str
    reply: Reply | None
    why: str = ""


class JobDesk(Protocol):
    """Where jobs of one address are handed in and taken back."""

    limits: JobLimits

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """How a request stands in a job."""

    async def submit(self, name: str, lines: list[bytes]) -> str:
        """Hands a job in, once; the provider's id. Any error may mean that it was taken all the same: ask `find`."""

    async def find(self, note: Mapping[str, Any], known: set[str]) -> str | None:
        """The id of a job that was handed in, but whose id got lost; `known` are ids of other jobs."""

    async def look(self, job: str) -> JobState:
        """How a job stands."""

    def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        """The results of an ended job, in any order."""


class OpenAIJobs:
    """OpenAI's Batch API: a file of requests in, a file of answers and a file of errors out."""

    limits = JobLimits(50_000, 200 * 10**6)

    def __init__(self, backend: OpenAIBackend) -> None:
        self._client = backend.client.with_options(max_retries=TRIES)
        self._once = backend.client

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """See `JobDesk.line`."""
        return _json({"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}) + b"\n"

    async def submit(self, name: str, lines: list[bytes]) -> str:
        """See `JobDesk.submit`."""
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
        """See `JobDesk.find`: our name for the job is in its metadata."""
        async for job in self._client.batches.list(limit=100):
            if (job.metadata or {}).get(MARK) == note["job"]:
                return job.id
            if job.created_at and job.created_at < _moment(note["at"]) - 86_400:
                # Newest first: older ones can't be it.
                return None
        return None

    async def look(self, job: str) -> JobState:
        """See `JobDesk.look`."""
        found = await self._client.batches.retrieve(job)
        files = tuple(name for name in (found.output_file_id, found.error_file_id) if name)
        if found.status == "failed":
            errors = (found.errors.data if found.errors else None) or []
            return JobState("failed", "; ".join(filter(None, (e.message for e in errors[:3]))) or "no reason given")
        ended = found.status in ("completed", "expired", "cancelled")
        return JobState("ended" if ended else "live", found.status, files)

    async def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        """See `JobDesk.take`."""
        for name in state.files:
            async with self._client.files.with_streaming_response.content(name) as response:
                async for text in response.iter_lines():
                    if text.strip():
                        yield _openai_line(json.loads(text))


class AnthropicJobs:
    """Anthropic's Message Batches: requests in, a stream of results out."""

    limits = JobLimits(100_000, 256 * 10**6)

    def __init__(self, backend: AnthropicBackend) -> None:
        self._client = backend.client.with_options(max_retries=TRIES)
        self._once = backend.client

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """See `JobDesk.line`."""
        return _json({"custom_id": key, "params": body})

    async def submit(self, name: str, lines: list[bytes]) -> str:
        """See `JobDesk.submit`."""
        job = await self._once.messages.batches.create(requests=[json.loads(line) for line in lines])
        return job.id

    async def find(self, note: Mapping[str, Any], known: set[str]) -> str | None:
        """See `JobDesk.find`: no name can be given to these, so time and number must do, and the keys once it ended."""
        since = _moment(note["at"]) - 60
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
        async for item in await self._client.messages.batches.results(job):
            return item.custom_id in keys
        return False

    async def look(self, job: str) -> JobState:
        """See `JobDesk.look`."""
        found = await self._client.messages.batches.retrieve(job)
        return JobState("ended" if found.processing_status == "ended" else "live", found.processing_status)

    async def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        """See `JobDesk.take`."""
        async for item in await self._client.messages.batches.results(job):
            result = item.result
            if result.type == "succeeded":
                body = result.message.model_dump(mode="json", exclude_unset=True)
                yield Taken(item.custom_id, Reply(200, _json(body).decode()))
            elif result.type == "errored":
                error = result.error.model_dump(mode="json", exclude_unset=True)
                kind = error.get("error", {}).get("type", "")
                status = 400 if kind == "invalid_request_error" else 500
                yield Taken(item.custom_id, Reply(status, _json(error).decode()))
            else:
                yield Taken(item.custom_id, None, result.type)


def _openai_line(line: dict[str, Any]) -> Taken:
    response, error = line.get("response"), line.get("error") or {}
    if not response or not response.get("body"):
        return Taken(line["custom_id"], None, str(error.get("message") or error.get("code") or "no response"))
    return Taken(line["custom_id"], Reply(int(response.get("status_code") or 0), _json(response["body"]).decode()))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
