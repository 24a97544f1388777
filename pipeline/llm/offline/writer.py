"""The offline writer: a question becomes a dialogue by rule and seed, without a model."""

import random
import re
from functools import lru_cache

from pipeline import seeds
from pipeline.errors import Refusal
from pipeline.llm.offline import answers, asking, choosing, grammar, personas
from pipeline.llm.offline.sheets import Sheet, is_light, make_sheet
from pipeline.records import Dialogue, Question, Turn

# Longest question that one would still say in one go, in words.
MAX_ASKED = 150
# Longest answer that one would say in one go, in words.
MAX_ANSWER = 45


_NOT_OURS = "the offline writer writes English only, not '{}'; name a model with --writer or --llm"


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
        self._sheet = lru_cache(maxsize=16_384)(make_sheet)
        self._order = lru_cache(maxsize=4096)(self._manners)

    def write(self, question: Question, variant: int) -> Dialogue:
        """Dialogue number `variant` of the question. Raises Refusal for what the rules cannot put well."""
        if question.language.split("-")[0] != self.language:
            raise Refusal("language", _NOT_OURS.format(question.language))
        sheet = self._sheet(question)
        manners = self._order(question.id, question.category, sheet.kind, is_light(sheet), not sheet.asked.context)
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
            return draws.choice(
                (
                    "It's all of them. Every one you mentioned fits.",
                    "All of them, actually. Each of those is right.",
                    "The answer is all of those, not just one.",
                )
            )
        return answers.stated(draws, sheet.asked, sheet.answer, len(offered))


def _offer(draws: random.Random, sheet: Sheet) -> tuple[str, ...]:
    if not sheet.offer:
        return ()
    if sheet.everything:
        short = [c for c in sheet.others if len(c.split()) <= choosing.SHORT]
        if len(short) < 2:
            raise Refusal("choices_refer", "'all of them' needs two or more that can be said")
        return (*short[:3], "all of them")
    return choosing.draw(draws, sheet.answer, list(sheet.others))


_FILL_IN = (
    "Fill in the blank for me: {}",
    "What goes in the blank here? {}",
    "Here's the sentence, and I need the missing word: {}",
)
_FILL_ALL = (
    "Fill in the blanks for me: {}",
    "What goes in the blanks here? {}",
    "I have to fill in some blanks here: {}",
)
_TRUTHS = (
    "Which of the two are true?",
    "Are they both true, or just one, or neither?",
    "Is each of those true or false?",
)
_CLAIMS = ("I have two statements here.", "Here are two claims.", "Tell me about these two statements.")
_TELL = (
    "Can you tell me {}?",
    "Do you know {}?",
    "Could you tell me {}?",
    "I'd like to know {}.",
    "I need to know {}.",
)
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


# Shapes that stand by themselves: 'Is it can be treated?' is no question.
_BARE = frozenset(("yes_no", "verb", "predicate"))
_EXCEPTIONS = ("Is the exception {}?", "Which is the odd one out, {}?", "Which one doesn't fit, {}?")
_CLAUSES = ("Is it {}?", "Would you say {}?", "Would it be {}?")
_NOUNS = ("Is it {}?", "Is it {}?", "Would it be {}?", "Is that {}?")
_BARE_NOUNS = ("Is the answer {}?", "Would you say {}?", "Is the right one {}?", "Should I say {}?")
_WITH_ARTICLE = re.compile(
    r"(?:the|a|an|his|her|its|their|by|in|on|at|to|from|for|with|because|only|no|all|both|about|minus|\w+ing)\b", re.I
)
_LISTS = ("The options are {}.", "I'm choosing between {}.", "I have to choose between {}.")


def _with_choices(draws: random.Random, asked: asking.Asked, offered: tuple[str, ...]) -> str:
    """The question with its choices as one offers them aloud."""
    shapes = [answers.shape(c) for c in offered]
    mixed = 0 < shapes.count("clause") < len(shapes)
    named = [choosing.with_article(c) for c in offered]
    if asked.form == "except" and "clause" in shapes and not mixed:
        return f"{asked.direct} {draws.choice(_CLAUSES).replace('{}', grammar.join_or([f'that {c}' for c in offered]))}"
    if asked.form == "except":
        return f"{asked.direct} {draws.choice(_EXCEPTIONS).replace('{}', grammar.join_or(named))}"
    question = asked.direct if asked.direct.endswith((".", "?", "!")) else f"{asked.direct}?"
    if asked.form == "blank":
        question = draws.choice(_FILL_IN).replace("{}", question)
    if mixed or _BARE & set(shapes) or (asked.form == "completion" and not set(shapes) <= {"number", "phrase"}):
        return f"{question} {grammar.capitalise(grammar.join_or(offered))}?"
    if "clause" in shapes:
        return f"{question} {draws.choice(_CLAUSES).replace('{}', grammar.join_or([f'that {c}' for c in offered]))}"
    if max(len(c.split()) for c in offered) > 8 or draws.random() < 0.75:
        plain = all(_WITH_ARTICLE.match(c) or answers.shape(c) == "number" for c in named)
        return f"{question} {draws.choice(_NOUNS if plain else _BARE_NOUNS).replace('{}', grammar.join_or(named))}"
    return f"{question} {draws.choice(_LISTS).replace('{}', grammar.join_or(named, 'and'))}"


def _turns(draws: random.Random, manner: personas.Manner, asked: str, answer: str, sheet: Sheet) -> list[str]:
    """All turns' texts: perhaps a greeting, the question in its manner, the answer, perhaps a word after it."""
    turns = [t for t in manner.greeting if t]
    turns += [grammar.tidy(f"{manner.opener} {asked} {manner.closer}"), answer]
    if draws.random() < personas.AFTER_SHARE:
        short = (
            len(sheet.answer.split()) <= 6 and sheet.asked.form not in ("statements", "blanks") and not sheet.everything
        )
        turns += personas.farewell(draws, sheet.answer if short else "")
    return turns
