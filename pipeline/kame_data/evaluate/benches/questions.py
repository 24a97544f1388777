"""A user's own questions: a file of JSON lines, CSV or plain lines."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from kame_data.errors import Refusal
from kame_data.evaluate.benches.base import Bench, Note, unheard
from kame_data.evaluate.benches.own_sound import seconds_of
from kame_data.evaluate.benches.rows import MOST_ANSWERS, MOST_TURNS, Row, located, rows, text, texts
from kame_data.evaluate.records import Item, ItemTurn
from kame_data.resources import bundled
from kame_data.seeds import digest, safe_id
from kame_data.sources import base as columns
from kame_data.text import language as languages
from kame_data.text.answers import said_or_raw
from kame_data.text.spoken import say

COLUMNS = (
    "text",
    "question",
    "turns",
    "answer",
    "answers",
    "reference",
    "category",
    "language",
    "id",
    "sound",
    "sounds",
)
SAMPLE = "data/benches/sample.jsonl"
"""The questions of `questions:sample`, which the offline back end can answer."""
_CODE = re.compile(r"[A-Za-z]{2,3}([-_]\w{1,16}){0,3}")


class OwnQuestions(Bench):
    """A file of the user's own. A row has `text` (or `question`), or `turns`: a list of texts, or of objects with
    `text` and, perhaps, `answer` or `answers` (any of which is right), `reference` and `sound`. Of a row of one turn
    these may stand beside the text. `sound` names a file beside this one."""

    name = "questions"
    title = "Own questions"
    form = (
        "questions:FILE (.jsonl, .csv or .txt; rows with text, or turns, and perhaps answer, category, language, "
        "sound), questions:sample"
    )
    needs = "FILE"
    licence = "the user's own"
    citation: ClassVar[str] = ""

    def items(
        self,
        location: str,
        limit: int | None = None,
        *,
        language: str = "",
        sounds: Path | None = None,
        note: Note = unheard,
    ) -> list[Item]:
        """See `Bench.items`. A question that cannot be said and has no sound of its own is left out, with a note."""
        path = bundled(SAMPLE) if location == "sample" else located(self, location, (".jsonl", ".csv", ".txt"))
        return self.chosen(self._items(path, note), limit, language, path)

    def _items(self, path: Path, note: Note) -> Iterator[Item]:
        for where, row in rows(self, path):
            try:
                yield self._item(row, path.parent)
            except Refusal as refusal:
                if refusal.reason in ("bad_row", "bad_sound"):
                    raise self.wrong(f"{where}: {refusal.detail}") from None
                note(f"{where} cannot be asked aloud ({refusal.reason}: {refusal.detail[:80]}); left out")

    def _item(self, row: Row, folder: Path) -> Item:
        if unknown := [str(name) for name in row if name not in COLUMNS]:
            raise Refusal("bad_row", f"has a column '{unknown[0][:40]}'; there are {', '.join(COLUMNS)}")
        language = _language(columns.text(row, "language", default="") or "en")
        told = _turns(row)
        sounds = tuple(_sound(folder, turn) for turn in told if turn.get("sound"))
        if sounds and len(sounds) != len(told):
            raise Refusal("bad_row", f"{len(sounds)} of its {len(told)} turns have a sound; all must have one, or none")
        own = columns.scalar(row, "id", default="")
        return Item(
            id=safe_id(own) if own else digest(*(str(turn["text"]) for turn in told))[:16],
            bench=self.name,
            category=columns.scalar(row, "category", default=""),
            language=language,
            turns=tuple(_turn(turn, language, bool(sounds)) for turn in told),
            sounds=sounds,
        )


def _turns(row: Row) -> list[Row]:
    """A row's turns, each with `text`. Raises Refusal(`bad_row`)."""
    named = [name for name in ("text", "question", "turns") if row.get(name) not in (None, "")]
    if len(named) != 1:
        raise Refusal(
            "bad_row", f"has {' and '.join(named) or 'no text'}; it must have one of text, question and turns"
        )
    if named != ["turns"]:
        return [{**row, "text": row[named[0]], "sound": row.get("sound")}]
    value = columns.nested(row, "turns")
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_TURNS:
        raise Refusal("bad_row", f"'turns' is no list of 1 to {MOST_TURNS} texts")
    if beside := [name for name in ("answer", "answers", "reference", "sound") if row.get(name) not in (None, "")]:
        raise Refusal("bad_row", f"'{beside[0]}' stands beside 'turns'; put it into its turn, beside the text")
    sounds = texts(row, "sounds", MOST_TURNS) if row.get("sounds") else ()
    if sounds and len(sounds) != len(value):
        raise Refusal("bad_row", f"has {len(value)} turns and {len(sounds)} sounds")
    found: list[Row] = [turn if isinstance(turn, dict) else {"text": turn} for turn in value]
    return [{**turn, "sound": sound} for turn, sound in zip(found, sounds, strict=True)] if sounds else found


def _turn(turn: Row, language: str, has_sound: bool) -> ItemTurn:
    """A turn as it is asked. Raises Refusal where it must be said and cannot be."""
    written = text(turn, "text")
    spoken = said_or_raw(written, language) if has_sound else say(written, language)
    reference = columns.text(turn, "reference", default="")
    answers = _answers(turn)
    return ItemTurn(
        text=spoken,
        written=written,
        reference=reference or (answers[0] if answers else ""),
        answers=tuple(dict.fromkeys(said_or_raw(answer, language, written) for answer in answers)),
    )


def _answers(turn: Row) -> tuple[str, ...]:
    """The answers of a turn, any of which is right; in CSV a bar stands between two. Raises Refusal(`bad_row`)."""
    if turn.get("answer") not in (None, "") and turn.get("answers") not in (None, "", []):
        raise Refusal("bad_row", "has both 'answer' and 'answers'")
    value: Any = turn.get("answer")
    if value in (None, ""):
        value = columns.nested(turn, "answers")
    if value in (None, "", []):
        return ()
    if isinstance(value, str) and turn.get("answers"):
        value = [piece for piece in re.split(r"\s*\|\s*", value.strip()) if piece]
    listed = list(value) if isinstance(value, list | tuple) else [value]
    if len(listed) > MOST_ANSWERS:
        raise Refusal("bad_row", f"has {len(listed)} answers; at most {MOST_ANSWERS} are read")
    # As in JSON: a number is an answer, and is said as it is written.
    plain = [repr(one) if isinstance(one, float) and one == one and abs(one) < 1e15 else one for one in listed]
    found = tuple(columns.scalar({"answer": one}, "answer") for one in plain)
    if not all(found):
        raise Refusal("bad_row", "has an empty answer")
    return found


def _sound(folder: Path, turn: Row) -> str:
    """The file of a turn's sound, which lies in the folder of the questions or below. Raises Refusal."""
    named = columns.text(turn, "sound")
    path = (folder / named).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise Refusal("bad_sound", f"sound '{named[:80]}' lies outside the folder of the questions; put it beside them")
    seconds_of(path)
    return str(path)


def _language(stated: str) -> str:
    if code := languages.of_name(stated):
        return code
    if not _CODE.fullmatch(stated):
        raise Refusal("bad_row", f"column 'language' holds '{stated[:20]}', not a language code such as en")
    return stated
