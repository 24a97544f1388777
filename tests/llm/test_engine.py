"""The engine against a scripted server: every fault of a network, limits, budgets, duplicates."""

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kame_data.errors import KameError, Refusal, StoppedError, UsageError
from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_tools import stats
from kame_data.llm.request import Answer, Message, PicturePart, Request
from llm.asking import Result, ask_all
from llm.server import Body, Do, Fault, ScriptedServer, anthropic_answer, error, first, openai_answer, prompt, scattered

T = TypeVar("T")
QUICK = Limits(concurrency=16, timeout=5.0, attempts=4, stall=2.0, unreachable=0.3, pause=0.01)
SECRET = "sk-test-0123456789abcdef"
KEYS = {"OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET}
PROVIDERS = ["openai", "anthropic"]


def request(server: ScriptedServer, text: str = "hello", provider: str = "openai", **rest: Any) -> Request:
    url = server.url if provider == "openai" else server.root
    rest = {"model": "gpt-4.1-nano" if provider == "openai" else "claude-haiku-4-5", "max_tokens": 50, **rest}
    messages = (Message("system", "be brief"), Message("user", text))
    return Request(provider, messages=messages, base_url=url, **rest)  # type: ignore[arg-type]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 60))


async def collect(llm: LLM, requests: list[Request]) -> list[Result]:
    return sorted([r async for r in ask_all(llm, requests)], key=lambda r: r.index)


async def one(folder: Path, asked: Request, limits: Limits = QUICK, **rest: Any) -> Answer:
    with Ledger(folder) as ledger:
        async with LLM(ledger, limits, environment=KEYS, **rest) as llm:
            return await llm.ask(asked)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_is_the_same_from_the_wire_and_from_the_ledger(tmp_path: Path, provider: str) -> None:
    with ScriptedServer() as server:
        asked = request(server, provider=provider)
        live = run(one(tmp_path, asked))
        again = run(one(tmp_path, asked))
        assert len(server.log) == 1
    assert live.text == again.text == "Answer to: hello"
    assert (live.from_ledger, again.from_ledger) == (False, True)
    assert live.usage == again.usage and (live.usage.input, live.usage.cached) == (20, 8)
    assert live.raw == again.raw and json.loads(live.raw)["model"] == asked.model
    assert live.finish == "stop"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_goes_over_the_wire(tmp_path: Path, provider: str) -> None:
    picture = PicturePart(b"\x89PNG\r\n\x1a\n123", "image/png")
    schema = {
        "type": "object",
        "properties": {"say": {"type": "string"}},
        "required": ["say"],
        "additionalProperties": False,
    }
    with ScriptedServer(reply=lambda _: '{"say": "hi"}') as server:
        asked = request(server, provider=provider, temperature=0.5, schema=schema, stop=("END",))
        asked = Request(**{**asked.__dict__, "messages": (asked.messages[0], Message("user", ("look", picture)))})
        answer = run(one(tmp_path, asked))
        body = server.log[0]["body"]
    assert answer.data() == {"say": "hi"}
    assert body["temperature"] == 0.5 and body["max_tokens"] == 50
    if provider == "openai":
        assert body["messages"][0] == {"role": "system", "content": "be brief"}
        assert body["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
        assert body["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": True}
    else:
        assert body["system"] == "be brief" and len(body["messages"]) == 1
        assert body["messages"][0]["content"][1]["source"]["media_type"] == "image/png"
        assert body["output_config"]["format"]["schema"] == schema


TRANSIENT: dict[str, Do] = {
    "429 without Retry-After": error(429),
    "429 with Retry-After": error(429, headers={"Retry-After": "0.05"}),
    "429 with a wait in milliseconds": error(429, headers={"retry-after-ms": "50"}),
    "500": error(500),
    "503": error(503),
    "529": error(529, "Overloaded"),
    "cut before the answer": Do(cut="before"),
    "cut in the middle": Do(cut="middle"),
    "bad JSON": Do(body='{"choices": [{"mess'),
    "an error inside a success": Do(body={"error": {"message": "upstream died"}}),
    "no choices": Do(body={"id": "x"}),
    "HTML": Do(status=502, body="<html>bad gateway</html>"),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", TRANSIENT)
def test_a_fault_that_passes_is_survived(tmp_path: Path, provider: str, name: str) -> None:
    with ScriptedServer(faults=[first(2, TRANSIENT[name])]) as server:
        answer = run(one(tmp_path, request(server, provider=provider)))
        assert answer.text == "Answer to: hello"
        assert len(server.log) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_empty_answer_is_asked_again_and_counted(tmp_path: Path, provider: str) -> None:
    form = openai_answer if provider == "openai" else anthropic_answer

    def empty(body: Body, seen: int) -> Do | None:
        return Do(body=form(body, "  ")) if seen == 1 else None

    with ScriptedServer(faults=[empty]) as server:
        assert run(one(tmp_path, request(server, provider=provider))).text == "Answer to: hello"
    found = stats(tmp_path)
    assert (found.wasted, found.answers, found.total.calls) == (1, 1, 2)


def test_a_hanging_server_is_given_up_on_and_asked_again(tmp_path: Path) -> None:
    with ScriptedServer(faults=[first(1, Do(hang=30))]) as server:
        answer = run(one(tmp_path, request(server), Limits(timeout=0.3, pause=0.01)))
        assert answer.text and len(server.log) == 2


@pytest.mark.parametrize(
    "do", [error(500), Do(cut="middle"), Do(body="{"), Do(body={"choices": [{"message": {"content": ""}}]})]
)
def test_a_request_that_never_works_fails_alone(tmp_path: Path, do: Do) -> None:
    def poison(body: Body, _: int) -> Do | None:
        return do if prompt(body) == "q3" else None

    async def work(server: ScriptedServer) -> list[Result]:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, QUICK) as llm:
                return await collect(llm, [request(server, f"q{n}") for n in range(8)])

    with ScriptedServer(faults=[poison]) as server:
        results = run(work(server))
        assert sum(entry["prompt"] == "q3" for entry in server.log) == QUICK.attempts
    assert [r.answer is not None for r in results] == [n != 3 for n in range(8)]
    assert results[3].refusal is not None and results[3].refusal.reason == "llm_failed"
    assert "4 times" in results[3].refusal.detail


def test_scattered_faults_lose_nothing_and_narrow_nothing(tmp_path: Path) -> None:
    async def work(server: ScriptedServer) -> tuple[list[Result], LLM]:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=32, pause=0.01)) as llm:
                return await collect(llm, [request(server, f"q{n}") for n in range(300)]), llm

    with ScriptedServer(faults=[scattered(0.05, 0.08, 0.02)], latency=0.01) as server:
        results, llm = run(work(server))
        assert len(server.delivered()) == 300
    assert [r.get().text for r in results] == [f"Answer to: q{n}" for n in range(300)]
    assert next(iter(llm._endpoints.values())).limit == 32


REFUSALS: dict[str, tuple[str, Fault]] = {
    "a refusal field": (
        "openai",
        lambda b, _: Do(body=openai_answer(b, "", message={"content": None, "refusal": "I can't help"})),
    ),
    "a content filter": ("openai", lambda b, _: Do(body=openai_answer(b, "", finish_reason="content_filter"))),
    "an error 400": ("openai", lambda b, _: error(400, "blocked by content management policy", code="content_filter")),
    "a stop reason": ("anthropic", lambda b, _: Do(body=anthropic_answer(b, "", stop_reason="refusal"))),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_content_is_not_asked_twice(tmp_path: Path, name: str) -> None:
    provider, fault = REFUSALS[name]
    with ScriptedServer(faults=[fault]) as server:
        for _ in range(2):
            with pytest.raises(Refusal) as caught:
                run(one(tmp_path, request(server, provider=provider)))
            assert caught.value.reason == "llm_refusal"
        assert len(server.log) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_it_at_once_and_is_not_shown(
    tmp_path: Path, provider: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, QUICK, environment=KEYS) as llm:
                await collect(llm, [request(server, f"q{n}", provider) for n in range(500)])

    fault = error(status, f"Incorrect API key provided: {SECRET}. Also sk-proj-****abcd and {SECRET[:14]}")
    with ScriptedServer(faults=[lambda *_: fault]) as server:
        with pytest.raises(KameError, match=f"{provider.upper()}_API_KEY") as caught:
            run(work(server))
        assert len(server.log) <= QUICK.concurrency
        sent = server.log[0]["headers"]
        assert SECRET in (sent.get("Authorization") or sent.get("X-Api-Key") or sent.get("x-api-key"))
    assert caught.value.exit_code == 1
    assert "sk-" not in str(caught.value) and "\n" not in str(caught.value) and "sk-" not in caplog.text


def test_a_key_that_a_server_echoes_is_not_kept(tmp_path: Path) -> None:
    with ScriptedServer(reply=lambda _: f"your key is {SECRET}") as server:
        run(one(tmp_path, request(server)))
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_missing_key_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    asked = Request("openai", "gpt-4.1-nano", (Message("user", "x"),))
    with pytest.raises(UsageError, match="OPENAI_API_KEY"), Ledger(tmp_path) as ledger:
        run(LLM(ledger, environment={}).ask(asked))


def test_an_unknown_model_ends_it(tmp_path: Path) -> None:
    with ScriptedServer(faults=[lambda *_: error(404, "The model `x` does not exist")]) as server:
        with pytest.raises(KameError, match="does not exist"):
            run(one(tmp_path, request(server, model="x")))
        assert len(server.log) == 1


@pytest.mark.parametrize(
    ("provider", "tail", "hint"), [("openai", "", "mostly ends in /v1"), ("anthropic", "/v1", "without /v1")]
)
def test_an_address_with_the_wrong_path_is_said(tmp_path: Path, provider: str, tail: str, hint: str) -> None:
    with ScriptedServer() as server, pytest.raises(KameError, match=hint):
        asked = request(server, provider=provider)
        run(one(tmp_path, Request(**{**asked.__dict__, "base_url": server.root + tail})))


def test_a_certificate_that_is_not_trusted_ends_it_at_once(tmp_path: Path) -> None:
    """Those who listen with such a certificate will not be better in twenty seconds."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    build = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=36500))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "own.pem").write_bytes(pem + build.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")

    async def work() -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as listening:
            url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
            asked = Request("openai", "m", (Message("user", "x"),), url, max_tokens=5)
            await one(tmp_path / "ledger", asked, Limits(unreachable=50))

    with pytest.raises(KameError, match="SSL_CERT_FILE") as caught:
        run(work())
    assert "\n" not in str(caught.value)


def test_an_address_where_nobody_listens_ends_it(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        pass
    with pytest.raises(KameError, match="can't be reached"):
        run(one(tmp_path, request(server)))


@pytest.mark.parametrize("do", [error(429), error(529), error(500), error(429, headers={"Retry-After": "0.2"})])
def test_a_limit_that_never_lifts_ends_in_a_stop(tmp_path: Path, do: Do) -> None:
    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=16, stall=1.0, pause=0.05)) as llm:
                await collect(llm, [request(server, f"q{n}") for n in range(60)])

    with (
        ScriptedServer(faults=[lambda *_: do]) as server,
        pytest.raises(StoppedError, match="no answer for 1 s") as caught,
    ):
        run(work(server))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "do",
    [
        error(429, headers={"Retry-After": "86400"}),
        error(429, "You exceeded your current quota", code="insufficient_quota"),
        error(400, "Your credit balance is too low"),
    ],
)
def test_a_limit_that_says_it_will_not_lift_ends_it_at_once(tmp_path: Path, do: Do) -> None:
    with ScriptedServer(faults=[lambda *_: do]) as server:
        with pytest.raises(StoppedError):
            run(one(tmp_path, request(server)))
        assert len(server.log) == 1


def test_a_stop_keeps_what_is_on_the_wire(tmp_path: Path) -> None:
    """Others are slow and on the wire when the tenth says that the credit is used up."""

    def fault(body: Body, _: int) -> Do | None:
        return error(402, "no credit") if prompt(body) == "q9" else Do(hang=0.3)

    async def work(server: ScriptedServer, results: list[Result]) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=10)) as llm:
                async for result in ask_all(llm, [request(server, f"q{n}") for n in range(30)]):
                    results.append(result)

    results: list[Result] = []
    with ScriptedServer(faults=[fault]) as server, pytest.raises(StoppedError, match="credit"):
        run(work(server, results))
    asked = {entry["prompt"] for entry in server.log}
    assert {f"q{r.index}" for r in results} == asked - {"q9"} and {f"q{n}" for n in range(9)} <= asked
    assert stats(tmp_path).answers == len(results) < 20


def test_one_slow_request_holds_up_nobody(tmp_path: Path) -> None:
    def slow(body: Body, _: int) -> Do | None:
        return Do(hang=1.5) if prompt(body) == "q0" else None

    async def work(server: ScriptedServer) -> list[int]:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=4)) as llm:
                return [r.index async for r in ask_all(llm, [request(server, f"q{n}") for n in range(60)])]

    with ScriptedServer(faults=[slow]) as server:
        order = run(work(server))
    assert sorted(order) == list(range(60)) and order[-1] == 0


def test_the_same_request_under_way_is_asked_once(tmp_path: Path) -> None:
    async def work(server: ScriptedServer) -> LLM:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, QUICK) as llm:
                await asyncio.gather(*(llm.ask(request(server, level=n % 6)) for n in range(12)))
                return llm

    with ScriptedServer(latency=0.1) as server:
        llm = run(work(server))
        assert len(server.log) == 1
    assert (llm.accounts.total().calls, llm.accounts.total().shared) == (1, 11)


def test_an_asker_who_leaves_takes_nothing_with_him(tmp_path: Path) -> None:
    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, QUICK) as llm:
                task = asyncio.create_task(llm.ask(request(server)))
                while not server.log:
                    await asyncio.sleep(0.01)
                task.cancel()
                assert (await llm.ask(request(server))).text == "Answer to: hello"

    with ScriptedServer(latency=0.2) as server:
        run(work(server))
        assert len(server.log) == 1


def test_an_interrupted_run_keeps_what_is_on_the_wire(tmp_path: Path) -> None:
    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=4, drain=5)) as llm:
                task = asyncio.create_task(collect(llm, [request(server, f"q{n}") for n in range(50)]))
                while len(server.log) < 4:
                    await asyncio.sleep(0.01)
                task.cancel()
                raise KeyboardInterrupt

    with ScriptedServer(latency=0.2) as server:
        with pytest.raises(KeyboardInterrupt):
            run(work(server))
        assert len(server.log) == 4
    assert stats(tmp_path).answers == 4


def test_a_disk_that_is_full_stops_the_asking(mount: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    disk = mount(400)
    (disk / "other").write_bytes(b"x" * 200_000)
    monkeypatch.setattr("kame_data.llm.ledger.SPACE", 0)

    async def work(server: ScriptedServer) -> None:
        with Ledger(disk) as ledger:
            async with LLM(ledger, Limits(concurrency=4)) as llm:
                await collect(llm, [request(server, f"q{n}") for n in range(200)])

    with ScriptedServer(latency=0.01) as server:
        with pytest.raises(KameError, match="No space left on device") as caught:
            run(work(server))
        kept, asked = stats(disk).answers, len(server.log)
        assert kept <= asked <= kept + 12
        (disk / "other").unlink()
        run(work(server))
        assert len(server.log) <= 200 + 12
    assert caught.value.exit_code == 1 and stats(disk).answers == 200


def test_a_session_counts_its_hits(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        for _ in range(4):
            run(one(tmp_path, request(server, stage="oracles", level=2)))
    found = stats(tmp_path)
    assert found.hit_rate == 0.75
    assert found.spend[("openai:gpt-4.1-nano", "oracles", 2)].calls == 1


def test_a_full_window_of_failures_does_not_block(tmp_path: Path) -> None:
    """All of the first window wait in back-off while the later ones could go: they must finish all the same."""

    async def work(server: ScriptedServer) -> list[Result]:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, Limits(concurrency=8, pause=0.05)) as llm:
                return await collect(llm, [request(server, f"q{n}") for n in range(100)])

    with ScriptedServer(faults=[first(1, error(500))]) as server:
        assert all(r.answer for r in run(work(server)))
        assert len(server.log) == 200


@pytest.mark.parametrize("finish", ["length", "stop"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_that_never_says_a_word_ends_it_before_much_is_paid(tmp_path: Path, provider: str, finish: str) -> None:
    """A model that thinks first may use up all of its tokens for that."""

    def wordless(body: Body, _: int) -> Do:
        if provider == "openai":
            return Do(body=openai_answer(body, "", finish_reason=finish))
        return Do(body=anthropic_answer(body, "", stop_reason={"length": "max_tokens", "stop": "end_turn"}[finish]))

    async def work(server: ScriptedServer) -> None:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, QUICK) as llm:
                await collect(llm, [request(server, f"q{n}", provider) for n in range(200)])

    with ScriptedServer(faults=[wordless]) as server:
        with pytest.raises(KameError, match="writer_tokens") as caught:
            run(work(server))
        assert len(server.log) <= 4 * QUICK.concurrency
    assert caught.value.exit_code == 1


def test_an_answer_cut_off_before_a_word_is_not_asked_for_in_vain(tmp_path: Path) -> None:
    def wordless(body: Body, _: int) -> Do | None:
        return Do(body=openai_answer(body, "", finish_reason="length")) if prompt(body) == "q3" else None

    async def work(server: ScriptedServer) -> list[Result]:
        with Ledger(tmp_path) as ledger:
            async with LLM(ledger, QUICK) as llm:
                return await collect(llm, [request(server, f"q{n}") for n in range(8)])

    with ScriptedServer(faults=[wordless]) as server:
        results = run(work(server))
        assert sum(entry["prompt"] == "q3" for entry in server.log) == 1
    assert results[3].refusal is not None and "used up" in results[3].refusal.detail
    assert sum(r.answer is not None for r in results) == 7
