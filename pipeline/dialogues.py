"""Dialogues: what is asked of a writer, and what is accepted from it.

A writer turns a question into turns of user and assistant in spoken words. Whatever wrote it, a dialogue passes
`accept` before it goes on: the assistant's answer is the source's, and the user does not give it away.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Protocol, runtime_checkable

from pipeline.acceptance import check_said
from pipeline.errors import Refusal
from pipeline.records import Dialogue, Question, Rejected
from pipeline.text.numerals import number_at, number_of
from pipeline.text.spoken import is_spoken, say
from pipeline.text.words import split_words

STAGE = "dialogues"
USER_WORDS = (2, 180)
ASSISTANT_WORDS = (2, 80)
# A long answer may be put into other words, but this share of its content words must be heard.
CONTENT_SHARE = 0.6
_ARTICLE = re.compile(r"^(?:a|an|the) ")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SMALL = """
    a an the of to in on at by for from with and or but as that this these those it its is are was were
    be been being has have had do does did will would can could should may might must not no than then
    so such into about over their his her they he she you your we our i
"""
_FUNCTION_WORDS = frozenset(_SMALL.split())


class Writer(Protocol):
    """What turns a question into a dialogue.

    `version` changes whenever the text written for the same input may change; `sees_pictures` says whether a
    question may rest on its picture.
    """

    name: str
    version: str
    sees_pictures: bool

    def write(self, question: Question, variant: int) -> Dialogue:
        """Dialogue number `variant` (from 0) of the question. Raises Refusal."""
        ...


@runtime_checkable
class ManyWriter(Protocol):
    """A writer that has many questions in work at once; what it gives is accepted already.

    `accept(dialogue, question)` raises Refusal for a dialogue that will not do; the writer may try again then.
    """

    name: str
    version: str
    sees_pictures: bool

    def write_many(
        self, questions: Sequence[Question], variant: int, accept: Callable[[Dialogue, Question], None]
    ) -> Iterator[Dialogue | Refusal]:
        """For each question, in order, its accepted dialogue or the last refusal."""
        ...


def write_dialogues(
    questions: Iterable[Question], variant: int, writer: Writer | ManyWriter
) -> Iterator[Dialogue | Rejected]:
    """For each question, in order, its accepted dialogue or why there is none."""
    asked = list(questions)
    if isinstance(writer, ManyWriter):
        outcomes = writer.write_many(asked, variant, accept)
    else:
        outcomes = (_written(writer, question, variant) for question in asked)
    for question, outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            dialogue_id = f"{question.id}-v{variant}"
            yield Rejected(STAGE, question.source, question.id, dialogue_id, outcome.reason, outcome.detail)
        else:
            yield outcome


def _written(writer: Writer, question: Question, variant: int) -> Dialogue | Refusal:
    try:
        dialogue = writer.write(question, variant)
        accept(dialogue, question)
        return dialogue
    except Refusal as refusal:
        return refusal


def accept(dialogue: Dialogue, question: Question) -> None:
    """Passes a dialogue that is whole, spoken, right, and does not tell its own answer. Raises Refusal otherwise."""
    _check_turns(dialogue)
    _check_answer(dialogue, question)
    _check_secret(dialogue, question)


def _check_turns(dialogue: Dialogue) -> None:
    if len(dialogue.turns) < 2 or len(dialogue.turns) % 2:
        raise Refusal("turns", f"{len(dialogue.turns)} turns; each of the user's needs the assistant's")
    for index, turn in enumerate(dialogue.turns):
        role, (least, most) = ("assistant", ASSISTANT_WORDS) if index % 2 else ("user", USER_WORDS)
        if turn.role != role:
            raise Refusal("turns", f"turn {index} is the {turn.role}'s; the user begins and the roles take turns")
        faults = is_spoken(turn.text)
        if faults:
            raise Refusal("not_spoken", f"turn {index}: {', '.join(map(str, faults[:3]))}")
        check_said(turn.text, dialogue.language)
        words = len(split_words(turn.text, dialogue.language))
        if not least <= words <= most:
            raise Refusal("length", f"turn {index} ({role}) has {words} words; {least} to {most} are wanted")


def _check_answer(dialogue: Dialogue, question: Question) -> None:
    truths = true_answers(question)
    if not any(agree(dialogue.answer, truth, dialogue.language) for truth in truths):
        raise Refusal("wrong_answer", f"'{dialogue.answer}' is not '{truths[0]}'")
    said = " ".join(t.text for t in dialogue.turns if t.role == "assistant")
    if not _tells(said, dialogue.answer):
        raise Refusal("answer_not_said", f"'{dialogue.answer}' is in no turn of the assistant's")
    if dialogue.choices and not any(agree(c, dialogue.answer, dialogue.language) for c in dialogue.choices):
        raise Refusal("choice_not_offered", f"'{dialogue.answer}' is not among the choices that were offered")


def _check_secret(dialogue: Dialogue, question: Question) -> None:
    """The user may say the answer where the source's own question does, and as one of several spoken choices."""
    answer = _key(dialogue.answer)
    # 'One' is said of anything: 'I have one for you'.
    if answer in ("", "one") or dialogue.choices:
        return
    source = _said_or_raw(question.stem, question.language)
    for turn in dialogue.turns:
        if turn.role == "assistant":
            if _tells(turn.text, dialogue.answer):
                return
        elif _count(_key(turn.text), answer) > _count(_key(source), answer):
            raise Refusal("answer_told", f"the user says '{dialogue.answer}' before the assistant does")


def agree(said: str, truth: str, language: str = "en") -> bool:
    """Whether two spoken answers are the same: numbers by value (units aside), anything else by its words."""
    if _key(said) == _key(truth):
        return True
    value = number_of(truth, language)
    if value is not None:
        words = [w for w in _key(said).split() if w not in ("about", "approximately", "roughly")]
        return value in (number_of(said, language), number_at(words, 0)[0])
    wanted = _content(truth)
    return bool(wanted) and _share(wanted, said) >= CONTENT_SHARE and _share(_content(said), truth) >= CONTENT_SHARE


def _tells(said: str, answer: str) -> bool:
    """Whether `said` holds the answer: word for word, its number by value, or most of a long one's content."""
    if _count(_key(said), _ARTICLE.sub("", _key(answer))):
        return True
    value = number_of(answer)
    if value is not None:
        return value in _numbers(said)
    wanted = _content(answer)
    return len(wanted) > 3 and _share(wanted, said) >= CONTENT_SHARE


def holds_answer(said: str, answer: str, language: str = "en") -> bool:
    """Whether spoken text holds the source's answer, which is in the source's own writing."""
    return _tells(said, _said_or_raw(answer, language))


def _numbers(text: str) -> set[Fraction]:
    words = _key(text).split()
    found = (number_at(words, i) for i in range(len(words)))
    return {value for value, _ in found if value is not None}


def _content(text: str) -> list[str]:
    return [w for w in _key(text).split() if w not in _FUNCTION_WORDS]


def _share(wanted: list[str], said: str) -> float:
    heard = set(_key(said).split())
    return sum(w in heard for w in wanted) / len(wanted) if wanted else 0.0


def _key(text: str) -> str:
    """The words alone, in lower case, hyphens as spaces."""
    return " ".join(_WORD.findall(text.casefold()))


def _count(text: str, words: str) -> int:
    return f" {text} ".replace(" ", "  ").count(f" {words} ".replace(" ", "  ")) if words else 0


def true_answers(question: Question) -> tuple[str, ...]:
    """The source's answer in spoken words; a year also as a year."""
    said: tuple[str, ...] = (_said_or_raw(question.answer, question.language),)
    if re.fullmatch(r"[12]\d{3}\.?", question.answer.strip()):
        said += (_said_or_raw(f"In {question.answer.strip(' .')}", question.language).removeprefix("In "),)
    return said


@lru_cache(maxsize=4096)
def _said_or_raw(text: str, language: str) -> str:
    try:
        return say(text, language)
    except Refusal:
        return text
