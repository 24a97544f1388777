"""Answers of a real small model, streamed: SmolLM2-135M behind llama.cpp's own server, which has one slot."""

import asyncio
import time
from contextlib import aclosing

import pytest

from kame_data.llm.accounts import Budget
from kame_data.settings.tandem import AnswerSettings
from kame_data.tandem.answers import answers_of
from kame_data.tandem.parts import BackEndRequest, CutOff
from llm.llama import NAME, llama_server, python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("llama"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(python() is None, reason="no llama.cpp: set KAME_DATA_LLAMA to the python that has its server"),
]
QUESTION = BackEndRequest(0, 0, 6, "What is the capital of France?", "user: hello\nassistant: hello", "en")
LONG = BackEndRequest(1, 0, 8, "Tell me a long story about a fox and a crow.", "", "en")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    with llama_server(tmp_path_factory.mktemp("llama")) as url:
        yield f"openai:{NAME}@{url}"


async def first(answers, question, take=1):
    """The first pieces of an answer, which is given up then, and the seconds until they were there."""
    began, found = time.monotonic(), []
    async with aclosing(answers.answer(question, Budget())) as pieces:
        async for piece in pieces:
            found.append(piece)
            if len(found) == take:
                break
    return found, time.monotonic() - began


def test_it_streams_words_and_is_cut_where_it_is_too_long(spec):
    async def asking():
        answers = answers_of(spec, AnswerSettings(temperature=0.0, words=12, first=60, whole=120))
        found = []
        try:
            async with aclosing(answers.answer(LONG, Budget())) as pieces:
                async for piece in pieces:
                    found.append(piece)
        except CutOff:
            pass
        finally:
            await answers.close()
        return found

    found = asyncio.run(asking())
    text = "".join(found)
    assert len(found) > 3 and 1 <= len(text.split()) <= 12 and text == " ".join(text.split())


def test_an_answer_that_is_given_up_frees_the_server_for_the_next(spec):
    async def asking():
        answers = answers_of(spec, AnswerSettings(temperature=0.0, words=1000, tokens=300, first=60, whole=120))
        await first(answers, QUESTION)
        began = time.monotonic()
        pieces = []
        async with aclosing(answers.answer(LONG, Budget())) as all_pieces:
            async for piece in all_pieces:
                pieces.append(piece)
        whole = time.monotonic() - began
        await first(answers, LONG, take=3)
        _, seconds = await first(answers, QUESTION)
        await answers.close()
        return len(pieces), whole, seconds

    pieces, whole, seconds = asyncio.run(asking())
    assert pieces > 40, "the story is long"
    assert seconds < whole / 2, "the server did not write the story to its end before it answered"
