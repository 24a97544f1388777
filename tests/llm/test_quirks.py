"""What a model refuses is found out once, said once, and left out from then on."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kame_data.errors import KameError, Refusal
from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.pace import measured_pace
from kame_data.llm.request import Message, Request
from llm.asking import ask_all
from llm.server import Body, Do, Fault, ScriptedServer, error

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def refusing(name: str, message: str, status: int = 400, **more: Any) -> Fault:
    return lambda body, _: error(status, message, **more) if name in body else None


async def ask(server: ScriptedServer, folder: Path, provider: str, count: int = 30) -> LLM:
    url = server.url if provider == "openai" else server.root
    with Ledger(folder) as ledger:
        async with LLM(ledger, Limits(concurrency=8, pause=0.01, attempts=3)) as llm:
            asked = [
                Request(
                    provider,  # type: ignore[arg-type]
                    "m",
                    (Message("system", "s"), Message("user", f"q{n}")),
                    url,
                    temperature=0.7,
                    top_p=0.9,
                    max_tokens=9,
                    seed=1,
                    schema=SCHEMA,
                )
                for n in range(count)
            ]
            async for result in ask_all(llm, asked):
                result.get()
            return llm


CASES: dict[str, tuple[str, Fault, str, str | None]] = {
    "param named": (
        "openai",
        refusing("temperature", "Unsupported value", param="temperature", code="unsupported_value"),
        "temperature",
        None,
    ),
    "only in words": ("openai", refusing("top_p", "Unrecognized request argument supplied: top_p"), "top_p", None),
    "422": ("openai", refusing("seed", "seed: extra inputs are not permitted", 422), "seed", None),
    "renamed": (
        "openai",
        refusing(
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
        "max_tokens",
        "max_completion_tokens",
    ),
    "anthropic's words": (
        "anthropic",
        refusing("temperature", "`temperature` is deprecated for this model."),
        "temperature",
        None,
    ),
    "two that exclude each other": (
        "anthropic",
        lambda b, _: (
            error(400, "`temperature` and `top_p` cannot both be specified")
            if {"temperature", "top_p"} <= set(b)
            else None
        ),
        "temperature",
        None,
    ),
    "no schema": (
        "anthropic",
        refusing("output_config", "output_config: Extra inputs are not permitted"),
        "output_config",
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_refused_parameter(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    provider, fault, parameter, instead = CASES[name]
    with ScriptedServer(faults=[fault], latency=0.005) as server:
        llm = asyncio.run(ask(server, tmp_path, provider))
        refused = [entry for entry in server.log if entry["status"] != 200]
        assert 1 <= len(refused) <= 8, "only those that were on the wire already"
        last = server.log[-1]["body"]
    assert parameter not in last
    assert instead is None or last[instead] == 9
    assert len(llm.notices) == 1 and (parameter in llm.notices[0] or "schema" in llm.notices[0])
    assert caplog.text.count("from now on") == 1


@pytest.mark.parametrize("deep", [False, True])
def test_a_schema_that_is_refused_is_put_into_words(tmp_path: Path, deep: bool) -> None:
    def fault(body: Body, _: int) -> Do | None:
        form = body.get("response_format", {}).get("type")
        refused = form == "json_schema" or (deep and form == "json_object")
        return error(400, f"'response_format' of type '{form}' is not supported with this model") if refused else None

    with ScriptedServer(faults=[fault]) as server:
        asyncio.run(ask(server, tmp_path, "openai"))
        body = server.log[-1]["body"]
    assert ("response_format" in body) is not deep
    assert json.dumps(SCHEMA) in body["messages"][0]["content"]


INTERNAL = (
    "1 validation error: {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
    "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}"
)
"""How llama-cpp-python's server puts that it knows no `json_schema`; it calls that an error of its own."""


def knows_objects(body: Body, _: int) -> Do | None:
    return error(500, INTERNAL) if body.get("response_format", {}).get("type") == "json_schema" else None


def test_a_server_that_knows_json_objects_alone_is_given_the_schema_in_its_own_way(tmp_path: Path) -> None:
    with ScriptedServer(faults=[knows_objects], latency=0.005) as server:
        llm = asyncio.run(ask(server, tmp_path, "openai"))
        assert 1 <= sum(entry["status"] == 500 for entry in server.log) <= 8, "those that were on the wire already"
        body = server.log[-1]["body"]
    assert body["response_format"] == {"type": "json_object", "schema": SCHEMA}
    assert json.dumps(SCHEMA) in body["messages"][0]["content"]
    assert len(llm.notices) == 1


def test_a_pace_is_that_of_answers_and_not_of_refusals() -> None:
    with ScriptedServer(faults=[knows_objects], latency=0.2) as server:
        asked = [
            Request("openai", "m", (Message("user", f"q{n}"),), server.url, schema=SCHEMA if n else None)
            for n in range(4)
        ]
        pace = measured_pace(asked, 20.0)
        assert pace is not None and pace > 0.2 / 4
        assert [entry["status"] for entry in server.log].count(200) == 4

        server.faults.append(lambda *_: error(500))
        assert measured_pace(asked, 20.0) is None


def test_a_bad_request_fails_alone_and_is_not_tried_again(tmp_path: Path) -> None:
    too_long = error(400, "This model's maximum context length is 10 tokens", code="context_length_exceeded")
    with ScriptedServer(faults=[lambda *_: too_long]) as server:
        with pytest.raises(Refusal, match="maximum context length"):
            asyncio.run(ask(server, tmp_path, "openai", 1))
        assert len(server.log) == 1


def test_when_every_request_is_bad_it_ends_soon(tmp_path: Path) -> None:
    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=4)) as llm:
                asked = [Request("openai", "m", (Message("user", f"q{n}"),), server.url) for n in range(500)]
                async for _ in ask_all(llm, asked):
                    pass

    with ScriptedServer(faults=[lambda *_: error(400, "we do not like it")]) as server:
        with pytest.raises(KameError, match="refuses every request"):
            asyncio.run(work(server))
        assert len(server.log) < 30
