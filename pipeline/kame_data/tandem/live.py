"""Conversations in real time, on asyncio: sound is pushed in, and sound, text and events come out.

`Tandem` holds what all conversations share: the model's rows, the recogniser, the back end, the voice, the budget. Each
`LiveSession` has a row, a hearing, a voice and a log of its own, and ends by itself, for a reason that is told; no
other one notices.

Sound that comes faster than real time is taken as fast as it is spoken: `push` waits. Where the model is late, so that
more than `MOST_BEHIND` frames wait, the oldest of them are not shown to it (the recogniser hears them all the same),
and an event says how many. So no delay grows without end.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError, StoppedError
from kame_data.llm.accounts import Budget
from kame_data.tandem.events import AnyEvent, EventLog, Part
from kame_data.tandem.frames import FRAME, RATE, SAMPLES, FrameIn
from kame_data.tandem.live_hearing import LiveHearing
from kame_data.tandem.parts import Answers, BackEndRequest, CutOff, Row, Stepper, Voice, VoiceStream
from kame_data.tandem.session import Cancel, Order, Session, Setup
from kame_data.tandem.sounds import Sound, checked
from kame_data.tandem.streaming_recognisers.base import SpeechEvent, StreamingRecogniser

Tap = Callable[[Sound, Sound], None]
"""Takes each frame of both sides, the user's first, f32 (SAMPLES,)."""

MOST_WAITING = 4 * RATE
"""Samples that may wait for the model before `push` waits."""
MOST_BEHIND = 25
"""Frames that may wait for a model that is late."""
MOST_OUTPUTS = 1000
"""Outputs that may wait for a client; one that takes none is sent away."""
HASTE = 0.95
"""Share of a frame's length in which the next one may be taken: a client's clock may be so much faster."""
BURST = 2.0
"""Seconds of sound that may come at once, as behind a stall of the network."""


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that goes to the user: a frame of sound, f32 (SAMPLES,) at 24 kHz, with the text that the model wrote
    in it ("" for none); or an event."""

    sound: Sound | None = None
    text: str = ""
    event: AnyEvent | None = None


class Full(KameError):
    """All rows of the model are taken."""


class Tandem:
    """A model that people talk to. `setup` is what every session is made with; `slots` conversations run at once."""

    def __init__(
        self,
        setup: Setup,
        stepper: Stepper,
        answers: Answers,
        voice: Voice,
        recogniser: StreamingRecogniser | None = None,
        session_budget: float | None = None,
    ) -> None:
        self.setup, self.stepper, self.answers, self.voice, self.recogniser = setup, stepper, answers, voice, recogniser
        self.session_budget = session_budget
        self.slots = stepper.count
        self.sessions: set[LiveSession] = set()
        self._opening = 0
        self._closed = False
        self.threads = ThreadPoolExecutor(2 * self.slots, thread_name_prefix="hearing")

    @property
    def free(self) -> int:
        """Number of conversations that may begin now."""
        return 0 if self._closed else self.slots - len(self.sessions) - self._opening

    async def open(
        self,
        *,
        language: str | None = None,
        events: Path | None = None,
        listeners: Iterable[Callable[[AnyEvent], None]] = (),
        tap: Tap | None = None,
    ) -> "LiveSession":
        """Begin a conversation. `events`: the file of its log.

        Raises Full where all rows are taken, KameError where a part will not begin.
        """
        if self.free <= 0:
            raise Full("the tandem is closing" if self._closed else f"all {self.slots} conversations are taken")
        self._opening += 1
        try:
            session = LiveSession(self, tap)
            await session.begin(language or self.setup.language, events, listeners)
        finally:
            self._opening -= 1
        return session

    async def close(self, reason: str = "the tandem is closing") -> None:
        """End all conversations, and the back end's connections; a second call does nothing more."""
        self._closed = True
        await asyncio.gather(*(session.close(reason) for session in list(self.sessions)))
        await self.answers.close()
        self.threads.shutdown(wait=False, cancel_futures=True)


class LiveSession:
    """One conversation; `Tandem.open` makes it. `reason`: why it ended, None while it goes on."""

    def __init__(self, tandem: Tandem, tap: Tap | None) -> None:
        self.tandem, self._tap = tandem, tap
        self.id = uuid.uuid4().hex[:12]
        self.reason: str | None = None
        self.budget = Budget(tandem.session_budget)
        self._loop = asyncio.get_running_loop()
        self._held = AsyncExitStack()
        self._waiting: Sound = np.zeros(0, np.float32)  # for the model
        self._came, self._taken = asyncio.Event(), asyncio.Event()
        self._outputs: asyncio.Queue[Output | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asks: dict[int, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._hearing: LiveHearing | None = None

    # The user's side.

    async def push(self, sound: NDArray[Any]) -> None:
        """Take the user's next sound: mono at 24 kHz of any length up to ten seconds, f32 in -1 to 1, or int16.

        Waits while more is there than is spoken in a few seconds. Sound that is none (NaN, another shape or kind) ends
        this conversation and raises KameError; so does any push behind the end.
        """
        if self._ending is not None:
            raise KameError(f"the conversation is over: {self.reason}")
        try:
            taken = checked(sound)
        except KameError as error:
            self._finish(str(error))
            raise
        self._waiting = np.concatenate([self._waiting, taken])
        self._came.set()
        if self._hearing is not None:
            self._hearing.push(taken)
        while len(self._waiting) > MOST_WAITING and self._ending is None:
            self._taken.clear()
            await self._taken.wait()

    async def outputs(self) -> AsyncIterator[Output]:
        """Give what goes to the user, in order, until the conversation is over; one reader at a time."""
        while (output := await self._outputs.get()) is not None:
            yield output
        self._outputs.put_nowait(None)  # for a reader that comes later

    def unheard(self, count: int) -> None:
        """The assistant's last `count` words, 1 or more, were never played; they are no part of the history."""
        if self._ending is None:
            self.session.unheard(self._now(), count)

    async def close(self, reason: str = "the user left") -> None:
        """End the conversation; returns when nothing of it is left. A second call waits for the first one's end."""
        self._finish(reason)
        assert self._ending is not None
        await asyncio.shield(self._ending)

    # The life of the conversation.

    async def begin(self, language: str, events: Path | None, listeners: Iterable[Callable[[AnyEvent], None]]) -> None:
        """Take a row, a hearing and a voice; raises KameError, with nothing held, where one is not to be had."""
        tandem = self.tandem
        async with AsyncExitStack() as held:
            self._row: Row = await held.enter_async_context(tandem.stepper.session())
            if tandem.recogniser is not None:
                self._hearing = LiveHearing(tandem.threads, self._tell, lambda why: self._failed("recogniser", why))
                await self._hearing.open(tandem.recogniser, language)
                held.push_async_callback(self._hearing.close, False)
            self._voice: VoiceStream = tandem.voice.open(language)
            held.callback(self._voice.close)
            log = held.enter_context(EventLog(events, [self._emit_event, *listeners]))
            setup = replace(tandem.setup, name=self.id, language=language, hears=tandem.recogniser is not None)
            self._begun = self._due = self._loop.time()
            self.session = Session(setup, log, time.time())
            self._held = held.pop_all()
        tandem.sessions.add(self)
        self._start(self._step_frames)
        if self._hearing is not None:
            self._start(self._hearing.run)

    def _finish(self, reason: str) -> None:
        if self._ending is None:
            self.reason = reason
            self._ending = self._loop.create_task(self._end(reason))

    async def _end(self, reason: str) -> None:
        try:
            async with self._held:  # its row is free again whatever fails here
                if self._timer is not None:
                    self._timer.cancel()
                tasks = [*self._tasks]
                for task in tasks:
                    task.cancel()
                self._taken.set()
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._hearing is not None:
                    await self._hearing.close()
                self.session.close(self._now(), reason, self.budget.spent)
        finally:
            self.tandem.sessions.discard(self)
            self._outputs.put_nowait(None)

    def _start(self, work: Callable[..., Awaitable[None]], *values: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self._loop.create_task(self._guarded(work, *values))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Callable[..., Awaitable[None]], *values: Any) -> None:
        try:
            await work(*values)
        except Exception as error:
            self._finish(_said(error))

    def _now(self) -> float:
        return self._loop.time() - self._begun

    # Frames.

    async def _step_frames(self) -> None:
        while True:
            sound = await self._next_frame()
            oracle = self.session.frame(self._now(), sound)
            began = self._loop.time()
            out = await self._row.step(FrameIn(sound, oracle))
            now = self._now()
            text, words = self.session.said(now, out.text)
            spoken = self._voice.next(out, words)
            self.session.sounded(now, spoken.sound, spoken.dropped)
            self._record(sound, spoken.sound)
            self._emit(Output(spoken.sound, text))
            skipped = self._skip()
            if skipped or self._loop.time() - began > FRAME:
                self.session.late(now, skipped)
            self._keep_time()

    async def _next_frame(self) -> Sound:
        """The next frame of the user's sound, not before its time."""
        while len(self._waiting) < SAMPLES:
            self._came.clear()
            await self._came.wait()
        now = self._loop.time()
        self._due = max(self._due, now - BURST)
        if self._due > now:
            await asyncio.sleep(self._due - now)
        self._due += HASTE * FRAME
        return self._take(1)

    def _skip(self) -> int:
        """Leave out the oldest frames, where too many wait for a model that is late; gives their number."""
        behind = len(self._waiting) // SAMPLES
        if behind <= MOST_BEHIND or self._due > self._loop.time():
            return 0
        count = behind - MOST_BEHIND // 2
        for frame in self._take(count).reshape(count, SAMPLES):
            self._record(frame, np.zeros(SAMPLES, np.float32))
        return count

    def _take(self, frames: int) -> Sound:
        taken, self._waiting = np.split(self._waiting, [frames * SAMPLES])
        self._taken.set()
        return taken

    def _record(self, user: Sound, assistant: Sound) -> None:
        if self._tap is not None:
            try:
                self._tap(user, assistant)
            except Exception as error:
                self._tap = None
                self._failed("log", f"the recording ends here: {_said(error)}")

    # Hearing and the back end.

    def _tell(self, event: SpeechEvent) -> None:
        orders = self.session.heard(self._now(), event)
        if self._ending is None:
            self._do(orders)

    def _do(self, orders: Iterable[Order]) -> None:
        for order in orders:
            if isinstance(order, Cancel):
                if (task := self._asks.pop(order.number, None)) is not None:
                    task.cancel()
            else:
                self._asks[order.number] = self._start(self._ask, order)
        self._keep_time()

    async def _ask(self, request: BackEndRequest) -> None:
        number, session = request.number, self.session
        try:
            async with aclosing(self.tandem.answers.answer(request, self.budget)) as pieces:
                async for text in pieces:
                    self._do(session.delta(self._now(), number, text))
            self._do(session.answered(self._now(), number))
        except CutOff:
            self._do(session.answered(self._now(), number, "length"))
        except Exception as error:
            self._do(session.answer_failed(self._now(), number, _said(error), isinstance(error, StoppedError)))
        finally:
            self._asks.pop(number, None)

    def _keep_time(self) -> None:
        """Wake the session at the moment at which it wants to be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ending is None and self.session.wait_until < float("inf"):
            self._timer = self._loop.call_at(self._begun + self.session.wait_until, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._do(self.session.time(self._now()))

    # What goes out.

    def _failed(self, part: Part, message: str) -> None:
        self.session.failed(self._now(), part, message)

    def _emit_event(self, event: AnyEvent) -> None:
        self._emit(Output(event=event))

    def _emit(self, output: Output) -> None:
        if self._outputs.qsize() < MOST_OUTPUTS:
            self._outputs.put_nowait(output)
        else:
            self._finish("the client does not take what is sent to it")


def _said(error: Exception) -> str:
    """The error as a line for the user."""
    return str(error) if isinstance(error, KameError) else f"{type(error).__name__}: {error}"
