"""Dialogues: the task of a writer, and the check of what it writes.

A writer turns a question into turns of user and assistant in spoken words. Whatever wrote it, a dialogue passes
`accept` before it goes on: the assistant's answer is the source's, and the user does not give it away. An open question
has no answer of the source's: there the claim that the writer names stands for it, and has to be said first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from kame_data.dialogues import duplex
from kame_data.dialogues.follow_ups import stems
from kame_data.errors import Refusal
from kame_data.records import Dialogue, Question, Rejected
from kame_data.settings.tree import DuplexSettings, EarlySettings, Settings
from kame_data.stage import Inputs, Stage
from kame_data.text.acceptance import check_said
from kame_data.text.answers import (
    agree,
    asserts,
    choice_said,
    closest,
    is_value,
    key,
    mentions,
    said_or_raw,
    says_nothing,
    tells,
    true_answers,
)
from kame_data.text.askable import needs_choices
from kame_data.text.deixis import points_away
from kame_data.text.function_words import negated
from kame_data.text.held_out import check_held_out
from kame_data.text.hesitations import sentence_end
from kame_data.text.references import listed
from kame_data.text.rewording import added, missing
from kame_data.text.spoken import is_spoken
from kame_data.text.words import join_words, length_in_words, split_words

STAGE = "dialogues"
VERSION = 9
USER_WORDS = (2, 180)
ASSISTANT_WORDS = (1, 150)
"""Shortest and longest turn, by `length_in_words`."""
CLAIM_WORDS = (4, 30)
"""Shortest and longest claim of an answer to an open question."""
LEAD_IN_WORDS = 3
"""Longest sentence that an answer may begin with before the one that says its claim."""


class Writer(Protocol):
    """A writer: it turns a question into a dialogue.

    `version` changes whenever the text written for the same input may change; `sees_pictures` says whether a
    question may rest on its picture, `names_choices` whether its answer may be several of the statements in its stem.
    """

    name: str
    version: str
    sees_pictures: bool
    names_choices: bool

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
    names_choices: bool

    def write_many(
        self, questions: Sequence[Question], variant: int, accept: Callable[[Dialogue, Question], None]
    ) -> Iterator[Dialogue | Refusal]:
        """For each question, in order, its accepted dialogue or the last refusal."""
        ...


class Starter(Protocol):
    """It begins answers of dialogues before the true answer is known (`kame_data.oracles.early`)."""

    def begin(self, dialogues: Sequence[Dialogue]) -> list[Dialogue]:
        """The dialogues, in order, with those beginnings."""
        ...


def dialogues_stage(
    writer_of: Callable[[Settings], Writer | ManyWriter],
    starter_of: Callable[[Settings], Starter],
    starter_key: Callable[[Settings], dict[str, Any]],
) -> Stage:
    """The stage whose dialogues come from the writer that `writer_of` gives for the settings.

    Where settings want early starts, `starter_of` gives what makes them, and `starter_key` all that they depend on.
    """

    def key(settings: Settings) -> dict[str, Any]:
        writer = writer_of(settings)
        found: dict[str, Any] = {"writer": writer.name, "version": writer.version, "seed": settings.seed}
        if settings.duplex.model_copy(update={"early": EarlySettings()}) != DuplexSettings():
            found["duplex"] = {"version": duplex.VERSION, **settings.duplex.model_dump(exclude={"early"})}
        if settings.duplex.early.wanted:
            found["early"] = settings.duplex.early.model_dump() | starter_key(settings)
        return found

    def run(settings: Settings, inputs: Inputs) -> Iterator[Dialogue | Rejected]:
        items = (
            duplex.make_duplex(item, settings.duplex, settings.seed) if isinstance(item, Dialogue) else item
            for item in write_dialogues(inputs.questions, inputs.variant, writer_of(settings))
        )
        if not settings.duplex.early.wanted:
            yield from items
            return
        made = list(items)
        begun = iter(starter_of(settings).begin([item for item in made if isinstance(item, Dialogue)]))
        yield from (next(begun) if isinstance(item, Dialogue) else item for item in made)

    return Stage(STAGE, VERSION, "questions", Dialogue, key, run)


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
    """Passes a dialogue that is whole, spoken, right, stands alone, and does not tell its own answer. Raises Refusal
    otherwise."""
    _check_turns(dialogue)
    _check_stands_alone(dialogue, question)
    _check_claims(dialogue)
    if dialogue.form == "closed":
        _check_answer(dialogue, question)
        _check_choices(dialogue, question)
        _check_secret(dialogue, question)
        _check_named(dialogue, question)
        _check_meaning(dialogue, question)
    else:
        _check_open(dialogue, question)


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
        if turn.role == "user":
            check_held_out(turn.text, dialogue.language)
        words = length_in_words(turn.text, dialogue.language)
        if not least <= words <= most:
            raise Refusal("length", f"turn {index} ({role}) has {words} words; {least} to {most} are wanted")


def _check_claims(dialogue: Dialogue) -> None:
    """Each claim is said where its turn begins, and not by the user in the turn before."""
    language = dialogue.language
    for index, turn in enumerate(dialogue.turns):
        if not turn.claim:
            continue
        lead = beginning(turn.text, language, 1 + sum(map(sentence_end, split_words(turn.claim, language)[:-1])))
        if not asserts(lead, turn.claim, language) or (
            not is_value(turn.claim, language)
            and key(turn.claim, language) not in key(lead, language)
            and negated(lead, language) != negated(turn.claim, language)
        ):
            raise Refusal("claim_not_first", f"'{turn.claim}' is not in '{lead[:80]}', with which turn {index} begins")
        asked = dialogue.turns[index - 1].text
        if index > 1 and not says_nothing(turn.claim, language) and mentions(asked, turn.claim, language):
            raise Refusal("answer_told", f"the user says '{turn.claim}' before the assistant does")


def beginning(text: str, language: str, sentences: int = 1) -> str:
    """The first sentences of a text; a lead-in of LEAD_IN_WORDS or fewer goes with the one behind it."""
    words = split_words(text, language)
    ends = [n for n in range(LEAD_IN_WORDS + 1, len(words)) if sentence_end(words[n - 1])]
    return join_words(words[: [*ends, len(words)][min(sentences - 1, len(ends))]], language)


def _check_open(dialogue: Dialogue, question: Question) -> None:
    """An open question has a claim of some words for its answer, which its user does not tell, and the matter of the
    source's question."""
    language = dialogue.language
    if dialogue.choices:
        raise Refusal("choice_not_offered", "choices are named, and the question is an open one")
    words = length_in_words(dialogue.answer, language)
    if not CLAIM_WORDS[0] <= words <= CLAIM_WORDS[1] or not dialogue.turns[1].claim:
        raise Refusal("no_claim", f"'{dialogue.answer}' is no claim of {CLAIM_WORDS[0]} to {CLAIM_WORDS[1]} words")
    if tells(dialogue.turns[0].text, dialogue.answer, language):
        raise Refusal("answer_told", f"the user says '{dialogue.answer}' before the assistant does")
    matter = stems(said_or_raw(question.stem, language), language) | stems(question.answer, language)
    if not matter & stems(" ".join(turn.text for turn in dialogue.turns), language):
        raise Refusal("off_the_matter", f"'{dialogue.turns[0].text[:80]}' has no word of the source's question")


def _check_answer(dialogue: Dialogue, question: Question) -> None:
    truths, language = true_answers(question), dialogue.language
    if not any(agree(dialogue.answer, truth, language) for truth in truths):
        raise Refusal("wrong_answer", f"'{dialogue.answer}' is not '{truths[0]}'")
    others = [choice_said(c, question) for c in question.choices if c.strip() != question.answer.strip()]
    if not any(closest(dialogue.answer, truth, others, language) for truth in truths):
        raise Refusal("wrong_answer", f"'{dialogue.answer}' is another choice than '{truths[0]}'")
    said = " ".join(t.text for t in dialogue.turns if t.role == "assistant")
    if not asserts(said, dialogue.answer, language):
        raise Refusal("answer_not_said", f"'{dialogue.answer}' is in no turn of the assistant's")


def offered(choices: Sequence[str], user: str, language: str = "en") -> tuple[str, ...]:
    """Those of the choices that the user's words name; none where it is only one, which would be no choice."""
    found = {key(choice, language): choice for choice in choices if tells(user, choice, language)}
    return tuple(found.values()) if len(found) > 1 else ()


def _check_stands_alone(dialogue: Dialogue, question: Question) -> None:
    """Raise Refusal where a dialogue on a picture points at it."""
    before = ""
    for turn in dialogue.turns if question.picture is not None else ():
        if found := points_away(turn.text, before, dialogue.language):
            raise Refusal("needs_picture", f"'{found}' points at a picture that nobody sees, in '{turn.text[:80]}'")
        before = f"{before} {turn.text}"


def _check_meaning(dialogue: Dialogue, question: Question) -> None:
    """Raise Refusal `lost_meaning` where the user's words lack a number, sign or unit of the source's question, bring a
    number of their own, or name choices other than the source's, or in another order."""
    if question.picture is not None:
        return
    language, user = dialogue.language, " ".join(turn.text for turn in dialogue.turns if turn.role == "user")
    pairs = [(question.stem, user)]
    # A later turn may name one of them again: 'And not the first?'
    turns = [turn.text for turn in dialogue.turns if turn.role == "user"]
    whole = (text for text in turns if len(offered(dialogue.choices, text, language)) == len(dialogue.choices))
    places, user_key = [], key(next(whole, user), language)
    for choice in dialogue.choices:
        own = [n for n, c in enumerate(question.choices) if agree(choice, choice_said(c, question), language)]
        same = [n for n in own if key(choice_said(question.choices[n], question), language) == key(choice, language)]
        at = f" {user_key} ".rfind(f" {key(choice, language)} ")
        within = any(key(choice, language) in key(other, language) for other in dialogue.choices if other != choice)
        if at >= 0 and not within and (same or len(own) == 1):
            places.append((at, (same or own)[0]))
        if own and not same:
            pairs.append((question.choices[own[0]], choice))
    gone = next(filter(None, (missing(written, said, language) for written, said in pairs)), "")
    if not gone and language.split("-")[0] == "en":
        gone = added(dialogue.turns[0].text, (said_or_raw(question.stem, language), *dialogue.choices))
    if not gone and [place for _, place in sorted(places)] != sorted(place for _, place in places):
        gone = "the choices are not in the source's order"
    if gone:
        raise Refusal("lost_meaning", f"{gone} in '{user[:80]}'")


def _check_named(dialogue: Dialogue, question: Question) -> None:
    """Raise Refusal where the user does not say what the source's own question chooses among."""
    user = " ".join(turn.text for turn in dialogue.turns if turn.role == "user")
    statements = listed(question)
    for statement in statements:
        if not tells(user, said_or_raw(statement, dialogue.language), dialogue.language):
            raise Refusal("choices_not_named", f"the user does not say '{statement[:80]}', which may be an answer")
    if needs_choices(question) and not statements and not dialogue.choices:
        raise Refusal("choices_not_named", "the question refers to its choices, and the user names none")


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
