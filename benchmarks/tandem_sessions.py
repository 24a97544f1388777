"""`python benchmarks/tandem.py sessions`: conversations in real time over a model whose step takes a given time.

Everything is what a server runs (session, policy, back end's stream, oracle queue, log, thread of the model, thread of
the hearing) but for the model itself, which sleeps, and the recogniser, which tells words by a script.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from kame_data.codec.tokenizer import Tokenizer
from kame_data.llm.accounts import Budget
from kame_data.settings.latency import LatencySettings
from kame_data.tandem.events import FirstToken, OracleDelta, OracleRead, read_log
from kame_data.tandem.frames import FRAME, RATE, SAMPLES, FrameIn, FrameOut
from kame_data.tandem.live import LiveSession, Tandem
from kame_data.tandem.parts import BackEndRequest
from kame_data.tandem.session import Setup
from kame_data.tandem.stepper import ThreadStepper
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.voices import ModelVoice
from kame_data.text.words import split_words

QUESTION = "how many moons has the planet Mars and what are they called by those who know them"
ANSWER = "There are two of them, and they are called Phobos and Deimos, after the sons of Mars in the old stories"
ASKED = split_words(QUESTION)
EVERY = 8.0
"""Seconds from one question of a user to the next."""
PACE = 25.0
"""Words a second of the back end."""
SOUND = (0.1 * np.sin(np.arange(SAMPLES) * 0.06)).astype(np.float32)


class Sleeping:
    """Rows whose step takes `seconds`, however many have a frame, and says what the oracle says."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds = count, seconds
        self._free = set(range(count))

    def open(self) -> int:
        return self._free.pop()

    def close(self, row: int) -> None:
        self._free.add(row)

    def step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        time.sleep(self.seconds)
        return {row: FrameOut(frame.oracle if frame.oracle < 2000 else 3, SOUND) for row, frame in frames.items()}


class Told:
    """A recogniser that tells the words of a question every `EVERY` seconds, three a second."""

    name = "script"

    def open(self, language: str) -> "Told":
        return type(self)()

    def __init__(self) -> None:
        self._samples = 0

    def push(self, sound: Any) -> list[SpeechEvent]:
        before = self._samples / RATE
        self._samples += len(sound)
        now, events = self._samples / RATE, []
        for number in range(int(before / EVERY), int(now / EVERY) + 1):
            for count in range(1, len(ASKED) + 2):
                moment = number * EVERY + count / 3
                if before < moment <= now:
                    kind = "interim" if count <= len(ASKED) else "end"
                    events.append(SpeechEvent(kind, moment, " ".join(ASKED[:count])))
        return events

    def close(self) -> list[SpeechEvent]:
        return []


class Paced:
    """A back end whose first word takes a quarter of a second."""

    name, stand_ins = "script", ()

    async def answer(self, request: BackEndRequest, budget: Budget) -> AsyncGenerator[str, None]:
        await asyncio.sleep(0.25)
        for word in split_words(ANSWER):
            yield f"{word} "
            await asyncio.sleep(1 / PACE)

    async def close(self) -> None:
        pass


@dataclass
class Measured:
    """Milliseconds of this process's time for each frame and session; frames that were late and that were skipped, of
    all; milliseconds from a piece of text to the frame that reads it, of pieces that need not wait for others."""

    cpu: float
    late: float
    skipped: float
    delays: list[float]


def talk(count: int, step: float, seconds: float) -> Measured:
    """Hold `count` conversations for so many seconds."""
    stepper = ThreadStepper(Sleeping(count, step), "sleeps")
    setup = Setup("", Tokenizer.of("sample"), LatencySettings(preset="typical"))
    with tempfile.TemporaryDirectory() as folder:

        async def user(tandem: Tandem, number: int) -> LiveSession:
            await asyncio.sleep(number * FRAME / count)  # frames of users do not come together
            session = await tandem.open(events=Path(folder) / str(number))
            reading = asyncio.create_task(taken(session))
            next_at, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
            for _ in range(round(seconds / FRAME)):
                await session.push(SOUND)
                next_at += FRAME
                await asyncio.sleep(max(0.0, next_at - loop.time()))
            await session.close()
            await reading
            return session

        async def taken(session: LiveSession) -> None:
            async for _ in session.outputs():
                pass

        async def all_users() -> list[LiveSession]:
            tandem = Tandem(setup, stepper, Paced(), ModelVoice(), Told())
            sessions = await asyncio.gather(*(user(tandem, number) for number in range(count)))
            await tandem.close()
            return sessions

        began = time.process_time()
        sessions = asyncio.run(all_users())
        stepper.close()
        cpu = time.process_time() - began
        frames = sum(session.session.frames for session in sessions)
        logs = [read_log(Path(folder) / str(number)) for number in range(count)]
    skipped = sum(event.skipped for log in logs for event in log.events if event.kind == "late_frame")
    delays = [delay for log in logs for delay in waits(log.events)]
    return Measured(cpu / frames * 1000, stepper.figures.late / frames, skipped / frames, delays)


def waits(events: Any) -> list[float]:
    """Milliseconds from each piece of text whose tokens find nothing before them to the frame that reads the first."""
    found: list[float] = []
    waiting: dict[int, tuple[int, float]] = {}  # by oracle: the token that is to be read, and when it came
    came: dict[int, int] = {}
    for event in events:
        if isinstance(event, FirstToken):
            waiting[event.id], came[event.id] = (0, event.wall), 0
        elif isinstance(event, OracleDelta) and event.tokens:
            if event.id not in waiting:
                waiting[event.id] = (came[event.id] + 1, event.wall)
            came[event.id] += len(event.tokens)
        elif isinstance(event, OracleRead) and event.id in waiting:
            token, since = waiting[event.id]
            if event.read == token:
                found.append((event.wall - since) * 1000)
            if event.read >= came[event.id]:
                waiting.pop(event.id)
    return found


def sessions(counts: list[int], steps: list[float], seconds: float) -> None:
    """Print the table."""
    table = Table(title=f"Conversations in real time, {seconds:g} s each; the model sleeps", box=None)
    for column in ("step ms", "sessions", "CPU ms a frame", "late", "skipped", "text to frame: p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for step in steps:
        for count in counts:
            found = talk(count, step / 1000, seconds)
            p50, p99 = np.quantile(found.delays, [0.5, 0.99])
            shares = f"{found.late:.1%}", f"{found.skipped:.1%}"
            table.add_row(f"{step:g}", str(count), f"{found.cpu:.2f}", *shares, f"{p50:.0f}", f"{p99:.0f}")
    Console().print(table)
