"""Reference clips: recordings whose voice a model is to speak with, looked at before a build starts."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile

from kame_data.errors import UsageError

SHORTEST_S, LONGEST_S = 2.0, 120.0
LOWEST_RATE = 16_000
SILENT_DBFS = -50.0
# How far two channels may differ and still be one voice, as a share of their level.
SAME_CHANNEL = 0.05


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording of one voice; `label` names it in rows: its file's name and the beginning of its digest."""

    path: Path
    digest: str

    @property
    def label(self) -> str:
        """`anna~1f2e3d4c`: no two recordings have the same."""
        return f"{self.path.stem}~{self.digest[:8]}"


def read_reference(path: Path) -> Reference:
    """The recording, once it has shown to be one. Raises UsageError with one line that says what is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"speech voice {path}: cannot be read ({error.strerror}); give a recording's file") from None
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, channels, seconds = file.samplerate, file.channels, file.frames / file.samplerate
            if seconds > LONGEST_S:
                raise UsageError(
                    f"speech voice {path}: {seconds:.0f} s long; {SHORTEST_S:g} to {LONGEST_S:g} s will do"
                )
            samples = file.read(dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):
        raise UsageError(f"speech voice {path}: is not audio that can be read; give WAV, FLAC, MP3 or Ogg") from None
    if rate < LOWEST_RATE:
        raise UsageError(
            f"speech voice {path}: sampled at {rate} Hz, which is too low; {LOWEST_RATE} Hz or more is needed"
        )
    if seconds < SHORTEST_S:
        raise UsageError(f"speech voice {path}: {seconds:.1f} s long; {SHORTEST_S:g} s of speech or more are needed")
    level = float(np.sqrt(np.mean(np.square(samples)))) if samples.size and np.isfinite(samples).all() else 0.0
    if level < 10 ** (SILENT_DBFS / 20):
        raise UsageError(f"speech voice {path}: is silent; give a recording of somebody who speaks")
    apart = samples - samples.mean(axis=1, keepdims=True)
    if channels > 1 and float(np.sqrt(np.mean(np.square(apart)))) > SAME_CHANNEL * level:
        raise UsageError(f"speech voice {path}: has {channels} channels that differ; give one voice in mono")
    return Reference(path.resolve(), sha256(data).hexdigest())
