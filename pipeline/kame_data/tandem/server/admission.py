"""Admission to conversations: places in the model, and a queue in the order of coming."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Waiter:
    called: bool = False
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Admission:
    """The places of `slots` conversations, and of `waiting` people behind them. Whoever has a place leaves it."""

    def __init__(self, slots: int, waiting: int) -> None:
        self.slots, self.most_waiting = slots, waiting
        self.taken = 0
        self._queue: list[_Waiter] = []

    @property
    def waiting(self) -> int:
        """Number of people in the queue."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """True where no place is free."""
        return self.taken >= self.slots

    @property
    def queue_is_full(self) -> bool:
        """True where nobody more may wait."""
        return len(self._queue) >= self.most_waiting

    def enter(self) -> bool:
        """Take a place at once; False where none is free."""
        if self.is_full:
            return False
        self.taken += 1
        return True

    async def wait(self, tell: Callable[[int], Awaitable[None]]) -> None:
        """Take a place when it is one's turn. `tell` is called with the place in the queue, 1 is the next, whenever it
        has changed. Who is cancelled, or cannot be told, leaves the queue."""
        if self.enter():
            return
        waiter = _Waiter()
        self._queue.append(waiter)
        told = 0
        try:
            while not waiter.called:
                waiter.moved.clear()
                if (place := self._queue.index(waiter) + 1) != told:
                    told = place
                    await tell(place)
                    continue
                await waiter.moved.wait()
        except BaseException:
            if waiter.called:
                self.leave()
            else:
                self._queue.remove(waiter)
                self._move()
            raise

    def leave(self) -> None:
        """Give a place back; the first in the queue has it then."""
        if not self._queue:
            self.taken -= 1
            return
        first = self._queue.pop(0)
        first.called = True
        first.moved.set()
        self._move()

    def _move(self) -> None:
        for waiter in self._queue:
            waiter.moved.set()
