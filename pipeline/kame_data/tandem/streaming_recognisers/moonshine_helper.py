"""The process that hears one conversation with moonshine: `python -m ...moonshine_helper INTERVAL`.

A process of its own for each conversation: the library's search for speech keeps its state in one place for all streams
of a process, so that of two conversations each would cut the other's lines elsewhere. And native code that crashes or
hangs takes nobody along.

The frames are those of `kame_data.speech.processes`. The first says `ready`, or the `error`. Requests:

- `hear`, with sound (f32 mono at 16 kHz): takes it, and every INTERVAL seconds of sound looks what is said; `look`:
  looks at once. Answered with `lines`, those that are new or have changed since the last answer, in order: `start` and
  `end` in seconds of the stream's sound, `text`, `final`; and `resident`, the process's memory in MB.
- `renew`: a new stream begins at 0 s; sound and answer are those of `hear`.
- `stop`: the sound is over; answered in the same way.
"""

import ctypes
import json
import os
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from kame_data.speech.child import channel, error_line, write_frame
from kame_data.speech.recognisers.base import SAMPLE_RATE
from kame_data.speech.recognisers.moonshine import load_model

OPTIONS = {"identify_speakers": "false"}
POLITE = 2
"""Added to the process's niceness: what is heard a little later harms less than a step of the model that is late."""


class Hearing:
    """One stream of sound, and what it has told since the last answer."""

    def __init__(self, interval: float) -> None:
        # The library looks no more often than its own interval allows, whoever asks.
        self._transcriber = load_model({**OPTIONS, "transcription_interval": f"{0.9 * interval:g}"})
        self._interval = interval
        self._stream: Any = None
        self._lines: dict[int, dict[str, Any]] = {}
        self.renew()

    def renew(self) -> None:
        """Begin a new stream; of the old one, which keeps all sound, nothing is left."""
        if self._stream is not None:
            self._stream.close()
            _give_back_memory()
        self._stream = self._transcriber.create_stream(self._interval)
        self._stream.add_listener(self._note)
        self._stream.start()

    def hear(self, sound: bytes, look: bool) -> None:
        """Take sound, f32 mono at 16 kHz; `look`: look at once what is said."""
        if sound:
            self._stream.add_audio(np.frombuffer(sound, "<f4").tolist(), SAMPLE_RATE)
        if look:
            self._stream.update_transcription(self._transcriber.MOONSHINE_FLAG_FORCE_UPDATE)

    def stop(self) -> None:
        """End the stream with what is left of it."""
        self._stream.stop()

    def news(self) -> list[dict[str, Any]]:
        """The lines that are new or have changed since the last call."""
        lines, self._lines = list(self._lines.values()), {}
        return lines

    def _note(self, event: Any) -> None:
        line = event.line
        self._lines[line.line_id] = {
            "start": round(line.start_time, 3),
            "end": round(line.start_time + line.duration, 3),
            "text": line.text,
            "final": bool(line.is_complete),
        }


def _give_back_memory() -> None:
    # Without it, glibc keeps some 10 MB for each stream that was closed.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident_mb() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


def serve(hearing: Hearing, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers until `requests` ends."""
    while line := requests.readline():
        request = json.loads(line)
        sound = requests.read(request["bytes"])
        if request["op"] == "stop":
            hearing.stop()
        else:
            if request["op"] == "renew":
                hearing.renew()
            hearing.hear(sound, bool(request.get("look")))
        write_frame(answers, {"lines": hearing.news(), "resident": round(_resident_mb())})


def main(arguments: list[str]) -> None:
    """Loads the model, says that it is there, serves; never returns, for the library may crash while it is unloaded."""
    requests, answers = channel()
    os.nice(POLITE)
    try:
        hearing = Hearing(float(arguments[0]))
        write_frame(answers, {"ready": True})
        with suppress(BrokenPipeError):
            serve(hearing, requests, answers)
    except BaseException as error:
        with suppress(BrokenPipeError):
            write_frame(answers, {"error": error_line(error)})
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
