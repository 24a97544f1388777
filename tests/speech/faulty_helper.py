"""The espeak helper with an engine that crashes, hangs, stops or falls silent at certain words; run by its path."""

import importlib.util
import os
import signal
import sys
import time
from pathlib import Path

HELPER = Path(__file__).resolve().parents[2] / "pipeline" / "kame_data" / "speech" / "espeak_helper.py"


def main() -> int:
    spec = importlib.util.spec_from_file_location("espeak_helper", HELPER)
    assert spec is not None and spec.loader is not None
    helper = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helper)
    speak = helper.Engine.speak

    def faulty(engine, request):  # type: ignore[no-untyped-def]
        once = Path(os.environ["STUMBLED"])
        if "crash" in request["text"]:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "hang" in request["text"]:
            time.sleep(600)
        if "halt" in request["text"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        if "Stumble" in request["text"] and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGABRT)
        reply, sound = speak(engine, request)
        return reply, bytes(len(sound)) if "silence" in request["text"] else sound

    helper.Engine.speak = faulty
    return helper.main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
