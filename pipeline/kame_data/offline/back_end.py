"""A back end by rule: it finds which of the bundled questions is being asked, and says nothing to any other."""

import contextlib
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache

from kame_data import seeds
from kame_data.errors import Refusal
from kame_data.offline import asking
from kame_data.offline.writer import OfflineWriter
from kame_data.records import Question
from kame_data.sources.base import Source
from kame_data.sources.gsm8k import Gsm8k
from kame_data.sources.mmlu_pro import MmluPro
from kame_data.sources.own_questions import Questions
from kame_data.sources.pull import pull
from kame_data.text.function_words import function_words
from kame_data.text.spoken import say
from kame_data.text.words import bare_words

MATCHES = 0.55
"""The least share of what was heard, by weight, that a question holds."""
AHEAD = 1.25
"""The factor by which the best question matches better than the next one; below it nobody knows which is asked."""
LEAST_WORDS = 2
"""Words with content that a question must share with what was heard."""
_SOURCES: tuple[Source, ...] = (Questions(), Gsm8k(), MmluPro())
_ASKING = "what which who whose when where why how many much please can could tell me hello hi hey"


@dataclass(frozen=True, slots=True)
class _Known:
    """A bundled question: the words with content that it is asked with, and its answer."""

    words: frozenset[str]
    answer: str


class OfflineBackEnd:
    """Answers in the offline writer's words. Reads what is bundled, once in a process, and nothing else."""

    def __init__(self) -> None:
        self._known = _known()
        count = Counter(word for known in self._known for word in known.words)
        self._weights = {word: math.log(1 + len(self._known) / number) for word, number in count.items()}
        self._rare = math.log(1 + len(self._known))

    def answer(self, heard: str, language: str = "en") -> str:
        """The answer to the bundled question that the words so far are the most of; "" where it is none of them, or
        nobody can know yet which."""
        if language.split("-")[0] != "en" or not (words := content_words(heard)):
            return ""
        whole = sum(self._weights.get(word, self._rare) for word in words)
        matches = sorted(((self._match(words, known) / whole, known.answer) for known in self._known), reverse=True)
        (best, answer), (second, _) = matches[:2]
        return answer if best >= MATCHES and best >= AHEAD * second else ""

    def _match(self, words: list[str], known: _Known) -> float:
        shared = [word for word in words if word in known.words]
        return sum(self._weights[word] for word in shared) if len(shared) >= LEAST_WORDS else 0.0


def content_words(text: str) -> list[str]:
    """The words of a question that carry content, each once, numbers as they are said."""
    with contextlib.suppress(Refusal):  # a half of a formula, say, which is compared as it stands
        text = say(text)
    without = function_words("en") | _leads()
    return list(dict.fromkeys(word for word in bare_words(text) if word not in without))


@cache
def _leads() -> frozenset[str]:
    """The words that go before any question."""
    return frozenset(bare_words(" ".join((*asking.LEADS, *asking.OFFERS, _ASKING))))


@cache
def _known() -> tuple[_Known, ...]:
    """The bundled questions that can be asked, each once."""
    writer, found = OfflineWriter(0), dict[frozenset[str], _Known]()
    for question in _bundled():
        try:
            asked = asking.ask(question, seeds.rng(0, "dialogue", question.id, 0))
            answer = writer.write(question, 0).turns[1].text
        except Refusal:
            continue
        words = frozenset(content_words(" ".join((asked.stem, *asked.choices))))
        found.setdefault(words, _Known(words, answer))
    return tuple(found.values())


def _bundled() -> list[Question]:
    questions: list[Question] = []
    for source in _SOURCES:
        with pull(source, "sample") as pulled:
            questions += pulled.questions()
    return questions
