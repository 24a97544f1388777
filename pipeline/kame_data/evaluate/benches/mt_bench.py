"""MT-Bench: two turns a question. The 30 questions of the paper have a spoken form that was read over
(`data/benches/mt_bench_spoken.yaml`); any other turn is said by rule."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import yaml

from kame_data.errors import Refusal
from kame_data.evaluate.benches.base import Bench, Note, unheard
from kame_data.evaluate.benches.hub_files import fetch
from kame_data.evaluate.benches.rows import Row, located, rows, text, texts
from kame_data.evaluate.records import Item, ItemTurn
from kame_data.resources import bundled
from kame_data.seeds import digest
from kame_data.sources.base import integer, nested
from kame_data.text.spoken import say

PAPER = (*range(101, 111), *range(141, 161))
"""Ids of the questions on which the paper judges: reasoning, STEM, humanities."""
HUB, FILE = "lmsys/mt-bench", "data/mt_bench/question.jsonl"
"""FastChat's own copy: a file of its Space."""
MOST_BYTES = 4 * 2**20
TURNS = 2
MOST_IDS = 1000
_IDS = re.compile(r"all|\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*")


@dataclass(frozen=True, slots=True)
class SpokenForm:
    """The reviewed form of a turn: a digest of the text that was read over, what is said, what is changed and why."""

    written: str
    spoken: str
    changed: str


def written_digest(written: str) -> str:
    """A digest of a turn's text, by which another text of the same id is noticed; spaces do not count."""
    return digest(" ".join(written.split()))[:16]


@cache
def spoken_forms() -> Mapping[tuple[int, int], SpokenForm]:
    """The reviewed spoken forms, by question id and turn (1 or 2)."""
    held = yaml.safe_load(bundled("data/benches/mt_bench_spoken.yaml").read_text("utf-8"))
    return {(q, n): SpokenForm(**form) for q, turns in held.items() for n, form in turns.items()}


class MtBench(Bench):
    """MT-Bench's questions, from FastChat's question.jsonl or the Hub."""

    name = "mt-bench"
    title = "MT-Bench, spoken"
    form = "mt-bench[:FILE][#IDS], with FastChat's question.jsonl; IDS as in 101-110,141, or all"
    licence = "Apache-2.0"
    citation: ClassVar[str] = """@inproceedings{zheng2023judging,
  title = {Judging {LLM}-as-a-Judge with {MT-Bench} and Chatbot Arena},
  author = {Zheng, Lianmin and Chiang, Wei-Lin and Sheng, Ying and Zhuang, Siyuan and Wu, Zhanghao and Zhuang, Yonghao
            and Lin, Zi and Li, Zhuohan and Li, Dacheng and Xing, Eric P. and Zhang, Hao and Gonzalez, Joseph E. and
            Stoica, Ion},
  booktitle = {Advances in Neural Information Processing Systems, Datasets and Benchmarks Track},
  year = {2023}
}"""

    def items(
        self,
        location: str,
        limit: int | None = None,
        *,
        language: str = "",
        sounds: Path | None = None,
        note: Note = unheard,
    ) -> list[Item]:
        """See `Bench.items`. A turn without a reviewed form that cannot be said leaves its question out, with a note;
        so does a turn of the paper's 30 that has another text than the one read over, unless it can be said."""
        place, hash_sign, told = location.rpartition("#") if "#" in location else (location, "", "")
        if hash_sign and not _IDS.fullmatch(told):
            raise self.wrong(f"'#{told[:40]}' names no questions; expected {self.form}")
        path = located(self, place, (".jsonl",)) if place else self._from_hub()
        by_id: dict[int, Item | str] = {}
        for where, row in rows(self, path):
            self._add(by_id, where, row, note)
        wanted = list(by_id) if told == "all" else _ids(told) if told else list(PAPER)
        if absent := [q for q in wanted if q not in by_id]:
            raise self.wrong(
                f"{path} has no question {absent[0]} ({len(absent)} of {len(wanted)} are not there); "
                f"'#all' takes those that are there"
            )
        return self.chosen(self._sayable(by_id, wanted, note), limit, language, path)

    def _from_hub(self) -> Path:
        return fetch(self, HUB, "space", FILE, MOST_BYTES, "FastChat's question.jsonl: mt-bench:FILE")[0]

    def _add(self, by_id: dict[int, Item | str], where: str, row: Row, note: Note) -> None:
        """Put a row's item, or why it cannot be asked, where its id is."""
        try:
            own = integer(row, "question_id")
            category, turns = text(row, "category"), texts(row, "turns", TURNS)
            if len(turns) != TURNS:
                raise Refusal("bad_row", f"'turns' has {len(turns)} entry, not {TURNS}")
            references = _references(row)
        except Refusal as refusal:
            raise self.wrong(
                f"{where}: {refusal.detail}; a row is question_id, category, turns (two texts) and, perhaps, reference"
            ) from None
        if own in by_id:
            raise self.wrong(f"{where}: question {own} stands there twice")
        try:
            found = [_turn(own, n, written, references[n - 1], note) for n, written in enumerate(turns, 1)]
        except Refusal as refusal:
            by_id[own] = f"question {own} cannot be asked aloud ({refusal.reason}: {refusal.detail[:80]}); left out"
            return
        by_id[own] = Item(id=str(own), bench=self.name, category=category, language="en", turns=tuple(found))

    def _sayable(self, by_id: Mapping[int, Item | str], wanted: list[int], note: Note) -> Iterator[Item]:
        for own in wanted:
            found = by_id[own]
            if isinstance(found, Item):
                yield found
            else:
                note(found)


def _turn(own: int, number: int, written: str, reference: str, note: Note) -> ItemTurn:
    """A turn in its reviewed form, or as it is said by rule. Raises Refusal where it cannot be said.

    It has no `answers`: a reference of MT-Bench is a sentence for a judge, and no text that a rule could look for.
    """
    form = spoken_forms().get((own, number))
    if form is not None and form.written == written_digest(written):
        return ItemTurn(form.spoken, written, reference)
    spoken = say(written)
    if form is not None:
        note(f"question {own} turn {number} has another text than the one read over; it is said by rule")
    return ItemTurn(spoken, written, reference)


def _references(row: Row) -> tuple[str, ...]:
    """The reference of each turn, "" where there is none. Raises Refusal(`bad_row`)."""
    value = nested(row, "reference")
    if value is None or value == []:
        return ("",) * TURNS
    if not isinstance(value, list | tuple) or len(value) > TURNS:
        raise Refusal("bad_row", f"'reference' is no list of at most {TURNS} texts")
    found = ["" if item in (None, "") else text({"reference": item}, "reference") for item in value]
    return tuple(found + [""] * (TURNS - len(found)))


def _ids(told: str) -> list[int]:
    """The ids of "101-110,141", each once."""
    found: dict[int, None] = {}
    for piece in told.split(","):
        first, _, last = piece.partition("-")
        found.update(dict.fromkeys(range(int(first), min(int(last or first), int(first) + MOST_IDS) + 1)))
    return list(found)
