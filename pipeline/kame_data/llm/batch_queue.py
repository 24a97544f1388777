"""Requests from many stages, gathered into batch jobs: one run of jobs at a time, with all requests that wait by
then."""

import asyncio

from kame_data.errors import KameError, Refusal
from kame_data.llm.batch import Batches
from kame_data.llm.engine import LLM
from kame_data.llm.request import Request

QUIET = 2.0  # seconds without a new request after which jobs are handed in


class BatchQueue:
    """Fills the ledger by batch jobs. `poll`: seconds between two looks at a job."""

    def __init__(self, llm: LLM, poll: float) -> None:
        self.llm = llm
        self._batches = Batches(llm, poll)
        self._quiet = min(QUIET, poll)
        self._waiting: dict[str, Request] = {}
        self._filled: dict[str, asyncio.Future[None]] = {}
        self._runner: asyncio.Task[None] | None = None

    async def fill(self, request: Request) -> None:
        """Returns once the ledger holds the answer. Raises Refusal(`llm_failed`) where no job brings one, and the
        KameError that ends the work."""
        if request.key in self.llm.ledger:
            return
        filled = self._filled.get(request.key)
        if filled is None:
            filled = self._filled[request.key] = asyncio.get_running_loop().create_future()
            self._waiting[request.key] = request
            if self._runner is None or self._runner.done():
                self._runner = asyncio.create_task(self._run())
        await asyncio.shield(filled)

    async def _run(self) -> None:
        while self._waiting:
            await self._until_quiet()
            taken, self._waiting = self._waiting, {}
            failures: dict[str, Exception] = {}
            try:
                outcome = await self._batches.run(taken.values())
                failures |= {key: Refusal("llm_failed", why) for key, why in outcome.failed.items()}
                failures |= {r.key: Refusal("llm_failed", "no batch job brought an answer") for r in outcome.missing}
            except Exception as error:
                failures = dict.fromkeys(taken, error)
                self.llm.stop(error if isinstance(error, KameError) else KameError(f"batch jobs failed: {error}"))
            for key in taken:
                self._tell(self._filled.pop(key), failures.get(key))

    async def _until_quiet(self) -> None:
        before = -1
        while before != len(self._waiting):
            before = len(self._waiting)
            await asyncio.sleep(self._quiet)

    @staticmethod
    def _tell(filled: "asyncio.Future[None]", failure: Exception | None) -> None:
        if failure is None:
            filled.set_result(None)
        else:
            filled.set_exception(failure)
            filled.exception()  # read, so that nobody complains when the asker is gone
