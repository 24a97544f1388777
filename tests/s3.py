"""A real S3 server on loopback (moto's), and faults made for real in front of it."""

import random
import socket
import threading
from collections import Counter
from contextlib import contextmanager

from werkzeug.wsgi import get_input_stream

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Faults:
    """A WSGI application in front of S3's: counts requests, refuses a seeded share, cuts connections."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        self.counts = Counter()
        self.share = 0.0
        self.denied = False
        self.cuts = 0
        self.draws = random.Random(7)

    def __call__(self, environ, start_response):
        query, method = environ.get("QUERY_STRING", ""), environ["REQUEST_METHOD"]
        part = method == "PUT" and "partNumber" in query
        kind = "PART" if part else "LIST" if "list-type" in query else method
        with self.lock:
            self.counts[kind] += 1
            slow = self.draws.random() < self.share
            cut = part and self.cuts > 0
            self.cuts -= cut
            self.counts["slow"] += slow
            self.counts["cut"] += cut
        if cut:
            get_input_stream(environ).read(100_000)
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        if slow or self.denied:
            get_input_stream(environ).read()
            start_response("403 Forbidden" if self.denied else "503 Slow Down", [("Content-Type", "application/xml")])
            return [DENIED if self.denied else SLOW_DOWN]
        return self.app(environ, start_response)


class S3:
    """The server; `url` is its endpoint, `faults` stand in front of it."""

    def __init__(self):
        import logging

        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self.faults = Faults(DomainDispatcherApplication(create_backend_app))
        self.server = make_server("127.0.0.1", 0, self.faults, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "sesame-and-salt",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()

    @contextmanager
    def counted(self):
        """The requests of a block, by kind."""
        self.faults.clear()
        yield self.faults.counts
