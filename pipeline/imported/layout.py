"""A folder in kame_finetune's canonical layout (SakanaAI/kame_finetune): `audio/<id>.wav`, speaker A left and B right,
and `text/<id>.json`, a list of words with their speaker and times in seconds.

The folder may also hold one such pair of folders in each of `train` and `validation`, as an export does. Whatever else
lies there (`oracle_raw`, tokens) is not read.
"""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import file_digest
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

from pipeline import seeds
from pipeline.errors import Refusal, UsageError

Speaker = Literal["A", "B"]
SPEAKERS: tuple[Speaker, ...] = ("A", "B")
AUDIO, TEXT = "audio", "text"
SPLITS = ("train", "validation")
# Times that are written to the millisecond may be that much off on both sides.
ROUNDING_S = 0.0011


@dataclass(frozen=True, slots=True)
class Entry:
    """A dialogue of a folder: its name there, its split ("" where the folder has none), its two files, there or not."""

    name: str
    split: str
    audio: Path
    text: Path


@dataclass(frozen=True, slots=True)
class Given:
    """A word as the folder has it."""

    speaker: Speaker
    word: str
    start: float
    end: float


def entries(folder: Path) -> list[Entry]:
    """The dialogues of a folder, in order of split and name. Raises UsageError for one of another layout."""
    try:
        roots = _roots(folder)
        found = [entry for split, root in roots.items() for entry in _entries(root, split)]
    except OSError as problem:
        raise UsageError(f"{problem.filename or folder}: cannot be read ({problem.strerror})") from None
    if not found:
        raise UsageError(f"{folder}: holds no dialogue; a dialogue is {AUDIO}/ID.wav and {TEXT}/ID.json")
    for one, other in pairwise(sorted(found, key=lambda entry: entry.name)):
        if one.name == other.name:
            raise UsageError(f"{folder}: '{one.name}' is in {one.split} and in {other.split}; give each its own name")
    return found


def _roots(folder: Path) -> dict[str, Path]:
    """The folders that hold `audio` and `text`, by split."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder; give one that holds {AUDIO}/ID.wav and {TEXT}/ID.json")
    if (folder / AUDIO).is_dir() or (folder / TEXT).is_dir():
        roots = {"": folder}
    else:
        roots = {split: folder / split for split in SPLITS if (folder / split).is_dir()}
    if not roots:
        raise UsageError(f"{folder}: holds no folders {AUDIO} and {TEXT}; give one in kame_finetune's layout")
    for root in roots.values():
        for name in (AUDIO, TEXT):
            if not (root / name).is_dir():
                raise UsageError(f"{root}: holds no folder '{name}'; kame_finetune's layout is {AUDIO} and {TEXT}")
    return roots


def _entries(root: Path, split: str) -> Iterator[Entry]:
    names = {
        path.stem
        for name, suffix in ((AUDIO, ".wav"), (TEXT, ".json"))
        for path in (root / name).iterdir()
        if path.suffix == suffix and not path.name.startswith(".")
    }
    for name in sorted(names):
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"{root}: the file name {name!r} is no UTF-8; rename it") from None
        yield Entry(name, split, root / AUDIO / f"{name}.wav", root / TEXT / f"{name}.json")


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of all dialogues' files. Raises UsageError as `entries` does."""
    files = [file for entry in entries(folder) for file in (entry.audio, entry.text)]
    names = [file.relative_to(folder).as_posix() for file in files]
    with ThreadPoolExecutor() as pool:  # hashing lets go of the interpreter
        return f"sha256:{seeds.digest(*names, *pool.map(_digest, files))}"


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""  # what is not there, or cannot be read, is refused where its row is read


def read_words(path: Path) -> list[Given]:
    """The words of a text file, in its order. Raises Refusal: `no_text`, `unreadable_text`, `bad_words`,
    `unknown_speaker`, `bad_times`, `missing_words`."""
    try:
        rows = json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise Refusal("no_text", f"{TEXT}/{path.name} is missing") from None
    except UnicodeDecodeError:
        raise Refusal("unreadable_text", f"{TEXT}/{path.name} is no UTF-8") from None
    except OSError as problem:
        raise Refusal("unreadable_text", f"{TEXT}/{path.name}: {problem.strerror}") from None
    except (ValueError, RecursionError) as problem:
        raise Refusal("unreadable_text", f"{TEXT}/{path.name} is no JSON ({str(problem)[:80]})") from None
    if not isinstance(rows, list):
        raise Refusal("bad_words", f"{TEXT}/{path.name} is no list of words")
    words = [_word(row, f"{TEXT}/{path.name} word {number}") for number, row in enumerate(rows, 1)]
    for speaker in SPEAKERS:
        if not any(word.speaker == speaker for word in words):
            raise Refusal("missing_words", f"{TEXT}/{path.name} has no word of speaker {speaker}")
    return words


def _word(row: Any, where: str) -> Given:
    if not isinstance(row, dict):
        raise Refusal("bad_words", f"{where} is no object with speaker, word, start and end")
    if missing := [name for name in ("speaker", "word", "start", "end") if name not in row]:
        raise Refusal("bad_words", f"{where} has no '{missing[0]}'")
    speaker, word = row["speaker"], row["word"]
    if not isinstance(word, str) or not word.strip():
        raise Refusal("bad_words", f"{where} is {word!r}, no text"[:200])
    if any("\ud800" <= c <= "\udfff" or (not c.isprintable() and not c.isspace() and ord(c) < 160) for c in word):
        raise Refusal("bad_words", f"{where} holds a character that is none: {word!r}"[:200])
    if speaker not in SPEAKERS:
        raise Refusal("unknown_speaker", f"{where}: the speaker is {speaker!r}, not A or B"[:200])
    start, end = (_seconds(row[name], where, name) for name in ("start", "end"))
    if not start < end:
        raise Refusal("bad_times", f"{where}, '{word.strip()[:40]}', is from {start:g} to {end:g} s")
    return Given(cast(Speaker, speaker), word, start, end)


def _seconds(value: Any, where: str, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Refusal("bad_times", f"{where}: '{name}' is {value!r}, no number of seconds"[:200])
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds) or seconds < 0:
        raise Refusal("bad_times", f"{where}: '{name}' is {seconds}, no time in the sound")
    return seconds


def by_speaker(words: list[Given], duration: float, name: str) -> dict[Speaker, list[Given]]:
    """The words of each speaker in order of time, to the millisecond free of overlaps and within the sound.

    Raises Refusal: `overlapping_words`, `beyond_audio`.
    """
    found: dict[Speaker, list[Given]] = {}
    for speaker in SPEAKERS:
        own = sorted((word for word in words if word.speaker == speaker), key=lambda word: (word.start, word.end))
        for at, (word, after) in enumerate(pairwise(own)):
            if word.end > after.start + ROUNDING_S:
                raise Refusal(
                    "overlapping_words",
                    f"{name}: {speaker} says '{after.word.strip()}' at {after.start:g} s, within '{word.word.strip()}'",
                )
            own[at] = replace(word, end=min(word.end, after.start))
        if own[-1].end > duration + ROUNDING_S:
            raise Refusal(
                "beyond_audio",
                f"{name}: '{own[-1].word.strip()}' ends at {own[-1].end:g} s, and the sound at {duration:g} s",
            )
        own[-1] = replace(own[-1], end=min(own[-1].end, duration))
        if bad := next((word for word in own if not word.start < word.end), None):
            raise Refusal("overlapping_words", f"{name}: {speaker} says '{bad.word.strip()}' at {bad.start:g} s twice")
        found[speaker] = own
    return found
