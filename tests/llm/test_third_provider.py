"""A provider that nobody knows yet, whose wire is like no other's: a file and a name in the list are all it takes."""

import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from building import build, rows_of, settings_of
from kame_data.errors import UsageError
from kame_data.llm.provider import (
    PROVIDERS,
    BadBody,
    JobLimits,
    Jobs,
    JobState,
    Provider,
    Reply,
    Taken,
    Unreachable,
)
from kame_data.llm.request import Answer, Request, Usage
from kame_data.llm.spec import parse_spec
from llm import plausible


class Wire(BaseHTTPRequestHandler):
    """A server that takes a list of words and says them back; jobs are lists of such lists."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        told = [self.answer(one) for one in asked["job"]] if "job" in asked else self.answer(asked)
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        if self.headers["x-tiny-key"] != "tiny-secret":
            self.send_response(401)
            told = {"error": {"message": "who are you?"}}
        else:
            self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def answer(self, asked: Any) -> dict[str, Any]:
        body = {"messages": [{"role": role, "content": text} for role, text in asked["said"]]}
        return {"id": asked.get("id"), "words": plausible.reply(body), "cost_of": [7, 3]}

    def log_message(self, *_: Any) -> None:
        pass


class TinyJobs:
    limits = JobLimits(3, 10**6)

    def __init__(self, client: "TinyClient") -> None:
        self.client, self.done = client, dict[str, list[dict[str, Any]]]()

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        return json.dumps({"id": key, **body}).encode()

    async def submit(self, name: str, lines: list[bytes]) -> str:
        reply = await self.client.post({"job": [json.loads(line) for line in lines]})
        self.done[name] = json.loads(reply.body)
        return name

    async def find(self, note: Mapping[str, Any], known: set[str]) -> str | None:
        return None

    async def look(self, job: str) -> JobState:
        return JobState("ended")

    async def take(self, job: str, state: JobState) -> AsyncIterator[Taken]:
        for answer in self.done[job]:
            yield Taken(answer["id"], Reply(200, json.dumps(answer)))


class TinyClient:
    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        self.url, self.key = url, key or ""

    def body(self, request: Request) -> dict[str, Any]:
        return {"said": [[m.role, "\n\n".join(str(part) for part in m.parts)] for m in request.messages]}

    async def post(self, body: Mapping[str, Any]) -> Reply:
        try:
            headers = {"x-tiny-key": self.key}
            async with aiohttp.ClientSession() as session, session.post(self.url, json=body, headers=headers) as found:
                return Reply(found.status, await found.text())
        except aiohttp.ClientConnectionError as error:
            raise Unreachable(str(error)) from error

    async def send(self, request: Request) -> Reply:
        return await self.post(self.body(request))

    def learn(self, request: Request, sent: Mapping[str, Any], reply: Reply) -> str | None:
        return None

    def jobs(self) -> Jobs | None:
        return TinyJobs(self)

    async def close(self) -> None:
        pass


def parse(raw: str) -> Answer:
    body = json.loads(raw)
    if "words" not in body:
        raise BadBody("no words")
    return Answer(body["words"], raw, Usage(*body["cost_of"]))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Wire) as server:
        server.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/say"
        found = Provider("tiny", "Tiny", url, "TINY_KEY", "TINY_URL", TinyClient, parse)
        monkeypatch.setitem(PROVIDERS, "tiny", found)
        monkeypatch.setenv("TINY_KEY", "tiny-secret")
        yield server
        server.shutdown()


@pytest.mark.parametrize("mode", ["online", "batch"])
def test_a_build_asks_it(tiny: Any, tmp_path: Path, mode: str) -> None:
    settings = settings_of(
        tmp_path / "out", sources=("gsm8k=sample",), limit=3, writer="tiny:words", simulator="tiny:words",
        ledger=tmp_path / "ledger", llm={"mode": mode, "poll": 0.01},
    )  # fmt: skip
    manifest, _ = build(settings)
    assert manifest["dialogues"]["accepted"] == 3
    rows = rows_of(settings.out)
    assert {row["provenance"]["writer"] for row in rows.values()} == {"tiny:words"}
    assert any("job" in asked for asked in tiny.asked) == (mode == "batch")
    assert "tiny-secret" not in "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*.json*"))


def test_it_is_named_wherever_providers_are(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"tiny:MODEL.* or tiny:MODEL@URL"):
        parse_spec("huge:words")
    assert str(parse_spec("tiny:words@http://here/say")) == "tiny:words@http://here/say"
    monkeypatch.setenv("TINY_URL", "http://there/say")
    assert parse_spec("tiny:words").base_url == "http://there/say"
