"""The offline writer: a question becomes a dialogue by rule and seed, without a model."""

import random
import re
from dataclasses import dataclass, replace
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
_LISTED = re.compile(r"\b(?:option|choice|statement)s? (?:[a-f]|[ivx]+)\b|(?:^|\s)ii[.):]|(?<!\w)\([a-d]\)|(?:^|\s)[a-d]\) ", re.I)


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

    @property
    def kind(self) -> str:
        """Of what kind the asking is; see `personas.manners`."""
        if self.problem:
            return "problem"
        if self.offer:
            return "choices"
        return "sum" if number_of(self.answer) is not None else "fact"


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
        self._sheet = lru_cache(maxsize=16_384)(_make_sheet)
        self._order = lru_cache(maxsize=4096)(self._manners)

    def write(self, question: Question, variant: int) -> Dialogue:
        """Dialogue number `variant` of the question. Raises Refusal for what the rules cannot put well."""
        if question.language.split("-")[0] != self.language:
            raise Refusal("language", f"the offline writer has rules for {self.language}, not {question.language}")
        sheet = self._sheet(question)
        manners = self._order(question.id, question.category, sheet.kind, _light(sheet), not sheet.asked.context)
        if variant >= len(manners):
            raise Refusal("variants", f"the offline writer has {len(manners)} ways to ask this, numbered from 0")
        draws = seeds.rng(self.seed, "dialogue", question.id, variant)
        offered = _offer(draws, sheet)
        asked = _ask(draws, sheet, offered, manners[variant])
        if len(asked.split()) > MAX_ASKED:
            raise Refusal("too_long", f"{len(asked.split())} words; at most {MAX_ASKED} are said in one go")
        answer = self._answer(draws, sheet, offered)
        if len(answer.split()) > MAX_ANSWER:
            raise Refusal("answer_too_long", f"{len(answer.split())} words; at most {MAX_ANSWER} are said in one go")
        turns = _turns(draws, manners[variant], asked, answer, sheet)
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

    def _manners(self, question_id: str, category: str, kind: str, light: bool, short: bool) -> list[personas.Manner]:
        draws = seeds.rng(self.seed, "manners", question_id)
        return personas.manners(draws, category, kind, light=light, short=short)

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
    if asked.counted == "in" and answer.split()[0].casefold() in grammar.PREPOSITIONS | {"after", "before", "around", "during"}:
        asked = replace(asked, claim="")
    if asked.several and (asked.which or needs_choices(question)):
        raise Refusal("several_questions", "two questions and one set of choices")
    offer = bool(question.choices) and (asked.which or everything or needs_choices(question))
    return Sheet(asked, answer, _others(question) if offer else (), offer, everything)


def _said_answer(question: Question) -> str:
    """The right answer in spoken words: a year as a year."""
    year = re.fullmatch(r"(1[0-9]{3}|20[0-4][0-9])\.?", question.answer.strip())
    if year and re.search(r"\b(?:when|year|date|century|born)\b", question.stem, re.I):
        return say(f"In {year[1]}", question.language).removeprefix("In ").strip(" .")
    answer = choosing.say_choice(question.answer, question.choices, question.language)
    if sum(len(w) == 1 and w not in ("a", "I") for w in answer.replace(",", " ").split()) > 1 + len(answer.split()) // 8:
        raise Refusal("formula", f"the answer '{question.answer[:40]}' is a formula")
    _check_unit(question.stem, answer)
    return answer


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
    money = working.unit in ("$", "£", "€") or bool(re.search(r"\bmoney\b|\bdollars\b", counted)) and working.unit in ("", "$")
    total, claim = number, asked.claim
    if money and counted not in ("dollars",) and "dollar" not in counted:
        total = say(f"{working.unit or '$'}{question.answer.strip().lstrip('$£€')}", question.language).strip(" .")
    elif working.unit in ("%", "percent") or asked.direct.casefold().startswith("what percent"):
        total = f"{number} percent"
    elif working.unit:
        total = say(f"{question.answer} {working.unit}", question.language).strip(" .")
    elif asked.counted and "how many" in asked.direct.casefold() and len(counted.split()) <= 3 and " the " not in f" {counted} " and number_of(number) != 1:
        total = f"{number} {counted}"
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


_FILL_IN = ("Fill in the blank for me: {}", "What goes in the blank here? {}", "Here's the sentence, and I need the missing word: {}")
_FILL_ALL = ("Fill in the blanks for me: {}", "What goes in the blanks here? {}", "I have to fill in some blanks here: {}")
_TRUTHS = ("Which of the two are true?", "Are they both true, or just one, or neither?", "Is each of those true or false?")
_CLAIMS = ("I have two statements here.", "Here are two claims.", "Tell me about these two statements.")
_TELL = ("Can you tell me {}?", "Do you know {}?", "Could you tell me {}?", "I'd like to know {}.", "I need to know {}.")
_WORK = (
    "Can you work out {}?", "Can you tell me {}?", "Could you figure out {}?", "I need to find out {}.",
    "Can you help me figure out {}?", "I'm trying to figure out {}.",
)  # fmt: skip
_BEGGING = re.compile(r"\b(?:can|could|would|do) you\b|\bhelp\b|\?", re.I)


def _ask(draws: random.Random, sheet: Sheet, offered: tuple[str, ...], manner: personas.Manner) -> str:
    """The question as this variant puts it, with what goes before it."""
    asked = sheet.asked
    core = asked.direct
    begged = bool(_BEGGING.search(manner.opener) or _BEGGING.search(manner.closer))
    if offered:
        core = _with_choices(draws, asked, offered)
    elif asked.form == "statements":
        return grammar.tidy(f"{draws.choice(_CLAIMS)} {asked.context} {draws.choice(_TRUTHS)}")
    elif asked.form in ("blank", "blanks"):
        core = draws.choice(_FILL_IN if asked.form == "blank" else _FILL_ALL).replace("{}", core)
    elif asked.other and (begged or draws.random() < 0.4):
        core = asked.other
    elif asked.indirect and len(asked.indirect.split()) <= 24 and draws.random() < 0.45:
        core = _indirectly(draws, sheet, begged)
    return grammar.tidy(f"{asked.context} {core}")


def _indirectly(draws: random.Random, sheet: Sheet, begged: bool) -> str:
    ways = _WORK if sheet.kind in ("problem", "sum") else _TELL
    plain = [w for w in ways if not (begged and _BEGGING.search(w))]
    return draws.choice(plain).replace("{}", sheet.asked.indirect)


_EXCEPTIONS = ("Is the exception {}?", "Which is the odd one out, {}?", "Which one doesn't fit, {}?")
_CLAUSES = ("Is it {}?", "Would you say {}?", "Would it be {}?")
_NOUNS = ("Is it {}?", "Is it {}?", "Would it be {}?", "Is that {}?")
_LISTS = ("The options are {}.", "I'm choosing between {}.", "I have to choose between {}.")


def _with_choices(draws: random.Random, asked: asking.Asked, offered: tuple[str, ...]) -> str:
    """The question with its choices as one offers them aloud."""
    shapes = [answers.shape(c) for c in offered]
    named = [choosing.with_article(c) for c in offered]
    if asked.form == "except":
        return f"{asked.direct} {draws.choice(_EXCEPTIONS).replace('{}', grammar.join_or(named))}"
    question = asked.direct if asked.direct.endswith((".", "?", "!")) else f"{asked.direct}?"
    if asked.form == "blank":
        question = draws.choice(_FILL_IN).replace("{}", question)
    mixed = 0 < shapes.count("clause") < len(shapes)
    if mixed or "yes_no" in shapes or "verb" in shapes or asked.form == "completion" and not set(shapes) <= {"number", "phrase"}:
        return f"{question} {grammar.capitalise(grammar.join_or(offered))}?"
    if "clause" in shapes:
        return f"{question} {draws.choice(_CLAUSES).replace('{}', grammar.join_or([f'that {c}' for c in offered]))}"
    if max(len(c.split()) for c in offered) > 8 or draws.random() < 0.75:
        return f"{question} {draws.choice(_NOUNS).replace('{}', grammar.join_or(named))}"
    return f"{question} {draws.choice(_LISTS).replace('{}', grammar.join_or(named, 'and'))}"


def _light(sheet: Sheet) -> bool:
    """Short, without a tale before it and without numbers in its answer: something for a quiz among friends."""
    plain = sheet.asked.form in ("question", "completion") and not sheet.asked.context and not sheet.problem
    return plain and len(sheet.asked.direct.split()) <= 16 and number_of(sheet.answer) is None and len(sheet.answer.split()) <= 4


def _turns(draws: random.Random, manner: personas.Manner, asked: str, answer: str, sheet: Sheet) -> list[str]:
    """All turns' texts: perhaps a greeting, the question in its manner, the answer, perhaps a word after it."""
    turns = [t for t in manner.greeting if t]
    turns += [grammar.tidy(f"{manner.opener} {asked} {manner.closer}"), answer]
    if draws.random() < personas.AFTER_SHARE:
        short = len(sheet.answer.split()) <= 6 and sheet.asked.form not in ("statements", "blanks") and not sheet.everything
        turns += personas.farewell(draws, sheet.answer if short else "")
    return turns
