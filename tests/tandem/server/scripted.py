"""A tandem whose parts are scripted, so that everything between them and a client is the real thing.

The model reads its oracle: it says each token in the frame in which it reads it, with a tone. The recogniser hears a
user's number in how loud they are, and the back end answers with that number, so that whoever got another one's words
would be seen.
"""

import asyncio
import contextlib
import os
import time

import aiohttp
import numpy as np

from kame_data.codec.token_schema import TEXT_PADDING
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError
from kame_data.settings.latency import LoopSettings
from kame_data.settings.server import ServerSettings
from kame_data.tandem.frames import RATE, SAMPLES, FrameOut
from kame_data.tandem.live import Tandem
from kame_data.tandem.parts import Spoken
from kame_data.tandem.server.app import Server
from kame_data.tandem.server.serving import listen_at, serve
from kame_data.tandem.session import Setup
from kame_data.tandem.stepper import ThreadStepper
from kame_data.tandem.streaming_recognisers.base import SpeechEvent

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TOKENIZER = Tokenizer.of("sample")


class Reader:
    """Rows of a model that says what it reads."""

    def __init__(self, count, step=0.0):
        self.count, self.pause = count, step
        self.free = set(range(count))
        self.fails = False
        self.stuck = False

    def open(self):
        if not self.free:
            raise KameError("all rows are taken")
        return self.free.pop()

    def close(self, row):
        self.free.add(row)

    def step(self, frames):
        time.sleep(self.pause)
        while self.stuck:
            time.sleep(0.01)
        if self.fails:
            raise RuntimeError("no memory")
        return {row: self.say(frame.oracle) for row, frame in frames.items()}

    def say(self, oracle):
        says = oracle != TEXT_PADDING and oracle < TOKENIZER.text_card
        sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(SAMPLES) / RATE) if says else np.zeros(SAMPLES)
        return FrameOut(oracle if says else TEXT_PADDING, sound.astype(np.float32))


class Hearing:
    """Hears `number N` in a stretch whose amplitude is N / 20, and its end in half a second of silence."""

    def __init__(self):
        self.sound, self.at, self.number, self.quiet = np.zeros(0, np.float32), 0, None, 0
        self.told = 0

    def push(self, sound):
        self.sound = np.concatenate([self.sound, sound])
        found = []
        while len(self.sound) >= SAMPLES:
            frame, self.sound = np.split(self.sound, [SAMPLES])
            self.at += 1
            found += self.frame(round(float(np.sqrt(2 * np.mean(frame**2))) * 20))
        return found

    def frame(self, loud):
        now = self.at * SAMPLES / RATE
        if self.number is None:
            self.number, self.quiet, self.told = loud or None, 0, 0
            return [SpeechEvent("start", now)] if loud else []
        if self.told == 0 and loud:
            self.number = loud  # of the first frame that is loud as a whole
        text = f"This is number {NUMBERS[self.number]}"
        self.quiet = 0 if loud else self.quiet + 1
        if self.quiet >= 6:
            self.number = None
            return [SpeechEvent("end", now, text)]
        self.told += 1
        words = " ".join(text.split()[: self.told // 2])
        return [SpeechEvent("interim", now, words, len(words))] if words and self.told % 2 == 0 else []

    def close(self):
        return []


class Recogniser:
    name = "scripted"

    def open(self, language):
        return Hearing()


class Answers:
    """Answers a question that ends in a number with `You said that number, NUMBER`."""

    name = "scripted"
    stand_ins = ("scripted back end",)

    async def answer(self, question, budget):
        word = question.heard.split()[-1]
        if word not in NUMBERS:
            return
        for piece in ("You said ", "that number", f", {word}"):
            await asyncio.sleep(0.02)
            yield piece

    async def close(self):
        pass


class ModelVoice:
    name = "model"
    stand_ins = ("tone",)

    def open(self, language):
        if language == "xx":
            raise KameError("language xx: the voice cannot speak it")
        return self

    def next(self, out, words):
        return Spoken(out.sound)

    def close(self):
        pass


def tandem(slots=2, step=0.0, hears=True, **loop):
    loop = LoopSettings(**{"policy": "final", **loop})
    setup = Setup("", TOKENIZER, loop, model="reader", recogniser="scripted", voice="tone", policy=loop.policy)
    rows = Reader(slots, step)
    stepper = ThreadStepper(rows, "reader", ("reader",))
    made = Tandem(setup, stepper, Answers(), ModelVoice(), Recogniser() if hears else None)
    made.rows = rows
    return made


class Running:
    """A server at work in this process; `url` is its address, `shutdown` sends it a SIGTERM as it gets one."""

    def __init__(self, server, task, port, said):
        self.server, self.task, self.port, self.said = server, task, port, said
        self.tandem = server.tandem
        self.url = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"

    async def ended(self):
        await asyncio.wait_for(self.task, 30)


@contextlib.asynccontextmanager
async def running(made=None, token=None, **settings):
    """A server over a scripted tandem; behind it nothing may be left."""
    made = made or tandem()
    settings = ServerSettings(**{"port": 0, "drain": 0.0, **settings})
    said = []
    listening = listen_at(settings)
    port = listening.getsockname()[1]
    server = Server(made, settings, token)
    task = asyncio.create_task(serve(server, listening, said.append))
    await asyncio.sleep(0.2)
    running = Running(server, task, port, said)
    try:
        yield running
        made.rows.stuck = False
        await left_nothing(running)
    finally:
        made.rows.stuck = False
        if not task.done():
            os.kill(os.getpid(), 15)
        await asyncio.wait_for(task, 30)
        await made.close()
        made.stepper.close()


async def left_nothing(running, within=8.0):
    """Wait until no conversation, row, place or task of one is left; fails where one stays."""
    made, admission = running.tandem, running.server.admission
    for _ in range(int(within / 0.05)):
        if not made.sessions and not admission.taken and not admission.waiting and len(made.rows.free) == made.slots:
            break
        await asyncio.sleep(0.05)
    assert not made.sessions and not admission.taken and not admission.waiting
    assert len(made.rows.free) == made.slots
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    own = ("LiveSession", "_listen", "_speak", "fill", "Admission", "_receive", "ThreadStepper")
    for _ in range(40):
        left = [name for name in names if name.startswith(own)]
        if not left:
            return
        await asyncio.sleep(0.05)
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    raise AssertionError(f"tasks are left: {left}")


def spoken(number, speech=1.0, before=0.2, after=1.2):
    """A user who says `This is number NUMBER`, f32 at 24 kHz."""
    tone = number / 20 * np.sin(2 * np.pi * 200 * np.arange(int(speech * RATE)) / RATE)
    return np.concatenate([np.zeros(int(before * RATE)), tone, np.zeros(int(after * RATE))]).astype(np.float32)


def as_s16(sound):
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


async def close_of(socket):
    """The code and reason with which a server ended a websocket of aiohttp, after what came before."""
    while True:
        message = await asyncio.wait_for(socket.receive(), 15)
        if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING):
            return message.data, message.extra
        if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return socket.close_code, ""
