"""Many requests asked at once, as the stages of a build ask them: each for itself."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from kame_data.errors import Refusal
from kame_data.llm.engine import LLM
from kame_data.llm.request import Answer, Request


@dataclass(frozen=True)
class Result:
    """One request of many, by its place, with its answer or its refusal."""

    index: int
    request: Request
    answer: Answer | None = None
    refusal: Refusal | None = None

    def get(self) -> Answer:
        """The answer; raises the refusal where there is none."""
        if self.answer is None:
            raise self.refusal or AssertionError("no answer")
        return self.answer


async def ask_all(llm: LLM, requests: Iterable[Request]) -> AsyncIterator[Result]:
    """What becomes of each request, as it becomes known. What is finished comes out before an error is raised."""

    async def one(index: int, request: Request) -> Result:
        try:
            return Result(index, request, await llm.ask(request))
        except Refusal as refusal:
            return Result(index, request, refusal=refusal)

    error: Exception | None = None
    tasks = [asyncio.create_task(one(index, request)) for index, request in enumerate(requests)]
    try:
        for task in asyncio.as_completed(tasks):
            try:
                found = await task
            except Exception as failure:
                error = error or failure
            else:
                yield found
    finally:
        for task_ in tasks:
            task_.cancel()
    if error is not None:
        raise error
