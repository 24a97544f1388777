"""The checkout that is tested: its folder, and where its packages lie, for the processes that tests start."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = (str(ROOT / "pipeline"), str(ROOT / "flows"))
PYTHONPATH = os.pathsep.join(SOURCE_ROOTS)
