"""An event loop whose clock jumps to the next timer instead of waiting for it; what runs in a thread runs at once."""

import asyncio
from concurrent.futures import Executor, Future


class _AtOnce(Executor):
    def submit(self, call, /, *values, **named):
        future = Future()
        try:
            future.set_result(call(*values, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self._virtual = 0.0
        select = self._selector.select

        def jump(timeout=None):
            found = select(0)
            if not found and timeout:
                self._virtual += timeout
            return found

        self._selector.select = jump

    def time(self):
        return self._virtual

    def run_in_executor(self, executor, call, *values):
        return super().run_in_executor(_AtOnce(), call, *values)


def run(work):
    """Run a coroutine on such a loop; gives its result and the tasks that it left behind."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(work)
        left = asyncio.all_tasks(loop)
        return result, left
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
