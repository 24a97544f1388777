"""One session for the stages of a build, each in its own thread."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kame_data.errors import KameError, Refusal
from kame_data.llm.request import Answer, Message, Request
from kame_data.llm.session import SAMPLES, Session
from kame_data.settings.tree import LlmSettings
from llm.server import ScriptedServer, error


@contextmanager
def session(folder: Path, **settings: Any) -> Iterator[Session]:
    opened = Session(folder / "out", folder / "ledger", LlmSettings(**settings))
    try:
        yield opened
    finally:
        opened.close()


def request(server: ScriptedServer, text: str) -> Request:
    return Request("openai", "gpt-4.1-nano", (Message("user", text),), server.url, max_tokens=5, stage="oracles")


def requests(server: ScriptedServer, part: int) -> list[Request]:
    # Neighbouring parts share half of their questions.
    return [request(server, f"q{n}") for n in range(part * 5, part * 5 + 10)]


def texts_of(opened: Session, asked: list[Request]) -> list[str | Refusal]:
    """The outcomes of requests, in order, as a stage takes them."""

    def job(one: Request) -> Callable[[Session], Any]:
        async def ask(inside: Session) -> str:
            return (await inside.llm.ask(one)).text

        return ask

    return list(opened.outcomes([job(one) for one in asked]))


def test_parts_in_several_threads_share_limits_and_answers(tmp_path: Path) -> None:
    with ScriptedServer(latency=0.02) as server:
        with session(tmp_path, concurrency=6) as opened, ThreadPoolExecutor(4) as threads:
            done = list(threads.map(lambda part: texts_of(opened, requests(server, part)), range(8)))
            total = opened.llm.accounts.total()
        assert done == [[f"Answer to: q{n}" for n in range(part * 5, part * 5 + 10)] for part in range(8)]
        assert 1 < server.most_at_once <= 6
        assert len(server.log) == 45 and total.asked == 80 and total.hits + total.shared == 35


def test_an_error_comes_out_where_it_was_asked(tmp_path: Path) -> None:
    with ScriptedServer(faults=[lambda *_: error(401, "no")]) as server, session(tmp_path) as opened:
        for part in (0, 1):
            with pytest.raises(KameError, match="key"):
                texts_of(opened, requests(server, part))


def test_a_refusal_is_an_outcome_and_ends_nothing(tmp_path: Path) -> None:
    refused = ScriptedServer(faults=[lambda body, _: error(400, "too long") if "q3" in str(body) else None])
    with refused as server, session(tmp_path) as opened:
        found = texts_of(opened, requests(server, 0))
    assert [n for n, outcome in enumerate(found) if isinstance(outcome, Refusal)] == [3]


def test_other_samples_are_asked_until_one_will_do(tmp_path: Path) -> None:
    count = iter(range(100))
    refusals: list[list[Refusal]] = []

    def until(asked: Request, end: str) -> Callable[[Session], Any]:
        def take(answer: Answer, refused: list[Refusal]) -> str:
            refusals.append([*refused])
            if not answer.text.endswith(end):
                raise Refusal("verbatim", answer.text)
            return answer.text

        async def job(inside: Session) -> str:
            return await inside.ask_until(lambda refused: replace(asked, sample=len(refused)), take)

        return job

    with ScriptedServer(reply=lambda _: f"answer {next(count)}") as server:
        with session(tmp_path) as opened:
            assert list(opened.outcomes([until(request(server, "q"), "1")])) == ["answer 1"]
            total = opened.llm.accounts.total()
            assert (total.calls, total.again) == (2, 1)
            assert [[r.detail for r in refused] for refused in refusals] == [[], ["answer 0"]]
        with session(tmp_path) as opened:
            (outcome,) = opened.outcomes([until(request(server, "q"), "never")])
            total = opened.llm.accounts.total()
        assert isinstance(outcome, Refusal) and "answer 2" in str(outcome)
        assert (total.hits, total.calls, total.again) == (2, 1, 2), "paid samples come from the ledger"
        assert len(server.log) == SAMPLES and len(refusals[-1]) == SAMPLES - 1


def test_a_request_that_fails_is_not_asked_for_another_sample(tmp_path: Path) -> None:
    async def job(inside: Session) -> str:
        return await inside.ask_until(lambda _: request(server, "q"), lambda answer, _: answer.text)

    refused = ScriptedServer(faults=[lambda *_: error(400, "too long")])
    with refused as server, session(tmp_path) as opened:
        (outcome,) = opened.outcomes([job])
        assert isinstance(outcome, Refusal) and outcome.reason == "llm_failed" and len(server.log) == 1
