"""Sound as it comes from a user or a file, checked before it is used, and the sound of both sides as a file."""

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kame_data.errors import KameError, UsageError
from kame_data.speech.sound import FULL_SCALE, to_int16
from kame_data.storage.files import write_whole
from kame_data.tandem.frames import RATE

Sound = NDArray[np.float32]
MOST_PUSHED = 10 * RATE
"""Samples that may come at once."""
MOST_SECONDS = 3600
"""The longest file."""
FORMS: dict[str, np.dtype[Any]] = {"s16": np.dtype("<i2"), "f32": np.dtype("<f4")}
"""The forms of samples on a wire."""
RATES = (4000, 384_000)
"""Samples a second that a file may have."""


def checked(sound: NDArray[Any]) -> Sound:
    """The sound as f32 (n,). Raises KameError, which names what is wrong."""
    if not isinstance(sound, np.ndarray) or sound.ndim != 1 or sound.dtype not in (np.float32, np.int16):
        shape = f"{sound.dtype} of shape {sound.shape}" if isinstance(sound, np.ndarray) else type(sound).__name__
        raise KameError(f"sound {shape}: is none; send mono sound at 24 kHz, f32 or int16 of shape (n,)")
    if len(sound) > MOST_PUSHED:
        raise KameError(f"sound of {len(sound)} samples at once: is too much; send {MOST_PUSHED} at most")
    if sound.dtype == np.int16:
        return np.asarray(sound.astype(np.float32) / np.float32(FULL_SCALE))
    if not np.isfinite(sound).all():
        raise KameError("the sound holds NaN or infinity; send samples from -1 to 1")
    return np.asarray(np.clip(sound, -1.0, 1.0))


def read_sound(path: Path, flag: str = "--in") -> Sound:
    """The user's sound in a file, f32 (n,) at 24 kHz; of a stereo file its right channel, which is the user's.

    Raises UsageError for a file that is no sound, or too long, or holds NaN.
    """
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, length, channels = file.samplerate, file.frames, file.channels
            if not RATES[0] <= rate <= RATES[1] or channels > 2:
                raise UsageError(
                    f"{flag} {path}: {channels} channels at {rate} Hz; give mono or stereo at {RATES[0]} to {RATES[1]}"
                )
            if length > MOST_SECONDS * rate:
                raise UsageError(f"{flag} {path}: lasts {length / rate:.0f} s; give {MOST_SECONDS} s at most")
            samples = file.read(MOST_SECONDS * rate, dtype="float32", always_2d=True)[:, -1]
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        why = "no such file" if not path.exists() else " ".join(str(error).split())[:120]
        raise UsageError(f"{flag} {path}: is no sound that can be read ({why}); give a WAV or FLAC file") from None
    if not len(samples):
        raise UsageError(f"{flag} {path}: holds no sound; give a recording of the user")
    if not np.isfinite(samples).all():
        raise UsageError(f"{flag} {path}: holds NaN or infinity; write it anew")
    if rate != RATE:
        samples = np.asarray(soxr.resample(samples, rate, RATE), np.float32)
    return np.asarray(np.clip(samples, -1.0, 1.0), np.float32)


def write_stereo(path: Path, sound: NDArray[np.float32]) -> None:
    """Write f32 (n, 2) at 24 kHz, the assistant left and the user right, as a WAV of 16 bits, whole or not at all."""
    write_whole(path, stereo(sound, "WAV"))


def stereo(sound: NDArray[np.float32], kind: Literal["WAV", "FLAC"]) -> bytes:
    """The file of this kind, of 16 bits, that holds f32 (n, 2) at 24 kHz."""
    buffer = io.BytesIO()
    samples = np.stack([to_int16(np.ascontiguousarray(side)) for side in sound.T], axis=1)
    soundfile.write(buffer, samples, RATE, format=kind, subtype="PCM_16")
    return buffer.getvalue()


def of_bytes(data: bytes, form: str) -> NDArray[Any]:
    """The samples in bytes of a form, f32 or int16 (n,)."""
    found = np.frombuffer(data, FORMS[form])
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def as_bytes(sound: Sound, form: str) -> bytes:
    """Samples in -1 to 1, f32 (n,), as bytes of a form."""
    if form == "s16":
        return to_int16(np.ascontiguousarray(sound)).astype(FORMS[form]).tobytes()
    return sound.astype(FORMS[form]).tobytes()
