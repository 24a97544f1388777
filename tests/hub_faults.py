"""Faults of a Hub, made for real: answers that it should not give, connections that break in a body, silence."""

import re
import threading


def answering(status, method, pattern, times=1, **headers):
    """A fault: requests like these are answered with a status, so many times."""
    left = [times]

    def fault(handler):
        if left[0] and handler.command == method and re.search(pattern, handler.path):
            left[0] -= 1
            handler.body()
            handler.send(status, {"error": f"a fault of the test, {handler.headers.get('Authorization')}"}, **headers)
            return True
        return False

    return fault


def cutting(method, pattern, times=1, after=1000):
    """A fault: the connection of requests like these is cut when some bytes of the body have come."""
    left = [times]

    def fault(handler):
        if left[0] and handler.command == method and re.search(pattern, handler.path):
            left[0] -= 1
            handler.rfile.read(min(after, int(handler.headers.get("Content-Length") or 0)))
            handler.server.log.append((handler.command, handler.path, "cut"))
            handler.connection.close()
            handler.close_connection = True
            return True
        return False

    return fault


class stalling:
    """A fault: the first request like this is read to its half, and then nothing comes back any more. `reached` is set
    when it is there."""

    def __init__(self, method, pattern):
        self.method, self.pattern = method, pattern
        self.reached, self.over = threading.Event(), threading.Event()

    def __call__(self, handler):
        if self.reached.is_set() or handler.command != self.method or not re.search(self.pattern, handler.path):
            return False
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0) // 2)
        self.reached.set()
        self.over.wait(60)
        handler.close_connection = True
        return True
