"""The Coqui helper with a model that crashes, hangs or stumbles at certain words, and one that does not time itself.

For a text that $UNTIMED holds a recording of, the model "says" the recording, and knows nothing of its words, as XTTS.
"""

import os
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from kame_data.speech.voices import coqui_helper

alone = coqui_helper.Voice._alone


def faulty(voice, item, number):  # type: ignore[no-untyped-def]
    text = coqui_helper._text(item, number)
    once = Path(os.environ["STUMBLED"])
    if "crash" in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in text:
        time.sleep(600)
    if "stumble" in text and not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGABRT)
    if "raise" in text:
        raise RuntimeError("no such\nthing")
    if "silence" in text:
        samples, spans = alone(voice, item, number)
        return np.zeros_like(samples), spans
    recording = Path(os.environ.get("UNTIMED", ".")) / f"{sha256(text.encode()).hexdigest()}.npy"
    if recording.exists():
        return np.load(recording), None
    return alone(voice, item, number)


if __name__ == "__main__":
    coqui_helper.Voice._alone = faulty  # type: ignore[method-assign]
    raise SystemExit(coqui_helper.main(sys.argv[1:]))
