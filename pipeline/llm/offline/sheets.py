"""A question made ready for asking: what is asked, what is right, what may be offered; all in spoken words."""

import re
from dataclasses import dataclass, replace

from pipeline.errors import Refusal
from pipeline.llm.offline import answers, asking, choosing, grammar, stems
from pipeline.llm.offline.turning import SLOT
from pipeline.llm.offline.working import NO_WORKING, Working, read_working
from pipeline.records import Question
from pipeline.text.askable import needs_choices
from pipeline.text.numerals import number_of
from pipeline.text.spoken import say

_LISTED = re.compile(
    r"\b(?:option|choice|statement)s? (?:[a-f]|[ivx]+)\b|(?:^|\s)ii[.):]|(?<!\w)\([a-d]\)|(?:^|\s)[a-d]\) ", re.I
)
# A second part of which the first lost its mark: '(2) For a gas phase reaction, estimate ...'.
_SECOND_PART = re.compile(
    r"(?:^|\s)\(?[2b]\)\s*(?:For|What|Find|Calculate|How|Determine|Compute|Which|Estimate|If|the|what|find|calculate|how|"
    r"determine|compute|estimate)\b"
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A question made ready once for all its variants: everything in spoken words.

    `answer` is the right answer, `others` the choices that may be offered beside it (none where it is asked openly).
    """

    asked: asking.Asked
    answer: str
    others: tuple[str, ...] = ()
    offer: bool = False
    everything: bool = False
    problem: bool = False
    claim: str = ""
    working: Working = NO_WORKING

    @property
    def kind(self) -> str:
        """Of what kind the asking is; see `personas.manners`."""
        if self.problem:
            return "problem"
        if self.offer:
            return "choices"
        return "sum" if number_of(self.answer) is not None else "fact"


def make_sheet(question: Question) -> Sheet:
    """The sheet of a question. Raises Refusal for what the rules cannot put well."""
    if question.source == "gsm8k" or (question.working and not question.choices):
        return _problem_sheet(question)
    stem, blanks = stems.prepare(question.stem)
    if _LISTED.search(stem) or _SECOND_PART.search(stem):
        raise Refusal("letters", "the question points to lettered or numbered parts")
    said = say(stem, question.language)
    stems.check_said(said)
    if blanks > 1:
        return _blanks_sheet(asking.analyse(said, blanks), question, blanks)
    if asking.is_statements(said):
        return _statement_sheet(asking.analyse(said, blanks), question)
    everything = choosing.is_all(question.answer)
    if choosing.refers(question.answer) and not everything:
        raise Refusal("choices_refer", f"the answer '{question.answer[:40]}' speaks of the other choices")
    answer = "all of them" if everything else _said_answer(question)
    asked = asking.analyse(said, blanks, answer)
    if asked.counted == "in" and answer.split()[0].casefold() in grammar.PREPOSITIONS | {
        "after",
        "before",
        "around",
        "during",
    }:
        asked = replace(asked, claim="")
    if asked.several and (asked.which or needs_choices(question)):
        raise Refusal("several_questions", "two questions and one set of choices")
    offer = bool(question.choices) and (asked.which or everything or needs_choices(question))
    return Sheet(asked, answer, _others(question) if offer else (), offer, everything)


def _say_choice(choice: str, question: Question) -> str:
    stem = question.stem
    return choosing.say_choice(
        choice,
        question.choices,
        question.language,
        names=choosing.asks_for_names(stem),
        year=choosing.asks_for_year(stem),
    )


def _said_answer(question: Question) -> str:
    """The right answer in spoken words: a year as a year."""
    answer = _say_choice(question.answer, question)
    if (
        sum(len(w) == 1 and w not in ("a", "I") for w in answer.replace(",", " ").split())
        > 1 + len(answer.split()) // 8
    ):
        raise Refusal("formula", f"the answer '{question.answer[:40]}' is a formula")
    _check_unit(question.stem, answer)
    return answer


def _as_year(question: Question) -> str:
    """An answer of four digits as a year, or ""."""
    year = re.fullmatch(r"(1[0-9]{3}|20[0-4][0-9])\.?", question.answer.strip())
    return say(f"In {year[1]}", question.language).removeprefix("In ").strip(" .") if year else ""


def _check_unit(stem: str, answer: str) -> None:
    if len(answer) == 1 and answer.isalpha():
        raise Refusal("letters", "the answer is a letter")


def _others(question: Question) -> tuple[str, ...]:
    """The wrong choices that can be said and stand alone."""
    found = []
    for choice in question.choices:
        if choice.strip() == question.answer.strip() or choosing.refers(choice) or choosing.is_all(choice):
            continue
        try:
            found.append(_say_choice(choice, question))
        except Refusal:
            continue
    return tuple(dict.fromkeys(found))


def _problem_sheet(question: Question) -> Sheet:
    stem, blanks = stems.prepare(question.stem)
    asked = asking.analyse(say(stem, question.language), blanks)
    working = read_working(question.working, question.answer)
    number = say(question.answer, question.language).strip(" .")
    counted = asked.counted
    year = _as_year(question) if re.search(r"\byear\b", asked.direct) else ""
    money = working.unit in ("$", "£", "€") or (
        bool(re.search(r"\bmoney\b|\bdollars\b", counted)) and working.unit in ("", "$")
    )
    priced = re.search(r"[$£€]|\bdollars?\b", question.stem) and _PRICED.search(asked.direct)
    money = money or bool(priced and not working.unit and not _COUNTS.search(asked.direct))
    total, claim = number, asked.claim
    if money and counted not in ("dollars",) and "dollar" not in counted:
        total = say(f"{working.unit or '$'}{question.answer.strip().lstrip('$£€')}", question.language).strip(" .")
    elif year:
        total = number = year
    elif (
        asked.counted
        and "how many" in asked.direct.casefold()
        and len(counted.split()) <= 3
        and " the " not in f" {counted} "
        and not counted.startswith("of ")
        and number_of(number) != 1
    ):
        total = f"{number} {counted}"
    elif working.unit in ("%", "percent") or re.search(r"\b(?:what|which) percent", asked.direct, re.I):
        total = f"{number} percent"
    elif working.unit:
        total = say(f"{question.answer} {working.unit}", question.language).strip(" .")
    if asked.claim:
        claim = _problem_claim(asked, number, total, number_of(number) == 1)
    return Sheet(asked, total, problem=True, claim=claim, working=working)


_PRICED = re.compile(
    r"\b(?:costs?|prices?|pay|paid|spend|spent|earn|earned|money|worth|owe|charged?|revenue|profit)\b", re.I
)
_COUNTS = re.compile(
    r"\bhow (?:many|long|old|far|often|tall)\b|\bpercent|\btimes\b|\bcents\b|\bratio\b|\bhours?\b", re.I
)


def _problem_claim(asked: asking.Asked, number: str, total: str, one: bool) -> str:
    """The claim with its number; "" where it would lack its unit, or have 'one clips'."""
    counted, measured = asked.counted, total != number
    if counted in ("old", "tall", "long", "far", "fast", "wide", "deep", "high"):
        unit = {"old": " years"}.get(counted, "") if not measured else ""
        if not measured and not unit:
            return ""
        if counted == "old" and not measured:
            return answers.fill(asked.claim, f"{number} year{'' if one else 's'}")
        return answers.fill(asked.claim, total)
    after = asked.claim.partition(SLOT)[2].strip(" .").split()
    if asked.direct.casefold().find("how many") >= 0 and (counted or after):
        if one:
            return ""
        return answers.fill(asked.claim, number)
    if re.search(r"\bhow (?:much|long|far|fast)\b", asked.direct, re.I) and not measured:
        return ""
    return answers.fill(asked.claim, total)


_BOTH = {
    ("true", "true"): "Both of them are true. The first is right, and so is the second.",
    ("false", "false"): "Neither of them is true. The first is wrong, and so is the second.",
    ("true", "false"): "The first one is true, but the second one is false.",
    ("false", "true"): "The first one is false, but the second one is true.",
}


def _statement_sheet(asked: asking.Asked, question: Question) -> Sheet:
    found = tuple(w.casefold() for w in re.findall(r"\b(?:true|false)\b", question.answer, re.I))
    if found not in _BOTH or re.search(r"\bwrong\b|\bcorrect\b|statement", question.answer, re.I):
        raise Refusal("letters", f"'{question.answer[:40]}' is no pair of truths")
    return Sheet(asked, f"{found[0]}, {found[1]}", claim=f"{_BOTH[found]}")


def _blanks_sheet(asked: asking.Asked, question: Question, blanks: int) -> Sheet:
    pieces = [
        p.strip()
        for p in re.split(r"\s*[,;]\s*(?:and\s+)?|\s+(?:and|-|–|/)\s+|\s*\.\.\.+\s*", question.answer.strip(" ."))
        if p.strip()
    ]
    if len(pieces) != blanks:
        raise Refusal("too_many_blanks", f"'{question.answer[:40]}' does not fill {blanks} gaps")
    said = [_say_choice(p, question) for p in pieces]
    if blanks == 2:
        claim = f"The first blank is {said[0]}, and the second one is {said[1]}."
    else:
        claim = f"The blanks are, in order, {grammar.join_or(said, 'and')}."
    return Sheet(asked, ", ".join(said), claim=claim)


def is_light(sheet: Sheet) -> bool:
    """Short, without a tale before it and without numbers in its answer: something for a quiz among friends."""
    plain = sheet.asked.form in ("question", "completion") and not sheet.asked.context and not sheet.problem
    return (
        plain
        and len(sheet.asked.direct.split()) <= 16
        and number_of(sheet.answer) is None
        and len(sheet.answer.split()) <= 4
    )
