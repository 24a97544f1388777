"""The stepping of the model: one thread steps all rows, asyncio does everything else.

Frames that are there when a step begins go into it together. Frames that come while it runs wait for the next one, so
rows fall into one step by themselves when the model is busy; when it is not, a step waits `STRAGGLERS` seconds for the
rows that have none yet. A row without a frame holds up nobody for longer.

A frame is late where its output came more than a frame's length (80 ms) behind it. Late frames are counted. What is
done about them is decided where frames wait (`kame_data.tandem.live`): of a conversation that is too far behind, the
oldest frames of the user are left out, so that no delay grows without end.

A step that fails ends the conversations of all rows, with its reason; new ones may begin, and are told the same if the
model fails again. Nothing of it reaches the process.
"""

import asyncio
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from kame_data.errors import KameError
from kame_data.tandem.frames import FRAME, FrameIn, FrameOut, Rows

STRAGGLERS = 0.004
"""Seconds that a step waits for rows that have no frame yet."""
MOST_FAILURES = 3
"""Steps that fail one after the other until the model counts as broken."""
STALLED = 10.0
"""Seconds after which a step that has not ended counts as one that never will."""
SHUT_DOWN = "the model is shut down; start the tandem again"
END_LIMIT = 30.0
"""Seconds that `close` waits for the step that runs."""
BOUNDS = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds, in seconds, of the classes in which times are counted."""


@dataclass
class Times:
    """Durations of something, counted in classes: `counts` has one more than `BOUNDS`, for what took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    @property
    def count(self) -> int:
        """The number of times."""
        return sum(self.counts)

    def over(self, bound: float) -> int:
        """The number of times above one of `BOUNDS`."""
        return sum(self.counts[BOUNDS.index(bound) + 1 :])

    def quantile(self, share: float) -> float:
        """The upper bound of the class in which this share of the times ends, in seconds; 0 where there is none."""
        left = share * self.count
        for bound, count in zip((*BOUNDS, self.longest), self.counts, strict=True):
            left -= count
            if count and left <= 0:
                return min(bound, self.longest)
        return 0.0


@dataclass
class Figures:
    """The figures of a stepper, for metrics; all of them only grow.

    `steps`: how long each step took; `waits`: from a frame's coming to its output, of all rows, so that the counts'
    quotient is the mean size of a batch. `failures`: steps that failed.
    """

    steps: Times = field(default_factory=Times)
    waits: Times = field(default_factory=Times)
    failures: int = 0

    @property
    def late(self) -> int:
        """Number of frames whose output came more than a frame's length behind them."""
        return self.waits.over(FRAME)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that waits for its step, and who waits for its output."""

    frame: FrameIn
    done: "asyncio.Future[FrameOut]"
    came: float


class SteppedRow:
    """A row of the model for one conversation."""

    def __init__(self, stepper: "ThreadStepper", number: int) -> None:
        self._stepper, self.number = stepper, number

    async def step(self, frame: FrameIn) -> FrameOut:
        """One step; one frame at a time. Raises KameError where the model has failed or is shut down."""
        return await self._stepper._ask(self.number, frame)


class ThreadStepper:
    """A thread that steps `rows`. `name` and `stand_ins` are for logs; `finish` frees what the rows hold."""

    def __init__(
        self,
        rows: Rows,
        name: str = "",
        stand_ins: tuple[str, ...] = (),
        finish: Callable[[], None] = lambda: None,
        stragglers: float = STRAGGLERS,
    ) -> None:
        self.name, self.stand_ins, self.count = name, stand_ins, rows.count
        self.figures = Figures()
        self._rows, self._finish, self._stragglers = rows, finish, stragglers
        self._changed = threading.Condition()
        self._frames: dict[int, _Waiting] = {}
        self._orders: deque[Callable[[], None]] = deque()  # what is to be done between two steps
        self._taken: dict[asyncio.Future[int], int] = {}
        self._ended: dict[int, KameError] = {}  # rows whose conversation a failed step has ended
        self._in_a_row = 0
        self._began: float | None = None  # the step that runs
        self._closed = self._over = False
        self._thread = threading.Thread(target=self._work, name="stepper", daemon=True)
        self._thread.start()

    @property
    def broken(self) -> bool:
        """True where the model's last steps have all failed, or one does not end."""
        began = self._began
        return self._in_a_row >= MOST_FAILURES or (began is not None and time.perf_counter() - began > STALLED)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SteppedRow]:
        """A free row for the length of a conversation. Raises KameError where all are taken, or it is shut down."""
        opening = asyncio.get_running_loop().create_future()
        self._order(lambda: self._open(opening))
        try:
            yield SteppedRow(self, await opening)
        finally:
            # Behind the order to open, also where nobody waits for that any more.
            self._order(lambda: self._leave(opening))

    def close(self) -> None:
        """End the thread behind the step that runs, and all conversations; a second call does nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(END_LIMIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # On the event loop.

    async def _ask(self, number: int, frame: FrameIn) -> FrameOut:
        waiting = _Waiting(frame, asyncio.get_running_loop().create_future(), time.perf_counter())
        with self._changed:
            if error := self._error(number):
                raise error
            if number in self._frames:
                raise ValueError(f"row {number}: a frame of it waits already; await its output first")
            self._frames[number] = waiting
            self._changed.notify()
        try:
            return await waiting.done
        except asyncio.CancelledError:
            with self._changed:
                if self._frames.get(number) is waiting:
                    del self._frames[number]
            raise

    def _error(self, number: int) -> KameError | None:
        if self._closed:
            return KameError(SHUT_DOWN)
        return self._ended.get(number)

    def _order(self, order: Callable[[], None]) -> None:
        with self._changed:
            over = self._over
            if not over:
                self._orders.append(order)
                self._changed.notify()
        if over:
            order()

    # In the thread.

    def _work(self) -> None:
        try:
            while self._next():
                with self._changed:
                    ready = self._frames
                    self._frames = {}
                if ready:
                    self._step(ready)
        finally:
            with self._changed:
                self._closed = self._over = True
                left, self._frames = self._frames, {}
            self._follow_orders()
            _fail(left, KameError(SHUT_DOWN))
            self._finish()

    def _next(self) -> bool:
        """Wait for frames, and a little for more of them; False where it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._orders or self._closed)
        self._follow_orders()
        with self._changed:
            if self._frames and len(self._frames) < len(self._taken):
                self._changed.wait_for(self._all_there, self._stragglers)
            return not self._closed

    def _all_there(self) -> bool:
        return len(self._frames) >= len(self._taken) or bool(self._orders) or self._closed

    def _follow_orders(self) -> None:
        while self._orders:
            self._orders.popleft()()

    def _open(self, opening: "asyncio.Future[int]") -> None:
        try:
            if self._closed:
                raise KameError(SHUT_DOWN)
            number = self._rows.open()
        except Exception as error:
            _tell(opening, error=_as_kame_error(error))
            return
        self._taken[opening] = number
        self._ended.pop(number, None)
        _tell(opening, number)

    def _leave(self, opening: "asyncio.Future[int]") -> None:
        number = self._taken.pop(opening, None)
        if number is not None:
            self._ended.pop(number, None)
            self._rows.close(number)

    def _step(self, ready: dict[int, _Waiting]) -> None:
        self._began = began = time.perf_counter()
        try:
            made = self._rows.step({number: waiting.frame for number, waiting in ready.items()})
        except Exception as error:
            self._failed(ready, _as_kame_error(error))
            return
        finally:
            self._began = None
        ended = time.perf_counter()
        self._in_a_row = 0
        self.figures.steps.add(ended - began)
        for number, waiting in ready.items():
            self.figures.waits.add(ended - waiting.came)
            _tell(waiting.done, made[number])

    def _failed(self, ready: dict[int, _Waiting], error: KameError) -> None:
        """All rows have lost their state, also those that stood still."""
        self.figures.failures += 1
        self._in_a_row += 1
        with self._changed:
            self._ended.update(dict.fromkeys(self._taken.values(), error))
            left, self._frames = self._frames, {}
        _fail(ready | left, error)


def _fail(waiting: dict[int, _Waiting], error: KameError) -> None:
    for one in waiting.values():
        _tell(one.done, error=error)


def _tell(future: "asyncio.Future[Any]", value: Any = None, error: Exception | None = None) -> None:
    """Give a result to the event loop of a future, unless nobody waits for it any more."""

    def give() -> None:
        if not future.done():
            future.set_result(value) if error is None else future.set_exception(error)

    with suppress(RuntimeError):  # its loop is closed
        future.get_loop().call_soon_threadsafe(give)


def _as_kame_error(error: Exception) -> KameError:
    if isinstance(error, KameError):
        return error
    told = " ".join(str(error).split())[:200]
    return KameError(f"the model failed in a step ({type(error).__name__}: {told}); the conversation ends")
