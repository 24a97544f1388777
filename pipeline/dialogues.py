"""Dialogues: what is asked of a writer, and what is accepted from it.

A writer turns a question into turns of user and assistant in spoken words. Whatever wrote it, a dialogue passes
`accept` before it goes on: the assistant's answer is the source's, and the user does not give it away.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from pipeline.acceptance import check_said
from pipeline.answers import agree, closest, key, mentions, said_or_raw, says_nothing, tells, true_answers
from pipeline.errors import Refusal
from pipeline.records import Dialogue, Question, Rejected
from pipeline.text.spoken import is_spoken
from pipeline.text.words import length_in_words

STAGE = "dialogues"
USER_WORDS = (2, 180)
ASSISTANT_WORDS = (2, 80)
"""Shortest and longest turn, by `length_in_words`."""


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
    _check_choices(dialogue, question)
    _check_secret(dialogue, question)


def _check_turns(dialogue: Dialogue) -> None:
    if len(dialogue.turns) < 2 or len(dialogue.turns) % 2:
        raise Refusal("turns", f"{len(dialogue.turns)} turns; each of the user's needs the assistant's")
    for index, turn in enumerate(dialogue.turns):
        role, (least, most) = ("assistant", ASSISTANT_WORDS) if index % 2 else ("user", USER_WORDS)
        if turn.role != role:
            raise Refusal("turns", f"turn {index} is the {turn.role}'s; the user begins and the roles take turns")
        faults = is_spoken(turn.text, dialogue.language)
        if faults:
            raise Refusal("not_spoken", f"turn {index}: {', '.join(map(str, faults[:3]))}")
        check_said(turn.text, dialogue.language)
        words = length_in_words(turn.text, dialogue.language)
        if not least <= words <= most:
            raise Refusal("length", f"turn {index} ({role}) has {words} words; {least} to {most} are wanted")


def _check_answer(dialogue: Dialogue, question: Question) -> None:
    truths, language = true_answers(question), dialogue.language
    if not any(agree(dialogue.answer, truth, language) for truth in truths):
        raise Refusal("wrong_answer", f"'{dialogue.answer}' is not '{truths[0]}'")
    others = [said_or_raw(c, question.language) for c in question.choices if c.strip() != question.answer.strip()]
    if not any(closest(dialogue.answer, truth, others, language) for truth in truths):
        raise Refusal("wrong_answer", f"'{dialogue.answer}' is another choice than '{truths[0]}'")
    said = " ".join(t.text for t in dialogue.turns if t.role == "assistant")
    if not tells(said, dialogue.answer, language):
        raise Refusal("answer_not_said", f"'{dialogue.answer}' is in no turn of the assistant's")


def offered(choices: Sequence[str], user: str, language: str = "en") -> tuple[str, ...]:
    """Those of the choices that the user's words name; none where it is only one, which would be no choice."""
    found = {key(choice, language): choice for choice in choices if tells(user, choice, language)}
    return tuple(found.values()) if len(found) > 1 else ()


def _check_choices(dialogue: Dialogue, question: Question) -> None:
    if not dialogue.choices:
        return
    if not question.choices:
        raise Refusal("choice_not_offered", "choices are named, and the source has none")
    if not any(agree(c, dialogue.answer, dialogue.language) for c in dialogue.choices):
        raise Refusal("choice_not_offered", f"'{dialogue.answer}' is not among the choices that were offered")
    user = " ".join(t.text for t in dialogue.turns if t.role == "user")
    if len(offered(dialogue.choices, user, dialogue.language)) < len(dialogue.choices):
        raise Refusal("choice_not_offered", f"the user does not name all of {', '.join(dialogue.choices)}, or only one")


def _check_secret(dialogue: Dialogue, question: Question) -> None:
    """The user may say the answer as often as the source's own question does, and once as a spoken choice."""
    language = dialogue.language
    if says_nothing(dialogue.answer, language):
        return
    source = mentions(said_or_raw(question.stem, question.language), dialogue.answer, language)
    allowed = source + sum(mentions(choice, dialogue.answer, language) for choice in dialogue.choices)
    for turn in dialogue.turns:
        if turn.role == "assistant":
            if tells(turn.text, dialogue.answer, language):
                return
        elif (allowed := allowed - mentions(turn.text, dialogue.answer, language)) < 0:
            raise Refusal("answer_told", f"the user says '{dialogue.answer}' before the assistant does")
