"""The offline writer: a question becomes a dialogue by rule and seed, without a model."""

import random
import re
from dataclasses import dataclass
from functools import lru_cache

from pipeline import seeds
from pipeline.errors import Refusal
from pipeline.llm.offline import answers, asking, choosing, grammar, personas, stems
from pipeline.llm.offline.working import Working, read_working
from pipeline.records import Dialogue, Question, Turn
from pipeline.text.askable import needs_choices
from pipeline.text.numerals import number_of
from pipeline.text.spoken import say

# Longest question that one would still say in one go, in words.
MAX_ASKED = 150
# Longest answer that one would say in one go, in words.
MAX_ANSWER = 45
_LISTED = re.compile(r"\b(?:option|choice|statement)s? (?:[a-f]|[ivx]+)\b|\b(?:ii|iii|iv)\b|\([a-d]\)", re.I)


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
    working: Working = Working("", (), "")


class OfflineWriter:
    """Writes dialogues by rule; variant v of a question depends on (seed, question, v) alone.

    No two variants of a question have the same user's text; a question has some hundred of them.
    """

    name = "offline"
    version = "1"
    sees_pictures = False

    def __init__(self, seed: int, language: str = "en") -> None:
        self.seed = seed
        self.language = language
        self._sheet = lru_cache(maxsize=512)(_make_sheet)
        self._order = lru_cache(maxsize=512)(self._manners)

    def write(self, question: Question, variant: int) -> Dialogue:
        """Dialogue number `variant` of the question. Raises Refusal for what the rules cannot put well."""
        if question.language.split("-")[0] != self.language:
            raise Refusal("language", f"the offline writer has rules for {self.language}, not {question.language}")
        sheet = self._sheet(question)
        manners = self._order(question.id, question.category, sheet.problem, sheet.offer, _light(sheet))
        if variant >= len(manners):
            raise Refusal("variants", f"the offline writer has {len(manners)} ways to ask this, numbered from 0")
        draws = seeds.rng(self.seed, "dialogue", question.id, variant)
        offered = _offer(draws, sheet)
        asked = _ask(draws, sheet, offered)
        if len(asked.split()) > MAX_ASKED:
            raise Refusal("too_long", f"{len(asked.split())} words; at most {MAX_ASKED} are said in one go")
        answer = self._answer(draws, sheet, offered)
        if len(answer.split()) > MAX_ANSWER:
            raise Refusal("answer_too_long", f"{len(answer.split())} words; at most {MAX_ANSWER} are said in one go")
        turns = _turns(draws, manners[variant], asked, answer, sheet, question.category)
        return Dialogue(
            id=f"{question.id}-v{variant}",
            question_id=question.id,
            variant=variant,
            language=question.language,
            turns=tuple(Turn("assistant" if i % 2 else "user", text, text) for i, text in enumerate(turns)),
            answer=sheet.answer,
            choices=offered,
            writer=self.name,
        )

    def _manners(self, question_id: str, category: str, problem: bool, choices: bool, light: bool) -> list[personas.Manner]:
        draws = seeds.rng(self.seed, "manners", question_id)
        return personas.manners(draws, category, problem=problem, choices=choices, light=light)

    def _answer(self, draws: random.Random, sheet: Sheet, offered: tuple[str, ...]) -> str:
        if sheet.problem:
            return answers.worked(draws, sheet.asked, sheet.claim, sheet.answer, sheet.working)
        if sheet.asked.form in ("statements", "blanks"):
            return grammar.tidy(sheet.claim)
        if sheet.everything:
            return draws.choice(("It's all of them. Every one you mentioned fits.", "All of them, actually. Each of those is right.", "The answer is all of those, not just one."))
        return answers.stated(draws, sheet.asked, sheet.answer, len(offered))


def _make_sheet(question: Question) -> Sheet:
    if question.source == "gsm8k" or (question.working and not question.choices):
        return _problem_sheet(question)
    stem, blanks = stems.prepare(question.stem)
    if _LISTED.search(stem):
        raise Refusal("letters", "the question points to lettered or numbered parts")
    asked = asking.analyse(say(stem, question.language), blanks)
    if asked.form == "statements":
        return _statement_sheet(asked, question)
    if asked.form == "blanks":
        return _blanks_sheet(asked, question, blanks)
    if choosing.refers(question.answer) and not choosing.is_all(question.answer):
        raise Refusal("choices_refer", f"the answer '{question.answer[:40]}' speaks of the other choices")
    offer = bool(question.choices) and (asked.which or needs_choices(question))
    everything = choosing.is_all(question.answer)
    answer = "all of them" if everything else choosing.say_choice(question.answer, question.choices, question.language)
    if everything and not offer:
        offer = True
    _check_unit(question.stem, answer)
    others = _others(question) if offer else ()
    return Sheet(asked, answer, others, offer, everything)


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
            found.append(choosing.say_choice(choice, question.choices, question.language))
        except Refusal:
            continue
    return tuple(dict.fromkeys(found))


def _problem_sheet(question: Question) -> Sheet:
    stem, blanks = stems.prepare(question.stem)
    asked = asking.analyse(say(stem, question.language), blanks)
    working = read_working(question.working, question.answer)
    number = say(question.answer, question.language).strip(" .")
    counted = asked.counted
    money = working.unit == "$" or bool(re.search(r"\bmoney\b|\bdollars\b", counted)) and working.unit in ("", "$")
    total, claim = number, asked.claim
    if money and counted not in ("dollars",) and "dollar" not in counted:
        total = say(f"${question.answer.strip().removeprefix('$')}", question.language).strip(" .")
    elif working.unit in ("%", "percent") or asked.direct.casefold().startswith("what percent"):
        total = f"{number} percent"
    elif working.unit:
        total = say(f"{question.answer} {working.unit}", question.language).strip(" .")
    if asked.claim:
        claim = _problem_claim(asked, number, total, number_of(number) == 1)
    return Sheet(asked, total, problem=True, claim=claim, working=working)


def _problem_claim(asked: asking.Asked, number: str, total: str, one: bool) -> str:
    """The claim with its number; "" where it would lack its unit, or have 'one clips'."""
    counted, measured = asked.counted, total != number
    if counted in ("old", "tall", "long", "far", "fast", "wide", "deep", "high"):
        unit = {"old": " years"}.get(counted, "") if not measured else ""
        if not measured and not unit:
            return ""
        if "old" == counted and not measured:
            return answers.fill(asked.claim, f"{number} year{'' if one else 's'}")
        return answers.fill(asked.claim, total)
    after = asked.claim.partition(asking.SLOT)[2].strip(" .").split()
    if asked.direct.casefold().find("how many") >= 0 and (counted or after):
        if one:
            return ""
        return answers.fill(asked.claim, number)
    if "how much" in asked.direct.casefold() and not measured:
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
    pieces = [p.strip() for p in re.split(r"\s*[,;]\s*(?:and\s+)?|\s+(?:and|-|–|/)\s+|\s*\.\.\.+\s*", question.answer.strip(" .")) if p.strip()]
    if len(pieces) != blanks:
        raise Refusal("too_many_blanks", f"'{question.answer[:40]}' does not fill {blanks} gaps")
    said = [choosing.say_choice(p, question.choices, question.language) for p in pieces]
    if blanks == 2:
        claim = f"The first blank is {said[0]}, and the second one is {said[1]}."
    else:
        claim = f"The blanks are, in order, {grammar.join_or(said, 'and')}."
    return Sheet(asked, ", ".join(said), claim=claim)


def _offer(draws: random.Random, sheet: Sheet) -> tuple[str, ...]:
    if not sheet.offer:
        return ()
    if sheet.everything:
        short = [c for c in sheet.others if len(c.split()) <= choosing.SHORT]
        if len(short) < 2:
            raise Refusal("choices_refer", "'all of them' needs two or more that can be said")
        return (*short[:3], "all of them")
    return choosing.draw(draws, sheet.answer, list(sheet.others))


def _ask(draws: random.Random, sheet: Sheet, offered: tuple[str, ...]) -> str:
    asked = sheet.asked
    core = asked.direct
    if offered:
        core = _with_choices(draws, asked, offered)
    elif asked.indirect and len(asked.indirect.split()) <= 24 and draws.random() < 0.45:
        core = _indirectly(draws, asked, sheet.problem)
    elif asked.form == "blank":
        core = draws.choice(("Fill in the blank for me: {}", "What goes in the blank here? {}", "Here's the sentence, and I need the missing word: {}")).replace("{}", core)
    elif asked.form == "blanks":
        core = draws.choice(("Fill in the blanks for me: {}", "What goes in the blanks here? {}")).replace("{}", core)
    if asked.form == "statements":
        core = draws.choice(("Which of the two are true?", "Are they both true, or just one, or neither?", "Is each of those true or false?"))
        return grammar.tidy(f"{draws.choice(('I have two statements here.', 'Here are two claims.', 'Tell me about these two statements.'))} {asked.context} {core}")
    return grammar.tidy(f"{asked.context} {core}")


_TELL = ("Can you tell me {}?", "Do you know {}?", "Could you tell me {}?", "I'd like to know {}.", "I need to know {}.")
_WORK = ("Can you work out {}?", "Can you tell me {}?", "Could you figure out {}?", "I need to find out {}.", "Can you help me figure out {}?")


def _indirectly(draws: random.Random, asked: asking.Asked, problem: bool) -> str:
    return draws.choice(_WORK if problem or asked.form == "command" else _TELL).replace("{}", asked.indirect)


def _with_choices(draws: random.Random, asked: asking.Asked, offered: tuple[str, ...]) -> str:
    clauses = sum(choosing.is_clause(c) for c in offered) > len(offered) / 2
    long = max(len(c.split()) for c in offered) > 8
    if asked.form == "except":
        listed = grammar.join_or(offered)
        return f"{asked.direct} " + draws.choice(("Is the exception {}?", "Which is the odd one out, {}?", "Which one doesn't fit, {}?")).replace("{}", listed)
    if clauses:
        listed = grammar.join_or([f"that {c}" for c in offered])
        patterns: tuple[str, ...] = ("Is it {}?", "Would you say {}?", "Would it be {}?")
    elif long:
        listed, patterns = grammar.join_or(offered), ("Is it {}?", "Would it be {}?", "I have to pick between {}.")
        if patterns[-1]:
            patterns = patterns[:2]
    else:
        listed = grammar.join_or([choosing.with_article(c) for c in offered])
        patterns = ("Is it {}?", "Is it {}?", "Would it be {}?", "The options are {}.", "I'm choosing between {}.")
    pattern = draws.choice(patterns)
    if pattern.endswith("."):
        listed = grammar.join_or([choosing.with_article(c) for c in offered], "and")
    question = asked.direct if asked.direct.endswith((".", "?", "!")) else f"{asked.direct}?"
    return f"{question} {pattern.replace('{}', listed)}"


def _light(sheet: Sheet) -> bool:
    """Short, without a tale before it and without numbers in its answer: something for a quiz among friends."""
    plain = sheet.asked.form in ("question", "completion") and not sheet.asked.context and not sheet.problem
    return plain and len(sheet.asked.direct.split()) <= 16 and number_of(sheet.answer) is None and len(sheet.answer.split()) <= 4


def _turns(draws: random.Random, manner: personas.Manner, asked: str, answer: str, sheet: Sheet, category: str) -> list[str]:
    """All turns' texts: perhaps a greeting, the question in its manner, the answer, perhaps a word after it."""
    topic = "math" if sheet.problem else category
    turns: list[str] = []
    if draws.random() < personas.GREET_SHARE:
        turns += personas.greeting(draws, topic)
    turns += [grammar.tidy(f"{manner.opener} {asked} {manner.closer}"), answer]
    if draws.random() < personas.AFTER_SHARE:
        short = len(sheet.answer.split()) <= 6 and sheet.asked.form not in ("statements", "blanks") and not sheet.everything
        turns += personas.farewell(draws, sheet.answer if short else "")
    return turns
