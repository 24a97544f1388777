"""Sound as the records of an evaluation hold it: FLAC of 16 bits at 24 kHz."""

import io

import numpy as np
import soundfile
import soxr

from kame_data.errors import KameError
from kame_data.records import SAMPLE_RATE
from kame_data.speech.sound import to_int16
from kame_data.tandem.sounds import MOST_SECONDS, RATES, Sound


def flac_of(sound: Sound) -> bytes:
    """The FLAC of f32 (n,) or (n, channels) in -1 to 1."""
    buffer = io.BytesIO()
    samples = to_int16(np.ascontiguousarray(sound.reshape(-1))).reshape(sound.shape)
    soundfile.write(buffer, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def sound_of(flac: bytes, name: str = "the sound") -> Sound:
    """The sound of a file's bytes, f32 (n, channels) at 24 kHz. Raises KameError, with its name, where it has none."""
    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as file:
            if file.channels > 2 or not RATES[0] <= file.samplerate <= RATES[1]:
                raise KameError(
                    f"{name}: {file.channels} channels at {file.samplerate} Hz; "
                    f"give mono or stereo at {RATES[0]} to {RATES[1]}"
                )
            if file.frames > MOST_SECONDS * file.samplerate:
                raise KameError(f"{name}: lasts {file.frames / file.samplerate:.0f} s; {MOST_SECONDS} s are the most")
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise KameError(f"{name}: cannot be read ({str(error)[:120]}); make it anew") from None
    if not np.isfinite(samples).all():
        raise KameError(f"{name}: holds NaN or infinity; make it anew")
    if rate != SAMPLE_RATE and len(samples):
        samples = soxr.resample(samples, rate, SAMPLE_RATE)
    return np.asarray(np.clip(samples, -1.0, 1.0), np.float32)
