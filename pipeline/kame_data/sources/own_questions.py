"""A user's own questions: question and answer, optionally choices, category, language, id and working."""

import re

from kame_data import seeds
from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.sources import base
from kame_data.sources.base import LETTERS, Row, Source
from kame_data.text import language


class Questions(Source):
    """A file of the user's own; `answer` is the right answer as text, or the letter of the right choice."""

    name = "questions"
    title = "Own questions"
    columns = ("question", "answer")
    optional = ("choices", "category", "language", "id", "working", "family")
    licence = "the user's own"
    citation = ""

    def own_id(self, row: Row) -> str:
        """Column `id`, or a hash of question and answer."""
        try:
            own = base.scalar(row, "id", default="")
        except Refusal:
            own = ""
        return own or seeds.digest(row.get("question"), row.get("answer"))[:16]

    def question(self, row: Row, split: str) -> Question:
        """See `Source.question`; where there are choices, the answer must be one of them, or its letter."""
        base.scalar(row, "id", default="")
        stem = base.stem(row)
        answer = _answer(row)
        choices = _choices(row)
        if choices:
            answer = _right(answer, choices, _labels(row))
        return Question(
            id=self.record_id(row),
            source=self.name,
            stem=stem,
            answer=answer,
            choices=base.distinct(choices),
            working=base.text(row, "working", default=""),
            category=base.scalar(row, "category", default=""),
            language=_language(base.text(row, "language", default="") or "en"),
            source_split=split,
            family=base.scalar(row, "family", default=""),
        )


def _answer(row: Row) -> str:
    """The answer as text; numbers count as such."""
    value = row.get("answer")
    if isinstance(value, float) and value == value and abs(value) < 1e15:
        return str(int(value)) if value.is_integer() else repr(value)
    answer = base.scalar(row, "answer", default="")
    if not answer:
        raise Refusal("missing_answer", "column 'answer' is empty")
    return answer


def _choices(row: Row) -> tuple[str, ...]:
    """The choices: a list, an object by letter, or nothing; in CSV also one text with a bar between two choices."""
    value = base.nested(row, "choices")
    if value is None or value != value or value == "" or value == [] or value == {}:
        return ()
    if isinstance(value, dict) and isinstance(value.get("text"), list | tuple):
        value = value["text"]  # beside the labels, as ARC and OpenBookQA have them
    if isinstance(value, str):
        value = [piece for piece in re.split(r"\s*\|\s*", value.strip()) if piece]
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value) if value[key] is not None]
    if not isinstance(value, list | tuple):
        raise Refusal("bad_row", "column 'choices' is neither a list nor an object by letter")
    return tuple(base.scalar({"choices": item}, "choices") for item in value)


def _labels(row: Row) -> list[str]:
    """The labels of choices that stand beside their texts; none where there are none."""
    value = base.nested(row, "choices")
    found = value.get("label") if isinstance(value, dict) else None
    return [str(label) for label in found] if isinstance(found, list | tuple) else []


def _right(answer: str, choices: tuple[str, ...], labels: list[str]) -> str:
    """The choice that the answer is, or whose label or letter it is."""
    if len(labels) == len(choices) and answer in labels:
        return choices[labels.index(answer)]
    same = [choice for choice in choices if choice.casefold() == answer.casefold()]
    if same:
        return same[0]
    if len(answer) == 1 and answer.upper() in LETTERS[: len(choices)]:
        return choices[LETTERS.index(answer.upper())]
    raise Refusal("contradictory_answer", f"the answer '{answer[:60]}' is none of the {len(choices)} choices")


def _language(stated: str) -> str:
    code = language.of_name(stated)
    if code is None and not re.fullmatch(r"[A-Za-z]{2,3}([-_]\w+)*", stated):
        raise Refusal("bad_row", f"column 'language' holds '{stated[:20]}', not a language code such as en")
    return code or re.split(r"[-_]", stated.casefold())[0]
