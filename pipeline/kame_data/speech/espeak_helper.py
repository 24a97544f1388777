"""The helper process that espeak-ng lives in; run by its path, it imports nothing but the standard library.

The engine is GPL-3 and is loaded here at run time, in a process of its own. It is not thread-safe, and its output
depends on what it said before; so it is started once, and each request is spoken by a fresh fork, whose first words
are always the same. A fork that crashes or hangs takes one clip with it and nothing else.

Usage: espeak_helper.py LIBRARY DATA_FOLDER TIME_LIMIT_S. A line of JSON on stdin is a request: `text`, `voice` (the
engine's name), `rate` (words a minute), `pitch` (0 to 99), `words` (list of [start, end) character offsets). A line of
JSON on stdout answers it; `bytes` bytes of int16 mono sound follow it. Where there is no sound, `error` is there
instead: `died` (with its exit status), `unknown_voice`, `engine`. A request with `spell` (a list of words) and `voice`
is answered without sound, with their `phonemes` (a list of names each). The first line out says the engine's `version`.
"""

import ctypes
import json
import os
import select
import signal
import sys
from typing import Any, BinaryIO

AUDIO_SYNCHRONOUS, PHONEME_EVENTS, DONT_EXIT = 2, 0x1, 0x8000
POSITION_CHARACTER, CHARS_UTF8 = 1, 1
RATE, VOLUME, PITCH = 1, 2, 3
# Percent of the engine's own volume, at which its loudest variant, adam, clips inside the engine.
QUIET = 60
WORD, END, PHONEME = 1, 5, 7
SEPARATOR = "_"
PR_SET_PDEATHSIG = 1
RANDOM_SEED = 1
PARENT_CHECK_S = 5.0


class EventId(ctypes.Union):
    """The engine's union: a number, or up to 8 bytes of a phoneme's name."""

    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class Event(ctypes.Structure):
    """The engine's espeak_EVENT; `text_position` counts characters from 1, `sample` samples from the start."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", EventId),
    )


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


class Engine:
    """espeak-ng, loaded and initialised; `speak` once per process, and never here but in a fork."""

    def __init__(self, library: str, data: str) -> None:
        self.lib = ctypes.CDLL(library)
        self.lib.espeak_Info.restype = ctypes.c_char_p
        self.lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.sample_rate = int(
            self.lib.espeak_Initialize(AUDIO_SYNCHRONOUS, 0, data.encode(), PHONEME_EVENTS | DONT_EXIT)
        )
        if self.sample_rate <= 0:
            raise OSError(f"espeak-ng cannot read its data in {data}")
        self.version = self.lib.espeak_Info(None).decode().split()[0]
        self._pcm = bytearray()
        self._words: list[tuple[int, int]] = []
        self._ends: list[int] = []
        self._phonemes: list[tuple[int, str]] = []
        self._callback = CALLBACK(self._hear)  # kept, for the engine holds only its address
        self.lib.espeak_SetSynthCallback(self._callback)

    def _hear(self, wav: Any, count: int, events: Any) -> int:
        if wav and count > 0:
            self._pcm += ctypes.string_at(wav, 2 * count)
        i = 0
        while events[i].type:
            event = events[i]
            if event.type == WORD:
                self._words.append((event.text_position - 1, event.sample))
            elif event.type == END:
                self._ends.append(event.sample)
            elif event.type == PHONEME:
                self._phonemes.append((event.sample, event.id.string.decode("utf-8", "replace")))
            i += 1
        return 0

    def speak(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer to a request, and its sound."""
        # Breathy variants draw noise, which the engine seeds from the clock.
        self.lib.espeak_ng_SetRandSeed(ctypes.c_long(RANDOM_SEED))
        if self.lib.espeak_SetVoiceByName(request["voice"].encode()) != 0:
            return {"error": "unknown_voice"}, b""
        self.lib.espeak_SetParameter(RATE, request["rate"], 0)
        self.lib.espeak_SetParameter(VOLUME, QUIET, 0)
        self.lib.espeak_SetParameter(PITCH, request["pitch"], 0)
        data = request["text"].encode() + b"\0"
        if self.lib.espeak_Synth(data, len(data), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None) != 0:
            return {"error": "engine"}, b""
        reply = {
            "sample_rate": self.sample_rate,
            "events": self._words,
            "ends": self._ends,
            "phonemes": self._phonemes,
            "counts": self._counts(request["text"], request["words"]),
        }
        return reply, bytes(self._pcm)

    def _counts(self, text: str, words: list[list[int]]) -> dict[int, int]:
        """Count the phonemes that each word has by itself, for words without an event and for those that they belong
        to."""
        timed = {i for i, (start, end) in enumerate(words) if any(start <= at < end for at, _ in self._words)}
        merged = {i for i in range(len(words)) if i not in timed or (i + 1 < len(words) and i + 1 not in timed)}
        return {i: self._phoneme_count(text[words[i][0] : words[i][1]]) for i in sorted(merged)}

    def spell(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The phonemes of words, each by itself."""
        if self.lib.espeak_SetVoiceByName(request["voice"].encode()) != 0:
            return {"error": "unknown_voice"}, b""
        return {"phonemes": [self._phonemes_of(word) for word in request["spell"]]}, b""

    def _phoneme_count(self, word: str) -> int:
        return len(self._phonemes_of(word))

    def _phonemes_of(self, word: str) -> list[str]:
        pointer = ctypes.c_char_p(word.encode() + b"\0")
        found: list[str] = []
        while pointer.value:  # a call reads on to the next clause
            names = self.lib.espeak_TextToPhonemes(ctypes.byref(pointer), CHARS_UTF8, ord(SEPARATOR) << 8) or b""
            found += filter(None, names.decode("utf-8", "replace").replace(" ", SEPARATOR).split(SEPARATOR))
        return found


def die_with_parent() -> None:
    """Linux only; elsewhere the time limit ends a fork whose helper is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def in_fork(engine: Engine, request: dict[str, Any], limit_s: float, pipe: int) -> None:
    """Speaks and writes the answer to `pipe`; runs in the fork alone and does not return."""
    code = 1
    try:
        # The alarm's default action ends the process even while it is inside the engine.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        die_with_parent()
        os.close(0)
        os.close(1)
        reply, sound = engine.spell(request) if "spell" in request else engine.speak(request)
        with os.fdopen(pipe, "wb") as out:
            write_frame(out, reply, sound)
        code = 0
    finally:
        os._exit(code)


def write_frame(out: BinaryIO, reply: dict[str, Any], sound: bytes = b"") -> None:
    """A line of JSON, then the sound."""
    out.write(json.dumps({**reply, "bytes": len(sound)}).encode() + b"\n" + sound)
    out.flush()


def answer(engine: Engine, request: dict[str, Any], limit_s: float) -> bytes:
    """The whole frame for a request, spoken by a fork; an `error` frame where the fork died."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        in_fork(engine, request, limit_s, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        frame = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        return frame
    return json.dumps({"error": "died", "status": status, "bytes": 0}).encode() + b"\n"


def serve(engine: Engine, limit_s: float) -> None:
    """Answers requests until stdin ends or the process that started this one is gone."""
    parent = os.getppid()
    pending = b""
    while True:
        if not select.select([0], [], [], PARENT_CHECK_S)[0]:
            if os.getppid() != parent:
                return
            continue
        data = os.read(0, 1 << 16)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            sys.stdout.buffer.write(answer(engine, json.loads(line), limit_s))
            sys.stdout.buffer.flush()


def main(arguments: list[str]) -> int:
    """Loads the engine, says its version, serves."""
    library, data, limit_s = arguments
    # Ctrl-C reaches the whole terminal's group; whoever started this process decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    engine = Engine(library, data)
    write_frame(sys.stdout.buffer, {"version": engine.version})
    try:
        serve(engine, float(limit_s))
    except BrokenPipeError:
        os._exit(0)  # nobody is left to read; a flush at exit would only complain
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
