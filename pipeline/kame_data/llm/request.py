"""Requests and answers: Request, its key, and Answer.

The key is SHA-256 over everything that can change the answer and over nothing else: provider, base URL, model, every
message with the system prompt and the pictures in it, every sampling parameter, the schema and the sample index. The
key to the API is not part of it, nor are `stage` and `level`, which only say on whose account a call goes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from kame_data.errors import Refusal
from kame_data.llm.provider import provider_of
from kame_data.llm.reply_text import json_in

KEY_VERSION = 1


@dataclass(frozen=True, slots=True)
class PicturePart:
    """A picture within a message: its encoded bytes and their media type (`image/png`, `image/jpeg`, ...)."""

    data: bytes
    media_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `content` is text, or a tuple of texts and pictures in their order."""

    role: Literal["system", "user", "assistant"]
    content: str | tuple[str | PicturePart, ...]

    @property
    def parts(self) -> tuple[str | PicturePart, ...]:
        """The content as a tuple, whichever way it was given."""
        return (self.content,) if isinstance(self.content, str) else self.content


@dataclass(frozen=True)
class Request:
    """One question to one model.

    `base_url` None is the provider's own address. A sampling parameter of None is not sent. `schema` is the JSON
    schema of a structured answer, or None for plain text. `sample` tells apart several answers to the same words.
    `stage` and `level` are labels for the accounts.
    """

    provider: str
    model: str
    messages: tuple[Message, ...]
    base_url: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    schema_name: str = "answer"
    sample: int = 0
    stage: str = ""
    level: int | None = None

    @property
    def url(self) -> str:
        """The address that is asked, without a slash at its end."""
        return (self.base_url or provider_of(self.provider).url).rstrip("/")

    @property
    def whom(self) -> str:
        """The model that is asked and its address, as a spec names them."""
        return f"{self.provider}:{self.model}" + (f"@{self.base_url}" if self.base_url else "")

    @cached_property
    def key(self) -> str:
        """64 hex digits that are the same on every machine and in every process."""
        whole = {
            "version": KEY_VERSION,
            "provider": self.provider,
            "url": self.url,
            "model": self.model,
            "messages": [[m.role, [_part(p) for p in m.parts]] for m in self.messages],
            # Floats, so that temperature 1 and 1.0 are one request.
            "temperature": None if self.temperature is None else float(self.temperature),
            "max_tokens": self.max_tokens,
            "top_p": None if self.top_p is None else float(self.top_p),
            "seed": self.seed,
            "stop": list(self.stop),
            "schema": self.schema,
            "schema_name": self.schema_name if self.schema is not None else None,
            "sample": self.sample,
        }
        # The schema's own order is kept: providers write the fields of an answer in it.
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def input_bytes(self) -> int:
        """UTF-8 bytes of all texts and of the schema."""
        texts = [part for message in self.messages for part in message.parts if isinstance(part, str)]
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        return size + (len(json.dumps(self.schema)) if self.schema is not None else 0)

    def pictures(self) -> int:
        """Count the pictures in the messages."""
        return sum(isinstance(p, PicturePart) for m in self.messages for p in m.parts)


def _part(part: str | PicturePart) -> list[str]:
    if isinstance(part, str):
        return ["text", part]
    return ["picture", part.media_type, hashlib.sha256(part.data).hexdigest()]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input` counts all of the prompt; `cached` is the share of it read from a prompt cache."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request: the text, the provider's whole response as it came (`raw`, JSON text), and what it says.

    `finish` is `stop`, `length`, `refusal` or the provider's own word. `refused` marks a content refusal; `text` then
    holds the refusal's words, if any. `from_ledger` is True where nothing was paid for it now.
    """

    text: str
    raw: str
    usage: Usage = Usage()
    finish: str = "stop"
    refused: bool = False
    model: str = ""
    from_ledger: bool = False

    def data(self) -> Any:
        """The text of a structured answer as JSON values, whatever a model put around it; Refusal('llm_bad_json')
        where it holds none."""
        try:
            return json_in(self.text)
        except ValueError as error:
            why = "cut off at max_tokens" if self.finish == "length" else str(error)
            raise Refusal("llm_bad_json", f"{why}: {self.text[:80]!r}") from None
