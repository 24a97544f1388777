"""A Hub of the size of a thimble, for the code that talks to the real one."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "c0ffee" + "0" * 34


class TinyHub(http.server.ThreadingHTTPServer):
    """Serves `files` (path to bytes) as the one data set `name` at COMMIT."""

    name = ""
    files: dict[str, bytes]

    def entry(self, path: str) -> dict[str, Any]:
        data = self.files[path]
        return {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TinyHub

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, code: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        plain = body.startswith("{")
        paths = json.loads(body)["paths"] if plain else urllib.parse.parse_qs(body)["paths"]
        found = [self.server.entry(path) for path in paths if path in self.server.files]
        self._send(200, json.dumps(found).encode())

    def do_GET(self) -> None:
        path = urllib.parse.unquote(urllib.parse.urlparse(self.path).path)
        if "/resolve/" in path:
            self._file(path.split("/resolve/")[1].partition("/")[2])
        elif not path.startswith(f"/api/datasets/{self.server.name}"):
            self._send(404, X_Error_Code="RepoNotFound")
        elif "/tree/" in path:
            folder = path.split("/tree/")[1].partition("/")[2]
            found = [self.server.entry(name) for name in self.server.files if name.startswith(folder)]
            self._send(200, json.dumps(found).encode())
        else:
            siblings = [{"rfilename": name} for name in self.server.files]
            info = {"id": self.server.name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            self._send(200, json.dumps(info | {"downloads": 0, "likes": 0}).encode())

    do_HEAD = do_GET

    def _file(self, name: str) -> None:
        data = self.server.files.get(name)
        if data is None:
            self._send(404, X_Error_Code="EntryNotFound")
        else:
            tag = f'"{hashlib.sha1(data).hexdigest()}"'
            self._send(200, data, "application/octet-stream", ETag=tag, X_Repo_Commit=COMMIT)


@pytest.fixture
def tiny_hub() -> Iterator[TinyHub]:
    """A running TinyHub without a data set."""
    with TinyHub(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


Script = Callable[..., str]


@pytest.fixture
def with_hub(tmp_path: Path) -> Script:
    """Runs Python code in a process of its own whose Hub is at `endpoint` and whose cache is the test's; its output.

    A process of its own, for `datasets` reads the environment when it is imported.
    """

    def run(code: str, endpoint: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE_"))}
        environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr.strip(), done.stderr
        return done.stdout

    return run
