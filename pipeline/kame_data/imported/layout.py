"""A folder in kame_finetune's canonical layout (SakanaAI/kame_finetune): `audio/<id>.wav`, speaker A left and B right,
and `text/<id>.json`, a list of words with their speaker and times in seconds.

The folder may also hold one such pair of folders in each of `train` and `validation`, as an export does. A
recorded conversation with a tandem has its oracles in `oracles` (see `recorded_oracles`). Whatever else lies there
(`oracle_raw`, tokens) is not read.
"""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from glob import escape
from hashlib import file_digest
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

from kame_data import seeds
from kame_data.errors import Refusal, UsageError

Speaker = Literal["A", "B"]
SPEAKERS: tuple[Speaker, ...] = ("A", "B")
AUDIO, TEXT, ORACLES = "audio", "text", "oracles"
SPLITS = ("train", "validation")
# Times that are written to the millisecond may be that much off on both sides.
ROUNDING_S = 0.0011
SLIVER_S = 0.02
"""Length of a word to which its aligner gave none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A dialogue of a folder: its name there, its split ("" where the folder has none), its two files, there or not."""

    name: str
    split: str
    audio: Path
    text: Path

    @property
    def oracles(self) -> Path:
        """The file of the oracles that came, of a conversation with a tandem; most recordings have none."""
        return self.text.parent.parent / ORACLES / f"{self.name}.json"


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
        if path.suffix.lower() == suffix and not path.name.startswith(".")
    }
    for name in sorted(names):
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"{root}: the file name {name!r} is no UTF-8; rename it") from None
        yield entry_of(root, split, name)


def entry_of(root: Path, split: str, name: str) -> Entry:
    """The files of a dialogue; one that is not there has the name that it should have."""
    return Entry(name, split, _file(root / AUDIO, name, ".wav"), _file(root / TEXT, name, ".json"))


def _file(folder: Path, name: str, suffix: str) -> Path:
    plain = folder / f"{name}{suffix}"
    if plain.exists():
        return plain
    # Recorders and old cameras write .WAV.
    return next(
        (p for p in sorted(folder.glob(f"{escape(name)}.*")) if p.stem == name and p.suffix.lower() == suffix), plain
    )


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of all dialogues' files. Raises UsageError as `entries` does."""
    found = entries(folder)
    files = [file for entry in found for file in (entry.audio, entry.text)]
    files += [entry.oracles for entry in found if entry.oracles.is_file()]
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
    if start > end:
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

    A word of no length, as aligners give for what they hardly heard, gets a sliver of the time around it.

    Raises Refusal: `overlapping_words`, `beyond_audio`.
    """
    found: dict[Speaker, list[Given]] = {}
    for speaker in SPEAKERS:
        own = sorted((word for word in words if word.speaker == speaker), key=lambda word: (word.start, word.end))
        empty = [at for at, word in enumerate(own) if word.start == word.end]
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
        for at in empty:
            _give_a_sliver(own, at, duration)
        if bad := next((word for word in own if not word.start < word.end), None):
            raise Refusal("overlapping_words", f"{name}: {speaker} says '{bad.word.strip()}' at {bad.start:g} s twice")
        found[speaker] = own
    return found


def _give_a_sliver(own: list[Given], at: int, duration: float) -> None:
    """Give the word of no length at `at` up to SLIVER_S of the pause behind it, or before it, or of a longer word."""
    word, before = own[at], own[at - 1] if at else None
    after = own[at + 1] if at + 1 < len(own) else None
    earliest, latest = before.end if before else 0.0, after.start if after else duration
    if latest > word.start:
        own[at] = replace(word, end=min(word.start + SLIVER_S, latest))
    elif earliest < word.start:
        own[at] = replace(word, start=max(word.start - SLIVER_S, earliest))
    elif after and after.end - after.start > 2 * SLIVER_S:
        own[at] = replace(word, end=word.start + SLIVER_S)
        own[at + 1] = replace(after, start=word.start + SLIVER_S)
    elif before and before.end - before.start > 2 * SLIVER_S:
        own[at - 1] = replace(before, end=before.end - SLIVER_S)
        own[at] = replace(word, start=word.start - SLIVER_S)
