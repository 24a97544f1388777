"""An iterator that works ahead of its reader."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


def ahead(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items, up to `count` of them made ahead by a thread; an error comes where its item would have come.

    Ends the thread when it is closed.
    """
    made: queue.Queue[Any] = queue.Queue(maxsize=count)
    closed = threading.Event()

    def put(item: Any) -> bool:
        while not closed.is_set():
            try:
                made.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((_END, None))
        except BaseException as error:
            put((None, error))

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        closed.set()
        thread.join()
