"""The two ends of a connection to a service that hears: sound that goes out, messages that come in.

Threads of the connection stand at the other side of it, so that whoever pushes sound never waits for the network.
"""

import queue
import threading
from collections.abc import Iterator
from typing import Any

from kame_data.errors import KameError

MOST_UNSENT_S = 15.0
"""Seconds of sound that may wait for a service that takes none."""


class Remote:
    """One connection. `name` stands in errors."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.over = threading.Event()
        """Set when nothing more will come."""
        self._out: queue.SimpleQueue[tuple[Any, float] | None] = queue.SimpleQueue()
        self._in: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unsent = 0.0
        self._failure: str | None = None
        self._ended = False

    # The side of the conversation.

    def send(self, message: Any, seconds: float = 0.0) -> None:
        """Give a message, which holds so many seconds of sound, to the connection. Raises KameError where too much of
        it waits."""
        with self._lock:
            self._unsent += seconds
            too_much = self._unsent > MOST_UNSENT_S
        if too_much:
            reason = self._failure or f"it takes no sound, and {MOST_UNSENT_S:g} s of it wait"
            raise KameError(f"recogniser {self.name}: {reason}; it hears no more")
        self._out.put((message, seconds))

    def end(self) -> None:
        """Nothing more is sent."""
        if not self._ended:
            self._ended = True
            self._out.put(None)

    def take(self) -> list[Any]:
        """The messages since the last call. Raises KameError where the connection has failed and all is taken."""
        failure = self._failure
        messages = []
        while not self._in.empty():
            messages.append(self._in.get())
        if failure is not None and not messages:
            raise KameError(f"recogniser {self.name}: {failure}; it hears no more")
        return messages

    def wait(self, seconds: float) -> Any | None:
        """The next message that comes within so many seconds; None for none."""
        try:
            return self._in.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    # The side of the connection.

    def outgoing(self) -> Iterator[Any]:
        """Yield what is to be sent, until the end."""
        while (item := self._out.get()) is not None:
            message, seconds = item
            with self._lock:
                self._unsent -= seconds
            yield message

    def came(self, message: Any) -> None:
        """A message has come."""
        self._in.put(message)

    def failed(self, reason: str) -> None:
        """The connection has failed, for a reason in a line; what has come stays."""
        self._failure = self._failure or reason
        self.over.set()
