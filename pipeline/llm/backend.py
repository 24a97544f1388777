"""What every back end gives the engine: a request on the wire, a reply of any status, and what a model refuses."""

import base64
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.llm.request import Answer, PicturePart, Request, Usage

log = logging.getLogger(__name__)
SECRET = re.compile(r"\b(sk|pk|rk|key)-[A-Za-z0-9_*\-.]{6,}|(?i:bearer)\s+[A-Za-z0-9_\-.=]{6,}")
SCHEMA_WORDS = "Answer with one JSON object and nothing else. It must follow this JSON schema:\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response of any status; header names are lower case."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Unreachable(Exception):
    """No connection could be made; nothing was asked."""


class Cut(Exception):
    """The connection broke after the request had gone out; it may have been paid for."""


class BadBody(Exception):
    """A reply of status 200 that is not what the provider's API promises."""


class Backend(Protocol):
    """One client of one address of one provider."""

    provider: str
    url: str

    async def send(self, request: Request) -> Reply:
        """Sends a request once; raises Unreachable or Cut."""

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON body that is sent, without what the model is known to refuse."""

    def parse(self, raw: str) -> Answer:
        """The answer in a response body; raises BadBody."""

    def learn(self, request: Request, sent: Mapping[str, Any], reply: Reply) -> str | None:
        """What a refusal of `sent` teaches about the model, for a person; "" where it was known; None if nothing."""

    async def close(self) -> None:
        """Closes the connections."""


def scrub(text: str, *secrets: str | None) -> str:
    """One line of text in which no key to an API stands."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    return " ".join(SECRET.sub("[key]", text).split())


def error_of(reply: Reply) -> dict[str, Any]:
    """The provider's error object: `message`, and `type`, `code`, `param` where it gives them."""
    try:
        body = json.loads(reply.body)
    except ValueError:
        return {"message": reply.body}
    found = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(found, dict):
        return {**found, "message": str(found.get("message") or found.get("detail") or reply.body)}
    return {"message": str(found)}


def said(reply: Reply, *secrets: str | None) -> str:
    """What an error reply says, short and on one line."""
    text = scrub(str(error_of(reply)["message"]), *secrets)
    return f"{reply.status}: {text[:200]}" if text else str(reply.status)


def load_object(raw: str) -> dict[str, Any]:
    """The JSON object of a response; BadBody where it is none, or an error in disguise."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadBody(f"no JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadBody(f"JSON, but no object: {raw[:80]!r}")
    if body.get("error"):
        raise BadBody(f"an error inside a success: {str(body['error'])[:120]}")
    return body


def plain(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as a dict, names in lower case; looking things up in it costs far less than in httpx's own."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def count(value: Any) -> int:
    """A token count as providers give it: a number, or nothing."""
    return int(value) if isinstance(value, int | float) else 0


def data_url(picture: PicturePart) -> str:
    """The picture as a data: address."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


@dataclass
class Quirks:
    """What one model refuses. `schema_mode` 0: JSON schema, 1: some JSON (OpenAI only), 2: the schema in words."""

    dropped: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    schema_mode: int = 0

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body without what is refused."""
        return {self.renamed.get(name, name): value for name, value in body.items() if name not in self.dropped}


_REFUSING = re.compile(
    r"unsupported|not supported|n.t support|unknown|unrecognized|unexpected|not permitted|not allowed|deprecated|"
    r"no longer|cannot (both )?be|can't be|invalid|does not accept|only the default|not available|not implemented",
    re.IGNORECASE,
)


def refused_parameter(reply: Reply, sent: Mapping[str, Any], optional: tuple[str, ...]) -> str | None:
    """The optional parameter of `sent` that an error 400 or 422 is about; None where it is about something else."""
    if reply.status not in (400, 404, 422):
        return None
    error = error_of(reply)
    message = str(error["message"])
    if not _REFUSING.search(message) and not str(error.get("code", "")).startswith("unsupported"):
        return None
    param = str(error.get("param") or "").split(".")[0]
    if param:
        return param if param in optional and param in sent else None
    named = [name for name in optional if name in sent and re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", message)]
    # The one that is named first is the one that is meant.
    return min(named, key=message.index, default=None)


def with_schema_words(request: Request) -> list[tuple[str, tuple[str | PicturePart, ...]]]:
    """The messages, with the schema in words at the end of the system prompt."""
    words = SCHEMA_WORDS + json.dumps(request.schema, ensure_ascii=False)
    messages: list[tuple[str, tuple[str | PicturePart, ...]]] = [(m.role, m.parts) for m in request.messages]
    for i, (role, parts) in enumerate(messages):
        if role == "system":
            messages[i] = (role, (*parts, words))
            return messages
    return [("system", (words,)), *messages]


def usage_of(backend: Backend, raw: str) -> Usage | None:
    """The tokens that a response says it took, even where the rest of it cannot be read."""
    try:
        return backend.parse(raw).usage
    except (BadBody, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None
