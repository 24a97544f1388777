"""The loop of a back end: when the LLM is asked, with how much of what the user says, and which requests are dropped.

`LoopPolicy` is told what happens and when, and answers each time with what to do now and with the moment at which it
wants to be called again. It has no clock, socket or thread, so the same object runs by the wall clock in a
conversation, by a virtual clock in an evaluation, and by drawn delays where training data is made
(`kame_data.oracles.replay`).

The policies:

- `poll`, the loop of KAME's public snapshot (SakanaAI/kame): it looks at the transcript every `poll` seconds and asks
  where it has grown by `min_growth` words or is final with words that were not asked for; at most `max_restarts`
  requests follow another one in `restart_window` seconds. A request cancels the one before it, so an oracle whose first
  token has not come by then never comes.
- `overlap`, the loop of KAME's later versions: it asks as soon as the transcript has grown so or is final, but not
  before `start_interval` seconds have passed since the last request; what comes sooner is asked for when they have
  passed. Requests run side by side: the first token of one cancels those that were made before it. Where `max_overlap`
  run already, the oldest of those that wait for their first token gives way to the new one, for a fresh prefix is worth
  more than a stale one, and an answer that the model is reading should not break off for one that may never come.
- `final`: one request a turn, when the turn has ended.
- `none`: no request at all.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from kame_data.settings.latency import LoopSettings


class Ask(NamedTuple):
    """A request, `number` from 0 on: answer the first `prefix_words` words of the user turn `turn`.

    Turns are numbered from 0 on, in the order in which they began; a turn without words has no number.
    """

    number: int
    turn: int
    prefix_words: int


class Decision(NamedTuple):
    """The next step: cancel the requests of these numbers, then make the request `ask`, if any.

    `wait_until`: when to call `LoopPolicy.time`, unless something else is told before; infinity where there is nothing
    to wait for. It replaces the moment of every decision before.
    """

    cancel: tuple[int, ...] = ()
    ask: Ask | None = None
    wait_until: float = math.inf


_NOTHING = Decision()


@dataclass(slots=True)
class _Turn:
    """A user's turn; counts of words: in the transcript, in its final part, in the last request, and `kept`, those
    words of that request that have not changed since."""

    number: int
    words: int = 0
    final: int = 0
    asked: int = 0
    kept: int = 0
    ended: bool = False


class LoopPolicy:
    """The loop of one conversation. Times are seconds on any one clock, and never fall from call to call.

    A turn that has ended is asked for before the next one, even where words of the next are there already. `start`: a
    moment at which `poll` looks; it looks again every `poll` seconds. Where one look finds both, `poll` makes the
    request of the ended turn, and that of the next cancels it in the same instant: without it a build would be made
    again with other arrivals, for each request draws a delay and counts among the restarts.
    """

    def __init__(self, settings: LoopSettings, start: float = 0.0) -> None:
        self.settings = settings
        self._start, self._growth = start, settings.min_growth
        self._turns: deque[_Turn] = deque()  # the one that is spoken, last, and ended ones that are yet to be asked for
        self._begun = 0  # turns so far
        self._asked = 0  # requests so far
        self._last_ask = -math.inf
        self._restarts: deque[float] = deque()  # moments of the restarts that a window may still hold
        self._running: list[int] = []  # requests in order, neither ended nor cancelled
        self._read = -1  # the request whose answer has begun to come last
        self._due: float | None = None  # when the request is made that there is something new for

    def words(self, now: float, count: int, kept: int | None = None) -> Decision:
        """The transcript of the user's turn holds `count` words now; the first words after an end begin a turn.

        `kept`: its leading words that are the same as in the call before; None where it has only grown, or only lost
        its last words. A request whose words have changed is made again.
        """
        if (turn := self._spoken(count)) is not None:
            turn.words, turn.final = count, min(turn.final, count)
            turn.kept = min(turn.kept, count, count if kept is None else kept)
        return self.time(now)

    def final(self, now: float, count: int) -> Decision:
        """The first `count` words of the turn will not change any more, for a silence followed them.

        They are in the transcript from now on, also where `words` has not told of them.
        """
        if (turn := self._spoken(count)) is not None:
            turn.words, turn.final = max(turn.words, count), count
        return self.time(now)

    def turn_ended(self, now: float) -> Decision:
        """The turn is over, and its transcript final."""
        if self._turns:
            self._turns[-1].ended = True
            self._turns[-1].final = self._turns[-1].words
        return self.time(now)

    def first_token(self, now: float, number: int) -> Decision:
        """The first token of a request has come, one that was not cancelled: its answer is the current oracle now."""
        self._read = max(self._read, number)
        stale: list[int] = []
        if self.settings.policy == "overlap":
            stale = [running for running in self._running if running < number]
            self._running = [running for running in self._running if running >= number]
        decision = self.time(now)
        return decision._replace(cancel=(*stale, *decision.cancel)) if stale else decision

    def answer_ended(self, now: float, number: int) -> Decision:
        """The answer of a request is complete, or has failed: it runs no longer."""
        if number in self._running:
            self._running.remove(number)
        return self.time(now)

    def time(self, now: float) -> Decision:
        """It is `now`, and nothing else has happened. A call that was not asked for changes nothing."""
        turn = self._next_turn()
        if turn is None:
            self._due = None
            return _NOTHING
        if self._due is None:
            self._due = self._earliest(now)
        if now < self._due:
            return Decision(wait_until=self._due)
        ask, cancel = Ask(self._asked, turn.number, turn.words), self._gives_way()
        self._note(ask, now, cancel)
        turn.asked = turn.kept = turn.words
        self._due = None if self._next_turn() is None else self._earliest(now)
        return Decision(cancel, ask, math.inf if self._due is None else self._due)

    def _spoken(self, words: int) -> _Turn | None:
        """The turn that is being spoken, which the first of its words begins; None without words."""
        if not self._turns or self._turns[-1].ended:
            if not words:
                return None
            self._turns.append(_Turn(self._begun))
            self._begun += 1
        return self._turns[-1]

    def _next_turn(self) -> _Turn | None:
        """The turn that a request is due for; ended turns that none is due for are forgotten."""
        while self._turns:
            if self._has_news(self._turns[0]):
                return self._turns[0]
            if not self._turns[0].ended:
                return None
            self._turns.popleft()
        return None

    def _has_news(self, turn: _Turn) -> bool:
        taken_back = (
            turn.kept < turn.asked and 0 < turn.words == turn.final
        )  # the last request holds more than was said
        if turn.words - turn.kept < self._growth and turn.final <= turn.kept and not taken_back:
            return False
        policy = self.settings.policy
        return policy in ("poll", "overlap") or (policy == "final" and turn.ended)

    def _earliest(self, now: float) -> float:
        """The first moment from now on at which a request may be made."""
        if self.settings.policy == "overlap":
            return max(now, self._last_ask + self.settings.start_interval)
        if self.settings.policy == "final":
            return now
        earliest, poll = now, self.settings.poll
        if len(self._restarts) >= self.settings.max_restarts:
            # Just over the window, so that no window of that length holds one more.
            earliest = max(earliest, math.nextafter(self._restarts[0] + self.settings.restart_window, math.inf))
        if not poll:
            return earliest
        steps = max(0, math.ceil((earliest - self._start) / poll))
        while (moment := self._start + steps * poll) < earliest:
            steps += 1
        return moment

    def _gives_way(self) -> tuple[int, ...]:
        """The requests that a new one cancels."""
        if self.settings.policy != "overlap":
            return tuple(self._running)
        if len(self._running) < self.settings.max_overlap:
            return ()
        return (next((number for number in self._running if number > self._read), self._running[0]),)

    def _note(self, ask: Ask, now: float, cancelled: tuple[int, ...]) -> None:
        if self._asked:
            while self._restarts and self._restarts[0] + self.settings.restart_window < now:
                self._restarts.popleft()
            self._restarts.append(now)
        self._asked += 1
        self._last_ask = now
        for number in cancelled:
            self._running.remove(number)
        self._running.append(ask.number)
