"""A build in a process of its own, to be killed; see test_llm_build.py."""

import os
import sys
import threading
from pathlib import Path

from building import build, settings_of


def main(out: str, ledger: str, writer: str, simulator: str, parent: int) -> None:
    """Build the sample with two models; the process ends by itself when its parent is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(0.5)
        os._exit(9)

    threading.Thread(target=watch, daemon=True).start()
    changes = {"writer": writer, "simulator": simulator, "ledger": Path(ledger), "max_refused": 1.0, "limit": 6}
    build(settings_of(Path(out), **changes))


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
