"""Briefs: what a model is asked to write for one dialogue, drawn by the settings, and the check that it did."""

import re
from dataclasses import dataclass

from kame_data.dialogues.follow_ups import check_follow_ups, stems
from kame_data.dialogues.manners import FOLLOW_UPS, FORMS, OPENINGS, REGISTERS, SPEAKERS
from kame_data.errors import Refusal
from kame_data.records import Dialogue, Form, Question
from kame_data.seeds import rng
from kame_data.settings.writing import WritingSettings
from kame_data.text.answers import agree, choice_said, said_or_raw, tells
from kame_data.text.words import length_in_words

VERSION = 2
REASON_WORDS = 4
"""Words that an answer gets beyond the source's own answer, at the least."""
OPEN_WORDS = 20
"""Words of an answer where the question is open, at the least: a claim alone has up to fifteen."""
SPREAD = 0.2
"""The share by which the asked-for length may be missed by the model: it is told as a range."""
TOLERANCE = 0.4
"""The share by which an accepted answer may miss that range, and `SLACK` words more."""
SLACK = 2
REASON_STEMS = 2
"""Content words that an answer has beyond its claim, at the least: where there are none, nothing says why."""
STEPS_FROM = 30
"""Least words of an answer that has room for a step of the working."""
# A result within a working: what stands behind an equals sign, and behind the mark of a calculator if there is one.
_RESULT_RE = re.compile(r"=\s*(?:<<[^<>]*>>)?\s*[$€£]?\s*(\d+(?:,\d{3})*(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Brief:
    """Brief of one dialogue: its form, the least and the most words of each exchange's answer, the kind of each
    follow-up, and the manner in which the user talks and begins."""

    form: Form
    lengths: tuple[tuple[int, int], ...]
    follow_ups: tuple[str, ...]
    speaker: str
    register: str
    opening: str

    @property
    def manner(self) -> str:
        """The user's manner in one line."""
        return f"{self.speaker}; {self.register}; begins {self.opening}"


def brief_of(settings: WritingSettings, seed: int, question: Question, variant: int) -> Brief:
    """The brief of dialogue number `variant` of the question.

    Each choice has a stream of its own, so that a larger share keeps what a smaller one chose.
    """

    def drawn(purpose: str, share: float) -> bool:
        return rng(seed, purpose, question.id, variant).random() < share

    form: Form = "closed"
    if drawn("open", settings.open):
        form = rng(seed, "form", question.id, variant).choice(list(FORMS))
    exchanges = 1
    if drawn("follow-ups", settings.follow_ups):
        exchanges = round(settings.exchanges.draw(rng(seed, "exchanges", question.id, variant)))
    kinds = rng(seed, "kinds of follow-ups", question.id, variant).sample(FOLLOW_UPS, exchanges - 1)
    return Brief(
        form,
        tuple(_range(settings, seed, question, variant, number, form) for number in range(exchanges)),
        tuple(kinds),
        *(
            rng(seed, name, question.id).sample(choices, len(choices))[variant % len(choices)]
            for name, choices in (("speaker", SPEAKERS), ("register", REGISTERS), ("opening", OPENINGS))
        ),
    )


def _range(
    settings: WritingSettings, seed: int, question: Question, variant: int, number: int, form: Form
) -> tuple[int, int]:
    """The least and the most words of exchange `number`'s answer, around what is drawn."""
    wanted = settings.answer_words.draw(rng(seed, "answer words", question.id, variant, number))
    if number == 0 and form == "closed":
        said = choice_said(question.answer.strip(), question)
        wanted = max(wanted, length_in_words(said, question.language) + REASON_WORDS)
    elif form != "closed":
        wanted = max(wanted, OPEN_WORDS)
    return round(wanted * (1 - SPREAD)), round(wanted * (1 + SPREAD))


def check_brief(dialogue: Dialogue, brief: Brief, question: Question) -> None:
    """Pass a dialogue that is what the brief asks for. Raises Refusal: `exchanges`, `answer_length`, `no_reason`,
    `no_steps`, or as `check_follow_ups`."""
    answers = [turn for turn in dialogue.turns if turn.role == "assistant"]
    language = dialogue.language
    if len(answers) != len(brief.lengths):
        raise Refusal("exchanges", f"{len(answers)} exchanges; {len(brief.lengths)} were asked for")
    for number, (answer, (least, most)) in enumerate(zip(answers, brief.lengths, strict=True), 1):
        words = length_in_words(answer.text, language)
        if not least * (1 - TOLERANCE) - SLACK <= words <= most * (1 + TOLERANCE) + SLACK:
            raise Refusal("answer_length", f"answer {number} has {words} words; {least} to {most} were asked for")
        if len(stems(answer.text, language) - stems(answer.claim, language)) < REASON_STEMS:
            raise Refusal("no_reason", f"'{answer.text[:80]}' says '{answer.claim}', and not why")
    wanted = brief.form == "closed" and brief.lengths[0][0] >= STEPS_FROM
    results = results_of(question) if wanted else []
    if results and not any(tells(answers[0].text, said_or_raw(result, language), language) for result in results):
        raise Refusal("no_steps", f"none of {', '.join(results)} is in '{answers[0].text[:80]}'")
    check_follow_ups(dialogue)


def results_of(question: Question) -> list[str]:
    """The results on the way to the answer that the source's working has, as it writes them."""
    answer = choice_said(question.answer.strip(), question)
    found = dict.fromkeys(_RESULT_RE.findall(question.working))
    return [result for result in found if not agree(said_or_raw(result, question.language), answer, question.language)]
