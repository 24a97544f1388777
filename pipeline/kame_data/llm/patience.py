"""The time that an answer is waited for.

A server may do one request after the other, and the last of many is not late where those before it take long. So a
request's time begins anew with every answer to one that was sent before it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GRAIN = 0.05
"""Share of the time by which an end is moved at the least, so that many answers a second cost nothing."""


class Patience:
    """The requests of one endpoint that are on the wire, each with `seconds` for its answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[asyncio.Timeout, None] = {}  # in the order in which they were sent

    @asynccontextmanager
    async def answer(self) -> AsyncIterator[None]:
        """The time around a request that is sent within it. Raises TimeoutError where no answer comes."""
        async with asyncio.timeout(self.seconds) as limit:
            self._waiting[limit] = None
            try:
                yield
                self._answered(limit)
            finally:
                del self._waiting[limit]

    def _answered(self, limit: asyncio.Timeout) -> None:
        """Give those that were sent later their time anew."""
        end = asyncio.get_running_loop().time() + self.seconds
        for later in reversed(self._waiting):
            if later is limit:
                return
            if not later.expired() and (later.when() or end) < end - GRAIN * self.seconds:
                later.reschedule(end)
