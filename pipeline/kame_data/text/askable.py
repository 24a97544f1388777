"""The check of what can be asked aloud: a question passes, or is refused with one of REASONS."""

import re
from functools import lru_cache

from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.text.deixis import leans_on_picture, points_at_picture, unseen
from kame_data.text.held_out import check_held_out
from kame_data.text.language import contradicts
from kame_data.text.letters import knows
from kame_data.text.spoken import say
from kame_data.text.words import length_in_words

REASONS = (
    "missing_answer", "contradictory_answer", "refers_to_choices", "needs_picture", "bad_picture", "needs_table",
    "needs_passage",
    "too_long",
    "incomplete", "code", "formula", "table", "symbols", "garbled", "language", "held_out", "lost_meaning",
)  # fmt: skip
LONGEST_QUESTION, LONGEST_ANSWER = 120, 40
_SHORTEST_STEM = 3

_NO_ANSWER_RE = re.compile(
    r"\W*(?:n/?a|nan|null|none|tbd|todo|unknown|\?+|-+|not (?:available|applicable|given|"
    r"provided)|no (?:correct )?answer|error)?\W*",
    re.IGNORECASE,
)
_PLACEHOLDER_RE = re.compile(
    r"\W*(?:option|choice|answer|alternative|image|picture|figure|graph|diagram)\s*(?:one|"
    r"two|three|four|five|six|[A-J]|\d{1,2}|[ivx]{1,4})?\W*",
    re.IGNORECASE,
)
_COMBINATION_RE = re.compile(
    r"(?:\b(?:all|none|any|both|neither|either|two|three|some|more than one|only one|each|"
    r"most)\s(?:of\s)?(?:the\s)?(?:above|answers?|options?|choices?|(?<!each )others?|these|following|preceding)\b)"
    r"|^\W*(?:all|none|both|neither)(?: of (?:these|them|those))?(?: (?:are|is) (?:true|correct|possible|applicable|"
    r"false|incorrect))?\W*$"
    r"|^\W*(?:both|neither|only|either)?\s*\(?[A-Ja-j]\)?\s*(?:,|and|or|&|nor)\s*\(?[A-Ja-j]\)?(?:\s*(?:,|and|or|"
    r"&)\s*\(?[A-Ja-j]\)?)*(?:\sonly)?\W*$"
    r"|^\W*(?:both|neither|only|solo)?\s*\(?[IViv]{1,3}\)?(?:[\s,]*(?:,|and|or|y|"
    r"&)[\s,]*\(?[IViv]{1,3}\)?)*[\s,]*(?:(?:only|are (?:true|correct)|is (?:true|correct)))?\W*$"
    r"|^\W*(?:[1-5]\s*(?:,|and|&|,\s?and)\s*)+[1-5](?:\s*only)?\W*$|[①-⑳]|^\W*(?:both|"
    r"neither)?\s*statements?\s(?:[1-4]|I{1,3}|one|two)\b|\bno other (?:choice|answer|option)|\bsame as (?:answer|"
    r"option)"
    r"|^\W*(?:\(?[a-h]\)\s*[-–:]|[1-4][A-D]\b)|\b(?:answers?|options?|choices?) (?:[A-J]|\(?[a-j]\))(?![\w])|"
    r"\b(?:not enough|insufficient) information (?:given|provided)\b",
    re.IGNORECASE,
)
_LETTERED_STEM_RE = re.compile(
    r"\b(?:option|choice|answer)s?\s[A-J]\b|(?:^|[\n?:;]\s*)\(?A[.)]\s.+\s\(?B[.)]\s.+", re.DOTALL
)
_STATEMENTS_RE = re.compile(r"(?:^|[\s:(])(?:I|i)[.):]\s.*(?:^|[\s(])(?:II|ii)[.):]\s", re.DOTALL)
_ROMAN_ANSWER_RE = re.compile(r"^\W*(?:[IVX]{1,4}\b[\s,]*(?:and|or|only|&)?[\s,]*)+\W*$")
_JUDGED_RE = re.compile(r"\s*Statement\s\d\s?\|")

_NEEDS_RE = re.compile(
    r"\bof (?:the|these) (?:following|options|choices|statements|answers|below)|\bof these\b|"
    r"\bthe following\b(?![^?]*:\s*\S)|\bwhich (?:\w+ ){0,2}(?:statements?|options?|choices?|answers?|descriptions?|"
    r"explanations?|expressions?|equations?|formulas?|"
    r"scenarios?|situations?|examples?|sentences?|arguments?|conclusions?|sets?|pairs?|combinations?|sequences?|"
    r"lists?|lines?|one|ones|element|elements|item|items|terms?|words?|phrases?|changes?|actions?|events?|factors?|"
    r"areas?|groups?|types?|kinds?|method|methods)\b"
    r"|(?-i:\b(?:EXCEPT|LEAST|NOT)\b)|\bexcept\b[\s:.?]*$|\bnot (?:true|correct|a|an|one|considered|included|"
    r"likely)\b|\b(?:best|most (?:accurately|appropriately|nearly|closely|likely|directly|clearly|strongly)|"
    r"most (?:accurate|appropriate|suitable|reasonable|plausible))\b|\bleast likely\b"
    r"|\b(?:is|are) (?:true|false|correct|incorrect)\b|\b(?:true|correct|incorrect|false) (?:statement|about|of|"
    r"regarding)\b|\bwhat can be (?:inferred|concluded)\b|\ban? examples? of\b.*[^?]$|\bchoose\b|\bselect\b|"
    r"\bidentify the (?:correct|best)\b",
    re.IGNORECASE,
)
_NEEDS_ELSEWHERE = {
    "ar": r"مما يلي|التالية?|الآتية?|(?:أي|ما) من (?:هذه|بين)|الخيارات?",
    "de": r"\b(?:folgende[nrs]?|welche[rs]? (?:der|dieser|von)|diese[rn]? (?:Aussagen|Antworten|Möglichkeiten))\b",
    "es": r"\b(?:siguientes?|cuál(?:es)? de|a continuación|opci(?:ón|ones)|alternativas?)\b",
    "fr": r"\b(?:suivante?s?|ci-après|laquelle|lequel|lesquel(?:le)?s|propositions?|parmi (?:ces|les))\b",
    "ru": r"\b(?:следующ\w+|перечисленн\w+|(?:как\w+|кто|что) из|вариант\w*|утвержден\w+)\b",
    "zh": "下列|以下|下面|下述|哪(?:一|几|两|些)?[项組组種种幅个些位]|选项|選項|正确的|不正确|"
    "最(?:可能|恰当|合适|符合|能|有可能)",
}
_BLANK_RE = re.compile(r"[（(]\s*[)）]|_{2,}")
_SHORT_ANSWER = 6
# Choices that only name places in a picture.
_LABEL_RE = re.compile(
    r"\W*(?:(?:point|line|area|region|panel|graph|curve)?\s*[A-Z]\d?|[甲乙丙丁戊①-⑩]|[IVX]{1,3})\W*", re.I
)
_NEEDS_ELSEWHERE_RES = {code: re.compile(pattern, re.IGNORECASE) for code, pattern in _NEEDS_ELSEWHERE.items()}
_OPEN_ENDING_RE = re.compile(
    r"\b(?:is|are|was|were|called|as|termed|named|by|of|the|a|an|in|to|equals|equal|"
    r"approximately|about)\s*[:.\-–—_…]*\s*$",
    re.IGNORECASE,
)
_QUESTION_RE = re.compile(r"[?？؟]")
_COLUMNS_RE = re.compile(r"[?:]\s+(?:[A-Z][A-Z&/-]+\s+){1,}(?:[a-z]+\s)*[A-Z][A-Z-]{2,}")
_QUOTED_RE = re.compile(r"[\"“][^\"”]*[\"”]")
_TASK_RE = re.compile(
    r"(?:^|[.:;,?!]\s+|\band\s|\bthen\s|\bto\s)(?:please\s)?(?:enumerate|calculate|find|determine|compute|evaluate|"
    r"solve|estimate|give|name|state|describe|explain|define|discuss|list|identify|express|convert|write|simplify|"
    r"derive|show|prove|predict|compare|distinguish|differentiate|characterize|outline|add|subtract|multiply|divide|"
    r"round|factor|assume|draw|design|what|how|who|when|where|why|which|using|use|round|translate|suggest|trace|"
    r"contrast|relate|summarize|account|indicate|report|return|provide|fill|obtain|work out|tell|specify|construct|"
    r"approximate|reduce|rewrite|graph|represent|complete|consider|classify|analyze|interpret|illustrate|justify|"
    r"criticize|comment|verify|formulate)\b",
    re.IGNORECASE,
)


def _same(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _check_answer(question: Question) -> None:
    answer = question.answer.strip()
    # One of several choices is an answer, whatever it looks like; and Na is sodium.
    stands = answer == "Na" or (len(question.choices) > 1 and any(map(str.isalpha, answer)))
    if _NO_ANSWER_RE.fullmatch(answer) and not stands:
        raise Refusal("missing_answer", f"the answer is {answer!r}")
    if any(_PLACEHOLDER_RE.fullmatch(choice) for choice in (answer, *question.choices[:1]) if choice.strip()):
        raise Refusal("missing_answer", f"a placeholder: {answer!r}")
    if question.choices:
        alike = sum(_same(choice) == _same(answer) for choice in question.choices)
        if alike != 1:
            raise Refusal("contradictory_answer", f"{alike} of the choices are the answer {answer!r}")
        if len(question.choices) > 1 and all(re.fullmatch(r"\W*[a-jA-J]\W*", choice) for choice in question.choices):
            raise Refusal("missing_answer", "the choices are letters alone")
    if found := _COMBINATION_RE.search(answer):
        raise Refusal("refers_to_choices", found[0].strip())


def _check_stem(question: Question, sees_pictures: bool) -> None:
    stem = question.stem.strip()
    if len(stem.split()) < _SHORTEST_STEM and not (stem.endswith("?") and len(stem.split()) > 1):
        raise Refusal("incomplete", f"the stem is {stem!r}")
    if _COLUMNS_RE.search(stem):
        raise Refusal("needs_table", "column headings after the question")
    if "|" in stem and _JUDGED_RE.match(stem):
        raise Refusal("incomplete", "statements to be judged, and no question")
    if _STATEMENTS_RE.search(stem) and question.choices and _ROMAN_ANSWER_RE.match(question.answer.replace("none", "")):
        raise Refusal("refers_to_choices", question.answer.strip())
    if _LETTERED_STEM_RE.search(stem):
        raise Refusal("refers_to_choices", "the stem lists lettered options")
    if len(re.findall(r"_{2,}", stem)) > 2:
        raise Refusal("incomplete", "more than two blanks")
    # The table or the passage that a stem points at is in its picture.
    can_see = sees_pictures and question.picture is not None
    if not can_see and (found := unseen(stem)):
        reason, words = found
        raise Refusal("needs_picture" if question.picture is not None else reason, words)
    if question.picture is not None and not can_see and (leaning := leans_on_picture(stem)):
        raise Refusal("needs_picture", leaning)


def check_question(question: Question, *, sees_pictures: bool) -> None:
    """Pass a question that can be asked and answered aloud, with its choices where it needs them.

    `sees_pictures`: whether the writer will be shown the question's picture. Questions that only a model can write a
    dialogue for, with a picture or in another language than English, need not be sayable by rule. Raises Refusal with
    one of REASONS.
    """
    _check_answer(question)
    if question.language.split("-")[0] != "en":
        _check_elsewhere(question, sees_pictures)
        return
    _check_stem(question, sees_pictures)
    if sees_pictures and question.picture is not None:
        check_held_out(question.stem)
        _check_lengths(question, len(question.stem.split()), len(question.answer.split()))
        return
    written = len(question.stem.split())
    if written > LONGEST_QUESTION * 5 // 4:
        # Saying it would only make it longer; the passages among these are what takes time.
        raise Refusal("too_long", f"{written} words in the question")
    asked = say(question.stem, question.language)
    answered = say(question.answer, question.language, question.stem)
    check_held_out(asked)
    _check_lengths(question, len(asked.split()), len(answered.split()))
    if not answered:
        raise Refusal("missing_answer", f"nothing to say of {question.answer!r}")
    if question.choices:
        _check_choices(question, answered)


def _check_elsewhere(question: Question, sees_pictures: bool) -> None:
    stem, language = question.stem.strip(), question.language
    if not knows(stem, language):
        raise Refusal("language", f"stated as '{language}', whose letters these are not, or are not known here")
    if other := contradicts(stem, language):
        raise Refusal("language", f"stated as '{language}', and is in '{other}'")
    words, answered = length_in_words(stem, language), length_in_words(question.answer, language)
    if words < _SHORTEST_STEM and not (stem.endswith(("?", "？", "؟")) and words > 1):
        raise Refusal("incomplete", f"the stem is {stem!r}")
    if not (sees_pictures and question.picture is not None):
        if found := points_at_picture(stem, language):
            raise Refusal("needs_picture", found)
        if question.picture is not None:
            raise Refusal("needs_picture", f"it has one, and nothing tells whether it stands without in '{language}'")
    _check_lengths(question, words, answered)


def _check_lengths(question: Question, words: int, answered: int) -> None:
    if words > LONGEST_QUESTION:
        raise Refusal("too_long", f"{words} words in the question")
    if answered > LONGEST_ANSWER:
        raise Refusal("too_long", f"{answered} words in the answer")
    if not any(map(str.isalnum, question.answer)):
        raise Refusal("missing_answer", f"nothing to say of {question.answer!r}")


def _check_choices(question: Question, answered: str) -> None:
    if not needs_choices(question):
        return
    said = [say(choice, question.language, question.stem) for choice in question.choices]
    if sum(_same(choice) == _same(answered) for choice in said) > 1:
        raise Refusal("contradictory_answer", f"two choices are both said {answered!r}")


def reads_as_question(stem: str) -> bool:
    """True where a stem ends as a question or a task ('Calculate ...') and does not break off before its choices."""
    unquoted = _QUOTED_RE.sub("", stem)
    return bool(_QUESTION_RE.search(unquoted) or (_TASK_RE.search(stem) and not _OPEN_ENDING_RE.search(stem)))


@lru_cache(maxsize=65_536)
def _needs(stem: str, answer: str) -> bool:
    if _NEEDS_RE.search(stem):
        return True
    if reads_as_question(stem) or "___" in stem:
        return False
    return not (_OPEN_ENDING_RE.search(stem) and len(answer.split()) <= 4)


def needs_choices(question: Question) -> bool:
    """True where a multiple-choice question makes no sense without its choices; False where it has none."""
    if not question.choices or all(map(_LABEL_RE.fullmatch, question.choices)):
        return bool(question.choices)
    stem, answer = question.stem.strip(), question.answer.strip()
    pointing = _NEEDS_ELSEWHERE_RES.get(question.language.split("-")[0])
    if pointing is None:
        return _needs(stem, answer)
    blank = _BLANK_RE.search(stem) and length_in_words(answer, question.language) > _SHORT_ANSWER
    return bool(blank or pointing.search(stem))
