"""Answers that are there already: a folder with a recording of each conversation.

`DIR/ITEM/output.wav` (or .flac) is stereo, the system left, the user right, or mono, the system alone, as long as the
conversation; `DIR/ITEM/turns.json` holds where the user's turns are, `[{"start": s, "end": s, "text": "..."}, ...]`,
`text` being the system's own text, where it has one. With repeats, `DIR/ITEM/REPEAT/` holds the same.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from kame_data.errors import KameError, UsageError
from kame_data.evaluate.records import Answered, Asked, Conversation, Item
from kame_data.evaluate.sound import sound_of
from kame_data.evaluate.systems.base import System, SystemEngine, conversation_of
from kame_data.llm.accounts import Budget
from kame_data.seeds import digest
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.storage.files import checksum
from kame_data.tandem.sounds import Sound

MOST_BYTES = 2**30
"""The largest file of a recording."""
MOST_TURNS, MOST_TEXT = 100, 20_000
_NAMES = ("output.wav", "output.flac")


class _Recordings:
    """A folder of recordings; is a `System`."""

    stand_ins: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"recordings:{folder}"

    def hold(self, item: Item, asked: Asked, repeat: int, seed: int, budget: Budget) -> Conversation:
        """See `System`. An item without a recording is a conversation that failed."""
        nothing: Sound = np.zeros((0, 2), np.float32)
        try:
            place = _place(self.folder, item, repeat)
            sound, turns = _sound(place, item), _turns(place / "turns.json")
        except KameError as error:
            return conversation_of(item, self, repeat, nothing, (), failure=str(error))
        return conversation_of(item, self, repeat, sound, turns)


def _place(folder: Path, item: Item, repeat: int) -> Path:
    if "/" in item.id or item.id in (".", "..") or "\0" in item.id:
        raise KameError(f"{folder}: the question '{item.id}' cannot name a folder")
    place = folder / item.id
    repeated = place / str(repeat)
    if repeated.is_dir():
        return repeated
    if repeat or not place.is_dir():
        raise KameError(f"{repeated if repeat else place}: is not there; put the recording of the conversation there")
    return place


def _file(place: Path) -> Path:
    found = next((place / name for name in _NAMES if (place / name).is_file()), None)
    if found is None:
        raise KameError(f"{place}: holds no {' or '.join(_NAMES)}; put the recording of the conversation there")
    if found.stat().st_size > MOST_BYTES:
        raise KameError(f"{found}: has more than {MOST_BYTES} bytes; no conversation is that long")
    return found


def _sound(place: Path, item: Item) -> Sound:
    file = _file(place)
    sound = sound_of(file.read_bytes(), str(file))
    if not len(sound):
        raise KameError(f"{file}: holds no sound; put the recording of the conversation there")
    return sound if sound.shape[1] == 2 else np.concatenate([sound, np.zeros_like(sound)], axis=1)


def _turns(file: Path) -> list[Answered]:
    try:
        if file.stat().st_size > 2**20:
            raise KameError(f"{file}: has more than a megabyte; it lists the user's turns")
        given = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise KameError(f"{file}: cannot be read ({str(error)[:120]}); list the user's turns there") from None
    if not isinstance(given, list) or not 0 < len(given) <= MOST_TURNS:
        raise KameError(f"{file}: is no list of 1 to {MOST_TURNS} turns")
    turns = [_turn(file, number, turn) for number, turn in enumerate(given)]
    for number, (one, other) in enumerate(pairwise(turns)):
        if other.start < one.start:
            raise KameError(f"{file}: turn {number + 1} begins before the one before it")
    return turns


def _turn(file: Path, number: int, turn: Any) -> Answered:
    start, end, text = (turn.get(name) for name in ("start", "end", "text")) if isinstance(turn, dict) else (None,) * 3
    numbers = [value for value in (start, end) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 2 or not 0 <= numbers[0] < numbers[1] < 86_400:
        raise KameError(f"{file}: turn {number} has no start and end in seconds, the start before the end")
    if not isinstance(text or "", str) or len(text or "") > MOST_TEXT:
        raise KameError(f"{file}: turn {number} has a text that is none, or longer than {MOST_TEXT} characters")
    return Answered(float(numbers[0]), float(numbers[1]), " ".join((text or "").split()))


def _check(rest: str) -> None:
    if not rest or not Path(rest).is_dir():
        raise UsageError(f"--systems recordings:{rest}: is no folder; name the one with a folder for each question")


@contextmanager
def _open(rest: str, settings: EvaluationSettings) -> Iterator[System]:
    yield _Recordings(Path(rest))


def _version(rest: str, settings: EvaluationSettings) -> str:
    _check(rest)
    files = sorted(file for name in (*_NAMES, "turns.json") for file in Path(rest).glob(f"**/{name}"))
    return digest([(str(file.relative_to(rest)), checksum(file)) for file in files])


RECORDINGS = SystemEngine("recordings", "recordings:DIR", "here", _check, _version, _open)
