"""The user's own sound of a bench: files that are looked at before anybody plays them."""

import io
from pathlib import Path

from kame_data.errors import Refusal

LONGEST = 600.0
"""Seconds of one file."""
MOST_BYTES = 256 * 2**20
MOST_CHANNELS = 2
_ENDINGS = {"WAV": ".wav", "WAVEX": ".wav", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3", "MPEG": ".mp3"}


def seconds_of(path: Path) -> float:
    """The length of a sound file. Raises Refusal(`bad_sound`) for none, an empty one, one too long or too large."""
    try:
        if not path.is_file():
            raise Refusal("bad_sound", f"sound {path} does not exist")
        if path.stat().st_size > MOST_BYTES:
            raise Refusal("bad_sound", f"sound {path} has more than {MOST_BYTES:,} bytes")
    except (OSError, ValueError) as problem:
        raise Refusal("bad_sound", f"sound {str(path)[:160]!r} cannot be read ({type(problem).__name__})") from None
    return _looked_at(path, str(path))[0]


def keep(data: bytes, folder: Path, name: str) -> Path:
    """Write a sound's bytes as they are into `folder`, under `name` and the ending of their kind. Raises
    Refusal(`bad_sound`) as `seconds_of` does."""
    if len(data) > MOST_BYTES:
        raise Refusal("bad_sound", f"the sound of {name} has more than {MOST_BYTES:,} bytes")
    _, kind = _looked_at(io.BytesIO(data), f"of {name}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{kind}"
    path.write_bytes(data)
    return path


def _looked_at(file: Path | io.BytesIO, name: str) -> tuple[float, str]:
    """The length in seconds of a sound, and the ending of its kind."""
    import soundfile

    try:
        found = soundfile.info(str(file) if isinstance(file, Path) else file)
    except (soundfile.LibsndfileError, RuntimeError, OSError):
        raise Refusal("bad_sound", f"sound {name} is no sound file that can be read (WAV, FLAC, Ogg, MP3)") from None
    if found.frames <= 0 or found.samplerate <= 0:
        raise Refusal("bad_sound", f"sound {name} is empty")
    if not 1 <= found.channels <= MOST_CHANNELS:
        raise Refusal("bad_sound", f"sound {name} has {found.channels} channels; one or two are read")
    length = found.frames / found.samplerate
    if length > LONGEST:
        raise Refusal("bad_sound", f"sound {name} has {length:.0f} s; at most {LONGEST:.0f} s are read")
    return length, _ENDINGS.get(found.format, ".wav")
