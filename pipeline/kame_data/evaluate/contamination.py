"""Questions that a model has seen: which items of a bench stood in what it was trained on, as far as that is at hand.

A model's `training.json` names its data and the weights that it began with, by fingerprints and not by places. A build
is searched that is given and is the one that is named. Whatever is named and cannot be searched is unknown, and unknown
is not clean.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kame_data.codec.token_manifest import TokenManifest
from kame_data.errors import KameError
from kame_data.evaluate.records import Item
from kame_data.finished.reader import Finished
from kame_data.storage.paths import AnyPath, path_of
from kame_data.text.held_out import Known, lines_of
from kame_data.train.origin import TRAINING_NAME

MOST_BYTES = 16 * 2**20
"""Bytes of a `training.json`, which lists the fingerprint of every token shard."""
UNTRAINED = "untrained"
"""What the names of weights begin with that were drawn at random, and so have seen nothing."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Turn `turn` (from 1) of an item stands in turn `row_turn` (index) of a row that was trained on."""

    item: str
    turn: int
    build: str
    row: str
    row_turn: int


@dataclass(frozen=True, slots=True)
class Contamination:
    """What is known of `items` items. `searched`: the data that were looked through; `unknown`: a line for each part
    of the training data that could not be."""

    items: int
    meetings: tuple[Meeting, ...]
    searched: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def seen(self) -> tuple[str, ...]:
        """The ids of the items whose first turn was trained on, in order of meeting."""
        return tuple(dict.fromkeys(met.item for met in self.meetings if met.turn == 1))

    @property
    def in_part(self) -> tuple[str, ...]:
        """The ids of those of which a later turn alone was, which may be a common one."""
        return tuple(dict.fromkeys(met.item for met in self.meetings if met.item not in set(self.seen)))

    @property
    def clean(self) -> bool:
        """True where all training data were searched and hold none of the items."""
        return bool(self.searched) and not self.meetings and not self.unknown

    def statement(self) -> list[str]:
        """Lines for a person: what was found, where, and what is not known."""
        lines = []
        if self.searched:
            where = ", ".join(self.searched)
            lines.append(f"{len(self.seen)} of {self.items} questions stood in the training data ({where})")
            if self.in_part:
                lines.append(f"of {len(self.in_part)} more, a later turn alone did")
        lines += [f"not known: {why}" for why in self.unknown]
        if self.unknown and not self.meetings:
            lines.append("so it is not known whether the model has seen these questions")
        return lines


def check(model: Path, items: Sequence[Item], builds: Iterable[Path | AnyPath] = ()) -> Contamination:
    """Search what the model in a folder was trained on for the items; `builds` are folders of builds at hand.

    Raises KameError, one line, for a shard of the right build that cannot be read.
    """
    facts, why = _training(model)
    if facts is None:
        return Contamination(len(items), (), (), (why,))
    unknown = _began_with(facts)
    told = facts.get("data")
    data: dict[str, Any] = told if isinstance(told, dict) else {}
    build, others = _named_build(data, builds)
    unknown += others
    if build is None:
        return Contamination(len(items), (), (), (*unknown, _out_of_reach(data)))
    return Contamination(len(items), tuple(_meetings(items, build)), (build.name,), tuple(unknown))


def _training(model: Path) -> tuple[dict[str, Any] | None, str]:
    """The content of a model's `training.json`, or None and why there is none."""
    path = model if model.name == TRAINING_NAME else model / TRAINING_NAME
    try:
        if path.stat().st_size > MOST_BYTES:
            return None, f"{path} has more than {MOST_BYTES:,} bytes, and was not read"
        held = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None, f"{model} has no {TRAINING_NAME}, so nothing says what it was trained on"
    except (OSError, ValueError, RecursionError) as problem:
        return None, f"{path} cannot be read ({type(problem).__name__}), so nothing says what it was trained on"
    return (held, "") if isinstance(held, dict) else (None, f"{path} is no JSON object")


def _began_with(facts: dict[str, Any]) -> list[str]:
    """A line on the weights that training began with, unless they were drawn at random."""
    name = facts.get("from")
    if isinstance(name, str) and name.startswith(UNTRAINED):
        return []
    shown = f"'{name[:120]}'" if isinstance(name, str) and name else "weights that it does not name"
    return [f"it began with {shown}, and what those had seen is not stated"]


def _named_build(data: dict[str, Any], builds: Iterable[Path | AnyPath]) -> tuple[Finished | None, list[str]]:
    """The build whose token shards are those that the model was trained on, and a line for each that is another."""
    tokens = data.get("tokens")
    wanted = tokens.get("made_from") if isinstance(tokens, dict) else None
    others: list[str] = []
    for place in builds:
        out = path_of(place)
        try:
            build, made = Finished.open(out), TokenManifest.find(out)
            if not wanted or made is None or made.made_from != wanted:
                others.append(f"{out} is not shown to be the build that the model was trained on; it was not searched")
            elif stale := made.stale(out, build.manifest):
                others.append(stale)
            else:
                return build, []
        except (KameError, OSError) as problem:
            others.append(" ".join(str(problem).split()))
    return None, others


def _out_of_reach(data: dict[str, Any]) -> str:
    """A line on training data that are not at hand."""
    dialogues = data.get("dialogues")
    named = dialogues if isinstance(dialogues, dict) else {}
    counts = ", ".join(f"{count} of {name}" for name, count in sorted(named.items())[:20])
    what = f"the build that it was trained on ({counts})" if counts else "the data that it was trained on"
    return f"{what} is not at hand; give its folder"


def _meetings(items: Sequence[Item], build: Finished) -> Iterable[Meeting]:
    """All places where a turn of an item stands in a row that was trained on."""
    by_language: dict[str, Known] = {}
    for number, item in enumerate(items):
        known = by_language.setdefault(_primary(item.language), Known())
        for turn, asked in enumerate(item.turns, 1):
            for form, text in enumerate(dict.fromkeys((asked.text, asked.written))):
                known.add(Known.of(lines_of(f"{number}.{turn}.{form}", [text], item.language)))
    for row in build.rows(("id", "split", "language", "turns")):
        mine = by_language.get(_primary(row.language))
        if row.split != "train" or mine is None:
            continue
        for row_turn, said in enumerate(row.turns):
            names = mine.all_in(said.text, row.language) if said.role == "user" else ()
            for number, turn in dict.fromkeys(tuple(map(int, name.split(".")[:2])) for name in names):
                yield Meeting(items[number].id, turn, build.name, row.id, row_turn)


def _primary(language: str) -> str:
    return language.split("-")[0].casefold()
