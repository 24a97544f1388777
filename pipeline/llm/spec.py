"""Which model is meant: `openai:gpt-4.1-nano`, `anthropic:NAME@URL`, `offline`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import urlsplit

from pipeline.errors import UsageError
from pipeline.llm.request import Message, Provider, Request

KEY_VARIABLES: Mapping[str, str] = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
URL_VARIABLES: Mapping[str, str] = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
EXAMPLES = "use offline, openai:MODEL, anthropic:MODEL, openai:MODEL@URL or anthropic:MODEL@URL"


@dataclass(frozen=True, slots=True)
class Spec:
    """A model and where it is asked; `base_url` None is the provider's own address."""

    provider: Literal["offline", "openai", "anthropic"]
    model: str = ""
    base_url: str | None = None

    def __str__(self) -> str:
        if self.provider == "offline":
            return "offline"
        return f"{self.provider}:{self.model}" + (f"@{self.base_url}" if self.base_url else "")

    @property
    def offline(self) -> bool:
        """True where no model is asked at all."""
        return self.provider == "offline"

    def request(self, *messages: Message, **rest: object) -> Request:
        """A request to this model; `rest` are the other fields of `Request`."""
        if self.offline:
            raise UsageError("the offline simulator takes no requests; use openai:MODEL or anthropic:MODEL")
        return Request(cast(Provider, self.provider), self.model, messages, self.base_url, **rest)  # type: ignore[arg-type]


def parse_spec(text: str, environment: Mapping[str, str] = os.environ) -> Spec:
    """The spec that `text` names.

    Without `@URL`, an OPENAI_BASE_URL or ANTHROPIC_BASE_URL of the environment is taken, as the official clients
    would take it, and so becomes part of every request's key. Raises UsageError for anything else.
    """
    text = text.strip()
    if text == "offline":
        return Spec("offline")
    provider, colon, rest = text.partition(":")
    if not colon or provider not in KEY_VARIABLES:
        raise UsageError(f"LLM '{text}': {EXAMPLES}")
    model, at, url = _split_address(rest)
    if not model or (at and not url):
        raise UsageError(f"LLM '{text}': {EXAMPLES}")
    url = url or environment.get(URL_VARIABLES[provider], "")
    return Spec(cast(Provider, provider), model, _checked(url, text) if url else None)


def _split_address(rest: str) -> tuple[str, bool, str]:
    """Model, whether there was an address, address; a model's name may itself hold an `@`."""
    for scheme in ("@http://", "@https://"):
        model, found, tail = rest.partition(scheme)
        if found:
            return model, True, scheme[1:] + tail
    if rest.endswith("@") or ("@" in rest and ("://" in rest or ":" in rest.rpartition("@")[2])):
        return rest.partition("@")[0], True, rest.partition("@")[2]
    return rest, False, ""


def _checked(url: str, text: str) -> str:
    parts = urlsplit(url)
    try:
        port_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_fine = False
    if parts.username or parts.password or parts.query or parts.fragment:
        # Said without the address itself, which seems to hold a secret.
        start = text.partition("@")[0]
        raise UsageError(
            f"LLM '{start}@...': an address holds no user, password or query; keys come from the environment"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fine:
        raise UsageError(f"LLM '{text}': '{url}' is no address; write it as http://host:8000/v1")
    return url.rstrip("/")


def api_key(provider: str, base_url: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The key for a provider, from the environment alone; None where an own address goes without one.

    Raises UsageError where the provider's own address is meant and the variable is not set.
    """
    variable = KEY_VARIABLES[provider]
    key = environment.get(variable, "").strip()
    if not key and base_url is None:
        raise UsageError(
            f"{variable} is not set: {provider} wants a key; export {variable}=... and run the command again"
        )
    return key or None


__all__ = ["KEY_VARIABLES", "Spec", "api_key", "parse_spec"]
