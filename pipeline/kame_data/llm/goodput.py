"""The number of requests in flight at which a model's answers per second no longer rise, found by trying.

A server that has one slot is then asked little more at once than it can do, and a large one as much as settings allow.
"""

FIRST = 4
"""Requests in flight to begin with."""
LEAST = 2
"""Requests in flight at the least, so that one that hangs holds up nobody else; a server of one slot is kept busy."""
LEAST_ANSWERS = 8
"""Answers over which a rate is taken, at the least; more where more are in flight."""
GAIN = 1.2
"""Twice as many in flight are worth it where they bring so many times the answers per second."""
HELD = 6
"""Rates that are taken at a number that was found, before others are tried again."""


class Goodput:
    """The requests that may be in flight at once, `room`, of at most `most`: doubled while that brings more answers per
    second, halved while that brings no fewer, in turns."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.room = min(FIRST, most)
        self._from: int | None = None
        self._rate = 0.0
        self._up = True
        self._hold = 0
        self._skip = self._count = 0
        self._since: float | None = None
        self._restart()

    def answered(self, now: float, pressed: bool) -> None:
        """Count an answer. `pressed`: requests wait for their turn, so that the room was full."""
        if not pressed:
            self._restart()
        elif self._skip > 0:
            self._skip -= 1
        elif self._since is None:
            self._since = now
        else:
            self._count += 1
            if self._count >= max(LEAST_ANSWERS, self.room) and now > self._since:
                self._judge(self._count / (now - self._since))

    def _restart(self) -> None:
        """Take a new rate, once the requests of another room have come back."""
        self._skip, self._count, self._since = self.room, 0, None

    def _judge(self, rate: float) -> None:
        """Go on from the rate at this room, compared with that at the room it came from."""
        if self._from is None and self._hold > 0:
            self._hold -= 1
            self._restart()
        elif self._from is None or (rate >= GAIN * self._rate if self._up else rate * GAIN >= self._rate):
            self._try(rate)
        else:
            self._keep(self._from)

    def _try(self, rate: float) -> None:
        """Try the next room; `rate` is what it is compared with, never less than a larger room's."""
        room = min(2 * self.room, self.most) if self._up else max(self.room // 2, min(LEAST, self.most))
        if room == self.room:
            self._keep(room)
            return
        self._rate = rate if self._up or self._from is None else max(rate, self._rate)
        self._from, self.room = self.room, room
        self._restart()

    def _keep(self, room: int) -> None:
        """Stay at a room, and go the other way next; at once where only one way was tried so far."""
        self.room, self._from = room, None
        self._hold = HELD if not self._up or room > FIRST else 0
        self._up = not self._up
        self._restart()
