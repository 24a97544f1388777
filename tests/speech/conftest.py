"""Shared by the tests of speech: tiny models, made once."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Coqui models `one` (a single voice) and `three` (s0, s1, s2)."""
    pytest.importorskip("TTS")
    folder = tmp_path_factory.mktemp("tiny")
    script = Path(__file__).with_name("tiny_coqui.py")
    made = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder
