"""The pace of a model on this machine, measured by asking it: nobody can know it beforehand, and it costs nothing."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from kame_data.llm.attempts import LEARNINGS
from kame_data.llm.patience import Patience
from kame_data.llm.provider import Cut, Unreachable, provider_of
from kame_data.llm.request import Request
from kame_data.llm.spec import api_key

PROBES = 4
"""Requests that are sent, all at once."""


def measured_pace(requests: Sequence[Request], timeout: float) -> float | None:
    """Seconds from one answer to the next, of the model that `requests` ask; there is one at least.

    None where it answers none of them, each within `timeout` seconds. No answer is kept.
    """
    return asyncio.run(_measure(requests[:: max(1, len(requests) // PROBES)][:PROBES], timeout))


async def _measure(requests: Sequence[Request], timeout: float) -> float | None:
    first = requests[0]
    key = api_key(first.provider, first.base_url)
    client = provider_of(first.provider).client(first.url, key, timeout)
    patience, began = Patience(timeout), monotonic()

    async def answers(request: Request) -> bool:
        for _ in range(LEARNINGS):
            sent = client.body(request)
            try:
                async with patience.answer():
                    reply = await client.send(request)
            except (Cut, Unreachable, TimeoutError):
                return False
            if reply.status == 200 or client.learn(request, sent, reply) is None:
                return reply.status == 200
        return False

    try:
        count = sum(await asyncio.gather(*map(answers, requests)))
    finally:
        await client.close()
    return (monotonic() - began) / count if count else None
