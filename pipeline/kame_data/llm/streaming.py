"""Answers that are read while a model writes them, for a conversation: asked once, at once, and given up at any time.

Nothing here is tried again and nothing is kept, unlike in a build's engine: a moment later the question is another one.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from kame_data.errors import KameError, StoppedError
from kame_data.llm.accounts import Account, Budget
from kame_data.llm.attempts import LEARNINGS
from kame_data.llm.prices import Prices, most
from kame_data.llm.provider import BadBody, BadStatus, Cut, Delta, Reply, Unreachable, provider_of
from kame_data.llm.providers.base import said, scrub
from kame_data.llm.reply_text import StreamedReply
from kame_data.llm.request import Request, Usage
from kame_data.llm.spec import Spec, api_key

MOST_IDLE = 100_000
"""Pieces of a stream without a word in them."""


class Streamer:
    """Asks one model. `first` and `whole`: seconds until an answer's first word and its end, at most. `budget`: of all
    conversations together.

    Raises UsageError where a key is missing, or where a budget is to be kept and no price is known.
    """

    def __init__(
        self,
        spec: Spec,
        first: float,
        whole: float,
        budget: float | None = None,
        prices: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self.spec, self.first, self.whole = spec, first, whole
        self.budget = Budget(budget)
        self.account = Account()
        self.prices = Prices(prices)
        self._key = api_key(spec.provider, spec.base_url)
        # Opened here: the SDK takes a second to load, in which nobody should wait for an answer.
        url = self.spec.base_url or provider_of(spec.provider).url
        self._client = provider_of(spec.provider).client(url.rstrip("/"), self._key, whole)

    def check_price(self) -> None:
        """Raise UsageError where the price of the model is not known."""
        self.prices.known(self.spec.request())

    async def text(self, request: Request, own: Budget) -> AsyncGenerator[str, None]:
        """The text of the answer as it comes, without what the model thinks before it. `own`: the budget of one
        conversation.

        Raises StoppedError where a budget is spent, KameError where the answer fails.
        """
        price = self.prices.find(request.provider, request.model)
        cost = price.of(most(request)) if price else 0.0
        self._set_aside(cost, own)
        usage, charged = Usage(), cost
        reply = StreamedReply()
        try:
            async with aclosing(self._deltas(request)) as deltas:
                async for delta in deltas:
                    if delta.usage is not None:
                        usage = _highest(usage, delta.usage)
                    if delta.refused:
                        raise KameError(f"{self.spec}: the model refuses: {scrub(delta.text, self._key)[:80]}")
                    if text := reply.add(delta.text):
                        yield text
            if text := reply.end():
                yield text
            charged = price.of(usage) if price and usage.output else cost
            self.account.paid(usage, charged if price else None, 0.0)
        except (Unreachable, BadStatus) as error:
            charged = 0.0
            raise KameError(self._line(error)) from None
        except (Cut, BadBody, TimeoutError) as error:
            raise KameError(self._line(error)) from None
        finally:
            # Of an answer that was given up nobody tells the tokens; it counts with the most that it can have cost.
            for budget in (own, self.budget):
                budget.settle(cost, charged)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _set_aside(self, cost: float, own: Budget) -> None:
        for budget, whose in ((own, "one conversation"), (self.budget, "all conversations together")):
            if not budget.fits(cost):
                own.short = True
                raise StoppedError(
                    f"the budget of ${budget.limit:g} for {whose} is spent (${budget.spent:.4f}); nothing more is asked"
                )
        for budget in (own, self.budget):
            budget.on_wire += cost
        self.account.asked += 1

    async def _deltas(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The pieces of the answer within the times that they may take; raises TimeoutError behind them."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        until, spoken = begun + min(self.first, self.whole), False
        async with aclosing(self._learning(request)) as deltas:
            for _ in range(MOST_IDLE):
                try:
                    async with asyncio.timeout_at(until):
                        delta = await anext(deltas)
                except StopAsyncIteration:
                    return
                if delta.text.strip() and not spoken:
                    until, spoken = begun + self.whole, True
                yield delta
        raise BadBody(f"more than {MOST_IDLE} pieces")

    async def _learning(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The pieces of the answer, asked for again without the parameters that the model refuses."""
        client = self._client
        for _ in range(LEARNINGS):
            self.account.calls += 1
            try:
                async with aclosing(client.stream(request)) as deltas:
                    async for delta in deltas:
                        yield delta
                return
            except BadStatus as error:
                if client.learn(request, error.sent, error.reply) is None:
                    raise
        raise BadStatus(Reply(400, "it refuses one parameter after the other"), {})

    def _line(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            what = f"no word within {self.first:g} s, or no end within {self.whole:g} s"
        elif isinstance(error, BadStatus):
            what = said(error.reply, self._key)
        elif isinstance(error, BadBody):
            what = f"a malformed answer ({scrub(str(error), self._key)[:120]})"
        else:
            what = f"{'cannot be reached' if isinstance(error, Unreachable) else 'the connection broke'} " + (
                f"({scrub(str(error), self._key)[:120]})"
            )
        return f"{self.spec}: {what}"


def _highest(one: Usage, other: Usage) -> Usage:
    return Usage(max(one.input, other.input), max(one.output, other.output), max(one.cached, other.cached))
