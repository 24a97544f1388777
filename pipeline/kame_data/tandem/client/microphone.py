"""A user at this machine: microphone and loudspeaker by sounddevice, at the rates that they have."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import soxr

from kame_data.errors import KameError, UsageError
from kame_data.tandem.client.talking import Talk
from kame_data.tandem.frames import RATE, SAMPLES
from kame_data.tandem.sounds import Sound

MOST_WAITING = 50
"""Frames of the microphone that wait for the wire; older ones are dropped."""
MOST_UNPLAYED = 25
"""Frames of the assistant that wait for the loudspeaker; older ones are dropped, so that no delay grows."""


class Microphone:
    """A user who speaks into a microphone until `done` is set. Callbacks of sounddevice run in threads of its own."""

    def __init__(self, done: asyncio.Event) -> None:
        self.done = done
        self._loop = asyncio.get_running_loop()
        self._came: asyncio.Queue[Sound] = asyncio.Queue()
        self._rest: Sound = np.zeros(0, np.float32)
        self._unplayed: deque[Sound] = deque()
        self._playing: Sound = np.zeros(0, np.float32)
        self._to_speaker: Any = None

    async def frames(self, talk: Talk) -> AsyncIterator[Sound]:
        """The microphone's frames, as they come."""
        while not self.done.is_set():
            try:
                piece = await asyncio.wait_for(self._came.get(), 0.2)
            except TimeoutError:
                continue
            self._rest = np.concatenate([self._rest, piece])
            while len(self._rest) >= SAMPLES:
                frame, self._rest = np.split(self._rest, [SAMPLES])
                yield frame

    def hear(self, sound: Sound) -> None:
        """Play a frame of the assistant."""
        self._unplayed.append(self._to_speaker.resample_chunk(sound))
        while len(self._unplayed) > MOST_UNPLAYED:
            self._unplayed.popleft()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Open the devices. Raises UsageError where the extra is missing, KameError where a device is refused."""
        devices = _sounddevice()
        try:
            rates = [round(devices.query_devices(kind=kind)["default_samplerate"]) for kind in ("input", "output")]
            to_wire = soxr.ResampleStream(rates[0], RATE, 1, dtype="float32")
            self._to_speaker = soxr.ResampleStream(RATE, rates[1], 1, dtype="float32")

            def take(data: Any, count: int, time: Any, status: Any) -> None:
                sound = np.clip(np.nan_to_num(to_wire.resample_chunk(data[:, 0].copy())), -1, 1).astype(np.float32)
                self._loop.call_soon_threadsafe(self._take, sound)

            def play(out: Any, count: int, time: Any, status: Any) -> None:
                out[:, 0] = self._next(len(out))

            options = {"channels": 1, "dtype": "float32"}
            with (
                devices.InputStream(samplerate=rates[0], callback=take, **options),
                devices.OutputStream(samplerate=rates[1], callback=play, **options),
            ):
                yield
        except devices.PortAudioError as error:
            raise KameError(f"--mic: no microphone or loudspeaker can be used ({error}); talk with --in") from None

    def _take(self, sound: Sound) -> None:
        self._came.put_nowait(sound)
        while self._came.qsize() > MOST_WAITING:
            self._came.get_nowait()

    def _next(self, count: int) -> Sound:
        """The next samples for the loudspeaker; silence where none are there."""
        while len(self._playing) < count and self._unplayed:
            self._playing = np.concatenate([self._playing, self._unplayed.popleft()])
        out, self._playing = self._playing[:count], self._playing[count:]
        return np.pad(out, (0, count - len(out)))


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise UsageError("--mic: missing for a microphone: sounddevice; pip install 'kame-data[mic]'") from None
    except OSError as error:  # the library of the system that it needs
        raise UsageError(f"--mic: {error}; install the system's libportaudio2, or talk with --in") from None
    return sounddevice
