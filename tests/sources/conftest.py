"""A Hub, and processes that read from it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hub
from checkout import PYTHONPATH

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny_hub() -> Iterator[hub.Hub]:
    """A running Hub without a data set."""
    with hub.hub() as server:
        yield server


Script = Callable[..., str]


@pytest.fixture
def with_hub(tmp_path: Path) -> Script:
    """Runs Python code in a process of its own whose Hub is at `endpoint` and whose cache is the test's; its output.

    A process of its own, for `datasets` reads the environment when it is imported.
    """

    def run(code: str, endpoint: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE_"))}
        environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": PYTHONPATH}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr.strip(), done.stderr
        return done.stdout

    return run
