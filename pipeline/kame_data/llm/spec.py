"""Names of models: `openai:gpt-4.1-nano`, `anthropic:NAME@URL`, `offline`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from kame_data.errors import UsageError
from kame_data.llm.provider import PROVIDERS, provider_of
from kame_data.llm.request import Message, Request


@dataclass(frozen=True, slots=True)
class Spec:
    """A model and the address at which it is asked; `base_url` None is the provider's own address."""

    provider: str
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
            raise UsageError(f"the offline simulator takes no requests; {examples()}")
        return Request(self.provider, self.model, messages, self.base_url, **rest)  # type: ignore[arg-type]


def examples() -> str:
    """The ways to name a model, for a person: `use offline, openai:MODEL, ... or anthropic:MODEL@URL`."""
    named = [*(f"{name}:MODEL" for name in PROVIDERS), *(f"{name}:MODEL@URL" for name in PROVIDERS)]
    return f"use offline, {', '.join(named[:-1])} or {named[-1]}"


def parse_spec(text: str, environment: Mapping[str, str] = os.environ) -> Spec:
    """The spec that `text` names.

    Without `@URL`, the address that the environment has for the provider (OPENAI_BASE_URL and the like) is taken, as
    the official clients would take it, and so becomes part of every request's key. Raises UsageError for anything else.
    """
    text = text.strip()
    if text == "offline":
        return Spec("offline")
    provider, colon, rest = text.partition(":")
    if not colon or provider not in PROVIDERS:
        raise UsageError(f"LLM '{text}': {examples()}")
    model, at, url = _split_address(rest)
    if not model or (at and not url):
        raise UsageError(f"LLM '{text}': {examples()}")
    url = url or environment.get(PROVIDERS[provider].url_variable, "")
    return Spec(provider, model, _checked(url, text) if url else None)


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
    variable = provider_of(provider).key_variable
    key = environment.get(variable, "").strip()
    if not key and base_url is None:
        raise UsageError(
            f"{variable} is not set: {provider} wants a key; export {variable}=... and run the command again"
        )
    return key or None
