"""One engine for all stages of a build, whichever threads they run in."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from pipeline.llm.client import LLM

T = TypeVar("T")


class SharedLLM:
    """An `LLM` in an event loop with a thread of its own: `with SharedLLM(lambda: LLM(ledger)) as shared: ...`.

    Limits, budget and accounts are then those of the whole build.
    """

    def __init__(self, make: Callable[[], LLM]) -> None:
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm", daemon=True)
        self.llm: LLM

    def __enter__(self) -> "SharedLLM":
        self._thread.start()
        try:
            self.llm = self._wait(self._made())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._wait(self.llm.__aexit__(kind, error, trace))
        finally:
            self._end()

    def call(self, work: Callable[[LLM], Coroutine[Any, Any, T]]) -> T:
        """Runs `work(llm)` in the engine's loop and waits for it; may be called from several threads at once."""
        return self._wait(work(self.llm))

    async def _made(self) -> LLM:
        return self._make()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # An interrupt comes to the thread that waits; the work must hear of it.
            future.cancel()
            raise

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
