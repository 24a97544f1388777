"""The user's turn: the question as its source states it, read out, with a plain lead-in now and then and its choices
where it needs them."""

import random
import re
from dataclasses import dataclass

from kame_data.errors import Refusal
from kame_data.offline.wording import closed, listed, sentences, trimmed
from kame_data.records import Question
from kame_data.text.answers import agree, key
from kame_data.text.askable import needs_choices
from kame_data.text.casing import lower
from kame_data.text.spoken import is_spoken, say

MOST_ASKED = 150
"""Longest question, choices and all, that one would still say in one go, in words."""
LONGEST_CHOICE = 30
SHORT_CHOICE = 5
"""Words of a choice that is said in a list of one sentence, at the most."""
BLANK = "blank"
LEADS = (
    "", "I have a question.", "Here's a question for you.", "Help me with this one, please.", "Okay, next question.",
    "Listen to this.", "I need an answer to this.", "I'd like to know something.", "Let me ask you something.",
    "This one has me stuck.", "Here's one that I can't answer.", "Quick question.", "Tell me this.",
    "One more thing that I want to know.", "I came across this question.", "Someone asked me this today.",
    "I'm trying to answer this.", "Here is what I'd like to know.", "Please answer this for me.",
    "I'm not sure about this one.", "Let's do this one together.", "I'll read you a question.",
    "Maybe you know this.", "I was wondering about this.",
)  # fmt: skip
"""Words that may go before any question; a variant of a question for each."""
_PLAIN_SHARE = 0.6
_ENDINGS = (
    "How does this sentence end?", "Finish this sentence for me.", "Complete this sentence.", "How would this go on?",
)  # fmt: skip
_BLANKS = ("Fill in the blank.", "What goes in the blank?", "Which words are missing here?")
_CASES = ("Which of the choices fits here?", "Tell me which one this is.", "What would you call this?")
TASKS = (*_ENDINGS, *_BLANKS, *_CASES)
"""Words before a sentence that is to be completed or named."""
_STATEMENTS = ("Is this true or false?", "Tell me whether this is true or false.", "True or false?")
OFFERS = ("The choices are", "The options are", "My choices are", "I have these to choose from:")
"""Words before choices that are spoken; the simulator knows them by it."""
_BLANK_RE = re.compile(r"_{2,}|\[blank\]", re.I)
_COMMAND_RE = re.compile(
    r"(?:^|[,;:]\s+(?:then\s+)?(?:please\s+)?)(?:find|calculate|compute|determine|evaluate|estimate|identify|name|give|"
    r"state|obtain|derive|solve|explain|describe|discuss|define|compare|contrast|distinguish|differentiate|list|outline|"
    r"summarize|trace|suggest|show|prove|write|convert|express|simplify|use|predict|choose|select|tell|indicate|draw|"
    r"design|consider|approximate|round|rewrite|factor|add|subtract|multiply|divide|integrate|work out|fill in)\b",
    re.I,
)
_ASKS_RE = re.compile(r"^(?:\w+ )?(?:what|which|who|whose|how|why)\b|\bwhich of (?:the following|these)\b", re.I)
_REFERS_RE = re.compile(
    r"\b(?:above|below|options?|choices?|not enough information)\b|\bof (?:the others|these|those|them)\b|"
    r"\b(?:the other|this|that|first|last|previous|both|all) (?:answers?|statements?)\b|"
    r"\bstatements? (?:\d|I|one|two)\b|"
    r"^\W*(?:both|neither|all|none|either)(?: (?:are|is)\b.*)?\W*$|^\W*(?:I{1,3}|IV)\b|"
    r"^\W*\(?[A-Ja-j]\)?(?: and \(?[A-Ja-j]\)?)?\W*$",
    re.I,
)
_HANGS_RE = re.compile(
    r"\b(?:is|are|was|were|be|that|to|the|a|an|of|for|by|will|should|because|if|with|than|as)\.?$", re.I
)
_CENTS_RE = re.compile(r"\d+\.\d{1,2}")
_PRICES_RE = re.compile(r"\bhow (?:much (?:money|change|profit|does it cost|will it cost)|many dollars)\b", re.I)
_TRUTHS = frozenset({"true", "false", "yes", "no"})
_YEAR_RE = re.compile(r"[12]\d{3}\.?")
_FOR_YEAR_RE = re.compile(r"\b(?:when|year|date|century|born|founded)\b", re.I)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in words: `stem` as it is read out, without lead-in and choices; `form`: `question`, `sentence` (to be
    completed), `blank` (to be filled), `case` (to be named) or `statement` (true or false); `answer` the right answer;
    `wrong` the source's other choices that can be said, `choices` those that are offered, both in the source's order.
    """

    stem: str
    form: str
    answer: str
    wrong: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


def ask(question: Question, draws: random.Random) -> Asked:
    """The question in words; which of its choices are offered is drawn. Raises Refusal (`no_question`, `choices`, and
    those of `say`)."""
    blank = bool(_BLANK_RE.search(question.stem))
    stem = closed(say(_BLANK_RE.sub(f" {BLANK} ", question.stem)).rstrip(" .:-"))
    year = bool(_FOR_YEAR_RE.search(question.stem))
    answer = _said(_priced(question), year, question.stem)
    form = "blank" if blank else _form(stem, answer, question.stem.rstrip().endswith((".", "!", '"', "”")))
    others = [c for c in question.choices if c.strip() != question.answer.strip()]
    wrong = tuple(c for c in (_wrong(raw, year, question.stem, answer) for raw in others) if c)
    choices: tuple[str, ...] = ()
    if form == "statement":
        wrong = tuple(t for t in wrong if key(t) in _TRUTHS)
    elif needs_choices(question):
        choices = _offered(question, year, stem, answer, wrong, draws)
    elif form == "case":
        raise Refusal("no_question", f"the stem asks nothing: '{stem[-60:]}'")
    return Asked(stem, form, answer, wrong, choices)


def _form(stem: str, answer: str, ended: bool) -> str:
    asking = [bool(s.endswith("?") or _COMMAND_RE.search(s) or _ASKS_RE.search(s)) for s in sentences(stem)]
    # What breaks off behind a question is what is asked: the judge should rule that.
    if asking[-1] or (any(asking) and (ended or not _HANGS_RE.search(stem))):
        return "question"
    if key(answer) in _TRUTHS:
        return "statement"
    return "case" if ended and trimmed(stem.split()) == stem.rstrip(".") else "sentence"


def _priced(question: Question) -> str:
    """The answer, with the sign for dollars where it has cents and the working or the question is one of dollars."""
    answer = question.answer.strip()
    if not _CENTS_RE.fullmatch(answer):
        return answer
    ends = question.working.splitlines()[-2:]
    priced = any(f"${answer}" in re.sub(r"<<[^>]*>>|,", "", line) for line in ends) or bool(
        _PRICES_RE.search(question.stem)
    )
    return f"${answer}" if priced else answer


def _said(choice: str, year: bool, stem: str) -> str:
    raw = " ".join(choice.split())
    if year and _YEAR_RE.fullmatch(raw):
        return say(f"In {raw}").removeprefix("In ").strip(" .")
    said = say(raw, about=stem).strip(" .;,:")
    if not said or "?" in said or is_spoken(said):
        raise Refusal("unspeakable_choice", choice[:60])
    return lower(said, stem)


def _wrong(raw: str, year: bool, stem: str, answer: str) -> str:
    """A wrong choice in words; "" for one that cannot be said, speaks of the others, or is too like the right one."""
    try:
        said = "" if _REFERS_RE.search(raw) else _said(raw, year, stem)
    except Refusal:
        return ""
    ours, theirs = set(key(answer).split()), set(key(said).split())
    alike = ours <= theirs or theirs <= ours
    return "" if alike or len(said.split()) > LONGEST_CHOICE else said


def _offered(
    question: Question, year: bool, stem: str, answer: str, wrong: tuple[str, ...], draws: random.Random
) -> tuple[str, ...]:
    """Some of the choices, the right one among them, as they follow one another in the source."""
    if _REFERS_RE.search(question.answer) or len(answer.split()) > LONGEST_CHOICE:
        raise Refusal("choices", f"the right one cannot be offered: '{question.answer[:60]}'")
    wanted = draws.choice((2, 2, 3)) if len(answer.split()) > SHORT_CHOICE else draws.choice((2, 3, 3, 4))
    # Those that share most of their words can hardly be told apart by ear.
    pool = sorted(draws.sample(wrong, len(wrong)), key=lambda c: agree(c, answer) or agree(answer, c))
    unlike: list[str] = []
    for candidate in pool:
        if len(unlike) < wanted and not any(agree(candidate, taken) or agree(taken, candidate) for taken in unlike):
            unlike.append(candidate)
    if not unlike:
        raise Refusal("choices", "no wrong choice can be offered beside the right one")
    order = [
        answer if raw.strip() == question.answer.strip() else _wrong(raw, year, question.stem, answer)
        for raw in question.choices
    ]
    return tuple(dict.fromkeys(c for c in order if c == answer or c in unlike))


def lead_order(draws: random.Random) -> list[str]:
    """The lead-ins in an order of their own for each question, mostly with none first."""
    order = draws.sample(LEADS, len(LEADS))
    if draws.random() < _PLAIN_SHARE:
        order.remove("")
        order.insert(0, "")
    return order


def turn(asked: Asked, lead: str, draws: random.Random) -> str:
    """Words of the user. Raises Refusal(`too_long`)."""
    task = {"sentence": _ENDINGS, "blank": _BLANKS, "case": _CASES, "statement": _STATEMENTS}.get(asked.form)
    # Who is to fill in or to complete hears so before the sentence.
    parts = [lead, draws.choice(task) if task else "", asked.stem, _offer(asked.choices, draws)]
    text = " ".join(filter(None, parts))
    if len(text.split()) > MOST_ASKED:
        raise Refusal("too_long", f"{len(text.split())} words; at most {MOST_ASKED} are said in one go")
    return text


def without_lead(heard: str) -> str:
    """Words of the question itself: what was heard without the lead-in and the task that stand before it."""
    for opening in (*LEADS, *TASKS):
        if opening and heard.startswith(opening):
            return without_lead(heard[len(opening) :].strip())
        if opening and opening.startswith(heard):
            return ""
    return heard


def _offer(choices: tuple[str, ...], draws: random.Random) -> str:
    if not choices:
        return ""
    offer = draws.choice(OFFERS)
    if all(len(c.split()) <= SHORT_CHOICE and "," not in c for c in choices):
        return f"{offer} {listed(choices)}."
    said = [closed(c) for c in choices]
    these = "." if offer.endswith(":") else " these."
    return f"{offer.rstrip(':')}{these} {' '.join(said[:-1])} Or: {said[-1]}"
