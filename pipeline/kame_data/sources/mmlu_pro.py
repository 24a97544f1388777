"""MMLU-Pro: multiple choice with up to ten options, over fourteen categories."""

import re

from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.sources import base
from kame_data.sources.base import LETTERS, Row, Source

# The validation rows' working opens and closes with set phrases that are no part of the derivation.
_OPENING = re.compile(r"^(A:\s*)?Let's think step by step\.?\s*", re.IGNORECASE)
_CLOSING = re.compile(r"\s*(?:so\s+|therefore,?\s+)?the answer is:?\s*\(?([A-Z])\)?\.?\s*$", re.IGNORECASE)


class MmluPro(Source):
    """TIGER-Lab/MMLU-Pro, or a file in its columns."""

    name = "mmlu_pro"
    title = "MMLU-Pro"
    hub_id = "TIGER-Lab/MMLU-Pro"
    splits = ("test", "validation")
    columns = ("question_id", "question", "options", "answer", "answer_index", "category")
    optional = ("cot_content", "src")
    licence = "MIT"
    citation = """@article{wang2024mmlupro,
  title = {MMLU-Pro: A More Robust and Challenging Multi-Task Language Understanding Benchmark},
  author = {Wang, Yubo and Ma, Xueguang and Zhang, Ge and Ni, Yuansheng and Chandra, Abhranil and Guo, Shiguang and
            Ren, Weiming and Arulraj, Aaran and He, Xuan and Jiang, Ziyan and others},
  journal = {arXiv preprint arXiv:2406.01574},
  year = {2024}
}"""

    def own_id(self, row: Row) -> str:
        """Column `question_id`."""
        try:
            return base.scalar(row, "question_id")
        except Refusal:
            return super().own_id(row)

    def question(self, row: Row, split: str) -> Question:
        """See `Source.question`; letter, index and the end of the working must agree."""
        base.scalar(row, "question_id")
        stem = base.stem(row)
        choices = base.options(row, "options")
        index = self._right(row, len(choices))
        working = base.text(row, "cot_content", default="")
        said = _CLOSING.search(working)
        if said and LETTERS.index(said[1].upper()) != index:
            raise Refusal(
                "contradictory_answer", f"the working ends in {said[1].upper()}, the right answer is {LETTERS[index]}"
            )
        return Question(
            id=self.record_id(row),
            source=self.name,
            stem=stem,
            answer=choices[index],
            choices=base.distinct(choices),
            working=_CLOSING.sub("", _OPENING.sub("", working)),
            category=base.text(row, "category", default=""),
            source_split=split,
        )

    @staticmethod
    def _right(row: Row, options: int) -> int:
        """The index of the right option, on which letter and index must agree."""
        if row.get("answer") is None and row.get("answer_index") is None:
            raise Refusal("missing_answer", "neither a letter nor an index says which option is right")
        letter = base.text(row, "answer", default="")
        index = base.letter_index(letter)
        if row.get("answer_index") is not None and base.integer(row, "answer_index") != index:
            raise Refusal(
                "contradictory_answer",
                f"the letter says {LETTERS[index]}, the index {row['answer_index']} (counted from 0)",
            )
        if index >= options:
            raise Refusal("contradictory_answer", f"the right answer is {LETTERS[index]} of {options} options")
        return index
