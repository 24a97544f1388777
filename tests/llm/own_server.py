"""Servers that nobody here wrote, as processes of their own for tests."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path


@contextlib.contextmanager
def serving(
    command: Callable[[str], Sequence[str]], folder: Path, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run `command(port)` in `folder` until its path `ready` answers, and give its root; end it behind. Fails with the
    end of its log where it ends or never answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = folder / "server.log"
    own = {**os.environ, **(environment or {})}
    with path.open("w") as log:
        run = subprocess.Popen(command(str(port)), cwd=folder, env=own, stdout=log, stderr=log)
    root = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{root}{ready}", run, path)
        yield root
    finally:
        run.terminate()
        try:
            run.wait(20)
        except subprocess.TimeoutExpired:
            run.kill()


def _wait(address: str, run: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert run.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(address, timeout=2)
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])
