"""The clips of a build, kept on disk and found again by what was asked for.

A clip's key is all that its sound and its words depend on: the synthesizer's version, the text and how it is read, the
voice, the language, the pace and the pitch. What is worked out from the sound (an aligner's word times, scores) lies
beside it under the name and version of what worked it out, so that another aligner or recogniser needs no new sound.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import soundfile

from kame_data import text
from kame_data.seeds import digest
from kame_data.speech.voices.base import Clip, Span, Utterance
from kame_data.storage.files import each, files, write_many
from kame_data.storage.paths import AnyPath, path_of

# Rises when the same key would stand for something else, or the file's form changes.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A clip as the synthesizer gave it, and what has been worked out from it, by the version of what did so."""

    clip: Clip
    aligned: dict[str, list[Span]] = field(default_factory=dict)
    measured: dict[str, float | None] = field(default_factory=dict)


class ClipCache:
    """Clips in a folder, one file for each: a line of JSON, then FLAC. Threads and processes may share the folder.

    To an object store clips are sent in groups, as many as it takes at once; `flush` writes the last group.
    """

    def __init__(self, folder: Path | AnyPath) -> None:
        self.folder = path_of(folder)
        self._waiting: dict[AnyPath, bytes] = {}

    def path(self, key: str) -> AnyPath:
        """The file of a key's clip."""
        return self.folder / key[:2] / f"{key}.clip"

    def get(self, key: str) -> Kept | None:
        """The clip, or None where there is none or its file is damaged."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[str]) -> list[Kept | None]:
        """Call `get` for each key."""
        found = each(_read, [self.path(key) for key in keys])
        return [_kept(data) if data else None for data in found]

    def put(self, key: str, kept: Kept) -> None:
        """Keep a clip; its file is there whole or not at all."""
        self._waiting[self.path(key)] = _bytes(kept)
        if len(self._waiting) >= self.folder.AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what has not been written yet."""
        waiting, self._waiting = self._waiting, {}
        # Not synced to the disk: what a power cut damages is seen on reading, and made again.
        write_many(waiting, durable=False)


def damaged(clips: AnyPath) -> tuple[int, list[AnyPath]]:
    """Count the clips of a folder, and list those whose files are not as they were written."""
    number, found = 0, list[AnyPath]()
    for folder in files(clips, "[!.]*"):  # one after the other, for memory
        paths = files(folder, "[!.]*")
        number += len(paths)
        found += [p for p, data in zip(paths, each(_read, paths), strict=True) if _taken_apart(data or b"") is None]
    return number, found


def _read(path: AnyPath) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # nor is what a disk cannot read any more
        return None


def _taken_apart(data: bytes) -> tuple[dict[str, Any], bytes] | None:
    """The JSON of a clip and its FLAC; None where the file is damaged."""
    line, _, flac = data.partition(b"\n")
    try:
        header: dict[str, Any] = json.loads(line)
        return (header, flac) if header.pop("sha256") == _checksum(header, flac) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _kept(data: bytes) -> Kept | None:
    if (found := _taken_apart(data)) is None:
        return None
    header, flac = found
    try:
        samples, rate = soundfile.read(BytesIO(flac), dtype="int16")
        words = tuple((start, end) for start, end in header["words"])
        aligned = {name: [(start, end) for start, end in spans] for name, spans in header["aligned"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, soundfile.LibsndfileError):
        return None
    return Kept(Clip(samples, rate, words, header["word_times"]), aligned, header["measured"])


def _bytes(kept: Kept) -> bytes:
    flac = BytesIO()
    soundfile.write(flac, kept.clip.samples, kept.clip.sample_rate, format="FLAC", subtype="PCM_16")
    header: dict[str, Any] = {
        "words": kept.clip.words,
        "word_times": kept.clip.word_times,
        "aligned": kept.aligned,
        "measured": kept.measured,
    }
    line = json.dumps({**header, "sha256": _checksum(json.loads(json.dumps(header)), flac.getvalue())})
    return line.encode() + b"\n" + flac.getvalue()


def _checksum(header: dict[str, Any], flac: bytes) -> str:
    return sha256(json.dumps(header, sort_keys=True).encode() + b"\n" + flac).hexdigest()


def clip_key(version: str, said: Utterance) -> str:
    """All that a clip of an utterance depends on, as one name; `version` is the synthesizer's."""
    pace = (said.words_per_minute, round(said.pitch, 9))
    return digest("clip", VERSION, version, said.text, said.voice, said.language, *pace, *text.reading().items())[:32]
