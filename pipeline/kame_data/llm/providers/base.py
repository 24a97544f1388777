"""The common parts of providers: reading of replies, refused parameters, and a client by an official SDK."""

import base64
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from kame_data.llm.provider import BadBody, BadStatus, Cut, Delta, Reply, Taken, Unreachable
from kame_data.llm.request import PicturePart, Request

log = logging.getLogger(__name__)
SECRET = re.compile(r"\b(sk|pk|rk|key)-[A-Za-z0-9_*\-.]{6,}|(?i:bearer)\s+[A-Za-z0-9_\-.=]{6,}")
JOB_TRIES = 5
SCHEMA_WORDS = "Answer with one JSON object and nothing else. It must follow this JSON schema:\n"


def scrub(text: str, *secrets: str | None) -> str:
    """The text on one line, without the key to an API."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    return " ".join(SECRET.sub("[key]", text).split())


def error_of(reply: Reply) -> dict[str, str]:
    """The texts of the provider's error object: `message`, and `type`, `code`, `param` where it gives them."""
    try:
        body = json.loads(reply.body)
        found = body.get("error", body) if isinstance(body, dict) else body
        if not isinstance(found, dict):
            return {"message": str(found)}
        texts = {name: str(found[name]) for name in ("type", "code", "param") if found.get(name)}
        return {**texts, "message": str(found.get("message") or found.get("detail") or reply.body)}
    except (ValueError, RecursionError):
        return {"message": reply.body}


def said(reply: Reply, *secrets: str | None) -> str:
    """The text of an error reply, short and on one line."""
    text = scrub(error_of(reply)["message"], *secrets)
    return f"{reply.status}: {text[:200]}" if text else str(reply.status)


def load_object(raw: str) -> dict[str, Any]:
    """The JSON object of a response; BadBody where it is none, or an error in disguise."""
    try:
        body = json.loads(raw, parse_int=_whole)
    except ValueError as error:
        raise BadBody(f"no JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadBody(f"JSON, but no object: {raw[:80]!r}")
    if body.get("error"):
        raise BadBody(f"an error inside a success: {str(body['error'])[:120]}")
    return body


def _whole(digits: str) -> int | float:
    # Python makes no int of thousands of digits, and an answer that was paid for is kept whatever it counts.
    return int(digits) if len(digits) < 400 else float(digits)


async def read_results(lines: AsyncIterator[str], read: Callable[[Any], Taken]) -> AsyncIterator[Taken]:
    """The results of a batch job, one for each line of JSON; a line that can't be read is left out with a warning."""
    async for line in lines:
        if not line.strip():
            continue
        try:
            taken = read(json.loads(line))
            if not isinstance(taken.key, str):
                raise ValueError("its key is no text")
        except Exception as error:
            log.warning("batch: a result that can't be read is left out (%s): %s", error, scrub(line[:80]))
            continue
        yield taken


def plain(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as a dict, names in lower case; looking things up in it costs far less than in httpx's own."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def data_url(picture: PicturePart) -> str:
    """The picture as a data: address."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


@dataclass
class Quirks:
    """The parameters that one model refuses. `schema_mode`: 0 for a JSON schema, from 1 on the schema is put into words
    too, beside what weaker forms of it the provider's API has."""

    dropped: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    schema_mode: int = 0

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body without what is refused."""
        return {self.renamed.get(name, name): value for name, value in body.items() if name not in self.dropped}

    def drop(self, name: str, at: str) -> str:
        """Leave out a parameter from now on; the notice of it about the model `at`, "" where that was known."""
        known = name in self.dropped
        self.dropped.add(name)
        return "" if known else f"{at} does not take {name}; left out from now on"


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
    message = error["message"]
    if not _REFUSING.search(message) and not error.get("code", "").startswith("unsupported"):
        return None
    param = error.get("param", "").split(".")[0]
    if param:
        return param if param in optional and param in sent else None
    named = [name for name in optional if name in sent and re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", message)]
    # The one that is named first is the one that is meant.
    return min(named, key=message.index, default=None)


def messages_of(request: Request, quirks: Quirks) -> list[tuple[str, tuple[str | PicturePart, ...]]]:
    """The messages as role and parts. For a model that takes no JSON schema, a request's stands in words at the end of
    the system prompt."""
    messages: list[tuple[str, tuple[str | PicturePart, ...]]] = [(m.role, m.parts) for m in request.messages]
    if request.schema is None or quirks.schema_mode == 0:
        return messages
    words = SCHEMA_WORDS + json.dumps(request.schema, ensure_ascii=False)
    for i, (role, parts) in enumerate(messages):
        if role == "system":
            messages[i] = (role, (*parts, words))
            return messages
    return [("system", (words,)), *messages]


class SdkClient:
    """A client by a provider's official SDK on aiohttp, which costs much less of the processor than httpx does.

    The SDK's own retries are off: when to ask again is the engine's to decide. `sdk` is the package, `kind` its async
    client, `error` the base of its errors.
    """

    path: ClassVar[str]
    """Path behind the address to which requests are posted."""

    def __init__(self, sdk: Any, kind: Any, error: type[Exception], url: str, key: str | None, timeout: float) -> None:
        import httpx2

        self.url = url
        self.client = kind(
            api_key=key or "none",
            base_url=url,
            max_retries=0,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 15.0)),
            http_client=sdk.DefaultAioHttpClient(trust_env=not is_local(url)),
        )
        # How long a request may take is the engine's to decide; batch jobs keep to the client's own time.
        self._patient = {"timeout": httpx2.Timeout(None, connect=min(timeout, 15.0))}
        self._response, self._status_error = httpx2.Response, sdk.APIStatusError
        self._errors = (error, httpx2.HTTPError, httpx2.StreamError, OSError)
        self._quirks: dict[str, Quirks] = {}

    def quirks(self, model: str) -> Quirks:
        """The known quirks of a model."""
        return self._quirks.setdefault(model, Quirks())

    def body(self, request: Request) -> dict[str, Any]:
        """See `Client.body`."""
        raise NotImplementedError

    async def send(self, request: Request) -> Reply:
        """See `Client.send`."""
        return await self.post(self.path, self.body(request))

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Posts JSON; any status is a Reply."""
        import aiohttp

        try:
            response = await self.client.post(path, cast_to=self._response, body=dict(body), options=self._patient)
        except self._status_error as error:
            response = error.response
        except TimeoutError:
            raise
        except (*self._errors, aiohttp.ClientError) as error:
            raise connection_error(error) from error
        return Reply(response.status_code, response.text, plain(response.headers.raw))

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """See `Client.stream`."""
        import aiohttp

        sent = self.stream_body(request)
        try:
            async with await self.streamed(sent) as events:
                async for event in events:
                    try:
                        delta = self.delta(event)
                    except Exception as error:
                        raise BadBody(f"{type(error).__name__}: {str(error)[:80]}") from None
                    yield delta
        except self._status_error as error:
            body = error.response.text if error.response.is_stream_consumed else str(error)
            raise BadStatus(Reply(error.status_code, body, plain(error.response.headers.raw)), sent) from None
        except TimeoutError:
            raise
        except ValueError as error:  # no JSON
            raise BadBody(str(error)[:80]) from None
        except (*self._errors, aiohttp.ClientError) as error:
            raise connection_error(error) from error

    def stream_body(self, request: Request) -> dict[str, Any]:
        """The JSON body of a request for a stream; see `Client.body`."""
        return {**self.body(request), "stream": True}

    async def streamed(self, body: Mapping[str, Any]) -> Any:
        """The SDK's stream of events of the answer to a body."""
        raise NotImplementedError

    def delta(self, event: Any) -> Delta:
        """The delta that an event of the stream brings. Raises anything for one that is none."""
        raise NotImplementedError

    async def close(self) -> None:
        """See `Client.close`."""
        await self.client.close()


def connection_error(error: BaseException) -> Cut | Unreachable:
    """The error to raise for a client's error: whether the request had gone out follows from the causes beneath it."""
    import aiohttp

    seen: BaseException | None = error
    text = type(error).__name__
    while seen is not None:
        if isinstance(seen, aiohttp.ClientConnectorError | ConnectionRefusedError | aiohttp.InvalidURL):
            return Unreachable(str(seen) or type(seen).__name__)
        text = str(seen) or type(seen).__name__
        seen = seen.__cause__ or seen.__context__
    return Cut(text)


def is_local(url: str) -> bool:
    """True for this machine's own addresses, for which no proxy is used."""
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")


def as_json(value: Any) -> bytes:
    """A value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def moment(text: str) -> float:
    """Seconds since the epoch of a moment in ISO 8601."""
    return datetime.fromisoformat(text).timestamp()
