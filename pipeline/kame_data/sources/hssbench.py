"""HSSBench: multiple choice on pictures from the humanities and social sciences, in six languages."""

from typing import Any

from kame_data.errors import Refusal
from kame_data.records import Picture, Question
from kame_data.sources import base
from kame_data.sources.base import LETTERS, Row, Source
from kame_data.text import language

_PICTURES = ("image", "picture", "pic", "img")
_LANGUAGES = ("language", "lang")


class HssBench(Source):
    """dozo/HSSBench, or a file in its columns.

    A row's language is the one that its column, else its configuration, split or file name states; else its text's.
    """

    name = "hssbench"
    title = "HSSBench"
    hub_id = "dozo/HSSBench"
    columns = ("id", "question", "options", "correct_answer", "category")
    optional = ("pic_path", "original_id", "type", "is_open", *_PICTURES, *_LANGUAGES)
    multilingual = True
    pictures = True
    licence = "unstated"
    citation = """@article{kang2025hssbench,
  title = {HSSBench: Benchmarking Humanities and Social Sciences Ability for Multimodal Large Language Models},
  author = {Kang, Zhaolu and Gong, Junhao and Yan, Jiaxu and Xia, Wanke and Wang, Yian and Wang, Ziwen and
            Ding, Huaxuan and Cheng, Zhuo and Cao, Wenhao and Feng, Zhiyuan and others},
  journal = {arXiv preprint arXiv:2506.03922},
  year = {2025}
}"""

    def own_id(self, row: Row) -> str:
        """Column `id`."""
        try:
            return base.scalar(row, "id")
        except Refusal:
            return super().own_id(row)

    def picture(self, row: Row) -> Picture | None:
        """Its bytes where a column holds them (alone, or as {bytes, path}), else its path."""
        path = base.text(row, "pic_path", default="")
        for column in _PICTURES:
            value: Any = row.get(column)
            if isinstance(value, bytes):
                return Picture(path or column, value)
            if isinstance(value, dict) and (value.get("bytes") or value.get("path")):
                data = value.get("bytes")
                return Picture(path or str(value.get("path") or column), data if isinstance(data, bytes) else None)
            if isinstance(value, str) and value:
                path = path or value
        return Picture(path) if path else None

    def question(self, row: Row, split: str) -> Question:
        """See `Source.question`; the family is `original_id`, which a question keeps in every language."""
        base.scalar(row, "id")
        stem = base.stem(row)
        choices = _choices(row)
        index = base.letter_index(base.text(row, "correct_answer", default=""))
        if LETTERS[index] not in choices:
            raise Refusal(
                "contradictory_answer", f"the right answer is {LETTERS[index]}, the options are {', '.join(choices)}"
            )
        spoken = _language(row, split, stem)
        identity = self.record_id(row)
        return Question(
            # One id may stand for a question in several languages.
            id=identity if spoken == "en" else f"{identity}-{spoken}",
            source=self.name,
            stem=stem,
            answer=choices[LETTERS[index]],
            choices=base.distinct(tuple(choices.values())),
            category=base.text(row, "category", default=""),
            language=spoken,
            picture=self.picture(row),
            source_split=split,
            family=base.scalar(row, "original_id", default=""),
        )


def _choices(row: Row) -> dict[str, str]:
    """The options by letter; a list of them counts as A, B, C; letters without text are left out."""
    value = base.nested(row, "options")
    if isinstance(value, list | tuple):
        texts = base.options({"options": value}, "options")
        return dict(zip(LETTERS, texts, strict=False))
    if not isinstance(value, dict):
        raise Refusal("bad_row", "column 'options' is neither an object by letter nor a list")
    found: dict[str, str] = {}
    for key, item in value.items():
        letter = LETTERS[base.letter_index(str(key))]
        words = base.scalar({"options": item}, "options", default="")
        if words:
            found[letter] = words
    if not found:
        raise Refusal("bad_row", "column 'options' is empty")
    return dict(sorted(found.items()))


def _language(row: Row, split: str, stem: str) -> str:
    for column in _LANGUAGES:
        if row.get(column):
            stated = base.text(row, column)
            return language.of_name(stated) or stated.casefold()
    return language.in_file_name(split) or language.of_text(stem)
