"""The back end at work, by the official clients against a server on loopback: what comes, what is cut, what fails."""

import asyncio
import random
import time
from contextlib import aclosing

import pytest

from kame_data.errors import KameError, StoppedError, UsageError
from kame_data.llm.accounts import Budget
from kame_data.llm.reply_text import StreamedReply, without_thoughts
from kame_data.settings.tandem import AnswerSettings
from kame_data.tandem.answers import SaidAloud, answers_of
from kame_data.tandem.parts import BackEndRequest, CutOff
from tandem.streaming_server import StreamingServer, event

QUESTION = BackEndRequest(3, 0, 4, "how many moons has", "user: hello\nassistant: hi", "en")
BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def ask(server, provider="openai", own=None, times=1, take=None, **settings):
    """The pieces of the last of `times` answers, after `take` of which the asker leaves."""

    async def asking():
        patient = {"first": 60, "whole": 120} | settings
        answers = answers_of(server.spec(provider), AnswerSettings(**patient))
        budget, found = own or Budget(), []
        try:
            for _ in range(times):
                found = []
                async with aclosing(answers.answer(QUESTION, budget)) as pieces:
                    async for piece in pieces:
                        found.append(piece)
                        if len(found) == take:
                            break
        finally:
            await answers.close()
            ask.account = answers.streamer.account
            ask.budget = answers.streamer.budget
        return found

    return asyncio.run(asking())


@BOTH
def test_an_answer_comes_piece_by_piece_and_the_request_is_that_of_a_build(provider):
    with StreamingServer(lambda body: ["Two", " moons", ", Phobos", " and Deimos."], reasoning="hmm") as server:
        assert ask(server, provider, tokens=77) == ["Two", " moons", ", Phobos", " and Deimos."]
    body = server.bodies[0]
    assert body["stream"] is True and body["max_tokens"] == 77
    text = body["messages"][-1]["content"]
    assert text.startswith("user: hello\nassistant: hi\nuser: how many moons has")
    assert "Authorization" not in server.headers[0] or "none" in server.headers[0]["Authorization"]


@BOTH
def test_an_answer_that_is_given_up_closes_its_connection_at_once(provider):
    def slowly(body):
        for _ in range(400):
            yield "word "
            yield 0.05

    with StreamingServer(slowly) as server:
        ask(server, provider, take=2)
        until = time.monotonic() + 10
        while not server.broken and time.monotonic() < until:
            time.sleep(0.02)
        assert server.broken and server.broken[0] < 60, "the server saw that the client hung up, long before the end"
        assert server.open == 0 and server.whole == 0


@BOTH
def test_an_answer_that_is_given_up_before_its_first_word_closes_its_connection_too(provider):
    with StreamingServer(lambda body: [60, "late"]) as server:

        async def asking():
            answers = answers_of(server.spec(provider), AnswerSettings())
            task = asyncio.create_task(anext(answers.answer(QUESTION, Budget())))
            while not server.bodies:
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(10):
                while server.open:
                    await asyncio.sleep(0.02)
            await answers.close()

        asyncio.run(asking())
        assert server.broken == [0]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ([("status", 401, "no such key sk-abcdefghijkl")], "401: no such key [key]"),
        ([("status", 500, "it burns")], "500: it burns"),
        ([("status", 429, "slow down")], "429: slow down"),
        (["Two", "CUT"], "the connection broke"),
        ([60, "late"], "no word within 0.5 s"),
        (["Two", 60, "late"], "no end within 5 s"),
        ([("raw", b"data: {not json}\n\n")], "malformed"),
        ([("raw", event({"error": {"message": "out of memory"}}))], "out of memory"),
        ([("raw", b'data: {"choices": [{"delta": 7}]}\n\n')], "malformed"),
        ([("raw", b'data: {"choices": "none"}\n\n')], "malformed"),
    ],
)
def test_what_fails_is_one_line_that_names_the_back_end(script, says):
    with StreamingServer(lambda body: script) as server, pytest.raises(KameError) as error:
        ask(server, first=0.5 if "no word" in says else 60, whole=5 if "no end" in says else 60)
    assert says in str(error.value) and str(error.value).startswith("openai:model@http://127.0.0.1")
    assert "\n" not in str(error.value) and "sk-abc" not in str(error.value)


def test_a_dead_server_is_named_at_once():
    with StreamingServer(lambda body: []) as server:
        spec = server
    with pytest.raises(KameError, match="cannot be reached"):
        ask(spec)


@BOTH
def test_an_empty_answer_is_empty(provider):
    with StreamingServer(lambda body: []) as server:
        assert ask(server, provider) == []


@pytest.mark.parametrize("piece", ["word " * 250_000, "x" * 1_250_000, "\n" * 1_250_000 + "one " * 100])
def test_a_megabyte_is_cut(piece):
    with StreamingServer(lambda body: [piece, 0.2, *["more "] * 100]) as server:
        found = []

        async def asking():
            answers = answers_of(server.spec(), AnswerSettings(words=20, first=60, whole=120))
            with pytest.raises(CutOff):
                async with aclosing(answers.answer(QUESTION, Budget())) as pieces:
                    async for text in pieces:
                        found.append(text)
            await answers.close()

        asyncio.run(asking())
        text = "".join(found)
        assert 0 < len(text.split()) <= 20 and len(text) <= 20 * 12


def test_a_parameter_that_the_server_refuses_is_left_out_from_then_on():
    def script(body):
        if "stream_options" in body:
            return [("status", 400, "unknown parameter: stream_options")]
        return ["Yes"] if "temperature" not in body else [("status", 400, "temperature is not supported")]

    with StreamingServer(script) as server:
        assert ask(server, times=2) == ["Yes"]
    assert len(server.bodies) == 4 and "temperature" not in server.bodies[-1]


PRICES = {"model": {"input": 1000.0, "output": 1000.0}}


def test_what_an_answer_costs_is_counted_and_a_spent_budget_asks_nothing():
    with StreamingServer(lambda body: ["Yes", " it", " is"]) as server:
        ask(server, prices=PRICES)
        assert ask.account.cost == pytest.approx(0.103) and ask.budget.spent == pytest.approx(0.103)
        own = Budget(0.9)
        with pytest.raises(StoppedError, match=r"budget of \$0.9 for one conversation is spent"):
            ask(server, own=own, times=20, prices=PRICES, session_budget=0.9)
        assert own.spent <= 0.9
        asked = len(server.bodies)
        with pytest.raises(StoppedError, match=r"all conversations"):
            ask(server, prices=PRICES, budget=0.01)
        assert len(server.bodies) == asked, "nothing was asked that might cost more than there is"


def test_an_answer_that_was_given_up_counts_with_the_most_it_may_cost():
    with StreamingServer(lambda body: ["Yes ", 5, "it is"]) as server:
        own = Budget(100.0)
        ask(server, own=own, take=1, prices=PRICES, tokens=100)
    assert own.spent > 0.2 and own.on_wire == 0.0


def test_a_missing_key_and_an_unknown_price_are_told_before_anything_is_asked():
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        answers_of("openai:gpt-4.1-nano", AnswerSettings())
    with pytest.raises(UsageError, match="no price known"):
        answers_of("openai:odd@http://127.0.0.1:1/v1", AnswerSettings(budget=1.0))
    with pytest.raises(UsageError, match="use offline"):
        answers_of("bogus:x", AnswerSettings())


def cut(text, draws):
    places = sorted(draws.sample(range(len(text) + 1), min(len(text), draws.randint(0, 8))))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "<think>first 2 < 3, then so</think>\nTwo moons.",
        "<thinking>a <b> c</thinking>Two <i>moons</i> < three.",
        "Two moons, as 3 < 4 and <thin",
        " <THINK>\nnever ended",
        "<think></think><reasoning>more</reasoning> Two",
        "plain",
        "a <think>aside</think> b",
        "<",
        "",
    ],
)
def test_thoughts_are_stripped_over_any_cut(text):
    draws = random.Random(3)
    found = set()
    for pieces in [[text], list(text), *(cut(text, draws) for _ in range(200))]:
        reply = StreamedReply()
        found.add("".join([*map(reply.add, pieces), reply.end()]))
    assert len(found) == 1
    said = found.pop().strip()
    assert said == (without_thoughts(text) if "aside" not in text else "a  b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Two** moons,\n\n* Phobos\n", "Two moons, Phobos"),
        ("  It’s “so”  ", 'It\'s "so"'),
        ("one two three four five six", "one two three four"),
        ("# Head\n`code`", "Head code"),
        ("\u200btwo\x00words", "two words"),
        ("答案是第二个，因为光", "答案是第二个，因为光"),
        (" \n ", ""),
        ("Assistant: Two moons", "Two moons"),
        ("answer:yes", "yes"),
        ("assistant:", ""),
        ("Answers", "Answers"),
        ("a", "a"),
        ("An answer: none", "An answer: none"),
    ],
)
def test_an_answer_is_said_aloud_in_the_same_words_however_it_is_cut(text, said):
    draws = random.Random(3)
    for pieces in [[text], list(text), *(cut(text, draws) for _ in range(100))]:
        aloud = SaidAloud(4)
        assert "".join([*map(aloud.add, pieces), aloud.end()]) == said
        assert aloud.over == ("five" in text)


def test_the_offline_back_end_answers_what_is_bundled_and_nothing_else():
    async def asking(heard):
        answers = answers_of("offline", AnswerSettings())
        assert "stand" not in answers.name and "knows no others" in answers.stand_ins[0]
        return "".join([text async for text in answers.answer(BackEndRequest(0, 0, 1, heard, "", "en"), Budget())])

    assert "Canberra" in asyncio.run(asking("Tell me this. What is the capital of Australia?"))
    assert "Canberra" in asyncio.run(asking("the capital of Australia"))
    for other in ("What is the capital of Germany?", "How many moons", "Tell me a joke.", "", "the of and"):
        assert asyncio.run(asking(other)) == ""
