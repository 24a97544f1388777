"""A conversation on a virtual clock: a sound file in, the sound of both sides and an event log out, in no real time.

The model is stepped frame by frame; each frame is stepped at the moment at which its sound is complete. The back end's
answers come behind delays that are drawn, as a build draws them, so that the same inputs give the same bytes; or behind
those that were measured. What the recogniser tells of a frame's sound comes at the end of that frame; where delays are
measured, behind the time that it took, one frame after the other.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from time import perf_counter
from typing import Protocol

import numpy as np

from kame_data.errors import KameError, StoppedError
from kame_data.llm.accounts import Budget
from kame_data.seeds import rng
from kame_data.settings.latency import LatencySettings
from kame_data.settings.tandem import VirtualSettings
from kame_data.tandem.collected import Came, collected
from kame_data.tandem.frames import FRAME, SAMPLES, FrameIn, Rows, frames_of
from kame_data.tandem.parts import Answers, BackEndRequest, VoiceStream
from kame_data.tandem.session import Cancel, Order, Session
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers.base import HearingStream, SpeechEvent

HEARING = -1
"""Number, in place of a request's, of what comes from the recogniser."""


_Coming = Came | BackEndRequest | SpeechEvent | str


class User(Protocol):
    """A user who says the next frame by what the assistant said in the one before."""

    def next(self, assistant: Sound | None) -> Sound | None:
        """The next frame, f32 (SAMPLES,), behind the assistant's (None before the first); None at the end."""
        ...


class VirtualConversation:
    """One conversation. `rows` has a free row, which is held while `run` runs; the other parts are the conversation's
    own and are closed behind it. Every draw hangs on `seed`."""

    def __init__(
        self,
        session: Session,
        rows: Rows,
        hearing: HearingStream | None,
        answers: Answers,
        voice: VoiceStream,
        settings: VirtualSettings,
        latency: LatencySettings,
        seed: int,
        budget: Budget | None = None,
    ) -> None:
        self.session, self.rows, self.hearing, self.answers, self.voice = session, rows, hearing, answers, voice
        self.settings, self.latency = settings, latency
        self.budget = budget or Budget()
        self._draws = rng(seed, "first token", "tandem")
        self._coming: list[tuple[float, int, int, _Coming]] = []
        self._order = count()  # what comes at the same moment comes in this order
        self._asked: dict[int, float] = {}
        self._now = self._heard_until = 0.0
        self._heard: list[Sound] = []
        self._said: list[Sound] = []

    async def run(self, sound: Sound) -> Sound:
        """The conversation about the user's `sound`, f32 (n,) at 24 kHz; gives f32 (frames * SAMPLES, 2), the assistant
        left, the user right. Raises KameError where the model or the recogniser fails."""

        async def hold(row: int) -> None:
            for frame in frames_of(sound):
                await self._step(row, frame)
            await self._go_on(row)

        return await self._held(hold)

    async def talk(self, user: User) -> Sound:
        """The conversation with a user who hears the assistant; gives and raises as `run` does."""

        async def hold(row: int) -> None:
            frame = user.next(None)
            while frame is not None:
                await self._step(row, frame)
                frame = user.next(self._said[-1])

        return await self._held(hold)

    async def _held(self, hold: Callable[[int], Awaitable[None]]) -> Sound:
        row = self.rows.open()
        reason = "it failed"
        try:
            await hold(row)
            if self.hearing is not None:
                late = [what for *_, what in sorted(self._coming) if isinstance(what, SpeechEvent)]
                self._take([*late, *self.hearing.close()])
            reason = "the sound is over"
        except KameError as error:
            reason = str(error)
            raise
        finally:
            self.session.close(self._now, reason, self.budget.spent)
            self.rows.close(row)
            self.voice.close()
            if self.hearing is not None:
                self.hearing.close()
        if not self._said:
            return np.zeros((0, 2), np.float32)
        return np.stack([np.concatenate(self._said), np.concatenate(self._heard)], axis=1)

    async def _go_on(self, row: int) -> None:
        """Silence behind the sound, until nothing is left to be said."""
        quiet = 0
        for _ in range(round(self.settings.tail / FRAME)):
            if quiet >= self.settings.quiet / FRAME:
                return
            await self._step(row, np.zeros(SAMPLES, np.float32))
            quiet = 0 if self.session.busy or self._coming else quiet + 1

    async def _step(self, row: int, sound: Sound) -> None:
        """One frame, at the moment at which its sound is complete."""
        session = self.session
        await self._pass_time((session.frames + 1) * FRAME)
        if self.hearing is not None:
            self._hear(self.hearing, sound)
        oracle = session.frame(self._now, sound)
        out = self.rows.step({row: FrameIn(sound, oracle)})[row]
        _, words = session.said(self._now, out.text)
        spoken = self.voice.next(out, words)
        session.sounded(self._now, spoken.sound, spoken.dropped)
        self._heard.append(sound)
        self._said.append(spoken.sound)

    async def _pass_time(self, until: float) -> None:
        """Let time pass, with all that happens in it."""
        while True:
            coming = self._coming[0][0] if self._coming else math.inf
            moment = min(coming, self.session.wait_until)
            if moment > until:
                break
            self._now = max(self._now, moment)
            if coming <= self.session.wait_until:
                _, _, number, what = heappop(self._coming)
                await self._come(number, what)
            else:
                self._do(self.session.time(self._now))
        self._now = until

    async def _come(self, number: int, what: _Coming) -> None:
        """Something comes: of the user's speech, or of the answer to request `number`: the whole of it, to be told
        piece by piece, a piece, or its end."""
        if isinstance(what, SpeechEvent):
            self._do(self.session.heard(self._now, what))
            return
        if number not in self._asked:
            return
        if isinstance(what, BackEndRequest):
            self._schedule(number, self._now, await self._came(what))
        elif isinstance(what, str):
            self._do(self.session.delta(self._now, number, what))
        else:
            del self._asked[number]
            if what.error is None:
                self._do(self.session.answered(self._now, number, what.finish))
            else:
                spent = isinstance(what.error, StoppedError)
                self._do(self.session.answer_failed(self._now, number, str(what.error), spent))

    def _hear(self, hearing: HearingStream, sound: Sound) -> None:
        began = perf_counter()
        events = hearing.push(sound)
        if self.settings.delays == "drawn":
            self._take(events)
            return
        self._heard_until = max(self._now, self._heard_until) + perf_counter() - began
        for event in events:
            self._push(self._heard_until, HEARING, event)

    def _take(self, events: Sequence[SpeechEvent]) -> None:
        for event in events:
            self._do(self.session.heard(self._now, event))

    def _do(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Cancel):
                self._asked.pop(order.number, None)
            else:
                self._ask(order)

    def _ask(self, request: BackEndRequest) -> None:
        self._asked[request.number] = self._now
        # Asked of the model only when its first token is due: what was cancelled before costs nothing.
        first = self.latency.first_token.draw(self._draws) if self.settings.delays == "drawn" else 0.0
        self._push(self._now + first, request.number, request)

    def _schedule(self, number: int, begun: float, came: Came) -> None:
        for seconds, text in came.pieces:
            self._push(begun + seconds, number, text)
        self._push(begun + came.end, number, came)

    def _push(self, moment: float, number: int, what: _Coming) -> None:
        heappush(self._coming, (moment, next(self._order), number, what))

    async def _came(self, request: BackEndRequest) -> Came:
        """The whole answer: as it came, or in the pieces that the model's tokenizer makes of it, at the pace that is
        set."""
        came = await collected(self.answers, request, self.budget)
        if self.settings.delays == "measured":
            return came
        return came.at_pace(self.session.tokenizer.cut(came.text), self.settings.pace)
