"""The wait of a client of `/ws` for its turn: it is told its place, and leaves the queue when it goes."""

import asyncio
import json
from collections.abc import Callable

from kame_data.tandem.server.admission import Admission
from kame_data.tandem.server.wire import GOING_AWAY, Goodbye, Wire

LOOK = 0.5
"""Seconds between two looks at whether the server closes."""


async def wait_for_place(wire: Wire, admission: Admission, closing: Callable[[], bool]) -> None:
    """Take a place when it is this client's turn. Its sound of that time is not kept. Raises Left, Goodbye."""

    async def tell(place: int) -> None:
        await wire.send(json.dumps({"kind": "queue", "place": place}))

    waiting = asyncio.create_task(admission.wait(tell))
    receiving = asyncio.create_task(_receive(wire))
    try:
        while not (waiting.done() or receiving.done()):
            await asyncio.wait([waiting, receiving], timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            if closing() and not waiting.done():
                raise Goodbye(GOING_AWAY, "the server is closing")
        if receiving.done() and not waiting.done():
            receiving.result()
        waiting.result()
    except BaseException:
        if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
            admission.leave()
        raise
    finally:
        for task in (waiting, receiving):
            task.cancel()
        await asyncio.gather(waiting, receiving, return_exceptions=True)


async def _receive(wire: Wire) -> None:
    """Take what comes until the client has gone. Raises Left, Goodbye."""
    while True:
        await wire.receive(patient=True)
