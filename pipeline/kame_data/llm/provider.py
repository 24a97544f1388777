"""A provider of language models: the interface by which the rest of the room uses one.

One file of `providers/` holds all about one provider, and `providers/__init__` lists the files; `provider_of` finds a
provider by its name.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from kame_data.errors import UsageError

if TYPE_CHECKING:
    from kame_data.llm.request import Answer, Request, Usage

MOST_TOKENS = 10**9
"""The tokens that one call is believed to have used, at the most."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response of any status; header names are lower case."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer that is streamed: text, and tokens and finish where the provider tells them with it.

    The counts of a stream's pieces are counts so far; the highest of each is right. `refused`: the model refuses the
    content.
    """

    text: str = ""
    usage: "Usage | None" = None
    finish: str = ""
    refused: bool = False


class BadStatus(Exception):
    """A reply of another status than 200 to a request for a stream; `sent`: the JSON body of that request."""

    def __init__(self, reply: Reply, sent: Mapping[str, Any]) -> None:
        super().__init__(f"{reply.status}")
        self.reply, self.sent = reply, sent


class Unreachable(Exception):
    """No connection could be made; nothing was asked."""


class Cut(Exception):
    """The connection broke after the request had gone out; it may have been paid for."""


class BadBody(Exception):
    """A reply of status 200 that is not what the provider's API promises."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """The most that one batch job may hold: requests, and bytes of all of them."""

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


class Jobs(Protocol):
    """The batch jobs of one address: handed in and taken back."""

    limits: JobLimits

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """A request as it stands in a job."""

    async def submit(self, name: str, lines: list[bytes]) -> str:
        """Hands a job in, once; the provider's id. Any error may mean that it was taken all the same: ask `find`."""

    async def find(self, note: Mapping[str, Any], known: set[str]) -> str | None:
        """The id of a job that was handed in, but whose id got lost; `known` are ids of other jobs."""

    async def look(self, job: str) -> JobState:
        """The state of a job."""

    def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        """The results of an ended job, in any order."""


class Client(Protocol):
    """One client of one address of one provider."""

    async def send(self, request: "Request") -> Reply:
        """Sends a request once; raises Unreachable or Cut."""

    def stream(self, request: "Request") -> AsyncGenerator[Delta, None]:
        """Sends a request once and gives the answer as it comes; closed before its end, it closes the connection.

        Raises BadStatus, Unreachable, Cut, or BadBody.
        """

    def body(self, request: "Request") -> dict[str, Any]:
        """The JSON body that is sent, without what the model is known to refuse."""

    def learn(self, request: "Request", sent: Mapping[str, Any], reply: Reply) -> str | None:
        """The lesson of a refusal of `sent` about the model, for a person; "" where it was known; None if none."""

    def jobs(self) -> Jobs | None:
        """The batch jobs of this address; None where the provider has none."""

    async def close(self) -> None:
        """Closes the connections."""


@dataclass(frozen=True, slots=True)
class Provider:
    """All that is known of a provider.

    `company`: whose models they are, for a person. `url`: its own address. `key_variable`, `url_variable`: the
    environment's names of its key and of another address. `client(url, key, timeout)` opens a client, whose key None is
    for servers without keys and whose time is in seconds. `parse(body)` gives the answer in a response of status 200,
    or raises BadBody; it is called by `answer_of` alone. `rate_headers`: by what they limit (`requests`, `tokens`,
    ...), the names of headers, with `{}` for `limit`, `remaining` and `reset`. `path_hint(url)`: a word on an address
    that was not found, or "". Prices stand under `name` in `data/prices.yaml`.
    """

    name: str
    company: str
    url: str
    key_variable: str
    url_variable: str
    client: "Callable[[str, str | None, float], Client]"
    parse: "Callable[[str], Answer]"
    rate_headers: Mapping[str, str] = field(default_factory=dict)
    path_hint: Callable[[str], str] = lambda url: ""


PROVIDERS: dict[str, Provider] = {}
"""The providers by name; `kame_data.llm.providers` fills it."""


def provider_of(name: str) -> Provider:
    """The provider of that name. Raises UsageError, which names the known ones, where there is none."""
    if name not in PROVIDERS:
        raise UsageError(f"LLM provider '{name}': there is none; use one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name]


def answer_of(name: str, raw: str) -> "Answer":
    """The answer in a response of that provider, bounded: its text is a string, its counts are 0 to MOST_TOKENS.

    Raises BadBody for a response that holds none, whatever else it holds.
    """
    provider = provider_of(name)
    try:
        answer = provider.parse(raw)
        if not isinstance(answer.text, str):
            raise BadBody(f"its text is none: {raw[:80]!r}")
        usage = answer.usage
        bounded = replace(usage, input=count(usage.input), output=count(usage.output), cached=count(usage.cached))
        return replace(answer, usage=bounded)
    except BadBody:
        raise
    except Exception as error:
        raise BadBody(f"{type(error).__name__}: {str(error)[:80]}") from None


def count(value: Any) -> int:
    """A token count as a provider gives it, within 0 and MOST_TOKENS; 0 for what is no number."""
    if not isinstance(value, int | float) or value != value:
        return 0
    return int(min(max(value, 0), MOST_TOKENS))
