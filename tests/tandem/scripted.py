"""Parts of a conversation that do as a script says, in place of a model, a recogniser and a back end."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import numpy as np

from kame_data.errors import KameError
from kame_data.tandem.frames import SAMPLES, FrameOut
from kame_data.tandem.parts import Spoken
from kame_data.tandem.streaming_recognisers.base import SpeechEvent

START = 2000
TONE = (0.2 * np.sin(np.arange(SAMPLES) * 0.05)).astype(np.float32)
SILENCE = np.zeros(SAMPLES, np.float32)


class ReadingRows:
    """Rows that say each oracle token in the frame in which they read it, with a tone."""

    def __init__(self, count=1, step=0.0, fails_at=None):
        self.count, self.seconds, self.fails_at = count, step, fails_at
        self.open_rows, self.seen, self.steps = set(), {}, 0

    def open(self):
        row = next((row for row in range(self.count) if row not in self.open_rows), None)
        if row is None:
            raise KameError("all rows are taken")
        self.open_rows.add(row)
        self.seen[row] = []
        return row

    def close(self, row):
        self.open_rows.discard(row)

    def step(self, frames):
        self.steps += 1
        if self.steps == self.fails_at:
            raise KameError("the model broke")
        if self.seconds:
            time.sleep(self.seconds)
        out = {}
        for row, frame in frames.items():
            self.seen[row].append(frame)
            says = frame.oracle not in (0, 3, START)
            out[row] = FrameOut(frame.oracle if says else 3, TONE if says else SILENCE)
        return out


class Stepping:
    """A stepper that steps each row by itself, on the event loop; a step takes `delay` s of the loop's clock."""

    stand_ins = ()
    name = "reading rows"

    def __init__(self, rows, delay=0.0):
        self.rows, self.count, self.delay = rows, rows.count, delay

    @asynccontextmanager
    async def session(self):
        row = self.rows.open()
        try:
            yield _Row(self, row)
        finally:
            self.rows.close(row)


class _Row:
    def __init__(self, stepper, row):
        self.stepper, self.row = stepper, row

    async def step(self, frame):
        await asyncio.sleep(self.stepper.delay)
        return self.stepper.rows.step({self.row: frame})[self.row]


class OwnVoice:
    """The model's own sound."""

    name, stand_ins = "model", ()

    def __init__(self):
        self.opened = self.closed = 0

    def open(self, language):
        if language == "xx":
            raise KameError("the voice does not speak 'xx'")
        self.opened += 1
        return _OwnVoiceStream(self)

    def close(self):
        pass


class _OwnVoiceStream:
    def __init__(self, voice):
        self.voice = voice

    def next(self, out, words):
        return Spoken(SILENCE if out.sound is None else out.sound)

    def close(self):
        self.voice.closed += 1


class Hearing:
    """A recogniser whose streams tell each event of `script` once so much sound has come: (seconds, kind, text)."""

    name = "scripted"

    def __init__(self, script=(), fails_at=None, blocks=None):
        self.script, self.fails_at, self.blocks = script, fails_at, blocks
        self.opened = self.closed = 0

    def open(self, language):
        if self.fails_at == "open":
            raise KameError("no ears")
        self.opened += 1
        return _HearingStream(self)


class _HearingStream:
    def __init__(self, of):
        self.of, self.left, self.samples, self.over = of, list(of.script), 0, False
        self.threads = set()

    def push(self, sound):
        self.threads.add(threading.get_ident())
        assert len(self.threads) <= 8 and sound.dtype == np.float32
        if self.of.blocks is not None:
            self.of.blocks.wait(60)
        self.samples += len(sound)
        now = self.samples / 24_000
        if self.of.fails_at is not None and now > self.of.fails_at:
            raise KameError("deaf")
        found = []
        while self.left and self.left[0][0] <= now:
            at, kind, text = self.left.pop(0)
            found.append(SpeechEvent(kind, at, text))
        return found

    def close(self):
        if not self.over:
            self.over = True
            self.of.closed += 1
        return []


class Script:
    """A back end: `answer(question)` gives the pieces, with numbers for seconds to wait and errors to raise."""

    name, stand_ins = "scripted", ("back end: scripted",)

    def __init__(self, script):
        self.script = script
        self.questions, self.begun, self.left, self.whole = [], 0, 0, 0

    async def answer(self, question, budget):
        self.questions.append(question)
        self.begun += 1
        try:
            for piece in self.script(question):
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, int | float):
                    await asyncio.sleep(piece)
                else:
                    yield piece
            self.whole += 1
        except (GeneratorExit, asyncio.CancelledError):
            self.left += 1
            raise

    async def close(self):
        pass
