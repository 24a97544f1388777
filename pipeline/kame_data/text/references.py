"""Answers that point at statements of their own stem ("one and four"), put into the words of those statements."""

import re
from dataclasses import replace

from kame_data.records import Question
from kame_data.text.words import is_unspaced

_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
# By style: what stands before a statement, and what names one in an answer.
_STYLES = (
    (re.compile(rf"([{_CIRCLED}])"), re.compile(rf"[{_CIRCLED}]")),
    (re.compile(r"(?<![\w.])\(?([IVX]{1,4}|[ivx]{1,4})[.):]\s"), re.compile(r"\b(?:[IVX]{1,4}|[ivx]{1,4})\b")),
    (re.compile(r"(?<![\w.,])\(?([1-9])[.):](?=\s|[^\d\s])"), re.compile(r"\b[1-9]\b")),
)
_JOINS_RE = re.compile(
    r"[\s,;.、，；()&+]|\b(?:and|or|only|both|are|is|true|correct|statements?|solo|sólo|y|et|e|и|und)\b|[和与及]",
    re.IGNORECASE,
)
# A question that comes behind the last statement.
_BEHIND_RE = re.compile(
    r"(?:\n|\b(?:Among|Of|Which|Select|Choose|The correct|Based on)\b[^.;]{0,200}[?:)]|"
    r"其中|上述|以上|正确的|[（(]\s*[)）]).*",
    re.DOTALL,
)
_LONGEST_STEM = 6000
_MOST_LISTS = 10


def in_words(question: Question) -> Question:
    """The question with choices that are statements instead of their numbers, where its stem lists these; as it is,
    where it does not, or where it asks for their order."""
    for before, naming in _STYLES:
        sets = {choice: _named(choice, naming) for choice in (question.answer, *question.choices)}
        named = [tuple(sorted(found)) for choice in question.choices if (found := sets[choice])]
        if not sets[question.answer] or not named or len(set(named)) < len(named):
            continue
        statements = _statements(question.stem[:_LONGEST_STEM], before)
        if len(statements) < max(max(found, default=0) for found in sets.values()):
            continue
        join = joint(question.language)
        words = {c: join.join(statements[n - 1] for n in found) if found else c for c, found in sets.items()}
        choices = tuple(words[choice] for choice in question.choices)
        return replace(question, answer=words[question.answer], choices=choices)
    return question


def joint(language: str) -> str:
    """The sign between two statements of one answer."""
    return "；" if is_unspaced(language) else "; "


def listed(question: Question) -> tuple[str, ...]:
    """The statements of the stem that the choices are made of; none where the choices are something else."""
    stem, join = " ".join(question.stem.split()), joint(question.language)
    if not any(join in choice for choice in question.choices):
        return ()
    pieces = dict.fromkeys(piece for choice in question.choices for piece in choice.split(join))
    there = tuple(piece for piece in pieces if piece in stem)
    return there if len(there) > 1 and set(question.answer.split(join)) <= set(there) else ()


def _number(mark: str) -> int:
    """The number that a mark stands for; 0 for none of 1 to 10."""
    if mark in _CIRCLED:
        return _CIRCLED.index(mark) + 1
    return int(mark) if mark.isdigit() else _ROMAN.index(mark.lower()) + 1 if mark.lower() in _ROMAN else 0


def _named(choice: str, naming: re.Pattern[str]) -> list[int]:
    """The numbers of statements in a choice that names statements and nothing else."""
    marks = [_number(mark) for mark in naming.findall(choice)]
    rest = _JOINS_RE.sub("", naming.sub("", choice))
    return marks if marks and not rest and all(marks) and len(set(marks)) == len(marks) else []


def _statements(stem: str, before: re.Pattern[str]) -> list[str]:
    """The statements that stand in the stem behind the marks 1, 2, 3 and so on; the last such list."""
    marks = [(match, _number(match[1])) for match in before.finditer(stem)]
    begins = [index for index, (_, number) in enumerate(marks) if number == 1]
    for first in reversed(begins[-_MOST_LISTS:]):
        chain = [marks[first][0]]
        for match, number in marks[first + 1 :]:
            if number == len(chain) + 1:
                chain.append(match)
        ends = [*(match.start() for match in chain[1:]), len(stem)]
        found = [stem[match.end() : end] for match, end in zip(chain, ends, strict=True)]
        found[-1] = _BEHIND_RE.sub("", found[-1], count=1)
        found = [" ".join(text.split()).strip(" ;；.。,，、") for text in found]
        if len(found) > 1 and all(sum(map(str.isalnum, text)) > 1 and not {*"?？"} & {*text} for text in found):
            return found
    return []
